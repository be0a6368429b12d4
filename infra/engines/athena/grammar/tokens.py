"""Words, signs and literals of a statement, and the nodes of its tree."""

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
AFTER_GROUPING = (
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
        found.append(Token(str(kind), match.group(), match.start(), match.end()))
    found.append(Token("end", "<EOF>", end, end))
    return found
