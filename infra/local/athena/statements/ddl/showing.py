"""DDL: SHOW and DESCRIBE, laid out as Hive lays them out.

Source: https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.local.athena.lake import formats
from infra.local.athena.lake.catalog import (
    NAME,
    GlueCatalog,
    Table,
    all_columns,
    is_iceberg,
    is_view,
    view_definition,
)
from infra.local.athena.lake.results import Listing, text_columns
from infra.local.athena.statements.ddl.names import (
    EXECUTION_ERROR,
    HiveError,
    hive_database,
    hive_table,
    schema_of,
    table_name,
)
from infra.local.athena.statements.ddl.partitions import partitions_by_values, spec_of
from infra.local.athena.statements.parser import Statement
from infra.local.core.patterns import Pattern

WIDTH = 20
BLANK = "\t \t "


def _matching(pattern: str | None, names: list[str]) -> list[str]:
    """Names that a Hive pattern (* for any text, | for or) matches as a whole."""
    if pattern is None:
        return names
    expression = "|".join(part.replace(".*", "*").replace("*", ".*") for part in pattern.split("|"))
    try:
        return Pattern(expression, ignore_case=True).matching(names)
    except ValueError:
        raise HiveError(f"{EXECUTION_ERROR} MetaException(message:Unable to get tables: {pattern})") from None


def show_databases(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    names = [d["Name"] for d in catalog.databases()]
    if statement.pattern not in (None, "*"):
        try:
            names = Pattern(str(statement.pattern)).matching(names)
        except ValueError:
            raise HiveError(
                f"{EXECUTION_ERROR} MetaException(message:Unable to get databases: {statement.pattern})"
            ) from None
    return Listing(text_columns("database_name"), names)


def show_tables(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema = schema_of(statement.database, database)
    hive_database(catalog, schema)
    names = [t["Name"] for t in catalog.tables(schema)]
    return Listing(text_columns("tab_name"), _matching(statement.pattern, names))


def show_views(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema = schema_of(statement.database, database)
    hive_database(catalog, schema)
    names = [t["Name"] for t in catalog.tables(schema) if is_view(t)]
    return Listing(text_columns("views", type="varchar"), _matching(statement.pattern, names))


def show_columns(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    return Listing(text_columns("field"), [c["Name"].lower().ljust(WIDTH) for c in all_columns(table)])


def show_partitions(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    if not table.get("PartitionKeys"):
        raise HiveError(f"{EXECUTION_ERROR} Table {table['Name']} is not a partitioned table")
    wanted = {name: value for name, _, value in statement.partition or []}
    keys = [key["Name"].lower() for key in table["PartitionKeys"]]
    rows = [
        spec_of(table, values)
        for values in partitions_by_values(catalog, table)
        if all(dict(zip(keys, values, strict=True)).get(name) == value for name, value in wanted.items())
    ]
    return Listing(text_columns("partition"), sorted(rows))


def show_properties(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    parameters = table.get("Parameters") or {}
    columns = text_columns("prpt_name", "prpt_value")
    if statement.property is None:
        return Listing(columns, [f"{key}\t{value}" for key, value in sorted(parameters.items())])
    value = parameters.get(statement.property)
    absent = f"Table {table['DatabaseName']}.{table['Name']} does not have property: {statement.property}"
    return Listing(columns, [f"{statement.property}\t{value}" if value is not None else absent])


def show_create_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    if is_view(table):
        raise HiveError("SemanticException [Error 10132]: SHOW CREATE TABLE is not for views; use SHOW CREATE VIEW")
    if is_iceberg(table):
        from infra.local.athena.iceberg import showing  # pyiceberg is heavy: only who has such tables pays

        return Listing(
            text_columns("createtab_stmt"), showing.create_statement(catalog, table).split("\n"), counted=False
        )
    return Listing(text_columns("createtab_stmt"), create_statement(table).split("\n"), counted=False)


def create_statement(table: Table) -> str:
    """The CREATE EXTERNAL TABLE of a table, laid out as Hive does."""
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    library = serde.get("SerializationLibrary", "")
    default = "from deserializer" if library in formats.JSON_SERDES or library == formats.OPEN_CSV else ""

    def listed(columns: list[dict[str, str]], comment: str) -> str:
        parts = []
        for column in columns:
            text = column.get("Comment") or comment
            parts.append(f"  `{column['Name'].lower()}` {column.get('Type')}" + (f" COMMENT '{text}'" if text else ""))
        return ", \n".join(parts)

    def pairs(values: dict[str, str], names: Iterable[str] | None = None) -> str:
        return ", \n".join(f"  '{name}'='{escaped(values[name])}'" for name in names or sorted(values))

    text = f"CREATE EXTERNAL TABLE `{table['Name']}`(\n{listed(descriptor.get('Columns') or [], default)})"
    if table.get("PartitionKeys"):
        text += f"\nPARTITIONED BY ( \n{listed(table['PartitionKeys'], '')})"
    if (descriptor.get("NumberOfBuckets") or 0) > 0:
        text += f"\nCLUSTERED BY ( \n  {', '.join(descriptor['BucketColumns'])}) \nINTO {descriptor['NumberOfBuckets']} BUCKETS"
    text += _row_format(library, dict(serde.get("Parameters") or {}), pairs)
    text += f"\nSTORED AS INPUTFORMAT \n  '{descriptor.get('InputFormat')}' \nOUTPUTFORMAT \n  '{descriptor.get('OutputFormat')}'"
    text += f"\nLOCATION\n  '{descriptor.get('Location')}'"
    properties = {k: v for k, v in (table.get("Parameters") or {}).items() if k not in ("EXTERNAL", "comment")}
    return text + (f"\nTBLPROPERTIES (\n{pairs(properties, _as_java_keeps(properties))})" if properties else "")


def _as_java_keeps(names: Iterable[str]) -> list[str]:
    """Names in the order of Java's HashMap, in which Athena shows a table's properties (awswrangler's test_athena_generate_create_query, on the service)."""
    listed = list(names)
    size = 16
    while len(listed) > size * 3 // 4:
        size *= 2

    def place(name: str) -> int:
        code = 0
        for character in name:
            code = (31 * code + ord(character)) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & (size - 1)

    return sorted(listed, key=place)


_DELIMITERS = {
    "field.delim": "FIELDS TERMINATED BY",
    "escape.delim": "  ESCAPED BY",
    "collection.delim": "COLLECTION ITEMS TERMINATED BY",
    "mapkey.delim": "MAP KEYS TERMINATED BY",
    "line.delim": "LINES TERMINATED BY",
    "serialization.null.format": "NULL DEFINED AS",
}


def _row_format(library: str, parameters: dict[str, str], pairs: Callable[[dict[str, str]], str]) -> str:
    """ROW FORMAT: by delimiters where they say all, else by the SerDe; its usual format is not told."""
    if parameters.get("serialization.format") in ("1", parameters.get("field.delim")):
        parameters.pop("serialization.format", None)
    if library == formats.LAZY and "field.delim" in parameters and set(parameters) <= set(_DELIMITERS):
        clauses = [
            f"  {words} '{escaped(parameters[key])}' " for key, words in _DELIMITERS.items() if key in parameters
        ]
        return "\nROW FORMAT DELIMITED \n" + "\n".join(clauses)
    told = f"\nWITH SERDEPROPERTIES ( \n{pairs(parameters)}) " if parameters else ""
    return f"\nROW FORMAT SERDE \n  '{library}' {told}"


def escaped(text: str) -> str:
    """A text as Hive writes it between quotes."""
    return text.encode("unicode_escape").decode().replace("'", "\\'")


def show_create_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None or not is_view(table):
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    text = f"CREATE VIEW {schema}.{name} AS\n{view_definition(table)['originalSql']}"
    return Listing(text_columns("create view", type="varchar"), text.split("\n"))


def describe_view(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    schema, name = table_name(statement.name, database)
    table = catalog.table(schema, name)
    if table is None:
        raise QueryError("TABLE_NOT_FOUND", f"View '{NAME}.{schema}.{name}' does not exist", 1, 1)
    rows = [f"{c['name']}\t{c['type']}" for c in view_definition(table)["columns"]]
    return Listing(text_columns("column", "type", type="varchar"), rows)


def describe_table(statement: Statement, catalog: GlueCatalog, database: str | None) -> Listing:
    table = hive_table(catalog, statement.name, database)
    heads = text_columns("col_name", "data_type", "comment")
    keys = table.get("PartitionKeys") or []
    if statement.column is not None:
        found = [c for c in all_columns(table) if c["Name"].lower() == statement.column]
        if not found:
            raise HiveError(f"SemanticException [Error 10002]: Invalid column reference {statement.column}")
        return Listing(heads, [_described(found[0])], counted=False)
    titles = "# " + _padded("col_name", "data_type", "comment")
    if statement.style == "FORMATTED":
        rows = [titles, BLANK, *map(_described, table["StorageDescriptor"].get("Columns") or [])]
        if keys:
            rows += [BLANK, "# Partition Information\t \t ", titles, BLANK, *map(_described, keys)]
        return Listing(heads, [*rows, *_details(table)], counted=False)
    rows = [_described(c) for c in all_columns(table)]
    if keys:
        rows += [BLANK, "# Partition Information\t \t ", titles, BLANK, *map(_described, keys)]
    if statement.style == "EXTENDED":
        rows += [BLANK, f"Detailed Table Information\t{_summary(table)}\t "]
    return Listing(heads, rows, counted=False)


def _padded(*parts: str) -> str:
    return "\t".join(part.ljust(WIDTH) for part in parts)


def _described(column: dict[str, str]) -> str:
    comment = (column.get("Comment") or "").ljust(WIDTH).partition("\t")[0]
    return f"{column['Name'].lower().ljust(WIDTH)}\t{(column.get('Type') or '').ljust(WIDTH)}\t{comment}"


def _summary(table: Table) -> str:
    return (
        f"Table(tableName:{table['Name']}, dbName:{table['DatabaseName']}, owner:{table.get('Owner')}, "
        f"location:{table['StorageDescriptor'].get('Location')}, tableType:{table.get('TableType')})"
    )


def _details(table: Table) -> list[str]:
    descriptor = table["StorageDescriptor"]
    serde = descriptor.get("SerdeInfo") or {}
    created: Any = table.get("CreateTime")
    pairs = [
        ("Database:", table["DatabaseName"]),
        ("Owner:", table.get("Owner") or ""),
        ("CreateTime:", created.strftime("%a %b %d %H:%M:%S UTC %Y") if hasattr(created, "strftime") else ""),
        ("LastAccessTime:", "UNKNOWN"),
        ("Protect Mode:", "None"),
        ("Retention:", str(table.get("Retention") or 0)),
        ("Location:", descriptor.get("Location") or ""),
        ("Table Type:", table.get("TableType") or ""),
    ]
    rows = [BLANK, "# Detailed Table Information\t \t "]
    rows += [f"{key.ljust(WIDTH)}\t{value.ljust(WIDTH)}\t " for key, value in pairs]
    rows.append("Table Parameters:\t \t ")
    rows += [f"\t{k.ljust(WIDTH)}\t{str(v).ljust(WIDTH)}" for k, v in sorted((table.get("Parameters") or {}).items())]
    storage = [
        ("SerDe Library:", serde.get("SerializationLibrary") or ""),
        ("InputFormat:", descriptor.get("InputFormat") or ""),
        ("OutputFormat:", descriptor.get("OutputFormat") or ""),
        ("Compressed:", "Yes" if descriptor.get("Compressed") else "No"),
        ("Num Buckets:", str(descriptor.get("NumberOfBuckets", -1))),
        ("Bucket Columns:", f"[{', '.join(descriptor.get('BucketColumns') or [])}]"),
        ("Sort Columns:", "[]"),
    ]
    rows += [BLANK, "# Storage Information\t \t "]
    rows += [f"{key.ljust(WIDTH)}\t{value.ljust(WIDTH)}\t " for key, value in storage]
    rows.append("Storage Desc Params:\t \t ")
    rows += [f"\t{k.ljust(WIDTH)}\t{str(v).ljust(WIDTH)}" for k, v in sorted((serde.get("Parameters") or {}).items())]
    return rows
