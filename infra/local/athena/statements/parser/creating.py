"""CREATE DATABASE, TABLE, TABLE AS, VIEW.

Source: https://docs.aws.amazon.com/athena/latest/ug/create-table.html
"""

from __future__ import annotations

from infra.engines.athena.errors import SyntaxRefused
from infra.local.athena.statements.parser.parts import DDL, Parts, Statement


class Creating(Parts):
    def create(self) -> Statement:
        if self.accept("DATABASE") or self.accept("SCHEMA"):
            return self.create_database()
        replace = self.accept("OR", "REPLACE")
        if self.accept("VIEW"):
            return self.create_view(replace)
        if replace:
            raise SyntaxRefused(
                f"mismatched input '{self.token.text}'. Expecting: 'MATERIALIZED', 'MULTI', 'PROTECTED', 'VIEW'",
                *self.where(self.token),
            )
        external = self.accept("EXTERNAL")
        if not self.accept("TABLE"):
            raise self.no_alternative(0)
        absent = self.accept("IF", "NOT", "EXISTS")
        if not external and self.is_ctas():
            return self.create_table_as(absent)
        return self.create_table(external, absent)

    def create_database(self) -> Statement:
        absent = self.accept("IF", "NOT", "EXISTS")
        found = Statement(
            kind="CREATE_DATABASE", type=DDL, name=self.qualified(self.hive_name), absent=absent,
            comment=None, location=None, properties={},
        )  # fmt: skip
        while self.token.kind != "end":
            if self.accept("COMMENT"):
                found.comment = self.string()
            elif self.accept("LOCATION"):
                found.location = self.string()
            elif self.accept("WITH", "DBPROPERTIES"):
                found.properties = self.properties()
            else:
                raise self.mismatched("'COMMENT'", "'LOCATION'", "'WITH'", "<EOF>")
        return found

    def create_view(self, replace: bool) -> Statement:
        name = self.qualified(self.trino_name)
        comment = None
        if self.accept("COMMENT"):
            comment = self.string()
        if self.accept("SECURITY"):
            if not self.accept("DEFINER"):
                self.expect("INVOKER")
        self.expect("AS")
        return Statement(kind="CREATE_VIEW", type=DDL, name=name, replace=replace, comment=comment, query=self.query())

    def is_ctas(self) -> bool:
        """Whether AS follows outside brackets."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += token.upper == "("
            depth -= token.upper == ")"
            if depth == 0 and token.upper == "AS":
                return True
        return False

    def create_table_as(self, absent: bool) -> Statement:
        name = self.qualified(self.trino_name)
        columns = None
        if self.is_next("("):
            self.expect("(")
            columns = [self.trino_name()]
            while self.accept(","):
                columns.append(self.trino_name())
            self.expect(")")
        comment = self.string() if self.accept("COMMENT") else None
        properties = self.with_properties() if self.accept("WITH") else {}
        self.expect("AS")
        data, end = True, len(self.tokens) - 1
        for words, flag in ((("WITH", "NO", "DATA"), False), (("WITH", "DATA"), True)):
            if tuple(t.upper for t in self.tokens[end - len(words) : end]) == words:
                data, end = flag, end - len(words)
                break
        query = self.query(self.tokens[end].start)
        self.at = len(self.tokens) - 1
        return Statement(
            kind="CREATE_TABLE_AS_SELECT", type=DDL, name=name, absent=absent, columns=columns, comment=comment,
            properties=properties, query=query, data=data,
        )  # fmt: skip

    def wants_iceberg(self) -> bool:
        """Whether the properties, which stand at the end, say `'table_type' = 'ICEBERG'`."""
        words = [token.text.strip("'\"").upper() for token in self.tokens[self.at :]]
        return any(words[i : i + 3] == ["TABLE_TYPE", "=", "ICEBERG"] for i in range(len(words)))

    def create_table(self, external: bool, absent: bool) -> Statement:
        self.of_iceberg = self.wants_iceberg()
        found = Statement(
            kind="CREATE_TABLE", type=DDL, name=self.qualified(self.hive_name), external=external, absent=absent,
            columns=[], comment=None, partition_keys=[], transforms=[], buckets=None, bucket_columns=[], serde=None,
            serde_properties={}, delimited={}, stored=None, formats=None, location=None, properties={},
        )  # fmt: skip
        if self.is_next("("):
            found.columns = self.columns()
        while self.token.kind != "end":
            self.table_clause(found)
        return found

    def table_clause(self, found: Statement) -> None:
        if self.accept("COMMENT"):
            found.comment = self.string()
        elif self.accept("PARTITIONED", "BY"):
            if self.has_transforms():
                found.transforms = self.transforms()
            else:
                found.partition_keys = self.columns()
        elif self.accept("CLUSTERED", "BY"):
            found.bucket_columns = self.name_list()
            if self.accept("SORTED", "BY"):
                raise self.no_alternative(0)
            self.expect("INTO")
            found.buckets = int(self.next().text)
            self.expect("BUCKETS")
        elif self.accept("ROW", "FORMAT"):
            self.row_format(found)
        elif self.accept("STORED", "AS"):
            if self.accept("INPUTFORMAT"):
                input_format = self.string()
                self.expect("OUTPUTFORMAT")
                found.formats = (input_format, self.string())
            else:
                found.stored = self.next().text.upper()
        elif self.accept("WITH", "SERDEPROPERTIES"):
            found.serde_properties = self.properties()
        elif self.accept("LOCATION"):
            found.location = self.string()
        elif self.accept("TBLPROPERTIES"):
            found.properties = self.properties()
        else:
            raise self.mismatched(
                "<EOF>",
                "'COMMENT'",
                "'TBLPROPERTIES'",
                "'STORED'",
                "'LOCATION'",
                "'CLUSTERED'",
                "'PARTITIONED'",
                "'ROW'",
            )

    def has_transforms(self) -> bool:
        """Whether PARTITIONED BY names columns of the table, as for Iceberg, and does not declare its own."""
        return self.tokens[min(self.at + 2, len(self.tokens) - 1)].upper in (",", ")", "(")

    def transforms(self) -> list[str]:
        """`(country, day(ts), bucket(16, id))`"""
        self.expect("(")
        found = []
        while True:
            start = self.token.start
            self.hive_name()
            if self.accept("("):
                while not self.accept(")"):
                    if self.next().kind == "end":
                        raise self.mismatched("')'")
            found.append(self.sql[start : self.tokens[self.at - 1].end])
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def row_format(self, found: Statement) -> None:
        if self.accept("SERDE"):
            found.serde = self.string()
            if self.accept("WITH", "SERDEPROPERTIES"):
                found.serde_properties = self.properties()
            return
        self.expect("DELIMITED")
        clauses = {
            ("FIELDS", "TERMINATED", "BY"): "field.delim",
            ("COLLECTION", "ITEMS", "TERMINATED", "BY"): "collection.delim",
            ("MAP", "KEYS", "TERMINATED", "BY"): "mapkey.delim",
            ("LINES", "TERMINATED", "BY"): "line.delim",
            ("NULL", "DEFINED", "AS"): "serialization.null.format",
        }
        found.delimited["serialization.format"] = "1"
        while True:
            clause = next((words for words in clauses if self.accept(*words)), None)
            if clause is None:
                return
            found.delimited[clauses[clause]] = self.string()
            if clause[0] == "FIELDS":
                found.delimited["serialization.format"] = found.delimited["field.delim"]
                if self.accept("ESCAPED", "BY"):
                    found.delimited["escape.delim"] = self.string()
