"""What in the Data Catalog contradicts itself, told in Athena's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import Any

from infra.engines.athena.errors import QueryError
from infra.engines.athena.hive_types import hive_to_trino
from infra.engines.athena.types import Type, parse

_NUMBERS = {"tinyint", "smallint", "integer", "bigint"}
_WIDER = {
    "tinyint": {"smallint", "integer", "bigint", "real", "double", "decimal", "varchar"},
    "smallint": {"integer", "bigint", "real", "double", "decimal", "varchar"},
    "integer": {"bigint", "real", "double", "decimal", "varchar"},
    "bigint": {"real", "double", "decimal", "varchar"},
    "real": {"double", "decimal", "varchar"},
    "double": {"real", "decimal", "varchar"},
    "decimal": {"real", "double", "varchar", *_NUMBERS},
    "varchar": {*_NUMBERS, "date", "timestamp", "char"},
    "char": {"varchar"},
    "date": {"varchar"},
    "timestamp": {"varchar"},
    "boolean": {"varchar"},
}


_PARTITION_VALUES: dict[str, Callable[[str], Any]] = {
    "tinyint": int, "smallint": int, "integer": int, "bigint": int, "double": float, "real": float,
    "date": date.fromisoformat,
}  # fmt: skip


def check_columns(table: dict[str, Any]) -> None:
    """Raise QueryError for a table that no query can read: a column twice, or nothing that says how it is read."""
    descriptor = table.get("StorageDescriptor") or {}
    names = [c["Name"].lower() for c in [*(descriptor.get("Columns") or []), *(table.get("PartitionKeys") or [])]]
    if len(set(names)) < len(names):
        text = f"Hive metadata for table {table['Name']} is invalid: Table descriptor contains duplicate columns"
        raise QueryError("HIVE_INVALID_METADATA", text)
    library = (descriptor.get("SerdeInfo") or {}).get("SerializationLibrary")
    if not library and not (descriptor.get("InputFormat") and descriptor.get("Columns")):
        raise QueryError("HIVE_UNKNOWN_ERROR", "Unable to create input format")


def check_partition(
    table: dict[str, Any], keys: list[tuple[str, Type]], values: tuple[str, ...], own: dict[str, Any]
) -> None:
    """Raise QueryError HIVE_PARTITION_SCHEMA_MISMATCH where a partition's column cannot be read as the table's."""
    declared = {c["Name"].lower(): (c.get("Type") or "").lower() for c in own.get("Columns") or []}
    for column in table["StorageDescriptor"].get("Columns") or []:
        name, kind = column["Name"].lower(), (column.get("Type") or "").lower()
        other = declared.get(name, kind)
        if fits(other, kind):
            continue
        partition = "/".join(f"{key}={value}" for (key, _), value in zip(keys, values, strict=True))
        raise QueryError(
            "HIVE_PARTITION_SCHEMA_MISMATCH",
            "There is a mismatch between the table and partition schemas. The types are incompatible and cannot be "
            f"coerced. The column '{name}' in table '{table['DatabaseName']}.{table['Name']}' is declared as type "
            f"'{kind}', but partition '{partition}' declared column '{name}' as type '{other}'.",
        )


@lru_cache(maxsize=4096)
def fits(own: str, wanted: str) -> bool:
    """Whether a partition's Hive type may be read as the table's: fields of structs by their places, more of them at the end."""
    if own == wanted:
        return True
    try:
        return _fits(parse(hive_to_trino(own)), parse(hive_to_trino(wanted)))
    except QueryError:
        return False


def _fits(own: Type, wanted: Type) -> bool:
    if own == wanted:
        return True
    if own.name != wanted.name:
        return wanted.name in _WIDER.get(own.name, ())
    if own.name in ("array", "map"):
        return all(_fits(a, b) for a, b in zip(own.args, wanted.args, strict=True))
    if own.name == "row":
        return all(n == m and _fits(a, b) for (n, a), (m, b) in zip(own.args, wanted.args, strict=False))
    return True  # of other lengths, precisions and scales


def check_value(name: str, value: str, kind: Type) -> None:
    """Raise QueryError HIVE_INVALID_PARTITION_VALUE for a partition value that is none of its column's type."""
    read = _PARTITION_VALUES.get(kind.name)
    if read is None or value == "__HIVE_DEFAULT_PARTITION__":
        return
    try:
        read(value)
    except ValueError:
        raise QueryError(
            "HIVE_INVALID_PARTITION_VALUE",
            f"Invalid partition value '{value}' for {kind.name.upper()} partition key: {name}",
        ) from None
