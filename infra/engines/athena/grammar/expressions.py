"""Expressions: operators by their rank, literals, columns, calls and windows."""

import re
from collections.abc import Callable

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar.cursor import Rules
from infra.engines.athena.grammar.tokens import (
    COMPARISONS,
    Node,
    Token,
    line_and_column,
)


class Expressions(Rules):
    special: dict[str, Callable] = {}  # word → the method for what it begins

    def expression(self, star: bool = False) -> Node:
        self.tell("<expression>")
        before, self.muted = self.muted, self.at
        found = self.disjunction(star)
        self.muted = before
        return found

    def disjunction(self, star: bool = False) -> Node:
        return self.logical("OR", self.conjunction, star)

    def conjunction(self, star: bool = False) -> Node:
        return self.logical("AND", self.negation, star)

    def logical(self, word: str, part, star: bool) -> Node:
        start = self.token.start
        terms = [part(star)]
        while terms[0].kind != "star" and self.accept(word):
            terms.append(part())
        return terms[0] if len(terms) == 1 else self.node("logical", start, operator=word, terms=terms)

    def negation(self, star: bool = False) -> Node:
        start = self.token.start
        if self.accept("NOT"):
            return self.node("not", start, value=self.negation())
        return self.predicate(star)

    def predicate(self, star: bool = False) -> Node:
        start = self.token.start
        value = self.concatenation(star)
        if value.kind == "star":
            return value
        pos = self.token.start
        for operator in COMPARISONS:
            if self.accept(operator):
                return self.comparison(start, pos, "<>" if operator == "!=" else operator, value)
        negated = self.token.upper == "NOT" and self.peek().upper in ("BETWEEN", "IN", "LIKE")
        self.tell("'NOT'")
        self.at += negated
        if self.accept("BETWEEN"):
            low = self.concatenation()
            self.expect("AND")
            high = self.concatenation()
            return self.node("between", start, pos, value=value, low=low, high=high, negated=negated)
        if self.accept("IN"):
            return self.membership(start, pos, value, negated)
        if self.accept("LIKE"):
            pattern = self.concatenation()
            escape = self.concatenation() if self.accept("ESCAPE") else None
            return self.node("like", start, pos, value=value, pattern=pattern, escape=escape, negated=negated)
        if self.accept("IS"):
            negated = self.accept("NOT")
            if self.accept("NULL"):
                return self.node("is_null", start, pos, value=value, negated=negated)
            self.expect("DISTINCT", "FROM")
            right = self.concatenation()
            return self.node("distinct_from", start, pos, left=value, right=right, negated=negated)
        return value

    def comparison(self, start: int, pos: int, operator: str, left: Node) -> Node:
        if self.token.upper in ("ALL", "ANY", "SOME") and self.peek().upper == "(":
            quantifier = "ALL" if self.token.upper == "ALL" else "ANY"
            self.at += 2
            query = self.query()
            self.expect(")")
            return self.node(
                "quantified",
                start,
                pos,
                operator=operator,
                quantifier=quantifier,
                left=left,
                query=query,
            )
        self.tell("<expression>")
        right = self.concatenation()
        return self.node("comparison", start, pos, operator=operator, left=left, right=right)

    def membership(self, start: int, pos: int, value: Node, negated: bool) -> Node:
        self.expect("(")
        self.tell("<query>")
        if query := self.query_in_brackets():
            return self.node("in_query", start, pos, value=value, query=query, negated=negated)
        items = self.comma_separated(self.expression)
        self.expect(")")
        return self.node("in_list", start, pos, value=value, items=items, negated=negated)

    def concatenation(self, star: bool = False) -> Node:
        return self.binary(("||",), self.sum, star)

    def sum(self, star: bool = False) -> Node:
        return self.binary(("+", "-"), self.product, star)

    def product(self, star: bool = False) -> Node:
        return self.binary(("*", "/", "%"), self.unary, star)

    def binary(self, operators: tuple[str, ...], part, star: bool) -> Node:
        start = self.token.start
        left = part(star)
        while left.kind != "star":
            pos = self.token.start
            operator = self.any_of(*operators)
            if operator is None:
                break
            self.tell("<expression>")
            right = part()
            left = self.node("binary", start, pos, operator=operator, left=left, right=right)
        return left

    def unary(self, star: bool = False) -> Node:
        start = self.token.start
        if self.accept("-"):
            return self.node("negative", start, value=self.unary())
        if self.accept("+"):
            return self.node("positive", start, value=self.unary())
        value = self.primary(star)
        while value.kind != "star" and self.token.upper == "AT" and self.peek().upper == "TIME":
            pos = self.token.start
            self.at += 2
            self.expect("ZONE")
            zone = self.interval(self.token.start) if self.token.upper == "INTERVAL" else self.string_literal()
            value = self.node("at_time_zone", start, pos, value=value, zone=zone)
        return value

    def string_literal(self) -> Node:
        token = self.token
        self.tell("<string>")
        if token.kind == "string":
            self.at += 1
            return self.node("string", token.start, value=token.text[1:-1].replace("''", "'"))
        if token.kind == "unicode":
            self.at += 1
            return self.node("string", token.start, value=self.unicode_text(token))
        self.fail()

    def unicode_text(self, token: Token) -> str:
        escape = "\\"
        if self.accept("UESCAPE"):
            escape = self.string_literal().value
        text = token.text[3:-1].replace("''", "'")
        mark = re.escape(escape)
        pattern = re.compile(f"{mark}(?:({mark})|\\+([0-9A-Fa-f]{{6}})|([0-9A-Fa-f]{{4}}))")
        return pattern.sub(lambda m: escape if m[1] else chr(int(m[2] or m[3], 16)), text)

    def primary(self, star: bool = False) -> Node:
        start = self.token.start
        value = self.simple(start)
        while True:
            if self.accept("["):
                index = self.concatenation()
                self.expect("]")
                value = self.node("subscript", start, base=value, index=index)
            elif self.token.upper == "." and self.peek().upper == "*" and star:
                self.at += 2
                return self.node("star", start, base=value, aliases=None)
            elif self.token.upper == "." and (self.peek().kind in ("word", "quoted")):
                self.at += 1
                field = self.name()
                value = self.node("field", start, base=value, name=field)
            else:
                self.tell("'.'")
                return value

    def simple(self, start: int) -> Node:
        token = self.token
        if self.in_pattern and token.upper in ("RUNNING", "FINAL") and self.peek(2).upper == "(":
            self.at += 1
            found = self.named(self.token.start)
            found.start, found.pos, found.processing = start, start, token.upper
            return found
        if token.kind == "word":
            method = self.special.get(token.upper)
            if method and (found := method(self, start)) is not None:
                return found
            return self.named(start)
        if token.kind == "quoted":
            return self.named(start)
        if token.kind in ("integer", "decimal", "double"):
            self.at += 1
            return self.node(token.kind, start, value=token.text)
        if token.kind in ("string", "unicode"):
            return self.string_literal()
        if token.kind == "binary":
            self.at += 1
            return self.binary_literal(token)
        if self.accept("?"):
            return self.parameter(start)
        if self.accept("("):
            return self.bracketed(start)
        self.tell("<expression>")
        self.fail()

    def binary_literal(self, token: Token) -> Node:
        digits = re.sub(r"\s", "", token.text[2:-1])
        where = line_and_column(self.sql, token.start)
        if len(digits) % 2:
            raise SyntaxRefused("Binary literal must contain an even number of digits", *where)
        if re.search("[^0-9A-Fa-f]", digits):
            raise SyntaxRefused("Binary literal can only contain hexadecimal digits", *where)
        return self.node("binary_literal", token.start, value=bytes.fromhex(digits))

    def bracketed(self, start: int) -> Node:
        """What follows an opening bracket: a lambda's parameters, a query, a row or an expression."""
        if self.lambda_ahead():
            names = [] if self.token.upper == ")" else self.comma_separated(self.name)
            self.expect(")", "->")
            return self.node("lambda", start, parameters=names, body=self.expression())
        if query := self.query_in_brackets():
            return self.node("scalar_query", start, query=query)
        self.muted = -1
        values = self.comma_separated(self.expression)
        self.expect(")")
        if len(values) == 1:
            return values[0]
        return self.node("row", start, values=values)

    def lambda_ahead(self) -> bool:
        ahead = 0
        if self.peek(0).upper == ")":
            return self.peek(1).upper == "->"
        while self.is_name(self.peek(ahead)):
            if self.peek(ahead + 1).upper == ")":
                return self.peek(ahead + 2).upper == "->"
            if self.peek(ahead + 1).upper != ",":
                return False
            ahead += 2
        return False

    def named(self, start: int) -> Node:
        """A column, a call, a typed literal (DATE '…') or a lambda with one parameter."""
        following = self.peek()
        if following.kind in ("string", "unicode") and self.token.kind == "word" and self.is_name(self.token):
            type_name = self.name().value
            return self.node("typed_literal", start, type=type_name, value=self.string_literal().value)
        first = self.name()
        if self.accept("->"):
            return self.node("lambda", start, parameters=[first], body=self.expression())
        ahead, parts = 0, 1
        while self.peek(ahead).upper == "." and self.is_name(self.peek(ahead + 1)):
            ahead, parts = ahead + 2, parts + 1
        if self.peek(ahead).upper == "(":
            name = first.value
            if parts > 1:
                self.at += ahead
                name = self.sql[start : self.tokens[self.at - 1].end].lower()
            return self.call(start, name)
        self.tell("'('")
        return self.node("column", start, name=first.value, quoted=first.quoted)

    def call(self, start: int, name: str) -> Node:
        self.expect("(")
        args, distinct, order, starred = [], False, None, False
        if self.accept("*"):
            starred = True
            self.expect(")")
        elif not self.accept(")"):
            if self.token.upper != "ORDER":
                distinct = self.any_of("DISTINCT", "ALL") == "DISTINCT"
                args = self.comma_separated(self.argument)
            if self.accept("ORDER"):
                self.expect("BY")
                order = self.comma_separated(self.sort_item)
            self.expect(")")
        return self.after_call(start, name, args, distinct=distinct, order=order, starred=starred)

    def argument(self) -> Node:
        """An argument of a call; count(A.*) counts the rows of a pattern's variable."""
        start = self.token.start
        if self.in_pattern and self.is_name(self.token) and self.peek().upper == "." and self.peek(2).upper == "*":
            name = self.name()
            self.at += 2
            return self.node("rows_of", start, name=name)
        return self.expression()

    def after_call(self, start: int, name: str, args: list[Node], distinct=False, order=None, starred=False, **more):
        condition, nulls, window = None, None, None
        if self.token.upper == "FILTER" and self.peek().upper == "(":
            self.at += 2
            self.expect("WHERE")
            condition = self.expression()
            self.expect(")")
        if self.token.upper in ("IGNORE", "RESPECT") and self.peek().upper == "NULLS":
            nulls = self.token.upper
            self.at += 2
            if self.token.upper != "OVER":
                self.expect("OVER")
        if self.token.upper == "OVER" and (self.peek().upper == "(" or self.is_name(self.peek())):
            self.at += 1
            window = self.window()
        return self.node(
            "call",
            start,
            name=name,
            args=args,
            distinct=distinct,
            order=order,
            starred=starred,
            filter=condition,
            nulls=nulls,
            window=window,
            **more,
        )

    def window(self) -> Node:
        if self.accept("("):
            found = self.window_specification()
            self.expect(")")
            return found
        name = self.name()
        return self.node("window", name.start, base=name, partition=[], order=None, frame=None, bare=True)

    def window_specification(self) -> Node:
        start = self.token.start
        base = None
        if self.is_name(self.token) and self.token.upper not in ("PARTITION", "ROWS", "RANGE", "GROUPS"):
            base = self.name()
        partition, order, frame = [], None, None
        if self.accept("PARTITION"):
            self.expect("BY")
            partition = self.comma_separated(self.expression)
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.comma_separated(self.sort_item)
        unit_start = self.token.start
        unit = self.any_of("RANGE", "ROWS", "GROUPS")
        if unit:
            if self.accept("BETWEEN"):
                low = self.frame_bound()
                self.expect("AND")
                high = self.frame_bound()
            else:
                low, high = self.frame_bound(), None
            frame = self.node("frame", unit_start, unit=unit, low=low, high=high)
        return self.node("window", start, base=base, partition=partition, order=order, frame=frame, bare=False)

    def frame_bound(self) -> Node:
        start = self.token.start
        if self.accept("UNBOUNDED"):
            side = self.any_of("PRECEDING", "FOLLOWING") or self.fail()
            return self.node("bound", start, value=None, side=side)
        if self.accept("CURRENT"):
            self.expect("ROW")
            return self.node("bound", start, value=None, side="CURRENT ROW")
        value = self.expression()
        side = self.any_of("PRECEDING", "FOLLOWING") or self.fail()
        return self.node("bound", start, value=value, side=side)
