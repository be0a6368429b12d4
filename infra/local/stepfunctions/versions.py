"""Operations on versions and aliases of state machines.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cd-aliasing-versioning.html
"""

from __future__ import annotations

import time
from typing import Any

from infra.local.stepfunctions.api import Answer, Ask, page, present
from infra.local.stepfunctions.backend import MACHINE, Alias, Machine
from infra.local.stepfunctions.errors import StatesError, invalid, invalid_arn

MAX_VERSIONS = 1_000
MAX_ALIASES = 100


def publish(ask: Ask) -> Answer:
    machine = ask.backend.machine(ask["stateMachineArn"])
    if ask.get("revisionId") and ask["revisionId"] != (machine.settings.revision or "INITIAL"):
        raise StatesError(
            "ConflictException",
            f"Failed to publish the State Machine version for revision {ask['revisionId']}. "
            f"The current State Machine revision is {machine.settings.revision or 'INITIAL'}.",
        )
    if len(machine.versions) >= MAX_VERSIONS:
        raise StatesError(
            "ServiceQuotaExceededException", f"The state machine has {MAX_VERSIONS} versions, no more are allowed."
        )
    version = machine.publish(ask.get("description"))
    return {"stateMachineVersionArn": version.arn, "creationDate": version.created}


def list_versions(ask: Ask) -> Answer:
    machine = _machine_or_none(ask)
    versions = list(reversed(machine.versions.values())) if machine else []
    shown, more = page(ask, versions, f"versions {ask['stateMachineArn']}")
    names = [{"stateMachineVersionArn": each.arn, "creationDate": each.created} for each in shown]
    return {"stateMachineVersions": names, **more}


def _machine_or_none(ask: Ask) -> Machine | None:
    match = MACHINE.fullmatch(ask["stateMachineArn"])
    if not match:
        raise invalid_arn(ask["stateMachineArn"])
    return ask.backend.find(match[1])


def delete_version(ask: Ask) -> Answer:
    arn = ask["stateMachineVersionArn"]
    match = MACHINE.fullmatch(arn)
    if not match or not (match[2] or "").isdigit():
        raise invalid_arn(arn)
    machine = ask.backend.find(match[1])
    if machine is None or int(match[2]) not in machine.versions:
        return {}
    names = [
        alias.name
        for alias in machine.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias.routing)
    ]
    if names:
        raise StatesError(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(names)}]",
        )
    del machine.versions[int(match[2])]
    return {}


def create_alias(ask: Ask) -> Answer:
    routing = ask["routingConfiguration"]
    machine = _routed_machine(ask, routing)
    name = ask["name"]
    alias = machine.aliases.get(name)
    if alias is None:
        if len(machine.aliases) >= MAX_ALIASES:
            raise StatesError(
                "ServiceQuotaExceededException", f"The state machine has {MAX_ALIASES} aliases, no more are allowed."
            )
        now = time.time()
        alias = Alias(f"{machine.arn}:{name}", name, routing, ask.get("description"), now, now)
        machine.aliases[name] = alias
    elif alias.routing != routing or alias.description != ask.get("description"):
        raise StatesError(
            "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing configuration already exists.",
        )
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created}


def _routed_machine(ask: Ask, routing: list[dict[str, Any]]) -> Machine:
    """Return the machine whose versions a routing names. Raises what AWS says of a wrong one."""
    arns = [route["stateMachineVersionArn"] for route in routing]
    matches = [MACHINE.fullmatch(arn) for arn in arns]
    if not all(match and (match[2] or "").isdigit() for match in matches):
        raise invalid(f"Routing configuration must contain state machine version ARNs. Received: [{', '.join(arns)}]")
    if len({match[1] for match in matches if match}) > 1:
        raise invalid("Routing configuration must contain versions of the same state machine.")
    if len(set(arns)) < len(arns):
        raise invalid("Routing configuration must not contain duplicate versions.")
    if sum(route["weight"] for route in routing) != 100:
        total = sum(route["weight"] for route in routing)
        raise invalid(f"Sum of routing configuration weights must equal 100. Received: {total}")
    first = matches[0]
    machine = ask.backend.find(first[1]) if first else None
    if machine is None:
        raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    for arn in arns:
        if int(arn.rpartition(":")[2]) not in machine.versions:
            raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    return machine


def _alias(ask: Ask) -> tuple[Machine, Alias]:
    arn = ask["stateMachineAliasArn"]
    match = MACHINE.fullmatch(arn)
    if not match or not match[2]:
        raise invalid_arn(arn)
    machine = ask.backend.find(match[1])
    alias = machine.aliases.get(match[2]) if machine else None
    if machine is None or alias is None:
        raise StatesError("ResourceNotFound", "Request references a resource that does not exist.")
    return machine, alias


def update_alias(ask: Ask) -> Answer:
    _, alias = _alias(ask)
    if ask.get("description") is None and not ask.get("routingConfiguration"):
        raise invalid("Either the description or the routing configuration must be specified.")
    if ask.get("routingConfiguration"):
        _routed_machine(ask, ask["routingConfiguration"])
        alias.routing = ask["routingConfiguration"]
    if ask.get("description") is not None:
        alias.description = ask["description"]
    alias.updated = time.time()
    return {"updateDate": alias.updated}


def delete_alias(ask: Ask) -> Answer:
    try:
        machine, alias = _alias(ask)
    except StatesError as error:
        if error.error_type == "ResourceNotFound":
            return {}
        raise
    del machine.aliases[alias.name]
    return {}


def describe_alias(ask: Ask) -> Answer:
    _, alias = _alias(ask)
    return present(
        {
            "stateMachineAliasArn": alias.arn,
            "name": alias.name,
            "description": alias.description,
            "routingConfiguration": alias.routing,
            "creationDate": alias.created,
            "updateDate": alias.updated,
        }
    )


def list_aliases(ask: Ask) -> Answer:
    machine, qualifier = ask.backend.qualified(ask["stateMachineArn"])
    aliases = sorted(machine.aliases.values(), key=lambda alias: alias.created)
    if qualifier:
        arn = ask["stateMachineArn"]
        aliases = [each for each in aliases if any(route["stateMachineVersionArn"] == arn for route in each.routing)]
    shown, more = page(ask, aliases, f"aliases {ask['stateMachineArn']}")
    names = [{"stateMachineAliasArn": each.arn, "creationDate": each.created} for each in shown]
    return {"stateMachineAliases": names, **more}
