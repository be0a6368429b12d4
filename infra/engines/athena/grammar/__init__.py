"""Trino's SELECT grammar, strictly: what Athena's parser refuses is refused here, with its words.

General SQL parsers read far more than Athena accepts and give the same tree for both (`x::int` and CAST, `GROUP BY ALL`,
`EXCLUDE`, trailing commas), so that what must be refused could not be told from their trees. Source of the rules: Trino's
SqlBase.g4.

A tree is made of `Node`s. `kind` says what it is, `pos` is the offset that Trino names in an error about it, `start` and `end`
are the offsets of its text.
"""

from infra.engines.athena.grammar.changes import Changes
from infra.engines.athena.grammar.queries import Queries
from infra.engines.athena.grammar.row_patterns import RowPatterns
from infra.engines.athena.grammar.special_forms import SpecialForms
from infra.engines.athena.grammar.tokens import Node, Token, line_and_column

__all__ = ["Node", "Parser", "Token", "line_and_column", "parse", "parse_change", "parse_expression"]


def parse(sql: str, start: int = 0, end: int | None = None) -> Node:
    """The tree of the query that stands in `sql` between two offsets; SyntaxRefused if it is none."""
    return Parser(sql, start, len(sql) if end is None else end).statement()


def parse_change(sql: str, start: int = 0, end: int | None = None) -> Node:
    """The tree of a DELETE, UPDATE or MERGE; SyntaxRefused if it is none."""
    return Parser(sql, start, len(sql) if end is None else end).change()


def parse_expression(sql: str) -> Node:
    """The tree of an expression that stands alone, as a value for a `?` does."""
    parser = Parser(sql, 0, len(sql))
    found = parser.expression()
    parser.finish()
    return found


class Parser(Queries, RowPatterns, Changes, SpecialForms):
    """Reads a query, a change of rows, or an expression that stands alone."""
