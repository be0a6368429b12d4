"""Layers: content that functions find below /opt.

Source: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from infra.local.core import telemetry
from infra.local.lambda_ import code, pages, policy, records
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, invalid, missing
from infra.local.lambda_.records import Json, Layer, LayerVersion, Version

MOST = 5
VERSION_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:layer:([a-zA-Z0-9-_]+):(\d+)")


def resolve(backend: LocalLambdaBackend, arns: list[str]) -> list[tuple[Json, str]]:
    """Return a function's layers as its configuration holds them, and the digests of their content. Raises LambdaError."""
    if len(arns) > MOST:
        raise invalid("Cannot reference more than 5 layers.")
    names: dict[str, str] = {}
    found = []
    for arn in arns:
        version = _by_arn(backend, arn)
        if version is None:
            raise invalid(f"Layer version {arn} does not exist.")
        name = arn.rpartition(":")[0]
        if name in names:
            raise invalid(
                f"Two different versions of the same layer are not allowed to be referenced in the same function. {names[name]} and {arn} are versions of the same layer."
            )
        names[name] = arn
        found.append(({"Arn": arn, "CodeSize": version.answer["Content"]["CodeSize"]}, version.code))
    return found


def check_size(backend: LocalLambdaBackend, version: Version, unzipped: int) -> None:
    sizes = [code.unzipped_size(backend.account_id, backend.region_name, each) for each in version.layers]
    total = unzipped + sum(sizes)
    if total > code.UNZIPPED_LIMIT:
        raise invalid(
            f"Function code combined with layers exceeds the maximum allowed size of {code.UNZIPPED_LIMIT} bytes. "
            f"The actual size is {total} bytes."
        )


def _by_arn(backend: LocalLambdaBackend, arn: str) -> LayerVersion | None:
    found = VERSION_ARN.fullmatch(arn)
    if not found or not arn.startswith(backend.prefix):
        return None
    layer = backend.layers.get(found[1])
    return layer.versions.get(int(found[2])) if layer else None


def _name(backend: LocalLambdaBackend, given: str) -> str:
    return given.removeprefix(f"{backend.prefix}layer:")


def publish(backend: LocalLambdaBackend, given: Json) -> Json:
    name = _name(backend, given["LayerName"])
    package = code.store(backend.account_id, backend.region_name, given["Content"], "PublishLayerVersion")
    layer = backend.layers.setdefault(name, Layer(name, f"{backend.prefix}layer:{name}"))
    layer.last_number += 1
    answer = {
        "Content": {"CodeSha256": package.sha256, "CodeSize": package.size},
        "LayerArn": layer.arn,
        "LayerVersionArn": f"{layer.arn}:{layer.last_number}",
        "Description": given.get("Description", ""),
        "CreatedDate": records.now_text(),
        "Version": layer.last_number,
        **{
            key: given[key]
            for key in ("CompatibleRuntimes", "LicenseInfo", "CompatibleArchitectures")
            if given.get(key)
        },
    }
    version = layer.versions[layer.last_number] = LayerVersion(answer, package.digest)
    return _full(backend, version)


def _full(backend: LocalLambdaBackend, version: LayerVersion) -> Json:
    place = f"{telemetry.endpoint()}/_workshop/lambda/code/{backend.account_id}/{backend.region_name}/{version.code}"
    return {**version.answer, "Content": {"Location": place, **version.answer["Content"]}}


def _version(backend: LocalLambdaBackend, given: Json) -> LayerVersion:
    layer = backend.layers.get(_name(backend, given["LayerName"]))
    version = layer.versions.get(given["VersionNumber"]) if layer else None
    if version is None:
        raise missing("The resource you requested does not exist.")
    return version


def get(backend: LocalLambdaBackend, given: Json) -> Json:
    if given["VersionNumber"] < 1:
        raise invalid("Layer Version Cannot be less than 1.")
    return _full(backend, _version(backend, given))


