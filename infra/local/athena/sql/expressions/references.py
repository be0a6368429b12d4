"""What a name means: a column here or of a query around, a field of a row, a parameter of a lambda."""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import literal
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.clause import Clause


class References(Clause):
    def _column(self, node: Node) -> Expr:
        for variables in reversed(self.variables):
            if node.name in variables:
                return variables[node.name]
        if node.name in self.aliases:
            return self.aliases[node.name]
        found = self.resolve([node.name], node)
        if found is None:
            raise self._missing(node, node.name)
        return found

    def _missing(self, node: Node, name: str) -> QueryError:
        text = f"Column '{name}' cannot be resolved or requester is not authorized to access requested resources"
        return self.error("COLUMN_NOT_FOUND", node, text)

    def resolve(self, parts: list[str], node: Node) -> Expr | None:
        """The column that a name of one to four parts means, here or in a query around."""
        scope, outer = self.scope, False
        while scope is not None:
            fields = scope.find(parts)
            if len(fields) > 1:
                raise self.error("AMBIGUOUS_NAME", node, f"Column '{'.'.join(parts)}' is ambiguous")
            if fields:
                found = Expr(fields[0].use(), fields[0].type)
                if not outer:
                    found.loose, found.column = node, fields[0]
                return found
            scope, outer = scope.parent, True
        return None

    def _field(self, node: Node) -> Expr:
        parts = self._name_parts(node)
        if parts and not any(parts[0] in v for v in self.variables):
            found = self.resolve(parts, node)
            if found is not None:
                return found
            if parts[0] not in self.aliases and not self._is_column(parts):
                raise self._missing(node, ".".join(parts))
        base = self.check(node.base)
        if base.type.name != "row":
            raise self.error("TYPE_MISMATCH", node.base, f"Expression {self.written(node.base)} is not of type ROW")
        return self.row_field(base, node.name.value, node)

    def row_field(self, base: Expr, name: str, node: Node) -> Expr:
        names = t.field_names(base.type)
        found = [i for i, (n, _) in enumerate(base.type.args) if n and n.lower() == name]
        if len(found) > 1:
            raise self.error("AMBIGUOUS_NAME", node, f"Ambiguous row field reference: {name}")
        if not found:
            raise self._missing(node, self.written(node))
        return Expr(f"struct_extract({base.sql}, {literal(names[found[0]])})", base.type.args[found[0]][1], (base,))

    def _name_parts(self, node: Node) -> list[str] | None:
        parts: list[str] = []
        while node.kind == "field":
            parts.insert(0, node.name.value)
            node = node.base
        return [node.name, *parts] if node.kind == "column" else None

    def _is_column(self, parts: list[str]) -> bool:
        """Whether some beginning of a dotted name is a column, so that the rest are fields of rows."""
        scope = self.scope
        while scope is not None:
            if any(scope.find(parts[:n]) for n in range(1, len(parts))):
                return True
            scope = scope.parent
        return False
