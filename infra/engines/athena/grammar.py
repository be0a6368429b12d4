"""Trino's SELECT grammar, strictly: what Athena's parser refuses is refused here, with its words.

General SQL parsers read far more than Athena accepts and give the same tree for both (`x::int` and CAST, `GROUP BY ALL`,
`EXCLUDE`, trailing commas), so that what must be refused could not be told from their trees. Source of the rules: Trino's
SqlBase.g4.

A tree is made of `Node`s. `kind` says what it is, `pos` is the offset that Trino names in an error about it, `start` and `end`
are the offsets of its text.
"""

import re
from types import SimpleNamespace

from infra.engines.athena.errors import SyntaxRefused

RESERVED = frozenset(
    """ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_ROLE
    CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT
    EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY
    JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT
    NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES
    WHEN WHERE WITH""".split()
)
# What Athena says it expects where a statement starts (measured on the service).
STATEMENTS = [f"'{w}'" for w in (
    "ALTER ANALYZE CALL COMMENT COMMIT CREATE DEALLOCATE DELETE DENY DESC DESCRIBE DROP EXECUTE EXPLAIN GRANT INSERT MERGE "
    "PREPARE REFRESH RESET REVOKE ROLLBACK SET SHOW START TRUNCATE UNLOAD UPDATE USE"
).split()] + ["<query>"]  # fmt: skip
QUERY_START = ("SELECT", "WITH", "VALUES", "TABLE")
COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
INTERVAL_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")

# What can follow an element of GROUP BY ("" is the end).
_AFTER_GROUPING = (
    ",",
    ")",
    "HAVING",
    "WINDOW",
    "ORDER",
    "OFFSET",
    "LIMIT",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "",
    ";",
)

