"""Text functions: a new column from text. Positions count from 1.

FIND and RIGHT_FIND give the position of the match from the left, 0 without one; the guide does not say what they give.
Source: "Text functions" of the guide.
"""

from collections.abc import Callable
from typing import Any

from ..errors import StepRefused
from ..frame import Frame
from ..parameters import FLAG, INTEGER, NAME, NAMES, REGEX, TEXT, Values
from ..registry import Changed, action, optional
from ..types import literal
from .sources import ONE, TWO, as_number, as_text, new, one, two
from .splits import merged
from .text import capitalized


def _text(template: str, type_: str = "string") -> Callable[[Frame, Values], Changed]:
    return lambda frame, p: new(frame, p, template.replace("{}", f"({as_text(frame, p)})"), type_)


for _name, _template, _type in (
    ("LEN", "CAST(length({}) AS BIGINT)", "long"),
    ("LOWER", "lower({})", "string"),
    ("UPPER", "upper({})", "string"),
    ("PROPER", capitalized("{}"), "string"),
    ("TRIM", r"regexp_replace({}, '^\s+|\s+$', '', 'g')", "string"),
    ("REMOVE_SYMBOLS", r"regexp_replace({}, '[^\p{L}\p{N}\s]', '', 'g')", "string"),
    ("REMOVE_WHITESPACE", r"regexp_replace({}, '\s', '', 'g')", "string"),
    ("UNICODE", "CASE WHEN {} <> '' THEN unicode({}) END", "int"),
):
    action(_name, validate=one, **ONE)(_text(_template, _type))


@action("CHAR", validate=one, **ONE)
def char(frame: Frame, p: Values) -> Changed:
    """NULL for what is no character of Unicode."""
    value, _ = as_number(frame, p)
    known = f"{value} BETWEEN 1 AND 1114111 AND {value} NOT BETWEEN 55296 AND 57343"
    return new(frame, p, f"CASE WHEN {known} THEN chr(CAST(trunc({value}) AS INTEGER)) END", "string")


@action("LEFT", validate=one, position=INTEGER(0), **ONE)
def left(frame: Frame, p: Values) -> Changed:
    return new(frame, p, f"substr({as_text(frame, p)}, 1, {p.position})", "string")


@action("RIGHT", validate=one, position=INTEGER(0), **ONE)
def right(frame: Frame, p: Values) -> Changed:
    value = as_text(frame, p)
    return new(frame, p, f"substr({value}, greatest(length({value}) - {p.position}, 0) + 1)", "string")


_MOST_REPEATS = 10_000


@action("REPEAT_STRING", validate=one, count=INTEGER(0, _MOST_REPEATS), **ONE)
def repeat_string(frame: Frame, p: Values) -> Changed:
    return new(frame, p, f"repeat({as_text(frame, p)}, {p.count})", "string")


def _positions(p: Values) -> None:
    one(p)
    if p.endPosition < p.startPosition:
        raise StepRefused("endPosition must not be less than startPosition.")


@action("SUBSTRING", validate=_positions, startPosition=INTEGER(1), endPosition=INTEGER(1), **ONE)
def substring(frame: Frame, p: Values) -> Changed:
    """Both positions are taken in: 5 and 8 give four characters."""
    return new(
        frame, p, f"substr({as_text(frame, p)}, {p.startPosition}, {p.endPosition - p.startPosition + 1})", "string"
    )


@action("STARTS_WITH", validate=one, pattern=REGEX, **ONE)
def starts_with(frame: Frame, p: Values) -> Changed:
    return new(frame, p, f"regexp_matches({as_text(frame, p)}, {literal(f'^(?:{p.pattern})')})", "boolean")


@action("ENDS_WITH", validate=one, pattern=REGEX, **ONE)
def ends_with(frame: Frame, p: Values) -> Changed:
    return new(frame, p, f"regexp_matches({as_text(frame, p)}, {literal(f'(?:{p.pattern})$')})", "boolean")


_FIND: dict[str, Any] = {"pattern": REGEX, "position": optional(INTEGER(1), 1), "ignoreCase": optional(FLAG, False)}


@action("FIND", validate=one, **_FIND, **ONE)
def find(frame: Frame, p: Values) -> Changed:
    value = as_text(frame, p)
    rest = f"substr({value}, {p.position})"
    pattern = literal(f"(?s{'i' if p.ignoreCase else ''})^(.*?)(?:{p.pattern})")
    found = f"length(regexp_extract({rest}, {pattern}, 1)) + {p.position}"
    return new(
        frame,
        p,
        f"CASE WHEN regexp_matches({rest}, {pattern}) THEN {found} WHEN {value} IS NOT NULL THEN 0 END",
        "long",
    )


