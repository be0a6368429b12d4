"""SHOW and DESCRIBE.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from infra.local.athena.statements.parser.parts import UTILITY, Parts, Statement, Unsupported


class Showing(Parts):
    def show(self) -> Statement:
        if self.accept("DATABASES") or self.accept("SCHEMAS"):
            return Statement(kind="SHOW_DATABASES", type=UTILITY, pattern=self.pattern())
        if self.accept("TABLES"):
            name = self.qualified(self.hive_name) if self.accept("IN") or self.accept("FROM") else None
            return Statement(kind="SHOW_TABLES", type=UTILITY, database=name, pattern=self.pattern())
        if self.accept("VIEWS"):
            name = self.qualified(self.hive_name) if self.accept("IN") or self.accept("FROM") else None
            return Statement(kind="SHOW_VIEWS", type=UTILITY, database=name, pattern=self.pattern())
        if self.accept("COLUMNS"):
            if not self.accept("IN"):
                self.expect("FROM")
            name = self.qualified(self.hive_name)
            if self.accept("IN") or self.accept("FROM"):
                name = (*self.qualified(self.hive_name), name[-1])
            return Statement(kind="SHOW_COLUMNS", type=UTILITY, name=name)
        if self.accept("PARTITIONS"):
            name = self.qualified(self.hive_name)
            partition = self.partition() if self.is_next("PARTITION") else None
            return Statement(kind="SHOW_PARTITIONS", type=UTILITY, name=name, partition=partition)
        if self.accept("TBLPROPERTIES"):
            name = self.qualified(self.hive_name)
            prop = None
            if self.accept("("):
                prop = self.string()
                self.expect(")")
            return Statement(kind="SHOW_TABLE_PROPERTIES", type=UTILITY, name=name, property=prop)
        if self.accept("CREATE", "TABLE"):
            if self.token.kind == "quoted":
                raise Unsupported
            return Statement(kind="SHOW_CREATE_TABLE", type=UTILITY, name=self.qualified(self.hive_name))
        if self.accept("CREATE", "VIEW"):
            return Statement(kind="SHOW_CREATE_VIEW", type=UTILITY, name=self.qualified(self.trino_name))
        if self.accept("FUNCTIONS"):
            return Statement(kind="SHOW_FUNCTIONS", type=UTILITY, pattern=self.pattern())
        raise self.no_alternative(0)

    def pattern(self) -> str | None:
        self.accept("LIKE")
        return self.string() if self.token.kind in ("string", "quoted") else None

    def describe(self) -> Statement:
        if self.is_next("INPUT") or self.is_next("OUTPUT"):
            raise Unsupported
        style = None
        if len(self.tokens) - self.at > 2 and (self.is_next("FORMATTED") or self.is_next("EXTENDED")):
            style = self.next().upper
        name = self.qualified(self.hive_name)
        partition = self.partition() if self.is_next("PARTITION") else None
        column = None
        if self.token.kind in ("word", "backquoted"):
            column = self.hive_name()
        return Statement(
            kind="DESCRIBE_TABLE", type=UTILITY, name=name, style=style, partition=partition, column=column
        )
