"""ORDER BY, LIMIT and OFFSET, and how the columns of a result are called."""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, quoted
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.analysis import Analysis
from infra.local.athena.sql.scope import Scope


class Ordering(Analysis):
    def _limits(self, node: Node, parent: Scope | None, named: dict) -> str:
        text = ""
        for what, word in ((node.limit, "LIMIT"), (node.offset, "OFFSET")):
            if what is None or (word == "LIMIT" and node.ties):
                continue
            value = int(what.value) if what.kind == "integer" else self._row_count(what, word, parent, named)
            text += f" {word} {value}"
        return text

    def _row_count(self, node: Node, word: str, parent: Scope | None, named: dict) -> int:
        found = Expressions(self, Scope([], parent, named), word).check(node)
        if not isinstance(found.constant, int) or isinstance(found.constant, bool) or found.constant < 0:
            raise self.error("TYPE_MISMATCH", node, f"{word} must be a non-negative integer")
        return found.constant

    def _output(self, names: list[str | None], named: bool) -> list[str]:
        """How the SQL's columns are called: c0, c1, …, or, for the outermost query, their own names."""
        if not named:
            return [f"c{i}" for i in range(len(names))]
        return [quoted(n) for n in final_names(names, unique=True)]

    def _order_key(self, item: Node, expressions: Expressions, types: list[Type], columns: list[Expr] | None) -> str:
        """One ORDER BY item, an ordinal or an expression, as SQL."""
        value = item.value
        if value.kind == "integer":
            number = int(value.value)
            if not 1 <= number <= len(types):
                text = f"ORDER BY position {number} is not in select list"
                raise self.error("INVALID_COLUMN_REFERENCE", value, text)
            kind, sql = types[number - 1], None
            key = Expr(columns[number - 1].sql if columns else f"o.c{number - 1}", kind)
            sql = expressions.key(key)
        else:
            key = expressions.check(value)
            kind, sql = key.type, expressions.key(key)
        if not t.orderable(kind):
            text = f"Type {kind} is not orderable, and therefore cannot be used in ORDER BY"
            raise self.error("TYPE_MISMATCH", value, text)
        return f"{sql} {item.direction} NULLS {item.nulls or 'LAST'}"


def final_names(names: list[str | None], unique: bool = False) -> list[str]:
    """Names of a result's columns: `_col<n>` where there is none. `unique`: no name twice, for DuckDB."""
    found = [n if n is not None else f"_col{i}" for i, n in enumerate(names)]
    if unique:
        seen: set[str] = set()
        for i, name in enumerate(found):
            while name.lower() in seen:
                name = f"{name}_{i}"
            seen.add(name.lower())
            found[i] = name
    return found
