"""Payload templates: JSON in which some values are made when the state runs.

In JSONPath, a field whose name ends in `.$` holds a path or an intrinsic function. In JSONata, every text in `{% … %}` is an expression.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html
"""

from __future__ import annotations

from typing import Any

from infra.local.stepfunctions import intrinsics, jsonata
from infra.local.stepfunctions.scope import Scope


def fill_paths(template: Any, scope: Scope) -> Any:
    """Return a JSONPath payload template with its values. Raises StateFailure."""
    if isinstance(template, list):
        return [fill_paths(item, scope) for item in template]
    if not isinstance(template, dict):
        return template
    filled = {}
    for name, value in template.items():
        if name.endswith(".$") and isinstance(value, str):
            filled[name[:-2]] = path_value(value, scope, name)
        else:
            filled[name] = fill_paths(value, scope)
    return filled


def path_value(text: str, scope: Scope, name: str) -> Any:
    """Return the value of a path or an intrinsic function in the field `name`. Raises StateFailure."""
    if intrinsics.is_intrinsic(text):
        return intrinsics.evaluate(text, scope)
    return scope.field_value(text, name)


def fill_expressions(template: Any, states: dict[str, Any], variables: dict[str, Any], field: str) -> Any:
    """Return a JSONata template with its values.

    Parameters
    ----------
    template: any JSON; texts in `{% %}` are expressions
    states: what `$states` is
    variables: the workflow variables in reach
    field: the name of the state's field, for the failure

    Raises
    ------
    StateFailure: an expression fails or has no value
    """
    if isinstance(template, list):
        return [fill_expressions(item, states, variables, f"{field}[{at}]") for at, item in enumerate(template)]
    if isinstance(template, dict):
        return {name: fill_expressions(item, states, variables, f"{field}/{name}") for name, item in template.items()}
    if isinstance(template, str) and jsonata.is_expression(template):
        return jsonata.evaluate(template, states, variables, field)
    return template
