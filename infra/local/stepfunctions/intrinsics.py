"""Intrinsic functions of the JSONPath language: `States.Format('…', $.a)` and the others.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from infra.local.core import strict_json
from infra.local.stepfunctions import jsonpath
from infra.local.stepfunctions.failures import INTRINSIC, StateFailure
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.scope import Scope, compact

NAME = re.compile(r"States\.[A-Za-z0-9]+")
PATH_END = re.compile(r"[,)\s]")
BASE64_LIMIT = 10_000  # characters
RANGE_LIMIT = 1_000  # elements
HASH_LIMIT = 10_000  # characters
HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


class IntrinsicSyntaxError(ValueError):
    """The text is no call of an intrinsic function."""


Node = Callable[[Scope], Any]


def is_intrinsic(text: str) -> bool:
    return text.startswith("States.")


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Return a function that evaluates the call. Raises IntrinsicSyntaxError."""
    parser = _Parser(text)
    node = parser.call()
    parser.blanks()
    if parser.at != len(text):
        raise parser.error()
    return node


def evaluate(text: str, scope: Scope) -> Any:
    """Return the value of an intrinsic function call. Raises StateFailure."""
    try:
        return parse(text)(scope)
    except IntrinsicSyntaxError as error:
        raise StateFailure(INTRINSIC, str(error)) from None


def _fail(name: str, why: str) -> StateFailure:
    return StateFailure(INTRINSIC, f"Invalid arguments in {name}: {why}")


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def error(self) -> IntrinsicSyntaxError:
        return IntrinsicSyntaxError(f"Invalid intrinsic function '{self.text}'")

    def blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def call(self) -> Node:
        match = NAME.match(self.text, self.at)
        if not match or match[0] not in FUNCTIONS:
            raise self.error()
        self.at = match.end()
        name, arguments = match[0], self._arguments()
        function, fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            raise self.error()

        def node(scope: Scope) -> Any:
            values = [argument(scope) for argument in arguments]
            try:
                return function(*values)
            except (TypeError, ValueError, KeyError, IndexError, RecursionError) as error:
                raise _fail(name, str(error) or compact(values)) from None

        return node

    def _arguments(self) -> list[Node]:
        self.blanks()
        if self.text[self.at : self.at + 1] != "(":
            raise self.error()
        self.at += 1
        found: list[Node] = []
        self.blanks()
        if self.text[self.at : self.at + 1] == ")":
            self.at += 1
            return found
        while True:
            self.blanks()
            found.append(self._argument())
            self.blanks()
            sign = self.text[self.at : self.at + 1]
            self.at += 1
            if sign == ")":
                return found
            if sign != ",":
                raise self.error()

    def _argument(self) -> Node:
        sign = self.text[self.at : self.at + 1]
        if sign == "'":
            text = self._string()
            return lambda scope: text
        if sign == "$":
            return self._path()
        if self.text.startswith("States.", self.at):
            return self.call()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return lambda scope, value=value: value  # type: ignore[misc]
        match = jsonpath.NUMBER.match(self.text, self.at)
        if not match:
            raise self.error()
        self.at = match.end()
        number = json.loads(match[0])
        return lambda scope: number

    def _string(self) -> str:
        out: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == "'":
                return "".join(out)
            if sign == "\\" and self.at < len(self.text):
                following = self.text[self.at]
                self.at += 1
                # an escaped brace stays escaped: States.Format takes it for no place
                out.append(following if following in "'\\" else "\\" + following)
            else:
                out.append(sign)
        raise self.error()

    def _path(self) -> Node:
        depth, start, quote = 0, self.at, ""
        while self.at < len(self.text):
            sign = self.text[self.at]
            if quote:
                quote = "" if sign == quote else quote
            elif sign in "'\"":
                quote = sign
            elif sign in "[(":
                depth += 1
            elif sign in "])" and depth:
                depth -= 1
            elif depth == 0 and PATH_END.match(sign):
                break
            self.at += 1
        text = self.text[start : self.at]
        try:
            path = jsonpath.parse(text)
        except jsonpath.PathSyntaxError:
            raise self.error() from None

        def node(scope: Scope) -> Any:
            try:
                return scope.look_up(path)
            except jsonpath.PathNotFound:
                raise StateFailure(
                    INTRINSIC, f"The JSONPath '{text}' could not be found in the input '{compact(scope.value)}'"
                ) from None

        return node


# --- the functions ----------------------------------------------------------------------------------------------------


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise ValueError(why)


def _text(value: Any, what: str) -> str:
    _require(isinstance(value, str), f"{what} must be a string")
    return str(value)


def _list(value: Any) -> list[Any]:
    _require(isinstance(value, list), "the first argument must be an array")
    return list(value)


def _whole(value: Any, what: str) -> int:
    _require(is_number(value), f"{what} must be a number")
    return math.floor(value + 0.5)


