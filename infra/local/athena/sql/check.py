"""Queries: which names and types each part has by Trino's rules, and the DuckDB SQL for the whole.

Every table is read under a name of its own (`t0`, `t1`, …), which the caller binds; inside, columns are `c0`, `c1`, …, so
that no name of a user's can collide. Source: https://trino.io/docs/current/sql/select.html
"""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node, line_and_column, parse, parse_expression
from infra.engines.athena.types import Column, Type, View, literal, quoted
from infra.local.athena.sql.casts import Casts
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.lift import Lift, canonical
from infra.local.athena.sql.scope import (
    CATALOG,
    HIDDEN,
    MAX_RECURSION,
    Clauses,
    Conjunct,
    Field,
    Named,
    Parts,
    Query,
    Relation,
    Scope,
    TableUse,
)
from infra.local.athena.sql.trees import is_constant, written


class Checker:
    """Checks one statement and makes its SQL.

    Derived tables have the columns that the statement reads, which is known at its end only. Where there are any, `waits` is true,
    and a second checker that is told what the first one's tables were `read` for makes the SQL.
    """

    def __init__(
        self, text: str, catalog, database: str | None, parameters: list[str], read: list[set[str]] | None = None
    ):
        self.text = text
        self.read = read
        self.waits = False
        self.catalog = catalog
        self.database = database
        self.parameters = parameters
        self.casts = Casts()
        self.tables: list[TableUse] = []
        self.count = 0
        self.views: list[tuple[str, str]] = []  # views being read, against views that read themselves

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def position(self, offset: int) -> tuple[int, int]:
        return line_and_column(self.text, offset)

    def error(self, code: str, node: Node, text: str) -> QueryError:
        return QueryError(code, text, *self.position(node.pos))

    def parameter(self, expressions: Expressions, node: Node) -> Expr:
        if node.value >= len(self.parameters):
            count = node.value + 1
            raise self.error(
                "INVALID_PARAMETER_USAGE",
                node,
                f"Incorrect number of parameters: expected {count} but found {len(self.parameters)}",
            )
        given = self.parameters[node.value]
        text, self.text = self.text, given
        try:
            value = parse_expression(given)
            found = expressions.check(value) if is_constant(value) else Expr(literal(given), t.VARCHAR, constant=given)
        except QueryError:  # a text that is no expression is a value as it stands
            found = Expr(literal(given), t.VARCHAR, constant=given)
        finally:
            self.text = text
        found.given = found.constant if isinstance(found.constant, str) else given
        return found

    # --- queries

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

    def _with(self, node: Node, parent: Scope | None, named: dict) -> str:
        texts, seen = [], set()
        for item in node.named:
            name = item.name.value
            if name in seen:
                text = f"WITH query name '{name}' specified more than once"
                raise self.error("DUPLICATE_NAMED_QUERY", item, text)
            seen.add(name)
            own = self.fresh("q")
            if node.recursive and self._reads(item.query, name):
                text, query = self._recursive(item, own, parent, named)
            else:
                query = self.query(item.query, parent, named)
                text = f"{own} AS ({query.sql})"
            columns = self._column_names(item, item.columns, query, f"WITH query '{name}'")
            if item.columns is None:
                columns = query.names
            named[name] = Named(own, query, columns)
            texts.append(text)
        return f"WITH {', '.join(texts)} "

    def _column_names(self, node: Node, columns: list[Node] | None, query: Query, what: str) -> list[str | None]:
        if columns is None:
            return query.names
        if len(columns) != len(query.types):
            text = f"Column alias list has {len(columns)} entries but {what} has {len(query.types)} columns available"
            if what.startswith("WITH"):
                text = f"WITH column alias list has {len(columns)} entries but WITH query({node.name.value}) has {len(query.types)} columns"
            raise self.error("MISMATCHED_COLUMN_ALIASES", node, text)
        return [c.value for c in columns]

    def _reads(self, node, name: str) -> bool:
        """Whether a tree reads a table of this name."""
        if isinstance(node, Node):
            if node.kind == "table" and len(node.name) == 1 and node.name[0].value == name:
                return True
            return any(self._reads(v, name) for v in vars(node).values())
        if isinstance(node, (list, tuple)):
            return any(self._reads(v, name) for v in node)
        return False

    def _recursive(self, item: Node, own: str, parent: Scope | None, named: dict) -> tuple[str, Query]:
        """WITH RECURSIVE, which Trino stops with an error after ten rounds."""
        if item.columns is None:
            raise self.error("MISSING_COLUMN_ALIASES", item, "missing column aliases in recursive WITH query")
        union = item.query.body
        if union.kind != "set_operation" or union.operator != "UNION":
            raise self.error("INVALID_RECURSIVE_REFERENCE", item, "recursive query must be a union")
        base = self.query(self._as_query(union.left), parent, named)
        inner = dict(named)
        columns = self._column_names(item, item.columns, base, "WITH query")
        inner[item.name.value] = Named(own, base, columns)
        step = self.query(self._as_query(union.right), parent, inner)
        if len(step.types) != len(base.types):
            text = "base and step relations of recursion have different number of fields: "
            raise self.error("TYPE_MISMATCH", union.right, f"{text}{len(base.types)}, {len(step.types)}")
        casts = []
        for i, (a, b) in enumerate(zip(base.types, step.types, strict=True)):
            if not t.coercible(b, a):
                text = f"recursion step relation output type ({b}) is not coercible to recursion base relation output type ({a}) at column {i + 1}"
                raise self.error("TYPE_MISMATCH", union.right, text)
            casts.append(f"{self.casts.cast(f's.c{i}', b, a)} AS c{i}")
        return self._rounds(own, base, f"SELECT {', '.join(casts)} FROM ({step.sql}) s", union.all), base

    def _rounds(self, own: str, base: Query, step: str, keep: bool) -> str:
        """The CTEs of a recursion, one a round as Trino plans it; a row of the last round is an error."""
        names = ", ".join(f"c{i}" for i in range(len(base.types)))
        texts = [f"{own}_0 AS MATERIALIZED (SELECT {names} FROM ({base.sql}) b)"]
        for n in range(1, MAX_RECURSION + 2):
            # The step reads `own`, which in each round means the rows of the round before.
            texts.append(f"{own}_{n} AS MATERIALIZED (WITH {own} AS (SELECT * FROM {own}_{n - 1}) {step})")
        message = f"NOT_SUPPORTED: Recursion depth limit exceeded ({MAX_RECURSION}). "
        message += "Use ''max_recursion_depth'' session property to modify the limit."
        failed = f"fail_as(c0, '{message}')"
        rest = "".join(f", c{i}" for i in range(1, len(base.types)))
        parts = [f"SELECT {names} FROM {own}_{n}" for n in range(MAX_RECURSION + 1)]
        parts.append(f"SELECT {failed}{rest} FROM {own}_{MAX_RECURSION + 1}")
        union = " UNION ALL " if keep else " UNION "
        return ", ".join([*texts, f"{own} AS ({union.join(parts)})"])

    def _as_query(self, node: Node) -> Node:
        if node.kind == "query":
            return node
        return Node(
            kind="query",
            pos=node.pos,
            start=node.start,
            end=node.end,
            body=node,
            order=None,
            offset=None,
            limit=None,
            ties=False,
            named=[],
            recursive=False,
        )

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
            raise self.error("TYPE_MISMATCH", node.right, text)
        kinds = []
        for i, (a, b) in enumerate(zip(sides[0].types, sides[1].types, strict=True)):
            kind = t.common(a, b)
            if kind is None:
                text = f"column {i + 1} in {word} query has incompatible types: {a}, {b}"
                raise self.error("TYPE_MISMATCH", node.right, text)
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

    # --- SELECT

    def _select(self, node: Node, query: Node, parent: Scope | None, named: dict, names: bool) -> Query:
        relation = self._from(node.relation, parent, named) if node.relation else Relation("", [])
        scope = Scope(relation.fields, parent, named)
        for name, window in node.windows:
            scope.windows[name.value] = window
        where = ""
        if node.where is not None:
            expressions = Expressions(self, scope, "WHERE clause")
            condition = expressions.boolean(node.where, "WHERE clause must evaluate to a boolean: actual type {}")
            where = f" WHERE {condition.sql}"
            self._note_conjuncts(node.where, scope)
        group, groups = self._group_by(node, scope)
        seen = len(self.tables)
        clauses = self._clauses(node, query, scope, groups, None)
        self._check_groups(node, query, clauses)
        lift = None
        if clauses.lifted:
            del self.tables[seen:]
            lift = Lift(groups)
            clauses = self._clauses(node, query, scope, groups, lift)
        return self._emit(node, query, clauses, Parts(relation.sql, where, group, lift), names, parent, named)

    def _clauses(self, node: Node, query: Node, scope: Scope, groups: dict[str, str], lift: Lift | None) -> "Clauses":
        """SELECT, HAVING and ORDER BY. `lift`: where their groups and aggregates are columns of."""

        def clause(name: str, windows: bool) -> Expressions:
            found = Expressions(
                self, scope, name, aggregates=True, windows=windows, groups=lift.groups if lift else groups
            )
            found.lift = lift
            return found

        expressions = clause("SELECT", windows=True)
        items, names, nodes = self._items(node, scope, expressions)
        having, lifted = None, False
        if node.having is not None:
            conditions = clause("HAVING clause", windows=False)
            having = conditions.boolean(node.having, "HAVING clause must evaluate to a boolean: actual type {}")
            lifted = conditions.lifted
        order, order_values = self._select_order(node, query, expressions, items, names)
        return Clauses(items, names, nodes, having, order, order_values, lifted or expressions.lifted)

    def _check_groups(self, node: Node, query: Node, clauses: "Clauses") -> None:
        """Refuse columns that are neither grouped nor in an aggregate, and what DISTINCT does not go with."""
        values = (*clauses.items, *clauses.order_values)
        if node.group or node.having is not None or any(e.aggregate for e in values):
            self._refuse_loose(clauses.items, clauses.nodes)
            if clauses.having is not None and clauses.having.loose is not None:
                raise self._not_aggregate(node.having)
            for value, item in zip(clauses.order_values, query.order or [], strict=False):
                if value.loose is not None:
                    raise self._not_aggregate(item.value)
        if node.distinct:
            self._check_distinct(clauses.items, clauses.nodes, query, clauses.order_values)

    def _emit(
        self,
        node: Node,
        query: Node,
        clauses: "Clauses",
        parts: "Parts",
        names: bool,
        parent: Scope | None,
        named: dict,
    ) -> Query:
        items = clauses.items
        output = self._output(clauses.names, names)
        columns = ", ".join(f"{e.sql} AS {o}" for e, o in zip(items, output, strict=True))
        limits = self._limits(query, parent, named)
        source = f" FROM {parts.source}" if parts.source else ""
        rest = f"{parts.where}{parts.group}"
        condition = clauses.having.sql if clauses.having else ""
        if parts.lift is not None:
            inner = f"SELECT {parts.lift.select_list()}{source}{rest}"
            source, rest = f" FROM ({inner}) g", f" WHERE {condition}" if condition else ""
        elif condition:
            rest += f" HAVING {condition}"
        ties = ""
        if query.ties:
            if not clauses.order:
                raise self.error("MISSING_ORDER_BY", query, "FETCH FIRST WITH TIES clause requires ORDER BY")
            ties = f" QUALIFY rank() OVER (ORDER BY {clauses.order}) <= {query.limit.value}"
        order = f" ORDER BY {clauses.order}" if clauses.order else ""
        word = "SELECT DISTINCT" if node.distinct else "SELECT"
        sql = f"{word} {columns}{source}{rest}{ties}{order}{limits}"
        whole = parts.group or condition or limits or any(e.aggregate or e.window for e in items)
        origins = None if whole else [e.column if e.column and e.column.table else None for e in items]
        return Query(sql, clauses.names, [e.type for e in items], origins)

    def _items(self, node: Node, scope: Scope, expressions: Expressions):
        """The select list with `*` spelt out: expressions, names and the nodes they came from."""
        items: list[Expr] = []
        names: list[str | None] = []
        nodes: list[Node] = []
        for item in node.items:
            if item.kind == "star":
                found = self._star(item, scope, expressions, node)
                aliases = [a.value for a in item.aliases] if item.aliases else [n for n, _ in found]
                if len(aliases) != len(found):
                    text = f"Column alias list has {len(aliases)} entries but relation has {len(found)} columns"
                    raise self.error("MISMATCHED_COLUMN_ALIASES", item, text)
                items += [e for _, e in found]
                names += aliases
                nodes += [item] * len(found)
                continue
            items.append(expressions.check(item.value))
            names.append(item.alias.value if item.alias else output_name(item.value))
            nodes.append(item.value)
        return items, names, nodes

    def _star(self, item: Node, scope: Scope, expressions: Expressions, select: Node) -> list[tuple]:
        if item.base is None:
            if select.relation is None:
                raise self.error("COLUMN_NOT_FOUND", item, "SELECT * not allowed in queries without FROM clause")
            fields = [f for f in scope.fields if not f.hidden]
            if not fields:
                raise self.error("COLUMN_NOT_FOUND", item, "SELECT * not allowed from relation that has no columns")
        else:
            parts = expressions._name_parts(item.base)
            fields = []
            around: Scope | None = scope
            while parts and around is not None and not fields:
                fields = [f for f in around.fields if f.relation[-len(parts) :] == tuple(parts) and not f.hidden]
                around = around.parent
            if not fields:
                return self._row_star(item, parts, expressions)
        found = []
        for f in fields:
            value = Expr(f.use(), f.type)
            value.loose, value.column = item, f
            if canonical(value.sql) in expressions.groups:
                value.loose = None
            found.append((f.name, value))
        return found

    def _row_star(self, item: Node, parts: list[str] | None, expressions: Expressions) -> list[tuple]:
        """The fields of a row: `r.*`, where `r` is no relation."""
        if parts and not expressions._is_column([*parts, "*"]):
            text = f"Unable to resolve reference {'.'.join(parts)}"
            raise self.error("TABLE_NOT_FOUND", item, text)
        base = expressions.check(item.base)
        if base.type.name != "row":
            raise self.error("TYPE_MISMATCH", item, f"expected expression of type Row, but got {base.type}")
        found = []
        for inner, (name, kind) in zip(t.field_names(base.type), base.type.args, strict=True):
            found.append((name, Expr(f"struct_extract({base.sql}, '{inner}')", kind, (base,))))
        return found

    def _group_by(self, node: Node, scope: Scope) -> tuple[str, dict[str, str]]:
        if node.group is None:
            return "", {}
        if node.group.distinct:
            raise self.error("NOT_SUPPORTED", node.group, "GROUP BY DISTINCT is not supported by the local Athena")
        expressions = Expressions(self, scope, "GROUP BY clause")
        texts: list[str] = []
        groups: dict[str, str] = {}
        for element in node.group.sets:
            sets = []
            for members in element.sets:
                values = [self._group_key(member, node, expressions) for member in members]
                groups.update((canonical(v), v) for v in values)
                sets.append(values)
            if element.sort == "SIMPLE":
                texts += sets[0] if sets[0] else ["()"]
            else:
                word = {"SETS": "GROUPING SETS"}.get(element.sort, element.sort)
                texts.append(f"{word} ({', '.join('(' + ', '.join(s) + ')' for s in sets)})")
        if texts == ["()"]:
            texts = ["GROUPING SETS (())"]
        return " GROUP BY " + ", ".join(texts), groups

    def _group_key(self, member: Node, node: Node, expressions: Expressions) -> str:
        if member.kind == "integer":
            number = int(member.value)
            if any(item.kind == "star" for item in node.items):
                values, _, _ = self._items(node, expressions.scope, expressions)
                found = values[number - 1] if 1 <= number <= len(values) else None
            else:
                found = expressions.check(node.items[number - 1].value) if 1 <= number <= len(node.items) else None
            if found is None:
                text = f"GROUP BY position {number} is not in select list"
                raise self.error("INVALID_COLUMN_REFERENCE", member, text)
        else:
            found = expressions.check(member)
        if not t.comparable(found.type):
            text = f"{found.type} is not comparable, and therefore cannot be used in GROUP BY"
            raise self.error("TYPE_MISMATCH", member, text)
        return found.sql

    def _select_order(self, node: Node, query: Node, expressions: Expressions, items: list[Expr], names: list):
        if not query.order:
            return "", []
        expressions.aliases = self._aliases(names, items)
        types = [e.type for e in items]
        keys, values = [], []
        try:
            for item in query.order:
                if item.value.kind == "column" and names.count(item.value.name) > 1:
                    matching = {items[i].sql for i, n in enumerate(names) if n == item.value.name}
                    if len(matching) > 1:
                        text = f"Column '{item.value.name}' is ambiguous"
                        raise self.error("AMBIGUOUS_NAME", item.value, text)
                keys.append(self._order_key(item, expressions, types, items))
                if item.value.kind == "integer":
                    values.append(Expr(items[int(item.value.value) - 1].sql, types[int(item.value.value) - 1]))
                else:
                    values.append(expressions.check(item.value))
        finally:
            expressions.aliases = {}
        return ", ".join(keys), values

    def _aliases(self, names: list, items: list[Expr]) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for name, item in zip(names, items, strict=True):
            if name is not None:
                found.setdefault(name, item)
        return found

    def _refuse_loose(self, items: list[Expr], nodes: list[Node]) -> None:
        for item, node in zip(items, nodes, strict=True):
            if item.loose is None:
                continue
            if node.kind == "star":
                text = f"Column {self._column_text(item.column)} not in GROUP BY clause"
                raise self.error("EXPRESSION_NOT_AGGREGATE", node, text)
            raise self._not_aggregate(node)

    def _column_text(self, column: Field) -> str:
        """A column of `*` as Trino names it, with what it belongs to."""
        of = (CATALOG, *column.relation) if len(column.relation) == 2 else column.relation
        return "'" + ".".join([*of, column.name or "?"]) + "'"

    def _not_aggregate(self, node: Node) -> QueryError:
        text = f"'{written(node, self.text)}' must be an aggregate expression or appear in GROUP BY clause"
        return self.error("EXPRESSION_NOT_AGGREGATE", node, text)

    def _check_distinct(self, items, nodes, query: Node, order_values: list[Expr]) -> None:
        for item, node in zip(items, nodes, strict=True):
            if not t.comparable(item.type):
                text = f"DISTINCT can only be applied to comparable types (actual: {item.type})"
                raise self.error("TYPE_MISMATCH", node, text)
        shown = {canonical(item.sql) for item in items}
        for value, item in zip(order_values, query.order or [], strict=False):
            if canonical(value.sql) not in shown:
                text = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                raise self.error("EXPRESSION_NOT_IN_DISTINCT", item.value, text)

    # --- FROM

    def _from(self, relations: list[Node], parent: Scope | None, named: dict) -> Relation:
        found = self._relation(relations[0], parent, named, None)
        for node in relations[1:]:
            found = self._cross(found, node, parent, named)
        return found

    def _relation(self, node: Node, parent: Scope | None, named: dict, left: Relation | None) -> Relation:
        """A relation; `left` is what stands before it in FROM, which UNNEST and LATERAL may read."""
        return getattr(self, "_" + node.kind)(node, parent, named, left)

    def _alias(self, node: Node, parent, named, left) -> Relation:
        found = self._relation(node.relation, parent, named, left)
        name = node.name.value
        shown = [f for f in found.fields if not f.hidden]
        names = [f.name for f in shown]
        if node.columns is not None:
            if len(node.columns) != len(shown):
                text = (
                    f"Column alias list has {len(node.columns)} entries but '{name}' has {len(shown)} columns available"
                )
                raise self.error("MISMATCHED_COLUMN_ALIASES", node, text)
            names = [c.value for c in node.columns]
        fields = [f.renamed(name, new) for f, new in zip(shown, names, strict=True)]
        fields += [f.renamed(name, f.name) for f in found.fields if f.hidden and node.columns is None]
        return Relation(found.sql, fields)

    def _table(self, node: Node, parent, named, left=None) -> Relation:
        parts = [p.value for p in node.name]
        if len(parts) == 1 and parts[0] in named:
            query = named[parts[0]]
            alias = self.fresh("r")
            fields = [
                Field((parts[0],), n, k, f"{alias}.c{i}")
                for i, (n, k) in enumerate(zip(query.columns, query.types, strict=True))
            ]
            return Relation(f"{query.name} AS {alias}", fields)
        database, table = self._table_name(node, parts)
        if (view := self.catalog.view(database, table)) is not None:
            return self._view(node, database, table, view)
        columns = self.catalog.columns(database, table)
        if columns is None:
            self._missing_table(node, database, table)
        number = len(self.tables)
        use = TableUse(database, table, f"t{number}", read=self.read[number] if self.read is not None else None)
        self.tables.append(use)
        relation = (database, table)
        fields = [
            Field(relation, c.name, t.parse(c.type), f"{use.name}.{quoted(c.name)}", table=use)
            for c in columns
            if c.name not in HIDDEN
        ]
        if _has_files(database, table):
            fields += [
                Field(relation, n, k, f"{use.name}.{quoted(n)}", hidden=True, table=use) for n, k in HIDDEN.items()
            ]
        return Relation(use.name, fields)

    def _table_name(self, node: Node, parts: list[str]) -> tuple[str, str]:
        if len(parts) > 3:
            raise self.error("SYNTAX_ERROR", node, f"Too many dots in table name: {'.'.join(parts)}")
        if len(parts) == 3 and parts[0] != CATALOG:
            raise self.error("CATALOG_NOT_FOUND", node, f"Catalog '{parts[0]}' does not exist")
        if len(parts) == 1:
            if self.database is None:
                text = "Schema must be specified when session schema is not set"
                raise self.error("MISSING_SCHEMA_NAME", node, text)
            return self.database.lower(), parts[0]
        return parts[-2], parts[-1]

    def _missing_table(self, node: Node, database: str, table: str):
        if not self.catalog.database_exists(database):
            raise self.error("SCHEMA_NOT_FOUND", node, f"Schema '{database}' does not exist")
        raise self.error("TABLE_NOT_FOUND", node, f"Table '{CATALOG}.{database}.{table}' does not exist")

    def _view(self, node: Node, database: str, table: str, view: View) -> Relation:
        name = f"{CATALOG}.{database}.{table}"
        if (database, table) in self.views:
            raise self.error("VIEW_IS_RECURSIVE", node, f"View is recursive: {name}")
        before = self.text, self.database, self.parameters
        self.text, self.database, self.parameters = view.sql, view.database, []
        self.views.append((database, table))
        try:
            query = self.query(parse(view.sql), None, {})
        except QueryError as error:
            self.text = before[0]
            text = f"Failed analyzing stored view '{name}': {error.message.split(': ', 1)[-1]}"
            raise self.error("INVALID_VIEW", node, text) from None
        finally:
            self.text, self.database, self.parameters = before
            self.views.pop()
        if explanation := _stale(view.columns, query):
            raise self.error("VIEW_IS_STALE", node, f"View '{name}' is stale or in invalid state: {explanation}")
        found = self._derived(query, (database, table))
        return Relation(found.sql, [self._as_stored(f, c) for f, c in zip(found.fields, view.columns, strict=True)])

    def _as_stored(self, found: Field, column: Column) -> Field:
        """A view's column with the type that it had when the view was made."""
        kind = t.parse(column.type)
        if found.type == kind:
            return found
        return Field(found.relation, found.name, kind, self.casts.cast(found.sql, found.type, kind))

    def _derived(self, query: Query, relation: tuple[str, ...], lateral: bool = False) -> Relation:
        alias = self.fresh("r")
        fields = []
        for i, (name, kind, origin) in enumerate(zip(query.names, query.types, query.origins, strict=True)):
            table = origin.table if origin else None
            fields.append(Field(relation, name, kind, f"{alias}.c{i}", table=table, of=origin))
        return Relation(f"{'LATERAL ' if lateral else ''}({query.sql}) {alias}", fields)

    def _subquery(self, node: Node, parent, named, left) -> Relation:
        return self._derived(self.query(node.query, parent, named), ())

    def _lateral(self, node: Node, parent, named, left: Relation | None) -> Relation:
        scope = Scope(left.fields if left else [], parent, named)
        return self._derived(self.query(node.query, scope, named), (), lateral=True)

    def _sample(self, node: Node, parent, named, left) -> Relation:
        """BERNOULLI takes rows, SYSTEM whole files (Trino: splits). Source: https://trino.io/docs/current/sql/select.html#tablesample"""
        before = len(self.tables)
        found = self._relation(node.relation, parent, named, left)
        value = Expressions(self, Scope([], None, {}), "TABLESAMPLE").check(node.percentage)
        if value.type.name not in t.NUMBERS:
            text = f"Sample percentage should be a numeric expression but got {value.type}"
            raise self.error("TYPE_MISMATCH", node.percentage, text)
        if not isinstance(value.constant, (int, float)):
            raise self.error("NOT_SUPPORTED", node.percentage, "Sample percentage must be a constant")
        if not 0 <= value.constant <= 100:
            text = "Sample percentage must be between 0 and 100"
            raise self.error("NUMERIC_VALUE_OUT_OF_RANGE", node.percentage, text)
        if node.method == "SYSTEM":
            uses = [use for use in self.tables[before:] if _has_files(use.database, use.table)]
            if len(uses) != 1:
                raise self.error(
                    "NOT_SUPPORTED", node, f"TABLESAMPLE SYSTEM is for one table; here it is for {len(uses)}"
                )
            uses[0].sample = value.constant
            return found
        moved = self._projected(found, [])
        sql = f"(SELECT * FROM {moved.sql} WHERE random() * 100 < {value.constant}) {moved.alias}"
        return Relation(sql, moved.fields)

    def _projected(self, found: Relation, more: list[str]) -> Relation:
        """A relation as a derived table of its columns c0, c1, … and of `more` expressions, which follow them."""
        self.waits = self.waits or self.read is None
        alias = self.fresh("r")
        texts = [f"{f.sql} AS c{i}" for i, f in enumerate(found.fields) if f.is_read]
        texts += [f"{text} AS c{len(found.fields) + i}" for i, text in enumerate(more)]
        sql = f"SELECT {', '.join(texts) or '1 AS nothing'}{f' FROM {found.sql}' if found.sql else ''}"
        moved = Relation(f"({sql}) {alias}", [f.moved(f"{alias}.c{i}") for i, f in enumerate(found.fields)])
        moved.alias = alias
        return moved

    def _cross(self, left: Relation, node: Node, parent, named) -> Relation:
        if _is_unnest(node):
            return self._with_unnest(left, node, parent, named, outer=False)
        right = self._relation(node, parent, named, left)
        return Relation(f"{left.sql} CROSS JOIN {right.sql}", left.fields + right.fields)

    def _join(self, node: Node, parent, named, before) -> Relation:
        left = self._relation(node.left, parent, named, before)
        if node.using == "NATURAL":
            raise self.error("NOT_SUPPORTED", node, "Natural join not supported")
        if node.sort == "CROSS":
            return self._cross(left, node.right, parent, named)
        if _is_unnest(node.right):
            if node.using or not (node.on.kind == "boolean" and node.on.value) or node.sort not in ("INNER", "LEFT"):
                text = f"{node.sort} JOIN involving UNNEST is only supported with condition ON TRUE"
                raise self.error("NOT_SUPPORTED", node.on or node, text)
            return self._with_unnest(left, node.right, parent, named, outer=node.sort == "LEFT")
        right = self._relation(node.right, parent, named, left)
        if node.using is not None:
            return self._join_using(node, left, right, parent, named)
        fields = left.fields + right.fields
        scope = Scope(fields, parent, named)
        self._mark_optional(node.sort, left, right)
        expressions = Expressions(self, scope, "JOIN clause")
        condition = expressions.boolean(node.on, "JOIN ON clause must evaluate to a boolean: actual type {}")
        if node.sort == "INNER":
            self._note_conjuncts(node.on, scope)
        word = "JOIN" if node.sort == "INNER" else f"{node.sort} JOIN"
        nested = f"({right.sql})" if node.right.kind == "join" else right.sql
        return Relation(f"{left.sql} {word} {nested} ON {condition.sql}", fields)

    def _mark_optional(self, sort: str, left: Relation, right: Relation) -> None:
        for side, sorts in ((left, ("RIGHT", "FULL")), (right, ("LEFT", "FULL"))):
            if sort in sorts:
                for f in side.fields:
                    f.optional = True

    def _join_using(self, node: Node, left: Relation, right: Relation, parent, named) -> Relation:
        self._mark_optional(node.sort, left, right)
        conditions, shared = [], []
        used: set[int] = set()
        expressions = Expressions(self, Scope([], parent, named), "JOIN clause")
        for name in node.using:
            pair = []
            for side, word in ((left, "left"), (right, "right")):
                found = [f for f in side.fields if f.name == name.value and not f.hidden]
                if not found:
                    text = f"Column '{name.value}' is missing from {word} side of join"
                    raise self.error("COLUMN_NOT_FOUND", name, text)
                if len(found) > 1:
                    raise self.error("AMBIGUOUS_NAME", name, f"Column '{name.value}' is ambiguous")
                pair.append(found[0])
                used.add(id(found[0]))
            values = [Expr(f.use(), f.type) for f in pair]
            kind = t.common(values[0].type, values[1].type)
            if kind is None:
                text = f"Column Types of left and right side are different: left is {values[0].type}, right is {values[1].type}"
                raise self.error("TYPE_MISMATCH", name, text)
            a, b = (expressions.coerce(v, kind) for v in values)
            conditions.append(f"{expressions.key(a)} = {expressions.key(b)}")
            merged = {"LEFT": a.sql, "INNER": a.sql, "RIGHT": b.sql}.get(node.sort, f"coalesce({a.sql}, {b.sql})")
            shared.append(Field((), name.value, kind, merged))
        rest = [f for f in left.fields + right.fields if id(f) not in used]
        word = "JOIN" if node.sort == "INNER" else f"{node.sort} JOIN"
        nested = f"({right.sql})" if node.right.kind == "join" else right.sql
        return Relation(f"{left.sql} {word} {nested} ON {' AND '.join(conditions)}", shared + rest)

    def _unnest(self, node: Node, parent, named, left) -> Relation:
        return self._with_unnest(Relation("", []), node, parent, named, outer=False)

    def _with_unnest(self, left: Relation, node: Node, parent, named, outer: bool) -> Relation:
        """What stands before an UNNEST, with a row for each element; DuckDB's unnest() does it in a select list."""
        alias_node, unnest = (node, node.relation) if node.kind == "alias" else (None, node)
        expressions = Expressions(self, Scope(left.fields, parent, named), "UNNEST")
        lists: list[str] = []  # DuckDB lists
        columns: list[tuple[int, str | None, Type, str]] = []  # list, name, type, how to read the element
        for value_node in unnest.values:
            value = expressions.check(value_node)
            kind = value.type
            if kind.name == "map":
                columns.append((len(lists), None, kind.args[0], "{}"))
                columns.append((len(lists) + 1, None, kind.args[1], "{}"))
                lists += [f"map_keys({value.sql})", f"map_values({value.sql})"]
            elif kind.name == "array" and kind.element.name == "row":
                for inner, (name, field_type) in zip(t.field_names(kind.element), kind.element.args, strict=True):
                    columns.append((len(lists), name, field_type, "struct_extract({}, '" + inner + "')"))
                lists.append(value.sql)
            elif kind.name == "array":
                columns.append((len(lists), None, kind.element, "{}"))
                lists.append("CAST([] AS INTEGER[])" if kind.element == t.UNKNOWN and value.sql == "[]" else value.sql)
            else:
                raise self.error("INVALID_FUNCTION_ARGUMENT", value_node, f"Cannot unnest type: {kind}")
        longest = f"coalesce(greatest({', '.join(f'coalesce(len({x}), 0)' for x in lists)}), 0)"
        if outer:
            lists = [f"CASE WHEN {longest} = 0 THEN [NULL] ELSE {x} END" for x in lists]
        more = [f"unnest({x})" for x in lists]
        if unnest.ordinality:
            counting = f"range(1, {longest} + 1)"
            if outer:
                counting = f"CASE WHEN {longest} = 0 THEN [NULL] ELSE {counting} END"
            more.append(f"unnest({counting})")
            columns.append((len(lists), None, t.BIGINT, "{}"))
        moved = self._projected(left, more)
        fields = [
            Field((), name, kind, how.format(f"{moved.alias}.c{len(left.fields) + i}"))
            for i, name, kind, how in columns
        ]
        if alias_node is not None:
            fields = self._alias_fields(alias_node, fields)
        return Relation(moved.sql, moved.fields + fields)

    def _alias_fields(self, node: Node, fields: list[Field]) -> list[Field]:
        name = node.name.value
        names = [f.name for f in fields]
        if node.columns is not None:
            if len(node.columns) != len(fields):
                text = f"Column alias list has {len(node.columns)} entries but '{name}' has {len(fields)} columns available"
                raise self.error("MISMATCHED_COLUMN_ALIASES", node, text)
            names = [c.value for c in node.columns]
        return [f.renamed(name, new) for f, new in zip(fields, names, strict=True)]

    # --- what partitions can be left out

    def _note_conjuncts(self, node: Node, scope: Scope) -> None:
        terms = node.terms if node.kind == "logical" and node.operator == "AND" else [node]
        for term in terms:
            if term.kind == "logical" and term.operator == "AND":
                self._note_conjuncts(term, scope)
                continue
            if _has_query(term):
                continue
            uses = _Uses(scope)
            try:
                found = Expressions(self, uses, "WHERE clause").check(term)
            except QueryError:
                continue
            tables = {id(f.table): f.table for f in uses.used}
            if len(tables) == 1 and None not in tables.values() and not uses.optional:
                columns = frozenset(f.name for f in uses.used)
                plain = not uses.renamed and "?" not in self.text[term.start : term.end]
                text = self.text[term.start : term.end] if plain else "true"
                next(iter(tables.values())).conjuncts.append(Conjunct(columns, found.sql, text))


