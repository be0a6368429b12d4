"""Functions: create, change, read and delete them.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

from __future__ import annotations

from typing import Any

from infra.local.core import telemetry
from infra.local.lambda_ import code, layers, pages, pool, settings
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, conflict, constraint, invalid, refused
from infra.local.lambda_.records import LATEST, Function, Json, Version

RUNTIME_VERSION = "b3c7ecbb9ee6fc3ea7b2d2b8a5e0b6c1e9f4d7a0c8e5f2b1d6a3c9e7f4b2d8a5"
NAME_LIMIT = 64  # characters; an ARN may be longer
PLAIN = ("Role", "Handler", "Description", "Timeout", "MemorySize", "KMSKeyArn", "EphemeralStorage", "TracingConfig")


def create(backend: LocalLambdaBackend, given: Json) -> Json:
    name, qualifier = backend.named(given["FunctionName"])
    if qualifier:
        raise invalid("This operation does not accept a function qualifier.")
    if len(name) > NAME_LIMIT:
        raise constraint(name, "functionName", f"Member must have length less than or equal to {NAME_LIMIT}")
    settings.check_settings(given)
    if given.get("PackageType", "Zip") == "Image" or given["Code"].get("ImageUri"):
        raise refused("functions from container images")
    for member in ("Runtime", "Handler"):
        if not given.get(member):
            raise invalid(f"{member} is mandatory for functions created with deployment packages.")
    settings.check_role(backend, given["Role"])
    if name in backend.functions:
        raise conflict(f"Function already exist: {name}")
    package = code.store(backend.account_id, backend.region_name, given["Code"], "CreateFunction")
    configuration: Json = {
        "FunctionName": name,
        "FunctionArn": backend.arn(name),
        "Runtime": given["Runtime"],
        "Role": given["Role"],
        "Handler": given["Handler"],
        "Description": given.get("Description", ""),
        "Timeout": given.get("Timeout", 3),
        "MemorySize": given.get("MemorySize", 128),
        "Version": LATEST,
        "TracingConfig": given.get("TracingConfig", {"Mode": "PassThrough"}),
        "PackageType": "Zip",
        "Architectures": given.get("Architectures", ["x86_64"]),
        "EphemeralStorage": given.get("EphemeralStorage", {"Size": 512}),
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {
            "RuntimeVersionArn": f"arn:aws:lambda:{backend.region_name}::runtime:{RUNTIME_VERSION}"
        },
        "LoggingConfig": settings.logging_of(name, given.get("LoggingConfig", {})),
    }
    version = Version(configuration, "")
    settings.apply(backend, version, given)
    _set_code(version, package)
    layers.check_size(backend, version, package.unzipped)
    version.change(creating=True)
    function = Function(name, backend.arn(name), version, tags=dict(given.get("Tags", {})))
    backend.functions[name] = function
    answer = dict(configuration)
    if given.get("Publish"):
        from infra.local.lambda_ import versions

        answer = versions.publish_now(backend, function, "")
        answer.update({key: configuration[key] for key in ("State", "StateReason", "StateReasonCode")})
        answer.pop("LastUpdateStatus", None)
    return answer


def _set_code(version: Version, package: code.Package) -> None:
    version.code = package.digest
    version.configuration.update(CodeSha256=package.sha256, CodeSize=package.size)


def update_code(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    version = function.latest
    _check_change(backend, function, given)
    if given.get("ImageUri"):
        raise invalid("Please do not provide ImageUri when updating a function with packageType Zip.")
    package = code.store(backend.account_id, backend.region_name, given, "UpdateFunctionCode")
    layers.check_size(backend, version, package.unzipped)
    if given.get("DryRun"):
        return {**version.configuration, "CodeSha256": package.sha256, "CodeSize": package.size}
    _set_code(version, package)
    if given.get("Architectures"):
        version.configuration["Architectures"] = given["Architectures"]
    return _changed(backend, function, given)


def update_configuration(backend: LocalLambdaBackend, given: Json) -> Json:
    function = backend.unqualified(given["FunctionName"])
    version = function.latest
    _check_change(backend, function, given)
    settings.check_settings(given)
    if "Role" in given:
        settings.check_role(backend, given["Role"])
    trial = Version(dict(version.configuration), version.code, version.layers)
    settings.apply(backend, trial, given)
    layers.check_size(backend, trial, code.unzipped_size(backend.account_id, backend.region_name, version.code))
    trial.configuration.update({member: given[member] for member in PLAIN if member in given})
    if "Runtime" in given:
        trial.configuration["Runtime"] = given["Runtime"]
    if "LoggingConfig" in given:
        merged = {**version.configuration["LoggingConfig"], **given["LoggingConfig"]}
        if merged["LogFormat"] == "Text":
            merged = {key: merged[key] for key in ("LogFormat", "LogGroup")} | given["LoggingConfig"]
        trial.configuration["LoggingConfig"] = settings.logging_of(function.name, merged)
    version.configuration, version.layers = trial.configuration, trial.layers
    return _changed(backend, function, {})


def _check_change(backend: LocalLambdaBackend, function: Function, given: Json) -> None:
    version = function.latest
    check_revision(given, version.configuration["RevisionId"])
    if version.settled_at is not None:
        raise conflict(
            "The operation cannot be performed at this time. An update is in progress for resource: " + function.arn
        )


def check_revision(given: Json, revision: str) -> None:
    """Raise LambdaError when a request names another revision than the last one."""
    if given.get("RevisionId") and given["RevisionId"] != revision:
        raise LambdaError(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve "
            "the latest Revision Id",
        )


def _changed(backend: LocalLambdaBackend, function: Function, given: Json) -> Json:
    function.latest.change()
    pool.retire(backend.account_id, function.arn, LATEST)
    if given.get("Publish"):
        from infra.local.lambda_ import versions

        return versions.publish_now(backend, function, "")
    return dict(function.latest.configuration)


def get(backend: LocalLambdaBackend, given: Json) -> Json:
    function, version, asked = backend.version(given["FunctionName"], given.get("Qualifier"))
    location = f"{telemetry.endpoint()}/_workshop/lambda/code/{backend.account_id}/{backend.region_name}/{version.code}"
    answer: Json = {
        "Configuration": answered(function, version, asked),
        "Code": {"RepositoryType": "S3", "Location": location},
    }
    if function.tags:
        answer["Tags"] = function.tags
    if function.reserved is not None and not asked:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return answer


def get_configuration(backend: LocalLambdaBackend, given: Json) -> Json:
    function, version, asked = backend.version(given["FunctionName"], given.get("Qualifier"))
    return answered(function, version, asked)


def answered(function: Function, version: Version, asked: str) -> Json:
    """Return a version's configuration with the ARN that was asked for."""
    arn = f"{function.arn}:{asked}" if asked else version.configuration["FunctionArn"]
    return {**version.configuration, "FunctionArn": arn}


