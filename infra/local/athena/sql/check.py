"""Queries: which names and types each part has by Trino's rules, and the DuckDB SQL for the whole.

Every table is read under a name of its own (`t0`, `t1`, …), which the caller binds; inside, columns are `c0`, `c1`, …, so
that no name of a user's can collide. Source: https://trino.io/docs/current/sql/select.html
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import quoted
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.named import NamedQueries
from infra.local.athena.sql.queries.selects import Selects
from infra.local.athena.sql.scope import Field, Query, Scope


class Checker(Selects, NamedQueries):
    """Checks one statement and makes its SQL.

    Derived tables have the columns that the statement reads, which is known at its end only. Where there are any, `waits` is true,
    and a second checker that is told what the first one's tables were `read` for makes the SQL.
    """

    def query(self, node: Node, parent: Scope | None, named: dict, names: bool = False) -> Query:
        """A whole query, with its WITH, ORDER BY and LIMIT. `names`: the SQL's columns get their names."""
        prefix = ""
        if node.named:
            named = dict(named)
            prefix = self._with(node, parent, named)
        found = self._body(node, parent, named, names)
        return Query(prefix + found.sql, found.names, found.types, found.origins)

    def subquery(self, node: Node, scope: Scope, single: bool = False) -> Query:
        """A query inside an expression. `single`: of one column, several are made a row as Trino does."""
        found = self.query(node, scope, scope.named)
        if not single or len(found.types) == 1:
            return found
        kind = t.row(*zip(found.names, found.types, strict=True))
        parts = ", ".join(f"{quoted(n)} := q.c{i}" for i, n in enumerate(t.field_names(kind)))
        return Query(f"SELECT struct_pack({parts}) AS c0 FROM ({found.sql}) q", [None], [kind])

    def _body(self, node: Node, parent: Scope | None, named: dict, names: bool) -> Query:
        body = node.body
        if body.kind == "query":
            inner = self.query(body, parent, named)
            return self._ordered(node, inner, parent, named, names)
        if body.kind == "select":
            return self._select(body, node, parent, named, names)
        if body.kind == "set_operation":
            found = self._set_operation(body, parent, named, names)
        elif body.kind == "values":
            found = self._values(body, parent, named)
        else:
            found = self._table_query(body, parent, named)
        return self._ordered(node, found, parent, named, names)

    def _ordered(self, node: Node, found: Query, parent: Scope | None, named: dict, names: bool) -> Query:
        """ORDER BY and LIMIT on a query whose columns are all that can be named."""
        output = self._output(found.names, names)
        fields = [Field((), n, k, f"o.c{i}") for i, (n, k) in enumerate(zip(found.names, found.types, strict=True))]
        if not (node.order or node.limit or node.offset or names):
            return found
        columns = ", ".join(f"c{i} AS {o}" if names else f"c{i}" for i, o in enumerate(output))
        scope = Scope(fields, parent, named)
        order = ""
        ties = ""
        if node.order:
            expressions = Expressions(self, scope, "ORDER BY clause")
            keys = [self._order_key(item, expressions, found.types, None) for item in node.order]
            order = " ORDER BY " + ", ".join(keys)
            ties = f" QUALIFY rank() OVER ({order.strip()}) <= {node.limit.value}" if node.ties else ""
        sql = f"SELECT {columns} FROM ({found.sql}) o{ties}{order}{self._limits(node, parent, named)}"
        return Query(sql, found.names, found.types)

    def _values(self, node: Node, parent: Scope | None, named: dict) -> Query:
        expressions = Expressions(self, Scope([], parent, named), "VALUES")
        rows = []
        for row in node.rows:
            values = row.values if row.kind == "row" else [row]
            rows.append([expressions.check(v) for v in values])
        width = len(rows[0])
        if any(len(r) != width for r in rows):
            other = next(len(r) for r in rows if len(r) != width)
            text = f"Values rows have mismatched sizes: {width} vs {other}"
            raise self.error("TYPE_MISMATCH", node, text)
        kinds = []
        for i in range(width):
            kind = rows[0][i].type
            for row in rows[1:]:
                wider = t.common(kind, row[i].type)
                if wider is None:
                    first = ", ".join(str(e.type) for e in rows[0])
                    second = ", ".join(str(e.type) for e in row)
                    text = f"Values rows have mismatched types: row({first}) vs row({second})"
                    raise self.error("TYPE_MISMATCH", node, text)
                kind = wider
            kinds.append(kind)
        texts = []
        for row in rows:
            cells = [expressions.coerce(e, k).sql for e, k in zip(row, kinds, strict=True)]
            texts.append("(" + ", ".join(cells) + ")")
        names = ", ".join(f"c{i}" for i in range(width))
        return Query(f"SELECT * FROM (VALUES {', '.join(texts)}) v({names})", [None] * width, kinds)

    def _table_query(self, node: Node, parent: Scope | None, named: dict) -> Query:
        relation = self._table(node.table, parent, named)
        shown = [f for f in relation.fields if not f.hidden]
        columns = ", ".join(f"{f.use()} AS c{i}" for i, f in enumerate(shown))
        return Query(f"SELECT {columns} FROM {relation.sql}", [f.name for f in shown], [f.type for f in shown])

    def _set_operation(self, node: Node, parent: Scope | None, named: dict, names: bool) -> Query:
        sides = [self._side(side, parent, named) for side in (node.left, node.right)]
        word = node.operator
        if len(sides[0].types) != len(sides[1].types):
            text = f"{word} query has different number of fields: {len(sides[0].types)}, {len(sides[1].types)}"
            raise self.error("TYPE_MISMATCH", node, text)
        kinds = []
        for i, (a, b) in enumerate(zip(sides[0].types, sides[1].types, strict=True)):
            kind = t.common(a, b)
            if kind is None:
                text = f"column {i + 1} in {word} query has incompatible types: {a}, {b}"
                raise self.error("TYPE_MISMATCH", node, text)
            if not node.all and not t.comparable(kind):
                text = f"Type {kind} is not comparable and therefore cannot be used in {word}"
                raise self.error("TYPE_MISMATCH", node, text)
            kinds.append(kind)
        texts = []
        for side in sides:
            if side.types == kinds:
                texts.append(f"({side.sql})")
                continue
            pairs = enumerate(zip(side.types, kinds, strict=True))
            columns = ", ".join(f"{self.casts.cast(f's.c{i}', a, b)} AS c{i}" for i, (a, b) in pairs)
            texts.append(f"(SELECT {columns} FROM ({side.sql}) s)")
        sql = f"{texts[0]} {word}{' ALL' if node.all else ''} {texts[1]}"
        return Query(sql, sides[0].names, kinds)

    def _side(self, node: Node, parent: Scope | None, named: dict) -> Query:
        return self.query(self._as_query(node), parent, named)
