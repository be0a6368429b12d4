"""Record templates in the language of the Kinesis Data Generator: `{"id": {{random.number(50)}}}`.

Source of the rules: KDG's producer.js and faker.js, https://github.com/awslabs/amazon-kinesis-data-generator
(help page: https://awslabs.github.io/amazon-kinesis-data-generator/web/help.html).
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from math import floor

from helpers.generator.check import TemplateError, check, clean
from helpers.generator.faker import (
    HELPERS,
    Faker,
    KdgError,
    array_items,
    date_format,
    number_range,
    object_items,
    uuid_text,
    weighted_sums,
)
from helpers.generator.js_values import UNDEFINED, js_string, json_parse

_PARAMETERS = re.compile(r"\(([^)]+)\)")
# Names that KDG's faker object has beside its modules of helpers.
_MODULES = {name.split(".")[0] for name in HELPERS} | {"definitions", "fake", "locale", "localeFallback", "locales"}
# Helpers that give an empty text without an argument.
_MAY_BE_EMPTY = {
    "helpers.mustache",
    "helpers.slugify",
    "helpers.replaceSymbolWithNumber",
    "helpers.replaceSymbols",
}
_TOO_DEEP = 5000  # KDG calls itself once a placeholder; a browser's stack ends about here

Draw = Callable[[], str]


class Template:
    """A template, compiled once; `record()` makes one record after another.

    text: the template as pasted into KDG; line ends are removed, as KDG does.
    strict: True = what KDG does, character by character, with its error messages. False (helpful): the same records, but what KDG
    turns into an error, `NaN`, `undefined` or `[object Object]` is refused at once, with the place and what to type.
    Raises TemplateError.
    """

    def __init__(self, text: str, faker: Faker, strict: bool = False) -> None:
        self._faker = faker
        self._strict = strict
        self._text, offsets = clean(text)
        if not strict:
            check(text, self._text, offsets)
        self._compiled: dict[str, tuple[Draw, bool]] = {}
        self._pattern = ""
        self._draws: list = []
        try:
            self._fast = self._compile_all()
        except KdgError as error:
            raise TemplateError(str(error)) from None

    def record(self) -> str:
        """One record, without the line end."""
        try:
            if self._fast:
                text = self._pattern % tuple([draw() for draw in self._draws])
            else:
                text = self._fill(self._text)
        except KdgError as error:
            raise self._error(error) from None
        self._faker.clock.advance()
        return text

    def _error(self, error: KdgError) -> TemplateError:
        if self._strict:
            return TemplateError(str(error))
        if "simTime" in self._text and "'format'" in str(error):
            return TemplateError("date.simTime needs simulated time: give the generator a clock, or use {{date.utc}}.")
        return TemplateError(
            f"KDG stops with “{error}” on the filled-in text: a value with braces stands before another placeholder. "
            "Type a blank between two closing braces."
        )

    def _compile_all(self) -> bool:
        """Split the template at its placeholders; False if a filled-in value could change what KDG takes for a placeholder."""
        parts, rest = [], self._text
        while "{{" in rest and "}}" in rest:
            start, token, end = _first_placeholder(rest)
            draw, plain = self._draw(token)
            if not plain:
                return False
            parts.append(rest[:start].replace("%", "%%"))
            self._draws.append(draw)
            rest = rest[end:]
        self._pattern = "%s".join([*parts, rest.replace("%", "%%")])
        return bool(self._text)

    def _draw(self, token: str) -> tuple[Draw, bool]:
        if token not in self._compiled:
            self._compiled[token] = _compile(*_parse(token), self._faker)
        return self._compiled[token]

    def _fill(self, text: str) -> str:
        """KDG's own loop: replace the first placeholder of the whole text until there is none."""
        for _ in range(_TOO_DEEP):
            if not text:
                return "string parameter is required!"
            if "{{" not in text or "}}" not in text:
                return text
            _, token, _ = _first_placeholder(text)
            draw, _ = self._draw(token)
            text = _replace(text, "{{" + token + "}}", draw())
        raise KdgError("Maximum call stack size exceeded")


def _first_placeholder(text: str) -> tuple[int, str, int]:
    """(start, what is between the braces, end) by KDG's rule: the first {{ and the first }} of the text, in any order."""
    start, end = text.find("{{"), text.find("}}")
    return start, text[start + 2 : end] if end > start else "", end + 2


def _replace(text: str, pattern: str, value: str) -> str:
    """JavaScript's `text.replace(pattern, value)`: $$, $&, $` and $' in the value are special."""
    before, _, after = text.partition(pattern)
    if "$" in value:
        special = {"$$": "$", "$&": pattern, "$`": before, "$'": after}
        value = re.sub(r"\$[$&`']", lambda match: special[match[0]], value)
    return before + value + after


def _parse(token: str) -> tuple[str, object]:
    """(helper, argument) of what stands between the braces. Raises KdgError."""
    method = token.replace("}}", "", 1).replace("{{", "", 1)
    parameters = _PARAMETERS.search(method)
    if parameters:
        method = method[: parameters.start()] + method[parameters.end() :]
    module, _, function = method.partition(".")
    function = function.partition(".")[0] if "." in method else "undefined"
    if module not in _MODULES:
        raise KdgError(f"Invalid module: {module}")
    if f"{module}.{function}" not in HELPERS:
        raise KdgError(f"Invalid method: {module}.{function}")
    if not parameters:
        return f"{module}.{function}", UNDEFINED
    try:
        argument = json_parse(parameters[1])
    except ValueError:
        argument = parameters[1]
    return f"{module}.{function}", UNDEFINED if argument == "" else argument


def _is_plain(text: str) -> bool:
    """Whether a value cannot change what KDG takes for a placeholder."""
    return bool(text) and not any(character in text for character in "{}$")


def _compile(name: str, argument: object, faker: Faker) -> tuple[Draw, bool]:
    """(function that gives the text, whether all its texts are plain)."""
    if name in ("random.arrayElement", "helpers.randomize"):
        return _choice([js_string(item) for item in array_items(argument)], faker)
    if name == "random.objectElement":
        return _choice([js_string(item) for item in object_items(argument)], faker)
    if name == "random.weightedArrayElement":
        return _weighted(argument, faker)
    if name == "random.number":
        return _number(argument, faker), True
    if name == "random.uuid":
        return lambda: uuid_text(faker.rng), True
    if name in ("date.now", "date.utc"):
        form, clock = date_format(name, argument, faker.clock.zone), faker.clock
        return lambda: form(clock.now()), argument is UNDEFINED or not re.search(r"[{}$\[\\]", str(argument))
    draw = HELPERS[name].draw
    return lambda: js_string(draw(faker, argument)), argument is UNDEFINED and name not in _MAY_BE_EMPTY


def _choice(texts: list[str], faker: Faker) -> tuple[Draw, bool]:
    texts = texts or ["undefined"]
    random, count = faker.rng.random, len(texts)
    return lambda: texts[int(random() * count)], all(_is_plain(text) for text in texts)


def _weighted(argument: object, faker: Faker) -> tuple[Draw, bool]:
    total, sums, data = weighted_sums(argument)
    texts = [js_string(item) for item in data[: len(sums)]] + ["undefined"]
    random = faker.rng.random
    return lambda: texts[bisect_left(sums, random() * total)], all(_is_plain(text) for text in texts)


def _number(argument: object, faker: Faker) -> Draw:
    lower, span, precision = number_range(argument)
    random = faker.rng.random
    if precision == 1 and isinstance(lower, int) and isinstance(span, int):
        return lambda: str(floor(random() * span + lower))
    return lambda: js_string(faker.number(argument))
