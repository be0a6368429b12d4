"""The DuckDB that runs translated statements: its settings, and what Trino has and DuckDB lacks, as macros and functions.

A macro fails through `fail('CODE: text')`: DuckDB's own error() can't stand inside TRY, a failing cast can.
"""

import re
import threading

import duckdb

from . import udf
from .errors import QueryError

_MACROS = """
fail(text) AS [NULL][CAST('!' || text AS BIGINT)]
local_time(v) AS CASE WHEN v.z = 'UTC' THEN timezone('UTC', v.i) WHEN regexp_matches(v.z, '^[+-]') THEN timezone('UTC', v.i) + offset_interval(v.z) ELSE timezone(v.z, v.i) END
offset_interval(z) AS CAST((z[1] || '1') AS INTEGER) * (to_hours(CAST(z[2:3] AS INTEGER)) + to_minutes(CAST(z[5:6] AS INTEGER)))
at_zone(local, zone) AS CASE WHEN local IS NULL OR zone IS NULL THEN NULL ELSE struct_pack(i := CASE WHEN zone = 'UTC' THEN timezone('UTC', local) WHEN regexp_matches(zone, '^[+-]') THEN timezone('UTC', local - offset_interval(zone)) ELSE timezone(zone, local) END, z := zone) END
utc_zoned(v) AS CASE WHEN v IS NULL THEN NULL ELSE struct_pack(i := timezone('UTC', v), z := 'UTC') END
java_exponent(m, e) AS CASE WHEN strpos(m, '.') > 0 THEN m ELSE m || '.0' END || 'E' || CAST(e AS INTEGER)
scientific(d) AS CASE WHEN strpos(d, 'e') > 0 THEN java_exponent(split_part(d, 'e', 1), split_part(d, 'e', 2)) ELSE scientific_large(split_part(ltrim(d, '-'), '.', 1), split_part(ltrim(d, '-'), '.', 2), CASE WHEN d[1] = '-' THEN '-' ELSE '' END) END
scientific_large(whole, part, sign) AS CASE WHEN whole = '0' THEN sign || scientific_digits(ltrim(part, '0'), length(ltrim(part, '0')) - length(part) - 1) ELSE sign || scientific_digits(whole || CASE WHEN part = '0' THEN '' ELSE part END, length(whole) - 1) END
scientific_digits(digits, e) AS digits[1] || '.' || CASE WHEN rtrim(digits[2:], '0') = '' THEN '0' ELSE rtrim(digits[2:], '0') END || 'E' || e
floating_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR) ELSE scientific(CAST(x AS VARCHAR)) END
double_text(x) AS floating_text(x)
real_text(x) AS floating_text(x)
day_interval_text(v) AS CASE WHEN v IS NULL THEN NULL ELSE day_text(CAST(epoch_ms(v) AS BIGINT)) END
day_text(ms) AS CASE WHEN ms < 0 THEN '-' ELSE '' END || (abs(ms) // 86400000) || ' ' || printf('%02d:%02d:%02d.%03d', abs(ms) // 3600000 % 24, abs(ms) // 60000 % 60, abs(ms) // 1000 % 60, abs(ms) % 1000)
year_interval_text(v) AS CASE WHEN v IS NULL THEN NULL ELSE month_text(datepart('year', v) * 12 + datepart('month', v)) END
month_text(m) AS CASE WHEN m < 0 THEN '-' ELSE '' END || (abs(m) // 12) || '-' || (abs(m) % 12)
json_to_varchar(v) AS CASE json_type(v) WHEN 'NULL' THEN NULL WHEN 'OBJECT' THEN bad_json_cast(v, 'varchar') WHEN 'ARRAY' THEN bad_json_cast(v, 'varchar') ELSE json_extract_string(v, '$') END
bad_json_cast(v, type_name) AS fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(v AS VARCHAR) || ''' to ' || type_name)
double_to_json(v) AS CASE WHEN v IS NULL THEN NULL ELSE CAST(floating_text(v) AS JSON) END
checked_decimal(text, value, params) AS CASE WHEN text IS NOT NULL AND value IS NULL THEN fail('INVALID_CAST_ARGUMENT: Cannot cast VARCHAR ''' || text || ''' to DECIMAL(' || params || '). Value is not a number.') ELSE value END
varchar_to_boolean(s) AS CASE WHEN s IS NULL THEN NULL WHEN lower(s) IN ('t', 'true', '1') THEN true WHEN lower(s) IN ('f', 'false', '0') THEN false ELSE fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to BOOLEAN') END
varchar_to_date(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(trim(s), '[+-]?\\d{4,}-\\d{1,2}-\\d{1,2}') AND TRY_CAST(trim(s) AS DATE) IS NOT NULL THEN TRY_CAST(trim(s) AS DATE) ELSE fail('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || s) END
varchar_to_time(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '\\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d+)?)?') AND TRY_CAST(full_time(s) AS TIME) IS NOT NULL THEN TRY_CAST(full_time(s) AS TIME) ELSE fail('INVALID_CAST_ARGUMENT: Value cannot be cast to time: ' || s) END
full_time(s) AS CASE WHEN length(s) - length(replace(s, ':', '')) = 1 THEN s || ':00' ELSE s END
varchar_to_timestamp(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(trim(s), '\\d{4,}-\\d{1,2}-\\d{1,2}( \\d{1,2}:\\d{1,2}(:\\d{1,2}(\\.\\d+)?)?)?') AND TRY_CAST(full_timestamp(trim(s)) AS TIMESTAMP) IS NOT NULL THEN TRY_CAST(full_timestamp(trim(s)) AS TIMESTAMP) ELSE fail('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ' || s) END
full_timestamp(s) AS CASE WHEN strpos(s, ' ') > 0 AND length(s) - length(replace(s, ':', '')) = 1 THEN s || ':00' ELSE s END
varchar_to_zoned(s) AS parsed_zoned(zoned_parts(s))
parsed_zoned(p) AS at_zone(CAST(p[1] AS TIMESTAMP), p[2])
utc_now() AS CAST(timezone('UTC', date_trunc('millisecond', now())) AS TIMESTAMP)
unscaled(v, scale) AS CAST(replace(CAST(v AS VARCHAR), '.', '') AS HUGEINT)
rounded_division(a, b) AS (2 * abs(a) + abs(b)) // (2 * abs(b)) * CASE WHEN (a < 0) <> (b < 0) THEN -1 ELSE 1 END
rescaled(v, scale) AS CASE WHEN scale = 0 THEN CAST(v AS VARCHAR) ELSE with_point(CASE WHEN v < 0 THEN '-' ELSE '' END, lpad(CAST(abs(v) AS VARCHAR), CAST(greatest(length(CAST(abs(v) AS VARCHAR)), scale + 1) AS INTEGER), '0'), scale) END
with_point(sign, digits, scale) AS sign || left(digits, -scale) || '.' || right(digits, scale)
date_shifted(d, v) AS CASE WHEN epoch_ms(v) % 86400000 <> 0 THEN fail('INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date') ELSE d + CAST(epoch_ms(v) // 86400000 AS INTEGER) END
shown_in(v, zone) AS CASE WHEN v IS NULL OR zone IS NULL THEN NULL ELSE struct_pack(i := v.i, z := zone) END
offset_name(minutes) AS CASE WHEN minutes = 0 THEN 'UTC' ELSE printf('%s%02d:%02d', CASE WHEN minutes < 0 THEN '-' ELSE '+' END, abs(minutes) // 60, abs(minutes) % 60) END
array_joined(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END
array_subscript(a, i) AS CASE WHEN i = 0 THEN fail('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') WHEN i < 0 THEN fail('INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i) WHEN i > len(a) THEN fail('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || i || ' > ' || len(a)) ELSE a[i] END
map_subscript(m, k, shown) AS CASE WHEN m IS NOT NULL AND k IS NOT NULL AND NOT map_contains(m, k) THEN fail('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || shown) ELSE map_extract_value(m, k) END
round_timestamp(v, step) AS make_timestamp(((epoch_us(v) + step // 2) // step) * step)
"""

