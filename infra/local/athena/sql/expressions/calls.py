"""Calls of functions: the signature that fits best, the arguments turned to its types, lambdas."""

import re
from typing import Any

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.functions import builders, signatures
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.expressions.clause import Clause

PLAIN = signatures.Extra()
_PLACE = re.compile(r"\$(\d|\*|[rDOF])")


class Calls(Clause):
    def _unregistered(self, node: Node) -> QueryError:
        if node.name in functions.NOT_HERE:
            return self.error("NOT_SUPPORTED", node, f"Function '{node.name}' is not supported by the local Athena")
        return self.error("FUNCTION_NOT_FOUND", node, f"Function '{node.name}' not registered")

    def _refuse_aggregate_parts(self, node: Node) -> None:
        if node.starred:
            raise self._not_found(node, [], functions.SCALARS[node.name])
        for given, word in ((node.distinct, "DISTINCT"), (node.order, "ORDER BY"), (node.filter, "FILTER")):
            if given:
                text = f"{word} is not supported for non-aggregation functions"
                raise self.error("FUNCTION_NOT_AGGREGATE", node, text)

    def _bound_call(self, node: Node, lines: list[str]) -> Expr:
        args = [None if a.kind == "lambda" else self.check(a) for a in node.args]
        bound, args = self.bind(node, lines, args)
        return self.render(node, bound, args)

    def render(self, node: Node, bound, args: list[Expr], extra: signatures.Extra = PLAIN) -> Expr:
        text = bound.signature.text
        if text.startswith("@"):
            made = builders.named(text[1:])(self, node, bound._replace(extra=extra), args)
            return made if isinstance(made, Expr) else Expr(made, bound.result, tuple(args))
        return Expr(substitute(text, args, bound.result, extra), bound.result, tuple(args))

    def bind(self, node: Node, lines: list[str], args: list[Expr | None]):
        """The overload that fits best and the arguments turned to its types; FUNCTION_NOT_FOUND if none does."""
        best = None
        if any(e is not None and e.given is not None for e in args):
            args = self._parameters_for(node, lines, args)
        for line in lines:
            signature = signatures.parse_line(line)
            fitted = self._fit(signature, node, args)
            if fitted is not None and (best is None or fitted[0] < best[0]):
                best = (*fitted, signature)
                if best[0] == 0:
                    break
        if best is None:
            raise self._not_found(node, args, lines)
        _, variables, signature = best
        patterns = self._patterns(signature, len(args))
        done: list[Expr] = []
        for i, (p, e) in enumerate(zip(patterns, args, strict=True)):
            if e is None:
                e = self._bound_lambda(node, node.args[i], p, variables)
            done.append(e)
        final = []
        for p, e in zip(patterns, done, strict=True):
            final.append(e if p.name == "function" else self.coerce(e, self._target(p, e, variables)))
        filled = [signatures.fill(p, variables) for p in patterns]
        return signatures.Bound(signature, filled, signatures.fill(signature.result, variables)), final

    def _parameters_for(self, node: Node, lines: list[str], args: list[Expr | None]) -> list[Expr | None]:
        """Arguments whose parameters are of the types of the first overload that takes the others."""
        if any(self._fit(signatures.parse_line(line), node, args) for line in lines):
            return args
        for line in lines:
            signature = signatures.parse_line(line)
            if len(signature.args) == len(args):
                tried = [
                    self._meant(e, p) if e is not None and p.name in t.NUMBERS + ("varchar", "boolean", "date") else e
                    for p, e in zip(signature.args, args, strict=True)
                ]
                if self._fit(signature, node, tried):
                    return tried
        return args

    def _target(self, p: Type, e: Expr, variables: dict) -> Type:
        """The type that an argument is turned to: lengths of its own are kept."""
        if p.name == e.type.name and p.name not in ("array", "map", "row"):
            return e.type
        if p.name == "decimal" and e.type.name in t.INTEGERS:
            return t.as_decimal(e.type)
        return signatures.fill(p, variables)

    def _patterns(self, signature, count: int) -> list[Type]:
        patterns = list(signature.args)
        if signature.variadic:
            patterns = patterns[:-1] + [patterns[-1]] * (count - len(patterns) + 1)
        return patterns

    def _fit(self, signature, node: Node, args: list[Expr | None]):
        least = len(signature.args) - (1 if signature.variadic else 0)
        if len(args) != len(signature.args) and not (signature.variadic and len(args) >= least):
            return None
        total = 0
        variables: dict[str, Any] = {}
        for i, (p, e) in enumerate(zip(self._patterns(signature, len(args)), args, strict=True)):
            if (e is None) != (p.name == "function"):
                return None
            if e is None:
                if len(node.args[i].parameters) != len(p.args) - 1:
                    return None
                continue
            far = signatures.bind(p, e.type, variables)
            if far is None:
                return None
            total += far
        return total, variables

    def _not_found(self, node: Node, args: list[Expr | None], lines: list[str]) -> QueryError:
        given = ", ".join("<function>" if e is None else str(e.type) for e in args)
        expected = ", ".join(str(signatures.parse_line(line)) for line in lines)
        text = f"Unexpected parameters ({given}) for function {node.name}. Expected: {expected}"
        return self.error("FUNCTION_NOT_FOUND", node, text)

    def _bound_lambda(self, call: Node, node: Node, p: Type, variables: dict) -> Expr:
        """A lambda as DuckDB's, its result type put into the variables of the signature."""
        result_pattern = p.args[-1]
        for _ in range(4):
            kinds = [signatures.fill(x, variables) for x in p.args[:-1]]
            body, names = self.lambda_body(node, kinds)
            before = dict(variables)
            far = signatures.bind(result_pattern, body.type, variables)
            if far is None:
                wanted = signatures.fill(result_pattern, before)
                text = f"Unexpected parameters for function {call.name}: lambda returns {body.type}, expected {wanted}"
                raise self.error("FUNCTION_NOT_FOUND", call, text)
            if [signatures.fill(x, variables) for x in p.args[:-1]] == kinds:
                break
        body = self.coerce(body, signatures.fill(result_pattern, variables))
        found = Expr(f"lambda {', '.join(names)}: {body.sql}", p, (body,))
        found.constant = (names, body)
        return found

    def lambda_body(self, node: Node, kinds: list[Type], texts: list[str] | None = None) -> tuple[Expr, list[str]]:
        names = texts or [self.casts.fresh() for _ in kinds]
        scope = {p.value: Expr(n, k) for p, n, k in zip(node.parameters, names, kinds, strict=True)}
        self.variables.append(scope)
        try:
            return self.check(node.body), names
        finally:
            self.variables.pop()


def substitute(text: str, args: list[Expr], result: Type, extra: signatures.Extra) -> str:
    """A signature's text with its arguments put in."""

    def put(match: re.Match) -> str:
        mark = match[1]
        if mark.isdigit():
            return args[int(mark)].sql
        if mark == "*":
            return ", ".join(a.sql for a in args)
        if mark == "r":
            return t.duckdb(result)
        return {"D": extra.distinct, "O": extra.order, "F": extra.tail}[mark]

    return _PLACE.sub(put, text)
