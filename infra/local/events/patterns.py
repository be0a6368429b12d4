"""Event patterns: what EventBridge refuses, and which events a pattern matches.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from infra.local.core import strict_json, wildcards

OPERATORS = ("prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric", "exists", "anything-but")
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}
NUMERIC_LIMIT = 5e9
MOST_ALIKE_WILDCARDS = 5
MOST_LEVELS = 100  # ours: the matcher calls itself for each
_MISSING = object()


class InvalidPattern(Exception):
    """EventBridge would refuse the pattern; the message is the reason."""


# --- checking -------------------------------------------------------------------------------------------------------


def parse(text: str) -> dict[str, Any]:
    """Return a pattern that EventBridge takes.

    Parameters
    ----------
    text: JSON of the pattern, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html

    Returns
    -------
    pattern: what the JSON says

    Raises
    ------
    InvalidPattern: no JSON, or nothing that EventBridge takes
    """
    try:
        pattern = strict_json.loads(text)
    except ValueError:
        raise InvalidPattern("Unrecognized token: the pattern is not valid JSON") from None
    if not isinstance(pattern, dict):
        raise InvalidPattern("Filter is not an object")
    _check_object(pattern)
    return pattern


def _check_object(pattern: dict[str, Any], in_or: bool = False, depth: int = 1) -> None:
    if depth > MOST_LEVELS:
        raise InvalidPattern(f"More than {MOST_LEVELS} levels of objects are not allowed")
    if not pattern:
        raise InvalidPattern("Empty objects are not allowed")
    for name, value in pattern.items():
        if name == "$or":
            _check_or(value, depth)
        elif in_or and name in OPERATORS:
            raise InvalidPattern(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
        elif isinstance(value, dict):
            _check_object(value, in_or, depth + 1)
        elif isinstance(value, list):
            _check_choices(value)
        else:
            raise InvalidPattern(f'"{name}" must be an object or an array')


def _check_or(branches: Any, depth: int) -> None:
    if not isinstance(branches, list):
        raise InvalidPattern("It must be an Array followed with $or.")
    if not all(isinstance(branch, dict) for branch in branches):
        raise InvalidPattern("Only JSON object is allowed in array of $or relationship.")
    if len(branches) < 2:
        raise InvalidPattern("There must have at least 2 Objects in $or relationship.")
    for branch in branches:
        _check_object(branch, in_or=True, depth=depth + 1)


def _check_choices(choices: list[Any]) -> None:
    if not choices:
        raise InvalidPattern("Empty arrays are not allowed")
    for choice in choices:
        if isinstance(choice, list):
            raise InvalidPattern("Match value must be String, number, true, false, or null")
        if isinstance(choice, dict):
            _check_operator(choice)


def _only(expression: dict[str, Any], nothing: str) -> tuple[str, Any]:
    if not expression:
        raise InvalidPattern(nothing)
    if len(expression) > 1:
        raise InvalidPattern("Only one key allowed in match expression")
    return next(iter(expression.items()))


def _check_operator(expression: dict[str, Any]) -> None:
    name, value = _only(expression, "Match expression name not found")
    if name in ("prefix", "suffix"):
        if isinstance(value, dict):
            inner, value = _only(value, f"{name} match pattern must be a string")
            if inner != "equals-ignore-case":
                raise InvalidPattern(f"Unsupported {name} match pattern: {inner}")
        _check_text(value, name)
    elif name in ("equals-ignore-case", "wildcard"):
        _check_text(value, name)
        if name == "wildcard":
            _check_wildcard(value)
    elif name == "cidr":
        _check_text(value, "prefix")
        _network(value)
    elif name == "exists":
        if not isinstance(value, bool):
            raise InvalidPattern("exists match pattern must be either true or false.")
    elif name == "numeric":
        _check_numeric(value)
    elif name == "anything-but":
        _check_anything_but(value)
    else:
        raise InvalidPattern(f"Unrecognized match type {name}")


def _check_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise InvalidPattern(f"{name} match pattern must be a string")


def _check_wildcard(text: str) -> None:
    at = 1  # the position counts the opening quote, as EventBridge does
    previous = ""
    while at <= len(text):
        sign = text[at - 1]
        if sign == "\\":
            if text[at : at + 1] not in ("*", "\\"):
                raise InvalidPattern(f"Invalid escape character at pos {at}")
            at, previous = at + 2, ""
            continue
        if sign == previous == "*":
            raise InvalidPattern(f"Consecutive wildcard characters at pos {at - 1}")
        at, previous = at + 1, sign
    _check_complexity(text)


def _check_complexity(text: str) -> None:
    """Refuse what would keep EventBridge's matcher in too many places at once: wildcards that are followed by the same sign."""
    followers = Counter(text[at + 1] for at, sign in enumerate(text[:-1]) if sign == "*")
    if max(followers.values(), default=0) >= MOST_ALIKE_WILDCARDS:
        raise InvalidPattern(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"
        )


