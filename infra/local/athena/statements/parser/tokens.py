"""The words of a statement, its one closing semicolon, and the value of a quoted text."""

from __future__ import annotations

import re

from infra.engines.athena.errors import SyntaxRefused
from infra.engines.athena.grammar import line_and_column

LEXER = re.compile(
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


def end_of(sql: str) -> int:
    """Where the statement ends: Athena drops one closing semicolon. Raises SyntaxRefused for a second statement."""
    end = len(sql)
    for match in LEXER.finditer(sql):
        if match.group() == ";" and match.lastgroup == "op":
            rest = sql[match.end() :]
            if all(m.lastgroup == "space" or m.group() == ";" for m in LEXER.finditer(rest)):
                return match.start()
            raise SyntaxRefused(f"Only one sql statement is allowed. Got: {sql}", *line_and_column(sql, match.start()))
    return end