def get_by_arn(backend: LocalLambdaBackend, given: Json) -> Json:
    version = _by_arn(backend, given["Arn"])
    if version is None:
        raise missing("The resource you requested does not exist.")
    return _full(backend, version)


def delete(backend: LocalLambdaBackend, given: Json) -> Json:
    """Take a version away; functions that have it keep it."""
    layer = backend.layers.get(_name(backend, given["LayerName"]))
    if layer:
        layer.versions.pop(given["VersionNumber"], None)
    return {}


def _listed(version: LayerVersion) -> Json:
    return {key: value for key, value in version.answer.items() if key not in ("Content", "LayerArn")}


def _fits(version: LayerVersion, given: Json) -> bool:
    runtime, kind = given.get("CompatibleRuntime"), given.get("CompatibleArchitecture")
    answer = version.answer
    return (not runtime or runtime in answer.get("CompatibleRuntimes", [])) and (
        not kind or kind in answer.get("CompatibleArchitectures", [])
    )


def list_versions(backend: LocalLambdaBackend, given: Json) -> Json:
    layer = backend.layers.get(_name(backend, given["LayerName"]))
    versions = [version for _, version in sorted(layer.versions.items(), reverse=True)] if layer else []
    return pages.page([_listed(each) for each in versions if _fits(each, given)], given, "LayerVersions", 50)


def list_all(backend: LocalLambdaBackend, given: Json) -> Json:
    found = []
    for layer in sorted(backend.layers.values(), key=lambda each: each.name):
        versions = [version for _, version in sorted(layer.versions.items()) if _fits(version, given)]
        if versions:
            latest = _listed(versions[-1])
            found.append({"LayerName": layer.name, "LayerArn": layer.arn, "LatestMatchingVersion": latest})
    return pages.page(found, given, "Layers", 50)


def add_permission(backend: LocalLambdaBackend, given: Json) -> Json:
    version = _version(backend, given)
    _check_revision(given, version)
    if any(statement["Sid"] == given["StatementId"] for statement in version.statements):
        raise policy.taken(given["StatementId"])
    who = given["Principal"]
    statement: Json = {
        "Sid": given["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if who == "*" else {"AWS": f"arn:aws:iam::{who}:root" if who.isdigit() else who},
        "Action": given["Action"],
        "Resource": version.answer["LayerVersionArn"],
    }
    if given.get("OrganizationId"):
        statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": given["OrganizationId"]}}
    version.statements.append(statement)
    version.revision = records.new_id()
    return {"Statement": json.dumps(statement, separators=(",", ":")), "RevisionId": version.revision}


def remove_permission(backend: LocalLambdaBackend, given: Json) -> Json:
    version = _version(backend, given)
    _check_revision(given, version)
    kept = [statement for statement in version.statements if statement["Sid"] != given["StatementId"]]
    if len(kept) == len(version.statements):
        raise missing(f"Statement {given['StatementId']} is not found in resource policy.")
    version.statements = kept
    version.revision = records.new_id()
    return {}


def get_policy(backend: LocalLambdaBackend, given: Json) -> Json:
    version = _version(backend, given)
    if not version.statements:
        raise missing("No policy is associated with the given resource.")
    document = {"Version": "2012-10-17", "Id": "default", "Statement": version.statements}
    return {"Policy": json.dumps(document, separators=(",", ":")), "RevisionId": version.revision}


def _check_revision(given: Json, version: LayerVersion) -> None:
    if given.get("RevisionId") and given["RevisionId"] != version.revision:
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id",
        )


OPERATIONS: dict[str, Any] = {
    "AddLayerVersionPermission": add_permission,
    "DeleteLayerVersion": delete,
    "GetLayerVersion": get,
    "GetLayerVersionByArn": get_by_arn,
    "GetLayerVersionPolicy": get_policy,
    "ListLayerVersions": list_versions,
    "ListLayers": list_all,
    "PublishLayerVersion": publish,
    "RemoveLayerVersionPermission": remove_permission,
}
