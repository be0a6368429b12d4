"""What a Map goes over: its items with what the context object says of them, in batches, and how many may run and fail.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.stepfunctions import jsonata, jsonpath
from infra.local.stepfunctions.dataflow import Visit
from infra.local.stepfunctions.failures import QUERY_EVALUATION, RUNTIME, StateFailure
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.templates import fill_paths

Item = tuple[Any, dict[str, Any]]  # the iteration's input, and Map.Item of the context object


def items_of(visit: Visit) -> list[Item]:
    """Return what a Map goes over, each item with what the context object says of it; of an object its pairs.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html#contextobject-map
    """
    found = _dataset(visit)
    if isinstance(found, dict):
        pairs = enumerate(found.items())
        return [({"Key": key, "Value": value}, _item(index, value, Key=key)) for index, (key, value) in pairs]
    return [(value, _item(index, value)) for index, value in enumerate(found)]


def _item(index: int, value: Any, **more: str) -> dict[str, Any]:
    return {"Index": index, **more, "Value": value, "Source": "STATE_DATA"}


def _dataset(visit: Visit) -> list[Any] | dict[str, Any]:
    """Return the array or object of a Map's items. Raises StateFailure where it is none."""
    if visit.is_jsonata:
        if "Items" not in visit.state:
            if not isinstance(visit.raw, list | dict):
                raise StateFailure(
                    QUERY_EVALUATION, f"Map state input must be an array but was: {compact(visit.raw)}", None, True
                )
            return visit.raw
        given = visit.state["Items"]
        found = visit.expression(given, "Items")
        if not isinstance(found, dict):
            jsonata.expected(found, "array", given if isinstance(given, str) else compact(given), "Items")
    else:
        path = visit.state.get("ItemsPath", "$")
        found = visit.scope(visit.effective_input()).select(path)
        if not isinstance(found, list | dict):
            raise StateFailure(RUNTIME, f'Reference path "{path}" must point to array.')
    items: list[Any] | dict[str, Any] = found
    return items


def selected(visit: Visit, selector: Any, item: dict[str, Any]) -> Any:
    context = {**visit.context, "Map": {"Item": item}}
    if visit.is_jsonata:
        inner = Visit(visit.name, visit.state, visit.language, visit.raw, context, visit.variables)
        return inner.expression(selector, "ItemSelector")
    scope = visit.scope(visit.effective_input())
    scope.context = context
    return fill_paths(selector, scope)


def batches_of(visit: Visit, singles: list[Item]) -> list[Item]:
    """Return the input of each iteration with what the context object says of it."""
    batcher = visit.state.get("ItemBatcher")
    if batcher is None:
        return singles
    selector = visit.state.get("ItemSelector", visit.state.get("Parameters"))
    values = [selected(visit, selector, item) if selector is not None else value for value, item in singles]
    size = _batch_number(visit, batcher, "MaxItemsPerBatch") or max(len(values), 1)
    size_bytes = _batch_number(visit, batcher, "MaxInputBytesPerBatch") or 262_144
    shared = batcher.get("BatchInput")
    if shared is not None:
        shared = (
            visit.expression(shared, "ItemBatcher/BatchInput")
            if visit.is_jsonata
            else fill_paths(shared, visit.scope(visit.effective_input()))
        )
    batches: list[list[Any]] = []
    for value in values:
        if not batches or len(batches[-1]) >= size or len(compact([*batches[-1], value]).encode()) > size_bytes:
            batches.append([])
        batches[-1].append(value)
    inputs = [{"Items": batch, **({"BatchInput": shared} if shared is not None else {})} for batch in batches]
    return [(value, _item(index, value)) for index, value in enumerate(inputs)]


def _batch_number(visit: Visit, batcher: dict[str, Any], name: str) -> int | None:
    value = batcher.get(name)
    if name + "Path" in batcher and not visit.is_jsonata:
        value = visit.scope(visit.effective_input()).select(batcher[name + "Path"])
    elif visit.is_jsonata and isinstance(value, str):
        value = visit.expression(value, f"ItemBatcher/{name}")
    if value is None:
        return None
    if not is_number(value) or value <= 0 or not float(value).is_integer():
        raise visit.out_of_range(name, f"field {name} must be positive")
    return int(value)


def _as_number(value: Any) -> Any:
    """A path may lead to a number written as text."""
    if isinstance(value, str) and jsonpath.NUMBER.fullmatch(value):
        return json.loads(value)
    return value


def whole(visit: Visit, name: str) -> int | None:
    value = _as_number(visit.number(name))
    if value is None:
        return None
    if not is_number(value) or not float(value).is_integer():
        shown = value if isinstance(value, str) else compact(value)
        raise visit.out_of_range(
            name,
            f'The {name}Path field refers to value "{shown}" which is not a valid integer: {visit.state.get(name + "Path")}',
        )
    if value < 0:
        raise visit.out_of_range(name, f"{name} cannot be negative.")
    return int(value)


def tolerated_failures(visit: Visit, length: int) -> int:
    """Return how many iterations may fail before the Map does."""
    count = whole(visit, "ToleratedFailureCount") or 0
    percentage = _as_number(visit.number("ToleratedFailurePercentage"))
    if percentage is None:
        return count
    if not is_number(percentage):
        shown = percentage if isinstance(percentage, str) else compact(percentage)
        path = visit.state.get("ToleratedFailurePercentagePath")
        raise StateFailure(
            RUNTIME,
            f'The ToleratedFailurePercentagePath field refers to value "{shown}" which is not a valid float: {path}',
        )
    if not 0 <= percentage <= 100:
        raise visit.out_of_range("ToleratedFailurePercentage", "ToleratedFailurePercentage must be between 0 and 100.")
    return max(count, int(length * percentage // 100))
