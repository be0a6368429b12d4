"""The helpers of the Kinesis Data Generator's template language: `random.number`, `date.utc`, `name.firstName`, …

They give what KDG's bundled faker gives, its oddities included (https://github.com/awslabs/amazon-kinesis-data-generator);
the words are our own. A helper is a function of the `Faker` (which holds the random numbers and the clock) and of the one
argument that a template can pass; UNDEFINED stands for "no argument". Values are JavaScript's (js_values.py).
"""

import math
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import accumulate
from random import Random

from helpers.generator import faker_data as words
from helpers.generator.clock import Clock, WallClock
from helpers.generator.js_values import UNDEFINED, is_number, js_add, js_number, js_string, to_fixed, truthy
from helpers.generator.moment_format import MONTHS, WEEKDAYS, MomentFormat

_WORD_CHARACTERS = string.ascii_letters + string.digits + "_"
_DAY = 24 * 3600 * 1000  # milliseconds


class KdgError(ValueError):
    """What KDG's JavaScript throws for this template, with its message."""


@dataclass
class Faker:
    """What the helpers draw from: seeded random numbers and the clock."""

    rng: Random
    clock: Clock | WallClock

    def pick(self, items: list | str) -> object:
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


# ---- how JavaScript takes arguments


def _get(value: object, name: str) -> object:
    """`value.name`."""
    if value is UNDEFINED or value is None:
        raise KdgError(f"Cannot read properties of {'null' if value is None else 'undefined'} (reading '{name}')")
    return value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED


def _times(count: object) -> int:
    """How often `for (i = 0; i < count; i++)` runs."""
    number = js_number(count)
    return max(0, math.ceil(number)) if math.isfinite(number) else 0


def _characters(text: object) -> str:
    """What the symbol replacers read from their argument: only text has characters."""
    if isinstance(text, list) and text:
        raise KdgError("string.charAt is not a function")
    return text if isinstance(text, str) else ""


def _indexed(formats: list[str], index: object) -> str:
    """`formats[index]` given to the template engine: with no such format it gives this sentence as the value."""
    if js_number(index) in range(len(formats)):
        return formats[int(index)]
    return "string parameter is required!"


# ---- random


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


def array_items(array: object) -> list | str:
    """The elements that `random.arrayElement` draws from; none when its argument is no array."""
    if not truthy(array):
        return ["a", "b", "c"]
    return array if isinstance(array, list | str) else []


def _array_element(faker: Faker, array: object) -> object:
    items = array_items(array)
    return faker.pick(items) if items else UNDEFINED


def object_items(value: object) -> list | str:
    """The values that `random.objectElement` draws from."""
    if not truthy(value):
        return ["bar", "car"]
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list | str) else []


def _object_element(faker: Faker, value: object) -> object:
    items = object_items(value)
    return faker.pick(items) if items else UNDEFINED


def weighted_sums(options: object) -> tuple[float, list[float], list]:
    """(total, sums, data) of `random.weightedArrayElement`: it draws random * total and takes the first data whose sum reaches it.

    The running sum is rounded to two decimals at each step, and data without a weight has none.
    """
    if not truthy(options):
        options = {"weights": [0.5, 0.5], "data": ["dog", "cat"]}
    weights = _get(options, "weights")
    if weights is UNDEFINED or weights is None:
        _get(weights, "reduce")
    if not isinstance(weights, list):
        raise KdgError("weightsData.weights.reduce is not a function")
    if not weights:
        raise KdgError("Reduce of empty array with no initial value")
    data = _get(options, "data")
    if data is UNDEFINED or data is None:
        _get(data, "length")
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


def _weighted_array_element(faker: Faker, options: object) -> object:
    total, sums, data = weighted_sums(options)
    drawn = faker.rng.random() * total
    return next((value for value, reached in zip(data, sums, strict=False) if drawn <= reached), UNDEFINED)


