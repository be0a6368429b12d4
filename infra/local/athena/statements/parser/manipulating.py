"""INSERT, UNLOAD, EXPLAIN, and prepared statements.

Source: https://docs.aws.amazon.com/athena/latest/ug/dml-queries-functions-operators.html
"""

from __future__ import annotations

from infra.engines.athena import grammar
from infra.local.athena.statements.parser.parts import DDL, DML, Parts, Statement


class Manipulating(Parts):
    def inner(self) -> Statement:
        """The statement inside EXPLAIN or PREPARE: that of the whole parser, which knows all families."""
        raise NotImplementedError

    def change(self, first: str) -> Statement:
        """DELETE, UPDATE, MERGE: the grammar of queries reads the whole; here only the target's name counts."""
        start, stop = self.token.start, self.tokens[-1].end
        grammar.parse_change(self.sql, start, stop)
        self.at += 1
        self.accept("FROM") or self.accept("INTO")
        name = self.qualified(self.trino_name)
        self.at = len(self.tokens) - 1
        return Statement(kind=first, type=DML, name=name, query=(start, stop))

    def optimize(self) -> Statement:
        start = self.token.start
        name = self.qualified(self.trino_name)
        target = self.sql[start : self.tokens[self.at - 1].end]
        self.expect("REWRITE", "DATA", "USING", "BIN_PACK")
        query = None
        if self.token.kind != "end":
            query = self.token.start, self.tokens[-1].end
            self.expect("WHERE")
            grammar.parse_change(f"DELETE FROM {target} {self.sql[slice(*query)]}")
            self.at = len(self.tokens) - 1
        return Statement(kind="OPTIMIZE", type=DML, name=name, target=target, query=query)

    def vacuum(self) -> Statement:
        return Statement(kind="VACUUM", type=DML, name=self.qualified(self.trino_name))

    def insert(self) -> Statement:
        self.expect("INTO")
        self.accept("TABLE")
        name = self.qualified(self.trino_name)
        columns = None
        if self.is_next("(") and self.tokens[self.at + 1].upper not in ("SELECT", "WITH", "VALUES", "TABLE", "("):
            self.expect("(")
            columns = [self.trino_name()]
            while self.accept(","):
                columns.append(self.trino_name())
            self.expect(")")
        return Statement(kind="INSERT", type=DML, name=name, columns=columns, query=self.query())

    def unload(self) -> Statement:
        opening = self.at
        self.expect("(")
        close = self.closing(opening)
        query = self.query(self.tokens[close].start)
        self.expect(")", "TO")
        location = self.string()
        properties = self.with_properties() if self.accept("WITH") else {}
        return Statement(kind="UNLOAD", type=DML, query=query, location=location, properties=properties)

    def explain(self) -> Statement:
        analyze = self.accept("ANALYZE")
        verbose = analyze and self.accept("VERBOSE")
        options = {}
        if self.is_next("(") and self.tokens[self.at + 1].upper in ("FORMAT", "TYPE"):
            self.expect("(")
            while True:
                option = self.next().upper
                options[option] = self.next().upper
                if not self.accept(","):
                    break
            self.expect(")")
        return Statement(kind="EXPLAIN", type=DML, analyze=analyze, verbose=verbose, options=options, of=self.inner())

    def prepare(self) -> Statement:
        name = self.trino_name()
        self.expect("FROM")
        start = self.token.start
        inner = self.inner()
        text = self.sql[start : self.tokens[-1].end].strip()
        return Statement(kind="PREPARE", type=DDL, name=name, text=text, of=inner)

    def execute(self) -> Statement:
        name = self.trino_name()
        values = []
        if self.accept("USING"):
            values = self.expressions()
        return Statement(kind="EXECUTE", type=DML, name=name, values=values)

    def expressions(self) -> list[str]:
        """The texts of expressions separated by commas up to the end."""
        found, start, depth = [], self.token.start, 0
        while self.token.kind != "end":
            token = self.next()
            depth += token.upper in ("(", "[")
            depth -= token.upper in (")", "]")
            if token.upper == "," and depth == 0:
                found.append(self.sql[start : token.start].strip())
                start = self.token.start
        found.append(self.sql[start : self.tokens[-1].end].strip())
        for text in found:
            grammar.parse_expression(text)
        return found

    def deallocate(self) -> Statement:
        self.expect("PREPARE")
        return Statement(kind="DEALLOCATE_PREPARE", type=DDL, name=self.trino_name())
