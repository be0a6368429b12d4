"""JSON: the records of a text, whole documents or one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import orjson

from infra.local.glue.crawler.content import Content
from infra.local.glue.crawler.schema import (
    NULL,
    Type,
    json_schema,
    json_type,
    merge,
)

_decoder = json.JSONDecoder()
_blank = re.compile(r"[\s,]*")
_path_step = re.compile(r"\.(\*|[\w$-]+)|\[(\*|\d+)\]|\['([^']+)'\]")


def json_path(path: str) -> list[str | int]:
    """Return the steps of a JSON classifier's path: a name, a number, or `*` for all.

    Supported are `$`, `.name`, `['name']`, `[3]`, `[*]` and `.*`. Raises ValueError.
    """
    steps: list[str | int] = []
    at = 1
    if not path.startswith("$"):
        raise ValueError("A JSON path starts with $.")
    while at < len(path):
        match = _path_step.match(path, at)
        if match is None:
            raise ValueError(f"The JSON path {path} is not valid.")
        step = match[1] or match[2] or match[3]
        steps.append(int(step) if match[2] and step != "*" else step)
        at = match.end()
    return steps


def _follow(value: Any, steps: Sequence[str | int]) -> list[Any]:
    found = [value]
    for step in steps:
        following: list[Any] = []
        for each in found:
            if step == "*":
                following += each if isinstance(each, list) else each.values() if isinstance(each, dict) else []
            elif isinstance(step, int):
                following += each[step : step + 1] if isinstance(each, list) else []
            elif isinstance(each, dict) and step in each:
                following.append(each[step])
        found = following
    return found


def of_json(text: bytes, whole: bool, path: str | None = None) -> Content | None:
    """Read JSON: one value a line, or values one after the other, or one document; with a classifier's path, what it points to."""
    text = text.removeprefix(b"\xef\xbb\xbf")
    if text.lstrip()[:1] not in (b"{", b"["):
        return None
    values, skipped = _json_values(text, whole)
    if path is not None:
        steps = json_path(path)
        values = [found for value in values for found in _follow(value, steps)]
    records = [value for value in values if isinstance(value, dict)]
    arrays = [value for value in values if isinstance(value, list)]
    skipped += len(values) - len(records) - len(arrays)
    if len(records) + len(arrays) <= skipped or not values:
        return None
    schema, keys = json_schema(records)
    if arrays:
        kind: Type = [NULL]
        for value in arrays:
            kind = merge(kind, json_type(value))
        schema["array"] = merge(schema.get("array", NULL), kind)
        keys.add("array")
    parameters = {} if path is None else {"jsonPath": path}
    return Content("json", "none", schema, len(records) + len(arrays), len(text), keys, parameters, skipped=skipped)


def _json_values(text: bytes, whole: bool) -> tuple[list[Any], int]:
    """Return the JSON values of a text, and how many lines are none."""
    lines = text.split(b"\n")
    complete = [line for line in (lines if whole else lines[:-1]) if line and not line.isspace()]
    try:  # all lines at once is three times as fast as one by one
        values = orjson.loads(b"[%s]" % b",".join(complete))
        if values:
            return values, 0
    except orjson.JSONDecodeError:
        pass
    values = []
    skipped = 0
    for number, line in enumerate(lines):
        if not line or line.isspace():
            continue
        try:
            values.append(orjson.loads(line))
            continue
        except orjson.JSONDecodeError:
            pass
        in_line, rest = _concatenated(line)
        is_cut_off = not whole and number == len(lines) - 1
        if not values and not in_line and not skipped:  # the first line is no value: it is one document of many lines
            return _document(text, whole)
        values += in_line
        skipped += bool(rest) and not is_cut_off
    return values, skipped


def _document(text: bytes, whole: bool) -> tuple[list[Any], int]:
    values, rest = _concatenated(text)
    return values, int(bool(rest) and whole)


def _concatenated(text: bytes) -> tuple[list[Any], str]:
    """Return the values that stand one after the other, and the rest that is none."""
    decoded = text.decode("utf-8", "replace")
    values: list[Any] = []
    at = _blank.match(decoded).end()  # type: ignore[union-attr]
    while at < len(decoded):
        if decoded[at] not in "{[":
            return values, decoded[at:]
        try:
            value, at = _decoder.raw_decode(decoded, at)
        except (ValueError, RecursionError):
            return values, decoded[at:]
        values.append(value)
        at = _blank.match(decoded, at).end()  # type: ignore[union-attr]
    return values, ""
