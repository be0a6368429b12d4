"""Types and schemas as a crawler infers them.

A type is a Glue type's text (`int`, `string`, `decimal(5,2)` …), or {field: type} for a struct, or [type] for an array, or NULL for a value that was
never seen. A schema is {column in lower case: type}, in the order of the data.

Source: https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

Type = Any  # str | dict[str, "Type"] | list["Type"]
Schema = dict[str, Type]

NULL = "null"
INT_MIN, INT_MAX = -(2**31), 2**31 - 1
BIGINT_MIN, BIGINT_MAX = -(2**63), 2**63 - 1
SIMILARITY = 0.7  # schemas that share more than this part of their columns belong to one table

_NUMBER = re.compile(r"[+-]?(?:\d+(\.\d*)?|(\.\d+))([eE][+-]?\d+)?", re.ASCII)

# Each type can hold all values of those before it.
_WIDTHS = {"tinyint": 0, "smallint": 1, "int": 2, "bigint": 3, "float": 4, "double": 5}


def json_type(value: Any) -> Type:
    """Return the type of a parsed JSON value."""
    kind = type(value)
    if kind is str:
        return "string"
    if kind is int:
        if INT_MIN <= value <= INT_MAX:
            return "int"
        return "bigint" if BIGINT_MIN <= value <= BIGINT_MAX else "double"
    if kind is float:
        return "double"
    if kind is bool:
        return "boolean"
    if kind is dict:
        return {name: json_type(item) for name, item in value.items()}
    if kind is list:
        element: Type = NULL
        for item in value:
            element = merge(element, json_type(item))
        return [element]
    return NULL


def merge(one: Type, other: Type) -> Type:
    """Return the type that holds values of both: int and double make double, what does not fit together is string."""
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        merged = dict(one)
        for name, kind in other.items():
            merged[name] = merge(merged[name], kind) if name in merged else kind
        return merged
    if isinstance(one, list) and isinstance(other, list):
        return [merge(one[0], other[0])]
    if isinstance(one, str) and isinstance(other, str) and one in _WIDTHS and other in _WIDTHS:
        wider = one if _WIDTHS[one] >= _WIDTHS[other] else other
        return "double" if wider == "float" and "bigint" in (one, other) else wider
    return "string"


def render(kind: Type) -> str:
    """Return a type as the Data Catalog writes it, such as `struct<id:int,tags:array<string>>`."""
    if isinstance(kind, dict):
        return f"struct<{','.join(f'{name}:{render(item)}' for name, item in kind.items())}>" if kind else "string"
    if isinstance(kind, list):
        return f"array<{render(kind[0])}>"
    return "string" if kind == NULL else kind


def json_schema(records: Iterable[dict[str, Any]]) -> tuple[Schema, set[str]]:
    """Return the schema of JSON objects, and their keys in the original case.

    Most records of a file look alike: of one whose keys and kinds of values were seen before, only the whole numbers are looked at.
    """
    found: Schema = {}
    numbers: dict[tuple[Any, ...], list[int] | None] = {}  # keys and kinds → where whole numbers are; None: look at all
    for record in records:
        values = list(record.values())
        shape = (*record, *map(type, values))
        where = numbers.get(shape)
        if where is not None and all(INT_MIN <= values[at] <= INT_MAX for at in where):
            continue
        if shape not in numbers:
            is_flat = not any(isinstance(value, (dict, list)) for value in values)
            numbers[shape] = [at for at, value in enumerate(values) if type(value) is int] if is_flat else None
        for name, value in record.items():
            kind = json_type(value)
            known = found.get(name)
            if known is None:
                found[name] = kind
            elif known != kind:
                found[name] = merge(known, kind)
    schema: Schema = {}
    for name, kind in found.items():
        lower = name.lower()
        schema[lower] = merge(schema[lower], kind) if lower in schema else kind
    return schema, set(found)


def text_type(text: str) -> Type:
    """Return the type of a CSV cell: bigint, double or string; an empty cell says nothing."""
    if not text:
        return NULL
    match = _NUMBER.fullmatch(text)
    if match is None:
        return "string"
    is_whole = match.lastindex is None and BIGINT_MIN <= int(text) <= BIGINT_MAX
    return "bigint" if is_whole else "double"


def merge_schemas(one: Schema, other: Schema) -> Schema:
    """Return the columns of both; new ones come last."""
    if one == other:
        return one
    merged = dict(one)
    for name, kind in other.items():
        merged[name] = merge(merged[name], kind) if name in merged else kind
    return merged


def are_similar(one: Schema, other: Schema) -> bool:
    """Tell whether two schemas share more than 70 % of the columns of the larger one, by name and kind of type."""
    if not one or not other:
        return not one and not other
    shared = sum(1 for name, kind in one.items() if name in other and _fit(kind, other[name]))
    return shared / max(len(one), len(other)) > SIMILARITY


def _fit(one: Type, other: Type) -> bool:
    if one == NULL or other == NULL or one == other:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return one in _WIDTHS and other in _WIDTHS
    return type(one) is type(other)