def uuid_text(rng: Random) -> str:
    """A version 4 UUID (RFC 4122) from seeded bits."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _alpha_numeric(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(string.digits + string.ascii_lowercase)


_WORD_HELPERS = [
    "commerce.department",
    "commerce.productName",
    "commerce.productAdjective",
    "commerce.productMaterial",
    "commerce.product",
    "commerce.color",
    "company.catchPhraseAdjective",
    "company.catchPhraseDescriptor",
    "company.catchPhraseNoun",
    "company.bsAdjective",
    "company.bsBuzz",
    "company.bsNoun",
    "address.streetSuffix",
    "address.county",
    "address.country",
    "address.state",
    "finance.accountName",
    "finance.transactionType",
    "finance.currencyName",
    "hacker.noun",
    "hacker.verb",
    "hacker.adjective",
    "hacker.ingverb",
    "hacker.abbreviation",
    "name.jobDescriptor",
    "name.jobArea",
    "name.jobType",
]


def _random_word(faker: Faker, _: object = UNDEFINED) -> str:
    return HELPERS[faker.pick(_WORD_HELPERS)].draw(faker, UNDEFINED)


def _random_words(faker: Faker, count: object = UNDEFINED) -> str:
    if count is UNDEFINED:
        count = faker.number({"min": 1, "max": 3})
    return " ".join(_random_word(faker) for _ in range(_times(count)))


# ---- name


def _first_name(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(words.FIRST_NAMES)


def _last_name(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(words.LAST_NAMES)


def _find_name(faker: Faker, first: object) -> str:
    kind = faker.number(8)
    name = f"{js_string(first) if truthy(first) else _first_name(faker)} {_last_name(faker)}"
    if kind == 0:
        return f"{faker.pick(words.NAME_PREFIXES)} {name}"
    if kind == 1:
        return f"{name} {faker.pick(words.NAME_SUFFIXES)}"
    return name


def _job_title(faker: Faker, _: object) -> str:
    return f"{faker.pick(words.JOB_DESCRIPTORS)} {faker.pick(words.JOB_AREAS)} {faker.pick(words.JOB_TYPES)}"


# ---- address


def _zip_code(faker: Faker, form: object) -> str:
    if form is UNDEFINED:
        form = faker.pick(words.POSTCODE_FORMATS)
    return faker.digits(_characters(form), letters=True)


def _city(faker: Faker, form: object) -> str:
    prefix, suffix = faker.pick(words.CITY_PREFIXES), faker.pick(words.CITY_SUFFIXES)
    first, last = _first_name(faker), _last_name(faker)
    forms = [f"{prefix} {first}{suffix}", f"{prefix} {first}", f"{first}{suffix}", f"{last}{suffix}"]
    return _indexed(forms, form if is_number(form) else faker.number(3))


def _street_name(faker: Faker, _: object = UNDEFINED) -> str:
    return f"{faker.pick([_first_name, _last_name])(faker)} {faker.pick(words.STREET_SUFFIXES)}"


def _secondary_address(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.digits(faker.pick(words.SECONDARY_ADDRESS_FORMATS))


def _street_address(faker: Faker, full: object) -> str:
    address = f"{faker.digits(faker.pick(['#####', '####', '###']))} {_street_name(faker)}"
    return f"{address} {_secondary_address(faker)}" if truthy(full) else address


def _degrees(faker: Faker, half: int) -> str:
    return to_fixed(faker.number(2 * half * 10000) / 10000 - half, 4)


def _nearby(faker: Faker, options: object) -> list[str]:
    """A point at the distance `radius` (miles, or kilometres with isMetric), in a random direction.

    KDG multiplies miles by 0.621371 to get kilometres, so "10 miles" are 6.2 km; kept as it is.
    """
    given = _get(options, "coordinate")
    coordinate = given if truthy(given) else [_degrees(faker, 90), _degrees(faker, 180)]
    radius = _get(options, "radius")
    distance = js_number(radius if truthy(radius) else 10)
    if not truthy(_get(options, "isMetric")):
        distance *= 0.621371
    numbers = [js_number(item) for item in coordinate] if isinstance(coordinate, list) else []
    numbers = [*numbers, math.nan, math.nan][:2] + [distance]
    latitude, longitude, distance = (item if math.isfinite(item) else math.nan for item in numbers)
    latitude, longitude = math.radians(latitude), math.radians(longitude)
    angle = distance / 6378.137  # radius of the earth in km
    bearing = math.radians(faker.rng.random() * 360)
    there = math.asin(math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing))
    longitude += math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(there),
    )
    if longitude > math.pi:
        longitude -= 2 * math.pi
    elif longitude < -math.pi:
        longitude += 2 * math.pi
    return [to_fixed(math.degrees(there), 4), to_fixed(math.degrees(longitude), 4)]


# ---- internet


def _user_name(faker: Faker, first: object = UNDEFINED) -> str:
    name = first if truthy(first) else _first_name(faker)
    kind = faker.number(2)
    if kind > 0:
        name = js_string(name) + faker.pick("._") + _last_name(faker)
    if kind != 1:
        name = js_add(name, faker.number(99))
    return js_string(name).replace("'", "").replace(" ", "")


def _email(faker: Faker, first: object, domains: list[str]) -> str:
    domain = faker.pick(domains)
    return f"{_slug(_user_name(faker, first))}@{domain}"


def _domain_word(faker: Faker, _: object = UNDEFINED) -> str:
    return _first_name(faker).lower()


def _domain_name(faker: Faker, _: object = UNDEFINED) -> str:
    return f"{_domain_word(faker)}.{faker.pick(words.DOMAIN_SUFFIXES)}"


def _session(faker: Faker, _: object) -> float:
    """A 16-digit number: KDG's own addition to faker."""
    least = 1007199254740991
    return faker.rng.random() * (2**53 - 1 - least) + least