def _check_numeric(terms: Any) -> None:
    if not isinstance(terms, list):
        raise InvalidPattern("Value of numeric must be an array.")
    if not terms or not isinstance(terms[0], str):
        raise InvalidPattern(f"Invalid member in numeric match: {terms[0] if terms else ']'}")
    operator = terms[0]
    if operator not in COMPARISONS:
        raise InvalidPattern(f"Unrecognized numeric range operator: {operator}")
    _check_number(terms[1:2], "equals" if operator == "=" else operator)
    if len(terms) == 2:
        return
    if operator not in (">", ">="):
        raise InvalidPattern("Too many elements in numeric expression")
    if not isinstance(terms[2], str):
        raise InvalidPattern(f"Bad value in numeric range: {terms[2]}")
    if terms[2] not in ("<", "<="):
        raise InvalidPattern(f"Bad numeric range operator: {terms[2]}")
    _check_number(terms[3:4], terms[2])
    if len(terms) > 4:
        raise InvalidPattern("Too many terms in numeric range expression")
    if terms[1] >= terms[3]:
        raise InvalidPattern("Bottom must be less than top")


def _check_number(value: list[Any], operator: str) -> None:
    if not value or not _is_number(value[0]):
        raise InvalidPattern(f"Value of {operator} must be numeric")
    if abs(value[0]) > NUMERIC_LIMIT:
        raise InvalidPattern("Value must be between -5.0E9 and 5.0E9, inclusive")


