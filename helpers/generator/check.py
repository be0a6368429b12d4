"""What the helpful mode refuses in a template, and what to type instead."""

import difflib
import re
from typing import Any

from helpers.generator.faker import HELPERS
from helpers.generator.js_values import UNDEFINED, is_number, json_parse

_JS_BLANKS = " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_TIMESTAMP = "{{current.timestamp}}"


class TemplateError(ValueError):
    """A template that cannot be used; the message says what is wrong, where, and what to type."""


class _Problem(Exception):
    """What is wrong and what to type; the place is added by `check`."""


def clean(text: str) -> tuple[str, list[int]]:
    """The template as KDG reads it, and for each of its characters the offset in `text`.

    Blanks at both ends and all line ends go; the first {{current.timestamp}}, an old form, is {{date.now}}.
    """
    start = len(text) - len(text.lstrip(_JS_BLANKS))
    end = len(text.rstrip(_JS_BLANKS))
    offsets = [index for index in range(start, end) if text[index] not in "\r\n"]
    cleaned = "".join(text[index] for index in offsets)
    at = cleaned.find(_TIMESTAMP)
    if at >= 0:
        cleaned = cleaned.replace(_TIMESTAMP, "{{date.now}}", 1)
        offsets[at : at + len(_TIMESTAMP)] = [offsets[at]] * len("{{date.now}}")
    return cleaned, offsets


def check(text: str, cleaned: str, offsets: list[int]) -> None:
    """Raise TemplateError for the first thing in `cleaned` that KDG would not take as it is meant."""
    if not cleaned:
        raise TemplateError("The template is empty. Type or paste one, for example {{random.uuid}}.")
    position = 0
    while "{{" in cleaned[position:]:
        start = cleaned.index("{{", position)
        end = cleaned.find("}}", position)
        at = end if position <= end < start else start
        try:
            inner = _placeholder(cleaned, start, end)
            _check_placeholder(inner)
        except _Problem as problem:
            before = text[: offsets[at]].replace("\r\n", "\n").replace("\r", "\n")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            raise TemplateError(f"Line {line}, column {column}: {problem}") from None
        position = end + 2


def _placeholder(cleaned: str, start: int, end: int) -> str:
    """What stands between the braces of the placeholder at `start`."""
    if end < 0:
        raise _Problem("{{ is never closed. Type }} at the end of the placeholder.")
    if end < start:
        raise _Problem(
            "KDG takes these two closing braces for the end of a placeholder. Type a blank between them: } }"
        )
    inner = cleaned[start + 2 : end]
    if inner.startswith("{"):
        raise _Problem("KDG takes the first two of these braces for the placeholder. Type a blank: { {{")
    if "{{" in inner:
        raise _Problem(f"{{{{{inner.split('{{')[0].strip()} is not closed before the next {{{{. Type }}}} after it.")
    if "(" in inner and ")" not in inner:
        raise _Problem(
            f"{{{{{inner}}}}} has no closing parenthesis before }}}}. Type it, and a blank between two braces inside the parentheses: }} }}"
        )
    return inner


def _show(name: str, parameter: str = "") -> str:
    return "{{" + name + (f"({parameter})" if parameter else "") + "}}"


def _check_placeholder(inner: str) -> None:
    """Raise _Problem unless `inner` is a helper with an argument that it can use."""
    shown = "{{" + inner + "}}"
    name, bracket, rest = inner.partition("(")
    if inner != inner.strip() or name != name.strip():
        raise _Problem(
            f"KDG allows no blanks around the name in {shown}. Type {{{{{name.strip()}{bracket}{rest.strip()}}}}}"
        )
    if name not in HELPERS:
        raise _Problem(_unknown(name, bracket + rest))
    helper = HELPERS[name]
    if helper.refused:
        raise _Problem(f"{shown} is of no use: {helper.refused}.")
    argument = _argument(name, bracket + rest, helper.argument)
    problem = _ARGUMENT_CHECKS[helper.argument.split()[0]](argument, helper.argument)
    if problem:
        raise _Problem(f"{shown}: {problem.replace('NAME', name)}")


