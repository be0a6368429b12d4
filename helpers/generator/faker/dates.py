"""date.*"""

import math
from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any

from helpers.generator.faker.drawing import Faker, KdgError, get
from helpers.generator.js_values import js_number, truthy
from helpers.generator.moment_format import MomentFormat

_DAY = 24 * 3600 * 1000  # milliseconds


def js_date(faker: Faker, milliseconds: float) -> str:
    """A moment as `String(new Date(…))` writes it."""
    if not math.isfinite(milliseconds):
        return "Invalid Date"
    zone = faker.clock.zone
    text = MomentFormat("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ", zone)(int(milliseconds))
    return f"{text} ({'Coordinated Universal Time' if text.endswith('+0000') else faker.clock.zone_name()})"


def days_away(days: int, sign: int) -> Callable[[Faker, object], str]:
    """One second to `count` times `days` before (sign -1) or after (+1) now."""

    def draw(faker: Faker, count: object) -> str:
        greatest = js_number(count if truthy(count) else 1) * days * _DAY
        return js_date(faker, faker.clock.now() + sign * faker.number({"min": 1000, "max": greatest}))

    return draw


def calendar_word(names: list[str]) -> Callable[[Faker, object], str]:
    def draw(faker: Faker, options: object) -> str:
        short = truthy(options) and truthy(get(options, "abbr"))
        return faker.pick(names)[:3] if short else faker.pick(names)

    return draw


def date_format(name: str, form: Any, zone: tzinfo | None) -> MomentFormat:
    """The compiled format of `date.now`, `date.utc` or `date.simTime`; without a format ISO 8601."""
    if truthy(form) and not isinstance(form, str):
        raise KdgError("format.match is not a function")
    if name == "date.utc":
        return MomentFormat(form or "YYYY-MM-DDTHH:mm:ss[Z]", UTC)
    return MomentFormat(form or "YYYY-MM-DDTHH:mm:ssZ", zone)


def moment(name: str) -> Callable[[Faker, object], str]:
    return lambda faker, form: date_format(name, form, faker.clock.zone)(faker.clock.now())


def sim_time(faker: Faker, form: object) -> str:
    if faker.clock.simulated is None:
        raise KdgError("Cannot read properties of undefined (reading 'format')")
    return date_format("date.simTime", form, faker.clock.zone)(faker.clock.simulated)
