"""JSON paths as json_extract and its kin take them: `$.a[0]`, names and numbers.

Source: https://trino.io/docs/current/functions/json.html
"""

import json
import re
from functools import lru_cache

from infra.engines.athena.errors import Refused
from infra.engines.athena.json_text import Number, json_text

_STEP = re.compile(r"""\.\s*(?P<name>[A-Za-z_$][\w$-]*)|\[\s*(?P<index>\d+)\s*\]|\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]|\[\s*'(?P<single>[^']*)'\s*\]""",
                   re.VERBOSE)  # fmt: skip


def _bad_path(path: str) -> Refused:
    return Refused("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{path}'")


@lru_cache(maxsize=512)
def simple_steps(path: str) -> tuple[str | int, ...]:
    """The keys and indexes of json_extract's path; Refused if it is none."""
    text = path.strip()
    if not text.startswith("$"):
        text = "$." + text if re.match(r"[A-Za-z_]", text) else text
    if not text.startswith("$"):
        raise _bad_path(path)
    found: list[str | int] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if not match:
            raise _bad_path(path)
        if match["index"] is not None:
            found.append(int(match["index"]))
        elif match["name"] is not None:
            found.append(match["name"])
        else:
            key = match["double"] if match["double"] is not None else match["single"]
            found.append(re.sub(r"\\(.)", r"\1", key))
        at = match.end()
    return tuple(found)


def load(text: str):
    return json.loads(text, parse_float=Number, parse_int=Number)


def extract(text: str, path: str) -> str | None:
    """The JSON text at a path, None if there is nothing."""
    steps = simple_steps(path)
    try:
        value = load(text)
    except ValueError:
        return None
    for step in steps:
        if isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return None
    return json_text(value)
