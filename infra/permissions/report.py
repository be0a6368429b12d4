"""What the roles of an account were granted, and what the local AWS recorded that they asked for.

A role with rights that it never uses has too many; one that was denied has too few.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Asked = tuple[str, str, str, bool]  # ARN of the role, action, resource of a denial, whether it was allowed


@dataclass
class Report:
    """One role: actions as its policies write them, and denials with how often they came."""

    role: str
    used: list[str] = field(default_factory=list)
    never_used: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [self.role]
        for title, listed in (
            ("granted and used", self.used),
            ("granted and never used", self.never_used),
            ("asked and denied", self.denied),
        ):
            parts += [f"  {title}:", *(f"    {each}" for each in listed or ["-"])]
        return "\n".join(parts)


def of(session: Any, names: list[str]) -> list[Report]:
    """Return the reports of the roles with these names, of all roles without a name. Raises ValueError for an unknown role."""
    iam = session.client("iam")
    known = {role["RoleName"]: role for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]}
    strange = [name for name in names if name not in known]
    if strange:
        raise ValueError(f"There is no role {', '.join(strange)}. Roles: {', '.join(sorted(known)) or 'none'}.")
    told = recorded(iam.meta.endpoint_url, session.client("sts").get_caller_identity()["Account"])
    asked = [((role, action, resource, allowed), count) for role, action, resource, allowed, count in told["asked"]]
    return [_report(iam, known[name], asked) for name in names or sorted(known)]


def recorded(endpoint: str, account: str) -> dict[str, Any]:
    """Return what the local AWS recorded for an account: see infra/local/core/roles/recorder.py."""
    with urllib.request.urlopen(f"{endpoint}/_workshop/permissions/{account}", timeout=10) as answer:
        return json.load(answer)


def _report(iam: Any, role: dict[str, Any], asked: list[tuple[Asked, int]]) -> Report:
    mine = [(question, count) for question, count in asked if question[0] == role["Arn"]]
    allowed = {action for (_, action, _, was_allowed), _ in mine if was_allowed}
    report = Report(role["RoleName"])
    for pattern in sorted(set(granted(iam, role["RoleName"]))):
        is_used = any(fnmatchcase(action.lower(), pattern.lower()) for action in allowed)
        (report.used if is_used else report.never_used).append(pattern)
    for (_, action, resource, was_allowed), count in sorted(mine):
        if not was_allowed:
            report.denied.append(f"{action} on {resource} ({count} times)" if count > 1 else f"{action} on {resource}")
    return report


def granted(iam: Any, role: str) -> Iterator[str]:
    """Yield the actions that a role's policies allow, as they are written there."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield from _actions(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = attached["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        yield from _actions(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def _actions(document: dict[str, Any]) -> Iterator[str]:
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if statement["Effect"] == "Allow":
            actions = statement.get("Action", [])
            yield from [actions] if isinstance(actions, str) else actions
