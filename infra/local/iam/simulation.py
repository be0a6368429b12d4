"""SimulatePrincipalPolicy and SimulateCustomPolicy, answered by the evaluator that decides every request.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra.local.core.refused import Refused
from infra.local.core.roles import authorization, context, identities
from infra.local.core.roles.evaluation import Ask, Decision, Kind, Layer, Policies, Principal, applies, evaluate
from infra.local.core.roles.policy import MalformedPolicy, Policy, Statement, parse
from infra.local.core.roles.requests.actions import known

_VARIABLE = re.compile(r"\$\{\s*([^,}\s]+)\s*\}")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")


@dataclass
class Simulation:
    """What a simulation is asked with.

    Attributes
    ----------
    keys: context that was given, keys in small letters
    """

    principal: Principal
    policies: Policies
    actions: list[str]
    resources: list[str]
    keys: context.Keys = field(default_factory=dict)

    def results(self) -> list[dict[str, Any]]:
        """Return the EvaluationResults: one for each action and resource."""
        return [self._result(action, resource) for action in self.actions for resource in self.resources]

    def _result(self, action: str, resource: str) -> dict[str, Any]:
        ask = Ask(self.principal, action, resource, self.keys)
        decision = evaluate(ask, self.policies)
        answer: dict[str, Any] = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": _word(decision),
            "MatchedStatements": [_matched(*each) for each in decision.matched],
            "MissingContextValues": sorted(self._missing(ask)),
        }
        if self.policies.boundary is not None:
            allowed = any(
                applies(statement, policy, ask) and statement.allows
                for policy in self.policies.boundary
                for statement in policy.statements
            )
            denied = decision.explicit and decision.layer is Layer.BOUNDARY
            answer["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": allowed and not denied}
        return answer

    def _missing(self, ask: Ask) -> set[str]:
        """Return the keys that the policies would look at for this action and resource, and that were not given."""
        found: set[str] = set()
        for policy in (*self.policies.identity, *self.policies.resource, *(self.policies.boundary or ())):
            for statement in policy.statements:
                if applies(replace(statement, conditions=()), policy, ask):
                    found.update(condition.key for condition in statement.conditions)
                found.update(_variables(statement, ask))
        return {key for key in found if key.lower() not in self.keys}


def _variables(statement: Statement, ask: Ask) -> Iterator[str]:
    about = replace(statement, resources=None, not_resources=None, conditions=())
    if applies(about, Policy((about,)), ask):
        for pattern in (*(statement.resources or ()), *(statement.not_resources or ())):
            yield from _VARIABLE.findall(pattern)


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _matched(policy: Policy, statement: Statement) -> dict[str, Any]:
    start, end = _position(policy, statement)
    return {
        "SourcePolicyId": policy.name or policy.arn,
        "SourcePolicyType": "IAM Policy",
        "StartPosition": start,
        "EndPosition": end,
    }


def _position(policy: Policy, statement: Statement) -> tuple[dict[str, int], dict[str, int]]:
    """Return where a statement stands in its document: lines from 1, columns from 1."""
    text, decoder = policy.text, json.JSONDecoder()
    match = re.search(r'"Statement"\s*:\s*(\[?)\s*', text)
    place = match.end() if match else 0
    for each in policy.statements:
        _, end = decoder.raw_decode(text, place)
        if each is statement:
            return _line_and_column(text, place), _line_and_column(text, end)
        found = re.compile(r"[\s,]*").match(text, end)
        place = found.end() if found else end
    return _line_and_column(text, 0), _line_and_column(text, len(text))


def _line_and_column(text: str, place: int) -> dict[str, int]:
    before = text[:place]
    return {"Line": before.count("\n") + 1, "Column": place - (before.rfind("\n") + 1) + 1}


def of_principal(account: str, given: Mapping[str, Any]) -> Simulation:
    """Return the simulation of SimulatePrincipalPolicy. Raises Refused."""
    arn = given["PolicySourceArn"]
    principal, own = _principal(account, arn)
    identity = own.identity + _inputs(given, "PolicyInputList")
    boundary = _inputs(given, "PermissionsBoundaryPolicyInputList") or own.boundary
    return _simulation(principal, Policies(identity, boundary), given)


def of_custom(account: str, given: Mapping[str, Any]) -> Simulation:
    """Return the simulation of SimulateCustomPolicy. Raises Refused."""
    caller = given.get("CallerArn") or f"arn:aws:iam::{account}:user/simulated"
    principal = replace(authorization.root(account), kind=Kind.USER, arn=caller, principal_arn=caller)
    boundary = _inputs(given, "PermissionsBoundaryPolicyInputList") or None
    return _simulation(principal, Policies(_inputs(given, "PolicyInputList"), boundary), given)


def _principal(account: str, arn: str) -> tuple[Principal, Policies]:
    match = re.fullmatch(r"arn:aws:iam::(\d{12}):(user|group|role)/(.+)", arn)
    if not match:
        raise Refused(400, "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    kind, name = match[2], match[3].rpartition("/")[2]
    principal = replace(authorization.root(account), kind=Kind.USER, arn=arn, principal_arn=arn)
    backend = identities.iam(account) if match[1] == account else None
    if kind == "role" and (role := identities.find_role(account, arn)) is not None:
        return principal, identities.role_policies(account, role.id)
    if kind == "user" and (user := identities.user_named(account, name)) is not None:
        return identities.user_principal(user), identities.user_policies(account, user)
    if kind == "group" and backend is not None and name in backend.groups:
        return principal, Policies(identities.attached(backend.groups[name]))
    raise Refused(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.")


def _simulation(principal: Principal, policies: Policies, given: Mapping[str, Any]) -> Simulation:
    actions = list(given["ActionNames"])
    for action in actions:
        if not _ACTION.fullmatch(action) or not ("*" in action or known(action)):
            raise Refused(400, "InvalidInput", f"Invalid Action Name: {action}")
    if given.get("ResourcePolicy"):
        if not given.get("CallerArn") and principal.kind is not Kind.USER:
            raise Refused(400, "InvalidInput", "CallerArn is required with ResourcePolicy.")
        policies = replace(policies, resource=(_parsed(given["ResourcePolicy"], "ResourcePolicy"),))
    return Simulation(
        principal, policies, actions, list(given.get("ResourceArns") or ["*"]), _keys(given.get("ContextEntries") or [])
    )


def _keys(entries: list[dict[str, Any]]) -> context.Keys:
    return {each["ContextKeyName"].lower(): tuple(each.get("ContextKeyValues") or ()) for each in entries}


def _inputs(given: Mapping[str, Any], name: str) -> tuple[Policy, ...]:
    return tuple(_parsed(text, f"{name}.{number}") for number, text in enumerate(given.get(name) or [], 1))


def _parsed(text: str, name: str) -> Policy:
    try:
        return parse(text, name=name)
    except MalformedPolicy as error:
        raise Refused(400, "InvalidInput", f"Invalid policy in {name}: {error}") from None
