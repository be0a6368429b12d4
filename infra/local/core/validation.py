"""Requests are checked against AWS's own model of their service before it sees them: types, required members, lengths, ranges, patterns, choices.

AWS's services check them before anything else, and say all that is wrong in one error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import cbor2
import orjson
from moto.core.utils import get_service_model

from infra.local.core import models, operations, registry, rest, shapes
from infra.local.core.patterns import SHORT
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.service import Service
from infra.local.core.shapes import Malformed, below

RPC_TYPE = "application/cbor"  # of Smithy's RPC v2
SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"  # how patterns write the signs beyond U+FFFF
MEASURED = {"string": "length", "list": "length", "map": "length", "blob": "length", "integer": "value", "long": "value", "float": "value", "double": "value"}  # fmt: skip

# patterns that take a time which doubles with each sign of a value that is none of them; the services themselves judge what is longer than SHORT
GOING_BACK = {
    r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$",
    r"[a-zA-Z](?:-?[a-zA-Z0-9]+)*",
    r"[a-z](?:-?[a-z0-9]+){0,15}",
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$",
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$",
}

# codes of services that have their own for what their model does not allow
INVALID = {"athena": "InvalidRequestException", "logs": "InvalidParameterException"}
INVALID_QUERY = "ValidationError"
# members whose limit the service checks itself, with an error of its own
OWN = {("athena", "GetQueryResultsInput"): frozenset({"MaxResults"})}


def request_errors(service: str, operation: str, given: dict[str, Any]) -> list[str]:
    """Return what in a request is not within the limits of the service's model, for `message`.

    Parameters
    ----------
    service: its name in a request's signature
    operation: its name in the model
    given: the parameters by their names in the model

    Returns
    -------
    One sentence each, in the words of AWS's services; none where all is right
    """
    return list(constraint_errors(given, get_service_model(service).operation_model(operation).input_shape))


def message(errors: list[str]) -> str:
    """Return the message of a ValidationException.

    Parameters
    ----------
    errors: one for each parameter
    """
    plural = "" if len(errors) == 1 else "s"
    return f"{len(errors)} validation error{plural} detected: " + "; ".join(f"Value {error}" for error in errors)


def missing(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield the required members that a request does not have, in the words of AWS's services.

    Parameters
    ----------
    value: the parameters, or one of them
    shape: what the model says of it
    path: where it stands, for the sentence
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"null at '{below(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from missing(value[name], member, below(path, name))
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            if item is None:
                yield f"null at '{path}.{number}.member' failed to satisfy constraint: Member must not be null"
            else:
                yield from missing(item, shape.member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            if item is not None:
                yield from missing(item, shape.value, f"{path}.{key}.member")


def constraint_errors(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield what breaks the model's limits in a request, in the words of AWS's services.

    Parameters
    ----------
    value: the request, or a member of it, as JSON has it; its types are right
    shape: botocore's shape of it
    path: the member's name, empty for the request
    """
    told = "" if shape.metadata.get("sensitive") or _is_large(shape) else f"'{_told(value, shape)}' "
    shown = f"{told}at '{path}' failed to satisfy constraint: "
    yield from (shown + problem for problem in _problems(value, shape))
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                lower = name[0].lower() + name[1:]
                yield from constraint_errors(value[name], member, f"{path}.{lower}" if path else lower)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            if item is not None:
                yield from constraint_errors(item, shape.member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for kind, member, items in (("keys", shape.key, value.keys()), ("value", shape.value, value.values())):
            problems = dict.fromkeys(
                problem for item in items if item is not None for problem in _problems(item, member)
            )
            if problems:
                yield f"{shown}Map {kind} must satisfy constraint: [{', '.join(problems)}]"


def _problems(value: Any, shape: Any) -> Iterator[str]:
    limits, what = shape.metadata, MEASURED.get(shape.type_name)
    if what:
        size = value if what == "value" else _length(value, shape)
        if isinstance(size, (int, float)):
            if "min" in limits and size < limits["min"]:
                yield f"Member must have {what} greater than or equal to {limits['min']}"
            if "max" in limits and size > limits["max"]:
                yield f"Member must have {what} less than or equal to {limits['max']}"
    if shape.type_name == "string":
        pattern = _pattern(limits.get("pattern", ""))
        if pattern is not None and not _fits(value, pattern, limits.get("max")):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


def _is_large(shape: Any) -> bool:
    """Tell whether a message leaves a value out: a list of structures, such as the records of a batch."""
    return shape.type_name == "list" and shape.member.type_name == "structure"


def _told(value: Any, shape: Any) -> Any:
    """Return what a message says of a value: of bytes, as AWS's Java says it, only how many there are."""
    if shape.type_name != "blob":
        return value
    length = _length(value, shape)
    return f"java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"


def _length(value: Any, shape: Any) -> int:
    if shape.type_name == "blob" and isinstance(value, str):  # base64
        return len(value) * 3 // 4 - value[-2:].count("=")
    return len(value)


def _fits(value: str, pattern: re.Pattern[str], longest: int | None) -> bool:
    """Tell whether a value is what its pattern says. One that is too long is told to be that, and not looked at for hours."""
    if longest is not None and len(value) > longest:
        return True
    if pattern.pattern in GOING_BACK and len(value) > SHORT:
        return True
    return pattern.fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str] | None:
    """Return a pattern of a model; None where there is none, or Python cannot read it (classes of Unicode, of tags)."""
    if not text or "\\p{" in text:
        return None
    try:
        return re.compile(text.replace(SURROGATES, "\U00010000-\U0010ffff"))
    except re.error:
        return None


