"""A service acts as a role: whom the role trusts, whose credentials they are, and what the role allows now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.iam.models import iam_backends

from infra.local.core import roles, state
from infra.local.core.roles import identities

REGION = "us-east-1"


@pytest.fixture
def iam(tmp_path, account: str) -> Iterator[Any]:
    state.open(tmp_path)
    yield iam_backends[account]["aws"]


def _trust(service: str, condition: dict[str, Any] | None = None) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _role(iam: Any, name: str, trust: str) -> Any:
    return iam.create_role(name, trust, "/", None, "", [], "3600")


def _allow(action: str, resource: str = "*") -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    )


def test_the_account_is_written_in_the_key(iam: Any, account: str) -> None:
    _role(iam, "worker", _trust("glue"))
    session = roles.session(account, "worker", "glue", name="GlueJobRunnerSession")
    assert identities.account_in(session.access_key) == account
    assert roles.account_of(session.access_key) == account
    assert session.arn == f"arn:aws:sts::{account}:assumed-role/worker/GlueJobRunnerSession"
    assert roles.session(account, session.role.arn, "glue", name="GlueJobRunnerSession") is session


def test_a_role_is_not_there_or_does_not_trust(iam: Any, account: str) -> None:
    role = _role(iam, "worker", _trust("glue"))
    with pytest.raises(roles.CannotAssume):
        roles.session(account, "nobody", "glue")
    with pytest.raises(roles.CannotAssume):
        roles.session(account, role.arn, "firehose")
    role.assume_role_policy_document = _trust("firehose")
    assert roles.session(account, role.arn, "firehose").service == "firehose"
    with pytest.raises(roles.CannotAssume):
        roles.session(account, role.arn, "glue")


def test_what_services_tell_to_a_trust_policy(iam: Any, account: str) -> None:
    mine = {"StringEquals": {"aws:SourceAccount": account}}
    for service, trusted in (("glue", False), ("kinesisanalytics", True), ("states", True), ("firehose", True)):
        role = _role(iam, f"for-{service}", _trust(service, mine))
        if trusted:
            assert roles.session(account, role.arn, service)
        else:
            with pytest.raises(roles.CannotAssume):
                roles.session(account, role.arn, service)
    external = _role(iam, "external", _trust("firehose", {"StringEquals": {"sts:ExternalId": account}}))
    assert roles.session(account, external.arn, "firehose")
    machine = _role(
        iam, "machine", _trust("states", {"ArnLike": {"aws:SourceArn": "arn:aws:states:*:*:stateMachine:m"}})
    )
    arn = f"arn:aws:states:{REGION}:{account}:stateMachine:"
    assert roles.session(account, machine.arn, "states", source_arn=f"{arn}m")
    with pytest.raises(roles.CannotAssume):
        roles.session(account, machine.arn, "states", source_arn=f"{arn}other")


def test_a_new_policy_counts_at_once(iam: Any, account: str) -> None:
    _role(iam, "worker", _trust("glue"))
    session = roles.session(account, "worker", "glue", name="AWS-Crawler")
    with pytest.raises(roles.Denied) as denied:
        roles.check(session, REGION, "s3:GetObject", "arn:aws:s3:::lake/a")
    assert str(denied.value) == (
        f"User: arn:aws:sts::{account}:assumed-role/worker/AWS-Crawler is not authorized to perform: s3:GetObject on resource: "
        "arn:aws:s3:::lake/a because no identity-based policy allows the s3:GetObject action"
    )
    iam.put_role_policy("worker", "read", _allow("s3:GetObject", "arn:aws:s3:::lake/*"))
    roles.check(session, REGION, "s3:GetObject", "arn:aws:s3:::lake/a")
    assert not roles.is_allowed(session, REGION, "s3:PutObject", "arn:aws:s3:::lake/a")
    iam.delete_role_policy("worker", "read")
    iam.delete_role("worker")
    _role(iam, "worker", _trust("glue"))
    iam.put_role_policy("worker", "read", _allow("s3:GetObject", "arn:aws:s3:::lake/*"))
    assert not roles.is_allowed(session, REGION, "s3:GetObject", "arn:aws:s3:::lake/a"), "a session of the deleted role"
    assert roles.session(account, "worker", "glue", name="AWS-Crawler") is not session


def test_a_boundary_holds_a_role(iam: Any, account: str) -> None:
    boundary = iam.create_policy("", "/", _allow("kinesis:*"), "limit", [])
    _role(iam, "worker", _trust("glue")).permissions_boundary_arn = boundary.arn
    iam.put_role_policy("worker", "all", _allow("*"))
    session = roles.session(account, "worker", "glue")
    assert roles.is_allowed(session, REGION, "kinesis:ListStreams")
    with pytest.raises(roles.Denied, match="because no permissions boundary allows the glue:GetTables action"):
        roles.check(session, REGION, "glue:GetTables", f"arn:aws:glue:{REGION}:{account}:catalog")