_INTEGERS = {"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT"}


def _macros() -> list[str]:
    found = [line for line in _MACROS.strip().splitlines() if line]
    for name, to in _INTEGERS.items():
        java = "INT" if name == "integer" else to
        found.append(
            f"varchar_to_{name}(s) AS CASE WHEN s IS NULL THEN NULL "
            f"WHEN regexp_full_match(s, '[+-]?[0-9]+') AND TRY_CAST(s AS {to}) IS NOT NULL THEN TRY_CAST(s AS {to}) "
            f"ELSE fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to {java}') END"
        )
        found.append(
            f"double_to_{name}(v) AS CASE WHEN v IS NULL THEN NULL WHEN TRY_CAST(round(v) AS {to}) IS NOT NULL "
            f"THEN TRY_CAST(round(v) AS {to}) "
            f"WHEN isnan(v) THEN fail('INVALID_CAST_ARGUMENT: Cannot cast double NaN to {name}') "
            f"ELSE fail('INVALID_CAST_ARGUMENT: Unable to cast ' || floating_text(v) || ' to {name}') END"
        )
        found.append(
            f"json_to_{name}(v) AS CASE WHEN json_type(v) = 'DOUBLE' "
            f"THEN double_to_{name}(CAST(json_extract_string(v, '$') AS DOUBLE)) "
            f"WHEN json_type(v) = 'BOOLEAN' THEN CAST(CAST(v AS VARCHAR) = 'true' AS {to}) "
            f"ELSE varchar_to_{name}(json_to_varchar(v)) END"
        )
    for name, to in (("double", "DOUBLE"), ("real", "FLOAT")):
        found.append(
            f"varchar_to_{name}(s) AS CASE WHEN s IS NULL THEN NULL WHEN trim(s) IN ('NaN', 'Infinity', '-Infinity') "
            f"THEN CAST(trim(s) AS {to}) "
            f"WHEN regexp_full_match(trim(s), '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?') "
            f"THEN CAST(rtrim(trim(s), 'dDfF') AS {to}) "
            f"ELSE fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to {to if to == 'DOUBLE' else 'REAL'}') END"
        )
    return found


