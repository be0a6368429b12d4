"""JSONPath as the Amazon States Language has it (Jayway's dialect), and reference paths that say where a result goes.

A path is parsed into steps once. A definite path (names and positions only) has one value or none; any other has a list of what it found.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

NAME = re.compile(r"[^\s.\[\]()?@,:*'\"&|!=<>]+")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
OPERATORS = ("==", "!=", "<=", ">=", "=~", "<", ">")
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "length": len,
    "min": min,
    "max": max,
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "keys": list,
}


class PathSyntaxError(ValueError):
    """The text is no path."""


class PathNotFound(LookupError):
    """A definite path leads nowhere; the text says at which step."""


class Name(NamedTuple):
    name: str


class Position(NamedTuple):
    at: int


class Slice(NamedTuple):
    start: int | None
    end: int | None
    step: int | None


class Several(NamedTuple):
    keys: tuple[Any, ...]


class Wildcard(NamedTuple):
    pass


class Descend(NamedTuple):
    """`..`: the value and all in it, before the next step."""


class Filter(NamedTuple):
    holds: Callable[[Any, Any], bool]


class Function(NamedTuple):
    name: str


Step = Name | Position | Slice | Several | Wildcard | Descend | Filter | Function


class Path(NamedTuple):
    """A parsed path. `variable` is the workflow variable that it starts at, "" for the input and "$" for the context object."""

    text: str
    variable: str
    steps: tuple[Step, ...]

    @property
    def is_definite(self) -> bool:
        return all(isinstance(step, Name | Position | Function) for step in self.steps)

    @property
    def is_reference(self) -> bool:
        return all(isinstance(step, Name | Position) for step in self.steps)


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Return the steps of a path. Raises PathSyntaxError."""
    parser = _Parser(text)
    return parser.path()


def find(path: Path, root: Any) -> Any:
    """Return what a path finds in `root`: one value, or a list for an indefinite path. Raises PathNotFound."""
    values = [root]
    walked = "$"
    for number, step in enumerate(path.steps):
        following = [found for value in values for found in _step(step, value, root)]
        if path.is_definite and not following:
            last = number == len(path.steps) - 1
            raise PathNotFound(_not_found(walked, step, last))
        walked += _normal(step)
        values = following
    return values[0] if path.is_definite else values


def put(path: Path, root: Any, value: Any) -> Any:
    """Return a copy of `root` with `value` at a reference path; objects on the way are made. Raises PathNotFound where that cannot be."""
    if not path.steps:
        return value
    step, rest = path.steps[0], path._replace(steps=path.steps[1:])
    if isinstance(step, Name):
        if not isinstance(root, dict):
            raise PathNotFound(f"Missing property in path {_normal_path([step])}")
        return {**root, step.name: put(rest, root.get(step.name, {}), value)}
    if not isinstance(step, Position) or not isinstance(root, list) or not -len(root) <= step.at < len(root):
        raise PathNotFound(f"No results for path: {_normal_path([step])}")
    copied = list(root)
    copied[step.at] = put(rest, root[step.at], value)
    return copied


def _normal(step: Step) -> str:
    if isinstance(step, Name):
        return f"['{step.name}']"
    return f"[{step.at}]" if isinstance(step, Position) else ""


def _normal_path(steps: list[Step]) -> str:
    return "$" + "".join(map(_normal, steps))


def _not_found(walked: str, step: Step, last: bool) -> str:
    if last or isinstance(step, Position):
        return f"No results for path: {walked}{_normal(step)}"
    return f"Missing property in path {walked}{_normal(step)}"


def _step(step: Step, value: Any, root: Any) -> Iterator[Any]:
    match step:
        case Name(name):
            if isinstance(value, dict) and name in value:
                yield value[name]
        case Position(index):
            if isinstance(value, list) and -len(value) <= index < len(value):
                yield value[index]
        case Slice(start, end, by):
            if isinstance(value, list):
                yield from value[start:end:by]
        case Several(keys):
            for key in keys:
                yield from _step(Name(key) if isinstance(key, str) else Position(key), value, root)
        case Wildcard():
            yield from _children(value)
        case Descend():
            yield from _descendants(value)
        case Filter(holds):
            for item in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
                if holds(item, root):
                    yield item
        case Function(name):
            try:
                yield FUNCTIONS[name](value)
            except (TypeError, ValueError, ZeroDivisionError):
                return


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _descendants(value: Any) -> Iterator[Any]:
    yield value
    for child in _children(value):
        yield from _descendants(child)


