"""Parquet, ORC and Avro: their own schemas, in Glue's types."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, BinaryIO

from infra.local.glue.crawler.content import Content
from infra.local.glue.crawler.schema import (
    NULL,
    Schema,
    Type,
    merge,
    render,
)


def of_parquet(path: Path, size: int) -> Content:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, records = file.schema_arrow, file.metadata.num_rows
    except (pyarrow.ArrowException, OSError):
        return Content()
    return Content("parquet", schema=_arrow_schema(schema), records=records, record_bytes=size)


def of_orc(path: Path, size: int) -> Content:
    import pyarrow
    import pyarrow.orc

    try:
        file = pyarrow.orc.ORCFile(path)
    except (pyarrow.ArrowException, OSError):
        return Content()
    return Content("orc", schema=_arrow_schema(file.schema), records=file.nrows, record_bytes=size)


def _arrow_schema(schema: Any) -> Schema:
    return {column.name.lower(): _arrow_type(column.type) for column in schema}


_ARROW_NAMES = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "uint8": "smallint",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "bigint",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "string": "string",
    "large_string": "string",
    "binary": "binary",
    "large_binary": "binary",
    "date32[day]": "date",
    "null": NULL,
}


def _arrow_type(kind: Any) -> Type:
    from pyarrow import types

    if types.is_struct(kind):
        return {each.name: _arrow_type(each.type) for each in kind}
    if types.is_list(kind) or types.is_large_list(kind):
        return [_arrow_type(kind.value_type)]
    if types.is_dictionary(kind):
        return _arrow_type(kind.value_type)
    if types.is_map(kind):
        return f"map<{render(_arrow_type(kind.key_type))},{render(_arrow_type(kind.item_type))}>"
    if types.is_timestamp(kind):
        return "timestamp"
    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if types.is_fixed_size_binary(kind):
        return "binary"
    return _ARROW_NAMES.get(str(kind), "string")


def of_avro(file: BinaryIO, size: int) -> Content:
    """Read the header of an Avro container and count the records of its blocks.

    Source: https://avro.apache.org/docs/1.11.1/specification/#object-container-files
    """
    try:
        file.seek(4)
        metadata = _avro_map(file)
        literal = metadata["avro.schema"].decode()
        declared = json.loads(literal)
        schema = _avro_type(declared)
        file.seek(16, io.SEEK_CUR)  # the sync marker
        records = 0
        while file.tell() < size:
            records += _avro_long(file)
            file.seek(_avro_long(file) + 16, io.SEEK_CUR)
    except (EOFError, KeyError, TypeError, ValueError):
        return Content()
    if not isinstance(schema, dict):
        return Content()
    columns = {name.lower(): kind for name, kind in schema.items()}
    return Content(
        "avro", schema=columns, records=records, record_bytes=size, parameters={"avro.schema.literal": literal}
    )


def _avro_long(file: BinaryIO) -> int:
    number = shift = 0
    while True:
        byte = file.read(1)
        if not byte:
            raise EOFError
        number |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)


def _avro_map(file: BinaryIO) -> dict[str, bytes]:
    found = {}
    while count := _avro_long(file):
        if count < 0:
            _avro_long(file)  # the block's size in bytes
        for _ in range(abs(count)):
            key = file.read(_avro_long(file)).decode()
            found[key] = file.read(_avro_long(file))
    return found


_AVRO_NAMES = {"long": "bigint", "bytes": "binary", "fixed": "binary", "enum": "string", "null": NULL}
_AVRO_LOGICAL = {"date": "date", "timestamp-millis": "timestamp", "timestamp-micros": "timestamp"}


def _avro_type(declared: Any) -> Type:
    if isinstance(declared, list):  # a union; with null it is just nullable
        kind: Type = NULL
        for each in declared:
            kind = merge(kind, _avro_type(each))
        return kind
    if isinstance(declared, str):
        return _AVRO_NAMES.get(declared, declared)
    name, logical = declared["type"], declared.get("logicalType")
    if logical in _AVRO_LOGICAL:
        return _AVRO_LOGICAL[logical]
    if logical == "decimal":
        return f"decimal({declared['precision']},{declared.get('scale', 0)})"
    if name == "record":
        return {each["name"]: _avro_type(each["type"]) for each in declared["fields"]}
    if name == "array":
        return [_avro_type(declared["items"])]
    if name == "map":
        return f"map<string,{render(_avro_type(declared['values']))}>"
    return _avro_type(name)
