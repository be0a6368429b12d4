"""Types of expressions by Trino's rules, and the DuckDB SQL that gives the same answer.

`Expressions.check(node)` returns an `Expr` or raises the QueryError that Trino would.
"""

import re

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type, literal
from infra.local.athena.functions import builders, signatures
from infra.local.athena.functions import table as functions
from infra.local.athena.sql.casts import castable
from infra.local.athena.sql.expr import Expr

# Athena reads 1.5 as a double (measured on the service); Trino itself reads a decimal(2,1).
DECIMAL_LITERALS_ARE_DOUBLE = True


_FRESH = re.compile(r"\be\d+\b")


def canonical(sql: str) -> str:
    """SQL with the parameters of its lambdas renumbered, so that equal expressions have equal text."""
    if "lambda" not in sql:
        return sql
    names: dict[str, str] = {}
    return _FRESH.sub(lambda m: names.setdefault(m[0], f"e_{len(names)}"), sql)


PLAIN = signatures.Extra()


class Lift:
    """A query of its own for the groups and aggregates of a SELECT, for DuckDB has no TRY around an aggregate.

    Its columns are g.k0, g.k1, … for the groups and g.a0, g.a1, … for the aggregates.
    """

    def __init__(self, groups: dict[str, str]):
        self.columns = {text: f"g.k{i}" for i, text in enumerate(groups.values())}
        self.groups = {key: self.columns[text] for key, text in groups.items()}

    def name(self, sql: str) -> str:
        """The column of an aggregate's SQL."""
        return self.columns.setdefault(sql, f"g.a{len(self.columns)}")

    def select_list(self) -> str:
        return ", ".join(f"{text} AS {name.removeprefix('g.')}" for text, name in self.columns.items())


