"""What a target gets: the event, a constant (Input), a part (InputPath), or a text made of parts (InputTransformer).

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from typing import Any

PLACEHOLDER = re.compile(r"<([^<>\s]+)>")
STEP = re.compile(r"""\.([\w-]+|\*)|\[(\d+|\*)\]|\['([^']+)'\]|\["([^"]+)"\]""")
MISSING = object()


class InvalidPath(ValueError):
    """The text is no JSON path of EventBridge's kind: `$.detail.list[0]`."""


def steps(path: str) -> list[str | int]:
    """Return the steps of a JSON path. Raises InvalidPath."""
    if not path.startswith("$"):
        raise InvalidPath(path)
    found: list[str | int] = []
    at = 1
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise InvalidPath(path)
        name, index, quoted, double_quoted = step.groups()
        found.append(int(index) if index and index != "*" else index or name or quoted or double_quoted)
        at = step.end()
    return found


def part(event: Any, path: str) -> Any:
    """Return what a JSON path gives, MISSING where there is nothing. Raises InvalidPath."""
    return _part(event, steps(path))


def _part(value: Any, left: list[str | int]) -> Any:
    for number, step in enumerate(left):
        if step == "*":
            each_of = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
            found = [_part(each, left[number + 1 :]) for each in each_of]
            return [each for each in found if each is not MISSING]
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return MISSING
            value = value[step]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return MISSING
    return value


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def payload(event: dict[str, Any], target: dict[str, Any], reserved: dict[str, Any]) -> str:
    """Return the text that a target gets.

    Parameters
    ----------
    event: in EventBridge's envelope
    target: as in PutTargets
    reserved: values of the placeholders that EventBridge fills itself, `aws.events.rule-name` and the like
    """
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = part(event, target["InputPath"])
        return as_json(None if found is MISSING else found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = {name: part(event, path) for name, path in transformer.get("InputPathsMap", {}).items()}
        return fill(transformer["InputTemplate"], {**values, **reserved})
    return as_json(event)


def fill(template: str, values: dict[str, Any]) -> str:
    """Return a template with its placeholders replaced: inside quotes by text, elsewhere by JSON."""
    parts, at, quoted = [], 0, False
    for found in PLACEHOLDER.finditer(template):
        if found[1] not in values:
            continue
        before = template[at : found.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        parts += [before, _in_quotes(values[found[1]]) if quoted else _bare(values[found[1]])]
        at = found.end()
    return "".join([*parts, template[at:]])


def _in_quotes(value: Any) -> str:
    if value is MISSING:
        return ""
    text = value if isinstance(value, str) else as_json(value)
    return as_json(text)[1:-1]


def _bare(value: Any) -> str:
    return as_json(None if value is MISSING else value)
