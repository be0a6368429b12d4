"""What every helper draws from, and how JavaScript takes its one argument."""

import math
import string
from dataclasses import dataclass
from random import Random
from typing import Any

from helpers.generator.clock import Clock, WallClock
from helpers.generator.js_values import UNDEFINED, is_number, js_add, js_number, truthy


class KdgError(ValueError):
    """What KDG's JavaScript throws for this template, with its message."""


@dataclass
class Faker:
    """What the helpers draw from: seeded random numbers and the clock."""

    rng: Random
    clock: Clock | WallClock

    def pick(self, items: list | str) -> Any:
        return items[int(self.rng.random() * len(items))]

    def number(self, options: object = UNDEFINED) -> int | float:
        """`random.number`: see `number_range`."""
        lower, span, precision = number_range(options)
        if not math.isfinite(span + lower):
            return math.nan
        return precision * math.floor(self.rng.random() * span + lower)

    def digits(self, text: str, letters: bool = False) -> str:
        """Each # becomes a digit, and with `letters` each ? a capital letter."""
        drawn = []
        for character in text:
            if character == "#":
                character = str(self.number(9))
            elif letters and character == "?":
                character = self.pick(string.ascii_uppercase)
            drawn.append(character)
        return "".join(drawn)


def get(value: object, name: str) -> object:
    """`value.name`."""
    if value is UNDEFINED or value is None:
        raise KdgError(f"Cannot read properties of {'null' if value is None else 'undefined'} (reading '{name}')")
    return value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED


def times(count: object) -> int:
    """How often `for (i = 0; i < count; i++)` runs."""
    number = js_number(count)
    return max(0, math.ceil(number)) if math.isfinite(number) else 0


def characters(text: object) -> str:
    """What the symbol replacers read from their argument: only text has characters."""
    if isinstance(text, list) and text:
        raise KdgError("string.charAt is not a function")
    return text if isinstance(text, str) else ""


def indexed(formats: list[str], index: Any) -> str:
    """`formats[index]` given to the template engine: with no such format it gives this sentence as the value."""
    if js_number(index) in range(len(formats)):
        return formats[int(index)]
    return "string parameter is required!"


def number_range(options: object) -> tuple[int | float, int | float, int | float]:
    """(lower, span, precision) of `random.number`: it draws precision * floor(random * span + lower).

    `options` is the greatest number or {"min", "max", "precision"}; the greatest is included unless it is negative.
    """
    if is_number(options):
        options = {"max": options}
    if not truthy(options) or isinstance(options, list):
        options = {}
    if not isinstance(options, dict):
        return math.nan, math.nan, math.nan
    precision = options.get("precision", 1)
    greatest = options.get("max", 99999)
    if js_number(greatest) >= 0:
        greatest = js_add(greatest, precision)
    step = js_number(precision)
    if not step:
        return math.nan, math.nan, math.nan
    lower = js_number(options.get("min", 0))
    upper = js_number(greatest)
    if step != 1:
        lower, upper = lower / step, upper / step
    return lower, upper - lower, step
