"""JSON: the older functions by path, and those of SQL/JSON."""

import json

from infra.engines.athena import types as t
from infra.engines.athena.grammar import Node
from infra.engines.athena.jsonpath import simple_steps
from infra.engines.athena.sql_json import DEFAULTS, parsed
from infra.engines.athena.types import literal
from infra.local.athena.functions.builders.common import expression
from infra.local.athena.functions.builders.moments import refusing
from infra.local.athena.sql.casts import castable


def _json_input(e) -> str:
    return e.sql if e.type.name == "json" else f"json_or_null({e.sql})"


def _duckdb_path(ex, path: str) -> str | None:
    """A path in DuckDB's spelling; None if it has none."""
    steps = refusing(simple_steps, path)
    if any(isinstance(s, str) and ('"' in s or "*" in s) for s in steps):
        return None
    return "$" + "".join(f"[{s}]" if isinstance(s, int) else f'."{s}"' for s in steps)


def json_extract(ex, node, bound, args):
    path = _duckdb_path(ex, args[1].constant) if isinstance(args[1].constant, str) else None
    if path is None:
        return f"CAST(json_path(CAST({args[0].sql} AS VARCHAR), {args[1].sql}) AS JSON)"
    return f"json_extract({_json_input(args[0])}, {literal(path)})"


def json_extract_scalar(ex, node, bound, args):
    found = json_extract(ex, node, bound, args)
    # DuckDB would write the number 1.50 as 1.5.
    return f"CASE WHEN json_type({found}) = 'DOUBLE' THEN json_path(CAST({args[0].sql} AS VARCHAR), {args[1].sql}) ELSE json_scalar({found}) END"


def json_size(ex, node, bound, args):
    return f"json_size_of({json_extract(ex, node, bound, args)})"


def json_path_call(ex, node: Node):
    value = ex.check(node.value)
    if value.type.name == "varbinary":
        value = expression(f"decode({value.sql})", t.VARCHAR, value)
    if value.type.name not in ("varchar", "char", "json", "unknown"):
        text = f"Cannot read input of type {value.type} as JSON using formatting JSON"
        raise ex.error("TYPE_MISMATCH", node.value, text)
    path = node.path.value
    _check_variables(ex, node, refusing(parsed, path).variables)
    form = {"name": node.name, "wrapper": node.wrapper, "quotes": node.quotes}
    defaults = {}
    for when in DEFAULTS:
        choice = getattr(node, when)
        if choice is not None and not isinstance(choice, str):
            form[when] = "DEFAULT"
            defaults[when] = ex.check(choice)
        else:
            form[when] = choice
    passed, given = _passed(ex, node)
    text = f"sql_json(CAST({value.sql} AS VARCHAR), {literal(path)}, {literal(json.dumps(form))}, {passed})"
    if node.name == "json_exists":
        return expression(f"CAST({text} AS BOOLEAN)", t.BOOLEAN, value, *given)
    kind = ex.type(*node.returning) if node.returning else t.VARCHAR
    if node.name == "json_query":
        return expression(ex.casts.cast(text, t.VARCHAR, kind), kind, value, *given)
    others = {when: ex.coerce(default, kind).sql for when, default in defaults.items()}
    answer = ex.casts.cast(text, t.VARCHAR, kind)
    if kind.name != "varchar" and form["on_error"] != "ERROR":  # what is none of the type is an error of the call
        failed = others.get("on_error", "NULL")
        answer = f"CASE WHEN {text} IS NOT NULL AND TRY({answer}) IS NULL THEN {failed} ELSE TRY({answer}) END"
    whens = "".join(f" WHEN {text} = {literal(DEFAULTS[when])} THEN {other}" for when, other in others.items())
    return expression(f"CASE{whens} ELSE {answer} END" if whens else answer, kind, value, *given, *defaults.values())


def _check_variables(ex, node: Node, wanted: list[str]) -> None:
    """Raise QueryError for a variable of the path that PASSING does not give."""
    names = [name for _, _, name in node.passing]
    for name in wanted:
        if name not in names:
            similar = any(name.upper() == other.upper() for other in names)
            hint = f' Try quoting "{name}" in the PASSING clause to match case' if similar else ""
            raise ex.error("INVALID_PATH", node.path, f"no value passed for parameter {name}.{hint}")


def _passed(ex, node: Node) -> tuple[str, list]:
    """The values that PASSING names, as one JSON object's text."""
    members, checked = [], []
    for value, is_json, name in node.passing:
        found = ex.check(value)
        checked.append(found)
        member = f"{literal(json.dumps(name) + ':')} || {_json_member(ex, found, is_json or _makes_json(value))}"
        members.append(f"CASE WHEN {found.sql} IS NOT NULL THEN {member} END" if is_json else member)
    listed = f"coalesce(array_to_string([{', '.join(members)}], ','), '')"
    return (f"('{{' || {listed} || '}}')" if members else "'{}'"), checked


def _json_member(ex, e, is_json: bool) -> str:
    if is_json or e.type.name == "json":
        return f"coalesce(CAST({e.sql} AS VARCHAR), 'null')"
    if e.type.name == "unknown":
        return "'null'"
    kind = e.type
    if not castable(kind, t.JSON) and castable(kind, t.VARCHAR):
        return f"coalesce(CAST(to_json({ex.casts.text(e.sql, kind)}) AS VARCHAR), 'null')"
    return ex.casts._to_json_text(e.sql, kind)


def json_object(ex, node: Node):
    parts, checked = [], []
    for key, value, is_json in node.members:
        k, v = ex.check(key), ex.check(value)
        checked += [k, v]
        member = f"CAST(to_json({k.sql}) AS VARCHAR) || ':' || {_json_member(ex, v, is_json or _makes_json(value))}"
        parts.append(member if node.null_on_null else f"CASE WHEN {v.sql} IS NOT NULL THEN {member} END")
    inner = f"coalesce(array_to_string([{', '.join(parts)}], ','), '')" if parts else "''"
    return expression("('{' || " + inner + " || '}')", t.VARCHAR, *checked)


def _makes_json(node: Node) -> bool:
    return node.kind in ("json_object", "json_array") or (node.kind == "json_path_call" and node.name == "json_query")


def json_array(ex, node: Node):
    parts, checked = [], []
    for value, is_json in node.values:
        v = ex.check(value)
        checked.append(v)
        member = _json_member(ex, v, is_json or _makes_json(value))
        parts.append(member if node.null_on_null else f"CASE WHEN {v.sql} IS NOT NULL THEN {member} END")
    inner = f"coalesce(array_to_string([{', '.join(parts)}], ','), '')" if parts else "''"
    return expression(f"('[' || {inner} || ']')", t.VARCHAR, *checked)