def _format(template: Any, *values: Any) -> str:
    parts = re.split(r"(?<!\\)\{\}", _text(template, "the template"))
    _require(len(parts) - 1 == len(values), "the number of arguments does not match the occurrences of {}")
    out = parts[0]
    for value, part in zip(values, parts[1:], strict=True):
        out += _shown(value) + part
    return out.replace("\\{", "{").replace("\\}", "}")


def _shown(value: Any) -> str:
    """Return a value as States.Format writes it: objects and arrays as Java does."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={_shown(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return compact(value)


def _partition(array: Any, size: Any) -> list[list[Any]]:
    items, step = _list(array), _whole(size, "the chunk size")
    _require(step > 0, "the chunk size must be positive")
    return [items[start : start + step] for start in range(0, len(items), step)]


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _whole(first, "the start"), _whole(last, "the end"), _whole(step, "the increment")
    _require(by != 0, "the increment must not be 0")
    values = range(start, end + (1 if by > 0 else -1), by)
    _require(len(values) <= RANGE_LIMIT, f"the array would have more than {RANGE_LIMIT} elements")
    return list(values)


def _item(array: Any, index: Any) -> Any:
    items, position = _list(array), _whole(index, "the index")
    _require(0 <= position < len(items), "the index is outside of the array")
    return items[position]


def _unique(array: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for item in _list(array):
        found.setdefault(json.dumps(item, sort_keys=True), item)
    return list(found.values())


def _encode(value: Any) -> str:
    text = _text(value, "the data")
    _require(len(text) <= BASE64_LIMIT, f"the data is longer than {BASE64_LIMIT} characters")
    return base64.b64encode(text.encode()).decode()


def _decode(value: Any) -> str:
    text = _text(value, "the data")
    _require(len(text) <= BASE64_LIMIT, f"the data is longer than {BASE64_LIMIT} characters")
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("the data is not Base64") from None


def hash_of(value: Any, algorithm: Any) -> str:
    """Return the hexadecimal hash of a text, or of the JSON text of another value. Raises ValueError."""
    text = value if isinstance(value, str) else compact(value)
    _require(len(text) <= HASH_LIMIT, f"the data is longer than {HASH_LIMIT} characters")
    _require(algorithm in HASHES, f"the algorithm must be one of {', '.join(HASHES)}")
    return hashlib.new(HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _merge(left: Any, right: Any, deep: Any) -> dict[str, Any]:
    _require(isinstance(left, dict) and isinstance(right, dict), "both values must be objects")
    _require(deep is False, "deep merging is not supported: the third argument must be false")
    return {**left, **right}


def _random(first: Any, last: Any, seed: Any = None) -> int:
    start, end = _whole(first, "the start"), _whole(last, "the end")
    _require(start < end, "the start must be less than the end")
    generator = random.Random(seed) if seed is not None else random.SystemRandom()
    return generator.randrange(start, end)


def _add(left: Any, right: Any) -> int:
    return _whole(left, "the first number") + _whole(right, "the second number")


def _split(value: Any, splitter: Any) -> list[str]:
    text, signs = _text(value, "the text"), _text(splitter, "the splitter")
    return [part for part in re.split(f"[{re.escape(signs)}]", text) if part] if signs else [text]


def _contains(array: Any, value: Any) -> bool:
    wanted = json.dumps(value, sort_keys=True)
    return any(json.dumps(item, sort_keys=True) == wanted for item in _list(array))


def _parse_json(value: Any) -> Any:
    try:
        return strict_json.loads(text) if (text := _text(value, "the JSON")).strip() else None
    except ValueError as error:
        raise ValueError(f"the text is not JSON: {error}") from None


MANY = 10_000
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {  # name → function, fewest and most arguments
    "States.Format": (_format, 1, MANY),
    "States.StringToJson": (_parse_json, 1, 1),
    "States.JsonToString": (compact, 1, 1),
    "States.Array": (lambda *values: list(values), 0, MANY),
    "States.ArrayPartition": (_partition, 2, 2),
    "States.ArrayContains": (_contains, 2, 2),
    "States.ArrayRange": (_range, 3, 3),
    "States.ArrayGetItem": (_item, 2, 2),
    "States.ArrayLength": (lambda array: len(_list(array)), 1, 1),
    "States.ArrayUnique": (_unique, 1, 1),
    "States.Base64Encode": (_encode, 1, 1),
    "States.Base64Decode": (_decode, 1, 1),
    "States.Hash": (hash_of, 2, 2),
    "States.JsonMerge": (_merge, 3, 3),
    "States.MathRandom": (_random, 2, 3),
    "States.MathAdd": (_add, 2, 2),
    "States.StringSplit": (_split, 2, 2),
    "States.UUID": (lambda: str(uuid.uuid4()), 0, 0),
}
