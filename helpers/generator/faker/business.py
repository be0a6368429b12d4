"""commerce.*, company.*, finance.*, hacker.*"""

import re

from helpers.generator import faker_data as words
from helpers.generator.faker.drawing import Faker, indexed, times
from helpers.generator.faker.people import last_name
from helpers.generator.faker.picks import alpha_numeric
from helpers.generator.js_values import UNDEFINED, is_number, js_number, to_fixed, truthy


def product_name(faker: Faker, _: object) -> str:
    return f"{faker.pick(words.PRODUCT_ADJECTIVES)} {faker.pick(words.PRODUCT_MATERIALS)} {faker.pick(words.PRODUCTS)}"


def amount(faker: Faker, least: object) -> str:
    """A whole number from `least` to 1000, written with two decimals."""
    if not truthy(least):
        least = 0
    if js_number(least) < 0:
        return "0"
    return to_fixed(faker.number({"min": least, "max": 1000}), 2)


def company_name(faker: Faker, form: object = UNDEFINED) -> str:
    one, two, three = (last_name(faker) for _ in range(3))
    forms = [f"{one} {faker.pick(words.COMPANY_SUFFIXES)}", f"{one} - {two}", f"{one}, {two} and {three}"]
    return indexed(forms, form if is_number(form) else faker.number(2))


def catch_phrase(faker: Faker, _: object) -> str:
    lists = (words.CATCH_PHRASE_ADJECTIVES, words.CATCH_PHRASE_DESCRIPTORS, words.CATCH_PHRASE_NOUNS)
    return " ".join(faker.pick(items) for items in lists)


def bs(faker: Faker, _: object) -> str:
    return " ".join(faker.pick(items) for items in (words.BS_ADJECTIVES, words.BS_VERBS, words.BS_NOUNS))


def account(faker: Faker, length: object) -> str:
    return faker.digits("#" * times(length if truthy(length) else 8))


def mask(faker: Faker, length: object) -> str:
    return faker.digits("#" * times(length if truthy(length) and js_number(length) != 0 else 4))


def bitcoin_address(faker: Faker, _: object) -> str:
    length = int(faker.number({"min": 27, "max": 34}))
    return faker.pick("13") + "".join(alpha_numeric(faker).upper() for _ in range(length - 1))


def currency(faker: Faker) -> tuple[str, str]:
    return faker.pick(list(words.CURRENCIES.values()))


def hacker_phrase(faker: Faker, _: object) -> str:
    lists = {
        "{abbreviation}": words.HACKER_ABBREVIATIONS,
        "{adjective}": words.HACKER_ADJECTIVES,
        "{ingverb}": words.HACKER_INGVERBS,
        "{noun}": words.HACKER_NOUNS,
        "{verb}": words.HACKER_VERBS,
    }
    return re.sub(r"\{\w+\}", lambda match: faker.pick(lists[match[0]]), faker.pick(words.HACKER_PHRASES))
