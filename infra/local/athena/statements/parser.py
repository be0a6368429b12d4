"""What kind of statement a text is, and the parts of all statements that are no queries (Hive DDL, SHOW, CTAS, UNLOAD …).

Queries inside statements stay text (`query` is its offsets): `infra.engines.athena.grammar` reads them. Sources:
https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html, https://docs.aws.amazon.com/athena/latest/ug/functions-operators-reference-section.html
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from infra.engines.athena import grammar
from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar import Token, line_and_column

DDL, DML, UTILITY = "DDL", "DML", "UTILITY"

_LEXER = re.compile(
    r"""(?P<space>\s+|--[^\r\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^'\\]|\\.|'')*')
      | (?P<quoted>"(?:[^"\\]|\\.|"")*")
      | (?P<backquoted>`(?:[^`]|``)*`)
      | (?P<number>\d+(?:\.\d+)?(?![A-Za-z0-9_]))
      | (?P<word>[A-Za-z0-9_$\u0080-\uffff]+)
      | (?P<op><>|!=|<=|>=|.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}
_TYPE_END = {",", ")"}


# https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html, those of DDL
RESERVED = frozenset(
    """ALL ALTER AND ARRAY AS AUTHORIZATION BETWEEN BIGINT BINARY BOOLEAN BOTH BY CASE CASHE CAST CHAR COLUMN CONF CONSTRAINT
    COMMIT CREATE CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURSOR DATABASE DATE DAYOFWEEK DECIMAL DELETE DESCRIBE
    DISTINCT DIV DOUBLE DROP ELSE END EXCHANGE EXISTS EXTENDED EXTERNAL EXTRACT FALSE FETCH FLOAT FLOOR FOLLOWING FOR FOREIGN
    FROM FULL FUNCTION GRANT GROUP GROUPING HAVING IF IMPORT IN INNER INSERT INT INTEGER INTERSECT INTERVAL INTO IS JOIN
    LATERAL LEFT LESS LIKE LOCAL MACRO MAP MORE NONE NOT NULL NUMERIC OF ON ONLY OR ORDER OUT OUTER OVER PARTIALSCAN PARTITION
    PERCENT PRECEDING PRECISION PRESERVE PRIMARY PROCEDURE RANGE READS REDUCE REGEXP REFERENCES REVOKE RIGHT RLIKE ROLLBACK
    ROLLUP ROW ROWS SELECT SET SMALLINT START TABLE TABLESAMPLE THEN TIME TIMESTAMP TO TRANSFORM TRIGGER TRUE TRUNCATE
    UNBOUNDED UNION UNIQUEJOIN UPDATE USER USING UTC_TIMESTAMP VALUES VARCHAR VIEWS WHEN WHERE WINDOW WITH""".split()
)


class Statement(SimpleNamespace):
    """A statement. `kind` is Athena's SubstatementType, `type` its StatementType; other fields depend on the kind."""

    kind: str
    type: str


class Unsupported(Exception):
    """A statement that Athena has no kind for; StartQueryExecution refuses it."""


def hive_string(text: str) -> str:
    """The value of a quoted Hive string: backslash escapes (`\\t`, `\\001`, `\\u0001`) and doubled quotes."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 8))
        if match[2]:
            return chr(int(match[2], 16))
        if match[3] is not None:
            return match[3] if match[3] in "%_" else _ESCAPES.get(match[3], match[3])
        return text[0]

    quote = text[0]
    return re.sub(
        rf"\\([0-3][0-7]{{2}})|\\u([0-9a-fA-F]{{4}})|\\(.)|{quote}{quote}", value, text[1:-1], flags=re.DOTALL
    )


def parse(sql: str) -> Statement:
    """The statement that `sql` holds. Raises SyntaxRefused, Unsupported."""
    return _Parser(sql).statement()


class _Parser:
    def __init__(self, sql: str, start: int = 0):
        self.sql = sql
        end = _end(sql)
        self.tokens = [
            Token(str(m.lastgroup), m.group(), m.start(), m.end())
            for m in _LEXER.finditer(sql, start, end)
            if m.lastgroup != "space"
        ]
        self.tokens.append(Token("end", "<EOF>", end, end))
        self.at = 0

    # --- tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def is_next(self, *words: str) -> bool:
        return all(self.tokens[min(self.at + i, len(self.tokens) - 1)].upper == word for i, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        if self.is_next(*words):
            self.at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.mismatched(f"'{word}'")

    def mismatched(self, *expected: str) -> SyntaxRefused:
        wanted = f"expecting {expected[0]}" if len(expected) == 1 else "expecting {" + ", ".join(expected) + "}"
        return SyntaxRefused(f"mismatched input '{self.token.text}' {wanted}", *self.where(self.token))

    def no_alternative(self, first: int) -> SyntaxRefused:
        """ANTLR's words for a statement whose tokens so far begin no form of it."""
        text = self.sql[self.tokens[first].start : self.token.end].replace("\n", "\\n").replace("\t", "\\t")
        return SyntaxRefused(f"no viable alternative at input '{text}'", *self.where(self.token))

    def where(self, token: Token) -> tuple[int, int]:
        return line_and_column(self.sql, token.start)

    def finish(self) -> None:
        if self.token.kind != "end":
            raise SyntaxRefused(f"mismatched input '{self.token.text}' expecting <EOF>", *self.where(self.token))

    # --- parts

    def hive_name(self) -> str:
        """A name in Hive DDL: a word or in backquotes, in lower case."""
        token = self.token
        if token.kind == "backquoted":
            self.at += 1
            return token.text[1:-1].replace("``", "`").lower()
        if token.kind == "word":
            if token.upper in RESERVED:
                raise self.no_alternative(0)
            self.at += 1
            return token.text.lower()
        raise self.no_alternative(0) if token.kind == "quoted" else self.mismatched("IDENTIFIER")

    def trino_name(self) -> str:
        """A name in Trino's statements: a word or in double quotes, in lower case."""
        token = self.token
        if token.kind == "quoted":
            self.at += 1
            return token.text[1:-1].replace('""', '"').lower()
        if token.kind == "backquoted":
            raise SyntaxRefused(
                "backquoted identifiers are not supported; use double quotes to quote identifiers", *self.where(token)
            )
        if token.kind == "word" and not token.text[0].isdigit():
            self.at += 1
            return token.text.lower()
        raise self.mismatched("<identifier>")

    def qualified(self, name: Any) -> tuple[str, ...]:
        parts = [name()]
        while self.accept("."):
            parts.append(name())
        if len(parts) > 3:
            raise SyntaxRefused(f"Invalid table name {'.'.join(parts)}", *self.where(self.token))
        return tuple(parts)

    def string(self) -> str:
        token = self.token
        if token.kind not in ("string", "quoted"):
            raise self.mismatched("STRING")
        self.at += 1
        return hive_string(token.text)

    def properties(self) -> dict[str, str]:
        """`('a'='b', …)`"""
        self.expect("(")
        found = {}
        while True:
            key = self.string()
            self.expect("=")
            found[key] = self.string()
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def hive_type(self) -> str:
        """A Hive column type as Glue keeps it: lower case, without blanks."""
        start, depth = self.at, 0
        while self.token.kind != "end":
            text = self.token.upper
            if depth == 0 and (text in _TYPE_END or (self.at > start and text not in ("(", "<", ")"))):
                break
            depth += text in ("(", "<")
            depth -= text in (")", ">")
            self.at += 1
            if depth == 0 and text in (")", ">"):
                break
        tokens = self.tokens[start : self.at]
        if not tokens:
            raise self.mismatched("<type>")
        written = "".join(t.text for t in tokens).lower().replace("`", "")
        return re.sub(r"\binteger\b", "int", written)

    def columns(self) -> list[dict[str, str]]:
        """`(name type [COMMENT 'x'], …)` as Glue columns."""
        self.expect("(")
        found = []
        while True:
            column = {"Name": self.hive_name()}
            self.accept(":")
            column["Type"] = self.hive_type()
            if self.accept("COMMENT"):
                column["Comment"] = self.string()
            found.append(column)
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def name_list(self) -> list[str]:
        self.expect("(")
        names = [self.hive_name()]
        while self.accept(","):
            names.append(self.hive_name())
        self.expect(")")
        return names

    def partition(self) -> list[tuple[str, str, str]]:
        """`PARTITION (key = 'value', …)` as (name, comparison, value)."""
        self.expect("PARTITION", "(")
        found = []
        while True:
            name = self.hive_name()
            operator = self.next().text
            if operator not in ("=", "<", "<=", ">", ">=", "<>", "!="):
                self.at -= 1
                raise self.mismatched("'='")
            token = self.token
            if token.kind in ("string", "quoted"):
                value = self.string()
            elif token.kind == "number" or (token.kind == "word" and token.text.isdigit()):
                value = self.next().text
            elif token.upper == "-":
                self.at += 1
                value = "-" + self.next().text
            elif token.upper in ("DATE", "TIMESTAMP"):
                self.at += 1
                value = self.string()
            else:
                raise self.mismatched("STRING", "NUMBER")
            found.append((name, operator, value))
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def query(self, end: int | None = None) -> tuple[int, int]:
        """The offsets of a query that runs to the end of the statement, or to `end`; its grammar is checked."""
        start = self.token.start
        stop = self.tokens[-1].end if end is None else end
        grammar.parse(self.sql, start, stop)
        while self.token.kind != "end" and self.token.start < stop:
            self.at += 1
        return start, stop

    # --- statements

    def statement(self) -> Statement:
        first = self.token.upper
        readers = {
            "INSERT": self.insert, "UNLOAD": self.unload, "EXPLAIN": self.explain, "PREPARE": self.prepare,
            "EXECUTE": self.execute, "DEALLOCATE": self.deallocate, "CREATE": self.create, "DROP": self.drop,
            "ALTER": self.alter, "MSCK": self.msck, "SHOW": self.show, "DESCRIBE": self.describe, "DESC": self.describe,
        }  # fmt: skip
        if first in ("DELETE", "UPDATE", "MERGE", "VACUUM", "OPTIMIZE"):
            return self.iceberg_only(first)
        if first in readers:
            self.at += 1
            found = readers[first]()
            self.finish()
            return found
        return Statement(kind="SELECT", type=DML, query=self.query())

    def iceberg_only(self, first: str) -> Statement:
        self.at += 1
        self.accept("FROM") or self.accept("INTO")
        return Statement(kind=first, type=DML, name=self.qualified(self.trino_name))

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

    def closing(self, opening: int) -> int:
        """The index of the bracket that closes the one at `opening`."""
        depth = 0
        for index in range(opening, len(self.tokens)):
            depth += self.tokens[index].upper == "("
            depth -= self.tokens[index].upper == ")"
            if depth == 0:
                return index
        self.at = len(self.tokens) - 1
        raise self.mismatched("')'")

    def with_properties(self) -> dict[str, Any]:
        """Trino's `(name = expression, …)`: strings, numbers, booleans, ARRAY['a', …]."""
        self.expect("(")
        found: dict[str, Any] = {}
        while True:
            key = self.trino_name()
            self.expect("=")
            found[key] = self.property_value()
            if not self.accept(","):
                break
        self.expect(")")
        return found

    def property_value(self) -> Any:
        token = self.next()
        if token.kind == "string":
            return token.text[1:-1].replace("''", "'")
        if token.kind == "number" or token.text.isdigit():
            return int(token.text) if token.text.isdigit() else float(token.text)
        if token.upper in ("TRUE", "FALSE"):
            return token.upper == "TRUE"
        if token.upper == "ARRAY":
            self.expect("[")
            items = []
            while not self.accept("]"):
                items.append(self.property_value())
                if not self.accept(",") and not self.is_next("]"):
                    raise self.mismatched("','", "']'")
            return items
        self.at -= 1
        raise self.mismatched("<expression>")

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

    def inner(self) -> Statement:
        """The statement inside EXPLAIN or PREPARE."""
        parser = _Parser(self.sql, self.token.start)
        found = parser.statement()
        self.at = len(self.tokens) - 1
        return found

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
            self.accept("DEFINER") or self.expect("INVOKER")
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

    def create_table(self, external: bool, absent: bool) -> Statement:
        found = Statement(
            kind="CREATE_TABLE", type=DDL, name=self.qualified(self.hive_name), external=external, absent=absent,
            columns=[], comment=None, partition_keys=[], buckets=None, bucket_columns=[], serde=None,
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
        if self.accept("DROP"):
            return self.drop_partitions(name)
        if self.accept("SET", "TBLPROPERTIES"):
            return Statement(kind="ALTER_TABLE_PROPERTIES", type=DDL, name=name, properties=self.properties())
        if self.accept("SET", "LOCATION"):
            return Statement(
                kind="ALTER_TABLE_SET_LOCATION", type=DDL, name=name, partition=partition, location=self.string()
            )
        if self.accept("RENAME", "TO"):
            return Statement(kind="ALTER_TABLE_RENAME", type=DDL, name=name, to=self.qualified(self.hive_name))
        raise self.no_alternative(0)

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
            self.accept("IN") or self.expect("FROM")
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


def _end(sql: str) -> int:
    """Where the statement ends: Athena drops one closing semicolon. Raises SyntaxRefused for a second statement."""
    end = len(sql)
    for match in _LEXER.finditer(sql):
        if match.group() == ";" and match.lastgroup == "op":
            rest = sql[match.end() :]
            if all(m.lastgroup == "space" or m.group() == ";" for m in _LEXER.finditer(rest)):
                return match.start()
            raise SyntaxRefused(f"Only one sql statement is allowed. Got: {sql}", *line_and_column(sql, match.start()))
    return end
