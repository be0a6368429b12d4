"""SELECT: its clauses checked in the order in which they see each other, and the SQL for them."""

from infra.engines.athena.grammar import Node
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.lift import Lift
from infra.local.athena.sql.queries.grouping import Grouping
from infra.local.athena.sql.queries.joins import Joins
from infra.local.athena.sql.queries.ordering import Ordering
from infra.local.athena.sql.scope import Clauses, Parts, Query, Relation, Scope


class Selects(Grouping, Joins, Ordering):
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