_LEXER = re.compile(
    r"""(?P<space>\s+|--[^\r\n]*|/\*.*?\*/)
      | (?P<double>(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d+)
      | (?P<decimal>\d+\.\d*|\.\d+)
      | (?P<badname>\d[A-Za-z0-9_]*[A-Za-z_][A-Za-z0-9_]*)
      | (?P<integer>\d+)
      | (?P<binary>[xX]'(?:[^']|'')*')
      | (?P<unicode>[uU]&'(?:[^']|'')*')
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<backquoted>`(?:[^`]|``)*`)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<op><>|!=|<=|>=|->|=>|\|\||[-+*/%=<>(),.\[\]?;:|^{}$])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


class Node(SimpleNamespace):
    """A part of a statement; its fields depend on `kind`."""

    kind: str
    pos: int
    start: int
    end: int


class Token:
    __slots__ = ("end", "kind", "start", "text", "upper")

    def __init__(self, kind: str, text: str, start: int, end: int):
        self.kind, self.text, self.start, self.end = kind, text, start, end
        self.upper = text.upper() if kind == "word" else text if kind == "op" else ""


def line_and_column(sql: str, offset: int) -> tuple[int, int]:
    """Where `offset` is, as Trino counts: lines and columns from 1."""
    return sql.count("\n", 0, offset) + 1, offset - (sql.rfind("\n", 0, offset) + 1) + 1


def tokens(sql: str, start: int, end: int) -> list[Token]:
    found = []
    for match in _LEXER.finditer(sql, start, end):
        kind = match.lastgroup
        if kind == "space":
            continue
        if kind in ("other", "badname", "backquoted"):
            where = line_and_column(sql, match.start())
            if kind == "backquoted":
                raise SyntaxRefused(
                    "backquoted identifiers are not supported; use double quotes to quote identifiers", *where
                )
            if kind == "badname":
                raise SyntaxRefused(
                    "identifiers must not start with a digit; surround the identifier with double quotes", *where
                )
            raise SyntaxRefused(f"mismatched input '{match.group()}'. Expecting: <EOF>", *where)
        found.append(Token(kind, match.group(), match.start(), match.end()))
    found.append(Token("end", "<EOF>", end, end))
    return found


def parse(sql: str, start: int = 0, end: int | None = None) -> Node:
    """The tree of the query that stands in `sql` between two offsets; SyntaxRefused if it is none."""
    return _Parser(sql, start, len(sql) if end is None else end).statement()


def parse_expression(sql: str) -> Node:
    """The tree of an expression that stands alone, as a value for a `?` does."""
    parser = _Parser(sql, 0, len(sql))
    found = parser.expression()
    parser.finish()
    return found


class _Parser:
    def __init__(self, sql: str, start: int, end: int):
        self.sql = sql
        self.tokens = tokens(sql, start, end)
        self.at = 0
        self.parameters = 0
        self.furthest = 0
        self.expected: set[str] = set()
        self.muted = -1  # the token at which what is tried is already told, as <expression>

    # --- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def tell(self, what: str) -> None:
        """Remember what would have been right here, for the message."""
        if self.at == self.muted:
            return
        if self.at > self.furthest:
            self.furthest, self.expected = self.at, set()
        if self.at == self.furthest:
            self.expected.add(what)

    def accept(self, *words: str) -> bool:
        """Go on if the next tokens are these."""
        for i, word in enumerate(words):
            if self.peek(i).upper != word:
                if i == 0:
                    self.tell(f"'{word}'")
                return False
        self.at += len(words)
        return True

    def any_of(self, *words: str) -> str | None:
        for word in words:
            if self.accept(word):
                return word
        return None

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                self.fail()

    def fail(self):
        token = self.tokens[max(self.furthest, self.at)]
        expected = ", ".join(sorted(self.expected)) if self.furthest >= self.at else "<expression>"
        where = line_and_column(self.sql, token.start)
        raise SyntaxRefused(f"mismatched input '{token.text}'. Expecting: {expected}", *where)

    def finish(self) -> None:
        self.tell("<EOF>")
        if self.token.kind != "end":
            self.fail()

    def node(self, kind: str, start: int, pos: int | None = None, **fields) -> Node:
        end = self.tokens[self.at - 1].end if self.at else start
        return Node(kind=kind, start=start, pos=start if pos is None else pos, end=end, **fields)

    def comma_separated(self, item) -> list:
        found = [item()]
        while self.accept(","):
            found.append(item())
        return found

    def in_brackets(self, item) -> list:
        self.expect("(")
        found = self.comma_separated(item)
        self.expect(")")
        return found

    # --- names

    def is_name(self, token: Token) -> bool:
        return token.kind == "quoted" or (token.kind == "word" and token.upper not in RESERVED)

    def name(self) -> Node:
        self.tell("<identifier>")
        token = self.token
        if not self.is_name(token):
            self.fail()
        self.at += 1
        if token.kind == "quoted":
            text = token.text[1:-1].replace('""', '"')
            if not text:
                raise SyntaxRefused(
                    "Zero-length delimited identifier not allowed", *line_and_column(self.sql, token.start)
                )
            return self.node("name", token.start, value=text.lower(), quoted=True, written=token.text)
        return self.node("name", token.start, value=token.text.lower(), quoted=False, written=token.text)

    def qualified_name(self) -> list[Node]:
        parts = [self.name()]
        while self.token.upper == "." and self.is_name(self.peek()):
            self.at += 1
            parts.append(self.name())
        return parts

    # --- queries

    def statement(self) -> Node:
        if self.token.upper not in QUERY_START and self.token.upper != "(":
            self.expected = set(STATEMENTS)
            self.fail()
        found = self.query()
        if self.token.upper == ";":
            self.at += 1
            if self.token.kind != "end":
                raise SyntaxRefused(f"Only one sql statement is allowed. Got: {self.sql}", 0, 0)
        self.finish()
        found.parameters = self.parameters
        return found

    def query(self) -> Node:
        start = self.token.start
        named, recursive = [], False
        if self.accept("WITH"):
            recursive = self.accept("RECURSIVE")
            named = self.comma_separated(self.named_query)
        found = self.query_no_with()
        found.named, found.recursive, found.start = named, recursive, start
        return found

    def named_query(self) -> Node:
        start = self.token.start
        name = self.name()
        columns = self.in_brackets(self.name) if self.token.upper == "(" else None
        self.expect("AS", "(")
        query = self.query()
        self.expect(")")
        return self.node("named_query", start, name=name, columns=columns, query=query)

    def query_no_with(self) -> Node:
        start = self.token.start
        body = self.query_term()
        order = offset = limit = None
        ties = False
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.comma_separated(self.sort_item)
        if self.accept("OFFSET"):
            offset = self.row_count()
            self.any_of("ROWS", "ROW")
        if self.accept("LIMIT"):
            if not self.accept("ALL"):
                limit = self.row_count()
        elif self.accept("FETCH"):
            if not self.any_of("FIRST", "NEXT"):
                self.fail()
            limit = Node(kind="integer", value="1", pos=start, start=start, end=start)
            if self.token.kind == "integer" or self.token.upper == "?":
                limit = self.row_count()
            if not self.any_of("ROW", "ROWS"):
                self.fail()
            if not self.accept("ONLY"):
                self.expect("WITH", "TIES")
                ties = True
        return self.node(
            "query",
            start,
            body=body,
            order=order,
            offset=offset,
            limit=limit,
            ties=ties,
            named=[],
            recursive=False,
        )

    def row_count(self) -> Node:
        start = self.token.start
        return self.parameter(start) if self.accept("?") else self.integer()

    def integer(self) -> Node:
        start = self.token.start
        self.tell("<integer>")
        if self.token.kind != "integer":
            self.fail()
        self.at += 1
        return self.node("integer", start, value=self.tokens[self.at - 1].text)

    def parameter(self, start: int) -> Node:
        self.parameters += 1
        return self.node("parameter", start, value=self.parameters - 1)

    def sort_item(self) -> Node:
        start = self.token.start
        value = self.expression()
        direction = self.any_of("ASC", "DESC") or "ASC"
        nulls = None
        if self.accept("NULLS"):
            nulls = self.any_of("FIRST", "LAST") or self.fail()
        return self.node("sort_item", start, value=value, direction=direction, nulls=nulls)

    def query_term(self) -> Node:
        start = self.token.start
        left = self.intersection()
        while self.token.upper in ("UNION", "EXCEPT") or self.tell("'UNION'") or self.tell("'EXCEPT'"):
            left = self.set_operation(start, left, self.intersection)
        return left

    def intersection(self) -> Node:
        start = self.token.start
        left = self.query_primary()
        while self.token.upper == "INTERSECT" or self.tell("'INTERSECT'"):
            left = self.set_operation(start, left, self.query_primary)
        return left

    def set_operation(self, start: int, left: Node, right) -> Node:
        operator = self.token.upper
        pos = self.token.start
        self.at += 1
        keep = self.any_of("ALL", "DISTINCT") == "ALL"
        found = right()
        return self.node("set_operation", start, pos, operator=operator, all=keep, left=left, right=found)

    def query_primary(self) -> Node:
        start = self.token.start
        if self.accept("SELECT"):
            return self.select(start)
        if self.accept("TABLE"):
            name = self.qualified_name()
            table = self.node("table", start, name[0].start, name=name)
            return self.node("select_table", start, table=table)
        if self.accept("VALUES"):
            return self.node("values", start, rows=self.comma_separated(self.expression))
        if self.accept("("):
            found = self.query_no_with()
            self.expect(")")
            return found
        self.fail()

    def select(self, start: int) -> Node:
        distinct = self.any_of("DISTINCT", "ALL") == "DISTINCT"
        items = self.comma_separated(self.select_item)
        relation = where = group = having = None
        windows = []
        if self.accept("FROM"):
            relation = self.comma_separated(self.relation)
        if self.accept("WHERE"):
            where = self.expression()
        if self.accept("GROUP"):
            self.expect("BY")
            group = self.group_by()
        if self.accept("HAVING"):
            having = self.expression()
        if self.accept("WINDOW"):
            windows = self.comma_separated(self.named_window)
        return self.node(
            "select",
            start,
            distinct=distinct,
            items=items,
            relation=relation,
            where=where,
            group=group,
            having=having,
            windows=windows,
        )

    def select_item(self) -> Node:
        start = self.token.start
        if self.accept("*"):
            return self.node("star", start, base=None, aliases=None)
        value = self.expression(star=True)
        if value.kind == "star":
            if self.accept("AS"):
                value.aliases = self.in_brackets(self.name)
            return value
        alias = self.alias()
        return self.node("item", start, value=value, alias=alias)

    def alias(self) -> Node | None:
        if self.accept("AS"):
            return self.name()
        self.tell("<identifier>")
        return self.name() if self.is_name(self.token) and not self.clause_ahead() else None

    def clause_ahead(self) -> bool:
        """Whether a word that could be a name starts a clause here (LIMIT 5)."""
        word, following = self.token.upper, self.peek()
        if word in ("LIMIT", "OFFSET"):
            return following.kind == "integer" or following.upper in ("?", "ALL")
        if word == "FETCH":
            return following.upper in ("FIRST", "NEXT")
        if word == "TABLESAMPLE":
            return following.upper in ("BERNOULLI", "SYSTEM")
        return word == "WINDOW" and self.is_name(following) and self.peek(2).upper == "AS"

    def group_by(self) -> Node:
        start = self.token.start
        quantifier = (
            None
            if self.token.upper == "ALL" and self.peek().upper in _AFTER_GROUPING
            else self.any_of("ALL", "DISTINCT")
        )
        sets = self.comma_separated(self.grouping_element)
        return self.node("group_by", start, distinct=quantifier == "DISTINCT", sets=sets)

    def grouping_element(self) -> Node:
        start = self.token.start
        kind = self.any_of("ROLLUP", "CUBE")
        if kind is None and self.accept("GROUPING", "SETS"):
            kind = "SETS"
        if kind:
            sets = self.in_brackets(self.grouping_set)
            return self.node("grouping", start, sort=kind, sets=sets)
        return self.node("grouping", start, sort="SIMPLE", sets=[self.grouping_set()])

    def grouping_set(self) -> list[Node]:
        if self.token.upper == "(":
            before = self.at, self.parameters
            self.at += 1
            if self.accept(")"):
                return []
            found = self.comma_separated(self.expression)
            if self.accept(")") and self.token.upper in _AFTER_GROUPING:
                return found
            self.at, self.parameters = before
        return [self.expression()]

    def named_window(self) -> tuple[Node, Node]:
        name = self.name()
        self.expect("AS", "(")
        window = self.window_specification()
        self.expect(")")
        return name, window

    # --- relations

    def relation(self) -> Node:
        start = self.token.start
        left = self.sampled_relation()
        while True:
            pos = self.token.start
            if self.accept("CROSS"):
                self.expect("JOIN")
                right = self.sampled_relation()
                left = self.node("join", start, pos, sort="CROSS", left=left, right=right, on=None, using=None)
                continue
            if self.accept("NATURAL"):
                sort = self.join_type()
                if sort is None:
                    self.fail()
                right = self.sampled_relation()
                left = self.node("join", start, pos, sort=sort, left=left, right=right, on=None, using="NATURAL")
                continue
            sort = self.join_type()
            if sort is None:
                return left
            right = self.relation()
            on = using = None
            if self.accept("ON"):
                on = self.expression()
            elif self.accept("USING"):
                using = self.in_brackets(self.name)
            else:
                self.fail()
            left = self.node("join", start, pos, sort=sort, left=left, right=right, on=on, using=using)

    def join_type(self) -> str | None:
        if self.accept("JOIN") or (self.token.upper == "INNER" and self.accept("INNER", "JOIN")):
            return "INNER"
        self.tell("'INNER'")
        for side in ("LEFT", "RIGHT", "FULL"):
            if self.accept(side):
                self.accept("OUTER")
                self.expect("JOIN")
                return side
        return None

    def sampled_relation(self) -> Node:
        start = self.token.start
        found = self.aliased_relation()
        if self.accept("TABLESAMPLE"):
            method = self.any_of("BERNOULLI", "SYSTEM") or self.fail()
            self.expect("(")
            percentage = self.expression()
            self.expect(")")
            return self.node("sample", start, relation=found, method=method, percentage=percentage)
        return found

    def aliased_relation(self) -> Node:
        start = self.token.start
        found = self.relation_primary()
        if self.token.upper == "TABLESAMPLE":
            return found
        if self.token.upper == "MATCH_RECOGNIZE":
            where = line_and_column(self.sql, self.token.start)
            raise SyntaxRefused("MATCH_RECOGNIZE is not supported by the local Athena", *where)
        if self.token.upper == "FOR" and self.peek().upper in ("TIMESTAMP", "VERSION"):
            where = line_and_column(self.sql, self.token.start)
            raise SyntaxRefused("time travel queries are not supported by the local Athena", *where)
        alias = self.alias()
        if alias is None:
            return found
        columns = self.in_brackets(self.name) if self.token.upper == "(" else None
        return self.node("alias", start, relation=found, name=alias, columns=columns)

    def relation_primary(self) -> Node:
        start = self.token.start
        if self.accept("UNNEST"):
            values = self.in_brackets(self.expression)
            ordinality = self.accept("WITH", "ORDINALITY")
            return self.node("unnest", start, values=values, ordinality=ordinality)
        if self.token.upper == "LATERAL" and self.peek().upper == "(":
            self.at += 1
            self.expect("(")
            query = self.query()
            self.expect(")")
            return self.node("lateral", start, query=query)
        if self.accept("("):
            if query := self.query_in_brackets():
                return self.node("subquery", start, query=query)
            found = self.relation()
            self.expect(")")
            return found
        name = self.qualified_name()
        return self.node("table", start, name=name)

    def starts_query(self) -> bool:
        """Whether a query can stand here, behind any number of opening brackets."""
        ahead = 0
        while self.peek(ahead).upper == "(":
            ahead += 1
        return self.peek(ahead).upper in QUERY_START

    def query_in_brackets(self) -> Node | None:
        """A query and the bracket behind it; None, and nothing is read, where brackets hold something else."""
        if not self.starts_query():
            return None
        before = self.at, self.parameters
        try:
            query = self.query()
            self.expect(")")
            return query
        except SyntaxRefused:
            if self.tokens[before[0]].upper != "(":
                raise
            self.at, self.parameters = before
            return None

    # --- expressions

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
        if token.kind == "word":
            method = _SPECIAL.get(token.upper)
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
                args = self.comma_separated(self.expression)
            if self.accept("ORDER"):
                self.expect("BY")
                order = self.comma_separated(self.sort_item)
            self.expect(")")
        return self.after_call(start, name, args, distinct=distinct, order=order, starred=starred)

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

    # --- expressions that have a syntax of their own

    def constant(self, start: int) -> Node:
        word = self.token.upper
        self.at += 1
        if word == "NULL":
            return self.node("null", start)
        return self.node("boolean", start, value=word == "TRUE")

    def case(self, start: int) -> Node:
        self.expect("CASE")
        operand = None if self.token.upper == "WHEN" else self.expression()
        whens = []
        while self.accept("WHEN"):
            condition = self.expression()
            self.expect("THEN")
            whens.append((condition, self.expression()))
        if not whens:
            self.fail()
        default = self.expression() if self.accept("ELSE") else None
        self.expect("END")
        return self.node("case", start, operand=operand, whens=whens, default=default)

    def cast(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        safe = self.token.upper == "TRY_CAST"
        self.at += 2
        value = self.expression()
        self.expect("AS")
        to, pos = self.type_text()
        self.expect(")")
        return self.node("cast", start, value=value, to=to, type_pos=pos, safe=safe)

    def type_text(self) -> tuple[str, int]:
        """The text of a type, up to the bracket that closes what it stands in."""
        first, depth = self.token, 0
        self.tell("<type>")
        if not (first.kind == "word" or first.kind == "quoted"):
            self.fail()
        while depth or self.token.upper not in (")", ","):
            if depth == 0 and self.token.upper in (
                "NULL",
                "ERROR",
                "EMPTY",
                "WITH",
                "WITHOUT",
                "KEEP",
                "OMIT",
                "DEFAULT",
            ):
                zoned = self.token.upper in ("WITH", "WITHOUT") and self.peek().upper == "TIME"
                if not zoned:
                    break
            if self.token.kind not in ("word", "quoted", "integer") and self.token.upper not in (
                "(",
                ")",
                ",",
                "<",
                ">",
            ):
                self.fail()
            depth += (self.token.upper in ("(", "<")) - (self.token.upper in (")", ">"))
            self.at += 1
        return self.sql[first.start : self.tokens[self.at - 1].end], first.start

    def exists(self, start: int) -> Node:
        self.expect("EXISTS", "(")
        query = self.query()
        self.expect(")")
        return self.node("exists", start, query=query)

    def array(self, start: int) -> Node | None:
        if self.peek().upper != "[":
            return None
        self.at += 2
        values = [] if self.token.upper == "]" else self.comma_separated(self.expression)
        self.expect("]")
        return self.node("array", start, values=values)

    def row(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        self.at += 1
        return self.node("row", start, values=self.in_brackets(self.expression))

    def interval(self, start: int) -> Node | None:
        sign = self.peek().upper in ("+", "-")
        if self.peek(1 + sign).kind != "string":
            return None
        negative = self.peek().upper == "-"
        self.at += 1 + sign
        text = self.string_literal().value
        first = self.any_of(*INTERVAL_UNITS) or self.fail()
        last = (self.any_of(*INTERVAL_UNITS) or self.fail()) if self.accept("TO") else None
        return self.node("interval", start, value=text, negative=negative, first=first, last=last)

    def extract(self, start: int) -> Node:
        self.expect("EXTRACT", "(")
        field = self.name()
        self.expect("FROM")
        value = self.expression()
        self.expect(")")
        return self.node("extract", start, field=field, value=value)

    def position(self, start: int) -> Node | None:
        if self.peek().upper != "(":
            return None
        self.at += 2
        needle = self.concatenation()
        self.expect("IN")
        text = self.concatenation()
        self.expect(")")
        return self.after_call(start, "strpos", [text, needle])

    def substring(self, start: int) -> Node | None:
        """SUBSTRING(x FROM n FOR m); with commas it is a call like others."""
        if self.peek().upper != "(":
            return None
        before = self.at, self.parameters
        self.at += 2
        text = self.expression()
        if self.accept("FROM"):
            args = [text, self.expression()]
            if self.accept("FOR"):
                args.append(self.expression())
            self.expect(")")
            return self.after_call(start, "substring", args)
        self.at, self.parameters = before
        return None

    def trim(self, start: int) -> Node:
        self.expect("TRIM", "(")
        side = self.any_of("BOTH", "LEADING", "TRAILING")
        characters = value = None
        if not self.accept("FROM"):
            value = self.expression()
            if self.accept("FROM"):
                characters, value = value, self.expression()
            elif side is None and self.accept(","):
                characters = self.expression()
        else:
            value = self.expression()
        self.expect(")")
        name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "trim")
        return self.after_call(start, name, [value] if characters is None else [value, characters])

    def normalize(self, start: int) -> Node:
        self.expect("NORMALIZE", "(")
        args = [self.expression()]
        if self.accept(","):
            form_start = self.token.start
            form = self.any_of("NFD", "NFC", "NFKD", "NFKC") or self.fail()
            args.append(self.node("string", form_start, value=form))
        self.expect(")")
        return self.after_call(start, "normalize", args)

    def current(self, start: int) -> Node:
        word = self.token.upper
        self.at += 1
        precision = None
        if word in ("CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP") and self.accept("("):
            precision = int(self.integer().value)
            self.expect(")")
        return self.node("current", start, word=word, precision=precision)

    def grouping(self, start: int) -> Node:
        self.expect("GROUPING")
        self.expect("(")
        values = self.comma_separated(self.expression)
        self.expect(")")
        return self.node("grouping_call", start, values=values)

    def listagg(self, start: int) -> Node:
        self.expect("LISTAGG", "(")
        distinct = self.any_of("DISTINCT", "ALL") == "DISTINCT"
        args = [self.expression()]
        if self.accept(","):
            args.append(self.string_literal())
        overflow = None
        if self.accept("ON"):
            self.expect("OVERFLOW")
            if self.accept("ERROR"):
                overflow = "ERROR"
            else:
                self.expect("TRUNCATE")
                if self.token.kind in ("string", "unicode"):
                    self.string_literal()
                self.any_of("WITH", "WITHOUT") or self.fail()
                self.expect("COUNT")
                overflow = "TRUNCATE"
        self.expect(")", "WITHIN", "GROUP", "(", "ORDER", "BY")
        order = self.comma_separated(self.sort_item)
        self.expect(")")
        return self.after_call(start, "listagg", args, distinct=distinct, order=order, overflow=overflow)

    def json_path_call(self, start: int) -> Node:
        """JSON_EXISTS, JSON_VALUE and JSON_QUERY: an input, a path, and clauses."""
        name = self.token.upper.lower()
        self.at += 1
        self.expect("(")
        value = self.expression()
        if self.accept("FORMAT"):
            self.expect("JSON")
        self.expect(",")
        path = self.string_literal()
        if self.accept("PASSING"):
            where = line_and_column(self.sql, path.end)
            raise SyntaxRefused("PASSING is not supported by the local Athena", *where)
        returning, wrapper, quotes = None, None, None
        if name != "json_exists" and self.accept("RETURNING"):
            returning = self.type_text()
            if self.accept("FORMAT"):
                self.expect("JSON")
        if name == "json_query":
            wrapper, quotes = self.json_wrapper()
        on_empty, on_error = self.json_on(name)
        self.expect(")")
        return self.node(
            "json_path_call",
            start,
            name=name,
            value=value,
            path=path,
            returning=returning,
            wrapper=wrapper,
            quotes=quotes,
            on_empty=on_empty,
            on_error=on_error,
        )

    def json_wrapper(self) -> tuple[str | None, str | None]:
        wrapper = quotes = None
        if self.accept("WITHOUT"):
            self.accept("ARRAY")
            self.expect("WRAPPER")
            wrapper = "WITHOUT"
        elif self.accept("WITH"):
            kind = self.any_of("CONDITIONAL", "UNCONDITIONAL")
            self.accept("ARRAY")
            self.expect("WRAPPER")
            wrapper = kind or "UNCONDITIONAL"
        if word := self.any_of("KEEP", "OMIT"):
            self.expect("QUOTES")
            if self.accept("ON"):
                self.expect("SCALAR")
                self.any_of("TEXT", "STRING") or self.fail()
            quotes = word
        return wrapper, quotes

    def json_on(self, name: str) -> tuple:
        on_empty = on_error = None
        while word := self.any_of("NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN"):
            if word == "DEFAULT":
                behaviour: object = self.expression()
            elif word == "EMPTY" and name == "json_query":
                behaviour = "EMPTY " + (self.any_of("ARRAY", "OBJECT") or self.fail())
            else:
                behaviour = word
            self.expect("ON")
            when = self.any_of("EMPTY", "ERROR") or self.fail()
            if when == "EMPTY":
                on_empty = behaviour
            else:
                on_error = behaviour
        return on_empty, on_error

    def json_object(self, start: int) -> Node:
        self.expect("JSON_OBJECT", "(")
        members = []
        if self.token.upper not in (")", "NULL", "ABSENT", "RETURNING"):
            members = self.comma_separated(self.json_member)
        null_on_null = self.json_nulls(default=True)
        self.json_returning()
        self.expect(")")
        return self.node("json_object", start, members=members, null_on_null=null_on_null)

    def json_member(self) -> tuple[Node, Node, bool]:
        if self.token.upper == "KEY":
            self.at += 1
            key = self.expression()
            self.expect("VALUE")
        else:
            key = self.expression()
            if not self.accept("VALUE"):
                self.expect(":")
        value = self.expression()
        return key, value, self.accept("FORMAT", "JSON")

    def json_array(self, start: int) -> Node:
        self.expect("JSON_ARRAY", "(")
        values = []
        if self.token.upper not in (")", "ABSENT", "RETURNING"):
            values = self.comma_separated(lambda: (self.expression(), self.accept("FORMAT", "JSON")))
        null_on_null = self.json_nulls(default=False)
        self.json_returning()
        self.expect(")")
        return self.node("json_array", start, values=values, null_on_null=null_on_null)

    def json_nulls(self, default: bool) -> bool:
        word = self.any_of("NULL", "ABSENT")
        if word:
            self.expect("ON", "NULL")
            default = word == "NULL"
        if self.accept("WITHOUT", "UNIQUE"):
            self.accept("KEYS")
        elif self.token.upper == "WITH" and self.peek().upper == "UNIQUE":
            where = line_and_column(self.sql, self.token.start)
            raise SyntaxRefused("WITH UNIQUE KEYS is not supported by the local Athena", *where)
        return default

    def json_returning(self) -> None:
        if self.accept("RETURNING"):
            text, pos = self.type_text()
            if text.lower().split("(")[0] not in ("varchar", "char"):
                where = line_and_column(self.sql, pos)
                raise SyntaxRefused(f"RETURNING {text} is not supported by the local Athena", *where)


_CURRENT = ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_USER")
_CURRENT += ("CURRENT_CATALOG", "CURRENT_SCHEMA", "CURRENT_PATH")
_SPECIAL = {
    "NULL": _Parser.constant,
    "TRUE": _Parser.constant,
    "FALSE": _Parser.constant,
    "CASE": _Parser.case,
    "CAST": _Parser.cast,
    "TRY_CAST": _Parser.cast,
    "EXISTS": _Parser.exists,
    "ARRAY": _Parser.array,
    "ROW": _Parser.row,
    "INTERVAL": _Parser.interval,
    "EXTRACT": _Parser.extract,
    "POSITION": _Parser.position,
    "SUBSTRING": _Parser.substring,
    "TRIM": _Parser.trim,
    "NORMALIZE": _Parser.normalize,
    "GROUPING": _Parser.grouping,
    "LISTAGG": _Parser.listagg,
    "JSON_EXISTS": _Parser.json_path_call,
    "JSON_VALUE": _Parser.json_path_call,
    "JSON_QUERY": _Parser.json_path_call,
    "JSON_OBJECT": _Parser.json_object,
    "JSON_ARRAY": _Parser.json_array,
    **dict.fromkeys(_CURRENT, _Parser.current),
}
