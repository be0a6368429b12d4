"""Requests of services with the protocol REST-JSON, read by AWS's own model: which operation, with which parameters.

Source: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import orjson


class BadRequest(Exception):
    """A request that is not what the model says: a SerializationException."""


class Route(NamedTuple):
    """An operation's method, the pattern of its path, and what must be in its query."""

    method: str
    pattern: re.Pattern[str]
    query: str
    operation: str


NUMBERS = ("integer", "long", "float", "double")


@lru_cache
def routes(service: str) -> tuple[Route, ...]:
    """Return the routes of a service by botocore's name, those with the most fixed text first."""
    from moto.core.utils import get_service_model

    model = get_service_model(service)
    found, weights = [], {}
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        parts = re.split(r"(\{[^}]+\})", path.rstrip("/"))
        pattern = "".join(
            f"(?P<{part[1:-1].rstrip('+')}>{'.+' if part[-2] == '+' else '[^/]+'})"
            if part[:1] == "{"
            else re.escape(part)
            for part in parts
        )
        fixed = sum(len(part) for part in parts if part[:1] != "{")
        found.append(Route(http["method"], re.compile(pattern + "/?"), query, name))
        weights[name] = fixed + len(query)
    return tuple(sorted(found, key=lambda route: -weights[route.operation]))


def operation(service: str, method: str, path: str, query: str = "") -> str:
    """Return the operation that a method, a path and a query mean, "" for none.

    Parameters
    ----------
    service: its name in a request's signature
    method: for example GET
    path: as it came, still quoted
    query: the part of the address behind its question mark

    Source: https://smithy.io/2.0/spec/http-bindings.html
    """
    for route in routes(service):
        if route.method == method and route.pattern.fullmatch(path) and route.query in query:
            return route.operation
    return ""


def parameters(
    service: str, name: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Return an operation's parameters by their names in the model.

    Parameters
    ----------
    service: its name in a request's signature
    name: the operation's name in the model
    path: as it came, still quoted
    query: the part of the address behind its question mark
    headers: by their names, in any case
    body: as it came

    Blobs in a JSON body stay base64 text; a payload that is a blob is the bytes of the body.
    Raises BadRequest for a body that is no JSON or has members of another type.

    Source: https://smithy.io/2.0/spec/http-bindings.html
    """
    from moto.core.utils import get_service_model

    shape = get_service_model(service).operation_model(name).input_shape
    if shape is None:
        return {}
    route = next(r for r in routes(service) if r.operation == name and r.pattern.fullmatch(path))
    in_path = {key: unquote(value) for key, value in route.pattern.fullmatch(path).groupdict().items()}  # type: ignore[union-attr]
    in_query: dict[str, list[str]] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        in_query.setdefault(key, []).append(value)
    lower = {key.lower(): value for key, value in headers.items()}
    payload = shape.serialization.get("payload")
    in_body: Any = None
    given: dict[str, Any] = {}
    for member, kind in shape.members.items():
        place, wire = kind.serialization.get("location"), kind.serialization.get("name", member)
        if place == "uri":
            given[member] = _from_text(in_path[wire], kind, wire)
        elif place == "querystring" and wire in in_query:
            texts = in_query[wire]
            given[member] = texts if kind.type_name == "list" else _from_text(texts[-1], kind, wire)
        elif place == "header" and wire.lower() in lower:
            given[member] = _from_text(lower[wire.lower()], kind, wire)
        elif member == payload:
            given[member] = body if kind.type_name == "blob" else _checked(_json(body), kind, member)
        elif place is None and not payload:
            in_body = _json(body) if in_body is None else in_body
            if in_body.get(wire) is not None:
                given[member] = _checked(in_body[wire], kind, wire)
    return given


def _json(body: bytes) -> Any:
    try:
        value = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise BadRequest("The request body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise BadRequest("Start of structure or map found where not expected.")
    return value


def _from_text(text: str, shape: Any, name: str) -> Any:
    if shape.type_name in ("integer", "long"):
        if not re.fullmatch(r"[+-]?\d+", text):
            raise BadRequest(f"STRING_VALUE can not be converted to {shape.type_name} at '{name}'.")
        return int(text)
    return text == "true" if shape.type_name == "boolean" else text


_KINDS: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    **{name: (int, float) for name in NUMBERS},
}


def _checked(value: Any, shape: Any, path: str) -> Any:
    """Return a value of the JSON body without members that are null. Raises BadRequest for one of another type."""
    fits = isinstance(value, _KINDS[shape.type_name])
    if not fits or (isinstance(value, bool) and shape.type_name != "boolean"):
        kinds: dict[type, str] = {
            dict: "START_OBJECT",
            list: "START_ARRAY",
            str: "STRING_VALUE",
            bool: "TRUE_VALUE",
        }
        found = kinds.get(type(value), "NUMBER_VALUE")
        raise BadRequest(f"{found} can not be converted to {shape.type_name} at '{path}'.")
    if shape.type_name == "structure":
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {
            names[wire][0]: _checked(item, names[wire][1], f"{path}.{wire}")
            for wire, item in value.items()
            if item is not None and wire in names
        }
    if shape.type_name == "list":
        return [_checked(item, shape.member, f"{path}.{n}") for n, item in enumerate(value, 1) if item is not None]
    if shape.type_name == "map":
        return {key: _checked(item, shape.value, f"{path}.{key}") for key, item in value.items() if item is not None}
    return value
