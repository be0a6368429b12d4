"""One statement that is being checked: its text, its catalog, its parameters, the tables it reads."""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node, line_and_column, parse_expression
from infra.engines.athena.types import literal
from infra.local.athena.sql.casts import Casts
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.scope import Query, Scope, TableUse
from infra.local.athena.sql.trees import is_constant


class Analysis:
    """What the parts of a query share. `query` is the whole's (check.py): every part may hold queries."""

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

    def query(self, node: Node, parent: Scope | None, named: dict, names: bool = False) -> Query:
        raise NotImplementedError

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
