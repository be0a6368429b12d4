"""How a value of one Trino type becomes one of another, as DuckDB SQL.

What goes wrong in a cast is raised by the macros of engine.py, in Trino's words.
Source: https://trino.io/docs/current/functions/conversion.html
"""

from functools import lru_cache

from infra.engines.athena import types as t
from infra.engines.athena.text import decimal_text
from infra.engines.athena.types import Type, duckdb, field_names, quoted

_TEXT = ("varchar", "char")
_MICROS = 6  # digits that DuckDB's times have
_SCALARS = ("boolean", *t.NUMBERS, *_TEXT, "json")
_ALLOWED = {
    "boolean": _SCALARS,
    **dict.fromkeys(t.NUMBERS, _SCALARS),
    "varchar": (*_SCALARS, "varbinary", "date", *t.TEMPORAL, "uuid", "ipaddress"),
    "char": (*_SCALARS, "varbinary", "date", *t.TEMPORAL, "uuid", "ipaddress"),
    "varbinary": ("uuid", "ipaddress"),
    "date": ("varchar", "char", "timestamp", t.ZONED[0], "json"),
    "time": ("varchar", "char", "timestamp", *t.ZONED),
    "timestamp": ("varchar", "char", "date", "time", *t.ZONED, "json"),
    t.ZONED[0]: ("varchar", "char", "date", "time", "timestamp", t.ZONED[1]),
    t.ZONED[1]: ("varchar", "char", "time", "timestamp"),
    "interval day to second": ("varchar", "char"),
    "interval year to month": ("varchar", "char"),
    "uuid": ("varchar", "char", "varbinary"),
    "ipaddress": ("varchar", "char", "varbinary"),
    "json": (*_SCALARS, "date", "timestamp"),
    "unknown": (),
}


@lru_cache(maxsize=4096)
def castable(a: Type, b: Type) -> bool:
    """Whether Trino has a cast from `a` to `b`."""
    if a == b or a.name == "unknown":
        return True
    if a.name == b.name == "array":
        return castable(a.element, b.element)
    if a.name == b.name == "map":
        return castable(a.args[0], b.args[0]) and castable(a.args[1], b.args[1])
    if a.name == b.name == "row":
        pairs = zip(a.args, b.args, strict=False)
        return len(a.args) == len(b.args) and all(castable(x, y) for (_, x), (_, y) in pairs)
    if b.name == "json":
        return a.name in ("array", "map", "row") or "json" in _ALLOWED.get(a.name, ())
    if a.name == "json":
        if b.name == "map":
            return b.args[0].name in _ALLOWED["json"] and castable(a, b.args[1])
        if b.name in ("array", "row"):
            return all(castable(a, kind) for kind in ([b.element] if b.name == "array" else [k for _, k in b.args]))
        return b.name in _ALLOWED["json"]
    return a.name == b.name or b.name in _ALLOWED.get(a.name, ())


def is_plain(a: Type, b: Type) -> bool:
    """Whether values of both types are held alike, so that nothing is to be done."""
    if a == b:
        return True
    if a.name == "varchar" and b == t.VARCHAR:
        return True
    if a.name != b.name:
        return False
    if a.name in t.TEMPORAL and a.args[0] <= b.args[0]:
        return True
    if a.name == "varchar" and a.args and b.args and a.args[0] <= b.args[0]:
        return True
    if a.name in ("array", "map"):
        return all(is_plain(x, y) for x, y in zip(a.args, b.args, strict=True))
    return False