def _hex_color(faker: Faker, base: object) -> str:
    channels = []
    for shade in (base if truthy(base) else 0, 0, 0):
        value = js_number(js_add(faker.number(256), shade)) / 2
        channels.append(format(math.floor(value), "x").rjust(2, "0") if math.isfinite(value) else "NaN")
    return "#" + "".join(channels)


def _mac(faker: Faker, _: object) -> str:
    digits = f"{faker.rng.getrandbits(48):012x}"
    return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def _password(faker: Faker, length: object) -> str:
    count = js_number(length if truthy(length) else 15)
    if not math.isfinite(count):
        raise KdgError("Maximum call stack size exceeded")
    return "".join(faker.pick(_WORD_CHARACTERS) for _ in range(_times(count)))


def _user_agent(faker: Faker, _: object) -> str:
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


# ---- commerce, company, finance, hacker


def _product_name(faker: Faker, _: object) -> str:
    return f"{faker.pick(words.PRODUCT_ADJECTIVES)} {faker.pick(words.PRODUCT_MATERIALS)} {faker.pick(words.PRODUCTS)}"


def _amount(faker: Faker, least: object) -> str:
    """A whole number from `least` to 1000, written with two decimals."""
    if not truthy(least):
        least = 0
    if js_number(least) < 0:
        return "0"
    return to_fixed(faker.number({"min": least, "max": 1000}), 2)


def _company_name(faker: Faker, form: object = UNDEFINED) -> str:
    one, two, three = (_last_name(faker) for _ in range(3))
    forms = [f"{one} {faker.pick(words.COMPANY_SUFFIXES)}", f"{one} - {two}", f"{one}, {two} and {three}"]
    return _indexed(forms, form if is_number(form) else faker.number(2))


def _catch_phrase(faker: Faker, _: object) -> str:
    lists = (words.CATCH_PHRASE_ADJECTIVES, words.CATCH_PHRASE_DESCRIPTORS, words.CATCH_PHRASE_NOUNS)
    return " ".join(faker.pick(items) for items in lists)


def _bs(faker: Faker, _: object) -> str:
    return " ".join(faker.pick(items) for items in (words.BS_ADJECTIVES, words.BS_VERBS, words.BS_NOUNS))


def _account(faker: Faker, length: object) -> str:
    return faker.digits("#" * _times(length if truthy(length) else 8))


def _mask(faker: Faker, length: object) -> str:
    return faker.digits("#" * _times(length if truthy(length) and js_number(length) != 0 else 4))


def _bitcoin_address(faker: Faker, _: object) -> str:
    length = faker.number({"min": 27, "max": 34})
    return faker.pick("13") + "".join(_alpha_numeric(faker).upper() for _ in range(length - 1))


def _currency(faker: Faker) -> tuple[str, str]:
    return faker.pick(list(words.CURRENCIES.values()))