def _check_anything_but(value: Any) -> None:
    if isinstance(value, dict):
        name, inner = _only(value, "Anything-But expression name not found")
        if name not in ("prefix", "suffix", "wildcard", "equals-ignore-case"):
            raise InvalidPattern(f"Unsupported anything-but pattern: {name}")
        texts = inner if isinstance(inner, list) else [inner]
        if not texts or not all(isinstance(text, str) for text in texts):
            raise InvalidPattern("prefix/suffix match pattern must be a string")
        if name in ("prefix", "suffix") and "" in texts:
            raise InvalidPattern("Null prefix/suffix not allowed")
        if name == "wildcard":
            for text in texts:
                _check_wildcard(text)
        return
    if not isinstance(value, list) and not isinstance(value, str) and not _is_number(value):
        raise InvalidPattern("Value of anything-but must be an array or single string/number value.")
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) or _is_number(each) for each in values):
        raise InvalidPattern("Inside anything but list, start|null|boolean is not supported.")
    if not values or len({isinstance(each, str) for each in values}) > 1:
        raise InvalidPattern(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if text.count("/") != 1:
        raise InvalidPattern("Malformed CIDR, one '/' required")
    address, _, mask = text.partition("/")
    if not mask.isdigit():
        raise InvalidPattern("Malformed CIDR, mask bits must be an integer")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidPattern(f"Nonstandard IP address: {address}") from None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        limit = "IPv6 mask bits must be < 128" if ":" in address else "IPv4 mask bits must be < 32"
        raise InvalidPattern(limit) from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# --- matching -------------------------------------------------------------------------------------------------------


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Tell whether a pattern matches an event.

    Parameters
    ----------
    pattern: checked by `parse`
    event: as JSON has it

    Returns
    -------
    matches: whether each field that the pattern names has one of its values
    """
    return _object_matches(pattern, [event])


def _object_matches(pattern: dict[str, Any], objects: list[Any]) -> bool:
    """Return whether one of the objects (the members of a list in the event, else one alone) has all that the pattern asks for."""
    return any(_all_match(pattern, each, objects) for each in objects)


def _all_match(pattern: dict[str, Any], value: Any, siblings: list[Any]) -> bool:
    return all(_field_matches(name, wanted, value, siblings) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, value: Any, siblings: list[Any]) -> bool:
    if name == "$or":
        return any(_all_match(branch, value, siblings) for branch in wanted)
    found = list(_fields(value, name))
    if isinstance(wanted, dict):
        return _object_matches(wanted, [each for field in found for each in _objects(field)] or [_MISSING])
    leaves = [leaf for field in found for leaf in _leaves(field)]
    if leaves:
        return any(_leaf_matches(choice, leaf) for choice in wanted for leaf in leaves)
    absent = not any(True for each in siblings for field in _fields(each, name) for _ in _leaves(field))
    return absent and any(isinstance(choice, dict) and choice.get("exists") is False for choice in wanted)


def _fields(value: Any, name: str) -> Iterator[Any]:
    """Yield what an object has at a path: EventBridge joins steps by dots, so `a.b` and b inside a are the same."""
    if not isinstance(value, dict):
        return
    if name in value:
        yield value[name]
    for key, below in value.items():
        if name.startswith(f"{key}."):
            yield from _fields(below, name[len(key) + 1 :])
        elif key.startswith(f"{name}."):
            yield {key[len(name) + 1 :]: below}


def _objects(value: Any) -> Iterator[Any]:
    """Yield the objects that a step of a pattern may mean: those of a list, too."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the values that a field has: those of a list, not those below an object. An empty list has none, as if it were not there."""
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not _MISSING and not isinstance(value, dict):
        yield value


def _leaf_matches(choice: Any, leaf: Any) -> bool:
    if not isinstance(choice, dict):
        return _equals(choice, leaf)
    name, operand = next(iter(choice.items()))
    if name == "exists":
        return bool(operand)
    if name == "anything-but":
        return _is_anything_but(operand, leaf)
    return _operator_matches(name, operand, leaf)


def _equals(wanted: Any, leaf: Any) -> bool:
    if _is_number(wanted):
        return _is_number(leaf) and wanted == leaf
    return type(wanted) is type(leaf) and wanted == leaf


def _operator_matches(name: str, operand: Any, leaf: Any) -> bool:
    if name == "numeric":
        return _is_number(leaf) and all(
            COMPARISONS[operator](leaf, limit) for operator, limit in zip(operand[::2], operand[1::2], strict=True)
        )
    if not isinstance(leaf, str):
        return False
    if isinstance(operand, dict):  # prefix and suffix, ignoring the case
        operand, leaf = operand["equals-ignore-case"].lower(), leaf.lower()
    if name == "prefix":
        return leaf.startswith(operand)
    if name == "suffix":
        return leaf.endswith(operand)
    if name == "equals-ignore-case":
        return leaf.lower() == operand.lower()
    if name == "wildcard":
        return wildcards.matches(operand, leaf)
    return _is_in(leaf, operand)


def _is_anything_but(operand: Any, leaf: Any) -> bool:
    if isinstance(operand, dict):
        name, values = next(iter(operand.items()))
        return not any(
            _operator_matches(name, value, leaf) for value in (values if isinstance(values, list) else [values])
        )
    return not any(_equals(value, leaf) for value in (operand if isinstance(operand, list) else [operand]))


def _is_in(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in _network(network)
    except ValueError:
        return False
