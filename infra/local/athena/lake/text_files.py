"""Text files as relations: by DuckDB where it reads a file as the SerDe does, by the exact reader everywhere else.

tests/local/athena/test_text_formats.py compares both on random files.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines.athena import types
from infra.engines.athena.client import Engine
from infra.engines.athena.errors import QueryError
from infra.engines.athena.serdes import TextTable, values
from infra.engines.athena.serdes.csv_text import characters
from infra.engines.athena.serdes.lazy import Lazy
from infra.engines.athena.types import Type, literal, quoted
from infra.local.athena.lake.files import File, paths

KEPT = 20_000  # files whose findings are remembered; an object's file never changes
NEVER = "\x01\x02\x03\x04\x05\x06"  # stands for NULL in files where nothing does
_EMPTY_LINES = (b"\n\n", b"\n\r\n")
_ODD = (b"\r", b"\0")
_NOT_BY_DUCKDB = ("bzip2", "deflate", "snappy")
_LONGEST_OBJECT, _SHORTEST_BUFFER = 16 << 20, 1 << 16  # bytes; DuckDB makes its buffers as large as an object may be
_SCALARS = ("varchar", "char", "boolean", "tinyint", "smallint", "integer", "bigint", "double", "real", "date", "timestamp", "decimal")  # fmt: skip
_found: OrderedDict[tuple[Path, Any], Any] = OrderedDict()
_found_lock = threading.Lock()
_numbers = itertools.count()  # of temporary files

Selects = list[tuple[str, list[File]]]


class Source(NamedTuple):
    """Files that are read in one way.

    Parameters
    ----------
    properties: those of the table and of its SerDe, the SerDe's first
    """

    format: str
    compression: str
    properties: dict[str, str]
    files: list[File]


class FileReader:
    """Makes SELECTs (with the file's path as `filename`) of text files. Temporary files lie in `scratch`."""

    def __init__(self, engine: Engine, scratch: Path):
        self.engine, self.scratch = engine, scratch

    def read(self, source: Source, columns: list[tuple[str, Type]], wanted: list[str], exact: bool) -> Selects:
        """SELECTs of the wanted columns, each with its files. `exact`: none of them by DuckDB alone."""
        properties = source.properties
        table = TextTable(
            source.format, properties, columns, wanted,
            _count(properties, "skip.header.line.count"), _count(properties, "skip.footer.line.count"),
        )  # fmt: skip
        kinds = dict(columns)
        fast = {"openx": self.openx, "lazy": self.lazy, "csv": self.csv}.get(source.format)
        by_duckdb = (
            fast is not None
            and not exact
            and source.compression not in _NOT_BY_DUCKDB
            and table.cut == 0
            and all(kinds[name].name in _SCALARS for name in wanted)
        )
        found, rest = fast(table, source) if fast is not None and by_duckdb else ([], source.files)
        return [*found, *self.exact(table, source.compression, rest)]

    def exact(self, table: TextTable, compression: str, files: list[File]) -> Selects:
        """Files that the exact reader reads: each becomes a file of plain JSON lines."""
        written, longest = [], 0
        for file in files:
            path = self.scratch / f"{next(_numbers)}.json"
            longest = max(longest, self.engine.ask("rewrite", table, file.path, compression, path))
            written.append(file._replace(path=path))
        return [(_plain_json(written, table, longest), written)] if written else []

    def as_parquet(self, file: File, format: str, names: list[str] | None) -> File:
        """An ORC or Avro file as a Parquet file. `names`: what its columns are called, by their places."""
        path = self.scratch / f"{next(_numbers)}.parquet"
        self.engine.ask("as_parquet", file.path, format, names, path, file.uri)
        return file._replace(path=path, size=path.stat().st_size)

    # --- by DuckDB

    def openx(self, table: TextTable, source: Source) -> tuple[Selects, list[File]]:
        properties, kinds = table.properties, dict(table.columns)
        odd = {"case.insensitive": "true", "dots.in.keys": "false"}
        by_duckdb = not table.skipped and all(properties.get(k, v).lower() == v for k, v in odd.items())
        if not by_duckdb or properties.get("timestamp.formats"):
            return [], source.files
        keys = {k.removeprefix("mapping.").lower(): v for k, v in properties.items() if k.startswith("mapping.")}
        asked = [keys.get(name, name).lower() for name in table.wanted]
        groups: dict[tuple[str, ...], list[File]] = defaultdict(list)
        rest = []
        for file in source.files:
            forms = self.key_forms(file.path, source.compression, asked)
            tops = [forms[key] for key in asked]
            if None in tops or len(set(tops)) < len(tops) or self.ask("odd_json", file.path, source.compression):
                rest.append(file)
            else:
                groups[tuple(map(str, tops))].append(file)
        wanted = [(name, kinds[name]) for name in table.wanted]
        return [
            (_json_select(files, source.compression, wanted, forms), files) for forms, files in groups.items()
        ], rest

    def lazy(self, table: TextTable, source: Source) -> tuple[Selects, list[File]]:
        reader, kinds = Lazy(table.properties, table.columns, table.wanted), dict(table.columns)
        if reader.separators[0] in reader.null:
            return [], source.files
        if reader.takes_rest or reader.more_booleans or reader.patterns or not reader.separators[0].isascii():
            return [], source.files
        patterns = [*_EMPTY_LINES, *_ODD, *([reader.escape.encode()] if reader.escape else [])]
        regular, rest = self.parted(source, tuple(patterns))
        if not regular:
            return [], rest
        places = {name: place for place, (name, _) in enumerate(table.columns)}
        empty_is_null = not reader.null
        fields = {n: f"nullif(c{places[n]}, '')" if empty_is_null else f"c{places[n]}" for n in table.wanted}
        select = ", ".join(f"{_lazy(fields[n], kinds[n])} AS {quoted(n)}" for n in table.wanted)
        delimiter = reader.separators[0]
        lines = _csv_reader(regular, source.compression, table, delimiter, reader.null or NEVER.replace(delimiter, ""))
        return [(f"SELECT {select or '1 AS one'}, filename FROM {lines}", regular)], rest

    def csv(self, table: TextTable, source: Source) -> tuple[Selects, list[File]]:
        separator, quote, escape = characters(table.properties)
        kinds = dict(table.columns)
        plain = all(kinds[name].name in ("varchar", "char") for name in table.wanted)
        if not plain or not separator.isascii():
            return [], source.files
        odd = [c.encode() for c in (quote, escape) if c != "\0"]
        regular, rest = self.parted(source, (*_EMPTY_LINES, *_ODD, *odd))
        if not regular:
            return [], rest
        places = {name: place for place, (name, _) in enumerate(table.columns)}
        select = ", ".join(f"{_cut(f'c{places[n]}', kinds[n])} AS {quoted(n)}" for n in table.wanted)
        lines = _csv_reader(regular, source.compression, table, separator, NEVER.replace(separator, ""))
        return [(f"SELECT {select or '1 AS one'}, filename FROM {lines}", regular)], rest

    # --- what files hold

    def parted(self, source: Source, patterns: tuple[bytes, ...]) -> tuple[list[File], list[File]]:
        """The files without any of some byte patterns, and those with one."""
        parts: tuple[list[File], list[File]] = ([], [])
        for file in source.files:
            parts[bool(self.ask("holds", file.path, source.compression, patterns))].append(file)
        return parts

    def ask(self, question: str, path: Path, *arguments: Any) -> Any:
        """What the engine finds in a file; each question about a file is asked once."""
        return remembered(path, (question, *arguments), lambda: self.engine.ask(question, path, *arguments))

    def key_forms(self, path: Path, compression: str, names: list[str]) -> dict[str, str | None]:
        """How a JSON file writes keys given in lower case: itself if it is not there, None if in several ways."""
        with _found_lock:
            known = {name: _found.get((path, ("key", name)), ...) for name in names}
        unknown = [name for name, form in known.items() if form is ...]
        if unknown:
            fresh: dict[str, str | None] = self.engine.ask("key_forms", path, compression, unknown)
            for name in unknown:
                known[name] = remembered(path, ("key", name), partial(fresh.get, name))
        return known


def remembered(path: Path, question: Any, answer: Callable[[], Any]) -> Any:
    """An answer about a file, found out once."""
    key = (path, question)
    with _found_lock:
        if key in _found:
            _found.move_to_end(key)
            return _found[key]
    value = answer()
    with _found_lock:
        _found[key] = value
        while len(_found) > KEPT:
            _found.popitem(last=False)
    return value


def _count(properties: dict[str, str], name: str) -> int:
    text = properties.get(name, "0")
    if not text.strip().isdigit():
        raise QueryError("HIVE_INVALID_METADATA", f"Invalid value for {name} property: {text}")
    return int(text)


# --- DuckDB's SQL


def _plain_json(files: list[File], table: TextTable, longest: int) -> str:
    kinds = dict(table.columns)
    columns, select = [], []
    for name in table.wanted:
        binary = kinds[name].name == "varbinary"
        columns.append(f"{literal(name)}: '{'VARCHAR' if binary else types.duckdb(kinds[name])}'")
        select.append(f"{f'from_base64({quoted(name)})' if binary else quoted(name)} AS {quoted(name)}")
    return _read_json(files, "none", columns, select, longest)


def _read_json(files: list[File], compression: str, columns: list[str], select: list[str], longest: int) -> str:
    listed = "{" + (", ".join(columns) or f"{literal(NEVER)}: 'VARCHAR'") + "}"
    return (
        f"SELECT {', '.join(select or ['1 AS one'])}, filename FROM read_json({paths(files)}, format='newline_delimited', "
        f"columns={listed}, records=true, compression='{compression}', filename=true, "
        f"maximum_object_size={max(longest + 1, _SHORTEST_BUFFER)})"
    )


def _json_select(files: list[File], compression: str, wanted: list[tuple[str, Type]], forms: tuple[str, ...]) -> str:
    """Files of JSON lines; a value that is not of its column's own kind is an error, so that the exact reader decides."""
    columns = [f"{literal(form)}: 'JSON'" for form in forms]
    select = [
        f"{_json_value(quoted(form), kind)} AS {quoted(name)}" for form, (name, kind) in zip(forms, wanted, strict=True)
    ]
    sizes = [file.size for file in files] if compression == "none" else [_LONGEST_OBJECT]
    return _read_json(files, compression, columns, select, min(max(sizes), _LONGEST_OBJECT))


_OTHER = "fail_as({}, 'HIVE_BAD_DATA: a value that the exact reader must read')"
_WHOLE = "-?[0-9]{1,18}"
_NUMBER = r"-?[0-9]{1,17}(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?"


def _json_value(sql: str, kind: Type) -> str:
    """A value of JSON by its text, which tells its kind: DuckDB's own functions would parse it again and again."""
    duck, raw = types.duckdb(kind), f"CAST({sql} AS VARCHAR)"
    text = f"CASE WHEN contains({raw}, '\\') THEN json_extract_string({sql}, '$') ELSE substring({raw}, 2, length({raw}) - 2) END"
    other = _OTHER.format(f"CAST(NULL AS {duck})")

    def when(of: str, value: str) -> str:
        return f"CASE WHEN {sql} IS NULL OR {raw} = 'null' THEN NULL WHEN {of} THEN {value} ELSE {other} END"

    if kind.name in ("varchar", "char"):
        return when(f"{raw}[1] = '\"'", _cut(f"({text})", kind))
    if kind.name == "boolean":
        return when(f"{raw} IN ('true', 'false')", f"{raw} = 'true'")
    if kind.name in ("double", "real"):
        return when(f"regexp_full_match({raw}, '{_NUMBER}')", f"CAST({raw} AS {duck})")
    if kind.name == "timestamp":
        form = r"\"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,3})?\""
        return when(_is_moment(raw, form, text, duck), f"TRY_CAST({text} AS {duck})")
    if kind.name == "date":
        return when(_is_moment(raw, r"\"\d{4}-\d{2}-\d{2}\"", text, duck), f"TRY_CAST({text} AS {duck})")
    return when(
        f"regexp_full_match({raw}, '{_WHOLE}') AND TRY_CAST({raw} AS {duck}) IS NOT NULL", f"TRY_CAST({raw} AS {duck})"
    )


def _is_moment(raw: str, form: str, text: str, duck: str) -> str:
    return f"regexp_full_match({raw}, '{form}') AND TRY_CAST({text} AS {duck}) IS NOT NULL"


def _csv_reader(files: list[File], compression: str, table: TextTable, delimiter: str, null: str) -> str:
    listed = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(max(len(table.columns), 1)))
    return (
        f"read_csv({paths(files)}, columns={{{listed}}}, auto_detect=false, header=false, skip={table.skipped}, "
        f"delim={literal(delimiter)}, quote='', escape='', nullstr={literal(null)}, "
        f"null_padding=true, strict_mode=false, compression='{compression}', filename=true)"
    )