def _unknown(name: str, rest: str) -> str:
    if not name:
        return "The placeholder is empty. Type a helper between the braces, for example {{random.uuid}}"
    if name == "current.timestamp":
        return "KDG replaces {{current.timestamp}} once only. Type {{date.now}}"
    modules: dict[str, list[str]] = {}
    for known in HELPERS:
        modules.setdefault(known.split(".")[0], []).append(known)
    module = name.split(".")[0]
    candidates = {known.lower(): known for known in modules.get(module, HELPERS)}
    length = len(module) + 1 if module in modules else 0  # compare what follows a module that exists
    close = difflib.get_close_matches(name.lower()[length:], [known[length:] for known in candidates], n=1)
    if close:
        known = candidates[name.lower()[:length] + close[0]]
        return f"There is no helper {name}. Type {{{{{known}{rest}}}}}"
    if module in modules:
        functions = sorted(known.split(".")[1] for known in modules[module])
        return f"There is no helper {name}. Type {module}. and one of: {', '.join(functions)}"
    return f"There is no helper {name}. Names begin with one of: {', '.join(sorted(modules))}"


def _argument(name: str, brackets: str, kind: str) -> object:
    """The one argument between the parentheses; UNDEFINED if there are none."""
    if not brackets:
        return UNDEFINED
    if not brackets.endswith(")"):
        raise _Problem(f"{{{{{name}{brackets}}}}} goes on after its parentheses. Type }}}} right after the )")
    text = brackets[1:-1]
    if not text.strip():
        raise _Problem(f"KDG allows no empty parentheses. Type {_show(name)}")
    if ")" in text:
        escaped = text.replace(")", "\\u0029")
        raise _Problem(f"For KDG the first ) ends the parameter. Type \\u0029 for it: {_show(name, escaped)}")
    try:
        return json_parse(text)
    except ValueError:
        if kind.endswith("text") and text.strip()[0] not in "\"'{[":
            return text  # KDG hands text that is no JSON over as it is
    raise _Problem(_not_json(name, text, kind))


def _not_json(name: str, text: str, kind: str) -> str:
    several: Any
    try:
        several = json_parse(f"[{text}]")
    except ValueError:
        several = []
    if len(several) > 1:
        first, second = several[:2]
        if is_number(first) and is_number(second):
            advice = f'Type {{{{random.number({{"min":{first},"max":{second}}})}}}}'
        else:
            advice = f"Type the first one only: {_show(name, text.split(',')[0].strip())}"
        return f"KDG passes one argument only, {_show(name, text)} has {len(several)}. {advice}"
    fixed = re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', text.replace("'", '"'))
    fixed = re.sub(r",(\s*[}\]])", r"\1", fixed)
    try:
        json_parse(fixed)
    except ValueError as error:
        return f"The parameter of {_show(name, text)} is not JSON ({error}). JSON has its names and texts in double quotes."
    return f"The parameter of {_show(name, text)} is not JSON. Type {_show(name, fixed)}"


# ---- arguments; each check gives what is wrong, or ""


def _simple(values: list) -> str:
    """Values that a record can show as they are."""
    for value in values:
        if isinstance(value, list | dict):
            return (
                "KDG writes an object as [object Object] and an array without its brackets. "
                'Type it as text with \\" for its quotes, e.g. "{\\"a\\": 1}"'
            )
        if isinstance(value, str) and ("{{" in value or re.search(r"\$[$&`']", value)):
            return "KDG does not keep {{, $$, $&, $` and $' in a value. Leave them out"
    return ""


def _none(argument: object, _: str) -> str:
    return "" if argument is UNDEFINED else "KDG ignores the parameter. Type {{NAME}}"


def _text(argument: object, _: str) -> str:
    if argument is UNDEFINED or (isinstance(argument, str) and argument.strip()):
        return _simple([argument])
    return 'the parameter is a text. Type {{NAME("…")}}'


def _needed(argument: object, kind: str) -> str:
    return 'it needs a text. Type {{NAME("…")}}' if argument is UNDEFINED else _text(argument, kind)


def _number(argument: Any, _: str) -> str:
    if argument is UNDEFINED or (is_number(argument) and argument >= 0):
        return ""
    return "the parameter is a number, 0 or more. Type {{NAME(10)}}"


def _count(argument: object, _: str) -> str:
    if argument is UNDEFINED or (is_number(argument) and argument in range(1, 10_001)):
        return ""
    return "the parameter is a whole number from 1 to 10000. Type {{NAME(3)}}"


def _index(argument: object, kind: str) -> str:
    count = int(kind.split()[1])
    if argument is UNDEFINED or (is_number(argument) and argument in range(count)):
        return ""
    return f"the parameter is a whole number from 0 to {count - 1}. Type {{{{NAME(0)}}}}"


