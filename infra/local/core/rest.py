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

from infra.local.core import shapes
from infra.local.core.shapes import Malformed


class Route(NamedTuple):
    """An operation's method, the pattern of its path, and what must be in its query."""

    method: str
    pattern: re.Pattern[str]
    query: str
    operation: str


@lru_cache
def routes(service: str) -> tuple[Route, ...]:
    """Return the routes of a service by botocore's name, those with the most fixed text first.

    Parameters
    ----------
    service: botocore's name
    """
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
    Raises Malformed for a body that is no JSON, and what is of another type than the model says.

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
            given[member] = shapes.of_text(in_path[wire], kind.type_name, member)
        elif place == "querystring" and wire in in_query and kind.type_name != "map":
            given[member] = _in_address(in_query[wire], kind, member)
        elif place == "header" and wire.lower() in lower:
            given[member] = _in_address([lower[wire.lower()]], kind, member)
        elif member == payload:
            given[member] = (
                body if kind.type_name == "blob" else shapes.of_json(_json(body), kind, shapes.lower_first(member))
            )
        elif place is None and not payload:
            in_body = _json(body) if in_body is None else in_body
            if in_body.get(wire) is not None:
                given[member] = shapes.of_json(in_body[wire], kind, shapes.lower_first(member))
    return given


def _json(body: bytes) -> Any:
    try:
        value = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise Malformed("The request body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("Start of structure or map found where not expected.")
    return value


def _in_address(texts: list[str], shape: Any, name: str) -> Any:
    if shape.type_name == "list":
        return [shapes.of_text(text, shape.member.type_name, name) for text in texts]
    return shapes.of_text(texts[-1], shape.type_name, name)
