"""The expressions of BOOLEAN_OPERATION and CASE_OPERATION: columns in back-ticks, constants, conditions, and/or, aggregates as `:name`.

Source: recipe-actions.BOOLEAN_OPERATION and recipe-actions.CASE_OPERATION of the guide, "Valid conditions in a valueExpression".
"""

import re
from dataclasses import dataclass

from .conditions import missing
from .errors import StepRefused
from .frame import Column, Frame
from .types import COMPLEX, NUMBERS, TIMES, TYPES, cast, common, literal, number, text

_TOKEN = re.compile(
    r"\s*(?:`(?P<name>[^`]+)`|'(?P<text>(?:[^'\\]|\\.|'')*)'|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<aggregate>:[A-Za-z0-9_.]+)|(?P<sign><=|>=|!=|<>|==|=|<|>|!|\(|\)|,)|(?P<word>[A-Za-z_]+))"
)
_SIGNS = {"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FUNCTIONS = {"contains": 2, "matches": 2, "startswith": 2, "endswith": 2, "isbetween": 3, "ismissing": 1, "isvalid": 2}


@dataclass(frozen=True)
class Term:
    """SQL of a value and DataBrew's type of it; whether it is a constant of the expression."""

    sql: str
    type: str
    constant: bool = False


@dataclass(frozen=True)
class _Token:
    kind: str
    value: str


class Expressions:
    """Reads expressions over a frame.

    Parameters
    ----------
    aggregates : name → term, what `:name` stands for.
    """

    def __init__(self, frame: Frame, aggregates: dict[str, Term]):
        self._frame, self._aggregates = frame, aggregates
        self._tokens: list[_Token] = []
        self._whole = ""

    def condition(self, expression: str) -> str:
        """SQL of a condition.

        Raises
        ------
        StepRefused : it can't be read, or names an unknown column.
        """
        self._start(expression)
        sql = self._or()
        self._end()
        return sql

    def result(self, expression: str) -> Term:
        """What a branch of an IF gives: a column or an aggregate in back-ticks, a number, or the text itself."""
        stripped = expression.strip()
        if len(stripped) > 2 and stripped[0] == stripped[-1] == "`" and "`" not in stripped[1:-1]:
            return self._reference(stripped[1:-1])
        if re.fullmatch(r"[+-]?\d+", stripped) and abs(int(stripped)) < 2**63:
            return Term(f"{int(stripped)}::BIGINT", "long", True)
        if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+)", stripped):
            return Term(f"CAST('{stripped}' AS DOUBLE)", "double", True)
        quoted = re.fullmatch(r"'((?:[^'\\]|\\.|'')*)'", stripped)
        return Term(literal(_unescaped(quoted[1]) if quoted else expression), "string", True)

    def case(self, expression: str) -> Term:
        """SQL of `case when … then … [when …] [else …] end`."""
        self._start(expression)
        self._word("case")
        branches = []
        while self._is("when"):
            self._word("when")
            condition = self._or()
            self._word("then")
            branches.append((condition, self._operand()))
        if not branches:
            raise self._wrong()
        default = None
        if self._is("else"):
            self._word("else")
            default = self._operand()
        self._word("end")
        self._end()
        terms = [term for _, term in branches] + ([default] if default else [])
        type_ = common({term.type for term in terms})
        sql = " ".join(f"WHEN {condition} THEN {fitted(term, type_)}" for condition, term in branches)
        return Term(f"CASE {sql}{f' ELSE {fitted(default, type_)}' if default else ''} END", type_)

    # the tokens

    def _start(self, expression: str) -> None:
        self._whole, self._tokens, at = expression, [], 0
        while expression[at:].strip():
            found = _TOKEN.match(expression, at)
            if not found:
                raise self._wrong(expression[at:].strip()[:20])
            kind = found.lastgroup or ""
            self._tokens.append(_Token(kind, found[kind]))
            at = found.end()

    def _wrong(self, near: str | None = None) -> StepRefused:
        if near is None:
            near = self._tokens[0].value if self._tokens else "its end"
        return StepRefused(f"The expression {self._whole} is invalid near {near}.")

    def _end(self) -> None:
        if self._tokens:
            raise self._wrong()

    def _is(self, *words: str) -> bool:
        return (
            bool(self._tokens) and self._tokens[0].kind in ("word", "sign") and self._tokens[0].value.lower() in words
        )

    def _word(self, word: str) -> None:
        if not self._is(word):
            raise self._wrong()
        self._tokens.pop(0)

    # conditions

    def _or(self) -> str:
        parts = [self._and()]
        while self._is("or"):
            self._word("or")
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"

    def _and(self) -> str:
        parts = [self._not()]
        while self._is("and"):
            self._word("and")
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def _not(self) -> str:
        if self._is("!", "not"):
            self._tokens.pop(0)
            return f"(NOT {self._not()})"
        if self._is("("):
            self._word("(")
            inner = self._or()
            self._word(")")
            return f"({inner})"
        if self._tokens and self._tokens[0].kind == "word" and self._tokens[0].value.lower() in _FUNCTIONS:
            return self._function(self._tokens.pop(0).value.lower())
        left = self._operand()
        if not self._is(*_SIGNS):
            raise self._wrong()
        sign = _SIGNS[self._tokens.pop(0).value]
        return _compared(left, sign, self._operand())

    def _function(self, name: str) -> str:
        self._word("(")
        first = self._operand()
        arguments: list[Term] = []
        while self._is(","):
            self._word(",")
            if name == "isvalid":
                if not self._tokens or self._tokens[0].kind not in ("word", "text", "name"):
                    raise self._wrong()
                arguments.append(Term(self._tokens.pop(0).value, "string", True))
            else:
                arguments.append(self._operand())
        self._word(")")
        if len(arguments) != _FUNCTIONS[name] - 1:
            raise StepRefused(
                f"The function {name} in the expression {self._whole} takes {_FUNCTIONS[name]} arguments."
            )
        if name == "ismissing":
            return missing(Column("", first.type, first.sql))
        if name == "isvalid":
            return _valid(first, arguments[0].sql)
        if name == "isbetween":
            return f"({_compared(first, '>=', arguments[0])} AND {_compared(first, '<=', arguments[1])})"
        of, pattern = text(first.sql, first.type), text(arguments[0].sql, arguments[0].type)
        function = {
            "contains": "contains",
            "matches": "regexp_matches",
            "startswith": "starts_with",
            "endswith": "ends_with",
        }[name]
        return f"{function}({of}, {pattern})"

    def _operand(self) -> Term:
        if not self._tokens:
            raise self._wrong()
        token = self._tokens.pop(0)
        if token.kind == "name":
            return self._reference(token.value)
        if token.kind == "aggregate":
            return self._reference(token.value)
        if token.kind == "text":
            return Term(literal(_unescaped(token.value)), "string", True)
        if token.kind == "number":
            whole = re.fullmatch(r"[+-]?\d+", token.value) and abs(int(token.value)) < 2**63
            return (
                Term(f"{int(token.value)}::BIGINT", "long", True)
                if whole
                else Term(f"CAST('{token.value}' AS DOUBLE)", "double", True)
            )
        if token.kind == "word" and token.value.lower() in ("true", "false"):
            return Term(token.value.upper(), "boolean", True)
        if token.kind == "word" and token.value.lower() == "null":
            return Term("NULL", "string", True)
        raise self._wrong(token.value)

    def _reference(self, name: str) -> Term:
        if name.startswith(":"):
            if name[1:] not in self._aggregates:
                raise StepRefused(f"The expression uses {name}, which withExpressions does not define.")
            return self._aggregates[name[1:]]
        column = self._frame.column(name)
        return Term(column.key, column.type)


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)|''", lambda m: m[1] or "'", value)


