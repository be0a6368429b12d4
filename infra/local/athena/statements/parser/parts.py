"""What statements are made of: names, types, properties, partitions, and queries, whose text is only checked here."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from infra.engines.athena import grammar
from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar import Token, line_and_column
from infra.local.athena.statements.parser.tokens import LEXER, RESERVED, end_of, hive_string

DDL, DML, UTILITY = "DDL", "DML", "UTILITY"


class Statement(SimpleNamespace):
    """A statement. `kind` is Athena's SubstatementType, `type` its StatementType; other fields depend on the kind."""

    kind: str
    type: str


class Unsupported(Exception):
    """A statement that Athena has no kind for; StartQueryExecution refuses it."""


_TYPE_END = {",", ")"}


class Parts:
    """Reads a statement from its tokens; `at` is the next one."""

    def __init__(self, sql: str, start: int = 0):
        self.sql = sql
        end = end_of(sql)
        self.tokens = [
            Token(str(m.lastgroup), m.group(), m.start(), m.end())
            for m in LEXER.finditer(sql, start, end)
            if m.lastgroup != "space"
        ]
        self.tokens.append(Token("end", "<EOF>", end, end))
        self.at = 0
        self.of_iceberg = False  # whether it makes an Iceberg table, in which Hive's reserved words are names

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def is_next(self, *words: str) -> bool:
        return all(self.tokens[min(self.at + i, len(self.tokens) - 1)].upper == word for i, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        if self.is_next(*words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.mismatched(f"'{word}'")

    def mismatched(self, *expected: str) -> SyntaxRefused:
        wanted = f"expecting {expected[0]}" if len(expected) == 1 else "expecting {" + ", ".join(expected) + "}"
        return SyntaxRefused(f"mismatched input '{self.token.text}' {wanted}", *self.where(self.token))

    def no_alternative(self, first: int) -> SyntaxRefused:
        """ANTLR's words for a statement whose tokens so far begin no form of it."""
        text = self.sql[self.tokens[first].start : self.token.end].replace("\n", "\\n").replace("\t", "\\t")
        return SyntaxRefused(f"no viable alternative at input '{text}'", *self.where(self.token))

    def where(self, token: Token) -> tuple[int, int]:
        return line_and_column(self.sql, token.start)

    def finish(self) -> None:
        if self.token.kind != "end":
            raise SyntaxRefused(f"mismatched input '{self.token.text}' expecting <EOF>", *self.where(self.token))

    def hive_name(self) -> str:
        """A name in Hive DDL: a word or in backquotes, in lower case."""
        token = self.token
        if token.kind == "backquoted":
            self.at += 1
            return token.text[1:-1].replace("``", "`").lower()
        if token.kind == "word":
            if token.upper in RESERVED and not self.of_iceberg:
                raise self.no_alternative(0)
            self.at += 1
            return token.text.lower()
        raise self.no_alternative(0) if token.kind == "quoted" else self.mismatched("IDENTIFIER")

    def trino_name(self) -> str:
        """A name in Trino's statements: a word or in double quotes, in lower case."""
        token = self.token
        if token.kind == "quoted":
            self.at += 1
            return token.text[1:-1].replace('""', '"').lower()
        if token.kind == "backquoted":
            raise SyntaxRefused(
                "backquoted identifiers are not supported; use double quotes to quote identifiers", *self.where(token)
            )
        if token.kind == "word" and not token.text[0].isdigit():
            self.at += 1
            return token.text.lower()
        raise self.mismatched("<identifier>")

    def qualified(self, name: Any) -> tuple[str, ...]:
        parts = [name()]
        while self.accept("."):
            parts.append(name())
        if len(parts) > 3:
            raise SyntaxRefused(f"Invalid table name {'.'.join(parts)}", *self.where(self.token))
        return tuple(parts)

    def string(self) -> str:
        token = self.token
        if token.kind not in ("string", "quoted"):
            raise self.mismatched("STRING")
        self.at += 1
        return hive_string(token.text)

    def properties(self) -> dict[str, str]:
        """`('a'='b', …)`"""
        self.expect("(")
        found = {}
        while True:
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def hive_type(self) -> str:
        """A Hive column type as Glue keeps it: lower case, without blanks."""
        start, depth = self.at, 0
        while self.token.kind != "end":
            text = self.token.upper
            if depth == 0 and (text in _TYPE_END or (self.at > start and text not in ("(", "<", ")"))):
                break
            depth += text in ("(", "<")
            depth -= text in (")", ">")
            self.at += 1
            if depth == 0 and text in (")", ">"):
                break
        tokens = self.tokens[start : self.at]
        if not tokens:
            raise self.mismatched("<type>")
        written = "".join(t.text for t in tokens).lower().replace("`", "")
        return re.sub(r"\binteger\b", "int", written)

    def columns(self) -> list[dict[str, str]]:
        """`(name type [COMMENT 'x'], …)` as Glue columns."""
        self.expect("(")
        found = []
        while True:
            column = {"Name": self.hive_name()}
            self.accept(":")
            column["Type"] = self.hive_type()
            if self.accept("COMMENT"):
                column["Comment"] = self.string()
            found.append(column)
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def name_list(self) -> list[str]:
        self.expect("(")
        names = [self.hive_name()]
        while self.accept(","):
            names.append(self.hive_name())
        self.expect(")")
        return names

    def partition(self) -> list[tuple[str, str, str]]:
        """`PARTITION (key = 'value', …)` as (name, comparison, value)."""
        self.expect("PARTITION", "(")
        found = []
        while True:
            name = self.hive_name()
            operator = self.next().text
            if operator not in ("=", "<", "<=", ">", ">=", "<>", "!="):
                self.at -= 1
                raise self.mismatched("'='")
            token = self.token
            if token.kind in ("string", "quoted"):
                value = self.string()
            elif token.kind == "number" or (token.kind == "word" and token.text.isdigit()):
                value = self.next().text
            elif token.upper == "-":
                self.at += 1
                value = "-" + self.next().text
            elif token.upper in ("DATE", "TIMESTAMP"):
                self.at += 1
                value = self.string()
            else:
                raise self.mismatched("STRING", "NUMBER")
            found.append((name, operator, value))
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def query(self, end: int | None = None) -> tuple[int, int]:
        """The offsets of a query that runs to the end of the statement, or to `end`; its grammar is checked."""
        start = self.token.start
        stop = self.tokens[-1].end if end is None else end
        grammar.parse(self.sql, start, stop)
        while self.token.kind != "end" and self.token.start < stop:
            self.at += 1
        return start, stop

    def closing(self, opening: int) -> int:
        """The index of the bracket that closes the one at `opening`."""
        depth = 0
        for index in range(opening, len(self.tokens)):
            depth += self.tokens[index].upper == "("
            depth -= self.tokens[index].upper == ")"
            if depth == 0:
                return index
        self.at = len(self.tokens) - 1
        raise self.mismatched("')'")

    def with_properties(self) -> dict[str, Any]:
        """Trino's `(name = expression, …)`: strings, numbers, booleans, ARRAY['a', …]."""
        self.expect("(")
        found: dict[str, Any] = {}
        while True:
            key = self.trino_name()
            self.expect("=")
            found[key] = self.property_value()
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def property_value(self) -> Any:
        token = self.next()
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number" or token.text.isdigit():
            return int(token.text) if token.text.isdigit() else float(token.text)
        if token.upper in ("TRUE", "FALSE"):
            return token.upper == "TRUE"
        if token.upper == "ARRAY":
            self.expect("[")
            items = []
            while not self.accept("]"):
                items.append(self.property_value())
                if not self.accept(",") and not self.is_next("]"):
                    raise self.mismatched("','", "']'")
            return items
        self.at -= 1
        raise self.mismatched("<expression>")
