"""CSV: its delimiter, header and types."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

from infra.local.glue.crawler.content import CSV_DELIMITERS, CSV_ROWS, HEADER_CELL_LENGTH, Content
from infra.local.glue.crawler.schema import (
    NULL,
    Type,
    merge,
    text_type,
)


def of_csv(text: bytes, whole: bool, settings: dict[str, Any] | None = None) -> Content | None:
    """Read separated values, by the built-in rules or a CSV classifier's settings."""
    settings = settings or {}
    try:
        decoded = text.decode("utf-8-sig") if whole else _without_cut(text).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    delimiters = (settings["Delimiter"],) if settings.get("Delimiter") else CSV_DELIMITERS
    quote = settings.get("QuoteSymbol") or '"'
    for delimiter in delimiters:
        rows = _rows(decoded, delimiter, quote)
        width, share = _width(rows)
        if share >= 0.9 and (width >= 2 or settings.get("AllowSingleColumn")) and len(rows) >= 2:
            return _csv_content(decoded, rows, width, delimiter, settings)
    return None


def _without_cut(text: bytes) -> bytes:
    """Drop the last line of a sample: it may be cut off."""
    return text[: text.rfind(b"\n") + 1] or text


def _rows(text: str, delimiter: str, quote: str) -> list[list[str]]:
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > CSV_ROWS:
                break
    except csv.Error:
        return []
    return rows


def _width(rows: list[list[str]]) -> tuple[int, float]:
    """Return the usual number of cells, and the share of rows that have it."""
    if not rows:
        return 0, 0.0
    width, count = Counter(len(row) for row in rows).most_common(1)[0]
    return width, count / len(rows)


def _csv_content(
    text: str, rows: list[list[str]], width: int, delimiter: str, settings: dict[str, Any]
) -> Content | None:
    usual = [row for row in rows if len(row) == width]
    if not settings.get("DisableValueTrimming"):
        usual = [[cell.strip() for cell in row] for row in usual]
    types = [_column_type(usual[1:], at) for at in range(width)]
    has_header = _has_header(usual[0], types, settings.get("ContainsHeader", "UNKNOWN"))
    if not has_header:
        types = [merge(kind, text_type(cell)) for kind, cell in zip(types, usual[0], strict=True)]
    names = [name.lower() for name in settings.get("Header") or []]
    if not names:
        names = [name.lower() for name in usual[0]] if has_header else [f"col{at}" for at in range(width)]
    if len(names) != width:
        return None  # the classifier's header is not that of this file
    parameters = {"delimiter": delimiter, "areColumnsQuoted": "false", "columnsOrdered": "true"}
    if has_header:
        parameters["skip.header.line.count"] = "1"
    lines = text.count("\n") + (not text.endswith("\n"))
    return Content(
        "csv",
        schema=dict(zip(_unique(names), types, strict=True)),
        records=max(0, lines - has_header),
        record_bytes=len(text.encode()),
        parameters={**parameters, **_quote_parameter(settings)},
        serde=settings.get("Serde", "None").replace("None", ""),
        skipped=len(rows) - len(usual),
    )


def _quote_parameter(settings: dict[str, Any]) -> dict[str, str]:
    return {"quoteChar": settings["QuoteSymbol"]} if settings.get("QuoteSymbol") else {}


def _column_type(rows: list[list[str]], at: int) -> Type:
    kind: Type = NULL
    for row in rows:
        kind = merge(kind, text_type(row[at]))
        if kind == "string":
            break
    return kind


def _has_header(first: list[str], types: list[Type], told: str) -> bool:
    """Tell whether the first row names the columns; without being told, AWS's rules decide.

    Every cell is text, shorter than 150 characters and not empty (but for the last), and some column is not text below it.
    """
    if told in ("PRESENT", "ABSENT"):
        return told == "PRESENT"
    if any(text_type(cell) not in ("string", NULL) for cell in first):
        return False
    if any(not cell or len(cell) >= HEADER_CELL_LENGTH for cell in first[:-1]):
        return False
    return any(kind not in ("string", NULL) for kind in types)


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for at, name in enumerate(names):
        name = name or f"col{at}"
        found.append(name if name not in found else f"{name}_{at}")
    return found
