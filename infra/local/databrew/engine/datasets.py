"""The files of a dataset as a frame: CSV, JSON, Parquet, ORC and Excel.

Text gets types by its values, as Spark's schema inference gives them: a column is of a type if all its values are, else string.
Sources: "Supported file types for data sources", "Connecting to data in a text file", "Connecting data in multiple files" of the guide.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from .errors import DataRefused, StepRefused
from .frame import Frame, Workspace
from .text_types import typed
from .types import literal, quoted
from .unpacked import plain_files

DELIMITERS = (",", ":", ";", "|", "\t", "^", "\\", " ")


class File(NamedTuple):
    """A file of a dataset.

    Parameters
    ----------
    path : where its bytes are.
    name : what the user calls it, an S3 URL; its extension says how it is compressed.
    columns : values that become columns of its rows, the parameters in its key.
    """

    path: Path
    name: str
    columns: dict[str, Any]


def read(workspace: Workspace, files: Sequence[File], format: str, options: dict[str, Any] | None = None) -> Frame:
    """All rows of some files, in the files' order and in the order within each.

    Parameters
    ----------
    format : CSV, JSON, PARQUET, ORC or EXCEL.
    options : FormatOptions of the API: {"Csv": {"Delimiter", "HeaderRow"}}, {"Json": {"MultiLine"}},
        {"Excel": {"SheetNames", "SheetIndexes", "HeaderRow"}}.

    Raises
    ------
    DataRefused : a file is gone, all are empty, or one is not of the format.
    """
    given = (options or {}).get(format.capitalize()) or {}
    full = [file for file in files if _size(file) > 0]
    if not full:
        raise DataRefused(
            "The dataset has no data: " + ("it has no files." if not files else "all its files are empty.")
        )
    with _words(full, format):
        if format == "CSV":
            return _csv(workspace, full, given)
        if format == "JSON":
            return _json(workspace, full, given)
        if format == "PARQUET":
            source = f"read_parquet({_paths(full)}, union_by_name=true, filename=true, hive_partitioning=false)"
            return _framed(workspace, full, source, None)
        from . import tables_of_files

        reader = {"ORC": tables_of_files.orc, "EXCEL": tables_of_files.excel}.get(format)
        if reader is None:
            raise DataRefused(f"The format {format} is not supported.")
        return _arrow(workspace, full, reader(_named(full), given))


def _paths(files: Sequence[File]) -> str:
    """SQL of the list of paths; what DuckDB would take for wildcards stands for itself."""
    escaped = (re.sub(r"[*?\[]", lambda sign: f"[{sign[0]}]", str(file.path)) for file in files)
    return f"[{', '.join(map(literal, escaped))}]"


def _size(file: File) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        raise DataRefused(f"The file {file.name} wasn't found.") from None


@contextmanager
def _words(files: Sequence[File], format: str) -> Iterator[None]:
    """Says of what DuckDB says about files only which file it is about, by the user's name for it."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, StepRefused, DataRefused) as error:
        if isinstance(error, DataRefused) and not isinstance(error.__cause__, duckdb.Error):
            raise
        cause = str(error.__cause__ if isinstance(error.__cause__, duckdb.Error) else error)
        if isinstance(error, StepRefused) and not isinstance(error.__cause__, duckdb.Error):
            raise
        if isinstance(error.__cause__, duckdb.OutOfMemoryException):
            raise DataRefused("The dataset needs more memory than is available.") from error
        named = next((file.name for file in files if str(file.path) in cause), None) or (
            files[0].name if len(files) == 1 else None
        )
        where = f"The file {named}" if named else "A file of the dataset"
        encoding = " or not encoded in UTF-8" if "nicode" in cause or "utf" in cause.lower() else ""
        raise DataRefused(f"{where} is not valid {format}{encoding}.") from error


def _framed(workspace: Workspace, files: Sequence[File], source: str, names: Sequence[str] | None) -> Frame:
    """A frame of a table function that gives `filename` as its last column; the files' own columns take its place."""
    described = [
        (name, duck)
        for name, duck, *_ in workspace.execute(f"DESCRIBE SELECT * EXCLUDE (filename) FROM {source}").fetchall()
    ]
    if not described:
        raise DataRefused("The dataset has no columns.")
    picked = ["* EXCLUDE (filename)"]
    names = list(names or [name for name, _ in described])
    for key in dict.fromkeys(key for file in files for key in file.columns):
        values = {str(file.path): file.columns.get(key) for file in files}
        duck, shown = _parameter(list(values.values()))
        entries = ", ".join(f"{literal(path)}: {literal(shown(value))}" for path, value in values.items())
        picked.append(f"CAST(MAP {{{entries}}}[filename] AS {duck}) AS {quoted(key)}")
        described.append((key, duck))
        names.append(_unique(key, names))
    return Frame.stored_of(workspace, f"SELECT {', '.join(picked)} FROM {source}", described, names)


