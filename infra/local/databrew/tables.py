"""A table of the Data Catalog as a frame: its files are read by the table's own columns and types.

A value that is not of its column's type becomes NULL, a column that a file lacks is NULL; both count as missing.
"""

from __future__ import annotations

import bz2
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from infra.local.core import state

from .access import Access

if TYPE_CHECKING:
    from .engine import Frame, Workspace

SIMPLE = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
FORMATS = (
    ("parquet", "PARQUET"),
    ("orc", "ORC"),
    ("avro", "AVRO"),
    ("json", "JSON"),
    ("opencsv", "CSV"),
    ("lazysimple", "CSV"),
    ("csv", "CSV"),
)
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2"}
LARGEST_OBJECT = 128 * 1024 * 1024


class Source(NamedTuple):
    """Files with the same values of the partition keys."""

    files: list[tuple[Path, str]]  # path and key
    values: list[str]


def format_of(table: dict[str, Any]) -> str:
    """CSV, JSON, PARQUET, ORC or AVRO. Raises DataRefused for others."""
    from .engine import DataRefused

    storage = table["StorageDescriptor"]
    told = (storage.get("SerdeInfo") or {}).get("SerializationLibrary", "").lower()
    classification = (table.get("Parameters") or {}).get("classification", "").lower()
    for part, name in FORMATS:
        if part in told or part == classification:
            return name
    raise DataRefused(
        f"The table {table['Name']} has the format {classification or told or 'unknown'}, which can't be read."
    )


def frame(workspace: Workspace, access: Access, table: dict[str, Any], scratch: Path) -> Frame:
    """All rows of a table; partition keys are its last columns.

    Parameters
    ----------
    table: as `Access.table` gives it
    scratch: a folder for copies of files that DuckDB can't read as they are

    Raises DataRefused.
    """
    from .engine import DataRefused, Frame, StepRefused
    from .engine.types import literal, quoted

    kind, storage = format_of(table), table["StorageDescriptor"]
    columns = [(column["Name"], duck_type(column.get("Type", "string"))) for column in storage.get("Columns") or []]
    keys = [(key["Name"], duck_type(key.get("Type", "string"))) for key in table.get("PartitionKeys") or []]
    sources = [source for source in _sources(access, table) if source.files]
    if not sources:
        raise DataRefused(f"The table {table['Name']} has no files at {storage.get('Location')}.")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        reader, selects = Reader(workspace, table, columns, Path(folder)), []
        for source in sources:
            constants = [
                f"TRY_CAST({literal(value)} AS {duck}) AS {quoted(name)}"
                for (name, duck), value in zip(keys, source.values, strict=True)
            ]
            selects.append(f"SELECT {', '.join(['*', *constants])} FROM ({reader.sql(kind, source.files)})")
        try:
            return Frame.of(workspace, " UNION ALL ".join(selects))
        except (DataRefused, StepRefused) as refused:
            raise reader.broken(kind, refused) from None


def _sources(access: Access, table: dict[str, Any]) -> list[Source]:
    bucket, key = location_of(table)
    if not table.get("PartitionKeys"):
        return [Source(_files(access, bucket, key), [])]
    found = []
    for partition in table["Partitions"]:
        where = location_of({"Name": table["Name"], "StorageDescriptor": partition["StorageDescriptor"]})
        found.append(Source(_files(access, *where), [unquote(value) for value in partition["Values"]]))
    return found


def _files(access: Access, bucket: str, prefix: str) -> list[tuple[Path, str]]:
    hidden = re.compile(r"(^|/)[_.]")
    return [
        (access.read(bucket, item.name), item.name)
        for item in access.objects(bucket, prefix)
        if not item.name.endswith("/") and not hidden.search(item.name[len(prefix) :]) and item.size
    ]


def location_of(table: dict[str, Any]) -> tuple[str, str]:
    """Bucket and key of a table's location. Raises DataRefused when it is not in S3."""
    from .engine import DataRefused

    location = (table.get("StorageDescriptor") or {}).get("Location", "")
    scheme, _, rest = location.partition("://")
    if scheme not in ("s3", "s3a", "s3n") or not rest:
        raise DataRefused(f"The table {table['Name']} has no location in Amazon S3.")
    bucket, _, key = rest.partition("/")
    return bucket, key if not key or key.endswith("/") else f"{key}/"


