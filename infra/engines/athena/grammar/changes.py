"""DELETE, UPDATE and MERGE. Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-delete.html, -update.html, -merge-into.html"""

from infra.engines.athena.grammar.cursor import Rules
from infra.engines.athena.grammar.tokens import Node


class Changes(Rules):
    def change(self) -> Node:
        """A statement that changes rows, up to the end of the text."""
        start = self.token.start
        word = self.any_of("DELETE", "UPDATE", "MERGE")
        readers = {"DELETE": self.deletion, "UPDATE": self.update, "MERGE": self.merge}
        if word is None:
            self.fail()
        found = readers[word](start)
        self.finish()
        found.parameters = self.parameters
        return found

    def target(self) -> Node:
        start = self.token.start
        return self.node("table", start, name=self.qualified_name(), at=None, target=True)

    def deletion(self, start: int) -> Node:
        self.expect("FROM")
        table = self.target()
        where = self.expression() if self.accept("WHERE") else None
        return self.node("delete", start, table=table, where=where)

    def update(self, start: int) -> Node:
        table = self.target()
        self.expect("SET")
        assignments = self.comma_separated(self.assignment)
        where = self.expression() if self.accept("WHERE") else None
        return self.node("update", start, table=table, assignments=assignments, where=where)

    def assignment(self) -> tuple[Node, Node]:
        name = self.name()
        if self.accept("."):  # MERGE's SET may name the target: SET t.a = …
            name = self.name()
        self.expect("=")
        return name, self.expression()

    def merge(self, start: int) -> Node:
        self.expect("INTO")
        table = self.target()
        alias = None
        if self.accept("AS") or self.token.upper != "USING":
            alias = self.name()
        self.expect("USING")
        source = self.aliased_relation()
        self.expect("ON")
        on = self.expression()
        cases = [self.merge_case()]
        while self.token.upper == "WHEN":
            cases.append(self.merge_case())
        return self.node("merge", start, table=table, alias=alias, source=source, on=on, cases=cases)

    def merge_case(self) -> Node:
        start = self.token.start
        self.expect("WHEN")
        matched = not self.accept("NOT")
        self.expect("MATCHED")
        condition = self.expression() if self.accept("AND") else None
        self.expect("THEN")
        if not matched:
            self.expect("INSERT")
            columns = self.in_brackets(self.name) if self.token.upper == "(" else None
            self.expect("VALUES")
            values = self.in_brackets(self.expression)
            return self.node("merge_insert", start, condition=condition, columns=columns, values=values)
        if self.accept("DELETE"):
            return self.node("merge_delete", start, condition=condition, assignments=[])
        self.expect("UPDATE", "SET")
        assignments = self.comma_separated(self.assignment)
        return self.node("merge_update", start, condition=condition, assignments=assignments)
