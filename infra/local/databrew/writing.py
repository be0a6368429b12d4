"""Files that a recipe job writes: formats, compressions, parts and partitions. All are whole in a folder before any goes to S3.

Source: https://docs.aws.amazon.com/databrew/latest/dg/jobs.recipe.html
"""

from __future__ import annotations

import bz2
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from .engine import Frame

ROWS_A_PART = 500_000  # where the job says nothing of the number of files
BATCH_ROWS = 50_000
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
CHUNK = 1 << 20
EXTENSIONS = {
    "CSV": "csv",
    "JSON": "json",
    "PARQUET": "parquet",
    "GLUEPARQUET": "glue.parquet",
    "AVRO": "avro",
    "ORC": "orc",
}
ENDINGS = {
    "GZIP": "gz",
    "BZIP2": "bz2",
    "BROTLI": "br",
    "DEFLATE": "deflate",
    "ZSTD": "zstd",
    "SNAPPY": "snappy",
    "LZ4": "lz4",
    "ZLIB": "zlib",
}
PARQUET_CODECS = {"SNAPPY": "snappy", "GZIP": "gzip", "ZSTD": "zstd", "LZ4": "lz4_raw", "BROTLI": "brotli"}
AVRO_CODECS = {"SNAPPY": "snappy", "DEFLATE": "deflate", "BZIP2": "bzip2", "ZSTD": "zstandard"}
AVRO_TYPES: dict[str, Any] = {
    "byte": "int",
    "short": "int",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "decimal": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18},
    "boolean": "boolean",
    "timestamp": {"type": "long", "logicalType": "timestamp-micros"},
    "date": {"type": "int", "logicalType": "date"},
}


class Written(NamedTuple):
    """A file, and the key that it gets."""

    path: Path
    key: str


class NotWritable(Exception):
    """The frame can't be written as asked; the message is the run's ErrorMessage."""


def name_of(job: str, overwrite: bool, started: float) -> tuple[str, str]:
    """Return the folder of a run's files, and what their names begin with.

    Parameters
    ----------
    started: of the run, in seconds since 1970
    """
    if overwrite:
        return "", job
    moment = datetime.fromtimestamp(started, UTC)
    name = f"{job}_{moment:%d%b%Y}_{round(started * 1000)}"
    return f"{name}/", name


def prefix_of(location: dict[str, Any]) -> str:
    """Return the prefix of an output location, "" or with a slash at its end."""
    key = location.get("Key", "").lstrip("/")
    return key if not key or key.endswith("/") else f"{key}/"


