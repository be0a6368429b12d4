"""DataBrew on the wire: what a request says is checked against the service's own model, and answers are cut to it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from moto.core.utils import get_service_model

from infra.local.core import rest, validation
from infra.local.core.shapes import Malformed

from .errors import BrewError, invalid

NAME = "databrew"


@lru_cache
def model() -> Any:
    return get_service_model(NAME)


def operation(method: str, path: str, query: str = "") -> str:
    return rest.operation(NAME, method, path, query)


def parse(method: str, uri: str, headers: Any, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name of the operation and the members of its request.

    Parameters
    ----------
    uri: path and query as they came, still encoded

    Raises BrewError for what the service's model does not allow.
    """
    path, _, query = uri.partition("?")
    name = operation(method, path, query)
    if not name:
        raise BrewError("UnknownOperationException", 404, f"No operation of DataBrew has the path {method} {path}.")
    try:
        given = rest.parameters(NAME, name, path, query, headers, body)
    except Malformed as error:
        raise BrewError("SerializationException", 400, str(error)) from None
    shape = model().operation_model(name).input_shape
    problems = [*validation.missing(given, shape)] or [*validation.constraint_errors(given, shape)]
    if problems:
        raise invalid(validation.message(problems))
    return name, given


def answer(name: str, value: dict[str, Any]) -> str:
    """Return the answer as JSON: only what the model's answer has, times in seconds."""
    return json.dumps(_trimmed(value, model().operation_model(name).output_shape))


def _trimmed(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        names = [name for name in shape.members if value.get(name) is not None]
        return {name: _trimmed(value[name], shape.members[name]) for name in names}
    if shape.type_name == "list":
        return [_trimmed(item, shape.member) for item in value]
    return value
