"""Literals, with the types that Athena gives them.

Source: https://trino.io/docs/current/language/types.html
"""

import re

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.functions import builders
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.clause import Clause

# Athena reads 1.5 as a double (measured on the service); Trino itself reads a decimal(2,1).
DECIMAL_LITERALS_ARE_DOUBLE = True


class Literals(Clause):
    def _null(self, node: Node) -> Expr:
        return Expr("NULL", t.UNKNOWN)

    def _boolean(self, node: Node) -> Expr:
        return Expr("true" if node.value else "false", t.BOOLEAN, constant=node.value)

    def _integer(self, node: Node) -> Expr:
        return self._whole_number(node, int(node.value))

    def _whole_number(self, node: Node, value: int) -> Expr:
        if -(2**31) <= value < 2**31:
            return Expr(f"{value}::INTEGER" if value >= 0 else f"({value})::INTEGER", t.INTEGER, constant=value)
        if -(2**63) <= value < 2**63:
            return Expr(f"({value})::BIGINT", t.BIGINT, constant=value)
        raise self.error("INVALID_LITERAL", node, f"Invalid numeric literal: {value}")

    def _decimal(self, node: Node) -> Expr:
        if DECIMAL_LITERALS_ARE_DOUBLE:
            return Expr(f"{node.value}::DOUBLE", t.DOUBLE, constant=float(node.value))
        return self._decimal_literal(node, node.value)

    def _decimal_literal(self, node: Node, text: str) -> Expr:
        match = re.fullmatch(r"([+-]?)0*(\d*)\.?(\d*)", text.strip())
        if not match or not (match[2] or match[3] or "0" in text):
            raise self.error("INVALID_LITERAL", node, f"'{text}' is not a valid DECIMAL literal")
        whole, part = match[2], match[3]
        precision = max(1, len(whole) + len(part))
        if precision > 38:
            raise self.error("INVALID_LITERAL", node, f"'{text}' is not a valid DECIMAL literal")
        kind = Type("decimal", (precision, len(part)))
        return Expr(f"CAST('{match[1]}{whole or '0'}.{part or '0'}' AS {t.duckdb(kind)})", kind)

    def _double(self, node: Node) -> Expr:
        return Expr(f"{node.value}::DOUBLE", t.DOUBLE, constant=float(node.value))

    def _string(self, node: Node) -> Expr:
        return Expr(literal(node.value), Type("varchar", (len(node.value),)), constant=node.value)

    def _binary_literal(self, node: Node) -> Expr:
        return Expr(f"unhex('{node.value.hex()}')", t.VARBINARY)

    def _typed_literal(self, node: Node) -> Expr:
        return builders.typed_literal(self, node)

    def _interval(self, node: Node) -> Expr:
        return builders.interval_literal(self, node)

    def _parameter(self, node: Node) -> Expr:
        return self.checker.parameter(self, node)

    def _current(self, node: Node) -> Expr:
        return builders.current(self, node)
