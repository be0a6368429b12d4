"""The table of the language: what each helper gives, and what a template may pass to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpers.generator import faker_data as words
from helpers.generator.faker import business, dates, internet, lorem, people, picks
from helpers.generator.faker.drawing import Faker, characters, times
from helpers.generator.js_values import UNDEFINED, js_string, truthy
from helpers.generator.moment_format import MONTHS, WEEKDAYS


@dataclass(frozen=True)
class Helper:
    """A helper of the language.

    draw: what it gives. argument: what the helpful mode lets a template pass (see check.py).
    refused: why the helpful mode refuses it, and what to type instead.
    """

    draw: Callable[[Faker, object], Any]
    argument: str = "none"
    refused: str = ""


def _from(items: list | str) -> Helper:
    return Helper(lambda faker, _: faker.pick(items))


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
    return " ".join(_random_word(faker) for _ in range(times(count)))


def _file_name(faker: Faker, extension: str) -> str:
    return re.sub(r"[ ,\-\\]", "_", f"{_random_words(faker)}.{extension}").lower()


def _common_file_name(faker: Faker, extension: object) -> str:
    return _file_name(faker, js_string(extension) if truthy(extension) else internet.common_file_extension(faker))


def _card(faker: Faker, _: object) -> dict:
    """The cards are JavaScript objects; as text, which is all that a template can show, they are [object Object]."""
    return {}


def _lorem_text(faker: Faker, _: object) -> str:
    name = faker.pick(["word", "words", "sentence", "sentences", "paragraph", "paragraphs", "lines"])
    return HELPERS[f"lorem.{name}"].draw(faker, UNDEFINED)


_OBJECT = "it gives an object, which KDG writes as [object Object]; use the single helpers, e.g. {{name.findName}}"
_NO_VALUE = "it has no value in KDG, which writes undefined; use {{system.fileName}}"
_ONE_ARGUMENT = "it needs two arguments and KDG can pass one, so it gives Invalid Date; use {{date.recent(7)}}"
HELPERS: dict[str, Helper] = {
    "random.number": Helper(lambda faker, options: faker.number(options), "range"),
    "random.arrayElement": Helper(picks.array_element, "list"),
    "random.weightedArrayElement": Helper(picks.weighted_array_element, "weights"),
    "random.objectElement": Helper(picks.object_element, "object"),
    "random.uuid": Helper(lambda faker, _: picks.uuid_text(faker.rng)),
    "random.boolean": Helper(lambda faker, _: faker.number(1) == 1),
    "random.word": Helper(_random_word),
    "random.words": Helper(_random_words, "count"),
    "random.image": Helper(lambda faker, _: internet.any_image(faker)),
    "random.locale": _from(words.LOCALES),
    "random.alphaNumeric": Helper(picks.alpha_numeric),
    "name.firstName": Helper(people.first_name),
    "name.lastName": Helper(people.last_name),
    "name.findName": Helper(people.find_name, "text"),
    "name.jobTitle": Helper(people.job_title),
    "name.prefix": _from(words.NAME_PREFIXES),
    "name.suffix": _from(words.NAME_SUFFIXES),
    "name.title": Helper(people.job_title),
    "name.jobDescriptor": _from(words.JOB_DESCRIPTORS),
    "name.jobArea": _from(words.JOB_AREAS),
    "name.jobType": _from(words.JOB_TYPES),
    "address.zipCode": Helper(people.zip_code, "text"),
    "address.city": Helper(people.city, "index 4"),
    "address.cityPrefix": _from(words.CITY_PREFIXES),
    "address.citySuffix": _from(words.CITY_SUFFIXES),
    "address.streetName": Helper(people.street_name),
    "address.streetAddress": Helper(people.street_address, "flag"),
    "address.streetSuffix": _from(words.STREET_SUFFIXES),
    "address.streetPrefix": Helper(
        lambda faker, _: faker.pick("abc"),
        refused="KDG has no English street prefixes and gives a, b or c; use {{address.streetSuffix}}",
    ),
    "address.secondaryAddress": Helper(people.secondary_address),
    "address.county": _from(words.COUNTIES),
    "address.country": _from(words.COUNTRIES),
    "address.countryCode": _from(words.COUNTRY_CODES),
    "address.state": _from(words.STATES),
    "address.stateAbbr": _from(words.STATE_CODES),
    "address.latitude": Helper(lambda faker, _: people.degrees(faker, 90)),
    "address.longitude": Helper(lambda faker, _: people.degrees(faker, 180)),
    "address.nearbyGPSCoordinate": Helper(people.nearby, "coordinate"),
    "internet.avatar": _from(words.AVATARS),
    "internet.email": Helper(lambda faker, first: internet.email(faker, first, words.FREE_EMAIL_DOMAINS), "text"),
    "internet.exampleEmail": Helper(
        lambda faker, first: internet.email(faker, first, words.EXAMPLE_EMAIL_DOMAINS), "text"
    ),
    "internet.session": Helper(internet.session),
    "internet.userName": Helper(internet.user_name, "text"),
    "internet.protocol": _from(["http", "https"]),
    "internet.url": Helper(lambda faker, _: f"{faker.pick(['http', 'https'])}://{internet.domain_name(faker)}"),
    "internet.domainName": Helper(internet.domain_name),
    "internet.domainSuffix": _from(words.DOMAIN_SUFFIXES),
    "internet.domainWord": Helper(internet.domain_word),
    "internet.ip": Helper(lambda faker, _: ".".join(str(faker.number(255)) for _ in range(4))),
    "internet.userAgent": Helper(internet.user_agent),
    "internet.color": Helper(internet.hex_color, "number"),
    "internet.mac": Helper(internet.mac),
    "internet.password": Helper(internet.password, "count"),
    "commerce.color": _from(words.COLORS),
    "commerce.department": _from(words.DEPARTMENTS),
    "commerce.productName": Helper(business.product_name),
    "commerce.price": Helper(business.amount, "number"),
    "commerce.productAdjective": _from(words.PRODUCT_ADJECTIVES),
    "commerce.productMaterial": _from(words.PRODUCT_MATERIALS),
    "commerce.product": _from(words.PRODUCTS),
    "company.suffixes": Helper(lambda faker, _: list(words.COMPANY_SUFFIXES)),
    "company.companyName": Helper(business.company_name, "index 3"),
    "company.companySuffix": _from(words.COMPANY_SUFFIXES),
    "company.catchPhrase": Helper(business.catch_phrase),
    "company.bs": Helper(business.bs),
    "company.catchPhraseAdjective": _from(words.CATCH_PHRASE_ADJECTIVES),
    "company.catchPhraseDescriptor": _from(words.CATCH_PHRASE_DESCRIPTORS),
    "company.catchPhraseNoun": _from(words.CATCH_PHRASE_NOUNS),
    "company.bsAdjective": _from(words.BS_ADJECTIVES),
    "company.bsBuzz": _from(words.BS_VERBS),
    "company.bsNoun": _from(words.BS_NOUNS),
    "date.past": Helper(dates.days_away(365, -1), "number"),
    "date.future": Helper(dates.days_away(365, 1), "number"),
    "date.between": Helper(lambda faker, _: "Invalid Date", refused=_ONE_ARGUMENT),
    "date.recent": Helper(dates.days_away(1, -1), "number"),
    "date.month": Helper(dates.calendar_word(MONTHS), "options"),
    "date.weekday": Helper(dates.calendar_word(WEEKDAYS), "options"),
    "date.now": Helper(dates.moment("date.now"), "text"),
    "date.utc": Helper(dates.moment("date.utc"), "text"),
    "date.simTime": Helper(dates.sim_time, "text"),
    "finance.account": Helper(business.account, "count"),
    "finance.accountName": Helper(lambda faker, _: f"{faker.pick(words.ACCOUNT_TYPES)} Account"),
    "finance.mask": Helper(business.mask, "count"),
    "finance.amount": Helper(business.amount, "number"),
    "finance.transactionType": _from(words.TRANSACTION_TYPES),
    "finance.currencyCode": Helper(lambda faker, _: business.currency(faker)[0]),
    "finance.currencyName": Helper(lambda faker, _: faker.pick(list(words.CURRENCIES))),
    "finance.currencySymbol": Helper(lambda faker, _: business.currency(faker)[1]),
    "finance.bitcoinAddress": Helper(business.bitcoin_address),
    "hacker.abbreviation": _from(words.HACKER_ABBREVIATIONS),
    "hacker.adjective": _from(words.HACKER_ADJECTIVES),
    "hacker.noun": _from(words.HACKER_NOUNS),
    "hacker.verb": _from(words.HACKER_VERBS),
    "hacker.ingverb": _from(words.HACKER_INGVERBS),
    "hacker.phrase": Helper(business.hacker_phrase),
    "helpers.randomize": Helper(picks.array_element, "list"),
    "helpers.slugify": Helper(picks.slugify, "needed text"),
    "helpers.replaceSymbolWithNumber": Helper(lambda faker, text: faker.digits(characters(text)), "needed text"),
    "helpers.replaceSymbols": Helper(lambda faker, text: faker.digits(characters(text), letters=True), "needed text"),
    "helpers.shuffle": Helper(picks.shuffle, "list"),
    "helpers.mustache": Helper(lambda faker, text: "" if text is UNDEFINED else text, "needed text"),
    "helpers.createCard": Helper(_card, refused=_OBJECT),
    "helpers.contextualCard": Helper(_card, refused=_OBJECT),
    "helpers.userCard": Helper(_card, refused=_OBJECT),
    "helpers.createTransaction": Helper(_card, refused=_OBJECT),
    "image.image": Helper(internet.any_image, "number"),
    "image.avatar": _from(words.AVATARS),
    "image.imageUrl": Helper(internet.image_url, "number"),
    **{f"image.{category}": Helper(internet.image(category), "number") for category in words.IMAGE_CATEGORIES},
    "lorem.word": _from(words.LOREM_WORDS),
    "lorem.words": Helper(lorem.lorem_words, "count"),
    "lorem.sentence": Helper(lorem.sentence, "count"),
    "lorem.sentences": Helper(lorem.sentences, "count"),
    "lorem.paragraph": Helper(lorem.paragraph, "count"),
    "lorem.paragraphs": Helper(lorem.paragraphs, "count"),
    "lorem.text": Helper(_lorem_text),
    "lorem.lines": Helper(lorem.sentence_lines, "count"),
    "phone.phoneNumber": Helper(people.phone_number, "text"),
    "phone.phoneNumberFormat": Helper(people.phone_number_format, f"index {len(words.PHONE_FORMATS)}"),
    "phone.phoneFormats": _from(words.PHONE_FORMATS),
    "system.fileName": Helper(lambda faker, _: _file_name(faker, internet.file_extension(faker))),
    "system.commonFileName": Helper(_common_file_name, "text"),
    "system.mimeType": _from(list(words.MIME_TYPES)),
    "system.commonFileType": _from(words.COMMON_FILE_TYPES),
    "system.commonFileExt": Helper(internet.common_file_extension),
    "system.fileType": _from(sorted({name.split("/")[0] for name in words.MIME_TYPES})),
    "system.fileExt": Helper(internet.file_extension, "text"),
    "system.directoryPath": Helper(lambda faker, _: UNDEFINED, refused=_NO_VALUE),
    "system.filePath": Helper(lambda faker, _: UNDEFINED, refused=_NO_VALUE),
    "system.semver": Helper(lambda faker, _: ".".join(str(faker.number(9)) for _ in range(3))),
}
