"""FROM: tables, views, queries in brackets, samples, their aliases.

Source: https://trino.io/docs/current/sql/select.html#from-clause
"""

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.grammar import Node, parse
from infra.engines.athena.types import Column, View, quoted
from infra.local.athena.sql.expressions import Expressions
from infra.local.athena.sql.queries.analysis import Analysis
from infra.local.athena.sql.scope import CATALOG, FILE, HIDDEN, POSITION, Field, Query, Relation, Scope, TableUse


class Relations(Analysis):
    def _relation(self, node: Node, parent: Scope | None, named: dict, left: Relation | None) -> Relation:
        """A relation; `left` is what stands before it in FROM, which UNNEST and LATERAL may read."""
        return getattr(self, "_" + node.kind)(node, parent, named, left)

    def _alias(self, node: Node, parent, named, left) -> Relation:
        found = self._relation(node.relation, parent, named, left)
        name = node.name.value
        shown = [f for f in found.fields if not f.hidden]
        names = [f.name for f in shown]
        if node.columns is not None:
            if len(node.columns) != len(shown):
                text = (
                    f"Column alias list has {len(node.columns)} entries but '{name}' has {len(shown)} columns available"
                )
                raise self.error("MISMATCHED_COLUMN_ALIASES", node, text)
            names = [c.value for c in node.columns]
        fields = [f.renamed(name, new) for f, new in zip(shown, names, strict=True)]
        fields += [f.renamed(name, f.name) for f in found.fields if f.hidden and node.columns is None]
        return Relation(found.sql, fields)

    def _table(self, node: Node, parent, named, left=None) -> Relation:
        parts = [p.value for p in node.name]
        if len(parts) == 1 and parts[0] in named:
            query = named[parts[0]]
            alias = self.fresh("r")
            fields = [
                Field((parts[0],), n, k, f"{alias}.c{i}")
                for i, (n, k) in enumerate(zip(query.columns, query.types, strict=True))
            ]
            return Relation(f"{query.name} AS {alias}", fields)
        database, table = self._table_name(node, parts)
        if (view := self.catalog.view(database, table)) is not None:
            return self._view(node, database, table, view)
        columns = self.catalog.columns(database, table)
        if columns is None:
            self._missing_table(node, database, table)
        number = len(self.tables)
        read = self.read[number] if self.read is not None else None
        use = TableUse(database, table, f"t{number}", at=self._period(node), read=read)
        self.tables.append(use)
        relation = (database, table)
        fields = [
            Field(relation, c.name, t.parse(c.type), f"{use.name}.{quoted(c.name)}", table=use)
            for c in columns
            if c.name not in HIDDEN
        ]
        if _has_files(database, table):
            fields += [
                Field(relation, n, k, f"{use.name}.{quoted(n)}", hidden=True, table=use) for n, k in HIDDEN.items()
            ]
        if getattr(node, "target", False):
            path = next(f for f in fields if f.name == "$path")
            position = Field(relation, POSITION, t.BIGINT, f"{use.name}.{quoted(POSITION)}", hidden=True, table=use)
            fields += [position, Field(relation, FILE, t.VARCHAR, path.sql, hidden=True, table=use, of=path)]
        return Relation(use.name, fields)

    def _period(self, node: Node) -> tuple[str, str] | None:
        """Which state of a table FOR … AS OF asks for. Source: https://trino.io/docs/current/connector/iceberg.html#time-travel-queries"""
        if node.at is None:
            return None
        kind, pointer = node.at
        found = Expressions(self, Scope([], None, {}), f"FOR {kind} AS OF").check(pointer)
        if kind == "VERSION":
            if found.type.name not in (*t.INTEGERS, "varchar"):
                raise self.error(
                    "TYPE_MISMATCH",
                    pointer,
                    f"Type {found.type} invalid. Version pointers must be of type bigint or varchar",
                )
            return kind, found.sql
        if found.type.name not in ("date", "timestamp", "timestamp with time zone"):
            text = f"Type {found.type} invalid. Temporal pointers must be of type Timestamp, Timestamp with Time Zone, or Date"
            raise self.error("TYPE_MISMATCH", pointer, text)
        return kind, f"epoch_ms(({self.casts.cast(found.sql, found.type, t.ZONED_TIMESTAMP)}).i)"

    def _table_name(self, node: Node, parts: list[str]) -> tuple[str, str]:
        if len(parts) > 3:
            raise self.error("SYNTAX_ERROR", node, f"Too many dots in table name: {'.'.join(parts)}")
        if len(parts) == 3 and parts[0] != CATALOG:
            raise self.error("CATALOG_NOT_FOUND", node, f"Catalog '{parts[0]}' does not exist")
        if len(parts) == 1:
            if self.database is None:
                text = "Schema must be specified when session schema is not set"
                raise self.error("MISSING_SCHEMA_NAME", node, text)
            return self.database.lower(), parts[0]
        return parts[-2], parts[-1]

    def _missing_table(self, node: Node, database: str, table: str):
        if not self.catalog.database_exists(database):
            raise self.error("SCHEMA_NOT_FOUND", node, f"Schema '{database}' does not exist")
        raise self.error("TABLE_NOT_FOUND", node, f"Table '{CATALOG}.{database}.{table}' does not exist")

    def _view(self, node: Node, database: str, table: str, view: View) -> Relation:
        name = f"{CATALOG}.{database}.{table}"
        if (database, table) in self.views:
            raise self.error("VIEW_IS_RECURSIVE", node, f"View is recursive: {name}")
        before = self.text, self.database, self.parameters
        self.text, self.database, self.parameters = view.sql, view.database, []
        self.views.append((database, table))
        try:
            query = self.query(parse(view.sql), None, {})
        except QueryError as error:
            self.text = before[0]
            text = f"Failed analyzing stored view '{name}': {error.message.split(': ', 1)[-1]}"
            raise self.error("INVALID_VIEW", node, text) from None
        finally:
            self.text, self.database, self.parameters = before
            self.views.pop()
        if explanation := _stale(view.columns, query):
            raise self.error("VIEW_IS_STALE", node, f"View '{name}' is stale or in invalid state: {explanation}")
        found = self._derived(query, (database, table))
        return Relation(found.sql, [self._as_stored(f, c) for f, c in zip(found.fields, view.columns, strict=True)])

    def _as_stored(self, found: Field, column: Column) -> Field:
        """A view's column with the type that it had when the view was made."""
        kind = t.parse(column.type)
        if found.type == kind:
            return found
        return Field(found.relation, found.name, kind, self.casts.cast(found.sql, found.type, kind))

    def _derived(self, query: Query, relation: tuple[str, ...], lateral: bool = False) -> Relation:
        alias = self.fresh("r")
        fields = []
        for i, (name, kind, origin) in enumerate(zip(query.names, query.types, query.origins, strict=True)):
            table = origin.table if origin else None
            fields.append(Field(relation, name, kind, f"{alias}.c{i}", table=table, of=origin))
        return Relation(f"{'LATERAL ' if lateral else ''}({query.sql}) {alias}", fields)

    def _subquery(self, node: Node, parent, named, left) -> Relation:
        return self._derived(self.query(node.query, parent, named), ())

    def _lateral(self, node: Node, parent, named, left: Relation | None) -> Relation:
        scope = Scope(left.fields if left else [], parent, named)
        return self._derived(self.query(node.query, scope, named), (), lateral=True)

    def _sample(self, node: Node, parent, named, left) -> Relation:
        """BERNOULLI takes rows, SYSTEM whole files (Trino: splits). Source: https://trino.io/docs/current/sql/select.html#tablesample"""
        before = len(self.tables)
        found = self._relation(node.relation, parent, named, left)
        value = Expressions(self, Scope([], None, {}), "TABLESAMPLE").check(node.percentage)
        if value.type.name not in t.NUMBERS:
            text = f"Sample percentage should be a numeric expression but got {value.type}"
            raise self.error("TYPE_MISMATCH", node.percentage, text)
        if not isinstance(value.constant, (int, float)):
            raise self.error("NOT_SUPPORTED", node.percentage, "Sample percentage must be a constant")
        if not 0 <= value.constant <= 100:
            text = "Sample percentage must be between 0 and 100"
            raise self.error("NUMERIC_VALUE_OUT_OF_RANGE", node.percentage, text)
        if node.method == "SYSTEM":
            uses = [use for use in self.tables[before:] if _has_files(use.database, use.table)]
            if len(uses) != 1:
                raise self.error(
                    "NOT_SUPPORTED", node, f"TABLESAMPLE SYSTEM is for one table; here it is for {len(uses)}"
                )
            uses[0].sample = value.constant
            return found
        moved = self._projected(found, [])
        sql = f"(SELECT * FROM {moved.sql} WHERE random() * 100 < {value.constant}) {moved.alias}"
        return Relation(sql, moved.fields)

    def _projected(self, found: Relation, more: list[str]) -> Relation:
        """A relation as a derived table of its columns c0, c1, … and of `more` expressions, which follow them."""
        self.waits = self.waits or self.read is None
        alias = self.fresh("r")
        texts = [f"{f.sql} AS c{i}" for i, f in enumerate(found.fields) if f.is_read]
        texts += [f"{text} AS c{len(found.fields) + i}" for i, text in enumerate(more)]
        sql = f"SELECT {', '.join(texts) or '1 AS nothing'}{f' FROM {found.sql}' if found.sql else ''}"
        return Relation(f"({sql}) {alias}", [f.moved(f"{alias}.c{i}") for i, f in enumerate(found.fields)], alias)


def _has_files(database: str, table: str) -> bool:
    """Whether a table has objects of its own: what tells of the catalog (information_schema, `t$partitions`) has none."""
    return database != "information_schema" and "$" not in table


def _stale(stored: list[Column], query: Query) -> str | None:
    """Why a view's query no longer gives the columns that it had when the view was made; None if it does."""
    if len(stored) != len(query.types):
        return (
            f"stored view column count ({len(stored)}) does not match column count derived from the view query "
            f"analysis ({len(query.types)})"
        )
    for place, (column, name, kind) in enumerate(zip(stored, query.names, query.types, strict=True)):
        if name is None:
            return f"a column of type {kind} projected from query view at position {place} has no name"
        of = f"column [{name}] of type {kind} projected from query view at position {place}"
        there = f"column [{column.name}] of type {column.type} stored in view definition"
        if name.lower() != column.name.lower():
            return f"{of} has a different name from {there}"
        if not t.coercible(kind, t.parse(column.type)):
            return f"{of} cannot be coerced to {there}"
    return None