def _cut(sql: str, kind: Type) -> str:
    text = f"substring({sql}, 1, {kind.args[0]})" if kind.args else sql
    return f"rtrim({text}, ' ')" if kind.name == "char" else text


def _lazy(sql: str, kind: Type) -> str:
    """A text field as LazySimpleSerDe reads it; the usual forms by DuckDB, all others by the function of the exact reader."""
    duck = types.duckdb(kind)
    if kind.name in ("varchar", "char"):
        return _cut(sql, kind)
    if kind.name in values.BITS:
        usual = f"TRY_CAST(nullif(split_part({sql}, '.', 1), '') AS {duck})"
        form = r"[+-]?[0-9]{1,18}(\.[0-9]*)?"
    elif kind.name == "boolean":
        return f"CASE lower({sql}) WHEN 'true' THEN true WHEN 'false' THEN false END"
    elif kind.name in ("double", "real"):
        usual, form = f"TRY_CAST({sql} AS {duck})", r"-?[0-9]{1,15}(\.[0-9]{1,15})?"
    elif kind.name == "timestamp":
        usual, form = f"TRY_CAST({sql} AS TIMESTAMP)", r"\d{4}-\d{2}-\d{2} [012]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?"
    elif kind.name == "date":
        usual, form = f"TRY_CAST({sql} AS DATE)", r"\d{4}-\d{2}-\d{2}"
    else:
        return f"CAST(lazy_scalar({sql}, {literal(str(kind))}) AS {duck})"
    other = f"CAST(lazy_scalar({sql}, {literal(str(kind))}) AS {duck})"
    return f"CASE WHEN {sql} IS NULL THEN NULL WHEN regexp_full_match({sql}, '{form}') THEN coalesce({usual}, {other}) ELSE {other} END"
