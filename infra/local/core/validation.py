"""Limits that botocore's model of a service sets for the members of a request: length, range, pattern and choices.

AWS's services check them before anything else, and say all that is wrong in one ValidationException.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from moto.core.utils import get_service_model

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