class Output:
    """One of a job's outputs: how its files are written and named."""

    def __init__(self, settings: dict[str, Any], job: str, started: float, folder: Path, check: Callable[[], None]):
        self._format = settings.get("Format", "CSV")
        default = "SNAPPY" if self._format == "GLUEPARQUET" else None
        self._compression = settings.get("CompressionFormat", default)
        self._delimiter = ((settings.get("FormatOptions") or {}).get("Csv") or {}).get("Delimiter", ",")
        self._most_files = settings.get("MaxOutputFiles")
        self._partitions = settings.get("PartitionColumns") or []
        self._folder, self._check = folder, check
        own, self._name = name_of(job, bool(settings.get("Overwrite")), started)
        self._prefix = prefix_of(settings["Location"]) + own

    @property
    def extension(self) -> str:
        ending = EXTENSIONS[self._format]
        if self._format == "CSV" and self._delimiter == "\t" and self._compression:
            ending = "tsv"
        return f"{ending}.{ENDINGS[self._compression]}" if self._compression else ending

    def write(self, frame: Frame) -> list[Written]:
        """Write all rows. Raises NotWritable, and what `check` raises when the run is to end."""
        self._folder.mkdir(parents=True)
        if not self._partitions:
            return self._parts(frame, "")
        written: list[Written] = []
        for where, rows in self._split(frame.stored()):
            written += self._parts(rows, where)
        return written

    def _split(self, frame: Frame) -> Iterator[tuple[str, Frame]]:
        """The frame's rows by the values of the partition columns, each with its folder."""
        from .engine.types import text

        missing = [name for name in self._partitions if not any(column.name == name for column in frame.columns)]
        if missing:
            raise NotWritable(f"Partition column {missing[0]} doesn't exist in the output.")
        columns = [frame.column(name) for name in self._partitions]
        rest = [column for column in frame.columns if column not in columns]
        if not rest:
            raise NotWritable("All columns of the output are partition columns: no column is left for the files.")
        values = [f"nullif({text(column.key, column.type)}, '')" for column in columns]
        groups = frame.workspace.execute(f"SELECT DISTINCT {', '.join(values)} FROM {frame.source} ORDER BY ALL")
        for group in groups.fetchall():
            tests = [_equals(sql, value) for sql, value in zip(values, group, strict=True)]
            pairs = zip(self._partitions, group, strict=True)
            where = "".join(f"{quote(name, ' ')}={quote(value, ' ') if value else NO_VALUE}/" for name, value in pairs)
            yield where, frame.where(" AND ".join(tests)).keep(rest)

    def _parts(self, frame: Frame, where: str) -> list[Written]:
        rows = frame.count()
        parts = max(1, -(-rows // ROWS_A_PART))
        parts = min(parts, self._most_files) if self._most_files else parts
        size = -(-rows // parts) if rows else 0
        if parts > 1:
            frame = frame.stored()
        written = []
        for number in range(parts):
            self._check()
            sql = frame.query() if parts == 1 else f"{frame.query()} LIMIT {size} OFFSET {number * size}"
            path = self._folder / f"{len(list(self._folder.iterdir())):05d}"
            self._file(frame, sql, path)
            written.append(Written(path, f"{self._prefix}{where}{self._name}_part{number:05d}.{self.extension}"))
        return written

    def _file(self, frame: Frame, sql: str, path: Path) -> None:
        if self._format in ("PARQUET", "GLUEPARQUET"):
            codec = PARQUET_CODECS[self._compression] if self._compression else "uncompressed"
            frame.workspace.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION {codec})")
        elif self._format == "AVRO":
            self._avro(frame, sql, path)
        elif self._format == "ORC":
            self._orc(frame, sql, path)
        else:
            self._text(frame, sql, path)

    def _text(self, frame: Frame, sql: str, path: Path) -> None:
        built_in = {"GZIP": "gzip", "ZSTD": "zstd", None: "none"}
        codec = built_in.get(self._compression, "none")
        if self._format == "JSON":
            sql = _lines(frame, sql)
            options = f"FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '\x02', ESCAPE '\x02', COMPRESSION {codec}"
        else:
            delimiter = self._delimiter.replace("'", "''")
            options = f"FORMAT csv, HEADER, DELIMITER '{delimiter}', COMPRESSION {codec}"
            sql = _flat(frame, sql)
        frame.workspace.execute(f"COPY ({sql}) TO '{path}' ({options})")
        if self._compression not in built_in:
            self._compress(path)

    def _compress(self, path: Path) -> None:
        plain = path.with_suffix(".plain")
        path.rename(plain)
        with plain.open("rb") as source, _compressed(path, self._compression) as target:
            while chunk := source.read(CHUNK):
                self._check()
                target.write(chunk)
        plain.unlink()

    def _batches(self, frame: Frame, sql: str) -> Iterator[Any]:
        for batch in frame.workspace.execute(sql).to_arrow_reader(BATCH_ROWS):
            self._check()
            yield batch

    def _orc(self, frame: Frame, sql: str, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import orc

        reader = frame.workspace.execute(sql).to_arrow_reader(BATCH_ROWS)
        with orc.ORCWriter(str(path), compression=(self._compression or "uncompressed").lower()) as writer:
            empty = True
            for batch in reader:
                self._check()
                writer.write(pa.Table.from_batches([batch]))
                empty = False
            if empty:
                writer.write(reader.schema.empty_table())

    def _avro(self, frame: Frame, sql: str, path: Path) -> None:
        import fastavro

        for column in frame.columns:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column.name):
                raise NotWritable(
                    f"Column {column.name} can't be written to Avro: a name has letters, digits and _ only."
                )
        fields = [
            {"name": column.name, "type": ["null", AVRO_TYPES.get(column.type, "string")], "default": None}
            for column in frame.columns
        ]
        schema = fastavro.parse_schema({"type": "record", "name": "topLevelRecord", "fields": fields})
        rows = (row for batch in self._batches(frame, _flat(frame, sql)) for row in batch.to_pylist())
        with path.open("wb") as file:
            fastavro.writer(file, schema, rows, codec=AVRO_CODECS[self._compression] if self._compression else "null")


def _lines(frame: Frame, sql: str) -> str:
    """The query's rows as JSON, one column of text: without the members that are NULL, NaN and infinities as text, as Spark writes them.

    JSON text has no control characters, so it needs no quotes of CSV.
    """
    from .engine.types import quoted

    replaced = ", ".join(
        f"CASE WHEN isnan({name}) THEN '\"NaN\"'::JSON WHEN isinf({name}) "
        f"THEN (CASE WHEN {name} > 0 THEN '\"Infinity\"' ELSE '\"-Infinity\"' END)::JSON ELSE to_json({name}) END AS {name}"
        for name in (quoted(column.name) for column in frame.columns if column.type in ("float", "double"))
    )
    told = f"SELECT * REPLACE ({replaced}) FROM ({sql})" if replaced else sql
    return f"SELECT CAST(json_merge_patch('{{}}'::JSON, to_json(r)) AS VARCHAR) AS line FROM ({told}) AS r"


def _flat(frame: Frame, sql: str) -> str:
    """The query with arrays, maps and structs as JSON text."""
    from .engine.types import COMPLEX, quoted, text

    changed = [column for column in frame.columns if column.type in COMPLEX]
    if not changed:
        return sql
    replaced = ", ".join(f"{text(quoted(c.name), c.type)} AS {quoted(c.name)}" for c in changed)
    return f"SELECT * REPLACE ({replaced}) FROM ({sql})"


def _equals(sql: str, value: str | None) -> str:
    from .engine.types import literal

    return f"{sql} IS NULL" if value is None else f"{sql} = {literal(value)}"


class _Deflated:
    """A file that is one zlib stream, which is what Hadoop calls deflate."""

    def __init__(self, path: Path):
        self._file, self._codec = path.open("wb"), zlib.compressobj()

    def write(self, data: bytes) -> None:
        self._file.write(self._codec.compress(data))

    def __enter__(self) -> _Deflated:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.write(self._codec.flush())
        self._file.close()


def _compressed(path: Path, compression: str | None) -> Any:
    if compression == "BZIP2":
        return bz2.open(path, "wb")
    if compression == "DEFLATE":
        return _Deflated(path)
    import pyarrow as pa

    return pa.CompressedOutputStream(str(path), "brotli")


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
