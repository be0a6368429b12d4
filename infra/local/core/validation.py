"""Requests are checked against AWS's own model of their service before it sees them.

Limits that botocore's model of a service sets for the members of a request: length, range, pattern and choices.

AWS's services check them before anything else, and say all that is wrong in one ValidationException.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import cbor2
import orjson
from moto.core.utils import get_service_model

from infra.local.core import operations, registry, rest
from infra.local.core.refused import Refused
from infra.local.core.request import Request

RPC_TYPE = "application/cbor"  # of Smithy's RPC v2
SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"  # how patterns write the signs beyond U+FFFF
MEASURED = {"string": "length", "list": "length", "map": "length", "integer": "value", "long": "value"}


def request_errors(service: str, operation: str, given: dict[str, Any]) -> list[str]:
    """Return what in a request is not within the limits of the service's model, for `message`."""
    return list(constraint_errors(given, get_service_model(service).operation_model(operation).input_shape))


def message(errors: list[str]) -> str:
    """Return the message of a ValidationException."""
    plural = "" if len(errors) == 1 else "s"
    return f"{len(errors)} validation error{plural} detected: " + "; ".join(f"Value {error}" for error in errors)


def constraint_errors(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yield what breaks the model's limits in a request, in the words of AWS's services.

    Parameters
    ----------
    value: the request, or a member of it, as JSON has it; its types are right
    shape: botocore's shape of it
    path: the member's name, empty for the request
    """
    shown = f"'{value}' at '{path}' failed to satisfy constraint: "
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
        size = len(value) if what == "length" else value
        if size < limits.get("min", size):
            yield f"Member must have {what} greater than or equal to {limits['min']}"
        if size > limits.get("max", size):
            yield f"Member must have {what} less than or equal to {limits['max']}"
    if shape.type_name == "string":
        pattern = limits.get("pattern", "").replace(SURROGATES, "\U00010000-\U0010ffff")
        # Python has no \p: those are of tags
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
        if limits.get("enum") and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


# --- a whole request ------------------------------------------------------------------------------------------------


def check(service: str, request: Request, body: bytes) -> dict[str, Any]:
    """Return the parameters of a request's operation. Raises Refused where they are not what the model says."""
    if not request.operation:
        return {}
    model = get_service_model(registry.model_name(service))
    if request.target:
        return _json_parameters(model, request, body)
    if model.protocol == "rest-json" and request.operation in model.operation_names:
        try:
            return rest.parameters(
                registry.model_name(service),
                request.operation,
                request.raw_path,
                request.query_string,
                request.headers,
                body,
            )
        except rest.BadRequest as error:
            raise Refused(400, "SerializationException", str(error)) from None
    if request.content_type == RPC_TYPE:
        return _cbor_parameters(body)
    return dict(operations.form(request, body)) if "query" in operations.protocols_of(model) else {}


def _cbor_parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = cbor2.loads(body) if body else {}
    except (cbor2.CBORDecodeError, TypeError, ValueError, OverflowError):
        raise Refused(400, "SerializationException", "The request body is not valid CBOR.") from None
    if not isinstance(parameters, dict):
        raise Refused(400, "SerializationException", "Start of structure or map found where not expected.")
    return parameters


def _json_parameters(model: Any, request: Request, body: bytes) -> dict[str, Any]:
    try:
        parameters = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise Refused(400, "SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(parameters, dict):
        raise Refused(400, "SerializationException", "Start of structure or map found where not expected.")
    shape = model.operation_model(request.operation).input_shape
    if shape is not None:
        _check_shape(parameters, shape, "", request.service)
    return parameters


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int, float),
    "long": (int, float),
    "float": (int, float, str),
    "double": (int, float, str),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "blob": (str,),
}
_CODES = {"athena": "InvalidRequestException"}


def _check_shape(value: Any, shape: Any, path: str, service: str) -> None:
    expected = _TYPES.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and shape.type_name != "boolean")):
        raise Refused(
            400,
            "SerializationException",
            f"{_json_kind(value)} can not be converted to {shape.type_name} at '{path or '$'}'.",
        )
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return
        for name in shape.required_members:
            if value.get(name) is None:
                raise Refused(
                    400,
                    _CODES.get(service, "ValidationException"),
                    f"1 validation error detected: Value null at '{_member(path, name)}' failed to satisfy constraint: Member must not be null",
                )
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_shape(value[name], member, _member(path, name), service)
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            if item is not None:
                _check_shape(item, shape.member, f"{path}.{number}.member", service)
    elif shape.type_name == "map":
        for key, item in value.items():
            if item is not None:
                _check_shape(item, shape.value, f"{path}.{key}", service)


def _member(path: str, name: str) -> str:
    lower = name[:1].lower() + name[1:]
    return f"{path}.{lower}" if path else lower


def _json_kind(value: Any) -> str:
    return {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE", bool: "TRUE_VALUE"}.get(
        type(value), "NUMBER_VALUE"
    )
