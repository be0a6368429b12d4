"""JSONPath as the Amazon States Language has it (Jayway's dialect): the text of a path is parsed into steps, once.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from infra.local.core.patterns import Pattern
from infra.local.stepfunctions.jsonpath_steps import (
    FUNCTIONS,
    NOTHING,
    Descend,
    Filter,
    Function,
    Name,
    Path,
    PathNotFound,
    Position,
    Several,
    Slice,
    Step,
    Wildcard,
    compare,
    find,
    found,
    is_number,
    put,
)

__all__ = ["NUMBER", "Path", "PathNotFound", "PathSyntaxError", "find", "is_number", "parse", "put"]

NAME = re.compile(r"[^\s.\[\]()?@,:*'\"&|!=<>]+")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
OPERATORS = ("==", "!=", "<=", ">=", "=~", "<", ">")


class PathSyntaxError(ValueError):
    """The text is no path."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Return the steps of a path. Raises PathSyntaxError."""
    parser = _Parser(text)
    try:
        return parser.path()
    except RecursionError:
        raise PathSyntaxError("The path is nested too deeply") from None


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
                return lambda item, root: left(item, root) is not NOTHING
        right = self._operand()
        return lambda item, root: compare(operator, left(item, root), right(item, root))

    def _operand(self) -> Callable[[Any, Any], Any]:
        self._blanks()
        if self._looks_at("@") or self._looks_at("$"):
            own = self.text[self.at] == "@"
            self.at += 1
            path = Path(self.text, "", tuple(self._steps()))
            return lambda item, root: found(path, item if own else root)
        if self._looks_at("/"):
            return self._pattern()
        value = self._literal()
        return lambda item, root: value

    def _pattern(self) -> Callable[[Any, Any], Any]:
        end = self.text.find("/", self.at + 1)
        if end < 0:
            raise self._error()
        source, self.at = self.text[self.at + 1 : end], end + 1
        try:
            pattern = Pattern(source, ignore_case=self._take("i"))
        except ValueError:
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
