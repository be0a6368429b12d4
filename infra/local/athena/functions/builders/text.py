"""Text: concatenation, the greatest of some, regular expressions."""

import re

from infra.engines.athena import types as t
from infra.engines.athena.errors import QueryError
from infra.engines.athena.types import literal
from infra.local.athena.functions import table as functions
from infra.local.athena.functions.builders.common import lambda_text


def concat(ex, node, bound, args):
    if len(args) < 2:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments")
    return "(" + " || ".join(a.sql for a in args) + ")"


def concat_arrays(ex, node, bound, args):
    text = args[0].sql
    for other in args[1:]:
        text = f"array_joined({text}, {other.sql})"
    return text


def concat_ws(ex, node, bound, args):
    separator, *rest = args
    if not rest:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "There must be two or more arguments")
    return f"CASE WHEN {separator.sql} IS NULL THEN NULL ELSE concat_ws({', '.join(a.sql for a in args)}) END"


def greatest(ex, node, bound, args):
    kind = bound.result
    if not t.orderable(kind):
        raise ex._not_found(node, args, functions.SCALARS[node.name])
    word = node.name
    nulls = " OR ".join(f"{a.sql} IS NULL" for a in args)
    return f"CASE WHEN {nulls} THEN NULL ELSE {word}({', '.join(a.sql for a in args)}) END"


_BEYOND_RE2 = re.compile(r"\(\?[=!>]|\(\?<[=!]|\\[1-9]|[*+?}]\+|\\k<")


def _pattern(e) -> str | None:
    """A literal pattern as RE2 text; None if only Python can run it."""
    if not isinstance(e.constant, str):
        return e.sql
    if _BEYOND_RE2.search(e.constant):
        return None
    return literal(re.sub(r"\(\?<(?![=!])", "(?P<", e.constant))


def regexp_like(ex, node, bound, args):
    pattern = _pattern(args[1])
    return (
        f"py_regexp_like({args[0].sql}, {args[1].sql})"
        if pattern is None
        else f"regexp_matches({args[0].sql}, {pattern})"
    )


def _group(args) -> str:
    return f"CAST({args[2].sql} AS BIGINT)" if len(args) > 2 else "0"


def _check_group(ex, node, args) -> None:
    if len(args) > 2 and isinstance(args[2].constant, int) and args[2].constant < 0:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "Group cannot be negative")
    if len(args) < 3 or not isinstance(args[1].constant, str) or not isinstance(args[2].constant, int):
        return
    try:
        groups = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", args[1].constant)).groups
    except re.error:
        return
    if args[2].constant > groups:
        text = f"Pattern has {groups} groups. Cannot access group {args[2].constant}"
        raise QueryError("INVALID_FUNCTION_ARGUMENT", text)


def regexp_extract(ex, node, bound, args):
    _check_group(ex, node, args)
    pattern = _pattern(args[1])
    constant_group = len(args) < 3 or isinstance(args[2].constant, int)
    if pattern is None or not constant_group or not isinstance(args[1].constant, str):
        return f"py_regexp_extract({args[0].sql}, {args[1].sql}, {_group(args)})"
    group = args[2].constant if len(args) > 2 else 0
    if group and re.search(r"\)[?*]|\)\{0|\|", args[1].constant):
        return f"py_regexp_extract({args[0].sql}, {args[1].sql}, {_group(args)})"  # a group that took no part is NULL, for RE2 it is ''
    return (
        f"CASE WHEN regexp_matches({args[0].sql}, {pattern}) THEN regexp_extract({args[0].sql}, {pattern}, {group}) END"
    )


def regexp_extract_all(ex, node, bound, args):
    _check_group(ex, node, args)
    pattern = _pattern(args[1])
    if pattern is None or not isinstance(args[1].constant, str) or (len(args) > 2 and args[2].constant is None):
        return f"py_regexp_extract_all({args[0].sql}, {args[1].sql}, {_group(args)})"
    return f"regexp_extract_all({args[0].sql}, {pattern}, {args[2].constant if len(args) > 2 else 0})"


