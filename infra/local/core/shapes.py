"""What a request says, read by the shapes of AWS's model; what is of another type than the model says is refused.

Sources: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html, https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.utils import parse_timestamp

RANGES = {"byte": 1 << 7, "short": 1 << 15, "integer": 1 << 31, "long": 1 << 63}
SPECIAL_FLOATS = ("NaN", "Infinity", "-Infinity")
DEEPEST = 100  # structures in structures: AWS's readers have such a limit, and ours must not run out of stack
WHOLE = re.compile(r"[+-]?\d+")


class Malformed(Exception):
    """A value of another type than the model says."""


def lower_first(name: str) -> str:
    """Return a member's name as messages show it.

    Parameters
    ----------
    name: in the model
    """
    return name[:1].lower() + name[1:]


def below(path: str, name: str) -> str:
    """Return the path of a member as messages write it: its first letter small.

    Parameters
    ----------
    path: of what it is in, "" at the top
    name: of the member
    """
    return f"{path}.{lower_first(name)}" if path else lower_first(name)


# --- JSON and CBOR --------------------------------------------------------------------------------------------------


def of_json(value: Any, shape: Any, path: str = "", depth: int = 0) -> Any:
    """Return a value of a JSON or CBOR body without what is null or unknown. Raises Malformed.

    Blobs stay as they are: base64 text, or bytes in CBOR.

    Parameters
    ----------
    value: as the parser gave it
    shape: botocore's
    path: of the value, for messages
    depth: of values within values so far
    """
    if depth > DEEPEST:
        raise Malformed(f"The value at '{path}' is nested too deeply.")
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        _expect(value, dict, "a Structure", path)
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {
            names[key][0]: of_json(item, names[key][1], below(path, key), depth + 1)
            for key, item in value.items()
            if item is not None and key in names
        }
    if kind == "list":
        _expect(value, list, "a List", path)
        return [
            None if item is None else of_json(item, shape.member, f"{path}.{number}.member", depth + 1)
            for number, item in enumerate(value, 1)
        ]
    if kind == "map":
        _expect(value, dict, "a Map", path)
        return {
            key: None if item is None else of_json(item, shape.value, f"{path}.{key}", depth + 1)
            for key, item in value.items()
        }
    return _scalar(value, kind, path)


def _expect(value: Any, kind: type | tuple[type, ...], said: str, path: str) -> None:
    if not isinstance(value, kind):
        raise Malformed(f"{_token(value)} can not be converted to {said} at '{path or '$'}'.")


def _scalar(value: Any, kind: str, path: str) -> Any:
    if kind in ("string", "character"):
        _expect(value, str, "a String", path)
    elif kind == "boolean":
        _expect(value, bool, "a Boolean", path)
    elif kind in RANGES:
        whole = (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and math.isfinite(value)
            and value == int(value)
        )
        if not whole or not -RANGES[kind] <= value < RANGES[kind]:
            raise Malformed(
                f"{_token(value)} can not be converted to {'a Long' if kind == 'long' else 'an Integer'} at '{path}'."
            )
        return int(value)
    elif kind in ("float", "double", "bigdecimal"):
        if not (isinstance(value, (int, float)) and not isinstance(value, bool)) and value not in SPECIAL_FLOATS:
            raise Malformed(f"{_token(value)} can not be converted to a Double at '{path}'.")
    elif kind == "timestamp":
        _timestamp(value, path)
    elif kind == "blob":
        _blob(value, path)
    return value


def _timestamp(value: Any, path: str) -> None:
    if isinstance(value, datetime):
        return
    try:
        _expect(value, (int, float, str), "a Timestamp", path)
        if isinstance(value, bool):
            raise ValueError
        parse_timestamp(value)
    except (ValueError, OverflowError, TypeError, RuntimeError, AttributeError):
        raise Malformed(f"{_token(value)} can not be converted to a Timestamp at '{path}'.") from None


def _blob(value: Any, path: str) -> None:
    if isinstance(value, bytes):
        return
    _expect(value, str, "a ByteBuffer", path)
    try:
        binascii.a2b_base64(value, strict_mode=True) if value else b""
    except (binascii.Error, ValueError):
        raise Malformed(f"The value at '{path}' is not valid base64.") from None


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    names: dict[type, str] = {dict: "START_OBJECT", list: "START_ARRAY", str: "STRING_VALUE"}
    return names.get(type(value), "NUMBER_VALUE")


# --- the query protocol ---------------------------------------------------------------------------------------------


def of_query(fields: Mapping[str, str], shape: Any) -> dict[str, Any]:
    """Return the parameters of a form such as `Tags.member.1.Key=a`. Raises Malformed.

    Parameters
    ----------
    fields: name → text
    shape: botocore's, of the operation's input
    """
    tree: dict[str, Any] = {}
    for name, text in fields.items():
        _grow(tree, name.split("."), text)
    value = _of_tree(tree, shape, "")
    return value if isinstance(value, dict) else {}


def _grow(tree: dict[str, Any], steps: list[str], text: str) -> None:
    if len(steps) > DEEPEST:
        raise Malformed("A parameter's name has too many parts.")
    for step in steps[:-1]:
        branch = tree.setdefault(step, {})
        if not isinstance(branch, dict):  # both `A=x` and `A.B=y`
            raise Malformed(f"Unexpected parameter {'.'.join(steps)}.")
        tree = branch
    if isinstance(tree.get(steps[-1]), dict):
        raise Malformed(f"Unexpected parameter {'.'.join(steps)}.")
    tree[steps[-1]] = text


def _of_tree(value: Any, shape: Any, path: str) -> Any:
    kind = shape.type_name
    if kind == "structure":
        _expect_tree(value, path)
        found = {}
        for name, member in shape.members.items():
            branch = value.get(_query_name(member, name)) if isinstance(value, dict) else None
            if branch is not None:
                found[name] = _of_tree(branch, member, below(path, name))
        return found
    if kind == "list":
        return _list_of_tree(value, shape, path)
    if kind == "map":
        entries = (
            value if shape.serialization.get("flattened") else value.get("entry", {}) if isinstance(value, dict) else {}
        )
        key_name, value_name = _query_name(shape.key, "key"), _query_name(shape.value, "value")
        found = {}
        for entry in _numbered(entries, path):
            _expect_tree(entry, path)
            if key_name in entry:
                found[entry[key_name]] = _of_tree(entry.get(value_name, ""), shape.value, path)
        return found
    if isinstance(value, dict):
        raise Malformed(f"Unexpected structure at '{path}'.")
    return of_text(value, kind, path)


def _list_of_tree(value: Any, shape: Any, path: str) -> list[Any]:
    if value == "":
        return []
    _expect_tree(value, path)
    items = value if shape.serialization.get("flattened") else value.get(_query_name(shape.member, "member"), {})
    return [
        _of_tree(item, shape.member, f"{path}.{number}.member") for number, item in enumerate(_numbered(items, path), 1)
    ]


def _numbered(items: Any, path: str) -> list[Any]:
    _expect_tree(items, path)
    if not all(name.isdigit() for name in items):
        raise Malformed(f"The list at '{path}' has members without a number.")
    return [items[name] for name in sorted(items, key=int)]


def _expect_tree(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise Malformed(f"Unexpected value at '{path}'.")


def _query_name(shape: Any, name: str) -> str:
    if shape.type_name == "list" and shape.serialization.get("flattened"):  # named as its members are
        name = _query_name(shape.member, name)
    return shape.serialization.get("locationNameForQueryCompatibility") or shape.serialization.get("name", name)


def of_text(text: str, kind: str, path: str) -> Any:
    """Return a value of a form, an address or a header by its kind, such as `integer`. Raises Malformed.

    Parameters
    ----------
    text: as it came
    kind: type_name of a shape
    path: of the value, for messages
    """
    if kind in RANGES:
        if not WHOLE.fullmatch(text) or not -RANGES[kind] <= int(text) < RANGES[kind]:
            raise Malformed(f"'{text}' at '{path}' is not a whole number in range.")
        return int(text)
    if kind in ("float", "double"):
        try:
            return float(text)
        except ValueError:
            raise Malformed(f"'{text}' at '{path}' is not a number.") from None
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise Malformed(f"'{text}' at '{path}' is not true or false.")
        return text.lower() == "true"
    if kind == "timestamp":
        _timestamp(text, path)
    elif kind == "blob":
        _blob(text, path)
    return text
