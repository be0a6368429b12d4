"""Published versions and aliases.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""

from __future__ import annotations

import copy
from typing import Any

from infra.local.lambda_ import pages
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import conflict, invalid, missing
from infra.local.lambda_.functions import answered, check_revision
from infra.local.lambda_.records import LATEST, Alias, Function, Json, Version, new_id

CHANGING = {"Version", "FunctionArn", "RevisionId", "LastModified", "Description", "State", "StateReason"}
CHANGING |= {"StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"}


def publish(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    check_revision(given, function.latest.configuration["RevisionId"])
    expected = given.get("CodeSha256")
    actual = function.latest.configuration["CodeSha256"]
    if expected and expected != actual:
        raise invalid(
            f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST ({actual}). Please try again with the "
            "CodeSHA256 in $LATEST."
        )
    return publish_now(backend, function, given.get("Description", ""))


def publish_now(backend: LocalLambdaBackend, function: Function, description: str) -> Json:
    """Publish $LATEST; when nothing changed since the last version, that one is the answer."""
    latest = function.latest
    last = function.versions.get(str(function.last_number))
    if last is not None and _same(last, latest):
        return dict(last.configuration)
    function.last_number += 1
    number = str(function.last_number)
    made = Version(copy.deepcopy(latest.configuration), latest.code, list(latest.layers), latest.settled_at)
    made.configuration.update(Version=number, FunctionArn=backend.arn(function.name, number), RevisionId=new_id())
    if description:
        made.configuration["Description"] = description
    function.versions[number] = made
    return dict(made.configuration)


def _same(one: Version, other: Version) -> bool:
    kept = [{k: v for k, v in each.configuration.items() if k not in CHANGING} for each in (one, other)]
    return one.code == other.code and kept[0] == kept[1]


def list_versions(backend: LocalLambdaBackend, given: Json) -> Json:
    function, _ = backend.function(given["FunctionName"])
    found = [answered(function, function.latest, LATEST)]
    found += [dict(version.configuration) for version in function.versions.values()]
    return pages.page(found, given, "Versions", 50)


# --- aliases --------------------------------------------------------------------------------------------------------


def _weights(function: Function, given: Json, version: str) -> dict[str, float]:
    weights = (given.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if not weights:
        return {}
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    other, weight = next(iter(weights.items()))
    if not 0 <= weight <= 1:
        raise invalid(f"Value '{weight}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint")
    if LATEST in (version, other):
        raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
    if other == version:
        raise invalid(
            f"Invalid function version {other}. Function version {other} is already included in routing configuration."
        )
    if other not in function.versions:
        raise missing(f"Function not found: {function.arn}:{other}")
    return {other: float(weight)}


def _alias_answer(function: Function, alias: Alias) -> Json:
    answer: Json = {
        "AliasArn": f"{function.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return answer


def _found(backend: LocalLambdaBackend, given: Json) -> tuple[Function, Alias]:
    function = backend.unqualified(given["FunctionName"])
    alias = function.aliases.get(given["Name"])
    if alias is None:
        raise missing(f"Cannot find alias arn: {function.arn}:{given['Name']}")
    return function, alias


def create_alias(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    name, version = given["Name"], given["FunctionVersion"]
    if function.version(version) is None:
        raise missing(f"Function not found: {function.arn}:{version}")
    if name in function.aliases:
        raise conflict(f"Alias already exists: {function.arn}:{name}")
    alias = Alias(name, version, given.get("Description", ""), _weights(function, given, version))
    function.aliases[name] = alias
    return _alias_answer(function, alias)


def update_alias(backend: LocalLambdaBackend, given: Json) -> Json:
    function, alias = _found(backend, given)
    check_revision(given, alias.revision)
    version = given.get("FunctionVersion", alias.version)
    if function.version(version) is None:
        raise missing(f"Function not found: {function.arn}:{version}")
    if "RoutingConfig" in given:
        alias.weights = _weights(function, given, version)
    alias.version = version
    alias.description = given.get("Description", alias.description)
    alias.revision = new_id()
    return _alias_answer(function, alias)


def get_alias(backend: LocalLambdaBackend, given: Json) -> Json:
    return _alias_answer(*_found(backend, given))


def delete_alias(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    name = given["Name"]
    function.aliases.pop(name, None)
    for attached in (function.policies, function.policy_revisions, function.urls, function.invoke_configs):
        attached.pop(name, None)  # type: ignore[attr-defined]
    return {}


def list_aliases(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    wanted = given.get("FunctionVersion")
    found = [
        _alias_answer(function, alias)
        for _, alias in sorted(function.aliases.items())
        if not wanted or wanted in (alias.version, *alias.weights)
    ]
    return pages.page(found, given, "Aliases", 50)


OPERATIONS: dict[str, Any] = {
    "CreateAlias": create_alias,
    "DeleteAlias": delete_alias,
    "GetAlias": get_alias,
    "ListAliases": list_aliases,
    "ListVersionsByFunction": list_versions,
    "PublishVersion": publish,
    "UpdateAlias": update_alias,
}
