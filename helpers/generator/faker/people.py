"""name.*, address.*, phone.*"""

import math

from helpers.generator import faker_data as words
from helpers.generator.faker.drawing import Faker, characters, get, indexed
from helpers.generator.js_values import UNDEFINED, is_number, js_number, js_string, to_fixed, truthy


def first_name(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(words.FIRST_NAMES)


def last_name(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.pick(words.LAST_NAMES)


def find_name(faker: Faker, first: object) -> str:
    kind = faker.number(8)
    name = f"{js_string(first) if truthy(first) else first_name(faker)} {last_name(faker)}"
    if kind == 0:
        return f"{faker.pick(words.NAME_PREFIXES)} {name}"
    if kind == 1:
        return f"{name} {faker.pick(words.NAME_SUFFIXES)}"
    return name


def job_title(faker: Faker, _: object) -> str:
    return f"{faker.pick(words.JOB_DESCRIPTORS)} {faker.pick(words.JOB_AREAS)} {faker.pick(words.JOB_TYPES)}"


def zip_code(faker: Faker, form: object) -> str:
    if form is UNDEFINED:
        form = faker.pick(words.POSTCODE_FORMATS)
    return faker.digits(characters(form), letters=True)


def city(faker: Faker, form: object) -> str:
    prefix, suffix = faker.pick(words.CITY_PREFIXES), faker.pick(words.CITY_SUFFIXES)
    first, last = first_name(faker), last_name(faker)
    forms = [f"{prefix} {first}{suffix}", f"{prefix} {first}", f"{first}{suffix}", f"{last}{suffix}"]
    return indexed(forms, form if is_number(form) else faker.number(3))


def street_name(faker: Faker, _: object = UNDEFINED) -> str:
    return f"{faker.pick([first_name, last_name])(faker)} {faker.pick(words.STREET_SUFFIXES)}"


def secondary_address(faker: Faker, _: object = UNDEFINED) -> str:
    return faker.digits(faker.pick(words.SECONDARY_ADDRESS_FORMATS))


def street_address(faker: Faker, full: object) -> str:
    address = f"{faker.digits(faker.pick(['#####', '####', '###']))} {street_name(faker)}"
    return f"{address} {secondary_address(faker)}" if truthy(full) else address


def degrees(faker: Faker, half: int) -> str:
    return to_fixed(faker.number(2 * half * 10000) / 10000 - half, 4)


def nearby(faker: Faker, options: object) -> list[str]:
    """A point at the distance `radius` (miles, or kilometres with isMetric), in a random direction.

    KDG multiplies miles by 0.621371 to get kilometres, so "10 miles" are 6.2 km; kept as it is.
    """
    given = get(options, "coordinate")
    coordinate = given if truthy(given) else [degrees(faker, 90), degrees(faker, 180)]
    radius = get(options, "radius")
    distance = js_number(radius if truthy(radius) else 10)
    if not truthy(get(options, "isMetric")):
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


def phone_number(faker: Faker, form: object) -> str:
    return faker.digits(characters(form) if truthy(form) else faker.pick(words.PHONE_FORMATS))


def phone_number_format(faker: Faker, index: object) -> str:
    position = index if truthy(index) else 0
    if isinstance(position, bool | list | dict) or js_number(position) not in range(len(words.PHONE_FORMATS)):
        return ""
    return faker.digits(words.PHONE_FORMATS[int(js_number(position))])