def list_all(backend: LocalLambdaBackend, given: Json) -> Json:
    found = []
    for name in sorted(backend.functions):
        function, _ = backend.function(name)
        if given.get("FunctionVersion") == "ALL":
            found.append(answered(function, function.latest, LATEST))
            found += [dict(version.configuration) for version in function.versions.values()]
        else:
            found.append(dict(function.latest.configuration))
    hidden = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason"}
    hidden |= {"LastUpdateStatusReasonCode", "RuntimeVersionConfig"}
    shown = [{key: value for key, value in each.items() if key not in hidden} for each in found]
    return pages.page(shown, given, "Functions", 50)


def delete(backend: LocalLambdaBackend, given: Json) -> Json:
    function, asked = backend.function(given["FunctionName"], given.get("Qualifier"))
    if asked == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if asked in function.aliases:
        raise invalid(
            f"Value '{asked}' at 'qualifier' failed to satisfy constraint: an alias is deleted with DeleteAlias"
        )
    if asked:
        users = [alias.name for alias in function.aliases.values() if asked in (alias.version, *alias.weights)]
        if users:
            raise conflict(
                f"Unable to delete version because the following aliases reference it: [{', '.join(sorted(users))}]"
            )
        function.versions.pop(asked, None)
        pool.retire(backend.account_id, function.arn, asked)
    else:
        del backend.functions[function.name]
        pool.retire(backend.account_id, function.arn)
    _forget_code(backend)
    return {}


def _forget_code(backend: LocalLambdaBackend) -> None:
    versions = [v for f in backend.functions.values() for v in (f.latest, *f.versions.values())]
    kept = {version.code for version in versions}
    kept |= {version.code for layer in backend.layers.values() for version in layer.versions.values()}
    kept |= {digest for version in versions for digest in version.layers}
    code.forget(backend.account_id, backend.region_name, kept)


def code_signing(backend: LocalLambdaBackend, given: Json) -> Json:
    return {"FunctionName": backend.unqualified(given["FunctionName"]).name}


def list_tags(backend: LocalLambdaBackend, given: Json) -> Json:
    return {"Tags": dict(backend.tagged(given["Resource"]))}


def tag(backend: LocalLambdaBackend, given: Json) -> Json:
    backend.tag_resource(given["Resource"], given["Tags"])
    return {}


def untag(backend: LocalLambdaBackend, given: Json) -> Json:
    backend.untag_resource(given["Resource"], given["TagKeys"])
    return {}


OPERATIONS: dict[str, Any] = {
    "CreateFunction": create,
    "DeleteFunction": delete,
    "GetFunction": get,
    "GetFunctionCodeSigningConfig": code_signing,
    "GetFunctionConfiguration": get_configuration,
    "ListFunctions": list_all,
    "ListTags": list_tags,
    "TagResource": tag,
    "UntagResource": untag,
    "UpdateFunctionCode": update_code,
    "UpdateFunctionConfiguration": update_configuration,
}
