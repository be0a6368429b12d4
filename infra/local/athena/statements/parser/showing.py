"""SHOW and DESCRIBE.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from infra.local.athena.statements.parser.parts import UTILITY, Parts, Statement, Unsupported


class Showing(Parts):
    def show(self) -> Statement:
        readers = {
            ("DATABASES",): self.show_databases, ("SCHEMAS",): self.show_databases,
            ("TABLES",): self.show_tables, ("VIEWS",): self.show_views, ("COLUMNS",): self.show_columns,
            ("PARTITIONS",): self.show_partitions, ("TBLPROPERTIES",): self.show_table_properties,
            ("CREATE", "TABLE"): self.show_create_table, ("CREATE", "VIEW"): self.show_create_view,
            ("FUNCTIONS",): self.show_functions,
        }  # fmt: skip
        for words, read in readers.items():
            if self.accept(*words):
                return read()
        raise self.no_alternative(0)

    def show_databases(self) -> Statement:
        return Statement(kind="SHOW_DATABASES", type=UTILITY, pattern=self.pattern())

    def show_tables(self) -> Statement:
        return Statement(kind="SHOW_TABLES", type=UTILITY, database=self.database(), pattern=self.pattern())

    def show_views(self) -> Statement:
        return Statement(kind="SHOW_VIEWS", type=UTILITY, database=self.database(), pattern=self.pattern())

    def database(self) -> tuple[str, ...] | None:
        return self.qualified(self.hive_name) if self.accept("IN") or self.accept("FROM") else None

    def show_columns(self) -> Statement:
        if not self.accept("IN"):
            self.expect("FROM")
        name = self.qualified(self.hive_name)
        if (database := self.database()) is not None:
            name = (*database, name[-1])
        return Statement(kind="SHOW_COLUMNS", type=UTILITY, name=name)

    def show_partitions(self) -> Statement:
        name = self.qualified(self.hive_name)
        partition = self.partition() if self.is_next("PARTITION") else None
        return Statement(kind="SHOW_PARTITIONS", type=UTILITY, name=name, partition=partition)

    def show_table_properties(self) -> Statement:
        name = self.qualified(self.hive_name)
        prop = None
        if self.accept("("):
            prop = self.string()
            self.expect(")")
        return Statement(kind="SHOW_TABLE_PROPERTIES", type=UTILITY, name=name, property=prop)

    def show_create_table(self) -> Statement:
        if self.token.kind == "quoted":
            raise Unsupported
        return Statement(kind="SHOW_CREATE_TABLE", type=UTILITY, name=self.qualified(self.hive_name))

    def show_create_view(self) -> Statement:
        return Statement(kind="SHOW_CREATE_VIEW", type=UTILITY, name=self.qualified(self.trino_name))

    def show_functions(self) -> Statement:
        return Statement(kind="SHOW_FUNCTIONS", type=UTILITY, pattern=self.pattern())

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