class _Uses:
    """A scope that remembers which columns were asked for."""

    def __init__(self, scope: Scope):
        self.scope = scope
        self.used: list[Field] = []
        self.optional = False
        self.renamed = False
        self.parent = None
        self.named = scope.named
        self.windows = scope.windows

    def find(self, parts: list[str]) -> list[Field]:
        found = self.scope.find(parts)
        self.used += [f.root for f in found]
        self.optional = self.optional or any(f.optional for f in found)
        self.renamed = self.renamed or any(f.name != f.root.name for f in found)
        return [f.root if f.root.table is not None else f for f in found]


def _has_files(database: str, table: str) -> bool:
    """Whether a table has objects of its own: what tells of the catalog (information_schema, `t$partitions`) has none."""
    return database != "information_schema" and "$" not in table


def _stale(stored: list[Column], query: Query) -> str | None:
    """Why a view's query no longer gives the columns that it had when the view was made; None if it does."""
    if len(stored) != len(query.types):
        return (
            f"stored view column count ({len(stored)}) does not match column count derived from the view query "
            f"analysis ({len(query.types)})"
        )
    for place, (column, name, kind) in enumerate(zip(stored, query.names, query.types, strict=True)):
        if name is None:
            return f"a column of type {kind} projected from query view at position {place} has no name"
        of = f"column [{name}] of type {kind} projected from query view at position {place}"
        there = f"column [{column.name}] of type {column.type} stored in view definition"
        if name.lower() != column.name.lower():
            return f"{of} has a different name from {there}"
        if not t.coercible(kind, t.parse(column.type)):
            return f"{of} cannot be coerced to {there}"
    return None


def _is_unnest(node: Node) -> bool:
    return node.kind == "unnest" or (node.kind == "alias" and node.relation.kind == "unnest")


def _has_query(node) -> bool:
    if isinstance(node, Node):
        return node.kind == "query" or any(_has_query(v) for v in vars(node).values())
    return isinstance(node, (list, tuple)) and any(map(_has_query, node))


def output_name(node: Node) -> str | None:
    """The name that a column of a result has without an alias: a column's, or that of a field reached from a column by names."""
    if node.kind == "column":
        return node.name
    base = node
    while base.kind == "field":
        base = base.base
    return node.name.value if node.kind == "field" and base.kind == "column" else None


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
