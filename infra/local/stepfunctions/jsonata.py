"""JSONata expressions of a state: the library's evaluator, AWS's six functions more, and no $eval.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import random
import re
import threading
import uuid
from typing import Any

from infra.local.core import strict_json
from infra.local.stepfunctions.failures import QUERY_EVALUATION, StateFailure
from infra.local.stepfunctions.intrinsics import RANGE_LIMIT, hash_of
from infra.local.stepfunctions.jsonpath import is_number
from infra.local.stepfunctions.scope import compact

EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)
SECONDS = 5  # that one expression may take
COMPILED = 500  # expressions that a thread remembers
DEPTH = 300  # calls in each other, before the interpreter of Python would end


_compiled = threading.local()


def is_expression(text: str) -> bool:
    return EXPRESSION.fullmatch(text) is not None


def source(text: str) -> str:
    """Return the expression between the marks."""
    match = EXPRESSION.fullmatch(text)
    return match[1].strip() if match else text


def syntax_error(text: str) -> str | None:
    """Return what is wrong with an expression, None if nothing is. $eval is refused as on AWS."""
    from jsonata import JException

    try:
        compiled = _compile(source(text))
    except (JException, RecursionError) as error:
        return str(error)
    if compiled.errors:
        return str(compiled.errors[0])
    return "The function $eval is not supported" if _calls_eval(source(text)) else None


def evaluate(text: str, states: dict[str, Any], variables: dict[str, Any], field: str) -> Any:
    """Return the value of an expression. Raises StateFailure with the field's name where it has none."""
    import jsonata
    from jsonata.utils import Utils

    expression = source(text)
    about = f"The JSONata expression '{expression}' specified for the field '{field}'"
    try:
        compiled = _compile(expression)
        compiled.set_output_convert_nulls(False)
        _add_functions(compiled)
        compiled.environment.set_runtime_bounds(SECONDS * 1000, DEPTH)
        value = compiled.evaluate(None, {**_bindings(variables), "states": _with_nulls(states)})
    except StateFailure:
        raise
    except jsonata.JException as error:
        raise _failure(f"{about} threw an error during evaluation. {_message(error)}", field) from None
    except RecursionError:
        raise _failure(f"{about} threw an error during evaluation. It calls itself too often.", field) from None
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise _failure(f"{about} threw an error during evaluation. {error}", field) from None
    if value is None:
        raise _failure(f"{about} returned nothing (undefined).", field)
    try:
        return _plain(value, Utils.NULL_VALUE)
    except TypeError:
        raise _failure(f"{about} returned an unsupported result type.", field) from None


def expected(value: Any, kind: str, text: str, field: str) -> Any:
    """Return the value if it is of this JSON kind (`array`, `number`, `string`, `boolean`). Raises StateFailure."""
    if json_kind(value) == kind:
        return value
    raise _failure(
        f"The JSONata expression '{source(text)}' specified for the field '{field}' returned an unexpected result type. "
        f"Expected '{kind}', but was '{json_kind(value)}' for value: {compact(value)}",
        field,
    )


def json_kind(value: Any) -> str:
    """Return JSON's name for the type of a value."""
    if value is None:
        return "null"
    if is_number(value):
        return "number"
    return {bool: "boolean", str: "string", list: "array"}.get(type(value), "object")


def _failure(cause: str, field: str) -> StateFailure:
    return StateFailure(QUERY_EVALUATION, cause, field, is_evaluation=True)


def _message(error: Any) -> str:
    code = getattr(error, "error", "")
    text = str(error)
    return text if text.startswith(code) else f"{code}: {text}"


def _compile(expression: str) -> Any:
    """Return the compiled expression. It holds what it is evaluated with, so each thread has its own."""
    import jsonata

    known: dict[str, Any] = _compiled.__dict__
    if expression not in known:
        if len(known) >= COMPILED:
            known.clear()
        known[expression] = jsonata.Jsonata(expression)
    return known[expression]


def _calls_eval(expression: str) -> bool:
    without_texts = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", "''", expression)
    return re.search(r"\$eval\b", without_texts) is not None


def _bindings(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: _with_nulls(value) for name, value in variables.items()}


def _with_nulls(value: Any) -> Any:
    """Return a value with the evaluator's null: its None means undefined."""
    from jsonata.utils import Utils

    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_nulls(item) for name, item in value.items()}
    return value


def _plain(value: Any, null: Any) -> Any:
    """Return a result as JSON values. Raises TypeError for a function."""
    if value is null or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {name: _plain(item, null) for name, item in value.items()}
    if isinstance(value, list | tuple | range) or hasattr(value, "__getitem__") and hasattr(value, "__len__"):
        return [_plain(item, null) for item in value]
    raise TypeError(type(value))


# --- AWS's own functions ------------------------------------------------------------------------------------------------


def _add_functions(compiled: Any) -> None:
    for name, function in FUNCTIONS.items():
        compiled.register_lambda(name, function)


def _partition(array: Any = None, size: Any = None) -> list[list[Any]]:
    if not isinstance(array, list) or not is_number(size) or size < 1:
        raise ValueError("$partition takes an array and a positive number")
    step = int(size)
    return [list(array[start : start + step]) for start in range(0, len(array), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> list[Any]:
    if not all(map(is_number, (first, last, step))) or step == 0:
        raise ValueError("$range takes a start, an end and a step that is not 0")
    count = int((last - first) / step) + 1
    if count > RANGE_LIMIT:
        raise ValueError(f"$range gives at most {RANGE_LIMIT} elements")
    return [first + number * step for number in range(max(count, 0))]


def _hash(value: Any = None, algorithm: Any = "SHA-256") -> str:
    if not isinstance(value, str):
        raise ValueError("$hash takes a text")
    return hash_of(value, algorithm)


def _random(seed: Any = None) -> float:
    return random.Random(seed).random() if seed is not None else random.SystemRandom().random()


def _parse(text: Any = None) -> Any:
    if not isinstance(text, str):
        raise ValueError("$parse takes a text")
    try:
        return _with_nulls(strict_json.loads(text))
    except ValueError as error:
        raise ValueError(f"$parse: the text is not JSON: {error}") from None


def _eval(*_: Any) -> Any:
    raise ValueError("The function $eval is not supported")


FUNCTIONS = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid.uuid4()),
    "parse": _parse,
    "eval": _eval,
}
