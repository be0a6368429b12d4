"""DROP, ALTER and MSCK REPAIR.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from infra.local.athena.statements.parser.parts import DDL, Parts, Statement


class Altering(Parts):
    def drop(self) -> Statement:
        if self.accept("DATABASE") or self.accept("SCHEMA"):
            present = self.accept("IF", "EXISTS")
            name = self.qualified(self.hive_name)
            cascade = self.accept("CASCADE")
            if not cascade:
                self.accept("RESTRICT")
            return Statement(kind="DROP_DATABASE", type=DDL, name=name, present=present, cascade=cascade)
        if self.accept("VIEW"):
            present = self.accept("IF", "EXISTS")
            return Statement(kind="DROP_VIEW", type=DDL, name=self.qualified(self.trino_name), present=present)
        self.expect("TABLE")
        present = self.accept("IF", "EXISTS")
        if self.token.kind == "quoted":
            raise self.mismatched("IDENTIFIER")
        name = self.qualified(self.hive_name)
        self.accept("PURGE")
        return Statement(kind="DROP_TABLE", type=DDL, name=name, present=present)

    def alter(self) -> Statement:
        if self.accept("DATABASE") or self.accept("SCHEMA"):
            name = self.qualified(self.hive_name)
            self.expect("SET", "DBPROPERTIES")
            return Statement(kind="ALTER_DATABASE", type=DDL, name=name, properties=self.properties())
        if not self.accept("TABLE"):
            raise self.no_alternative(0)
        if self.is_next("IF", "EXISTS"):
            self.at += 1
            raise self.no_alternative(0)
        name = self.qualified(self.hive_name)
        return self.alter_table(name)

    def alter_table(self, name: tuple[str, ...]) -> Statement:
        partition = self.partition() if self.is_next("PARTITION") else None
        if partition is not None and self.accept("RENAME", "TO"):
            return Statement(
                kind="ALTER_TABLE_RENAME_PARTITION", type=DDL, name=name, partition=partition, to=self.partition()
            )
        if partition is not None and not self.is_next("SET", "LOCATION"):
            raise self.mismatched("'RENAME'", "'SET'")
        if self.accept("ADD", "COLUMNS"):
            return Statement(kind="ALTER_TABLE_ADD_COLUMN", type=DDL, name=name, columns=self.columns())
        if self.accept("REPLACE", "COLUMNS"):
            return Statement(kind="ALTER_TABLE_REPLACE_COLUMN", type=DDL, name=name, columns=self.columns())
        if self.accept("CHANGE"):
            return self.change_column(name)
        if self.accept("ADD"):
            return self.add_partitions(name)
        if self.is_next("DROP", "COLUMN") or self.is_next("UNSET", "TBLPROPERTIES"):
            return self.iceberg_only(name)
        if self.accept("DROP"):
            return self.drop_partitions(name)
        if self.accept("SET"):
            return self.set_of_table(name, partition)
        if self.accept("RENAME", "TO"):
            return Statement(kind="ALTER_TABLE_RENAME", type=DDL, name=name, to=self.qualified(self.hive_name))
        raise self.no_alternative(0)

    def iceberg_only(self, name: tuple[str, ...]) -> Statement:
        """What Athena reads for Iceberg tables only; `refusal` is what it says of it for others."""
        if self.accept("UNSET"):
            self.at -= 1
            refusal = self.no_alternative(0)
            self.at += 2
            names = self.property_names()
            return Statement(
                kind="ALTER_TABLE_UNSET_PROPERTIES", type=DDL, name=name, properties=names, refusal=refusal
            )
        self.expect("DROP")
        refusal = self.mismatched("'PARTITION'")
        self.expect("COLUMN")
        return Statement(kind="ALTER_TABLE_DROP_COLUMN", type=DDL, name=name, column=self.hive_name(), refusal=refusal)

    def set_of_table(self, name: tuple[str, ...], partition: list[tuple[str, str, str]] | None) -> Statement:
        if self.accept("TBLPROPERTIES"):
            return Statement(kind="ALTER_TABLE_PROPERTIES", type=DDL, name=name, properties=self.properties())
        if not self.accept("LOCATION"):
            raise self.no_alternative(0)
        return Statement(
            kind="ALTER_TABLE_SET_LOCATION", type=DDL, name=name, partition=partition, location=self.string()
        )

    def property_names(self) -> list[str]:
        self.expect("(")
        found = [self.string()]
        while self.accept(","):
            found.append(self.string())
        self.expect(")")
        return found

    def change_column(self, name: tuple[str, ...]) -> Statement:
        self.accept("COLUMN")
        old = self.hive_name()
        column = {"Name": self.hive_name(), "Type": self.hive_type()}
        if self.accept("COMMENT"):
            column["Comment"] = self.string()
        first = self.accept("FIRST")
        after = self.hive_name() if not first and self.accept("AFTER") else None
        return Statement(
            kind="ALTER_TABLE_CHANGE_COLUMN", type=DDL, name=name, old=old, column=column, first=first, after=after
        )

    def add_partitions(self, name: tuple[str, ...]) -> Statement:
        absent = self.accept("IF", "NOT", "EXISTS")
        if not self.is_next("PARTITION"):
            raise self.no_alternative(0)
        found = []
        while self.is_next("PARTITION"):
            spec = self.partition()
            found.append((spec, self.string() if self.accept("LOCATION") else None))
        return Statement(kind="ALTER_TABLE_ADD_PARTITION", type=DDL, name=name, absent=absent, partitions=found)

    def drop_partitions(self, name: tuple[str, ...]) -> Statement:
        present = self.accept("IF", "EXISTS")
        if not self.is_next("PARTITION"):
            raise self.mismatched("'PARTITION'")
        found = [self.partition()]
        while self.accept(","):
            found.append(self.partition())
        self.accept("PURGE")
        return Statement(kind="ALTER_TABLE_DROP_PARTITION", type=DDL, name=name, present=present, partitions=found)

    def msck(self) -> Statement:
        self.expect("REPAIR", "TABLE")
        return Statement(kind="MSCK_REPAIR", type=DDL, name=self.qualified(self.hive_name))
