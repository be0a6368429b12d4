"""A checked expression."""

from __future__ import annotations

from typing import Any

from infra.engines.athena.types import Type


class Expr:
    """A checked expression: DuckDB SQL, Trino type, and what its surroundings need to know of it."""

    __slots__ = ("aggregate", "column", "constant", "given", "loose", "sql", "type", "window")

    def __init__(self, sql: str, type_: Type, parts: tuple = (), constant=None):
        self.sql = sql
        self.type = type_
        self.constant = constant  # the value of a literal
        self.given: str | None = None  # the text of an execution parameter
        self.column: Any = None  # the Field that a plain column is
        self.loose = next((p.loose for p in parts if p.loose), None)  # a column outside GROUP BY and aggregates
        self.aggregate = any(p.aggregate for p in parts)
        self.window = any(p.window for p in parts)
