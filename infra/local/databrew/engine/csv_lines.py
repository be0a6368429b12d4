"""CSV as Spark reads it where DuckDB refuses: fields too many are dropped, fields too few are NULL."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from .errors import DataRefused

_BATCH = 50_000
csv.field_size_limit(32 * 1024 * 1024)


def _reader(path: Path, delimiter: str, strict: bool = False) -> tuple:
    file = path.open(encoding="utf-8-sig", newline="")
    return file, csv.reader(file, delimiter=delimiter, strict=strict)


def begins_with_a_row(path: Path) -> bool:
    """Whether the first line of a file is not blank."""
    with path.open("rb") as content:
        return content.readline(64).strip(b"\xef\xbb\xbf \t\r\n") != b""


def _ends_inside_quotes(path: Path, delimiter: str) -> bool:
    file, rows = _reader(path, delimiter, strict=True)
    with file:
        try:
            for _ in rows:
                pass
        except csv.Error as error:
            return "unexpected end" in str(error)
        except UnicodeDecodeError:
            return False  # said when the rows are read
    return False


def first(path: Path, delimiter: str, name: str) -> list[str]:
    """The fields of the first row.

    Raises
    ------
    DataRefused : the file is not UTF-8, or has no rows.
    """
    file, rows = _reader(path, delimiter)
    with file:
        try:
            found = next((row for row in rows if row), None)
        except UnicodeDecodeError:
            raise DataRefused(f"The file {name} is not valid CSV or not encoded in UTF-8.") from None
        except csv.Error:
            raise DataRefused(f"The file {name} is not valid CSV.") from None
    if not found:
        raise DataRefused(f"The file {name} has no rows.")
    return found


def table(files: Sequence[tuple[Path, str]], delimiter: str, width: int, has_header: bool) -> pa.Table:
    """All rows as text, so many fields wide, with the file's path as the last column.

    Raises
    ------
    DataRefused : a file is not UTF-8, no CSV, or ends inside quotation marks.
    """
    names = [f"c{n}" for n in range(width)] + ["filename"]
    schema = pa.schema([(name, pa.string()) for name in names])
    batches: list[pa.RecordBatch] = []
    for path, name in files:
        if _ends_inside_quotes(path, delimiter):
            raise DataRefused(f"The file {name} is not valid CSV: a quotation mark is not closed.")
        file, rows = _reader(path, delimiter)
        columns: list[list[str | None]] = [[] for _ in names]
        with file:
            try:
                for n, row in enumerate(row for row in rows if row):
                    if n == 0 and has_header:
                        continue
                    for at in range(width):
                        columns[at].append(row[at] or None if at < len(row) else None)
                    columns[-1].append(str(path))
                    if len(columns[0]) == _BATCH:
                        batches.append(pa.record_batch(columns, schema=schema))
                        columns = [[] for _ in names]
            except UnicodeDecodeError:
                raise DataRefused(f"The file {name} is not valid CSV or not encoded in UTF-8.") from None
            except csv.Error as error:
                raise DataRefused(f"The file {name} is not valid CSV (line {rows.line_num}).") from error
        batches.append(pa.record_batch([pa.array(column, pa.string()) for column in columns], schema=schema))
    return pa.Table.from_batches(batches, schema)