class _Parser:
    """Reads one path from left to right."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def path(self) -> Path:
        variable, steps = self._rooted()
        if self.at != len(self.text):
            raise self._error()
        return Path(self.text, variable, steps)

    def _rooted(self) -> tuple[str, tuple[Step, ...]]:
        if not self._take("$"):
            raise self._error()
        variable = ""
        if self._take("$"):
            variable = "$"
        else:
            name = NAME.match(self.text, self.at)
            if name:
                variable, self.at = name[0], name.end()
        return variable, tuple(self._steps())

    def _steps(self) -> Iterator[Step]:
        while self.at < len(self.text):
            if self._take(".."):
                yield Descend()
                if self._take("*"):
                    yield Wildcard()
                elif not self._looks_at("["):
                    yield self._name()
            elif self._take("."):
                if self._take("*"):
                    yield Wildcard()
                else:
                    yield self._name()
            elif self._take("["):
                yield self._bracket()
            else:
                return

    def _name(self) -> Step:
        match = NAME.match(self.text, self.at)
        if not match:
            raise self._error()
        self.at = match.end()
        if self._take("()"):
            if match[0] not in FUNCTIONS:
                raise self._error()
            return Function(match[0])
        return Name(match[0])

    def _bracket(self) -> Step:
        self._blanks()
        if self._take("*"):
            return self._closed(Wildcard())
        if self._take("?"):
            self._blanks()
            if not self._take("("):
                raise self._error()
            holds = self._or()
            self._blanks()
            if not self._take(")"):
                raise self._error()
            return self._closed(Filter(holds))
        if self._looks_at("'") or self._looks_at('"'):
            names = [self._string()]
            while self._comma():
                names.append(self._string())
            return self._closed(Name(names[0]) if len(names) == 1 else Several(tuple(names)))
        return self._closed(self._positions())

    def _positions(self) -> Step:
        first = self._integer()
        self._blanks()
        if self._take(":"):
            end = self._integer()
            step = self._integer() if self._take(":") else None
            if step == 0:
                raise self._error()
            return Slice(first, end, step)
        if first is None:
            raise self._error()
        indexes = [first]
        while self._comma():
            following = self._integer()
            if following is None:
                raise self._error()
            indexes.append(following)
        return Position(first) if len(indexes) == 1 else Several(tuple(indexes))

    def _closed(self, step: Step) -> Step:
        self._blanks()
        if not self._take("]"):
            raise self._error()
        return step

    def _comma(self) -> bool:
        self._blanks()
        found = self._take(",")
        self._blanks()
        return found

    def _integer(self) -> int | None:
        self._blanks()
        match = re.compile(r"-?\d+").match(self.text, self.at)
        if not match:
            return None
        self.at = match.end()
        return int(match[0])

    def _string(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"'):
            raise self._error()
        self.at += 1
        out = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == "\\" and self.at < len(self.text):
                out.append(self.text[self.at])
                self.at += 1
            elif sign == quote:
                return "".join(out)
            else:
                out.append(sign)
        raise self._error()

    # --- filters: what stands between [?( and )]

    def _or(self) -> Callable[[Any, Any], bool]:
        parts = [self._and()]
        while self._word("||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda item, root: any(part(item, root) for part in parts)

    def _and(self) -> Callable[[Any, Any], bool]:
        parts = [self._not()]
        while self._word("&&"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda item, root: all(part(item, root) for part in parts)

    def _not(self) -> Callable[[Any, Any], bool]:
        if self._word("!"):
            inner = self._not()
            return lambda item, root: not inner(item, root)
        if self._word("("):
            inner = self._or()
            if not self._word(")"):
                raise self._error()
            return inner
        return self._comparison()

    def _comparison(self) -> Callable[[Any, Any], bool]:
        left = self._operand()
        self._blanks()
        operator = next((each for each in OPERATORS if self._take(each)), None)
        if operator is None:
            if self._keyword("in"):
                operator = "in"
            elif self._keyword("nin"):
                operator = "nin"
            else:
                return lambda item, root: left(item, root) is not _NOTHING
        right = self._operand()
        return lambda item, root: _compare(operator, left(item, root), right(item, root))

    def _operand(self) -> Callable[[Any, Any], Any]:
        self._blanks()
        if self._looks_at("@") or self._looks_at("$"):
            own = self.text[self.at] == "@"
            self.at += 1
            path = Path(self.text, "", tuple(self._steps()))
            return lambda item, root: _found(path, item if own else root)
        if self._looks_at("/"):
            return self._pattern()
        value = self._literal()
        return lambda item, root: value

    def _pattern(self) -> Callable[[Any, Any], Any]:
        end = self.text.find("/", self.at + 1)
        if end < 0:
            raise self._error()
        source, self.at = self.text[self.at + 1 : end], end + 1
        flags = re.IGNORECASE if self._take("i") else re.NOFLAG
        try:
            pattern = re.compile(source, flags)
        except re.error:
            raise self._error() from None
        return lambda item, root: pattern

    def _literal(self) -> Any:
        if self._looks_at("'") or self._looks_at('"'):
            return self._string()
        if self._take("["):
            values: list[Any] = []
            while not self._word("]"):
                if values and not self._comma():
                    raise self._error()
                self._blanks()
                values.append(self._literal())
            return values
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self._keyword(word):
                return value
        match = NUMBER.match(self.text, self.at)
        if not match:
            raise self._error()
        self.at = match.end()
        return float(match[0]) if match[1] or match[2] else int(match[0])

    def _word(self, token: str) -> bool:
        self._blanks()
        return self._take(token)

    def _keyword(self, word: str) -> bool:
        self._blanks()
        after = self.text[self.at + len(word) : self.at + len(word) + 1]
        return not after.isalnum() and self._take(word)

    def _blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _looks_at(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def _take(self, token: str) -> bool:
        if not self._looks_at(token):
            return False
        self.at += len(token)
        return True

    def _error(self) -> PathSyntaxError:
        return PathSyntaxError(f"Invalid path '{self.text}'")


_NOTHING = object()


def _found(path: Path, value: Any) -> Any:
    try:
        return find(path, value)
    except PathNotFound:
        return _NOTHING


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator in ("in", "nin"):
        return (isinstance(right, list) and left in right) == (operator == "in")
    if operator == "=~":
        return isinstance(left, str) and isinstance(right, re.Pattern) and right.fullmatch(left) is not None
    if operator in ("==", "!="):
        return _same(left, right) == (operator == "==")
    both = (left, right)
    if not (all(map(is_number, both)) or all(isinstance(value, str) for value in both)):
        return False
    return bool(
        {"<": left.__lt__, ">": left.__gt__, "<=": left.__le__, ">=": left.__ge__}[operator](right)
        if type(left) is type(right)
        else _numbers(operator, float(left), float(right))
    )


def _numbers(operator: str, left: float, right: float) -> bool:
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator]


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
