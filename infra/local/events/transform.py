"""What a target gets: the event, a constant (Input), a part (InputPath), or a text made of parts (InputTransformer).

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from infra.local.core import strict_json

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
    """Return a template with its placeholders replaced: inside quotes by text, elsewhere by JSON.

    What is missing is empty. An object or list inside quotes loses its own quotes where the whole template is a text; inside an
    object of a template it keeps them, which makes no JSON: EventBridge delivers nothing then.
    """
    is_text = template.lstrip().startswith('"')
    parts, at, quoted = [], 0, False
    for found in PLACEHOLDER.finditer(template):
        if found[1] not in values:
            continue
        before = template[at : found.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', before)) % 2 == 1
        value = "" if values[found[1]] is MISSING else values[found[1]]
        parts += [before, _in_quotes(value, is_text) if quoted else as_json(value)]
        at = found.end()
    return "".join([*parts, template[at:]])


def _in_quotes(value: Any, is_text: bool) -> str:
    if isinstance(value, str):
        return as_json(value)[1:-1]
    return as_json(value).replace('"', "") if is_text else as_json(value)


def is_deliverable(text: str) -> bool:
    """Whether what a template gave is JSON, or lines that are each a JSON text."""
    return _is_json(text) or all(line.strip().startswith('"') and _is_json(line) for line in text.splitlines())


def _is_json(text: str) -> bool:
    try:
        strict_json.loads(text)
    except ValueError:
        return False
    return True
