"""random.*: an element, a weighted one, letters, a UUID; and what helpers.* do to a text or a list."""

import re
import string
from itertools import accumulate
from random import Random
from typing import Any

from helpers.generator.faker.drawing import Faker, KdgError, get
from helpers.generator.js_values import UNDEFINED, js_number, to_fixed, truthy


def array_items(array: object) -> list | str:
    """The elements that `random.arrayElement` draws from; none when its argument is no array."""
    if not truthy(array):
        return ["a", "b", "c"]
    return array if isinstance(array, list | str) else []


def array_element(faker: Faker, array: object) -> object:
    items = array_items(array)
    return faker.pick(items) if items else UNDEFINED


def object_items(value: object) -> list | str:
    """The values that `random.objectElement` draws from."""
    if not truthy(value):
        return ["bar", "car"]
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list | str) else []


def object_element(faker: Faker, value: object) -> object:
    items = object_items(value)
    return faker.pick(items) if items else UNDEFINED


def weighted_sums(options: object) -> tuple[float, list[float], list]:
    """(total, sums, data) of `random.weightedArrayElement`: it draws random * total and takes the first data whose sum reaches it.

    The running sum is rounded to two decimals at each step, and data without a weight has none.
    """
    if not truthy(options):
        options = {"weights": [0.5, 0.5], "data": ["dog", "cat"]}
    weights = get(options, "weights")
    if weights is UNDEFINED or weights is None:
        get(weights, "reduce")
    if not isinstance(weights, list):
        raise KdgError("weightsData.weights.reduce is not a function")
    if not weights:
        raise KdgError("Reduce of empty array with no initial value")
    data = get(options, "data")
    if data is UNDEFINED or data is None:
        get(data, "length")
    if not isinstance(data, list | str):
        return 0.0, [], []
    if any(isinstance(weight, str | list | dict) for weight in weights[: len(data)]):
        raise KdgError("weight_sum.toFixed is not a function")
    numbers = [js_number(weight) for weight in weights]
    sums: list[float] = []
    total = 0.0
    for weight in numbers[: len(data)]:
        total = float(to_fixed(total + weight, 2))
        sums.append(total)
    return sum(numbers), list(accumulate(sums, max)), list(data)


def weighted_array_element(faker: Faker, options: object) -> object:
    total, sums, data = weighted_sums(options)
    drawn = faker.rng.random() * total
    return next((value for value, reached in zip(data, sums, strict=False) if drawn <= reached), UNDEFINED)


def uuid_text(rng: Random) -> str:
    """A version 4 UUID (RFC 4122) from seeded bits."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def alpha_numeric(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(string.digits + string.ascii_lowercase)


def slug(text: str) -> str:
    return re.sub(r"[^\w.\-]+", "", text.replace(" ", "-"), flags=re.ASCII)


def slugify(faker: Faker, text: Any) -> str:
    if truthy(text) and not isinstance(text, str):
        raise KdgError("string.replace is not a function")
    return slug(text or "")


def shuffle(faker: Faker, array: object) -> object:
    if not truthy(array):
        array = ["a", "b", "c"]
    if array == []:
        raise KdgError("helpers.shuffle never ends on an empty array")
    if not isinstance(array, list):
        return array
    items = list(array)
    for last in range(len(items) - 1, 0, -1):
        other = int(faker.number(last))
        items[last - 1], items[other] = items[other], items[last - 1]
    return items
