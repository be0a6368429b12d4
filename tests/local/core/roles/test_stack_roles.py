"""The proof that the templates' roles have enough and no more: each right was used by a cell of a chapter, or stands in the table of those that AWS
needs, and without it that cell's call is denied. `make rehearsal`, or `workshop permissions --record`, writes the recording anew.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import yaml

from infra.local.core.roles import context
from infra.local.core.roles.evaluation import Ask, Decision, Kind, Policies, Principal, evaluate
from infra.local.core.roles.policy import Policy, parse
from infra.local.core.roles.requests.actions import known, resource_types
from infra.permissions.recording import RECORDED
from tests import stack_roles

Right = tuple[str, str, str]  # role, Sid, action
RECORDING = json.loads(RECORDED.read_text())
NEEDED = yaml.load(RECORDED.with_name("needed.yaml").read_text(), yaml.CSafeLoader)


def _granted() -> list[Right]:
    return [
        (name, statement["Sid"], action)
        for name, role in stack_roles.roles().items()
        for statement in stack_roles.statements(role)
        if statement["Effect"] == "Allow"
        for action in stack_roles.actions(statement)
    ]


def _used() -> dict[Right, dict[str, Any]]:
    return {
        (role, sid, action): call
        for role, sids in RECORDING["used"].items()
        for sid, actions in sids.items()
        for action, call in actions.items()
    }


def _needed(right: Right) -> list[dict[str, Any]]:
    """The entries of the table that speak of a right."""
    role, sid, action = right
    return [
        entry
        for entry in NEEDED
        if role in entry["roles"] and action in entry["actions"] and entry.get("statement", sid) == sid
    ]


def test_every_right_was_used_or_is_needed_by_aws() -> None:
    used = _used()
    assert [right for right in _granted() if right not in used and not _needed(right)] == []


def test_the_table_names_only_what_is_granted_and_was_not_used() -> None:
    """Each entry has AWS's page and a reason; what a chapter uses by now needs none."""
    used, granted = _used(), _granted()
    for entry in NEEDED:
        assert entry["page"].startswith("https://docs.aws.amazon.com/") and entry["why"].strip()
        for role in entry["roles"]:
            for action in entry["actions"]:
                mine = [
                    right for right in granted if right[0] == role and right[2] == action and entry in _needed(right)
                ]
                assert mine and not all(right in used for right in mine), (role, action)


def test_nothing_was_asked_for_and_denied() -> None:
    assert RECORDING["denied"] == {}


def test_every_action_is_aws_s_and_can_be_limited_to_its_resource() -> None:
    """An action without a resource type is allowed on `*` only: on an ARN the statement never applies."""
    for name, role in stack_roles.roles().items():
        sids = [statement["Sid"] for statement in stack_roles.statements(role)]
        assert len(set(sids)) == len(sids), name
        for statement in stack_roles.statements(role):
            for action in stack_roles.actions(statement):
                prefix, _, operation = action.partition(":")
                assert known(action), action
                on_all = statement["Resource"] == "*" or action == "logs:DescribeLogGroups"  # its page says log-group:*
                assert resource_types(prefix, operation) or on_all, (name, action, statement["Resource"])


@cache
def _policies(name: str) -> tuple[Policy, ...]:
    return tuple(parse(each["PolicyDocument"]) for each in stack_roles.roles()[name]["Policies"])


def _without(name: str, sid: str, action: str) -> tuple[Policy, ...]:
    documents = json.loads(json.dumps([each["PolicyDocument"] for each in stack_roles.roles()[name]["Policies"]]))
    for document in documents:
        for statement in document["Statement"]:
            if statement["Sid"] == sid:
                left = [each for each in stack_roles.actions(statement) if each != action]
                statement["Action"] = left or ["none:None"]
    return tuple(map(parse, documents))


def _decide(name: str, action: str, call: dict[str, Any], policies: tuple[Policy, ...]) -> Decision:
    arn = f"arn:aws:iam::{stack_roles.ACCOUNT}:role/{name}"
    session = f"arn:aws:sts::{stack_roles.ACCOUNT}:assumed-role/{name}/session"
    who = Principal(Kind.ROLE, stack_roles.ACCOUNT, session, arn, "AROASESSION")
    keys = context.of_request(who, stack_roles.REGION, action.partition(":")[0])
    keys.update({key: tuple(values) for key, values in call["keys"].items()})
    return evaluate(Ask(who, action, call["resource"], keys), Policies(identity=policies))


CALLS = [pytest.param(*right, call, id="-".join(right)) for right, call in sorted(_used().items())]


@pytest.mark.parametrize(("role", "sid", "action", "call"), CALLS)
def test_without_a_right_its_call_is_denied(role: str, sid: str, action: str, call: dict[str, Any]) -> None:
    told = f"{call['chapter']}, cell {call['cell']}: {call['line']}"
    assert (role, sid, action) in _granted(), f"{told} used it, and the template does not grant it any more"
    assert _decide(role, action, call, _policies(role)).allowed, told
    if call["alone"]:
        assert not _decide(role, action, call, _without(role, sid, action)).allowed, told
