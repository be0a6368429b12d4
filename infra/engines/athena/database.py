"""The DuckDB that runs translated statements: its settings, and what Trino has and DuckDB lacks, as macros and functions.

A macro fails through `fail_as(value, 'CODE: text')`: DuckDB's own error() can't stand inside TRY, a failing cast can.
"""

import atexit
import re
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb

from infra.engines.athena.functions.registration import register

from .errors import QueryError
from .limits import exhausted
from .serdes import lazy, values
from .text import java_double
from .types import literal, parse

_MACROS = Path(__file__).with_name("macros.sql")

_INTEGERS = {"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT"}


def _macros() -> list[str]:
    found = [line for line in _MACROS.read_text().splitlines() if line and not line.startswith("--")]
    found.append(f"out_of_memory() AS {literal(str(exhausted()))}")
    for name, to in _INTEGERS.items():
        java = "INT" if name == "integer" else to
        found.append(
            f"varchar_to_{name}(s) AS CASE WHEN s IS NULL THEN NULL "
            f"WHEN regexp_full_match(s, '[+-]?[0-9]+') AND TRY_CAST(s AS {to}) IS NOT NULL THEN TRY_CAST(s AS {to}) "
            f"ELSE fail_as(0::{to}, 'INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to {java}') END"
        )
        found.append(
            f"double_to_{name}(v) AS CASE WHEN v IS NULL THEN NULL WHEN TRY_CAST(round(v) AS {to}) IS NOT NULL "
            f"THEN TRY_CAST(round(v) AS {to}) "
            f"WHEN isnan(v) THEN fail_as(0::{to}, 'INVALID_CAST_ARGUMENT: Cannot cast double NaN to {name}') "
            f"ELSE fail_as(0::{to}, 'INVALID_CAST_ARGUMENT: Unable to cast ' || floating_text(v) || ' to {name}') END"
        )
        found.append(
            f"json_to_{name}(v) AS CASE WHEN json_type(v) = 'DOUBLE' "
            f"THEN double_to_{name}(TRY_CAST(json_extract_string(v, '$') AS DOUBLE)) "
            f"WHEN json_type(v) = 'BOOLEAN' THEN CAST(CAST(v AS VARCHAR) = 'true' AS {to}) "
            f"ELSE varchar_to_{name}(json_to_varchar(v)) END"
        )
    for name, to in (("double", "DOUBLE"), ("real", "FLOAT")):
        found.append(
            f"varchar_to_{name}(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(trim(s), '[+-]?(NaN|Infinity)') "
            f"THEN CAST(ltrim(trim(s), '+') AS {to}) "
            f"WHEN regexp_full_match(trim(s), '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?') "
            f"THEN CAST(rtrim(trim(s), 'dDfF') AS {to}) "
            f"ELSE fail_as(0::{to}, 'INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to {to if to == 'DOUBLE' else 'REAL'}') END"
        )
    return found


_lock = threading.Lock()
_shared: duckdb.DuckDBPyConnection | None = None


