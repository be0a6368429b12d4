"""Hive's types, as Glue's catalog has them, and Trino's."""

from functools import lru_cache

from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import Type, field_text, parse, split

_FROM_HIVE = {
    "string": "varchar",
    "int": "integer",
    "float": "real",
    "binary": "varbinary",
    "timestamp": "timestamp(3)",
}
_TO_HIVE = {"integer": "int", "real": "float", "varbinary": "binary", "varchar": "string"}
_HIVE_PLAIN = ("boolean", "tinyint", "smallint", "integer", "bigint", "double", "date", "char")


@lru_cache(maxsize=4096)
def hive_to_trino(hive_type: str) -> str:
    """Trino's type for a Glue column type ("array<struct<a:int>>" → "array(row(a integer))")."""
    t = hive_type.strip()
    low = t.lower()
    if low.startswith("array<") and t.endswith(">"):
        return f"array({hive_to_trino(t[6:-1])})"
    if low.startswith("map<") and t.endswith(">"):
        key, value = split(t[4:-1], ",")
        return f"map({hive_to_trino(key)}, {hive_to_trino(value)})"
    if low.startswith("struct<") and t.endswith(">"):
        fields = [split(f, ":") for f in split(t[7:-1], ",")]
        parts = [f"{field_text(f[0].strip('`').lower())} {hive_to_trino(':'.join(f[1:]))}" for f in fields]
        return "row(" + ", ".join(parts) + ")"
    if low == "decimal":
        return "decimal(10,0)"
    return str(parse(_FROM_HIVE.get(low, low)))


def trino_to_hive(t: str) -> str:
    """The Glue column type that Athena writes for a Trino type; NOT_SUPPORTED if Hive has none."""
    return _to_hive(parse(t))


def _to_hive(t: Type) -> str:
    if t.name == "array":
        return f"array<{_to_hive(t.element)}>"
    if t.name == "map":
        return f"map<{_to_hive(t.args[0])},{_to_hive(t.args[1])}>"
    if t.name == "row" and all(n for n, _ in t.args):
        return "struct<" + ",".join(f"{n}:{_to_hive(x)}" for n, x in t.args) + ">"
    if t.name in ("decimal", "char") or (t.name == "varchar" and t.args):
        return f"{t.name}({','.join(map(str, t.args))})"
    if t.name == "timestamp":
        return "timestamp"
    if t.name not in _TO_HIVE and t.name not in _HIVE_PLAIN:
        raise QueryError("NOT_SUPPORTED", f"Unsupported Hive type: {t}")
    return _TO_HIVE.get(t.name, t.name)
