"""UNNEST: a row for each element of arrays and maps.

Source: https://trino.io/docs/current/sql/select.html#unnest
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.relations import Relations
from infra.local.athena.sql.scope import Field, Relation, Scope


class Unnest(Relations):
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


def is_unnest(node: Node) -> bool:
    return node.kind == "unnest" or (node.kind == "alias" and node.relation.kind == "unnest")
