"""What a WHERE or ON asks of one table alone, so that partitions and files can be left out."""

from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.analysis import Analysis
from infra.local.athena.sql.scope import Conjunct, Field, Scope
from infra.local.athena.sql.trees import is_equality


class Conjuncts(Analysis):
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
            table = next(iter(tables.values())) if len(tables) == 1 else None
            if table is not None and not uses.optional:
                columns = frozenset(f.name for f in uses.used if f.name is not None)
                plain = not uses.renamed and "?" not in self.text[term.start : term.end]
                text = self.text[term.start : term.end] if plain else "true"
                table.conjuncts.append(Conjunct(columns, found.sql, text, len(columns) == 1 and is_equality(term)))


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


def _has_query(node) -> bool:
    if isinstance(node, Node):
        return node.kind == "query" or any(_has_query(v) for v in vars(node).values())
    return isinstance(node, (list, tuple)) and any(map(_has_query, node))
