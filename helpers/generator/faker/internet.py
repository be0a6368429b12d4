"""internet.*, image.*, system.*"""

import math
import string
from collections.abc import Callable

from helpers.generator import faker_data as words
from helpers.generator.faker.drawing import Faker, KdgError, times
from helpers.generator.faker.people import first_name, last_name
from helpers.generator.faker.picks import slug
from helpers.generator.js_values import UNDEFINED, js_add, js_number, js_string, truthy

_WORD_CHARACTERS = string.ascii_letters + string.digits + "_"


def user_name(faker: Faker, first: object = UNDEFINED) -> str:
    name = first if truthy(first) else first_name(faker)
    kind = faker.number(2)
    if kind > 0:
        name = js_string(name) + faker.pick("._") + last_name(faker)
    if kind != 1:
        name = js_add(name, faker.number(99))
    return js_string(name).replace("'", "").replace(" ", "")


def email(faker: Faker, first: object, domains: list[str]) -> str:
    domain = faker.pick(domains)
    return f"{slug(user_name(faker, first))}@{domain}"


def domain_word(faker: Faker, _: object = UNDEFINED) -> str:
    return first_name(faker).lower()


def domain_name(faker: Faker, _: object = UNDEFINED) -> str:
    return f"{domain_word(faker)}.{faker.pick(words.DOMAIN_SUFFIXES)}"


def session(faker: Faker, _: object) -> float:
    """A 16-digit number: KDG's own addition to faker."""
    least = 1007199254740991
    return faker.rng.random() * (2**53 - 1 - least) + least


def hex_color(faker: Faker, base: object) -> str:
    channels = []
    for shade in (base if truthy(base) else 0, 0, 0):
        value = js_number(js_add(faker.number(256), shade)) / 2
        channels.append(format(math.floor(value), "x").rjust(2, "0") if math.isfinite(value) else "NaN")
    return "#" + "".join(channels)


def mac(faker: Faker, _: object) -> str:
    digits = f"{faker.rng.getrandbits(48):012x}"
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def password(faker: Faker, length: object) -> str:
    count = js_number(length if truthy(length) else 15)
    if not math.isfinite(count):
        raise KdgError("Maximum call stack size exceeded")
    return "".join(faker.pick(_WORD_CHARACTERS) for _ in range(times(count)))


def user_agent(faker: Faker, _: object) -> str:
    system = faker.pick(
        [
            "Windows NT 10.0; Win64; x64",
            "Windows NT 6.1; WOW64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
        ]
    )
    version = faker.number({"min": 90, "max": 140})
    if faker.number(3) == 0:
        return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{version}.0.{faker.number({'min': 4000, 'max': 7000})}.{faker.number(200)} Safari/537.36"
    )


def image_url(faker: Faker, width: object, category: str = "") -> str:
    return f"http://lorempixel.com/{js_string(width if truthy(width) else 640)}/480{category}"


def image(category: str) -> Callable[[Faker, object], str]:
    return lambda faker, width: image_url(faker, width, f"/{category}")


def any_image(faker: Faker, width: object = UNDEFINED) -> str:
    return image_url(faker, width, f"/{faker.pick(words.IMAGE_CATEGORIES)}")


def file_extension(faker: Faker, mime_type: object = UNDEFINED) -> str:
    if isinstance(mime_type, str) and mime_type in words.MIME_TYPES:
        return faker.pick(words.MIME_TYPES[mime_type])
    return faker.pick([extension for extensions in words.MIME_TYPES.values() for extension in extensions])


def common_file_extension(faker: Faker, _: object = UNDEFINED) -> str:
    return file_extension(faker, faker.pick(words.COMMON_MIME_TYPES))