def regexp_count(ex, node, bound, args):
    pattern = _never_empty(args[1])
    found = (
        f"py_regexp_extract_all({args[0].sql}, {args[1].sql}, 0)"
        if pattern is None
        else f"regexp_extract_all({args[0].sql}, {pattern})"
    )
    return f"CAST(len({found}) AS BIGINT)"


def _never_empty(e) -> str | None:
    """A literal pattern as RE2 text if it can't match the empty text, where RE2 and Java differ."""
    pattern = _pattern(e) if isinstance(e.constant, str) else None
    try:
        return None if pattern is None or re.search(e.constant.replace("(?<", "(?P<"), "") else pattern
    except re.error:
        return None


def regexp_position(ex, node, bound, args):
    start, which = (args[i].sql if len(args) > i else "1" for i in (2, 3))
    return f"py_regexp_position({args[0].sql}, {args[1].sql}, {start}, {which})"


def regexp_split(ex, node, bound, args):
    pattern = _never_empty(args[1])
    return (
        f"py_regexp_split({args[0].sql}, {args[1].sql})"
        if pattern is None
        else f"regexp_split_to_array({args[0].sql}, {pattern})"
    )


def regexp_replace(ex, node, bound, args):
    pattern = _pattern(args[1])
    if len(args) == 2:
        return (
            f"py_regexp_replace({args[0].sql}, {args[1].sql}, '')"
            if pattern is None
            else f"regexp_replace({args[0].sql}, {pattern}, '', 'g')"
        )
    replacement = args[2].constant
    _check_replacement(args[1].constant, replacement)
    if (
        pattern is None
        or not isinstance(replacement, str)
        or not isinstance(args[1].constant, str)
        or re.search(r"\$(?!\d(?!\d))", replacement)
    ):
        return f"py_regexp_replace({args[0].sql}, {args[1].sql}, {args[2].sql})"
    if re.search(r"\)[?*]|\|", args[1].constant) and "$" in replacement:
        return f"py_regexp_replace({args[0].sql}, {args[1].sql}, {args[2].sql})"
    text = re.sub(r"\\(.)|\$(\d)|(\\)", _replacement, replacement)
    return f"regexp_replace({args[0].sql}, {pattern}, {literal(text)}, 'g')"


def _check_replacement(pattern: object, replacement: object) -> None:
    """Raise QueryError for a group that a literal pattern does not have."""
    if isinstance(replacement, str) and re.fullmatch(r"(?:[^\\]|\\.)*\\", replacement, re.DOTALL):
        raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: {replacement}")
    if not isinstance(pattern, str) or not isinstance(replacement, str):
        return
    try:
        groups = re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern)).groups
    except re.error:  # the engine tells
        return
    for number in re.findall(r"(?<!\\)\$(\d)", replacement):
        if int(number) > groups:
            raise QueryError("INVALID_FUNCTION_ARGUMENT", f"Illegal replacement sequence: unknown group {number}")


def _replacement(match: re.Match) -> str:
    if match[2]:
        return "\\" + match[2]
    return "\\\\" if match[1] == "\\" or match[3] else match[1]


def regexp_replace_lambda(ex, node, bound, args):
    """The text between the matches and, after each but the last piece, what the lambda makes of the match's groups."""
    piece, index, once = ex.casts.fresh(), ex.casts.fresh(), ex.casts.fresh()
    made = lambda_text(ex, node, bound, 2, [f"{once}.g[{index}]"])
    parts = (
        f"list_transform({once}.p, lambda {piece}, {index}: {piece} || "
        f"CASE WHEN {index} <= len({once}.g) THEN {made} ELSE '' END)"
    )
    inner = f"p := py_regexp_split({args[0].sql}, {args[1].sql}), g := py_regexp_groups({args[0].sql}, {args[1].sql})"
    return f"list_transform([struct_pack({inner})], lambda {once}: array_to_string({parts}, ''))[1]"