def _hacker_phrase(faker: Faker, _: object) -> str:
    lists = {
        "{abbreviation}": words.HACKER_ABBREVIATIONS,
        "{adjective}": words.HACKER_ADJECTIVES,
        "{ingverb}": words.HACKER_INGVERBS,
        "{noun}": words.HACKER_NOUNS,
        "{verb}": words.HACKER_VERBS,
    }
    return re.sub(r"\{\w+\}", lambda match: faker.pick(lists[match[0]]), faker.pick(words.HACKER_PHRASES))


# ---- helpers


def _slug(text: str) -> str:
    return re.sub(r"[^\w.\-]+", "", text.replace(" ", "-"), flags=re.ASCII)


def _slugify(faker: Faker, text: object) -> str:
    if truthy(text) and not isinstance(text, str):
        raise KdgError("string.replace is not a function")
    return _slug(text or "")


def _shuffle(faker: Faker, array: object) -> object:
    if not truthy(array):
        array = ["a", "b", "c"]
    if array == []:
        raise KdgError("helpers.shuffle never ends on an empty array")
    if not isinstance(array, list):
        return array
    items = list(array)
    for last in range(len(items) - 1, 0, -1):
        other = faker.number(last)
        items[last - 1], items[other] = items[other], items[last - 1]
    return items


def _card(faker: Faker, _: object) -> dict:
    """The cards are JavaScript objects; as text, which is all that a template can show, they are [object Object]."""
    return {}


# ---- lorem


def _lorem_words(faker: Faker, count: object = 3) -> str:
    return " ".join(faker.pick(words.LOREM_WORDS) for _ in range(3 if count is UNDEFINED else _times(count)))


def _sentence(faker: Faker, count: object = UNDEFINED) -> str:
    text = _lorem_words(faker, faker.number({"min": 3, "max": 10}) if count is UNDEFINED else count)
    return f"{text[:1].upper()}{text[1:]}."


def _sentences(faker: Faker, count: object = UNDEFINED, separator: str = " ") -> str:
    if count is UNDEFINED:
        count = faker.number({"min": 2, "max": 6})
    return separator.join(_sentence(faker) for _ in range(_times(count)))


def _paragraph(faker: Faker, count: object = UNDEFINED) -> str:
    return _sentences(faker, js_add(3 if count is UNDEFINED else count, faker.number(3)))


def _paragraphs(faker: Faker, count: object) -> str:
    return "\n \r".join(_paragraph(faker) for _ in range(3 if count is UNDEFINED else _times(count)))


def _sentence_lines(faker: Faker, count: object) -> str:
    return _sentences(faker, faker.number({"min": 1, "max": 5}) if count is UNDEFINED else count, "\n")


def _lorem_text(faker: Faker, _: object) -> str:
    name = faker.pick(["word", "words", "sentence", "sentences", "paragraph", "paragraphs", "lines"])
    return HELPERS[f"lorem.{name}"].draw(faker, UNDEFINED)


# ---- date


def _js_date(faker: Faker, milliseconds: float) -> str:
    """A moment as `String(new Date(…))` writes it."""
    if not math.isfinite(milliseconds):
        return "Invalid Date"
    zone = faker.clock.zone
    text = MomentFormat("ddd MMM DD YYYY HH:mm:ss [GMT]ZZ", zone)(int(milliseconds))
    return f"{text} ({'Coordinated Universal Time' if text.endswith('+0000') else faker.clock.zone_name()})"


def _days_away(days: int, sign: int) -> Callable[[Faker, object], str]:
    """One second to `count` times `days` before (sign -1) or after (+1) now."""

    def draw(faker: Faker, count: object) -> str:
        greatest = js_number(count if truthy(count) else 1) * days * _DAY
        return _js_date(faker, faker.clock.now() + sign * faker.number({"min": 1000, "max": greatest}))

    return draw


def _calendar_word(names: list[str]) -> Callable[[Faker, object], str]:
    def draw(faker: Faker, options: object) -> str:
        short = truthy(options) and truthy(_get(options, "abbr"))
        return faker.pick(names)[:3] if short else faker.pick(names)

    return draw


