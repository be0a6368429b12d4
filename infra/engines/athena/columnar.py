"""ORC and Avro files as Parquet, which DuckDB reads, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

from infra.engines.athena.errors import QueryError

_ROWS = 20_000
_AVRO_CODECS = ("null", "deflate", "bzip2", "xz")


def as_parquet(path: Path, format: str, names: list[str] | None, target: Path, uri: str) -> None:
    """Write the rows of an ORC or Avro file as Parquet.

    Parameters
    ----------
    names: what its columns are called, by their places; None: as the file calls them

    Raises QueryError HIVE_BAD_DATA for what is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet

    read = {"orc": _orc, "avro": _avro}[format]
    writer = None
    try:
        for batch in read(path):
            if names is not None:
                width = min(len(names), batch.num_columns)
                batch = batch.select(range(width)).rename_columns(names[:width])
            writer = writer or pa.parquet.ParquetWriter(target, batch.schema)
            writer.write_table(batch)
    except (pa.ArrowException, ValueError, EOFError, KeyError, OSError, TypeError):
        raise QueryError("HIVE_BAD_DATA", f"Malformed {format.upper()} file: {uri}") from None
    finally:
        if writer is not None:
            writer.close()


def _orc(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.orc

    file = pa.orc.ORCFile(path)
    if file.nstripes == 0:
        yield file.schema.empty_table()
    for stripe in range(file.nstripes):
        yield pa.Table.from_batches([file.read_stripe(stripe)])


def _avro(path: Path) -> Iterator[Any]:
    import fastavro
    import pyarrow as pa

    with open(path, "rb") as opened:
        file = fastavro.reader(opened)
        if file.codec not in _AVRO_CODECS:
            raise QueryError("NOT_SUPPORTED", f"The local AWS does not read the codec {file.codec} of Avro files")
        schema = pa.schema([(f["name"], _arrow(f["type"])) for f in cast(dict[str, Any], file.writer_schema)["fields"]])
        yield schema.empty_table()
        while rows := list(islice(file, _ROWS)):
            yield pa.Table.from_pylist(rows, schema)


_PLAIN = {"boolean": "bool_", "int": "int32", "long": "int64", "float": "float32", "double": "float64", "string": "string", "bytes": "binary", "enum": "string", "null": "null"}  # fmt: skip
_LOGICAL = {"date": ("date32",), "timestamp-millis": ("timestamp", "ms"), "timestamp-micros": ("timestamp", "us"), "local-timestamp-millis": ("timestamp", "ms"), "local-timestamp-micros": ("timestamp", "us"), "time-millis": ("time32", "ms"), "time-micros": ("time64", "us"), "uuid": ("string",)}  # fmt: skip


def _arrow(avro: Any) -> Any:
    """Arrow's type for one of Avro's; of a union the one that is not null."""
    import pyarrow as pa

    if isinstance(avro, list):
        kinds = [kind for kind in avro if kind != "null"]
        if len(kinds) > 1:
            raise ValueError("union of several types")
        return _arrow(kinds[0]) if kinds else pa.null()
    if isinstance(avro, str):
        return getattr(pa, _PLAIN[avro])()
    kind, logical = avro["type"], avro.get("logicalType")
    if logical == "decimal":
        return pa.decimal128(avro["precision"], avro.get("scale", 0))
    if logical in _LOGICAL:
        name, *arguments = _LOGICAL[logical]
        return getattr(pa, name)(*arguments)
    if kind == "array":
        return pa.list_(_arrow(avro["items"]))
    if kind == "map":
        return pa.map_(pa.string(), _arrow(avro["values"]))
    if kind == "record":
        return pa.struct([(f["name"], _arrow(f["type"])) for f in avro["fields"]])
    if kind == "fixed":
        return pa.binary()
    return _arrow(kind)


# --- writing


def from_parquet(path: Path, format: str, codec: str, target: Path) -> None:
    """Write the rows of a Parquet file as ORC or Avro."""
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    {"orc": _write_orc, "avro": _write_avro}[format](file, codec, target)


def _write_orc(file: Any, codec: str, target: Path) -> None:
    import pyarrow as pa
    import pyarrow.orc

    name = "uncompressed" if codec == "NONE" else codec.lower()
    with pa.orc.ORCWriter(str(target), compression=name) as writer:
        for batch in file.iter_batches(_ROWS):
            writer.write(pa.Table.from_batches([batch]))


def _write_avro(file: Any, codec: str, target: Path) -> None:
    import fastavro

    fields = [
        {"name": f.name, "type": ["null", _avro_type(f.type, f.name)], "default": None} for f in file.schema_arrow
    ]
    schema = fastavro.parse_schema({"type": "record", "name": "row", "fields": fields})

    def records() -> Iterator[dict[str, Any]]:
        for batch in file.iter_batches(_ROWS):
            for row in batch.to_pylist():
                yield {name: _plain(value) for name, value in row.items()}

    with open(target, "wb") as opened:
        fastavro.writer(opened, schema, records(), codec="null" if codec == "NONE" else codec.lower())


def _plain(value: Any) -> Any:
    """A value as fastavro takes it: maps are dicts."""
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):
            return {str(k): _plain(v) for k, v in value}
        return [_plain(item) for item in value]
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _avro_type(kind: Any, name: str) -> Any:
    """Avro's type for one of Arrow's. Raises QueryError for those that it has none for."""
    import pyarrow.types as is_

    plain = (
        (is_.is_boolean, "boolean"), (is_.is_int64, "long"), (is_.is_integer, "int"), (is_.is_float32, "float"),
        (is_.is_floating, "double"), (is_.is_string, "string"), (is_.is_large_string, "string"), (is_.is_binary, "bytes"),
    )  # fmt: skip
    for test, found in plain:
        if test(kind):
            return found
    if is_.is_date(kind):
        return {"type": "int", "logicalType": "date"}
    if is_.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-millis"}
    if is_.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if is_.is_map(kind):
        return {"type": "map", "values": ["null", _avro_type(kind.item_type, f"{name}_value")]}
    if is_.is_list(kind):
        return {"type": "array", "items": ["null", _avro_type(kind.value_type, f"{name}_item")]}
    if is_.is_struct(kind):
        fields = [{"name": f.name, "type": ["null", _avro_type(f.type, f"{name}_{f.name}")]} for f in kind]
        return {"type": "record", "name": f"{name}_record", "fields": fields}
    raise QueryError("NOT_SUPPORTED", f"Column {name} cannot be written as Avro")