@action("RIGHT_FIND", validate=one, **_FIND, **ONE)
def right_find(frame: Frame, p: Values) -> Changed:
    value = as_text(frame, p)
    rest = f"substr({value}, 1, greatest(length({value}) - {p.position - 1}, 0))"
    pattern = literal(f"(?s{'i' if p.ignoreCase else ''})^(.*)(?:{p.pattern})")
    found = f"length(regexp_extract({rest}, {pattern}, 1)) + 1"
    return new(
        frame,
        p,
        f"CASE WHEN regexp_matches({rest}, {pattern}) THEN {found} WHEN {value} IS NOT NULL THEN 0 END",
        "long",
    )


@action("MERGE_COLUMNS_AND_VALUES", sourceColumns=NAMES, delimiter=optional(TEXT, ""), targetColumn=NAME)
def merge_columns_and_values(frame: Frame, p: Values) -> Changed:
    return merged(frame, p)


def _compare(sign: str) -> Callable[[Frame, Values], Changed]:
    return lambda frame, p: new(frame, p, f"({as_text(frame, p, '1')} {sign} {as_text(frame, p, '2')})", "boolean")


for _name, _sign in (
    ("EXACT", "="),
    ("STRING_GREATER_THAN", ">"),
    ("STRING_GREATER_THAN_EQUAL", ">="),
    ("STRING_LESS_THAN", "<"),
    ("STRING_LESS_THAN_EQUAL", "<="),
):
    action(_name, validate=two, **TWO)(_compare(_sign))


# web functions


@action("IP_TO_INT", validate=one, **ONE)
def ip_to_int(frame: Frame, p: Values) -> Changed:
    """NULL for what is no IPv4 address."""
    value = as_text(frame, p)
    parts = f"list_transform(string_split({value}, '.'), lambda x: TRY_CAST(x AS BIGINT))"
    valid = rf"regexp_full_match({value}, '((25[0-5]|2[0-4]\d|1?\d?\d)\.){{3}}(25[0-5]|2[0-4]\d|1?\d?\d)')"
    number = f"(({parts}[1] * 256 + {parts}[2]) * 256 + {parts}[3]) * 256 + {parts}[4]"
    return new(frame, p, f"CASE WHEN {valid} THEN {number} END", "long")


@action("INT_TO_IP", validate=one, **ONE)
def int_to_ip(frame: Frame, p: Values) -> Changed:
    value, _ = as_number(frame, p)
    whole = f"TRY_CAST({value} AS BIGINT)"
    parts = " || '.' || ".join(f"CAST(({whole} >> {shift}) & 255 AS VARCHAR)" for shift in (24, 16, 8, 0))
    return new(frame, p, f"CASE WHEN {whole} BETWEEN 0 AND 4294967295 THEN {parts} END", "string")


@action("URL_PARAMS", validate=one, **ONE)
def url_params(frame: Frame, p: Values) -> Changed:
    """A JSON object: each parameter's name and the list of its values, in the order of the URL."""
    value = as_text(frame, p)
    query = rf"regexp_extract({value}, '^[^?#]*\?([^#]*)', 1)"
    pairs = f"list_filter(string_split({query}, '&'), lambda x: x <> '')"
    names = f"list_transform({pairs}, lambda x: url_decode(replace(string_split(x, '=')[1], '+', ' ')))"
    of_name = f"list_filter({pairs}, lambda y: url_decode(replace(string_split(y, '=')[1], '+', ' ')) = n)"
    decoded = "lambda z: url_decode(replace(array_to_string(string_split(z, '=')[2:], '='), '+', ' '))"
    first = f"list_filter({names}, lambda n, i: list_position({names}, n) = i)"
    listed = f"list_transform({first}, lambda n: to_json(n)::VARCHAR || ': ' || array_to_string(['[' || array_to_string(list_transform(list_transform({of_name}, {decoded}), lambda v: to_json(v)::VARCHAR), ', ') || ']'], ''))"
    return new(
        frame, p, f"CASE WHEN {value} IS NOT NULL THEN '{{' || array_to_string({listed}, ', ') || '}}' END", "string"
    )
