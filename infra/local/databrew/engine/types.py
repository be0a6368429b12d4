"""DataBrew's data types, how DuckDB holds them, and how a value of one becomes a value of another.

A value that can't be converted becomes NULL, and text is read as Spark reads it: '1.7' as int is 1, where DuckDB rounds to 2.
Source: recipe-actions.CHANGE_DATA_TYPE of the DataBrew guide.
"""

import re

TYPES = {
    "byte": "TINYINT",
    "short": "SMALLINT",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DECIMAL(38,18)",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}
INTEGERS = ("byte", "short", "int", "long")
NUMBERS = (*INTEGERS, "float", "double", "decimal")
TIMES = ("date", "timestamp")
COMPLEX = ("array", "map", "struct")

WHOLE = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity"

_NAMES = {duck: name for name, duck in TYPES.items()}
# What files hold and DataBrew has no name for: the next wider type that it has.
_WIDER = {
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INTEGER",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(38,18)",
    "HUGEINT": "DECIMAL(38,18)",
    "UHUGEINT": "DOUBLE",
    "BIGNUM": "DOUBLE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
    "TIMESTAMP_NS": "TIMESTAMP",
}


def name_of(duck: str) -> str:
    """DataBrew's name of a DuckDB type.

    >>> name_of("BIGINT"), name_of("DECIMAL(10,2)"), name_of("INTEGER[]")
    ('long', 'decimal', 'array')
    """
    if duck in _NAMES:
        return _NAMES[duck]
    if duck.endswith("]"):
        return "array"
    for start, name in (("DECIMAL", "decimal"), ("MAP(", "map"), ("STRUCT(", "struct")):
        if duck.startswith(start):
            return name
    return "string"


def widened(duck: str) -> str | None:
    """The DuckDB type that a column read from a file is cast to, or None if it stays as it is."""
    if duck in _NAMES or duck.startswith(("DECIMAL", "MAP(", "STRUCT(")) or duck.endswith("]"):
        return None
    return _WIDER.get(duck, "VARCHAR")


def literal(value: object) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return f"CAST('{value}' AS DOUBLE)" if isinstance(value, float) else str(value)
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def cast(expression: str, source: str, target: str) -> str:
    """SQL that converts an expression of DataBrew's type `source` to `target`; NULL where it can't be.

    Parameters
    ----------
    expression : SQL.
    source, target : DataBrew's names of the types.
    """
    if source == target:
        return expression
    if target == "string":
        return text(expression, source)
    duck = TYPES[target]
    if source == "string":
        return _from_text(expression, target)
    if target in INTEGERS:
        if source in ("float", "double", "decimal"):
            return f"TRY_CAST(trunc({expression}) AS {duck})"
        if source == "timestamp":
            return f"TRY_CAST(floor(epoch({expression})) AS {duck})"
    if target in ("float", "double", "decimal") and source == "timestamp":
        return f"TRY_CAST(epoch({expression}) AS {duck})"
    if target == "timestamp" and source in NUMBERS:
        return f"make_timestamp(TRY_CAST(TRY_CAST({expression} AS DOUBLE) * 1000000 AS BIGINT))"
    if target == "boolean" and source in NUMBERS:
        return f"({expression} <> 0)"
    if (source, target) in _NEVER or source in COMPLEX:
        return f"CAST(NULL AS {duck})"
    return f"TRY_CAST({expression} AS {duck})"


_NEVER = {("date", t) for t in (*NUMBERS, "boolean")} | {("timestamp", "boolean"), ("boolean", "date")}
_NEVER |= {("boolean", "timestamp")} | {(n, "date") for n in NUMBERS}


def text(expression: str, source: str) -> str:
    """SQL of an expression as text."""
    if source == "string":
        return expression
    if source in COMPLEX:
        return f"CAST(to_json({expression}) AS VARCHAR)"
    if source == "decimal":
        return rf"rtrim(regexp_replace(CAST({expression} AS VARCHAR), '(\.[0-9]*?)0+$', '\1'), '.')"
    return f"CAST({expression} AS VARCHAR)"


def number(expression: str, source: str) -> str:
    """SQL of an expression as a double; NULL where it is no number."""
    if source == "decimal":
        return f"CAST({expression} AS DOUBLE)"
    return cast(expression, source, "double")


def _from_text(expression: str, target: str) -> str:
    trimmed = f"trim({expression}, ' \t\n\r')"
    duck = TYPES[target]
    if target in INTEGERS:
        whole = rf"regexp_replace({trimmed}, '\.[0-9]*$', '')"
        return (
            f"CASE WHEN regexp_full_match({trimmed}, '{WHOLE}') THEN "
            f"TRY_CAST(CASE WHEN {whole} IN ('', '+', '-') THEN '0' ELSE {whole} END AS {duck}) END"
        )
    if target in ("float", "double", "decimal"):
        return f"CASE WHEN regexp_full_match({trimmed}, '{NUMBER}') THEN TRY_CAST({trimmed} AS {duck}) END"
    if target == "boolean":
        return f"CASE lower({trimmed}) WHEN 'true' THEN TRUE WHEN 'yes' THEN TRUE WHEN 'false' THEN FALSE WHEN 'no' THEN FALSE END"
    return moment(expression, target)


_DATE_ORDERS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%d %B %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
)
_CLOCKS = ("", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%SZ", "T%H:%M:%S.%fZ", " %H:%M")
MOMENTS = [order + clock for order in _DATE_ORDERS for clock in _CLOCKS]


def moment(expression: str, target: str = "timestamp") -> str:
    """SQL that reads text as a date or timestamp, in ISO's form first, then in the forms of the guide's date steps."""
    tried = f"coalesce(TRY_CAST({expression} AS TIMESTAMP), TRY_STRPTIME(trim({expression}), [{', '.join(map(literal, MOMENTS))}]))"
    found = f"CASE WHEN regexp_matches({expression}, '[0-9]') THEN {tried} END"
    return found if target == "timestamp" else f"CAST({found} AS DATE)"


def is_number(value: str) -> bool:
    """Whether a parameter's text is a number."""
    return re.fullmatch(NUMBER, value.strip()) is not None


def common(types: set[str]) -> str:
    """The type that holds values of all these types: of numbers the widest, of moments timestamp, else text."""
    if len(types) <= 1:
        return next(iter(types), "string")
    if types <= set(NUMBERS):
        return "double" if "decimal" in types else max(types, key=NUMBERS.index)
    return "timestamp" if types <= set(TIMES) else "string"
