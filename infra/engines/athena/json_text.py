"""JSON values as Trino writes them."""

from __future__ import annotations

import json
from typing import Any


class Number(str):
    """A JSON number that keeps its digits."""


def json_text(value: Any) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(k, ensure_ascii=False)}:{json_text(value[k])}" for k in sorted(value))
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
