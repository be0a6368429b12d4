"""JSON as text, and what its paths find."""

import json
import math
from decimal import Decimal

from infra.engines.athena import jsonpath
from infra.engines.athena import sql_json as answers
from infra.engines.athena.functions.refusing import bad_argument
from infra.engines.athena.json_text import Number, json_text
from infra.engines.athena.text import java_double


def _no_constant(name: str):
    raise ValueError(name)


def json_canonical(text: str) -> str:
    """JSON text as Trino writes it: no blanks, keys sorted, fractions as doubles."""
    try:
        value = json.loads(
            text, parse_float=lambda n: Number(java_double(float(n))), parse_int=Number, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise bad_argument(f"Cannot convert value to JSON: '{text}'") from None
    return json_text(value)


def standard_double(text: str) -> str:
    """A number of JSON with a fraction as its cast to varchar: 128.9 is 1.289E2."""
    value = float(text)
    if not value or not math.isfinite(value):
        return java_double(value).replace(".0", "E0")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    shown = "".join(map(str, digits))
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{len(shown) + int(exponent) - 1}"


def json_path(text: str | None, path: str | None) -> str | None:
    """json_extract() with a path that is not a literal."""
    return None if text is None or path is None else jsonpath.extract(text, path)


def sql_json(text: str | None, path: str, form: str, variables: str) -> str | None:
    """JSON_EXISTS, JSON_VALUE and JSON_QUERY; `form` is the call's clauses as JSON, `variables` what PASSING names."""
    return answers.sql_json(text, path, json.loads(form), variables)
