"""Policy documents as evaluation needs them: parsed once, every element a tuple.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from infra.local.core.roles.operators import is_operator

ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
VERSIONS = ("2012-10-17", "2008-10-17")


class MalformedPolicy(ValueError):
    """A document that is no policy; the message is AWS's."""


@dataclass(frozen=True)
class Condition:
    """One operator on one key: true when a value of the request meets it."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement; `actions` and the like are None where the element is absent."""

    sid: str
    allows: bool
    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    not_resources: tuple[str, ...] | None = None
    principals: Mapping[str, tuple[str, ...]] | None = None
    not_principals: Mapping[str, tuple[str, ...]] | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Policy:
    """A policy document, and where it came from: its ARN, or "" for an inline one, and its name."""

    statements: tuple[Statement, ...]
    version: str = "2008-10-17"
    arn: str = ""
    name: str = ""
    text: str = field(default="", compare=False, repr=False)

    @property
    def has_variables(self) -> bool:
        """Variables are plain text in documents of the old version, which is the one of a document without a version."""
        return self.version == "2012-10-17"

    @cached_property
    def is_plain(self) -> bool:
        """Whether no answer of this policy depends on a key of the request: there are neither conditions nor variables."""
        return not any(each.conditions for each in self.statements) and not (self.has_variables and "${" in self.text)

    @cached_property
    def asks_resource_tags(self) -> bool:
        """Whether an answer may depend on the tags of the resource."""
        text = self.text.lower()
        return "resourcetag/" in text or "existingobjecttag/" in text


def parse(document: str | Mapping[str, Any], arn: str = "", name: str = "") -> Policy:
    """Return the policy of a document.

    Parameters
    ----------
    document: JSON text, or what it says
    arn, name: of the managed policy, or the name of the inline one: told in denials and simulations

    Raises
    ------
    MalformedPolicy: no JSON, or no policy
    """
    if isinstance(document, str):
        return _parse_text(document, arn, name)
    return _policy(document, arn, name, json.dumps(document))


@lru_cache(maxsize=1024)
def _parse_text(text: str, arn: str, name: str) -> Policy:
    try:
        document = json.loads(text, object_pairs_hook=_without_repetition)
    except (json.JSONDecodeError, RecursionError):
        raise MalformedPolicy("Syntax errors in policy.") from None
    return _policy(document, arn, name, text)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedPolicy("Syntax errors in policy.")
    return made


def _policy(document: Any, arn: str, name: str, text: str) -> Policy:
    if not isinstance(document, Mapping) or document.keys() - {"Version", "Id", "Statement"}:
        raise MalformedPolicy("Syntax errors in policy.")
    version = document.get("Version", VERSIONS[1])
    if version not in VERSIONS:
        raise MalformedPolicy("Syntax errors in policy.")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicy("Syntax errors in policy.")
    return Policy(tuple(_statement(each) for each in statements), version, arn, name, text)


def _statement(given: Any) -> Statement:
    if not isinstance(given, Mapping) or given.keys() - ELEMENTS:
        raise MalformedPolicy("Syntax errors in policy.")
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in given and other in given:
            raise MalformedPolicy("Syntax errors in policy.")
    if given.get("Effect") not in ("Allow", "Deny") or not isinstance(given.get("Sid", ""), str):
        raise MalformedPolicy("Syntax errors in policy.")
    if "Action" not in given and "NotAction" not in given:
        raise MalformedPolicy("Policy statement must contain actions.")
    return Statement(
        given.get("Sid", ""),
        given["Effect"] == "Allow",
        _texts(given, "Action"),
        _texts(given, "NotAction"),
        _texts(given, "Resource"),
        _texts(given, "NotResource"),
        _principals(given, "Principal"),
        _principals(given, "NotPrincipal"),
        _conditions(given.get("Condition", {})),
    )


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    if name not in given:
        return None
    values = given[name] if isinstance(given[name], list) else [given[name]]
    if not all(isinstance(each, str) for each in values):
        raise MalformedPolicy("Syntax errors in policy.")
    return tuple(values)


def _principals(given: Mapping[str, Any], name: str) -> Mapping[str, tuple[str, ...]] | None:
    if name not in given:
        return None
    value = given[name]
    if value == "*":
        return {"*": ("*",)}
    if not isinstance(value, Mapping) or value.keys() - {"AWS", "Service", "Federated", "CanonicalUser"}:
        raise MalformedPolicy("Syntax errors in policy.")
    return {kind: _texts(value, kind) or () for kind in value}


def _conditions(given: Any) -> tuple[Condition, ...]:
    if not isinstance(given, Mapping):
        raise MalformedPolicy("Syntax errors in policy.")
    found = []
    for operator, keys in given.items():
        if not isinstance(keys, Mapping) or not is_operator(operator):
            raise MalformedPolicy("Syntax errors in policy.")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            found.append(Condition(operator, key, tuple(_condition_value(each) for each in listed)))
    return tuple(found)


def _condition_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise MalformedPolicy("Syntax errors in policy.")
