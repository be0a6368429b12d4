"""What expressions of a state see: its input, the context object and the workflow variables; and paths looked up in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.stepfunctions import jsonpath
from infra.local.stepfunctions.failures import RUNTIME, StateFailure

_encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)  # made once: json.dumps makes one for each text


def compact(value: Any) -> str:
    """Return JSON text as Step Functions writes it: without blanks, signs as they are."""
    return _encoder.encode(value)


@dataclass
class Scope:
    """The values that the expressions of one state may use.

    Parameters
    ----------
    value: what `$` is
    context: the context object, `$$` in JSONPath
    variables: the workflow variables in reach
    """

    value: Any
    context: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def of(self, value: Any) -> Scope:
        """The same with another `$`."""
        return Scope(value, self.context, self.variables)

    def look_up(self, path: jsonpath.Path) -> Any:
        """Return what a path finds. Raises PathNotFound."""
        if not path.variable:
            return jsonpath.find(path, self.value)
        if path.variable == "$":
            return jsonpath.find(path, self.context)
        if path.variable not in self.variables:
            raise jsonpath.PathNotFound(f"The variable ${path.variable} has no value")
        return jsonpath.find(path, self.variables[path.variable])

    def select(self, text: str | None) -> Any:
        """Return the value of an InputPath, OutputPath and the like; null gives an empty object. Raises StateFailure."""
        if text is None:
            return {}
        if text == "$":
            return self.value
        try:
            return self.look_up(jsonpath.parse(text))
        except (jsonpath.PathNotFound, jsonpath.PathSyntaxError) as error:
            raise StateFailure(RUNTIME, f"Invalid path '{text}' : {error}") from None

    def field_value(self, text: str, name: str) -> Any:
        """Return the value of a path in a field `name`; the failure names field and input. Raises StateFailure."""
        try:
            return self.look_up(jsonpath.parse(text))
        except (jsonpath.PathNotFound, jsonpath.PathSyntaxError):
            raise StateFailure(
                RUNTIME,
                f"The JSONPath '{text}' specified for the field '{name}' could not be found in the input "
                f"'{compact(self.value)}'",
            ) from None
