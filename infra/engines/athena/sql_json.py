"""SQL/JSON paths, `lax $.a[*] ? (@.b > 1)`, and what JSON_EXISTS, JSON_VALUE and JSON_QUERY answer by them.

Source: https://trino.io/docs/current/functions/json.html
"""

import json
import re
from functools import lru_cache
from typing import Any, NamedTuple

from infra.engines.athena.errors import Refused
from infra.engines.athena.json_text import Number, json_text
from infra.engines.athena.jsonpath import load


class _Failed(Exception):
    """A path that does not fit the JSON: ON ERROR decides."""


class _Input(NamedTuple):
    """What a path is run on: the JSON, and the values that PASSING names."""

    value: Any
    variables: dict[str, Any]


_TOKENS = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_][\w]*)
    |(?P<op>\*\*|==|<>|!=|<=|>=|&&|\|\||[$@.\[\](),?*!<>+/%-]))""",
    re.VERBOSE,
)


class _Path:
    """A parsed path: `run(root)` gives the items it finds."""

    def __init__(self, text: str):
        self.text = text
        self.strict = False
        self.tokens = self._split(text)
        self.at = 0
        self.variables: list[str] = []  # the names that PASSING must give
        mode = self.next()[1] if self.tokens else "<EOF>"
        if mode not in ("lax", "strict"):
            raise Refused("INVALID_PATH", f"mismatched input '{mode}' expecting {{'lax', 'strict'}}")
        self.strict = mode == "strict"
        self.expression = self._sum()
        if self.at != len(self.tokens):
            raise self._invalid()

    def _invalid(self) -> Refused:
        return Refused("INVALID_PATH", f"invalid JSON path: {self.text}")

    def _split(self, text: str) -> list[tuple[str, str]]:
        found, at = [], 0
        while text[at:].strip():
            match = _TOKENS.match(text, at)
            if not match:
                raise self._invalid()
            found.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        return found

    def peek(self, kind: str, text: str | None = None) -> bool:
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        return token[0] == kind and (text is None or token[1] == text)

    def next(self) -> tuple[str, str]:
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at][1] == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self._invalid()

    # each method returns a function of (root, current) that gives a list of items

    def _sum(self):
        left = self._primary()
        while self.peek("op") and self.tokens[self.at][1] in ("+", "-", "*", "/", "%"):
            operator = self.next()[1]
            left = self._arithmetic(operator, left, self._primary())
        return left

    def _arithmetic(self, operator: str, left, right):
        def run(root, current):
            a, b = (_number(x(root, current)) for x in (left, right))
            if operator in "/%" and b == 0:
                raise _Failed("division by zero")
            done = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "%": lambda: a % b}
            return [Number(_plain(done[operator]()))]

        return run

    def _primary(self):
        if self.peek("number"):
            number = Number(self.next()[1])
            found = lambda root, current: [number]  # noqa: E731
        elif self.peek("string"):
            text = json.loads(self.next()[1])
            found = lambda root, current: [text]  # noqa: E731
        elif self.peek("word") and self.tokens[self.at][1] in ("true", "false", "null"):
            value = json.loads(self.next()[1])
            found = lambda root, current: [value]  # noqa: E731
        elif self.accept("("):
            found = self._sum()
            self.expect(")")
        elif self.accept("$"):
            found = self._variable() if self.peek("word") else (lambda root, current: [root.value])
        elif self.accept("@"):
            found = lambda root, current: [current]  # noqa: E731
        else:
            raise self._invalid()
        while self.at < len(self.tokens) and self.tokens[self.at][1] in (".", "[", "?"):
            found = self._step(found)
        return found

    def _variable(self):
        name = self.next()[1]
        self.variables.append(name)
        return lambda root, current: [root.variables[name]] if name in root.variables else []

    def _step(self, base):
        if self.accept("."):
            if self.accept("*"):
                return self._members(base, None)
            kind, text = self.next() if self.at < len(self.tokens) else ("", "")
            if kind == "string":
                return self._members(base, json.loads(text))
            if kind != "word":
                raise self._invalid()
            if self.accept("("):
                self.expect(")")
                return self._method(base, text)
            return self._members(base, text)
        if self.accept("["):
            return self._elements(base)
        self.expect("?")
        self.expect("(")
        condition = self._or()
        self.expect(")")
        return lambda root, current: [v for v in self._unwrapped(base(root, current)) if condition(root, v)]

    def _unwrapped(self, items: list) -> list:
        """Lax paths look into arrays by themselves."""
        if self.strict:
            return items
        return [v for item in items for v in (item if isinstance(item, list) else [item])]

    def _members(self, base, name: str | None):
        def run(root, current):
            found = []
            for item in self._unwrapped(base(root, current)):
                if not isinstance(item, dict):
                    if self.strict:
                        raise _Failed(f"invalid item type. Expected: OBJECT, actual: {_type(item).upper()}")
                elif name is None:
                    found += item.values()
                elif name in item:
                    found.append(item[name])
                elif self.strict:
                    raise _Failed(f"structural error: missing member '{name}' in JSON object")
            return found

        return run

    def _elements(self, base):
        ranges = None
        if not self.accept("*"):
            ranges = [self._range()]
            while self.accept(","):
                ranges.append(self._range())
        self.expect("]")

        def run(root, current):
            found = []
            for item in base(root, current):
                if not isinstance(item, list):
                    if self.strict:
                        raise _Failed(f"invalid item type. Expected: ARRAY, actual: {_type(item).upper()}")
                    item = [item]
                if ranges is None:
                    found += item
                    continue
                for low, high in ranges:
                    first = low(root, len(item))
                    last = high(root, len(item)) if high else first
                    if self.strict and not item:
                        raise _Failed("structural error: invalid array subscript for empty array")
                    if self.strict and not 0 <= first <= last < len(item):
                        bounds = f"[{first}, {last}] for array of size {len(item)}"
                        raise _Failed(f"structural error: invalid array subscript: {bounds}")
                    found += item[max(first, 0) : last + 1]
            return found

        return run

    def _range(self):
        low = self._index()
        high = self._index() if self.accept("to") else None
        return low, high

    def _index(self):
        if self.accept("last"):
            back = 0
            if self.peek("number"):
                back = int(self.next()[1])
            elif self.accept("-"):
                back = -int(self.next()[1])
            return lambda root, size: size - 1 + back
        if self.accept("$"):
            value = self._variable()
            return lambda root, size: int(_number(value(root, None)))
        if not self.peek("number"):
            raise self._invalid()
        number = int(self.next()[1])
        return lambda root, size: number

    def _method(self, base, name: str):
        if name == "size":
            return lambda root, current: [Number(len(v) if isinstance(v, list) else 1) for v in base(root, current)]
        if name == "type":
            return lambda root, current: [_type(v) for v in base(root, current)]
        import math

        methods = {"abs": abs, "floor": math.floor, "ceiling": math.ceil, "double": float}
        if name not in methods:
            raise self._invalid()

        def run(root, current):
            values = self._unwrapped(base(root, current))
            return [Number(_plain(methods[name](_number([v])))) for v in values]

        return run

    def _or(self):
        terms = [self._and()]
        while self.accept("||"):
            terms.append(self._and())
        return lambda root, v: any(t(root, v) for t in terms)

    def _and(self):
        terms = [self._predicate()]
        while self.accept("&&"):
            terms.append(self._predicate())
        return lambda root, v: all(t(root, v) for t in terms)

    def _predicate(self):
        if self.accept("!"):
            inner = self._predicate()
            return lambda root, v: not inner(root, v)
        if self.peek("word", "exists"):
            self.next()
            self.expect("(")
            inner = self._sum()
            self.expect(")")
            return lambda root, v: bool(inner(root, v))
        before = self.at
        if self.accept("("):
            try:
                inner = self._or()
                self.expect(")")
                return inner
            except Refused:
                self.at = before
        left = self._sum()
        if self.peek("word", "starts"):
            self.next()
            self.expect("with")
            right = self._sum()
            return lambda root, v: _any(str.startswith, left(root, v), right(root, v), str)
        operator = self.next()[1] if self.at < len(self.tokens) else ""
        if operator not in _COMPARE:
            raise self._invalid()
        right = self._sum()
        return lambda root, v: _any(
            _COMPARE[operator], self._unwrapped(left(root, v)), self._unwrapped(right(root, v)), None
        )

    def run(self, value: Any, variables: dict[str, Any]) -> list:
        """The items that the path finds. Raises _Failed."""
        return self.expression(_Input(value, variables), value)


_COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _any(test, left: list, right: list, only: type | None) -> bool:
    for a in left:
        for b in right:
            x, y = _comparable(a), _comparable(b)
            if type(x) is type(y) and (only is None or isinstance(x, only)) and x is not None and test(x, y):
                return True
            if x is None and y is None and test is _COMPARE["=="]:
                return True
    return False


def _comparable(value):
    return float(value) if isinstance(value, Number) else value


def _number(items: list) -> float:
    if len(items) != 1 or not isinstance(items[0], Number):
        raise _Failed("invalid item type. Expected: NUMBER")
    value = float(items[0])
    return int(value) if value.is_integer() and "." not in items[0] else value


def _plain(value) -> str:
    return repr(value)


def _type(value) -> str:
    if isinstance(value, Number):
        return "number"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names[type(value)]


@lru_cache(maxsize=256)
def parsed(path: str) -> _Path:
    return _Path(path)


def sql_json(text: str | None, path: str, form: dict, variables: str = "{}") -> str | None:
    """What JSON_EXISTS, JSON_VALUE or JSON_QUERY answers, as text."""
    if text is None:
        return None
    name = form["name"]
    try:
        value, passed = load(text), load(variables)
    except ValueError:
        return _on_error(form, "JSON_INPUT_CONVERSION_ERROR", "conversion to JSON failed: ")
    try:
        items = parsed(path).run(value, passed)
    except _Failed as error:
        return _on_error(form, "PATH_EVALUATION_ERROR", f"path evaluation failed: {error}")
    if name == "json_exists":
        return "true" if items else "false"
    if not items:
        return _otherwise(form, "on_empty", *_no_result(form, "JSON path found no items"))
    return _value(items, form) if name == "json_value" else _query(items, form)


def _value(items: list, form: dict) -> str | None:
    if len(items) > 1:
        return _on_error(form, *_no_result(form, "JSON path found multiple items"))
    item = items[0]
    if isinstance(item, (dict, list)):
        said = "JSON path found an item that cannot be converted to an SQL value"
        return _on_error(form, *_no_result(form, said))
    if item is None:
        return None
    return item if isinstance(item, str) else json_text(item)


def _query(items: list, form: dict) -> str | None:
    wrapper = form["wrapper"]
    if wrapper == "UNCONDITIONAL" or (
        wrapper == "CONDITIONAL" and (len(items) > 1 or not isinstance(items[0], (dict, list)))
    ):
        return json_text(items)
    if len(items) > 1:
        return _on_error(form, *_no_result(form, "JSON path found multiple items"))
    if form["quotes"] == "OMIT" and isinstance(items[0], str):
        return str(items[0])
    return json_text(items[0])


def _no_result(form: dict, said: str) -> tuple[str, str]:
    if form["name"] == "json_value":
        return "JSON_VALUE_RESULT_ERROR", f"cannot extract SQL scalar from JSON: {said}"
    return "JSON_OUTPUT_CONVERSION_ERROR", f"conversion from JSON failed: {said}"


def _on_error(form: dict, code: str, said: str) -> str | None:
    if form["name"] == "json_exists" and form["on_error"] != "ERROR":
        return {"TRUE": "true", "UNKNOWN": None}.get(form["on_error"], "false")
    return _otherwise(form, "on_error", code, said)


def _otherwise(form: dict, when: str, code: str, said: str) -> str | None:
    choice = form[when]
    if choice == "ERROR":
        raise Refused(code, said)
    if choice == "EMPTY ARRAY":
        return "[]"
    if choice == "EMPTY OBJECT":
        return "{}"
    return DEFAULTS[when] if choice == "DEFAULT" else None


DEFAULTS = {"on_empty": "\x01empty", "on_error": "\x01error"}  # stand for the values that the call gives