# --- a whole request ------------------------------------------------------------------------------------------------


def check(service: Service, request: Request, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request's operation, of the query protocol as flat as they come.

    Raises Refused where they are not what the model says.

    Parameters
    ----------
    service: its contract
    request: as it came, with its credential and operation
    body: its bytes, read already
    """
    model = models.of(service)
    if not request.operation or request.operation not in model.operation_names:
        return {}
    shape = model.operation_model(request.operation).input_shape
    is_query = not request.target and request.content_type != RPC_TYPE and model.protocol != "rest-json"
    try:
        if is_query:
            fields = operations.form(request, body)
            if shape is not None and service.checks:
                at = {"QueueUrl": request.raw_path} if "QueueUrl" in shape.members and request.raw_path != "/" else {}
                _check_limits(service.name, shapes.of_query({**at, **fields}, shape), shape, INVALID_QUERY)
            return fields
        given = _read(service, model, shape, request, body)
    except Malformed as error:
        raise Refused(400, "MalformedInput" if is_query else "SerializationException", str(error)) from None
    if shape is not None and service.checks:
        _check_limits(service.name, given, shape, INVALID.get(service.name, "ValidationException"))
    return given


def _read(service: Service, model: Any, shape: Any, request: Request, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request of the JSON protocols or CBOR. Raises Malformed, Refused."""
    if model.protocol == "rest-json" and not request.target:
        return rest.parameters(
            registry.model_name(service.name),
            request.operation,
            request.raw_path,
            request.query_string,
            request.headers,
            body,
        )
    given = _decoded(request, body)
    return given if shape is None else shapes.of_json(given, shape)


def _decoded(request: Request, body: bytes) -> dict[str, Any]:
    try:
        if request.content_type == RPC_TYPE:
            given = cbor2.loads(body) if body else {}
        else:
            given = orjson.loads(body) if body.strip() else {}
    except (orjson.JSONDecodeError, cbor2.CBORDecodeError, TypeError, ValueError, OverflowError, RecursionError):
        raise Refused(400, "SerializationException", "The request body cannot be read.") from None
    if not isinstance(given, dict):
        raise Refused(400, "SerializationException", "Start of structure or map found where not expected.")
    return given


def _check_limits(service: str, given: dict[str, Any], shape: Any, code: str) -> None:
    own = OWN.get((service, shape.name), frozenset())
    checked = {name: value for name, value in given.items() if name not in own}
    errors = [*missing(given, shape), *constraint_errors(checked, shape)]
    if not errors:
        return
    absent = next((name for name in shape.required_members if given.get(name) is None), None)
    if service == "sqs" and absent:
        raise Refused(400, "MissingParameter", f"The request must contain the parameter {absent}.")
    if service == "monitoring" and absent:
        raise Refused(400, "MissingParameter", f"The request must contain the parameter {absent}.")
    raise Refused(400, code, message(errors))
