"""lorem.*"""

from helpers.generator import faker_data as words
from helpers.generator.faker.drawing import Faker, times
from helpers.generator.js_values import UNDEFINED, js_add


def lorem_words(faker: Faker, count: object = 3) -> str:
    return " ".join(faker.pick(words.LOREM_WORDS) for _ in range(3 if count is UNDEFINED else times(count)))


def sentence(faker: Faker, count: object = UNDEFINED) -> str:
    text = lorem_words(faker, faker.number({"min": 3, "max": 10}) if count is UNDEFINED else count)
    return f"{text[:1].upper()}{text[1:]}."


def sentences(faker: Faker, count: object = UNDEFINED, separator: str = " ") -> str:
    if count is UNDEFINED:
        count = faker.number({"min": 2, "max": 6})
    return separator.join(sentence(faker) for _ in range(times(count)))


def paragraph(faker: Faker, count: object = UNDEFINED) -> str:
    return sentences(faker, js_add(3 if count is UNDEFINED else count, faker.number(3)))


def paragraphs(faker: Faker, count: object) -> str:
    return "\n \r".join(paragraph(faker) for _ in range(3 if count is UNDEFINED else times(count)))


def sentence_lines(faker: Faker, count: object) -> str:
    return sentences(faker, faker.number({"min": 1, "max": 5}) if count is UNDEFINED else count, "\n")
