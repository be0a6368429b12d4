"""One clause of a query: where its expressions are checked, and how values of two types meet."""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.sql.casts import castable
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.lift import Lift, canonical
from infra.local.athena.sql.trees import written


class Clause:
    """What every expression of a clause needs: its names, its errors, and the types that go together."""

    def __init__(self, checker, scope, clause: str, aggregates: bool = False, windows: bool = False, groups=None):
        self.checker = checker
        self.scope = scope
        self.clause = clause  # as Trino names it: "WHERE clause"
        self.aggregates_allowed = aggregates
        self.windows_allowed = windows
        self.groups: dict[str, str] = groups or {}  # the GROUP BY expressions' SQL by canonical()
        self.aliases: dict[str, Expr] = {}  # output columns that ORDER BY may name
        self.variables: list[dict[str, Expr]] = []
        self.inside: Node | None = None  # the aggregate whose arguments are being checked
        self.lift: Lift | None = None  # where aggregates and groups are worked out, if not in the clause itself
        self.lifted = False  # whether a TRY stands around an aggregate
        self.casts = checker.casts

    def error(self, code: str, node: Node, text: str) -> QueryError:
        return QueryError(code, text, *self.checker.position(node.pos))

    def written(self, node: Node) -> str:
        return written(node, self.checker.text)

    def check(self, node: Node) -> Expr:
        found = getattr(self, "_" + node.kind, self._unsupported)(node)
        if found.loose is not None and self.groups and (grouped := self.groups.get(canonical(found.sql))):
            found.sql, found.loose = grouped, None
        return found

    def boolean(self, node: Node, what: str) -> Expr:
        found = self.check(node)
        if found.type.name == "unknown":
            return self.coerce(found, t.BOOLEAN)
        if found.type != t.BOOLEAN:
            raise self.error("TYPE_MISMATCH", node, what.format(found.type))
        return found

    def coerce(self, e: Expr, to: Type) -> Expr:
        if e.type == to:
            return e
        found = Expr(self.casts.cast(e.sql, e.type, to), to, (e,), e.constant)
        return found

    def agreed(self, *values: Expr) -> list[Expr]:
        """Values that meet: execution parameters have the type of what they meet, where their own does not do."""
        fixed = next((e.type for e in values if e.given is None and e.type.name != "unknown"), None)
        return [self._meant(e, fixed) if fixed is not None else e for e in values]

    def _meant(self, e: Expr, kind: Type) -> Expr:
        if e.given is None or t.common(e.type, kind) is not None or not castable(t.VARCHAR, kind):
            return e
        return Expr(self.casts.cast(literal(e.given), t.VARCHAR, kind), kind)

    def comparable(self, node: Node, operator: str, left: Expr, right: Expr) -> tuple[str, str]:
        """Both sides as SQL of one type; TYPE_MISMATCH if there is none."""
        left, right = self.agreed(left, right)
        kind = t.common(left.type, right.type)
        fits = t.comparable if operator in ("=", "<>", "IS DISTINCT FROM") else t.orderable
        if kind is None or not fits(kind):
            operator = {"<>": "=", ">": "<", ">=": "<="}.get(operator, operator)
            raise self.error("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {operator} {right.type}")
        return self.key(self.coerce(left, kind)), self.key(self.coerce(right, kind))

    def key(self, e: Expr) -> str:
        """What is compared: of a time with zone the moment only."""
        if e.type.name == "ipaddress":
            return f"address_key({e.sql})"
        return f"struct_extract({e.sql}, 'i')" if e.type.name == t.ZONED[0] else e.sql

    def common_type(self, nodes: list[Node], found: list[Expr], what: str, at: Node) -> Type:
        kind = found[0].type
        for node, e in zip(nodes, found, strict=True):
            wider = t.common(kind, e.type)
            if wider is None:
                distinct = ", ".join(dict.fromkeys(str(x.type) for x in found))
                raise self.error(
                    "TYPE_MISMATCH",
                    node,
                    f"{what} Cannot find common type between {kind} and {e.type}, all types (without duplicates): [{distinct}]",
                )
            kind = wider
        return kind

    def type(self, text: str, pos: int) -> Type:
        try:
            return t.parse(" ".join(text.split()))
        except QueryError as error:
            raise QueryError(error.code, error.message.split(": ", 1)[1], *self.checker.position(pos)) from None

    def attempt(self, sql: str, value: Expr) -> str:
        """SQL that is NULL where `sql`, made of `value`, fails."""
        self.lifted = self.lifted or value.aggregate
        return f"TRY({sql})"

    def _unsupported(self, node: Node) -> Expr:
        if node.kind == "lambda":
            raise self.error("TYPE_MISMATCH", node, "Lambda expression cannot be used here")
        raise self.error("NOT_SUPPORTED", node, f"{node.kind} is not supported")