def fitted(term: Term, type_: str) -> str:
    """SQL of a term in a type."""
    return cast(term.sql, term.type, type_) if type_ in TYPES and term.sql != "NULL" else term.sql


def _compared(left: Term, sign: str, right: Term) -> str:
    """A comparison; a constant is read as the other side's type: a moment, a boolean, a number."""
    for one, other in ((left, right), (right, left)):
        if one.type in TIMES and other.type == "string":
            made = {one: f"CAST({one.sql} AS TIMESTAMP)", other: cast(other.sql, "string", "timestamp")}
            return f"({made[left]} {sign} {made[right]})"
        if one.type == "boolean" and other.type == "string":
            made = {one: one.sql, other: cast(other.sql, "string", "boolean")}
            return f"({made[left]} {sign} {made[right]})"
        if one.type in NUMBERS and other.type == "string":
            return f"({number(left.sql, left.type)} {sign} {number(right.sql, right.type)})"
    if left.type in COMPLEX or right.type in COMPLEX:
        return f"({text(left.sql, left.type)} {sign} {text(right.sql, right.type)})"
    if (
        left.type == right.type
        or (left.type in NUMBERS and right.type in NUMBERS)
        or {left.type, right.type} <= set(TIMES)
    ):
        return f"({left.sql} {sign} {right.sql})"
    return f"({text(left.sql, left.type)} {sign} {text(right.sql, right.type)})"


def _valid(term: Term, type_: str) -> str:
    name = {"number": "double", "integer": "int"}.get(type_.lower(), type_.lower())
    if name not in TYPES:
        raise StepRefused(f"Unknown data type {type_} in isValid.")
    return f"({cast(term.sql, term.type, name)} IS NOT NULL)"