def date_format(name: str, form: object, zone: tzinfo | None) -> MomentFormat:
    """The compiled format of `date.now`, `date.utc` or `date.simTime`; without a format ISO 8601."""
    if truthy(form) and not isinstance(form, str):
        raise KdgError("format.match is not a function")
    if name == "date.utc":
        return MomentFormat(form or "YYYY-MM-DDTHH:mm:ss[Z]", UTC)
    return MomentFormat(form or "YYYY-MM-DDTHH:mm:ssZ", zone)


def _moment(name: str) -> Callable[[Faker, object], str]:
    return lambda faker, form: date_format(name, form, faker.clock.zone)(faker.clock.now())


def _sim_time(faker: Faker, form: object) -> str:
    if faker.clock.simulated is None:
        raise KdgError("Cannot read properties of undefined (reading 'format')")
    return date_format("date.simTime", form, faker.clock.zone)(faker.clock.simulated)


# ---- image, phone, system


def _image_url(faker: Faker, width: object, category: str = "") -> str:
    return f"http://lorempixel.com/{js_string(width if truthy(width) else 640)}/480{category}"


def _image(category: str) -> Callable[[Faker, object], str]:
    return lambda faker, width: _image_url(faker, width, f"/{category}")


def _any_image(faker: Faker, width: object = UNDEFINED) -> str:
    return _image_url(faker, width, f"/{faker.pick(words.IMAGE_CATEGORIES)}")


def _phone_number(faker: Faker, form: object) -> str:
    return faker.digits(_characters(form) if truthy(form) else faker.pick(words.PHONE_FORMATS))


def _phone_number_format(faker: Faker, index: object) -> str:
    position = index if truthy(index) else 0
    if isinstance(position, bool | list | dict) or js_number(position) not in range(len(words.PHONE_FORMATS)):
        return ""
    return faker.digits(words.PHONE_FORMATS[int(js_number(position))])


def _file_extension(faker: Faker, mime_type: object = UNDEFINED) -> str:
    if isinstance(mime_type, str) and mime_type in words.MIME_TYPES:
        return faker.pick(words.MIME_TYPES[mime_type])
    return faker.pick([extension for extensions in words.MIME_TYPES.values() for extension in extensions])


def _common_file_extension(faker: Faker, _: object = UNDEFINED) -> str:
    return _file_extension(faker, faker.pick(words.COMMON_MIME_TYPES))


def _file_name(faker: Faker, extension: str) -> str:
    return re.sub(r"[ ,\-\\]", "_", f"{_random_words(faker)}.{extension}").lower()


def _common_file_name(faker: Faker, extension: object) -> str:
    return _file_name(faker, js_string(extension) if truthy(extension) else _common_file_extension(faker))


# ---- the table


@dataclass(frozen=True)
class Helper:
    """A helper of the language.

    draw: what it gives. argument: what the helpful mode lets a template pass (see check.py).
    refused: why the helpful mode refuses it, and what to type instead.
    """

    draw: Callable[[Faker, object], object]
    argument: str = "none"
    refused: str = ""


def _from(items: list | str) -> Helper:
    return Helper(lambda faker, _: faker.pick(items))


_OBJECT = "it gives an object, which KDG writes as [object Object]; use the single helpers, e.g. {{name.findName}}"
_NO_VALUE = "it has no value in KDG, which writes undefined; use {{system.fileName}}"
_ONE_ARGUMENT = "it needs two arguments and KDG can pass one, so it gives Invalid Date; use {{date.recent(7)}}"

