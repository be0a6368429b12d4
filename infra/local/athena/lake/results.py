"""Result objects in S3, and the pages of GetQueryResults read from them.

Sources: https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html and measurements of the service:
every value that is not NULL is quoted, NULL is nothing, an empty string is `""`; text results have no header and no last line end.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from infra.engines.athena import types
from infra.engines.athena.client import Engine
from infra.engines.athena.types import Column, quoted

PAGE = 1000
READ = 1 << 20
STRING_COLUMN = {
    "CatalogName": "hive", "SchemaName": "", "TableName": "", "Type": "string", "Precision": 0, "Scale": 0,
    "Nullable": "UNKNOWN", "CaseSensitive": False,
}  # fmt: skip
_PRECISIONS = {
    "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "real": 17, "double": 17, "varbinary": 1073741824,
}  # fmt: skip
_MOMENTS = ("timestamp", "time", "timestamp with time zone", "time with time zone")
_FIELD = re.compile(rb'(?:"((?:[^"]|"")*)")?([,\n])')
_TEXT_TYPES = ("varchar", "char")


class Listing(NamedTuple):
    """The answer of a statement that is no query: column names (no columns: it has none) and rows of one text each."""

    columns: list[dict[str, Any]]
    rows: list[str]
    counted: bool = True  # whether GetQueryResults says UpdateCount 0


def text_columns(*names: str, type: str = "string") -> list[dict[str, Any]]:
    return [{**STRING_COLUMN, "Name": name, "Label": name, "Type": type} for name in names]


def column_info(column: Column) -> dict[str, Any]:
    """What GetQueryResults says about a column of a query."""
    kind = types.parse(column.type)
    name = kind.name
    precision, scale = _PRECISIONS.get(name, 0), 0
    if name == "decimal":
        precision, scale = kind.args
    elif name in _TEXT_TYPES:
        precision = kind.args[0] if kind.args else 2147483647
    elif name in _MOMENTS:
        precision = kind.args[0] if kind.args else 3
    return {
        **STRING_COLUMN, "Name": column.name, "Label": column.name, "Type": "float" if name == "real" else name,
        "Precision": precision, "Scale": scale, "CaseSensitive": name in _TEXT_TYPES,
    }  # fmt: skip


def write_csv(engine: Engine, text_sql: str, names: list[str], path: Path) -> int:
    """Write a query's rows, all columns text, as Athena's CSV; return how many."""
    unique = len(set(names)) == len(names)
    labels = ", ".join(f"v{i} AS {quoted(name if unique else f'v{i}')}" for i, name in enumerate(names))
    target = path if unique else path.with_suffix(".rows")
    file = str(target).replace("'", "''")
    ((count,),) = engine.fetch(
        f"COPY (SELECT {labels} FROM ({text_sql})) TO '{file}' (FORMAT csv, HEADER {str(unique).lower()}, "
        "FORCE_QUOTE *, NULLSTR '', DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
    )
    if not unique:
        with open(path, "wb") as whole, open(target, "rb") as rows:
            whole.write(csv_line(list(names)))
            shutil.copyfileobj(rows, whole)
    return count


def csv_line(values: list[str | None]) -> bytes:
    return (",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in values) + "\n").encode()


# --- the companion .metadata ----------------------------------------------------------------------------------------
# A protobuf without a public schema; the field numbers are those that Athena's JDBC driver reads.

_NUMBERS = {
    "tinyint", "smallint", "integer", "bigint", "float", "double", "decimal", "varchar", "char", "varbinary", *_MOMENTS,
}  # fmt: skip


def metadata(query_id: str, columns: list[dict[str, Any]], update_type: str | None, count: int | None) -> bytes:
    """The bytes of a result's `.metadata` object."""
    out = _bytes_field(1, query_id.encode())
    if update_type:
        out += _bytes_field(2, update_type.encode()) + _number_field(3, count or 0)
    for column in columns:
        kind = column["Type"]
        info = _bytes_field(1, b"hive")
        for number, key in ((4, "Name"), (5, "Label"), (6, "Type")):
            info += _bytes_field(number, column[key].encode())
        if kind in _NUMBERS and (kind != "varchar" or column["Precision"]):
            info += _number_field(7, column["Precision"])
        if kind in _NUMBERS or kind == "date":
            info += _number_field(8, column["Scale"])
        info += _number_field(9, 3)
        if kind in _NUMBERS or kind in ("date", "boolean") or kind.startswith("interval"):
            info += _number_field(10, int(column["CaseSensitive"]))
        out += _bytes_field(4, info)
    return out


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


# --- pages ----------------------------------------------------------------------------------------------------------


class BadToken(Exception):
    """A NextToken that this result did not give."""


def page(path: Path | None, is_csv: bool, rows: int, token: str | None, limit: int) -> tuple[list[Any], str | None]:
    """One page of a result: its rows as the API gives them, and the next token (None on the last page).

    Parameters
    ----------
    path: the result object's file (None: a result without one); rows: how many rows it holds, a CSV's header not counted
    """
    row, offset = _position(token)
    total = rows + (1 if is_csv else 0)
    if path is None or row > total:
        return [], None
    take = min(limit, total - row)
    with open(path, "rb") as file:
        file.seek(offset)
        data, complete = b"", False
        found: list[Any] = []
        while len(found) < take and not complete:
            more = file.read(max(READ, len(data)))
            data, complete = data + more, not more
            found, used = _csv_rows(data, take) if is_csv else _text_rows(data, take, complete)
    row += len(found)
    return found, _token(row, offset + used) if row < total else None


def _position(token: str | None) -> tuple[int, int]:
    if token is None:
        return 0, 0
    try:
        row, offset = json.loads(base64.urlsafe_b64decode(token.encode()))
        return int(row), int(offset)
    except (ValueError, TypeError):
        raise BadToken(token) from None


def _token(row: int, offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([row, offset]).encode()).decode()


def _csv_rows(data: bytes, take: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    fields: list[Any] = []
    at = used = 0
    while len(found) < take and (match := _FIELD.match(data, at)):
        at = match.end()
        text = match[1]
        fields.append({} if text is None else {"VarCharValue": text.replace(b'""', b'"').decode()})
        if match[2] == b"\n":
            found.append({"Data": fields})
            fields = []
            used = at
    return found, used


def _text_rows(data: bytes, take: int, complete: bool) -> tuple[list[Any], int]:
    parts = data.split(b"\n", take)
    parts = parts[:take] if complete or len(parts) > take else parts[:-1]
    used = sum(len(part) + 1 for part in parts)
    return [{"Data": [{"VarCharValue": part.decode()}]} for part in parts], used
