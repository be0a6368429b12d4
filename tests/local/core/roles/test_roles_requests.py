"""What a request asks for: every operation has an action of AWS's reference, and the resources are AWS's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.core.utils import get_service_model

from infra.local.core.registry import MODEL_NAMES
from infra.local.core.roles import requests
from infra.local.core.roles.requests.actions import EXCEPTIONS, action_of, known

HERE = Path(__file__).parent
ACCOUNT, REGION = "123456789012", "us-east-1"
SHORT = {":R:": f":{REGION}:", ":A:": f":{ACCOUNT}:", "/A/": f"/{ACCOUNT}/"}


def _full(value: Any) -> Any:
    if isinstance(value, str):
        if value.startswith("A:"):
            value = ACCOUNT + value[1:]
        for short, long in SHORT.items():
            value = value.replace(short, long)
        return value
    if isinstance(value, dict):
        return {key: _full(item) for key, item in value.items()}
    return [_full(item) for item in value] if isinstance(value, list) else value


def _told(checks: Any) -> list[str]:
    return [f"{check.action} on {check.resource}" for check in checks]


CASES = yaml.load((HERE / "requests.yaml").read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    CASES,
    ids=[f"{case[0]}-{case[1]}-{n}" for n, case in enumerate(CASES)],
)
def test_request(service: str, operation: str, parameters: dict[str, Any], expected: list[str]) -> None:
    request = requests.Request(requests.prefix_of(service), operation, _full(parameters), ACCOUNT, REGION)
    assert _told(requests.checks(request)) == _full(expected)


S3 = yaml.load((HERE / "s3_requests.yaml").read_text(), yaml.CSafeLoader)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "expected"), S3, ids=[" ".join(map(str, case[:3])) for case in S3]
)
def test_s3_request(method: str, path: str, query: str, headers: dict[str, str], expected: list[str]) -> None:
    found = list(requests.s3.checks(method, path, query, headers))
    assert _told(found) == expected
    assert all(known(check.action) for check in found)


def test_deleted_objects_are_asked_one_by_one() -> None:
    body = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><VersionId>1</VersionId></Object></Delete>"
    assert _told(requests.s3.checks("POST", "/b", "delete", {}, body)) == [
        "s3:DeleteObject on arn:aws:s3:::b/a&b",
        "s3:DeleteObjectVersion on arn:aws:s3:::b/c",
    ]


def test_every_action_of_the_s3_tables_is_aws_s() -> None:
    tables = (requests.s3._BUCKET, requests.s3._OBJECT)
    named = {action for table in tables for actions in table.values() for action in actions if action}
    named |= {*requests.s3._VERSIONED, *requests.s3._VERSIONED.values()}
    assert [action for action in sorted(named) if not known(f"s3:{action}")] == []


@pytest.mark.parametrize(
    "service", ["firehose", "databrew", "states", "events", "sts", "scheduler", "pipes", "budgets"]
)
def test_every_operation_has_an_action(service: str) -> None:
    model = get_service_model(MODEL_NAMES.get(service, service))
    assert [name for name in model.operation_names if not known(f"{service}:{action_of(service, name)}")] == []


def test_exceptions_are_actions() -> None:
    named = {f"{prefix}:{action}" for prefix, actions in EXCEPTIONS.items() for action in actions.values()}
    assert [action for action in sorted(named) if not known(action)] == []


def test_keys_of_a_request() -> None:
    listing = next(requests.s3.checks("GET", "/b", "list-type=2&prefix=data%2F&delimiter=%2F&max-keys=5", {}))
    assert listing.keys == {"s3:prefix": ("data/",), "s3:delimiter": ("/",), "s3:max-keys": ("5",)}
    put = next(requests.s3.checks("PUT", "/b/k", "", {"x-amz-server-side-encryption": "AES256"}))
    assert put.keys == {"s3:x-amz-server-side-encryption": ("AES256",)}
    tagged = requests.Request("kinesis", "CreateStream", {"StreamName": "s", "Tags": {"team": "red"}}, ACCOUNT, REGION)
    assert next(requests.checks(tagged)).keys == {"aws:requesttag/team": ("red",), "aws:tagkeys": ("team",)}
    untagged = requests.Request(
        "iam", "TagRole", {"RoleName": "r", "Tags.member.1.Key": "a", "Tags.member.1.Value": "b"}, ACCOUNT, REGION
    )
    assert next(requests.checks(untagged)).keys["aws:tagkeys"] == ("a",)
    passed = requests.Request(
        "states", "CreateStateMachine", {"name": "m", "roleArn": "arn:aws:iam::1:role/r"}, ACCOUNT, REGION
    )
    assert list(requests.checks(passed))[-1].keys == {"iam:passedtoservice": ("states.amazonaws.com",)}
