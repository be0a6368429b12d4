"""What kind of statement a text is, and the parts of all statements that are no queries (Hive DDL, SHOW, CTAS, UNLOAD …): a file a family.

Queries inside statements stay text (`query` is its offsets): `infra.engines.athena.grammar` reads them. Sources:
https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html, https://docs.aws.amazon.com/athena/latest/ug/functions-operators-reference-section.html
"""

from __future__ import annotations

from infra.local.athena.statements.parser.altering import Altering
from infra.local.athena.statements.parser.creating import Creating
from infra.local.athena.statements.parser.manipulating import Manipulating
from infra.local.athena.statements.parser.parts import DDL, DML, UTILITY, Statement, Unsupported
from infra.local.athena.statements.parser.showing import Showing
from infra.local.athena.statements.parser.tokens import hive_string

__all__ = ["DDL", "DML", "UTILITY", "Statement", "Unsupported", "hive_string", "parse"]


class _Parser(Manipulating, Creating, Altering, Showing):
    def statement(self) -> Statement:
        first = self.token.upper
        readers = {
            "INSERT": self.insert, "UNLOAD": self.unload, "EXPLAIN": self.explain, "PREPARE": self.prepare,
            "EXECUTE": self.execute, "DEALLOCATE": self.deallocate, "CREATE": self.create, "DROP": self.drop,
            "OPTIMIZE": self.optimize, "VACUUM": self.vacuum,
            "ALTER": self.alter, "MSCK": self.msck, "SHOW": self.show, "DESCRIBE": self.describe, "DESC": self.describe,
        }  # fmt: skip
        if first in ("DELETE", "UPDATE", "MERGE"):
            return self.change(first)
        if first in readers:
            self.at += 1
            found = readers[first]()
            self.finish()
            return found
        return Statement(kind="SELECT", type=DML, query=self.query())

    def inner(self) -> Statement:
        parser = _Parser(self.sql, self.token.start)
        found = parser.statement()
        self.at = len(self.tokens) - 1
        return found


def parse(sql: str) -> Statement:
    """The statement that `sql` holds. Raises SyntaxRefused, Unsupported."""
    return _Parser(sql).statement()
