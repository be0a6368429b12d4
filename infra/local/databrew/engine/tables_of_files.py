"""Files that DuckDB does not read, as Arrow tables: ORC and Excel. The last column is the file's path.

Sources: "Connecting to data in a text file" of the guide (Excel sheets), ExcelOptions of the API reference.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pyarrow as pa

from .errors import DataRefused

Files = Sequence[tuple[Path, str]]


def orc(files: Files, options: dict[str, Any]) -> pa.Table:
    """The rows of ORC files.

    Raises
    ------
    DataRefused : one is none.
    """
    from pyarrow import orc as pyarrow_orc

    tables = []
    for path, name in files:
        try:
            read = pyarrow_orc.read_table(path)
        except (pa.ArrowException, OSError):
            raise DataRefused(f"The file {name} is not valid ORC.") from None
        tables.append(read.append_column("filename", pa.array([str(path)] * read.num_rows, pa.string())))
    return _together(tables)


def _together(tables: list[pa.Table]) -> pa.Table:
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException:
        raise DataRefused("The files of the dataset have columns of the same name and different types.") from None
    return whole.select([name for name in whole.column_names if name != "filename"] + ["filename"])


def excel(files: Files, options: dict[str, Any]) -> pa.Table:
    """The rows of one sheet of each workbook: the one that the options name, else the first.

    Raises
    ------
    DataRefused : a file is no .xlsx workbook, or lacks the sheet.
    """
    from .datasets import header

    has_header = options.get("HeaderRow", True)
    tables = []
    for path, name in files:
        rows = _sheet(path, name, options)
        if not rows:
            continue
        width = max(len(row) for row in rows)
        rows = [row + [None] * (width - len(row)) for row in rows]
        first = [_text(value) or "" for value in rows[0]]
        names = header(first) if has_header else [f"Column_{n + 1}" for n in range(width)]
        columns = list(zip(*rows[1 if has_header else 0 :], strict=True)) or [()] * width
        arrays = [_array(list(column)) for column in columns]
        table = pa.table(dict(zip(names, arrays, strict=True)))
        tables.append(table.append_column("filename", pa.array([str(path)] * table.num_rows, pa.string())))
    if not tables:
        raise DataRefused("The dataset has no data: its sheets are empty.")
    return _together(tables)


def _sheet(path: Path, name: str, options: dict[str, Any]) -> list[list]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with path.open("rb") as content:
            book = load_workbook(content, read_only=True, data_only=True)
            wanted, at = options.get("SheetNames"), options.get("SheetIndexes")
            if wanted and wanted[0] not in book.sheetnames:
                raise DataRefused(f"The file {name} has no sheet {wanted[0]}.")
            if at and at[0] >= len(book.sheetnames):
                raise DataRefused(f"The file {name} has no sheet with the index {at[0]}.")
            sheet = book[wanted[0]] if wanted else book[book.sheetnames[at[0] if at else 0]]
            rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError):
        raise DataRefused(f"The file {name} is not an Excel workbook (.xlsx).") from None
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    return rows


def _array(values: list) -> pa.Array:
    """Values of one kind in its type, others as text."""
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(abs(value) < 2**63 for value in present):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds and kinds <= {datetime, date}:
        moments = [
            value if isinstance(value, datetime) or value is None else datetime.combine(value, time())
            for value in values
        ]
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
