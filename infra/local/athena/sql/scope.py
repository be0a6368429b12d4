"""What names mean in a query: fields, the scope that finds them, relations, and what of a table is read."""

from dataclasses import dataclass, field
from typing import NamedTuple

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.types import Type
from infra.local.athena.sql.expr import Expr
from infra.local.athena.sql.lift import Lift

HIDDEN = {
    "$path": t.VARCHAR,
    "$file_size": t.BIGINT,
    "$file_modified_time": t.ZONED_TIMESTAMP,
}
POSITION = "$pos"  # of a row in its file; what changes rows finds them by it
FILE = "$target"  # the `$path` of a row of the table that is changed, which no other relation has
CATALOG = "awsdatacatalog"
MAX_RECURSION = 10


@dataclass
class TableUse:
    """A table as one place in a statement reads it."""

    database: str
    table: str
    name: str  # the relation that the DuckDB SQL reads: the caller makes it
    columns: set[str] = field(default_factory=set)  # what is read, hidden columns too
    sample: float = 100.0  # how many of its files are read, in percent: TABLESAMPLE SYSTEM
    conjuncts: list["Conjunct"] = field(default_factory=list)
    at: tuple[str, str] | None = None  # an older state of an Iceberg table: VERSION or TIMESTAMP, and SQL for which
    read: set[str] | None = None  # what is read in the whole statement, where that is known already


@dataclass
class Conjunct:
    """A condition that every row of a table must meet, with columns of that table only."""

    columns: frozenset[str]
    sql: str  # DuckDB; columns are written "<TableUse.name>"."<column>"
    text: str  # Athena's SQL, "true" where it names the columns otherwise than the table does
    is_equality: bool  # whether it says which values a column has


class Field:
    """A column that a name can mean. `of` is the column that it shows under another name or from another place."""

    __slots__ = ("hidden", "name", "of", "optional", "relation", "sql", "table", "type")

    def __init__(
        self,
        relation: tuple[str, ...],  # (alias,) or (database, table)
        name: str | None,
        type_: Type,
        sql: str,
        hidden: bool = False,
        table: TableUse | None = None,
        of: "Field | None" = None,
    ):
        self.relation = relation
        self.name = name
        self.type = type_
        self.sql = sql
        self.hidden = hidden
        self.table = table
        self.of = of
        self.optional: bool = of is not None and of.optional  # an outer join may leave it without a value

    @property
    def root(self) -> "Field":
        return self if self.of is None else self.of.root

    def use(self) -> str:
        """The column's SQL; its table learns that it is read."""
        if self.table is not None:
            name = self.root.name
            assert name is not None, "a table's column has a name"
            self.table.columns.add(name)
        return self.sql

    @property
    def is_read(self) -> bool:
        return self.table is None or self.table.read is None or self.root.name in self.table.read

    def matches(self, parts: list[str]) -> bool:
        if self.name is None or self.name.lower() != parts[-1]:
            return False
        qualifier = parts[:-1]
        return not qualifier or tuple(qualifier) == self.relation[-len(qualifier) :]

    def moved(self, sql: str) -> "Field":
        return Field(self.relation, self.name, self.type, sql, self.hidden, self.table, self)

    def renamed(self, relation: str, name: str | None) -> "Field":
        return Field((relation,), name, self.type, self.sql, self.hidden, self.table, self)


class Scope:
    """The columns that names can mean in a query, and the query around it."""

    def __init__(self, fields: list[Field], parent: "Scope | None", named: dict):
        self.fields = fields
        self.parent = parent
        self.named = named  # WITH queries
        self.windows: dict[str, Node] = {}

    def find(self, parts: list[str]) -> list[Field]:
        return [f for f in self.fields if f.matches(parts)]


class Clauses(NamedTuple):
    """The clauses of a SELECT that aggregates may stand in."""

    items: list[Expr]
    names: list[str | None]
    nodes: list[Node]
    having: Expr | None
    order: str
    order_values: list[Expr]
    lifted: bool  # whether a TRY stands around an aggregate


class Parts(NamedTuple):
    """The other clauses of a SELECT, as SQL."""

    source: str
    where: str
    group: str
    lift: Lift | None


class Relation:
    """Something in FROM: its SQL and columns, and as what the SQL names it, where that is one table."""

    def __init__(self, sql: str, fields: list[Field], alias: str = ""):
        self.sql = sql
        self.fields = fields
        self.alias = alias


class Query:
    """A checked query: its SQL, whose columns are c0, c1, …, and their names and types."""

    def __init__(self, sql: str, names: list[str | None], types: list[Type], origins: list[Field | None] | None = None):
        self.sql = sql
        self.names = names
        self.types = types
        # The columns of tables that its columns are, where leaving out rows before or after it is the same.
        self.origins = origins or [None] * len(types)


class Named:
    """A WITH query."""

    def __init__(self, name: str, query: Query, columns: list[str | None]):
        self.name = name
        self.types = query.types
        self.columns = columns