def connect(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to the process's one in-memory database, with temporary tables of its own.

    The first call makes the database; later ones are cheap. Close it after use; `interrupt()` stops its query only.
    spill: where the database puts what does not fit into memory; the first call decides, without it nothing is put anywhere.
    """
    global _shared
    with _lock:
        if _shared is None:
            _shared = _open(spill)
            # Python cannot see that the database's functions refer to this module, and so to the database
            atexit.register(_shared.close)
        return _shared.cursor()


def _open(spill: Path | None) -> duckdb.DuckDBPyConnection:
    settings = {
        "temp_directory": str(spill or ""),
        # With it DuckDB 2.0 fails (BindBuiltinScalarFunction …) where a column of nested text functions is known to be all NULL.
        "disabled_optimizers": "statistics_propagation",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "TimeZone": "UTC",
        "default_null_order": "nulls_last",
        "preserve_identifier_case": "true",
    }
    database = duckdb.connect(":memory:")
    for name, value in settings.items():
        database.execute(f"SET GLOBAL {name} = {literal(value)}")
    register(database)
    database.create_function("lazy_scalar", _lazy_scalar, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")
    database.execute(";\n".join(f"CREATE MACRO {m}" for m in _in_order(_macros())))
    return database


def _lazy_scalar(text: str | None, type: str) -> str | None:
    """A field of delimited text, by the exact reader's rules; NULL where it is none of its type."""
    if text is None:
        return None
    kind = parse(type)
    if kind.name in values.BITS:
        found = lazy.whole(text, kind.name)
    else:
        try:
            found = lazy.scalar(text, kind, [])
        except values.Bad:
            found = None
    return None if found is None else str(found)


def _in_order(macros: list[str]) -> list[str]:
    """The macros, each after those it uses."""
    by_name = {m[: m.index("(")]: m for m in macros}
    done: dict[str, str] = {}

    def place(name: str) -> None:
        if name not in done:
            for used in re.findall(r"(\w+)\(", by_name[name][len(name) :]):
                if used in by_name and used != name:
                    place(used)
            done[name] = by_name[name]

    for name in by_name:
        place(name)
    return list(done.values())


_SIZES = {"8": "tinyint", "16": "smallint", "32": "integer", "64": "bigint", "128": "decimal"}
_ABS = {4: "tinyint", 6: "smallint", 11: "integer", 20: "bigint"}
_JAVA_SIZES = {"8": "TINYINT", "16": "SMALLINT", "32": "INT", "64": "BIGINT"}
# What RE2 and Python say about a pattern, and what Joni does.
_PATTERNS = [
    (r"missing \]|unterminated character set", "premature end of char-class"),
    (r"missing \)|unterminated subpattern|missing \), unterminated", "end pattern with unmatched parenthesis"),
    (r"unexpected \)|unbalanced parenthesis", "unmatched close parenthesis"),
    (r"no argument for repetition|nothing to repeat", "target of repeat operator is not specified"),
    (r"trailing \\|bad escape \(end of pattern\)", "end pattern at escape"),
    (r"invalid character class range|bad character range", "empty range in char class"),
    (r"invalid repetition size|too big a number|min repeat greater", "too big number range"),
    (
        r"invalid character class|invalid named capture|invalid perl operator|unknown extension|invalid group",
        "undefined group option",
    ),
    (r"invalid escape sequence|bad escape", "invalid escape"),
    (r"invalid group reference|unknown group name", "invalid backref number/name"),
]
_SIGNS = {"addition": "+", "subtraction": "-", "multiplication": "*"}
_KNOWN: list[tuple[str, Callable[[re.Match[str]], tuple[str, str]]]] = [
    (
        r"Could not decode string \"(.*?)\" as base64",
        lambda m: ("INVALID_FUNCTION_ARGUMENT", _illegal_base64(m[1])),
    ),
    (r"Could not convert string '(.*?)' to (?:UUID|INT128)", lambda m: ("INVALID_CAST_ARGUMENT", _no_uuid(m[1]))),
    (
        r"[Ll]ike pattern must not end with escape",
        lambda m: (
            "INVALID_FUNCTION_ARGUMENT",
            "Escape character must be followed by '%', '_' or the escape character itself",
        ),
    ),
    (r"Could not convert string '!(\w+): (.*?)' to INT64", lambda m: (m[1], m[2])),
    (r"ATHENA (\w+): (.*)", lambda m: (m[1], m[2].split("\n")[0])),
    (r"Overflow.*DECIMAL", lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")),
    (
        r"TRY can not be used",
        lambda m: ("NOT_SUPPORTED", "TRY around a subquery or a random value is not supported by the local Athena"),
    ),
    (r"Division by zero", lambda m: ("DIVISION_BY_ZERO", "Division by zero")),
    (
        r"More than one row returned by a subquery",
        lambda m: ("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
    ),
    (r"Overflow in (\w+) of INT(\d+) \((-?\d+) . (-?\d+)\)", lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", _overflow(m))),
    (
        r"Type INT128 with value \S+ can't be cast .* the destination type INT64",
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", "bigint addition overflow"),
    ),
    (
        r"Type \w+ with value (\S+) can't be cast .* the destination type INT(\d+)",
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", f"Out of range for {_SIZES[m[2]]}: {m[1]}"),
    ),
    (
        r"Casting value \"(\S+)\" to type DECIMAL\((\d+),(\d+)\)",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast DECIMAL '{m[1]}' to DECIMAL({m[2]}, {m[3]})"),
    ),
    (
        r"Could not cast value (\S+) to DECIMAL\((\d+),(\d+)\)",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast {_number_for(m[1])} to DECIMAL({m[2]}, {m[3]})"),
    ),
    (
        r"Failed to cast decimal value (\S+) to type INT(\d+)",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast '{m[1]}' to {_JAVA_SIZES[m[2]]}"),
    ),
    (
        r"Invalid UTF8 Codepoint (-?\d+)",
        lambda m: ("INVALID_FUNCTION_ARGUMENT", f"Not a valid Unicode code point: {m[1]}"),
    ),
    (
        r"Overflow on abs\((-\d+)\)",
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", f"Value {m[1]} is out of range for abs({_ABS[len(m[1])]})"),
    ),
    (r"Unknown TimeZone '([^']*)'", lambda m: ("NOT_SUPPORTED", f"Time zone not supported: {m[1]}")),
    (r"Map keys must be unique", lambda m: ("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed")),
    (r"Map keys can not be NULL", lambda m: ("INVALID_FUNCTION_ARGUMENT", "map key cannot be null")),
    (r"Could not parse string \"([^\"]*)\"", lambda m: ("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{m[1]}"')),
    (r"invalid UTF8|Invalid unicode", lambda m: ("HIVE_BAD_DATA", "Invalid UTF-8 in the data")),
    (r"Malformed JSON", lambda m: ("HIVE_CURSOR_ERROR", "Row is not a valid JSON Object")),
]


def _illegal_base64(text: str) -> str:
    odd = next((c for c in text if not re.match("[A-Za-z0-9+/=]", c)), None)
    return f"Illegal base64 character {ord(odd):x}" if odd else "Input byte array has wrong 4-byte ending unit"


def _number_for(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]+", text):
        return f"DOUBLE '{java_double(float(text))}'"
    return f"{'INTEGER' if -(2**31) <= int(text) < 2**31 else 'BIGINT'} '{text}'"


def _no_uuid(text: str) -> str:
    return f"Invalid UUID string length: {len(text)}" if len(text) != 36 else f"Cannot cast value to UUID: {text}"


def _overflow(m: re.Match) -> str:
    return f"{_SIZES[m[2]]} {m[1]} overflow: {m[3]} {_SIGNS.get(m[1], '')} {m[4]}"


def run_time_error(error: Exception) -> QueryError:
    """What Trino would say for an error that DuckDB raised while a statement ran. No path of this machine is in it."""
    if isinstance(error, QueryError):
        return error
    if isinstance(error, duckdb.OutOfMemoryException) or re.match(
        r"(?:[\w ]+ Error: )?(?:Python exception[^:]*: )?MemoryError\b", str(error)
    ):
        return exhausted()
    text = str(error)
    for pattern, made in _KNOWN:
        if match := re.search(pattern, text, re.DOTALL):
            return QueryError(*made(match))
    for pattern, said in _PATTERNS:
        if re.search(pattern, text):
            return QueryError("INVALID_FUNCTION_ARGUMENT", said)
    if isinstance(error, duckdb.ConversionException):
        if "out of range" in text or "Overflow" in text:
            return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", "A value is out of the range of its type")
        return QueryError("INVALID_CAST_ARGUMENT", "A value cannot be cast to the type that is wanted")
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", "A value is out of the range of its type")
    if isinstance(error, duckdb.IOException):
        return QueryError("HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split")
    if isinstance(error, duckdb.InvalidInputException):
        return QueryError("INVALID_FUNCTION_ARGUMENT", "A function got a value that it does not take")
    return QueryError("GENERIC_INTERNAL_ERROR", "Internal error")