class Expressions:
    """Checks the expressions of one clause of one query."""

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

    # --- errors

    def error(self, code: str, node: Node, text: str) -> QueryError:
        return QueryError(code, text, *self.checker.position(node.pos))

    def written(self, node: Node) -> str:
        return written(node, self.checker.text)

    # --- entry points

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

    def _unsupported(self, node: Node) -> Expr:
        if node.kind == "lambda":
            raise self.error("TYPE_MISMATCH", node, "Lambda expression cannot be used here")
        raise self.error("NOT_SUPPORTED", node, f"{node.kind} is not supported")

    # --- literals

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

    # --- names

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

    # --- operators

    def _logical(self, node: Node) -> Expr:
        what = "Logical expression term must evaluate to a boolean (actual: {})"
        terms = [self.boolean(term, what) for term in node.terms]
        return Expr("(" + f" {node.operator} ".join(e.sql for e in terms) + ")", t.BOOLEAN, tuple(terms))

    def _not(self, node: Node) -> Expr:
        value = self.boolean(node.value, "Value of logical NOT expression must evaluate to a boolean (actual: {})")
        return Expr(f"(NOT {value.sql})", t.BOOLEAN, (value,))

    def _comparison(self, node: Node) -> Expr:
        return self.compare(node, node.operator, self.check(node.left), self.check(node.right))

    def compare(self, node: Node, operator: str, left: Expr, right: Expr) -> Expr:
        left, right = self.agreed(left, right)
        left_sql, right_sql = self.comparable(node, operator, left, right)
        text = f"({left_sql} {operator} {right_sql})"
        if t.common(left.type, right.type).name in ("real", "double"):
            text = _without_nan(text, operator, (left, left_sql), (right, right_sql))
        return Expr(text, t.BOOLEAN, (left, right))

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
        fits = kind is not None and (t.comparable if operator in ("=", "<>") else t.orderable)(kind)
        if not fits:
            operator = {"<>": "=", ">": "<", ">=": "<="}.get(operator, operator)
            raise self.error("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {operator} {right.type}")
        return self.key(self.coerce(left, kind)), self.key(self.coerce(right, kind))

    def key(self, e: Expr) -> str:
        """What is compared: of a time with zone the moment only."""
        if e.type.name == "ipaddress":
            return f"address_key({e.sql})"
        return f"struct_extract({e.sql}, 'i')" if e.type.name == t.ZONED[0] else e.sql

    def _quantified(self, node: Node) -> Expr:
        left = self.check(node.left)
        query = self.checker.subquery(node.query, self.scope, single=True)
        right = Expr("x", query.types[0])
        kind = t.common(left.type, right.type)
        if kind is None:
            raise self.error("TYPE_MISMATCH", node, f"Cannot apply operator: {left.type} {node.operator} {right.type}")
        inner = f"SELECT {self.casts.cast('q.c0', right.type, kind)} FROM ({query.sql}) q"
        left = self.coerce(left, kind)
        return Expr(f"({left.sql} {node.operator} {node.quantifier} ({inner}))", t.BOOLEAN, (left,))

    def _between(self, node: Node) -> Expr:
        value, low, high = self.agreed(self.check(node.value), self.check(node.low), self.check(node.high))
        kind = None
        if (both := t.common(value.type, low.type)) is not None:
            kind = t.common(both, high.type)
        if kind is None or not t.orderable(kind):
            text = f"Cannot check if {value.type} is BETWEEN {low.type} and {high.type}"
            raise self.error("TYPE_MISMATCH", node, text)
        parts = [self.key(self.coerce(e, kind)) for e in (value, low, high)]
        word = "NOT BETWEEN" if node.negated else "BETWEEN"
        return Expr(f"({parts[0]} {word} {parts[1]} AND {parts[2]})", t.BOOLEAN, (value, low, high))

    def _in_list(self, node: Node) -> Expr:
        value = self.check(node.value)
        value, *items = self.agreed(value, *(self.check(item) for item in node.items))
        what = "IN value and list items must be the same type or coercible to a common type."
        kind = self.common_type([node.value, *node.items], [value, *items], what, node)
        parts = [self.key(self.coerce(e, kind)) for e in (value, *items)]
        word = "NOT IN" if node.negated else "IN"
        return Expr(f"({parts[0]} {word} ({', '.join(parts[1:])}))", t.BOOLEAN, (value, *items))

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

    def _in_query(self, node: Node) -> Expr:
        value = self.check(node.value)
        query = self.checker.subquery(node.query, self.scope, single=True)
        kind = t.common(value.type, query.types[0])
        if kind is None:
            text = "Value expression and result of subquery must be of the same type: "
            text += f"{value.type} vs {query.types[0]}"
            raise self.error("TYPE_MISMATCH", node, text)
        inner = query.sql
        if query.types[0] != kind or kind.name == t.ZONED[0]:
            column = self.key(Expr(self.casts.cast("q.c0", query.types[0], kind), kind))
            inner = f"SELECT {column} FROM ({inner}) q"
        word = "NOT IN" if node.negated else "IN"
        return Expr(f"({self.key(self.coerce(value, kind))} {word} ({inner}))", t.BOOLEAN, (value,))

    def _like(self, node: Node) -> Expr:
        value, pattern = self.check(node.value), self.check(node.pattern)
        for e, side, at in ((value, "Left side", node.value), (pattern, "Pattern for", node.pattern)):
            if e.type.name not in ("varchar", "char", "unknown"):
                what = "Left side of LIKE expression" if side == "Left side" else "Pattern for LIKE expression"
                raise self.error("TYPE_MISMATCH", at, f"{what} must evaluate to a varchar (actual: {e.type})")
        parts, tail = [value, pattern], ""
        if node.escape is not None:
            escape = self.check(node.escape)
            if escape.type.name not in ("varchar", "char", "unknown"):
                text = f"Escape for LIKE expression must evaluate to a varchar (actual: {escape.type})"
                raise self.error("TYPE_MISMATCH", node.escape, text)
            if escape.constant is not None and len(escape.constant) != 1:
                raise QueryError("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
            if isinstance(escape.constant, str) and isinstance(pattern.constant, str):
                mark = re.escape(escape.constant)
                if not re.fullmatch(rf"(?:[^{mark}]|{mark}[%_{mark}])*", pattern.constant, re.DOTALL):
                    text = "Escape character must be followed by '%', '_' or the escape character itself"
                    raise QueryError("INVALID_FUNCTION_ARGUMENT", text)
            parts.append(escape)
            tail = f" ESCAPE {escape.sql}"
        word = "NOT LIKE" if node.negated else "LIKE"
        sides = [self.coerce(e, t.VARCHAR) if e.type.name == "unknown" else e for e in parts[:2]]
        return Expr(f"({sides[0].sql} {word} {sides[1].sql}{tail})", t.BOOLEAN, tuple(parts))

    def _is_null(self, node: Node) -> Expr:
        value = self.check(node.value)
        return Expr(f"({value.sql} IS {'NOT ' if node.negated else ''}NULL)", t.BOOLEAN, (value,))

    def _distinct_from(self, node: Node) -> Expr:
        left, right = self.check(node.left), self.check(node.right)
        sides = self.comparable(node, "IS DISTINCT FROM", left, right)
        word = "IS NOT DISTINCT FROM" if node.negated else "IS DISTINCT FROM"
        return Expr(f"({sides[0]} {word} {sides[1]})", t.BOOLEAN, (left, right))

    def _binary(self, node: Node) -> Expr:
        left, right = self.check(node.left), self.check(node.right)
        if node.operator == "||":
            return builders.concatenate(self, node, left, right)
        return builders.arithmetic(self, node, left, right)

    def _negative(self, node: Node) -> Expr:
        if node.value.kind == "integer" and int(node.value.value) in (2**31, 2**63):
            return self._whole_number(node, -int(node.value.value))
        value = self.check(node.value)
        if value.type.name not in (*t.NUMBERS, "interval day to second", "interval year to month", "unknown"):
            raise self.error("TYPE_MISMATCH", node, f"Cannot negate {value.type}")
        constant = -value.constant if isinstance(value.constant, (int, float)) else None
        if value.type.name in t.INTEGERS and (constant is None or constant in (2**31, 2**63)):
            least = -(2 ** (8 * 2 ** t.INTEGERS.index(value.type.name) - 1))
            return Expr(
                f"negated({value.sql}, ({least})::{t.duckdb(value.type)}, '{value.type}')", value.type, (value,)
            )
        return Expr(f"(-{value.sql})", value.type, (value,), constant)

    def _positive(self, node: Node) -> Expr:
        value = self.check(node.value)
        if value.type.name not in (*t.NUMBERS, "interval day to second", "interval year to month", "unknown"):
            text = f"Unary '+' operator cannot by applied to {value.type} type"
            raise self.error("TYPE_MISMATCH", node, text)
        return value

    def _at_time_zone(self, node: Node) -> Expr:
        return builders.at_time_zone(self, node)

    # --- values with parts

    def _row(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        kind = Type("row", tuple((None, e.type) for e in values))
        names = t.field_names(kind)
        inner = ", ".join(f"{n} := {e.sql}" for n, e in zip(names, values, strict=True))
        return Expr(f"struct_pack({inner})", kind, tuple(values))

    def _array(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        if not values:
            return Expr("[]", t.array(t.UNKNOWN))
        what = "All ARRAY elements must be the same type or coercible to a common type."
        kind = self.common_type(node.values, values, what, node)
        inner = ", ".join(self.coerce(e, kind).sql for e in values)
        return Expr(f"[{inner}]", t.array(kind), tuple(values))

    def _subscript(self, node: Node) -> Expr:
        return builders.subscript(self, node)

    def _case(self, node: Node) -> Expr:
        operand = self.check(node.operand) if node.operand is not None else None
        conditions, results, result_nodes = [], [], []
        for condition, result in node.whens:
            if operand is None:
                checked = self.boolean(condition, "CASE WHEN clause must evaluate to a boolean (actual: {})")
            else:
                checked = self._case_operand(node, operand, condition)
            conditions.append(checked)
            results.append(self.check(result))
            result_nodes.append(result)
        if node.default is not None:
            results.append(self.check(node.default))
            result_nodes.append(node.default)
        what = "All CASE results must be the same type or coercible to a common type."
        kind = self.common_type(result_nodes, results, what, node)
        values = [self.coerce(e, kind).sql for e in results]
        text = " ".join(f"WHEN {c.sql} THEN {v}" for c, v in zip(conditions, values, strict=False))
        tail = f" ELSE {values[-1]}" if node.default is not None else ""
        parts = (*conditions, *results, *([operand] if operand else []))
        return Expr(f"CASE {text}{tail} END", kind, parts)

    def _case_operand(self, node: Node, operand: Expr, condition: Node) -> Expr:
        value = self.check(condition)
        if t.common(operand.type, value.type) is None:
            raise self.error(
                "TYPE_MISMATCH",
                condition,
                f"CASE operand type does not match WHEN clause operand type: {operand.type} vs {value.type}",
            )
        return self.compare(condition, "=", operand, value)

    def _cast(self, node: Node) -> Expr:
        value = self.check(node.value)
        to = self.type(node.to, node.type_pos)
        if not castable(value.type, to):
            raise self.error("TYPE_MISMATCH", node, f"Cannot cast {value.type} to {to}")
        sql = self.casts.cast(value.sql, value.type, to)
        if node.safe:
            sql = self.attempt(sql, value)
        return Expr(sql, to, (value,))

    def type(self, text: str, pos: int) -> Type:
        try:
            return t.parse(" ".join(text.split()))
        except QueryError as error:
            raise QueryError(error.code, error.message.split(": ", 1)[1], *self.checker.position(pos)) from None

    def _extract(self, node: Node) -> Expr:
        return builders.extract(self, node)

    # --- queries inside

    def _scalar_query(self, node: Node) -> Expr:
        if self.variables:
            raise self.error("NOT_SUPPORTED", node, "Lambda expression cannot contain subqueries")
        query = self.checker.subquery(node.query, self.scope, single=True)
        return Expr(f"({query.sql})", query.types[0])

    def _exists(self, node: Node) -> Expr:
        query = self.checker.subquery(node.query, self.scope)
        return Expr(f"EXISTS ({query.sql})", t.BOOLEAN)

    # --- calls

    def _json_path_call(self, node: Node) -> Expr:
        return builders.json_path_call(self, node)

    def _json_object(self, node: Node) -> Expr:
        return builders.json_object(self, node)

    def _json_array(self, node: Node) -> Expr:
        return builders.json_array(self, node)

    def _grouping_call(self, node: Node) -> Expr:
        values = [self.check(v) for v in node.values]
        for value, at in zip(values, node.values, strict=True):
            if value.loose is not None or canonical(value.sql) not in self.groups:
                raise self.error(
                    "INVALID_ARGUMENTS",
                    at,
                    "The arguments to GROUPING() must be expressions referenced by the GROUP BY",
                )
        kind = t.INTEGER if len(values) < 32 else t.BIGINT
        found = Expr(f"CAST(grouping({', '.join(v.sql for v in values)}) AS {t.duckdb(kind)})", kind)
        found.aggregate = True
        if self.lift is not None:
            found.sql = self.lift.name(found.sql)
        return found

    def _call(self, node: Node) -> Expr:
        special = builders.SPECIAL_FORMS.get(node.name)
        if special is not None:
            return special(self, node)
        if node.window is not None or node.name in functions.WINDOW:
            return self._window_call(node)
        if node.name in functions.AGGREGATES:
            return self._aggregate(node)
        lines = functions.SCALARS.get(node.name)
        if lines is None:
            raise self._unregistered(node)
        self._refuse_aggregate_parts(node)
        return self._bound_call(node, lines)

    def _unregistered(self, node: Node) -> QueryError:
        if node.name in functions.NOT_HERE or node.name.startswith("st_"):
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
        total, variables = 0, {}
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

    # --- aggregates and windows

    def _aggregate(self, node: Node) -> Expr:
        if not self.aggregates_allowed:
            raise self._misplaced(node)
        if self.inside is not None:
            text = f"Cannot nest aggregations inside aggregation '{self.inside.name}': [{self.written(node)}]"
            raise self.error("NESTED_AGGREGATION", self.inside, text)
        if self.variables:
            text = f"Lambda expression cannot contain aggregations, window functions or grouping operations: [{self.written(node)}]"
            raise self.error("EXPRESSION_NOT_SCALAR", node, text)
        found = self._aggregate_call(node, "")
        found.loose, found.aggregate, found.window = None, True, False
        if self.lift is not None:
            found.sql = self.lift.name(found.sql)
        return found

    def attempt(self, sql: str, value: Expr) -> str:
        """SQL that is NULL where `sql`, made of `value`, fails."""
        self.lifted = self.lifted or value.aggregate
        return f"TRY({sql})"

    def _misplaced(self, node: Node) -> QueryError:
        text = f"{self.clause} cannot contain aggregations, window functions or grouping operations: [{self.written(node)}]"
        return self.error("EXPRESSION_NOT_SCALAR", node, text)

    def _aggregate_call(self, node: Node, over: str) -> Expr:
        self.inside, before = (node if not over else None), self.inside
        try:
            args = self._aggregate_arguments(node)
            order, order_parts = self.order_by(node.order) if node.order else ("", [])
            condition = None
            if node.filter is not None:
                condition = self.boolean(node.filter, "Filter expression must evaluate to a boolean (actual: {})")
        finally:
            self.inside = before
        bound, args = self.bind(node, functions.AGGREGATES[node.name], args)
        if node.distinct and args and not t.comparable(args[0].type):
            text = f"DISTINCT can only be applied to comparable types (actual: {args[0].type})"
            raise self.error("TYPE_MISMATCH", node.args[0], text)
        tail = f" FILTER (WHERE {condition.sql})" if condition else ""
        extra = signatures.Extra("DISTINCT " if node.distinct else "", order, tail + over)
        found = self.render(node, bound, args, extra)
        for part in (*order_parts, *([condition] if condition else [])):
            found.loose = found.loose or part.loose
        return found

    def _aggregate_arguments(self, node: Node) -> list[Expr | None]:
        if node.starred:
            if node.name != "count":
                raise self._not_found(node, [], functions.AGGREGATES[node.name])
            return []
        return [None if a.kind == "lambda" else self.check(a) for a in node.args]

    def order_by(self, items: list[Node]) -> tuple[str, list[Expr]]:
        """ORDER BY inside a call or a window: NULLs last unless asked for otherwise."""
        texts, parts = [], []
        for item in items:
            value = self.check(item.value)
            if not t.orderable(value.type):
                text = f"ORDER BY can only be applied to orderable types (actual: {value.type})"
                raise self.error("TYPE_MISMATCH", item.value, text)
            texts.append(f"{self.key(value)} {item.direction} NULLS {item.nulls or 'LAST'}")
            parts.append(value)
        return " ORDER BY " + ", ".join(texts), parts

    def _window_call(self, node: Node) -> Expr:
        if not self.windows_allowed:
            raise self._misplaced(node)
        if node.window is None:
            raise self.error("MISSING_OVER", node, f"Window function {node.name} requires an OVER clause")
        if self.inside is not None:
            what = "Cannot nest window functions or row pattern measures inside aggregation"
            text = f"{what} '{self.inside.name}': [{self.written(node)}]"
            raise self.error("NESTED_WINDOW", self.inside, text)
        if node.name not in functions.WINDOW and node.name not in functions.AGGREGATES:
            if node.name in functions.SCALARS:
                text = f"Window function requires an aggregation or window function: {node.name}"
                raise self.error("FUNCTION_NOT_WINDOW", node, text)
            raise self._unregistered(node)
        self._refuse_nested_windows(node)
        if node.distinct:
            raise self.error("NOT_SUPPORTED", node, "DISTINCT in window function parameters not yet supported")
        over, parts, ordered = self.window(node.window)
        if node.name in functions.WINDOW:
            found = self._pure_window(node, over, ordered)
        else:
            if node.nulls:
                text = f"Cannot specify null treatment clause for {node.name} function"
                raise self.error("NULL_TREATMENT_NOT_ALLOWED", node, text)
            found = self._aggregate_call(node, over)
        for part in parts:
            found.loose = found.loose or part.loose
        found.aggregate = found.aggregate or any(p.aggregate for p in parts)
        found.window = True
        return found

    def _refuse_nested_windows(self, node: Node) -> None:
        what = "Cannot nest window functions or row pattern measures inside window"
        for part, where in ((node.args, "function arguments"), (node.window, "specification")):
            inner = _first_window(part)
            if inner is not None:
                raise self.error("NESTED_WINDOW", inner, f"{what} {where}")

    def _pure_window(self, node: Node, over: str, ordered: bool) -> Expr:
        if node.filter is not None:
            raise self.error("NOT_SUPPORTED", node, "FILTER is not yet supported for window functions")
        ranking = node.name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile")
        if node.nulls and ranking:
            text = f"Cannot specify null treatment clause for {node.name} function"
            raise self.error("NULL_TREATMENT_NOT_ALLOWED", node, text)
        if node.name in ("lag", "lead") and not ordered:
            text = f"{node.name} function requires an ORDER BY window clause"
            raise self.error("MISSING_ORDER_BY", node.window, text)
        if node.name in ("lag", "lead") and node.window.frame is not None:
            text = f"Cannot specify window frame for {node.name} function"
            raise self.error("INVALID_WINDOW_FRAME", node.window, text)
        args = [self.check(a) for a in node.args]
        bound, args = self.bind(node, functions.WINDOW[node.name], args)
        ignore = " IGNORE NULLS" if node.nulls == "IGNORE" else ""
        return self.render(node, bound, args, signatures.Extra("", ignore, over))

    def window(self, node: Node) -> tuple[str, list[Expr], bool]:
        """OVER (…) as SQL, the expressions in it, and whether it is ordered."""
        partition, order, frame = node.partition, node.order, node.frame
        if node.base is not None:
            base = self.scope.windows.get(node.base.value)
            if base is None:
                raise self.error(
                    "INVALID_WINDOW_REFERENCE", node.base, f"Cannot resolve WINDOW name {node.base.written}"
                )
            partition, order, frame = base.partition or partition, base.order or order, base.frame or frame
        pieces, parts = [], []
        if partition:
            keys = [self.check(p) for p in partition]
            for key, at in zip(keys, partition, strict=True):
                if not t.comparable(key.type):
                    text = f"{key.type} is not comparable, and therefore cannot be used in window function PARTITION BY"
                    raise self.error("TYPE_MISMATCH", at, text)
            pieces.append("PARTITION BY " + ", ".join(self.key(k) for k in keys))
            parts += keys
        if order:
            text, keys = self.order_by(order)
            pieces.append(text.strip())
            parts += keys
        if frame is not None:
            text, keys = self._frame(frame)
            pieces.append(text)
            parts += keys
        return f" OVER ({' '.join(pieces)})", parts, bool(order)

    def _frame(self, node: Node) -> tuple[str, list[Expr]]:
        parts: list[Expr] = []
        low = self._bound(node, node.low, parts)
        if node.low.side == "FOLLOWING" and node.low.value is None:
            raise self.error("INVALID_WINDOW_FRAME", node, "Window frame start cannot be UNBOUNDED FOLLOWING")
        if node.high is None:
            if node.low.side == "FOLLOWING":
                text = "Window frame starting from FOLLOWING cannot end with CURRENT ROW"
                raise self.error("INVALID_WINDOW_FRAME", node, text)
            return f"{node.unit} {low}", parts
        if node.high.side == "PRECEDING" and node.high.value is None:
            raise self.error("INVALID_WINDOW_FRAME", node, "Window frame end cannot be UNBOUNDED PRECEDING")
        if node.low.side == "CURRENT ROW" and node.high.side == "PRECEDING":
            text = "Window frame starting from CURRENT ROW cannot end with PRECEDING"
            raise self.error("INVALID_WINDOW_FRAME", node, text)
        if node.low.side == "FOLLOWING" and node.high.side in ("PRECEDING", "CURRENT ROW"):
            word = node.high.side
            text = f"Window frame starting from FOLLOWING cannot end with {word}"
            raise self.error("INVALID_WINDOW_FRAME", node, text)
        return f"{node.unit} BETWEEN {low} AND {self._bound(node, node.high, parts)}", parts

    def _bound(self, frame: Node, node: Node, parts: list[Expr]) -> str:
        if node.side == "CURRENT ROW":
            return "CURRENT ROW"
        if node.value is None:
            return f"UNBOUNDED {node.side}"
        value = self.check(node.value)
        if frame.unit != "RANGE" and value.type.name not in t.INTEGERS:
            text = f"Window frame {frame.unit} value type must be exact numeric type with scale 0 (actual {value.type})"
            raise self.error("TYPE_MISMATCH", node.value, text)
        parts.append(value)
        return f"{value.sql} {node.side}"


def is_constant(node) -> bool:
    """Whether an expression names no column and holds no query."""
    if isinstance(node, Node):
        return node.kind not in ("column", "query", "parameter") and all(is_constant(v) for v in vars(node).values())
    return not isinstance(node, (list, tuple)) or all(map(is_constant, node))


def _first_window(part) -> Node | None:
    """The first call with OVER in a tree, outside subqueries."""
    if isinstance(part, Node):
        if part.kind == "call" and part.window is not None:
            return part
        return None if part.kind == "query" else _first_window(list(vars(part).values()))
    if isinstance(part, (list, tuple)):
        return next((found for each in part if (found := _first_window(each)) is not None), None)
    return None


def _without_nan(text: str, operator: str, left: tuple[Expr, str], right: tuple[Expr, str]) -> str:
    """A comparison of doubles: NaN, for DuckDB the greatest number, is for Trino neither equal to nor less than any."""
    sides = {"=": (left, right), "<>": (left, right), ">": (left,), ">=": (left,), "<": (right,), "<=": (right,)}[
        operator
    ]
    if operator in ("=", "<>") and any(isinstance(e.constant, (int, float)) for e in (left[0], right[0])):
        return text
    loose = [sql for e, sql in sides if not isinstance(e.constant, (int, float))]
    if not loose:
        return text
    return f"({text} OR isnan({loose[0]}))" if operator == "<>" else f"({text} AND NOT isnan({loose[0]}))"


_PLACE = re.compile(r"\$(\d|\*|[rDOF])")


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


def written(node: Node, text: str) -> str:
    """An expression as Trino writes it in a message: names as they are, operators in brackets."""
    if node.kind == "column":
        return f'"{node.name}"' if node.quoted and not re.fullmatch(r"[a-z_]\w*", node.name) else node.name
    if node.kind == "field":
        return f"{written(node.base, text)}.{node.name.value}"
    if node.kind in ("binary", "comparison"):
        if node.kind == "binary" and node.operator == "||":
            return f"concat({written(node.left, text)}, {written(node.right, text)})"
        return f"({written(node.left, text)} {node.operator} {written(node.right, text)})"
    if node.kind == "string":
        return literal(node.value)
    if node.kind == "call" and node.filter is None and node.window is None and node.order is None:
        inner = "*" if node.starred else ", ".join(written(a, text) for a in node.args)
        return f"{node.name}({'DISTINCT ' if node.distinct else ''}{inner})"
    return " ".join(text[node.start : node.end].split())
