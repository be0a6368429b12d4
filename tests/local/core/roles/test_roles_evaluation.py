"""AWS's evaluation logic, by cases written by hand in the files beside this one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.core.roles.conditions import holds
from infra.local.core.roles.evaluation import Ask, Kind, Policies, Principal, evaluate
from infra.local.core.roles.matching import action_matches, arn_matches, glob_matches, replace_variables, unescaped
from infra.local.core.roles.policy import Condition, MalformedPolicy, Policy, parse

HERE = Path(__file__).parent
ACCOUNT = "123456789012"
CALLERS = {
    "root": Principal(Kind.ROOT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
    "ana": Principal(
        Kind.USER, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ana", f"arn:aws:iam::{ACCOUNT}:user/ana", "AIDAANA"
    ),
    "worker": Principal(
        Kind.ROLE,
        ACCOUNT,
        f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s",
        f"arn:aws:iam::{ACCOUNT}:role/worker",
        "AROAWORKER",
    ),
}


def _cases(name: str) -> Any:
    return yaml.load((HERE / name).read_text(), yaml.CSafeLoader)


def _tuple(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in listed)


OPERATORS = [case for group in _cases("operators.yaml").values() for case in group]
MATCHING = _cases("matching.yaml")
EVALUATION = _cases("evaluation.yaml")
MALFORMED = _cases("malformed.yaml")


@pytest.mark.parametrize(("operator", "wanted", "given", "expected"), OPERATORS, ids=str)
def test_operator(operator: str, wanted: Any, given: Any, expected: bool) -> None:
    context = {} if given is None else {"test:key": _tuple(given)}
    assert holds(Condition(operator, "Test:Key", _tuple(wanted)), context, has_variables=True) is expected


@pytest.mark.parametrize(("pattern", "action", "expected"), MATCHING["actions"], ids=str)
def test_action(pattern: str, action: str, expected: bool) -> None:
    assert action_matches(pattern, action) is expected


@pytest.mark.parametrize(("pattern", "arn", "expected"), MATCHING["resources"], ids=str)
def test_resource(pattern: str, arn: str, expected: bool) -> None:
    assert arn_matches(pattern, arn) is expected


@pytest.mark.parametrize(("pattern", "keys", "expected"), MATCHING["variables"], ids=str)
def test_variable(pattern: str, keys: dict[str, Any], expected: str | None) -> None:
    replaced = replace_variables(pattern, {key: _tuple(value) for key, value in keys.items()})
    assert (None if replaced is None else unescaped(replaced)) == expected


def _policies(case: dict[str, Any], name: str) -> tuple[Policy, ...] | None:
    if name not in case:
        return None
    return (parse({"Version": case.get("version", "2012-10-17"), "Statement": case[name]}, name=name),)


@pytest.mark.parametrize("case", EVALUATION, ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    caller = CALLERS.get(case["caller"]) or Principal(Kind.SERVICE, "", case["caller"])
    action, resource = case["ask"]
    context = {key: _tuple(value) for key, value in case.get("context", {}).items()}
    decision = evaluate(
        Ask(caller, action, resource, context, case.get("resource_account", "")),
        Policies(
            identity=_policies(case, "identity") or (),
            boundary=_policies(case, "boundary"),
            session=_policies(case, "session"),
            resource=_policies(case, "resource") or _policies(case, "trust") or (),
            resource_decides="trust" in case,
        ),
    )
    told = (
        "allowed" if decision.allowed else f"{'explicit' if decision.explicit else 'implicit'} {decision.layer.value}"
    )
    assert told == case["answer"]


@pytest.mark.parametrize(("text", "message"), MALFORMED, ids=[text[:60] for text, _ in MALFORMED])
def test_malformed(text: str, message: str) -> None:
    with pytest.raises(MalformedPolicy) as error:
        parse(text)
    assert str(error.value) == message


def test_there_are_two_hundred_cases() -> None:
    lists = (OPERATORS, *MATCHING.values(), EVALUATION, MALFORMED)
    assert sum(map(len, lists)) >= 200


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    begun = time.process_time()
    assert not glob_matches("*a" * 20 + "*b", "a" * 5000)
    assert glob_matches("a*?c*", "abbcx") and not glob_matches("a*b?", "ab")
    assert time.process_time() - begun < 1