def _flag(argument: object, _: str) -> str:
    return (
        ""
        if argument is UNDEFINED or isinstance(argument, bool)
        else "the parameter is true or false. Type {{NAME(true)}}"
    )


def _list(argument: object, _: str) -> str:
    if argument is UNDEFINED:
        return ""
    if not isinstance(argument, list) or not argument:
        return 'the parameter is an array with at least one element. Type {{NAME(["a","b"])}}'
    return _simple(argument)


def _object(argument: object, _: str) -> str:
    if argument is UNDEFINED:
        return ""
    if not isinstance(argument, dict) or not argument:
        return 'the parameter is an object with at least one value. Type {{NAME({"a":1,"b":2})}}'
    return _simple(list(argument.values()))


def _range(argument: object, _: str) -> str:
    if argument is UNDEFINED:
        return ""
    limits = {"max": argument} if is_number(argument) else argument
    if not isinstance(limits, dict) or not all(is_number(value) for value in limits.values()):
        return 'the parameter is a number or {"min":…,"max":…}. Type {{NAME({"min":10,"max":20})}}'
    unknown = [key for key in limits if key not in ("min", "max", "precision")]
    if unknown:
        return f"it knows min, max and precision, not {unknown[0]}."
    if limits.get("precision", 1) <= 0:
        return "precision must be greater than 0, e.g. 0.01"
    least, greatest = limits.get("min", 0), limits.get("max", 99999)
    if least > greatest:
        return f'min ({least}) is greater than max ({greatest}). Type {{{{NAME({{"min":{greatest},"max":{least}}})}}}}'
    return ""


def _weights(argument: object, _: str) -> str:
    if argument is UNDEFINED:
        return ""
    form = 'Type {{NAME({"weights":[0.7,0.3],"data":["a","b"]})}}'
    if not isinstance(argument, dict):
        return f"the parameter is an object with weights and data. {form}"
    weights, data = argument.get("weights"), argument.get("data")
    if not isinstance(weights, list) or not isinstance(data, list) or not weights:
        return f"it needs an array weights and an array data. {form}"
    if len(weights) != len(data):
        return f"there are {len(weights)} weights for {len(data)} data. Type one weight for each"
    if not all(is_number(weight) and weight >= 0 for weight in weights) or not sum(weights):
        return f"weights are numbers, 0 or more, and not all 0. {form}"
    fine = next((weight for weight in weights if round(weight, 2) != weight), None)
    if fine is not None:
        return (
            f"KDG rounds the sum of the weights to two decimals, so {fine} is lost. Type whole numbers, e.g. [125,875]"
        )
    return _simple(data)


def _coordinate(argument: object, _: str) -> str:
    form = 'Type {{NAME({"coordinate":[33.7,-84.4],"radius":10,"isMetric":true})}}'
    if not isinstance(argument, dict):
        return f"it needs an object. {form}"
    unknown = [key for key in argument if key not in ("coordinate", "radius", "isMetric")]
    if unknown:
        return f"it knows coordinate, radius and isMetric, not {unknown[0]}. {form}"
    centre = argument.get("coordinate", [0, 0])
    if not isinstance(centre, list) or len(centre) != 2 or not all(is_number(item) for item in centre):
        return f"coordinate is [latitude, longitude] in degrees. {form}"
    if abs(centre[0]) > 90 or abs(centre[1]) > 180:
        return "latitude goes from -90 to 90, longitude from -180 to 180."
    if not is_number(argument.get("radius", 10)) or argument.get("radius", 10) <= 0:
        return f"radius is a number greater than 0. {form}"
    return "" if isinstance(argument.get("isMetric", False), bool) else f"isMetric is true or false. {form}"


def _options(argument: object, _: str) -> str:
    if argument is UNDEFINED or (isinstance(argument, dict) and set(argument) <= {"abbr", "context"}):
        return ""
    return 'the parameter is {"abbr":true}. Type {{NAME({"abbr":true})}}'


_ARGUMENT_CHECKS = {
    "none": _none,
    "text": _text,
    "needed": _needed,
    "number": _number,
    "count": _count,
    "index": _index,
    "flag": _flag,
    "list": _list,
    "object": _object,
    "range": _range,
    "weights": _weights,
    "coordinate": _coordinate,
    "options": _options,
}
