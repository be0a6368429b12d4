"""The answers of AWS Lambda's API: a request is read and checked by AWS's model, and given to the function of its operation."""

from __future__ import annotations

import re
from typing import Any

import orjson
from moto.core.utils import get_service_model

from infra.local.core import rest, validation
from infra.local.core.shapes import Malformed
from infra.local.lambda_ import backend as backends
from infra.local.lambda_ import concurrency, functions, invoking, layers, policy, settings, urls, versions
from infra.local.lambda_.errors import LambdaError, invalid
from infra.local.lambda_.mappings import operations as mappings

OPERATIONS: dict[str, Any] = {
    **concurrency.OPERATIONS,
    **functions.OPERATIONS,
    **invoking.OPERATIONS,
    **layers.OPERATIONS,
    **mappings.OPERATIONS,
    **policy.OPERATIONS,
    **urls.OPERATIONS,
    **versions.OPERATIONS,
}
UNLOCKED = {"Invoke", "InvokeAsync"}
UNSAVED = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}
REGION = re.compile(r"https://lambda\.([a-z0-9-]+)\.amazonaws\.com")


def operation(method: str, path: str, query: str) -> str:
    return rest.operation("lambda", method, path, query)


def answer(request: Any, url: str, headers: Any) -> tuple[int, dict[str, str], bytes]:
    """Answer a request of the API."""
    found = REGION.match(url)
    region = found[1] if found else "us-east-1"
    path, _, query = request.environ["RAW_URI"].partition("?")
    name = operation(request.method, path, query)
    try:
        if not name:
            raise LambdaError(
                "UnknownOperationException", f"No operation of Lambda has the path {request.method} {path}."
            )
        given = _parameters(name, path, query, dict(headers), request.data)
        if name not in OPERATIONS:
            raise LambdaError("NotImplemented", f"The local AWS does not have the operation {name} of Lambda.")
        made = OPERATIONS[name](backends.of(headers["x-moto-account-id"], region), given)
    except LambdaError as error:
        kind = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
        return error.status, kind, orjson.dumps(error.body())
    if isinstance(made, tuple):
        return made
    status = get_service_model("lambda").operation_model(name).http.get("responseCode", 200)
    if status == 204 or (name == "DeleteFunction" and not made):
        return 204, {"Content-Type": "application/json"}, b""
    return status, {"Content-Type": "application/json"}, orjson.dumps(made)


def _parameters(name: str, path: str, query: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Return an operation's parameters. Raises LambdaError for what AWS's model does not allow."""
    try:
        given = rest.parameters("lambda", name, path, query, headers, body)
    except Malformed as error:
        raise LambdaError("SerializationException", str(error)) from None
    shape = get_service_model("lambda").operation_model(name).input_shape
    for member in shape.required_members if shape else ():
        if given.get(member) is None:
            lower = member[0].lower() + member[1:]
            raise LambdaError(
                "ValidationException",
                f"1 validation error detected: Value null at '{lower}' failed to satisfy constraint: Member must not be null",
            )
    runtimes = get_service_model("lambda").shape_for("Runtime").metadata["enum"]
    runtime = given.get("Runtime") if name in ("CreateFunction", "UpdateFunctionConfiguration") else None
    if runtime is not None and runtime not in runtimes:
        listed = ", ".join(sorted(set(runtimes) - settings.RETIRED))
        raise invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{listed}] or be a valid ARN"
        )
    errors = validation.request_errors("lambda", name, given)
    errors = [each for each in errors if "at 'environment" not in each or "length" not in each]  # measured as a whole
    if errors:
        raise LambdaError("ValidationException", validation.message(errors))
    return given


URLS: list[tuple[str, Any]] = [(r"https?://lambda\..*", answer)]
