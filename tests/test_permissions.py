"""`workshop permissions`: what a role was granted and used, never used, and was denied, also after a restart."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import permissions
from tests.polling import until
from tests.service_roles import policy, put_rights

ACCOUNT = "200000007001"


def _session(server: Any, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    return boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="x", region_name="us-east-1")


def test_a_role_s_report(own_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = lambda service: own_server.client(service, ACCOUNT)  # noqa: E731
    trust = {"Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    arn = client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    put_rights(client, "worker", {"Action": ["kinesis:List*", "glue:GetTables"], "Resource": "*"})
    keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    given = {
        "endpoint_url": own_server.endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    boto3.client("kinesis", **given).list_streams()
    for _ in range(2):
        with pytest.raises(ClientError):
            boto3.client("firehose", **given).list_delivery_streams()
    (report,) = permissions.of(_session(own_server, monkeypatch), ["worker"])
    assert str(report) == (
        "worker\n"
        "  granted and used:\n    kinesis:List*\n"
        "  granted and never used:\n    glue:GetTables\n"
        "  asked and denied:\n    firehose:ListDeliveryStreams on * (2 times)"
    )
    own_server.stop()
    until(lambda: (own_server.home / "state" / "permissions.json").exists())
    own_server.restart()
    assert permissions.of(_session(own_server, monkeypatch), []) == [report]
    with pytest.raises(ValueError, match="There is no role nobody. Roles: worker."):
        permissions.of(_session(own_server, monkeypatch), ["nobody"])