HELPERS: dict[str, Helper] = {
    "random.number": Helper(lambda faker, options: faker.number(options), "range"),
    "random.arrayElement": Helper(_array_element, "list"),
    "random.weightedArrayElement": Helper(_weighted_array_element, "weights"),
    "random.objectElement": Helper(_object_element, "object"),
    "random.uuid": Helper(lambda faker, _: uuid_text(faker.rng)),
    "random.boolean": Helper(lambda faker, _: faker.number(1) == 1),
    "random.word": Helper(_random_word),
    "random.words": Helper(_random_words, "count"),
    "random.image": Helper(lambda faker, _: _any_image(faker)),
    "random.locale": _from(words.LOCALES),
    "random.alphaNumeric": Helper(_alpha_numeric),
    "name.firstName": Helper(_first_name),
    "name.lastName": Helper(_last_name),
    "name.findName": Helper(_find_name, "text"),
    "name.jobTitle": Helper(_job_title),
    "name.prefix": _from(words.NAME_PREFIXES),
    "name.suffix": _from(words.NAME_SUFFIXES),
    "name.title": Helper(_job_title),
    "name.jobDescriptor": _from(words.JOB_DESCRIPTORS),
    "name.jobArea": _from(words.JOB_AREAS),
    "name.jobType": _from(words.JOB_TYPES),
    "address.zipCode": Helper(_zip_code, "text"),
    "address.city": Helper(_city, "index 4"),
    "address.cityPrefix": _from(words.CITY_PREFIXES),
    "address.citySuffix": _from(words.CITY_SUFFIXES),
    "address.streetName": Helper(_street_name),
    "address.streetAddress": Helper(_street_address, "flag"),
    "address.streetSuffix": _from(words.STREET_SUFFIXES),
    "address.streetPrefix": Helper(
        lambda faker, _: faker.pick("abc"),
        refused="KDG has no English street prefixes and gives a, b or c; use {{address.streetSuffix}}",
    ),
    "address.secondaryAddress": Helper(_secondary_address),
    "address.county": _from(words.COUNTIES),
    "address.country": _from(words.COUNTRIES),
    "address.countryCode": _from(words.COUNTRY_CODES),
    "address.state": _from(words.STATES),
    "address.stateAbbr": _from(words.STATE_CODES),
    "address.latitude": Helper(lambda faker, _: _degrees(faker, 90)),
    "address.longitude": Helper(lambda faker, _: _degrees(faker, 180)),
    "address.nearbyGPSCoordinate": Helper(_nearby, "coordinate"),
    "internet.avatar": _from(words.AVATARS),
    "internet.email": Helper(lambda faker, first: _email(faker, first, words.FREE_EMAIL_DOMAINS), "text"),
    "internet.exampleEmail": Helper(lambda faker, first: _email(faker, first, words.EXAMPLE_EMAIL_DOMAINS), "text"),
    "internet.session": Helper(_session),
    "internet.userName": Helper(_user_name, "text"),
    "internet.protocol": _from(["http", "https"]),
    "internet.url": Helper(lambda faker, _: f"{faker.pick(['http', 'https'])}://{_domain_name(faker)}"),
    "internet.domainName": Helper(_domain_name),
    "internet.domainSuffix": _from(words.DOMAIN_SUFFIXES),
    "internet.domainWord": Helper(_domain_word),
    "internet.ip": Helper(lambda faker, _: ".".join(str(faker.number(255)) for _ in range(4))),
    "internet.userAgent": Helper(_user_agent),
    "internet.color": Helper(_hex_color, "number"),
    "internet.mac": Helper(_mac),
    "internet.password": Helper(_password, "count"),
    "commerce.color": _from(words.COLORS),
    "commerce.department": _from(words.DEPARTMENTS),
    "commerce.productName": Helper(_product_name),
    "commerce.price": Helper(_amount, "number"),
    "commerce.productAdjective": _from(words.PRODUCT_ADJECTIVES),
    "commerce.productMaterial": _from(words.PRODUCT_MATERIALS),
    "commerce.product": _from(words.PRODUCTS),
    "company.suffixes": Helper(lambda faker, _: list(words.COMPANY_SUFFIXES)),
    "company.companyName": Helper(_company_name, "index 3"),
    "company.companySuffix": _from(words.COMPANY_SUFFIXES),
    "company.catchPhrase": Helper(_catch_phrase),
    "company.bs": Helper(_bs),
    "company.catchPhraseAdjective": _from(words.CATCH_PHRASE_ADJECTIVES),
    "company.catchPhraseDescriptor": _from(words.CATCH_PHRASE_DESCRIPTORS),
    "company.catchPhraseNoun": _from(words.CATCH_PHRASE_NOUNS),
    "company.bsAdjective": _from(words.BS_ADJECTIVES),
    "company.bsBuzz": _from(words.BS_VERBS),
    "company.bsNoun": _from(words.BS_NOUNS),
    "date.past": Helper(_days_away(365, -1), "number"),
    "date.future": Helper(_days_away(365, 1), "number"),
    "date.between": Helper(lambda faker, _: "Invalid Date", refused=_ONE_ARGUMENT),
    "date.recent": Helper(_days_away(1, -1), "number"),
    "date.month": Helper(_calendar_word(MONTHS), "options"),
    "date.weekday": Helper(_calendar_word(WEEKDAYS), "options"),
    "date.now": Helper(_moment("date.now"), "text"),
    "date.utc": Helper(_moment("date.utc"), "text"),
    "date.simTime": Helper(_sim_time, "text"),
    "finance.account": Helper(_account, "count"),
    "finance.accountName": Helper(lambda faker, _: f"{faker.pick(words.ACCOUNT_TYPES)} Account"),
    "finance.mask": Helper(_mask, "count"),
    "finance.amount": Helper(_amount, "number"),
    "finance.transactionType": _from(words.TRANSACTION_TYPES),
    "finance.currencyCode": Helper(lambda faker, _: _currency(faker)[0]),
    "finance.currencyName": Helper(lambda faker, _: faker.pick(list(words.CURRENCIES))),
    "finance.currencySymbol": Helper(lambda faker, _: _currency(faker)[1]),
    "finance.bitcoinAddress": Helper(_bitcoin_address),
    "hacker.abbreviation": _from(words.HACKER_ABBREVIATIONS),
    "hacker.adjective": _from(words.HACKER_ADJECTIVES),
    "hacker.noun": _from(words.HACKER_NOUNS),
    "hacker.verb": _from(words.HACKER_VERBS),
    "hacker.ingverb": _from(words.HACKER_INGVERBS),
    "hacker.phrase": Helper(_hacker_phrase),
    "helpers.randomize": Helper(_array_element, "list"),
    "helpers.slugify": Helper(_slugify, "needed text"),
    "helpers.replaceSymbolWithNumber": Helper(lambda faker, text: faker.digits(_characters(text)), "needed text"),
    "helpers.replaceSymbols": Helper(lambda faker, text: faker.digits(_characters(text), letters=True), "needed text"),
    "helpers.shuffle": Helper(_shuffle, "list"),
    "helpers.mustache": Helper(lambda faker, text: "" if text is UNDEFINED else text, "needed text"),
    "helpers.createCard": Helper(_card, refused=_OBJECT),
    "helpers.contextualCard": Helper(_card, refused=_OBJECT),
    "helpers.userCard": Helper(_card, refused=_OBJECT),
    "helpers.createTransaction": Helper(_card, refused=_OBJECT),
    "image.image": Helper(_any_image, "number"),
    "image.avatar": _from(words.AVATARS),
    "image.imageUrl": Helper(_image_url, "number"),
    **{f"image.{category}": Helper(_image(category), "number") for category in words.IMAGE_CATEGORIES},
    "lorem.word": _from(words.LOREM_WORDS),
    "lorem.words": Helper(_lorem_words, "count"),
    "lorem.sentence": Helper(_sentence, "count"),
    "lorem.sentences": Helper(_sentences, "count"),
    "lorem.paragraph": Helper(_paragraph, "count"),
    "lorem.paragraphs": Helper(_paragraphs, "count"),
    "lorem.text": Helper(_lorem_text),
    "lorem.lines": Helper(_sentence_lines, "count"),
    "phone.phoneNumber": Helper(_phone_number, "text"),
    "phone.phoneNumberFormat": Helper(_phone_number_format, f"index {len(words.PHONE_FORMATS)}"),
    "phone.phoneFormats": _from(words.PHONE_FORMATS),
    "system.fileName": Helper(lambda faker, _: _file_name(faker, _file_extension(faker))),
    "system.commonFileName": Helper(_common_file_name, "text"),
    "system.mimeType": _from(list(words.MIME_TYPES)),
    "system.commonFileType": _from(words.COMMON_FILE_TYPES),
    "system.commonFileExt": Helper(_common_file_extension),
    "system.fileType": _from(sorted({name.split("/")[0] for name in words.MIME_TYPES})),
    "system.fileExt": Helper(_file_extension, "text"),
    "system.directoryPath": Helper(lambda faker, _: UNDEFINED, refused=_NO_VALUE),
    "system.filePath": Helper(lambda faker, _: UNDEFINED, refused=_NO_VALUE),
    "system.semver": Helper(lambda faker, _: ".".join(str(faker.number(9)) for _ in range(3))),
}
