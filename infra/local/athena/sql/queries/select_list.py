"""The list of a SELECT: its expressions with `*` spelt out, their names and aliases."""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.lift import canonical
from infra.local.athena.sql.queries.analysis import Analysis
from infra.local.athena.sql.scope import Scope


class SelectList(Analysis):
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

    def _aliases(self, names: list, items: list[Expr]) -> dict[str, Expr]:
        found: dict[str, Expr] = {}
        for name, item in zip(names, items, strict=True):
            if name is not None:
                found.setdefault(name, item)
        return found


def output_name(node: Node) -> str | None:
    """The name that a column of a result has without an alias: a column's, or that of a field reached from a column by names."""
    if node.kind == "column":
        return node.name
    base = node
    while base.kind == "field":
        base = base.base
    return node.name.value if node.kind == "field" and base.kind == "column" else None
