"""JSON as OpenX's SerDe reads it: comments, single quotes, no quotes, `=` and `=>` for `:`, `;` for `,`.

The rules are those of Trino's JsonReader, which describes them
(https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats).
"""

from __future__ import annotations

import re
from typing import Any

_SPACE = re.compile(r"(?:[\t \n\r]+|#[^\r\n]*(?:[\r\n]|$)|//[^\r\n]*(?:[\r\n]|$)|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[^ \r\n\t\f{}\[\]/\\:,=;#]*")
_PLAIN = {'"': re.compile(r'[^"\\]*'), "'": re.compile(r"[^'\\]*")}
_ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", "a": "\x07", "v": "\x0b"}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
MAX_DEPTH = 500


class Malformed(ValueError):
    """A text that even this reader does not understand."""


class Literal(str):
    """A value without quotes, as it is written."""

    __slots__ = ()

    def canonical(self) -> str:
        """Booleans in lower case, numbers in other bases as decimal ones; all else as it is written."""
        if self.lower() in ("true", "false"):
            return self.lower()
        if re.fullmatch(r"0[xX][0-9a-fA-F]+", self):
            return str(int(self[2:], 16))
        if re.fullmatch(r"0[0-7]+", self):
            return str(int(self, 8))
        if re.fullmatch(r"[+-]?[0-9]+", self):
            return str(int(self))
        return _java_decimal(self) if _NUMBER.fullmatch(self) else str(self)

    @property
    def is_plain(self) -> bool:
        """Whether the text of a whole object has it without quotes."""
        return self.lower() in ("true", "false") or bool(_NUMBER.fullmatch(self) or re.fullmatch(r"0[xX]\w+", self))


def _java_decimal(text: str) -> str:
    """A number as Java's BigDecimal writes it: 1.50 stays, 1e3 is 1E+3."""
    from decimal import Decimal

    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    number = "".join(map(str, digits))
    scale, adjusted = -exponent, len(number) - 1 + exponent
    minus = "-" if sign and number.strip("0") else ""
    if scale == 0:
        return minus + number
    if scale > 0 and adjusted >= -6:
        number = number.rjust(scale + 1, "0")
        return f"{minus}{number[:-scale]}.{number[-scale:]}"
    rest = f".{number[1:]}" if len(number) > 1 else ""
    return f"{minus}{number[0]}{rest}E{adjusted:+d}"


def read(text: str) -> Any:
    """The first value of a text. Raises Malformed."""
    return _Reader(text).value(0)


class _Reader:
    def __init__(self, text: str):
        self.text, self.at = text, 0

    def seek(self) -> str:
        """The next character after blanks and comments, which is then behind; "" at the end."""
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        if self.text.startswith("/*", self.at):
            raise Malformed("comment without an end")
        found = self.text[self.at : self.at + 1]
        self.at += len(found)
        return found

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise Malformed("nested too deeply")
        first = self.seek()
        if first == "":
            raise Malformed("end of input")
        if first == "{":
            return self.object(depth)
        if first == "[":
            return self.array(depth)
        if first in "'\"":
            return self.string(first)
        self.at -= 1
        return self.word()

    def word(self) -> Literal | None:
        match = _WORD.match(self.text, self.at)
        found = match[0] if match else ""
        if not found:
            raise Malformed("a value is missing")
        self.at += len(found)
        return None if found.lower() == "null" else Literal(found)

    def string(self, quote: str) -> str:
        parts = []
        while True:
            match = _PLAIN[quote].match(self.text, self.at)
            parts.append(match[0] if match else "")
            self.at = match.end() if match else self.at
            if self.at >= len(self.text):
                raise Malformed("string without an end")
            self.at += 1
            if self.text[self.at - 1] == quote:
                return "".join(parts)
            parts.append(self.escape())

    def escape(self) -> str:
        escaped = self.text[self.at : self.at + 1]
        if not escaped:
            raise Malformed("escape without an end")
        self.at += 1
        if escaped != "u":
            return _ESCAPES.get(escaped, escaped)
        digits = self.text[self.at : self.at + 4]
        if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
            raise Malformed(f"escape {digits}")
        self.at += 4
        code = int(digits, 16)
        if 0xD800 <= code < 0xDC00:  # a pair is one character
            low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self.text, self.at)
            if low:
                self.at = low.end()
                return chr(0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00)
        return chr(code)

    def object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.seek() == "}":
            return found
        self.at -= 1
        while True:
            name = self.value(depth + 1)
            if not isinstance(name, str):
                raise Malformed("a key that is no text")
            if self.seek() not in (":", "="):
                raise Malformed("no value after a key")
            if self.text[self.at - 1] == "=" and self.text.startswith(">", self.at):
                self.at += 1
            found.pop(str(name), None)
            found[str(name)] = self.value(depth + 1)
            after = self.seek()
            if after == "}":
                return found
            if after not in (",", ";") or not after:
                raise Malformed("object without an end")

    def array(self, depth: int) -> list[Any]:
        found: list[Any] = []
        open_end = False
        while True:
            first = self.seek()
            if first == "":
                raise Malformed("array without an end")
            if first == "]":
                return [*found, None] if open_end else found
            if first in ",;":
                found.append(None)
                open_end = True
                continue
            self.at -= 1
            found.append(self.value(depth + 1))
            after = self.seek()
            if after == "]":
                return found
            if after not in (",", ";") or not after:
                raise Malformed("array without an end")
            open_end = True