_lock = threading.Lock()
_shared: duckdb.DuckDBPyConnection | None = None


def connect() -> duckdb.DuckDBPyConnection:
    """A connection to the process's one in-memory database, with temporary tables of its own.

    The first call makes the database; later ones are cheap. Close it after use; `interrupt()` stops its query only.
    """
    global _shared
    with _lock:
        if _shared is None:
            _shared = _open()
        return _shared.cursor()


def _open() -> duckdb.DuckDBPyConnection:
    settings = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "TimeZone": "UTC",
        "default_null_order": "nulls_last",
        "preserve_identifier_case": "true",
    }
    database = duckdb.connect(":memory:")
    for name, value in settings.items():
        database.execute(f"SET GLOBAL {name} = '{value}'")
    udf.register(database)
    database.execute(";\n".join(f"CREATE MACRO {m}" for m in _in_order(_macros())))
    return database


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


_KNOWN = [
    (r"Could not convert string '!(\w+): (.*?)' to INT64", lambda m: (m[1], m[2])),
    (r"ATHENA (\w+): (.*)", lambda m: (m[1], m[2].split("\n")[0])),
    (r"Division by zero", lambda m: ("DIVISION_BY_ZERO", "Division by zero")),
    (
        r"More than one row returned by a subquery",
        lambda m: ("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
    ),
    (r"Overflow in (\w+) of INT(\d+) \((-?\d+) . (-?\d+)\)", lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", _overflow(m))),
    (
        r"Type (\w+) with value (\S+) can't be cast",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Out of range for target type: {m[2]}"),
    ),
    (
        r"Casting value \"(\S+)\" to type DECIMAL\((\d+),(\d+)\)",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast DECIMAL '{m[1]}' to DECIMAL({m[2]}, {m[3]})"),
    ),
    (
        r"Could not cast value (\S+) to DECIMAL\((\d+),(\d+)\)",
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast '{m[1]}' to DECIMAL({m[2]}, {m[3]})"),
    ),
    (r"Unknown TimeZone '([^']*)'", lambda m: ("INVALID_FUNCTION_ARGUMENT", f"'{m[1]}' is not a valid time zone")),
    (r"Map keys must be unique", lambda m: ("INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed")),
    (r"Map keys can not be NULL", lambda m: ("INVALID_FUNCTION_ARGUMENT", "map key cannot be null")),
    (r"Could not parse string \"([^\"]*)\"", lambda m: ("INVALID_FUNCTION_ARGUMENT", f'Invalid format: "{m[1]}"')),
    (r"invalid UTF8|Invalid unicode", lambda m: ("HIVE_BAD_DATA", "Invalid UTF-8 in the data")),
    (r"Malformed JSON", lambda m: ("HIVE_CURSOR_ERROR", "Row is not a valid JSON Object")),
]
_SIZES = {"8": "tinyint", "16": "smallint", "32": "integer", "64": "bigint", "128": "decimal"}
_SIGNS = {"addition": "+", "subtraction": "-", "multiplication": "*"}


def _overflow(m: re.Match) -> str:
    return f"{_SIZES[m[2]]} {m[1]} overflow: {m[3]} {_SIGNS.get(m[1], '')} {m[4]}"


def run_time_error(error: Exception) -> QueryError:
    """What Trino would say for an error that DuckDB raised while a statement ran. No path of this machine is in it."""
    if isinstance(error, QueryError):
        return error
    text = str(error)
    for pattern, made in _KNOWN:
        if match := re.search(pattern, text, re.DOTALL):
            return QueryError(*made(match))
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exhausted resources at this scale factor")
    if isinstance(error, duckdb.ConversionException):
        if "JSON" in text or "json" in text:
            return QueryError("INVALID_CAST_ARGUMENT", "Cannot cast JSON value: " + _first_line(text))
        if "out of range" in text or "Overflow" in text:
            return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(text))
        return QueryError("INVALID_CAST_ARGUMENT", _first_line(text))
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryError("NUMERIC_VALUE_OUT_OF_RANGE", _first_line(text))
    if isinstance(error, duckdb.IOException):
        return QueryError("HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split")
    if isinstance(error, duckdb.InvalidInputException):
        return QueryError("HIVE_BAD_DATA", _first_line(text))
    return QueryError("GENERIC_INTERNAL_ERROR", _first_line(text))


def _first_line(text: str) -> str:
    """The first line of a DuckDB message, without its kind and without paths."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    line = re.sub(r"^[\w ]+ (Error|Exception): ", "", line)
    return re.sub(r"(/[\w.+=@%-]+){2,}", "…", line)