def _parameter(values: list) -> tuple[str, Any]:
    """The DuckDB type of a path parameter's values, and how each is written."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, int) and not isinstance(value, bool) for value in present):
        return "BIGINT", lambda value: None if value is None else str(value)
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return "DOUBLE", lambda value: None if value is None else repr(float(value))
    if present and all(isinstance(value, date | datetime) for value in present):
        return "TIMESTAMP", lambda value: None if value is None else value.isoformat(sep=" ")
    return "VARCHAR", lambda value: None if value is None else str(value)


def _unique(name: str, taken: Sequence[str]) -> str:
    lower, made, n = {other.lower() for other in taken}, name, 1
    while made.lower() in lower:
        made, n = f"{name}_{n}", n + 1
    return made


_OTHERS = {b"PAR1": "PARQUET", b"ORC": "ORC", b"PK\x03\x04": "EXCEL", b"\x1f\x8b": "gzip", b"BZh": "bzip2"}


def _must_be_text(files: Sequence[File], format: str) -> None:
    """Refuses what begins like a file of another kind, or holds zero bytes."""
    for file in files:
        with file.path.open("rb") as content:
            start = content.read(4096)
        other = next((name for magic, name in _OTHERS.items() if start.startswith(magic)), None)
        if other or b"\0" in start:
            raise DataRefused(
                f"The file {file.name} is not valid {format}{f', it looks like {other}' if other else ''}."
            )


def header(names: Sequence[str]) -> list[str]:
    """Column names of a header row: a name that is empty is Column_<n>, one that repeats gets its position, as in Spark.

    >>> header(["a", "", "A", "b"])
    ['a0', 'Column_2', 'A2', 'b']
    """
    lower = [name.strip().lower() for name in names]
    made: list[str] = []
    for n, name in enumerate(names):
        plain = name.strip() or f"Column_{n + 1}"
        if name.strip() and lower.count(lower[n]) > 1:
            plain = f"{plain}{n}"
        made.append(_unique(plain, made))
    return made


# CSV


def _csv(workspace: Workspace, files: Sequence[File], options: dict[str, Any]) -> Frame:
    from . import csv_lines

    delimiter = options.get("Delimiter") or ","
    has_header = options.get("HeaderRow", True)
    with plain_files(workspace, files, ".csv") as plain:
        _must_be_text(plain, "CSV")
        first = csv_lines.first(plain[0].path, delimiter, plain[0].name)
        names = header(first) if has_header else [f"Column_{n + 1}" for n in range(len(first))]
        columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(names)))
        source = (
            f"{_paths(plain)}, columns={{{columns}}}, auto_detect=false, header={'true' if has_header else 'false'}, "
            f"delim={literal(delimiter)}, quote='\"', escape='\"', allow_quoted_nulls=false, "
            "filename=true, hive_partitioning=false, max_line_size=8388608"
        )
        ways = [
            lambda: _framed(workspace, plain, f"read_csv({source}, null_padding=true)", names),
            # DuckDB takes line breaks inside quotes only where it need not fill up short rows
            lambda: _framed(workspace, plain, f"read_csv({source}, null_padding=false)", names),
            # rows with too many fields: read as Spark does, field by field
            lambda: _arrow(workspace, plain, csv_lines.table(_named(plain), delimiter, len(names), has_header), names),
        ]
        whole = all(csv_lines.begins_with_a_row(file.path) for file in plain)
        frame = _first_that_works(*(ways if whole else ways[-1:]))
    if len(names) == 1:  # a blank line is no row
        frame = frame.where(f"{frame.columns[0].key} IS NOT NULL")
    return typed(frame, {c.name for c in frame.columns[: len(names)]})


def _named(files: Sequence[File]) -> list[tuple[Path, str]]:
    return [(file.path, file.name) for file in files]


def _first_that_works(*ways: Callable[[], Frame]) -> Frame:
    """The frame of the first way of reading that DuckDB does not refuse. Too little memory is no reason to try the next."""
    for way in ways[:-1]:
        try:
            return way()
        except (StepRefused, DataRefused) as refused:
            if isinstance(refused.__cause__, duckdb.OutOfMemoryException):
                raise
    return ways[-1]()


def _arrow(workspace: Workspace, files: Sequence[File], table: Any, names: Sequence[str] | None = None) -> Frame:
    """A frame of an Arrow table whose last column is `filename`."""
    workspace.connection.register("given", table)
    try:
        return _framed(workspace, files, "given", names)
    finally:
        workspace.connection.unregister("given")


# JSON


def _json(workspace: Workspace, files: Sequence[File], options: dict[str, Any]) -> Frame:
    with plain_files(workspace, files, ".json") as plain:
        _must_be_text(plain, "JSON")
        kind = _json_kind(plain, bool(options.get("MultiLine")))
        return _first_that_works(
            lambda: _objects(workspace, plain, kind),
            # several objects in a line, as Firehose writes records that end without a line break
            lambda: _objects(workspace, plain, "unstructured" if kind == "newline_delimited" else kind),
            # integers beyond 8 bytes
            lambda: _objects(workspace, plain, kind, "DECIMAL(38,0)"),
        )


def _objects(workspace: Workspace, files: Sequence[File], kind: str, integer: str = "BIGINT") -> Frame:
    """A frame of the objects in JSON files, with the fields that any of them has."""
    common = f"{_paths(files)}, hive_partitioning=false, format='{kind}', maximum_object_size=16777216"
    found = workspace.execute(
        "SELECT form, min(place) AS first FROM (SELECT json_structure(json)::VARCHAR AS form, row_number() OVER () AS place "
        f"FROM read_json_objects({common})) GROUP BY form ORDER BY first"  # fields in the order in which they come
    ).fetchall()
    structure = merged([json.loads(text) for text, _ in found])
    if not isinstance(structure, dict) or not structure:
        raise DataRefused("The dataset has no data: its files hold no JSON objects.")
    names = list(structure)
    if len({name.lower() for name in names}) < len(names):
        raise DataRefused("Two columns of the dataset have names that differ only in the case of their letters.")
    columns = ", ".join(f"{literal(name)}: {literal(_duck(type_, integer))}" for name, type_ in structure.items())
    return _framed(workspace, files, f"read_json({common}, columns={{{columns}}}, filename=true)", names)


def _json_kind(files: Sequence[File], multi_line: bool) -> str:
    """How the objects stand in the files: a line each, in an array, or one after the other."""
    kinds = set()
    for file in files:
        with file.path.open("rb") as content:
            start = content.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if not multi_line and start == b"[":
            raise DataRefused(f"The file {file.name} is not JSON Lines; a JSON document is read with MultiLine.")
        kinds.add("array" if start == b"[" else "unstructured" if multi_line else "newline_delimited")
    if len(kinds) > 1:
        raise DataRefused("The files of the dataset are JSON documents of different forms: arrays and objects.")
    return kinds.pop()


_NUMBERS = ("UBIGINT", "BIGINT", "HUGEINT", "DOUBLE")


def merged(structures: Sequence[Any]) -> Any:
    """One JSON structure, as DuckDB's json_structure writes them, that holds what each of several holds.

    >>> merged([{"a": "UBIGINT"}, {"a": "DOUBLE", "b": ["NULL"]}, "NULL"])
    {'a': 'DOUBLE', 'b': ['NULL']}
    """
    known = [structure for structure in structures if structure != "NULL"]
    if not known:
        return "NULL"
    if all(isinstance(structure, dict) for structure in known):
        names = dict.fromkeys(name for structure in known for name in structure)
        return {name: merged([s[name] for s in known if name in s]) for name in names}
    if all(isinstance(structure, list) for structure in known):
        items = [item for structure in known for item in structure]
        return [merged(items)] if items else []
    if all(structure in _NUMBERS for structure in known if isinstance(structure, str)) and all(
        isinstance(s, str) for s in known
    ):
        return max(known, key=_NUMBERS.index)
    return known[0] if all(structure == known[0] for structure in known) else "JSON"


def _duck(structure: Any, integer: str) -> str:
    """The DuckDB type of a JSON structure; what is of several kinds becomes text."""
    if isinstance(structure, dict):
        fields = ", ".join(f"{quoted(name)} {_duck(type_, integer)}" for name, type_ in structure.items())
        return f"STRUCT({fields})" if structure else "VARCHAR"
    if isinstance(structure, list):
        return f"{_duck(structure[0], integer)}[]" if structure else "VARCHAR[]"
    known = {"UBIGINT": integer, "BIGINT": integer, "HUGEINT": integer, "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
    return known.get(structure, "VARCHAR")
