"""What several builders need: results with a constant, and the body of a lambda."""

from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.sql.expr import Expr

INTERVALS = ("interval day to second", "interval year to month")


def expression(sql: str, kind: Type, *parts, constant=None):
    return Expr(sql, kind, parts, constant)


def lambda_text(ex, node: Node, bound, which: int, texts: list[str]) -> str:
    """The body of a lambda among the arguments, with these texts for its parameters."""
    pattern = bound.args[which]
    body, _ = ex.lambda_body(node.args[which], list(pattern.args[:-1]), texts)
    return ex.coerce(body, pattern.args[-1]).sql
