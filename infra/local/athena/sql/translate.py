"""Athena's SELECT on DuckDB: checked by Trino's rules, refused with Trino's words, answered with Trino's answers.

translated = translate("SELECT count(*) FROM raw", catalog, "analyticsworkshopdb")
connection = connect()
…  # make each relation of translated.tables: a temporary view named TableUse.name with the table's columns
rows = connection.execute(translated.sql)
"""

from typing import NamedTuple, Protocol

from infra.engines.athena import grammar
from infra.engines.athena.database import connect, run_time_error
from infra.engines.athena.errors import QueryError, SyntaxRefused
from infra.engines.athena.text import as_text
from infra.engines.athena.types import Column, View
from infra.local.athena.sql.check import Checker
from infra.local.athena.sql.queries.ordering import final_names
from infra.local.athena.sql.scope import Conjunct, TableUse


class Catalog(Protocol):
    """What translate() asks about tables; names are lower-case."""

    def columns(self, database: str, table: str) -> list[Column] | None:
        """A table's columns, partition keys last; None if there is no such table."""

    def database_exists(self, database: str) -> bool: ...

    def view(self, database: str, table: str) -> View | None:
        """A view; None if there is no view of this name."""


class Translated(NamedTuple):
    """A statement for DuckDB.

    sql: DuckDB SQL. columns: names and Trino types of the result. tables: what it reads, each under TableUse.name.
    text_sql: the same with every column in Athena's text form.
    """

    sql: str
    columns: list[Column]
    tables: list[TableUse]

    @property
    def text_sql(self) -> str:
        return as_text(self.sql, [c.type for c in self.columns])


def translate(
    query,
    catalog: Catalog,
    database: str | None,
    parameters: list[str] | tuple = (),
    start: int = 0,
    end: int | None = None,
) -> Translated:
    """DuckDB SQL for a SELECT, VALUES, TABLE or WITH statement.

    query: the statement's text; `start` and `end` say where in it the query stands, so that errors
    name positions of the whole statement (CREATE TABLE … AS). parameters: SQL literals for `?`, in order.
    Raises SyntaxRefused (Athena refuses the statement at once) or QueryError (the query fails).
    """
    try:
        return _translate(query, catalog, database, parameters, start, end)
    except RecursionError:
        raise SyntaxRefused("statement is too large (stack overflow while parsing)", 1, 1) from None


def _translate(
    text: str, catalog: Catalog, database: str | None, parameters, start: int, end: int | None
) -> Translated:
    tree = grammar.parse(text, start, end)
    return translate_tree(text, tree, tree.parameters, catalog, database, parameters)


def translate_tree(
    text: str, tree: grammar.Node, expected: int, catalog: Catalog, database: str | None, parameters: list[str] | tuple
) -> Translated:
    """DuckDB SQL for a query's tree. `text`: in which its nodes stand; `expected`: how many `?` the whole statement has."""
    if len(parameters) != expected:
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {expected} but found {len(parameters)}",
            1,
            1,
        )
    schema = database.lower() if database else None
    checker = Checker(text, catalog, schema, list(parameters))
    found = checker.query(tree, None, {}, names=True)
    if checker.waits:
        checker = Checker(text, catalog, schema, list(parameters), [use.columns for use in checker.tables])
        found = checker.query(tree, None, {}, names=True)
    columns = [Column(n, str(k)) for n, k in zip(final_names(found.names), found.types, strict=True)]
    return Translated(found.sql, columns, checker.tables)


__all__ = [
    "Catalog",
    "Column",
    "Conjunct",
    "QueryError",
    "SyntaxRefused",
    "TableUse",
    "Translated",
    "View",
    "connect",
    "run_time_error",
    "translate",
    "translate_tree",
]
