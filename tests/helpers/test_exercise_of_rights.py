"""Exercise 8.6: what IAM's simulator says of a learner's statement."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from infra.teaching.exercise import Wrong, find


def _statement(resource: Any, action: Any = "s3:PutObject") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


LAKE = "arn:aws:s3:::lake"
WRONG = [
    ("s3:PutObject", "Set the answer to a whole statement"),
    (_statement(LAKE), "Still denied"),
    (_statement(f"{LAKE}/serve/today.json"), "and no other under serve/"),
    (_statement(f"{LAKE}/*"), "everywhere in the bucket"),
    (_statement(f"{LAKE}/serve/*", "s3:*"), "It may s3:GetObject and s3:DeleteObject and"),
    (_statement(f"{LAKE}/serve/*", "s3:PutObject*"), "It may s3:PutObjectAcl and"),
    (_statement(f"{LAKE}/serve*"), "takes served/"),
    (_statement(f"{LAKE}/*serve/*"), "A star in front"),
    (_statement("arn:aws:s3:::*/serve/*"), "A star in front"),
    ({"Effect": "Maybe"}, "IAM does not take it"),
    ('{"Effect": ', "is no JSON"),
    (_statement(object()), "A statement is JSON"),
    ([], "Set the answer to a whole statement"),
    (None, "Set the answer to a whole statement"),
]


@pytest.fixture
def names(client: Callable[..., Any]) -> dict[str, Any]:
    return {"bucket": "lake", "aws": SimpleNamespace(client=client)}


@pytest.mark.parametrize(("answer", "told"), WRONG)
def test_statements_that_are_not_right(names: dict[str, Any], answer: Any, told: str) -> None:
    with pytest.raises(Wrong, match=told):
        find("8.6").judge(answer, names)


def test_the_right_statement(names: dict[str, Any]) -> None:
    solved: dict[str, Any] = {}
    exec(find("8.6").solution, {"bucket": "lake"}, solved)
    assert "serve/*" in find("8.6").judge(solved["answer_8_6"], names)
    right = solved["answer_8_6"]
    policy = {"Version": "2012-10-17", "Statement": [right]}
    for answer in (
        policy,
        json.dumps(policy),
        json.dumps(right),
        f" [{json.dumps(right)}]",
        (right,),
        right | {"Action": {"s3:PutObject"}},
    ):
        assert "serve/*" in find("8.6").judge(answer, names)
