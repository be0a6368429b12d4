"""Queries: WITH, SELECT and its clauses, set operations, and the relations behind FROM."""

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar.cursor import Rules
from infra.engines.athena.grammar.tokens import AFTER_GROUPING, QUERY_START, STATEMENTS, Node


class Queries(Rules):
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
        while self.is_any("UNION", "EXCEPT"):
            left = self.set_operation(start, left, self.intersection)
        return left

    def intersection(self) -> Node:
        start = self.token.start
        left = self.query_primary()
        while self.is_any("INTERSECT"):
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
            table = self.node("table", start, name[0].start, name=name, at=None)
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
            if self.token.upper == "ALL" and self.peek().upper in AFTER_GROUPING
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
            if self.accept(")") and self.token.upper in AFTER_GROUPING:
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
        found = self.aliased(start, found)
        if self.token.upper == "MATCH_RECOGNIZE" and self.peek().upper == "(":
            return self.aliased(start, self.match_recognize(start, found))
        return found

    def aliased(self, start: int, found: Node) -> Node:
        """A relation with the alias that follows it, if there is one."""
        if self.token.upper == "MATCH_RECOGNIZE" and self.peek().upper == "(":
            return found
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
            if inner := self.query_in_brackets():
                return self.node("subquery", start, query=inner)
            found = self.relation()
            self.expect(")")
            return found
        name = self.qualified_name()
        return self.node("table", start, name=name, at=self.period())

    def period(self) -> tuple[str, Node] | None:
        """`FOR TIMESTAMP AS OF moment`, `FOR VERSION AS OF id`. Source: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html"""
        if self.token.upper != "FOR":
            return None
        self.at += 1
        kind = self.any_of("TIMESTAMP", "VERSION") or self.fail()
        self.expect("AS", "OF")
        return kind, self.concatenation()

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