def output(table: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """An output of a recipe job to this table, as one to S3: place and format are the table's.

    Raises DataRefused for a table that DataBrew does not write to.
    """
    from .engine import DataRefused

    if table.get("PartitionKeys"):
        raise DataRefused(f"The table {table['Name']} has partition keys; DataBrew writes to tables without.")
    bucket, key = location_of(table)
    kind = format_of(table)
    settings: dict[str, Any] = {"Location": {"Bucket": bucket, "Key": key}, "Format": kind, "Overwrite": overwrite}
    if kind == "CSV":
        serde = (table["StorageDescriptor"].get("SerdeInfo") or {}).get("Parameters") or {}
        delimiter = serde.get("separatorChar") or serde.get("field.delim") or ","
        settings["FormatOptions"] = {"Csv": {"Delimiter": delimiter}}
    return settings | {"WholeLocation": True}


def duck_type(hive: str) -> str:
    """DuckDB's type of a type of Hive's. What is unknown is read as text.

    >>> duck_type("array<struct<a:int,b:map<string,double>>>")
    'STRUCT("a" INTEGER, "b" MAP(VARCHAR, DOUBLE))[]'
    """
    text = hive.strip().lower()
    name, _, inner = text.partition("<")
    if inner:
        parts = _split(inner[:-1])
        if name == "array":
            return f"{duck_type(parts[0])}[]"
        if name == "map" and len(parts) == 2:
            return f"MAP({duck_type(parts[0])}, {duck_type(parts[1])})"
        fields = [part.partition(":") for part in parts]
        return f"STRUCT({', '.join(f'{_quoted(field)} {duck_type(kind)}' for field, _, kind in fields)})"
    if match := re.fullmatch(r"decimal(?:\((\d+)(?:,\s*(\d+))?\))?", text):
        return f"DECIMAL({match[1] or 10},{match[2] or 0})"
    return SIMPLE.get(text, "VARCHAR")


def _split(text: str) -> list[str]:
    """The parts between commas that are in no brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "<(") - (sign in ">)")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _quoted(name: str) -> str:
    from .engine.types import quoted

    return quoted(name.strip())


class Reader:
    """Makes queries over a table's files, with the table's columns in their order."""

    def __init__(self, workspace: Workspace, table: dict[str, Any], columns: list[tuple[str, str]], folder: Path):
        self._workspace, self._table, self._columns, self._folder = workspace, table, columns, folder
        self._serde = (table["StorageDescriptor"].get("SerdeInfo") or {}).get("Parameters") or {}
        self._keys: dict[str, str] = {}  # path → key, for messages

    def sql(self, kind: str, files: list[tuple[Path, str]]) -> str:
        """A query over files of one format. Raises DataRefused."""
        from .engine import DataRefused, StepRefused

        self._keys |= {str(path): key for path, key in files}
        readers = {"JSON": self._json, "CSV": self._csv}
        try:
            if kind in ("ORC", "AVRO"):
                return self._parquet([(self._as_parquet(kind, path), key) for path, key in files])
            if kind == "PARQUET":
                return self._parquet(files)
            groups: dict[str, list[tuple[Path, str]]] = {}
            for path, key in files:
                groups.setdefault(COMPRESSIONS.get(Path(key).suffix, "none"), []).append((path, key))
            return " UNION ALL ".join(readers[kind](self._plain(group, name), name) for name, group in groups.items())
        except (DataRefused, StepRefused) as refused:
            raise self.broken(kind, refused) from None

    def broken(self, kind: str, refused: Exception) -> Exception:
        """The refusal with the key of the file and what is wrong with it."""
        from .engine import DataRefused

        cause = refused.__cause__
        if cause is None:
            return refused
        text = str(cause).strip().splitlines()[0]
        for path, key in self._keys.items():
            text = text.replace(path, key)
        text = re.sub(rf"^[\w ]+ Error: |{re.escape(str(state.root()))}\S*", "", text)
        return DataRefused(f"The files of the table {self._table['Name']} can't be read as {kind}: {text}")

    # --- formats

    def _json(self, paths: list[Path], compression: str) -> str:
        source = (
            f"read_json_objects({_list(paths)}, format='auto', compression='{_codec(compression)}', "
            f"maximum_object_size={LARGEST_OBJECT})"
        )
        found = self._workspace.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM {source}").fetchall()
        names: dict[str, list[str]] = {}
        for (name,) in found:
            names.setdefault(name.lower(), []).append(name)
        wanted = {key: duck for column, duck in self._columns for key in names.get(column.lower(), [])}
        from .engine.types import literal

        structure = json.dumps(wanted)
        parts = []
        for column, duck in self._columns:
            keys = sorted(names.get(column.lower(), []), key=lambda key: key != column)
            values = ", ".join(f"s[{literal(key)}]" for key in keys)
            parts.append(f"CAST({f'coalesce({values})' if keys else 'NULL'} AS {duck}) AS {_quoted(column)}")
        if not wanted:
            return f"SELECT {', '.join(parts)} FROM {source}"
        return f"SELECT {', '.join(parts)} FROM (SELECT json_transform(json, {literal(structure)}) AS s FROM {source})"

    def _csv(self, paths: list[Path], compression: str) -> str:
        from .engine.types import cast, literal, name_of

        serde, is_open = self._serde, "opencsv" in str(self._table["StorageDescriptor"].get("SerdeInfo")).lower()
        parameters = serde | (self._table.get("Parameters") or {})
        delimiter = serde.get("separatorChar" if is_open else "field.delim", "," if is_open else "\x01")
        quote = serde.get("quoteChar", '"') if is_open else serde.get("quoteChar", "")
        skip = int(parameters.get("skip.header.line.count", 0))
        names = [f"c{number}" for number in range(len(self._columns))]
        declared = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        source = (
            f"read_csv({_list(paths)}, columns={{{declared}}}, auto_detect=false, header=false, skip={skip}, "
            f"delim={literal(delimiter)}, quote={literal(quote)}, escape={literal(quote)}, null_padding=true, "
            f"nullstr={literal('' if is_open else chr(92) + 'N')}, strict_mode=false, compression='{_codec(compression)}')"
        )
        parts = [
            f"{cast(name, 'string', name_of(duck))} AS {_quoted(column)}"
            for name, (column, duck) in zip(names, self._columns, strict=True)
        ]
        return f"SELECT {', '.join(parts)} FROM {source}"

    def _parquet(self, files: list[tuple[Path, str]]) -> str:
        source = f"read_parquet({_list([path for path, _ in files])}, union_by_name=true)"
        there = {
            name.lower(): name for name, *_ in self._workspace.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        }
        parts = [
            f"TRY_CAST({_quoted(there[name.lower()]) if name.lower() in there else 'NULL'} AS {duck}) AS {_quoted(name)}"
            for name, duck in self._columns
        ]
        return f"SELECT {', '.join(parts)} FROM {source}"

    # --- files that DuckDB does not read

    def _new_path(self) -> Path:
        return self._folder / str(len(list(self._folder.iterdir())))

    def _plain(self, files: list[tuple[Path, str]], compression: str) -> list[Path]:
        return [self._unpacked(path) if compression == "bzip2" else path for path, _ in files]

    def _unpacked(self, path: Path) -> Path:
        plain = self._new_path()
        with bz2.open(path, "rb") as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target)
        return plain

    def _as_parquet(self, kind: str, path: Path) -> Path:
        import pyarrow as pa
        from pyarrow import orc, parquet

        from .engine import DataRefused

        plain = self._new_path()
        try:
            if kind == "ORC":
                table = orc.read_table(path)
            else:
                import fastavro

                with path.open("rb") as file:
                    table = pa.Table.from_pylist(list(fastavro.reader(file)))
        except (pa.ArrowInvalid, OSError, ValueError, StopIteration) as error:
            raise DataRefused(f"The file {self._keys[str(path)]} is not {kind}: {error}") from None
        parquet.write_table(table, plain)
        return plain


def _list(paths: list[Path]) -> str:
    from .engine.types import literal

    return f"[{', '.join(literal(str(path)) for path in paths)}]"


def _codec(compression: str) -> str:
    return "none" if compression == "bzip2" else compression
