"""`workshop preflight` against the local AWS under another profile's name: each finding, provoked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError

from infra import cli, preflight, project
from infra.rehearsal import PARTICIPANT
from infra.teaching import cost
from tests.service_roles import policy, put_rights

STACKS = project.ROOT / "infra" / "stacks"


@pytest.fixture
def look(server: Any, client: Callable[..., Any], account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The findings for a role with these rights, by what they are of; for root without rights."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)

    def found(*rights: dict[str, Any]) -> dict[str, preflight.Finding]:
        keys = {"AccessKeyId": account, "SecretAccessKey": "x", "SessionToken": None}
        if rights:
            trust = {"Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
            arn = client("iam").create_role(RoleName="learner", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
            put_rights(client, "learner", *rights)
            keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
        return {each.what: each for each in preflight.look(session, STACKS)}

    return found


ALL = {"Action": "*", "Resource": "*"}


def test_a_ready_account(look: Callable[..., Any]) -> None:
    findings = look(ALL)
    assert [each for each in findings.values() if not each.ok] == []
    assert findings["identity"].told.endswith("assumed-role/learner/me")
    assert re.match(r"all stacks 0\.\d\d USD an hour while they exist; a crawl at least 0\.15", findings["price"].told)


def test_root_is_no_learner(look: Callable[..., Any]) -> None:
    assert look()["identity"].ok is False


def test_a_missing_right_is_named(look: Callable[..., Any]) -> None:
    findings = look(ALL, {"Effect": "Deny", "Action": ["glue:CreateSession", "firehose:De*"], "Resource": "*"})
    assert findings["may: CrawlersJobsSessions"].told.startswith("lacks glue:CreateSession. Ask for")
    assert findings["may: DeliveryStreams"].told.startswith(
        "lacks firehose:DeleteDeliveryStream, firehose:DescribeDeliveryStream."
    )
    assert findings["may: Queries"].ok


def test_a_role_that_may_be_passed_to_nobody(look: Callable[..., Any]) -> None:
    findings = look(ALL, {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"})
    assert findings["may: HandOverRoles"].told.startswith("lacks iam:PassRole.")


def test_the_participant_has_what_is_looked_for(
    look: Callable[..., Any], cloud: Any, server: Any, account: str
) -> None:
    from helpers import stacks

    stacks.deploy("00_participant")
    asking = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*"}
    cloud("iam").put_role_policy(RoleName=PARTICIPANT, PolicyName="asking", PolicyDocument=policy(asking))
    arn = f"arn:aws:iam::{account}:role/{PARTICIPANT}"
    keys = cloud("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    findings = list(preflight.look(session, STACKS))
    assert [each for each in findings if not each.ok] == []
    assert len([each for each in findings if each.what.startswith("may: ")]) > 15


def test_without_a_region(look: Callable[..., Any], account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    session = boto3.Session(account, "x")
    assert [each[:2] for each in preflight.look(session, STACKS)] == [("region", False)]


def test_no_keys(look: Callable[..., Any]) -> None:
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "x", None, "us-east-1")
    session.client = lambda name: (_ for _ in ()).throw(NoCredentialsError())  # type: ignore[method-assign]
    (found,) = preflight.look(session, STACKS)
    assert found.ok is False and "`aws configure` sets them" in found.told


def test_what_may_not_be_asked_is_not_known(look: Callable[..., Any]) -> None:
    findings = look(ALL, {"Effect": "Deny", "Action": ["iam:Simulate*", "kinesis:DescribeLimits"], "Resource": "*"})
    assert findings["permissions"] == ("permissions", None, "may not be asked: SimulatePrincipalPolicy")
    assert findings["stream quota"].ok is None


def test_streams_that_leave_no_room(look: Callable[..., Any], client: Callable[..., Any]) -> None:
    limit = client("kinesis").describe_limits()["ShardLimit"]
    needed = sum(cost.shards(path.read_text()) for path in STACKS.glob("*.yaml"))
    client("kinesis").create_stream(StreamName="others", ShardCount=limit - needed + 1)
    told = (
        f"{needed - 1} of {limit} are free, {needed} are needed. Delete streams, or ask for a higher quota (L-1D37F3FC)"
    )
    assert look(ALL)["quota of shards"] == ("quota of shards", False, told)


def test_roles_that_leave_no_room(
    look: Callable[..., Any], client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.fullmatch(r"\d+ of 1000 are free, 2\d are needed", look(ALL)["quota of roles"].told)
    monkeypatch.setattr(preflight, "ROLE", re.compile(r"^", re.MULTILINE))  # a template of thousands of roles
    (found,) = (each for each in preflight._roles_quota(SimpleNamespace(client=client), {}, STACKS))
    assert found.ok is False and found.told.endswith("Delete roles, or ask for a higher quota (L-FE177D64)")


def test_a_bucket_of_somebody_else(look: Callable[..., Any], server: Any, account: str) -> None:
    bucket = f"aw-{account}-analytics-workshop-bucket"
    server.client("s3", "299999999955").create_bucket(Bucket=bucket)
    found = look(ALL)["names"]
    assert found.ok is False and found.told.startswith(f"the bucket {bucket} is somebody else's")


def test_many_missing_rights_are_counted(look: Callable[..., Any]) -> None:
    told = look(ALL, {"Effect": "Deny", "Action": "databrew:*", "Resource": "*"})["may: DataBrew"].told
    assert re.match(r"lacks (databrew:\w+, ){4}databrew:\w+ and \d\d more\. Ask for them", told)


def test_leftovers_and_names(look: Callable[..., Any], cloud: Any, account: str) -> None:
    from helpers import stacks

    stacks.deploy("01_ingest")
    findings = look(ALL)
    assert findings["leftovers"].told == "analytics-workshop-01-ingest: 0.72 USD a day. Notebook 11 deletes them"
    assert findings["names"].ok is False and "is there already, in this account" in findings["names"].told


def test_the_command(server: Any, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile course]\nregion = us-east-1\nendpoint_url = {server.endpoint}\n"
        f"aws_access_key_id = {account}\naws_secret_access_key = x\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert cli.main(["preflight", "--profile", "course"]) == 1
    told = capsys.readouterr().out
    assert "NOT OK identity" in told and "ok     price" in told
    assert cli.main(["preflight", "--profile", "nobody"]) == 1
    assert "There is no AWS profile 'nobody'" in capsys.readouterr().err
