"""WITH, also RECURSIVE.

Source: https://trino.io/docs/current/sql/select.html#with-clause
"""

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.local.athena.sql.queries.analysis import Analysis
from infra.local.athena.sql.scope import MAX_RECURSION, Named, Query, Scope


class NamedQueries(Analysis):
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
