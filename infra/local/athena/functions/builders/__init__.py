"""What makes DuckDB's text where types or literals decide it: a file a kind of value. The table of functions names them by `@name`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.athena.functions.builders import arrays_and_maps, json_values, moments, numbers, text
from infra.local.athena.functions.builders.arithmetic import arithmetic, concatenate
from infra.local.athena.functions.builders.forms import SPECIAL_FORMS, extract, subscript
from infra.local.athena.functions.builders.json_values import json_array, json_object, json_path_call
from infra.local.athena.functions.builders.literals import current, interval_literal, typed_literal
from infra.local.athena.functions.builders.moments import at_time_zone

__all__ = [
    "SPECIAL_FORMS",
    "arithmetic",
    "at_time_zone",
    "concatenate",
    "current",
    "extract",
    "interval_literal",
    "json_array",
    "json_object",
    "json_path_call",
    "named",
    "subscript",
    "typed_literal",
]

_OF_FUNCTIONS = (text, numbers, moments, json_values, arrays_and_maps)


def named(name: str) -> Callable[..., Any]:
    """Return the builder of this name, which the table of functions gives after `@`. Raises KeyError."""
    for module in _OF_FUNCTIONS:
        if hasattr(module, name):
            return getattr(module, name)
    raise KeyError(name)