class Casts:
    """Writes casts; `name` gives a fresh name for a lambda's parameter."""

    def __init__(self):
        self.count = 0

    def fresh(self) -> str:
        self.count += 1
        return f"e{self.count}"

    def cast(self, sql: str, a: Type, b: Type) -> str:
        """DuckDB SQL for CAST(sql AS b), where `sql` has Trino type `a`."""
        if is_plain(a, b):
            return sql
        if a.name == "unknown":
            return f"CAST({sql} AS {duckdb(b)})"
        method = getattr(self, "_to_" + b.name.split(" ")[0], None)
        if b.name == t.ZONED[0]:
            return self._to_zoned(sql, a, b)
        if b.name == t.ZONED[1]:
            return f"CAST(CAST({self.cast(sql, a, t.TIME)} AS VARCHAR) || '+00' AS TIMETZ)"
        if a.name == "json" and b.name not in _TEXT:
            return self._from_json(sql, b)
        if method:
            return method(sql, a, b)
        return f"CAST({sql} AS {duckdb(b)})"

    # --- numbers

    def _integer(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            return f"varchar_to_{b.name}({sql})"
        if a.name in ("real", "double"):
            return f"double_to_{b.name}({sql})"
        return f"CAST({sql} AS {duckdb(b)})"

    _to_tinyint = _to_smallint = _to_integer = _to_bigint = _integer

    def _to_double(self, sql: str, a: Type, b: Type) -> str:
        return f"varchar_to_{b.name}({sql})" if a.name in _TEXT else f"CAST({sql} AS {duckdb(b)})"

    _to_real = _to_double

    def _to_decimal(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            to = duckdb(b)
            return f"checked_decimal({sql}, TRY_CAST(trim({sql}) AS {to}), '{b.args[0]}, {b.args[1]}')"
        if a.name in ("double", "real"):  # by its shortest text: in steps of a double 1.005 would be 1.00 and not 1.01
            fits = f"abs({sql}) < 1e{b.args[0] - b.args[1]}"  # DuckDB takes a digit too many
            made = f"CASE WHEN {fits} THEN TRY_CAST(CAST({sql} AS VARCHAR) AS {duckdb(b)}) END"
            return f"double_to_decimal({sql}, {made}, '{a.name.upper()}', '{b.args[0]}, {b.args[1]}')"
        if a.name == "boolean":
            return f"CAST(CASE WHEN {sql} THEN 1 WHEN NOT {sql} THEN 0 END AS {duckdb(b)})"
        return f"CAST({sql} AS {duckdb(b)})"

    def _to_boolean(self, sql: str, a: Type, b: Type) -> str:
        return f"varchar_to_boolean({sql})" if a.name in _TEXT else f"({sql} <> 0)"

    # --- text

    def _to_varchar(self, sql: str, a: Type, b: Type) -> str:
        text = self.text(sql, a)
        if not b.args:
            return text
        if a.name in (*_TEXT, "json"):
            return f"left({text}, {b.args[0]})"
        shown = f"floating_text({sql}) || ' (' || {text} || ')'" if a.name in ("double", "real") else text
        return f"fitting_text({text}, {b.args[0]}, {shown})"

    def _to_char(self, sql: str, a: Type, b: Type) -> str:
        return f"rpad({self.text(sql, a)}, {b.args[0]}, ' ')"

    def text(self, sql: str, a: Type) -> str:
        """CAST(sql AS varchar); numbers with a fraction as the SQL standard writes them: 25.5 is 2.55E1."""
        if a.name in ("double", "real"):
            return f"standard_text({sql})"
        if a.name == "timestamp":
            return timestamp_text(sql, a.args[0])
        if a.name == "time":
            return f"left(CAST({sql} AS VARCHAR) || '{'' if a.args[0] == 0 else '.'}000000', {_digits(8, a.args[0])})"
        if a.name == t.ZONED[0]:
            return f"{timestamp_text(f'local_time({sql})', a.args[0])} || ' ' || ({sql}).z"
        if a.name in ("interval day to second", "interval year to month"):
            return f"{a.name.split(' ')[1]}_interval_text({sql})"
        if a.name == "json":
            return f"json_to_varchar({sql})"
        if a.name == "varchar":
            return sql
        if a.name == "decimal":
            return decimal_text(sql, a)
        return f"CAST({sql} AS VARCHAR)"

    def _to_ipaddress(self, sql: str, a: Type, b: Type) -> str:
        return f"varchar_to_ipaddress({sql})" if a.name in _TEXT else f"CAST({sql} AS {duckdb(b)})"

    def _to_varbinary(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            return f"encode({sql})"
        return f"unhex(replace(CAST({sql} AS VARCHAR), '-', ''))"

    # --- dates and times

    def _date_or_time(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            return f"varchar_to_{b.name}({sql})"
        made = f"CAST({self._local(sql, a)} AS {b.name.upper()})"
        finer = b.name == "time" and a.args and isinstance(a.args[0], int) and a.args[0] > b.args[0]
        if finer and b.args[0] < _MICROS:
            return f"CAST(round_timestamp(DATE '1970-01-01' + {made}, {10 ** (_MICROS - b.args[0])}) AS TIME)"
        return made

    _to_date = _to_time = _date_or_time

    def _to_timestamp(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            value = f"varchar_to_timestamp({sql})"
            return f"round_timestamp({value}, {10 ** (6 - b.args[0])})" if b.args[0] < 6 else value
        if a.name == "time":
            return f"(current_date + {sql})"
        value = f"CAST({self._local(sql, a)} AS TIMESTAMP)"
        if a.name in ("timestamp", t.ZONED[0]) and a.args[0] > b.args[0] and b.args[0] < 6:
            return f"round_timestamp({value}, {10 ** (6 - b.args[0])})"
        return value

    def _to_zoned(self, sql: str, a: Type, b: Type) -> str:
        if a.name in _TEXT:
            return f"varchar_to_zoned({sql})"
        if a.name == t.ZONED[0]:
            return sql
        return f"utc_zoned({self.cast(sql, a, t.TIMESTAMP)})"

    def _local(self, sql: str, a: Type) -> str:
        return f"local_time({sql})" if a.name == t.ZONED[0] else sql

    # --- json

    def _to_json(self, sql: str, a: Type, b: Type) -> str:
        """JSON text of a value; a map's keys are sorted, as Trino writes them."""
        if a.name in ("double", "real"):
            return f"double_to_json({sql})"
        if a.name == "array":
            name = self.fresh()
            inner = self._to_json_text(name, a.element)
            text = f"'[' || array_to_string(list_transform({sql}, lambda {name}: {inner}), ',') || ']'"
        elif a.name == "map":
            name = self.fresh()
            value = self._to_json_text(f"{name}.value", a.args[1])
            floating = a.args[0].name in ("double", "real")
            key = f"floating_text({name}.key)" if floating else self.text(f"{name}.key", a.args[0])
            entries = (
                f"list_sort(list_transform(map_entries({sql}), lambda {name}: struct_pack(k := {key}, v := {value})))"
            )
            entry = f"CAST(to_json({name}.k) AS VARCHAR) || ':' || {name}.v"
            text = "'{' || array_to_string(list_transform(" + f"{entries}, lambda {name}: {entry}), ',') || '}}'"
        elif a.name == "row":
            fields = []
            for inner, (name, kind) in zip(field_names(a), a.args, strict=True):
                value = self._to_json_text(f"struct_extract({sql}, '{inner}')", kind)
                fields.append(f"'\"{name or ''}\":' || {value}")
            text = f"CASE WHEN {sql} IS NOT NULL THEN '{{' || " + " || ',' || ".join(fields) + " || '}' END"
        elif a.name in ("timestamp", "date", "time", "char"):
            return f"to_json({self.text(sql, a)})"
        elif a.name == "varchar" or a.name in t.NUMBERS or a.name == "boolean":
            return f"to_json({sql})"
        else:
            text = self.text(sql, a)
        return f"CAST({text} AS JSON)"

    def _to_json_text(self, sql: str, a: Type) -> str:
        value = sql if a.name == "json" else self._to_json(sql, a, t.JSON)
        return f"coalesce(CAST({value} AS VARCHAR), 'null')"

    def _from_json(self, sql: str, b: Type, root: tuple[str, Type] | None = None) -> str:
        """`root`: the whole JSON and the type that it is to be, for errors in it."""
        if b.name in ("array", "map", "row"):
            item = self.fresh()
            nested = self._nested_from_json(item, b, root or (item, b))
            return f"list_transform([{sql}], lambda {item}: {nested})[1]"
        if b.name in t.INTEGERS:
            return f"json_to_{b.name}({sql})"
        if b.name == "boolean":
            return f"json_to_boolean({sql})"
        text = f"json_number_text({sql})" if b.name in t.NUMBERS else f"json_to_varchar({sql})"
        return self.cast(text, t.VARCHAR, b)

    def _nested_from_json(self, j: str, b: Type, root: tuple[str, Type]) -> str:
        item = self.fresh()
        wanted = {"array": "array", "map": "object", "row": "array or object"}[b.name]
        kind = {"array": "ARRAY", "map": "OBJECT", "row": "OBJECT"}[b.name]
        bad = f"bad_json_cast({j}, {_literal(str(root[1]))}, {root[0]}, '{wanted}')"
        if b.name == "array":
            made = f"list_transform(json_extract({j}, '$[*]'), lambda {item}: {self._json_part(item, b.element, root)})"
        elif b.name == "map":
            value = self._json_part(f"json_extract({j}, '$.\"' || {item} || '\"')", b.args[1], root)
            key = self.cast(item, t.VARCHAR, b.args[0])
            keys = f"json_keys({j})"
            made = f"map(list_transform({keys}, lambda {item}: {key}), list_transform({keys}, lambda {item}: {value}))"
        else:
            made = self._row_from_json(b, lambda n, i: f"json_member({j}, {_literal(n)})" if n else "NULL::JSON", root)
            by_place = self._row_from_json(b, lambda n, i: f"json_extract({j}, '$[{i}]')", root)
            bad = f"CASE json_type({j}) WHEN 'ARRAY' THEN {by_place} ELSE {bad} END"
        return f"CASE json_type({j}) WHEN 'NULL' THEN NULL WHEN '{kind}' THEN {made} ELSE {bad} END"

    def _row_from_json(self, b: Type, member, root: tuple[str, Type]) -> str:
        parts = [
            f"{quoted(inner)} := {self._json_part(member(name, i), kind, root)}"
            for i, (inner, (name, kind)) in enumerate(zip(field_names(b), b.args, strict=True))
        ]
        return f"struct_pack({', '.join(parts)})"

    def _json_part(self, sql: str, b: Type, root: tuple[str, Type]) -> str:
        return (
            sql
            if b.name == "json"
            else f"CAST({self._from_json(sql, b, root) if b.name != 'varchar' else self.cast(sql, t.JSON, b)} AS {duckdb(b)})"
        )

    # --- nested values

    def _to_array(self, sql: str, a: Type, b: Type) -> str:
        name = self.fresh()
        return f"list_transform({sql}, lambda {name}: {self.cast(name, a.element, b.element)})"

    def _to_map(self, sql: str, a: Type, b: Type) -> str:
        keys, values = self.fresh(), self.fresh()
        return (
            f"map(list_transform(map_keys({sql}), lambda {keys}: {self.cast(keys, a.args[0], b.args[0])}), "
            f"list_transform(map_values({sql}), lambda {values}: {self.cast(values, a.args[1], b.args[1])}))"
        )

    def _to_row(self, sql: str, a: Type, b: Type) -> str:
        parts = []
        old_names, new_names = field_names(a), field_names(b)
        for old, new, (_, x), (_, y) in zip(old_names, new_names, a.args, b.args, strict=True):
            parts.append(f"{quoted(new)} := {self.cast(f'struct_extract({sql}, {_literal(old)})', x, y)}")
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _digits(length: int, precision: int) -> int:
    return length + (precision + 1 if precision else 0)


def timestamp_text(sql: str, precision: int) -> str:
    """A timestamp as text with `precision` digits after the second."""
    text = f"strftime({sql}, '%Y-%m-%d %H:%M:%S.%f')"
    return f"left({text}, {_digits(19, precision)})" if precision < 6 else text
