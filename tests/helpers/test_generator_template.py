"""The Kinesis Data Generator's template language. Expected values were measured on KDG's own faker.js and moment 2.17.1."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest

from helpers.generator import HELPERS, Generator, TemplateError
from helpers.generator.clock import Clock, WallClock
from helpers.generator.faker import Faker, weighted_sums
from helpers.generator.js_values import number_string, to_fixed
from helpers.generator.moment_format import MomentFormat
from helpers.generator.template import Template
from infra import project

DATA = project.ROOT / "data"


def kdg(template: str, count: int = 1) -> list[str]:
    """Records as KDG makes them (strict mode)."""
    return Generator(template, seed=1, strict=True).records(count)


# ---- strict mode


@pytest.mark.parametrize(
    ("template", "record"),
    [
        ("plain text", "plain text"),
        ("", "string parameter is required!"),
        ("{{random.number", "{{random.number"),
        ('{"a":{"b":{{random.number(0)}}}}', '{"a":{"b":0}}'),
        ("  a\nb\r\n  c \n", "ab  c"),
        ("100%s {{random.number(0)}}%", "100%s 0%"),
        ("{{random.number( 0 )}}", "0"),
        ('{{random.number({"min":3,"max":3})}}', "3"),
        ("{{random.number({min:10,max:20})}}", "NaN"),
        ("{{random.number({'min':10,'max':20})}}", "NaN"),
        ('{{random.number("5")}}', "NaN"),
        ("{{random.number(true)}}", "NaN"),
        ("{{random.number(-1)}}", "-1"),
        ("{{commerce.price(10,20)}}", "NaN"),
        ('{{commerce.price({"min":1})}}', "NaN"),
        ("{{commerce.price(-1)}}", "0"),
        ("{{finance.amount(5,10,2)}}", "NaN"),
        ('{{date.between("a","b")}}', "Invalid Date"),
        ("{{date.between}}", "Invalid Date"),
        ('{{date.past("x")}}', "Invalid Date"),
        ("{{random.arrayElement([])}}", "undefined"),
        ('{{random.arrayElement({"a":1})}}', "undefined"),
        ("{{random.arrayElement(5)}}", "undefined"),
        ('{{random.arrayElement([{"a":1}])}}', "[object Object]"),
        ("{{random.arrayElement([[1,2,null,[3]]])}}", "1,2,,3"),
        ("{{random.arrayElement([null])}}", "null"),
        ("{{random.arrayElement([true])}}", "true"),
        ("{{random.arrayElement([1.50])}}", "1.5"),
        ("{{random.arrayElement([1e21])}}", "1e+21"),
        ("{{random.arrayElement([1e-7])}}", "1e-7"),
        ('{{random.arrayElement(["\\"Running\\""])}}', '"Running"'),
        ('{{random.arrayElement(["a$$b"])}}', "a$b"),
        ('{{random.weightedArrayElement({"weights":[0,1],"data":["x","y"]})}}', "y"),
        ('{{random.weightedArrayElement({"weights":[1],"data":["x","y"]})}}', "x"),
        ('{{random.objectElement({"a":1})}}', "1"),
        ("{{random.objectElement({})}}", "undefined"),
        ("{{helpers.createCard}}", "[object Object]"),
        ("{{helpers.mustache}}", "string parameter is required!"),
        ('{{helpers.mustache("x")}}', "x"),
        ('{{helpers.slugify("a b!c")}}', "a-bc"),
        ("{{helpers.replaceSymbols(5)}}", "string parameter is required!"),
        ("{{helpers.replaceSymbols}}|", "|"),
        ("{{company.suffixes}}", "Inc,and Sons,LLC,Group"),
        ("{{company.companyName(7)}}", "string parameter is required!"),
        ("{{address.city(9)}}", "string parameter is required!"),
        ("{{address.zipCode(5)}}", "string parameter is required!"),
        ("{{phone.phoneNumberFormat(99)}}|", "|"),
        ("{{lorem.sentences(0)}}|", "|"),
        ("{{image.imageUrl}}", "http://lorempixel.com/640/480"),
        ("{{image.cats(100)}}", "http://lorempixel.com/100/480/cats"),
        ("{{system.directoryPath}}", "undefined"),
        ('{{system.fileExt("image/png")}}', "png"),
        ("{{internet.password(-1)}}", "string parameter is required!"),
        ("{{phone.phoneNumberFormat(true)}}|", "|"),
        ('{{random.arrayElement(["{"])}}{{{random.arrayElement(["v"])}}', "v"),
        ('{{random.arrayElement(["{"])}}.{{random.number(0)}}', "{.0"),
    ],
)
def test_strict_gives_what_kdg_gives(template, record):
    assert kdg(template) == [record]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{random.number()}}", "Invalid method: random.number()"),
        ("{{ random.number(5) }}", "Invalid module:  random"),
        ("{{random.number(5) }}", "Invalid method: random.number "),
        ("{{random}}", "Invalid method: random.undefined"),
        ("{{random.foo}}", "Invalid method: random.foo"),
        ("{{foo.bar}}", "Invalid module: foo"),
        ("{{locale.en}}", "Invalid method: locale.en"),
        ("{{}}", "Invalid module: "),
        ("}} {{", "Invalid module: "),
        ("{{{random.number}}", "Invalid module: {random"),
        ('{"a":{"b":1}}, {{random.number(3)}}', "Invalid module: "),
        ('{{random.arrayElement(["a (b)","c"])}}', 'Invalid method: random.arrayElement","c"])'),
        ('{{random.objectElement({"a":{"b":1}})}}', 'Invalid method: random.objectElement({"a":{"b":1'),
        ("{{current.timestamp}} {{current.timestamp}}", "Invalid module: current"),
        ("{{random.weightedArrayElement([1])}}", "Cannot read properties of undefined (reading 'reduce')"),
        ('{{random.weightedArrayElement({"weights":[1]})}}', "Cannot read properties of undefined (reading 'length')"),
        ('{{random.weightedArrayElement({"weights":[],"data":[1]})}}', "Reduce of empty array with no initial value"),
        ('{{random.weightedArrayElement({"weights":["1"],"data":[1]})}}', "weight_sum.toFixed is not a function"),
        ("{{address.nearbyGPSCoordinate}}", "Cannot read properties of undefined (reading 'coordinate')"),
        ("{{date.simTime}}", "Cannot read properties of undefined (reading 'format')"),
        ("{{date.utc(5)}}", "format.match is not a function"),
        ("{{helpers.slugify(5)}}", "string.replace is not a function"),
        ("{{helpers.replaceSymbols([1])}}", "string.charAt is not a function"),
        ('{{random.arrayElement(["$&"])}}', "Maximum call stack size exceeded"),
        ('{"x":{{random.arrayElement(["{\\"a\\":1}"])}}}, {{random.number(3)}}', "Invalid module: "),
    ],
)
def test_strict_stops_with_kdg_s_message(template, message):
    with pytest.raises(TemplateError) as error:
        kdg(template)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("{{random.number(3)}}", {"0", "1", "2", "3"}),
        ('{{random.number({"min":-2,"max":1})}}', {"-2", "-1", "0", "1"}),
        ('{{random.number({"min":-10,"max":-5})}}', {"-10", "-9", "-8", "-7", "-6"}),
        ('{{random.number({"max":0.3,"min":0.1,"precision":0.1})}}', {"0.1", "0.2", "0.30000000000000004"}),
        ("{{random.arrayElement(['a','b'])}}", {"[", "'", "a", ",", "b", "]"}),
        ("{{random.arrayElement(0)}}", {"a", "b", "c"}),
        ("{{random.weightedArrayElement}}", {"dog", "cat"}),
        ("{{random.boolean(1)}}", {"true", "false"}),
        ("{{address.streetPrefix}}", {"a", "b", "c"}),
        ('{{random.weightedArrayElement({"weights":[0.5,0.5],"data":["x"]})}}', {"x", "undefined"}),
    ],
)
def test_strict_draws_exactly_these_values(template, values):
    assert set(kdg(template, 500)) == values


def test_a_hundredth_step_includes_both_ends():
    values = {float(record) for record in kdg('{{random.number({"max":1,"precision":0.01})}}', 3000)}
    assert (min(values), max(values), len(values)) == (0.0, 1.0, 101)


def test_only_the_first_old_timestamp_is_understood():
    clock = Clock("2026-01-05T09:00:00Z")
    assert Generator("{{current.timestamp}}", clock=clock, strict=True).records(1) == ["2026-01-05T09:00:00+00:00"]


def test_weights_are_summed_in_two_decimals():
    # KDG: 0.125 → 0.13, then 0.13 + 0.875 = 1.005, whose nearest binary number is just below → 1.00
    assert weighted_sums({"weights": [0.125, 0.875], "data": ["a", "b"]}) == (1.0, [0.13, 1.0], ["a", "b"])
    # finer weights are lost: after 0.33 + 0.33 + 0.33 the rest of the total 0.999 gives undefined
    thirds = {"weights": [0.333, 0.333, 0.333], "data": ["a", "b", "c"]}
    assert weighted_sums(thirds)[1] == [0.33, 0.66, 0.99]
    counts = Counter(kdg("{{random.weightedArrayElement(" + json.dumps(thirds) + ")}}", 20_000))
    assert 100 < counts["undefined"] < 260  # expected 0.009 / 0.999 of 20,000 = 180


def test_weights_need_not_add_up_to_one():
    counts = Counter(kdg('{{random.weightedArrayElement({"weights":[3,1],"data":["x","y"]})}}', 20_000))
    assert counts["x"] / 20_000 == pytest.approx(0.75, abs=0.015)


def test_fast_and_slow_way_give_the_same_records():
    def made(fast: bool) -> list[str]:
        text = (DATA / "record_template.txt").read_text(encoding="utf-8")
        template = Template(text, Faker(Random(5), Clock("2026-01-05T09:00:00Z", 0.01)), strict=True)
        assert template._fast
        template._fast = fast
        return [template.record() for _ in range(200)]

    assert made(fast=True) == made(fast=False)


# ---- the helpers

NAMES = {
    "random": "number arrayElement weightedArrayElement objectElement uuid boolean word words image locale alphaNumeric",
    "name": "firstName lastName findName jobTitle prefix suffix title jobDescriptor jobArea jobType",
    "address": "zipCode city cityPrefix citySuffix streetName streetAddress streetSuffix streetPrefix secondaryAddress county "
    "country countryCode state stateAbbr latitude longitude nearbyGPSCoordinate",
    "internet": "avatar email exampleEmail session userName protocol url domainName domainSuffix domainWord ip userAgent color "
    "mac password",
    "commerce": "color department productName price productAdjective productMaterial product",
    "company": "suffixes companyName companySuffix catchPhrase bs catchPhraseAdjective catchPhraseDescriptor catchPhraseNoun "
    "bsAdjective bsBuzz bsNoun",
    "date": "past future between recent month weekday now utc simTime",
    "finance": "account accountName mask amount transactionType currencyCode currencyName currencySymbol bitcoinAddress",
    "hacker": "abbreviation adjective noun verb ingverb phrase",
    "helpers": "randomize slugify replaceSymbolWithNumber replaceSymbols shuffle mustache createCard contextualCard userCard "
    "createTransaction",
    "image": "image avatar imageUrl abstract animals business cats city food nightlife fashion people nature sports technics "
    "transport",
    "lorem": "word words sentence sentences paragraph paragraphs text lines",
    "phone": "phoneNumber phoneNumberFormat phoneFormats",
    "system": "fileName commonFileName mimeType commonFileType commonFileExt fileType fileExt directoryPath filePath semver",
}


def test_all_helpers_of_kdg_are_there():
    names = {f"{module}.{name}" for module, listed in NAMES.items() for name in listed.split()}
    assert set(HELPERS) == names


@pytest.mark.parametrize("name", sorted(set(HELPERS) - {"address.nearbyGPSCoordinate", "date.simTime"}))
def test_every_helper_works_without_parameters(name):
    record = kdg("|{{" + name + "}}|")[0]
    assert record.startswith("|") and record.endswith("|") and "{{" not in record


@pytest.mark.parametrize(
    ("template", "form"),
    [
        ("{{random.uuid}}", r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        ("{{random.number}}", r"\d{1,5}"),
        ("{{random.alphaNumeric(5)}}", r"[0-9a-z]"),
        ("{{internet.ip}}", r"(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}"),
        ("{{internet.mac}}", r"[0-9a-f]{2}(:[0-9a-f]{2}){5}"),
        ("{{internet.email}}", r"[\w.\-]+@(gmail|yahoo|hotmail)\.com"),
        ("{{internet.exampleEmail}}", r"[\w.\-]+@example\.(org|com|net)"),
        ('{{internet.email("Bob")}}', r"Bob(\d{1,2}|[._]\w+)@\w+\.com"),
        ("{{internet.session}}", r"\d{16}(\.\d+)?"),
        ("{{internet.color}}", r"#([0-7][0-9a-f]|80){3}"),
        ("{{internet.password}}", r"\w{15}"),
        ("{{internet.password(8)}}", r"\w{8}"),
        ("{{internet.url}}", r"https?://\w+\.(com|biz|info|name|net|org)"),
        ("{{commerce.price}}", r"\d{1,4}\.00"),
        ("{{address.latitude}}", r"-?\d{1,2}\.\d{4}"),
        ("{{address.longitude}}", r"-?\d{1,3}\.\d{4}"),
        ("{{address.zipCode}}", r"\d{5}(-\d{4})?"),
        ('{{address.zipCode("A#")}}', r"A\d"),
        ("{{address.streetAddress(true)}}", r"\d{3,5} [\w' ]+ (Apt\.|Suite) \d{3}"),
        ("{{finance.account}}", r"\d{8}"),
        ("{{finance.account(3)}}", r"\d{3}"),
        ("{{finance.mask}}", r"\d{4}"),
        ("{{finance.bitcoinAddress}}", r"[13][0-9A-Z]{26,33}"),
        ("{{finance.currencyCode}}", r"[A-Z]{3}"),
        ('{{phone.phoneNumber("0##-##")}}', r"0\d\d-\d\d"),
        ("{{phone.phoneNumberFormat(1)}}", r"\(\d{3}\) \d{3}-\d{4}"),
        ("{{phone.phoneFormats}}", r"[#().x1 -]+"),
        ('{{helpers.replaceSymbols("?#?")}}', r"[A-Z]\d[A-Z]"),
        ("{{helpers.shuffle([1,2,3])}}", r"[123],[123],[123]"),
        ("{{lorem.words(2)}}", r"[a-z]+ [a-z]+"),
        ("{{lorem.sentence(2)}}", r"[A-Z][a-z]* [a-z]+\."),
        ("{{date.past}}", r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d 20\d\d \d\d:\d\d:\d\d GMT[+-]\d{4} \(.+\)"),
        ('{{date.month({"abbr":true})}}', r"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"),
        ("{{date.weekday}}", r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"),
        ("{{system.fileName}}", r"[a-z0-9_./&']+\.[a-z0-9]+"),
        ("{{system.semver}}", r"\d\.\d\.\d"),
        ("{{system.mimeType}}", r"[a-z]+/[a-z0-9+.\-]+"),
    ],
)
def test_forms(template, form):
    for record in kdg(template, 200):
        assert re.fullmatch(form, record), record


def test_a_nearby_coordinate_lies_at_the_radius():
    """10 "miles" are 6.21371 km in KDG: 0.0558 degrees of latitude on a radius of 6378.137 km."""
    template = '{{address.nearbyGPSCoordinate({"coordinate":[0,0],"radius":10,"isMetric":false})}}'
    for record in kdg(template, 50):
        latitude, longitude = map(float, record.split(","))
        assert (latitude**2 + longitude**2) ** 0.5 == pytest.approx(0.0558, abs=0.0002)


def test_recent_and_future_keep_to_their_days():
    clock = Clock("2026-01-05T09:00:00Z", step=0)
    template = "{{date.recent(2)}}|{{date.future(1)}}"
    now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    for record in Generator(template, seed=3, clock=clock).records(200):
        recent, future = (
            datetime.strptime(text, "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)").replace(tzinfo=UTC)
            for text in record.split("|")
        )
        assert now - timedelta(days=2, seconds=1) <= recent <= now - timedelta(seconds=1)
        assert now <= future <= now + timedelta(days=365)


# ---- moment's formats


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("YYYY-MM-DD HH:mm:ss.SSS", "2026-01-05 21:04:07.089"),
        ("dddd, MMMM Do YYYY, h:mm:ss a", "Monday, January 5th 2026, 9:04:07 pm"),
        ("ddd, hA", "Mon, 9PM"),
        ("DD/MMM/YYYY:HH:mm:ss Z", "05/Jan/2026:21:04:07 +00:00"),
        ("X x", "1767647047 1767647047089"),
        ("Q Qo M Mo DDD DDDo DDDD d do dd e E", "1 1st 1 1st 5 5th 005 1 1st Mo 1 1"),
        ("w wo ww gg gggg W Wo WW GG GGGG", "2 2nd 02 26 2026 2 2nd 02 26 2026"),
        ("YY YYYYY YYYYYY Y", "26 02026 +002026 2026"),
        ("H k kk hh hmm Hmmss S SS SSSSSS", "21 21 21 09 904 210407 0 08 089000"),
        ("[year] YYYY \\M ZZ z zz", "year 2026 M +0000 UTC Coordinated Universal Time"),
        ("LTS | L | LLLL | l | llll", "9:04:07 PM | 01/05/2026 | Monday, January 5, 2026 9:04 PM | 1/5/2026 | "
         "Mon, Jan 5, 2026 9:04 PM"),
        ("100%s %d", "100%7 %1"),
    ],
)  # fmt: skip
def test_moment_formats(form, text):
    assert MomentFormat(form, UTC)(1767647047089) == text


def test_a_format_is_kept_for_a_second_only():
    form = MomentFormat("ss.SSS", UTC)
    assert [form(ms) for ms in (1_000, 1_001, 59_999, 1_002)] == ["01.000", "01.001", "59.999", "01.002"]


def test_week_of_the_year_at_its_turn():
    """Locale en: the week that holds 1 January is week 1; ISO: the one that holds its Thursday."""
    last = round(datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp() * 1000)
    assert MomentFormat("gggg-w GGGG-W", UTC)(last) == "2027-1 2026-53"


def test_now_is_in_the_zone_of_the_clock_and_utc_is_not():
    clock = Clock(datetime(2026, 1, 5, 9, tzinfo=timezone(timedelta(hours=9))))
    record = Generator('{{date.now}} {{date.utc}} {{date.simTime("HH:mm")}}', clock=clock).records(1)
    assert record == ["2026-01-05T09:00:00+09:00 2026-01-05T00:00:00Z 09:00"]


# ---- seed and clock


def test_the_same_seed_gives_the_same_records():
    """This record stands in stored notebooks: it must not change."""

    def records(seed: int, count: int) -> list[str]:
        clock = Clock("2026-01-05T09:00:00Z", step=0.01)
        return Generator(DATA / "record_template.txt", seed=seed, clock=clock).records(count)

    first = records(42, 3)
    assert first == records(42, 3)
    assert first[0] == PINNED
    assert [json.loads(record)["device_ts"] for record in first] == [
        "2026-01-05 09:00:00.000",
        "2026-01-05 09:00:00.010",
        "2026-01-05 09:00:00.020",
    ]
    assert not set(first) & set(records(43, 3))


PINNED = (
    '{    "uuid": "359c2d25-e167-4da9-a653-1d6c9c7f4f1e",    "device_ts": "2026-01-05 09:00:00.000",    "'
    'device_id": 31,    "device_temp": 40,    "track_id": 18,      "activity_type": "Traveling"}'
)


def test_without_a_seed_records_differ():
    assert Generator("{{random.uuid}}").records(1) != Generator("{{random.uuid}}").records(1)


def test_the_wall_clock_is_now():
    before = datetime.now(UTC)
    record = Generator('{{date.utc("x")}}').records(1)[0]
    assert before - timedelta(seconds=1) <= datetime.fromtimestamp(int(record) / 1000, UTC) <= datetime.now(UTC)


def test_a_clock_refuses_a_step_back_and_text_that_is_no_time():
    with pytest.raises(ValueError, match="0 or more"):
        Clock("2026-01-05", step=-1)
    with pytest.raises(ValueError, match="yesterday"):
        Clock("yesterday")


def test_a_small_step_does_not_drift():
    clock = Clock("2026-01-05T00:00:00Z", step=0.1)
    assert Generator('{{date.utc("HH:mm:ss.SSS")}}', clock=clock).records(36_001)[-1] == "01:00:00.000"


# ---- the workshop's template


def test_shares_and_sizes_of_the_workshop_s_template():
    records = Generator(DATA / "record_template_workshop.txt", seed=7).records(20_000)
    rows = [json.loads(record) for record in records]
    assert sum(len(record) + 1 for record in records) / 20_000 == pytest.approx(178.08, abs=0.1)
    shares = {"Running": 0.10, "Working": 0.20, "Walking": 0.20, "Traveling": 0.30, "Sitting": 0.20}
    counts = Counter(row["activity_type"] for row in rows)
    assert set(counts) == set(shares)
    for activity, share in shares.items():
        assert counts[activity] / 20_000 == pytest.approx(share, abs=0.012)
    temperatures = Counter(row["device_temp"] for row in rows)
    for temperature, share in {32: 0.3, 34: 0.3, 28: 0.2, 40: 0.2}.items():
        assert temperatures[temperature] / 20_000 == pytest.approx(share, abs=0.012)
    assert {row["track_id"] for row in rows} == set(range(31))
    assert {row["device_id"] for row in rows} == set(range(51))
    assert len({row["uuid"] for row in rows}) == 20_000


# ---- helpful mode


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("", "The template is empty. Type or paste one, for example {{random.uuid}}."),
        ("{{random.number()}}", "Line 1, column 1: KDG allows no empty parentheses. Type {{random.number}}"),
        (
            '{\n  "id": {{ random.number(5) }}\n}',
            "Line 2, column 9: KDG allows no blanks around the name in {{ random.number(5) }}. Type {{random.number(5)}}",
        ),
        ("{{random.nmber(5)}}", "Line 1, column 1: There is no helper random.nmber. Type {{random.number(5)}}"),
        (
            "{{random.foo}}",
            "Line 1, column 1: There is no helper random.foo. Type random. and one of: alphaNumeric, arrayElement, boolean, "
            "image, locale, number, objectElement, uuid, weightedArrayElement, word, words",
        ),
        (
            "{{foo.bar}}",
            "Line 1, column 1: There is no helper foo.bar. Names begin with one of: address, commerce, company, date, "
            "finance, hacker, helpers, image, internet, lorem, name, phone, random, system",
        ),
        (
            "{{current.timestamp}}\n{{current.timestamp}}",
            "Line 2, column 1: KDG replaces {{current.timestamp}} once only. Type {{date.now}}",
        ),
        (
            "{{random.number({min:10,max:20})}}",
            "Line 1, column 1: The parameter of {{random.number({min:10,max:20})}} is not JSON. "
            'Type {{random.number({"min":10,"max":20})}}',
        ),
        (
            "{{random.arrayElement(['a','b'])}}",
            "Line 1, column 1: The parameter of {{random.arrayElement(['a','b'])}} is not JSON. "
            'Type {{random.arrayElement(["a","b"])}}',
        ),
        (
            "{{commerce.price(10,20)}}",
            "Line 1, column 1: KDG passes one argument only, {{commerce.price(10,20)}} has 2. "
            'Type {{random.number({"min":10,"max":20})}}',
        ),
        (
            '{{random.arrayElement(["a (b)","c"])}}',
            "Line 1, column 1: For KDG the first ) ends the parameter. Type \\u0029 for it: "
            '{{random.arrayElement(["a (b\\u0029","c"])}}',
        ),
        (
            '{"a":{"b":1}}, {{random.number(3)}}',
            "Line 1, column 12: KDG takes these two closing braces for the end of a placeholder. "
            "Type a blank between them: } }",
        ),
        ("{{{random.number}}", "Line 1, column 1: KDG takes the first two of these braces for the placeholder. "
         "Type a blank: { {{"),
        ("a {{random.number", "Line 1, column 3: {{ is never closed. Type }} at the end of the placeholder."),
        ("{{helpers.createCard}}", "Line 1, column 1: {{helpers.createCard}} is of no use: it gives an object, which KDG "
         "writes as [object Object]; use the single helpers, e.g. {{name.findName}}."),
        ('{{random.arrayElement([{"a":1}])}}', 'Line 1, column 1: {{random.arrayElement([{"a":1}])}}: KDG writes an object '
         "as [object Object] and an array without its brackets. "
         'Type it as text with \\" for its quotes, e.g. "{\\"a\\": 1}"'),
        ('{{random.weightedArrayElement({"weights":[1],"data":["a","b"]})}}',
         'Line 1, column 1: {{random.weightedArrayElement({"weights":[1],"data":["a","b"]})}}: there are 1 weights for 2 '
         "data. Type one weight for each"),
        ("{{random.number(-5)}}", "Line 1, column 1: {{random.number(-5)}}: min (0) is greater than max (-5). "
         'Type {{random.number({"min":-5,"max":0})}}'),
        ("{{name.firstName(1)}}", "Line 1, column 1: {{name.firstName(1)}}: KDG ignores the parameter. "
         "Type {{name.firstName}}"),
        ("{{date.simTime}}", "date.simTime needs simulated time: give the generator a clock, or use {{date.utc}}."),
    ],
)  # fmt: skip
def test_helpful_says_what_is_wrong_where_and_what_to_type(template, message):
    with pytest.raises(TemplateError) as error:
        Generator(template).records(1)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "template",
    [
        '{{random.weightedArrayElement({"weights":[0.125,0.875],"data":[1,2]})}}',
        '{{random.weightedArrayElement({"weights":[0,0],"data":[1,2]})}}',
        '{{random.number({"min":1,"maximum":2})}}',
        '{{random.number({"precision":0})}}',
        '{{random.number("5")}}',
        "{{random.number(5)x}}",
        "{{random.uuid(3)}}",
        "{{date.between}}",
        "{{date.utc(5)}}",
        "{{date.utc('YYYY')}}",
        "{{lorem.words(0)}}",
        "{{lorem.words(99999999)}}",
        "{{company.companyName(3)}}",
        "{{address.nearbyGPSCoordinate}}",
        '{{address.nearbyGPSCoordinate({"coordinate":[91,0]})}}',
        "{{address.streetPrefix}}",
        "{{system.filePath}}",
        "{{helpers.slugify}}",
        "{{random.arrayElement([])}}",
        '{{random.arrayElement("abc")}}',
        '{{random.arrayElement(["$&"])}}',
        '{{random.objectElement({"a":{"b":1}})}}',
        "{{random.uuid",
        "{{random.uuid {{random.uuid}}",
        "{{}}",
    ],
)
def test_helpful_refuses(template):
    with pytest.raises(TemplateError, match=r"^Line 1, column 1: "):
        Generator(template)


def test_every_advice_can_be_typed_as_it_stands():
    """What an error tells to type is itself a template without an error."""
    advised = 0
    for template in [
        "{{random.number()}}",
        "{{ random.number(5) }}",
        "{{random.nmber(5)}}",
        "{{random.number({min:10,max:20})}}",
        "{{random.arrayElement(['a','b',])}}",
        "{{finance.amount(5,10,2)}}",
        '{{internet.email("a","b")}}',
        '{{random.arrayElement(["a (b)","c"])}}',
        "{{random.number(-5)}}",
        "{{random.uuid(3)}}",
        "{{address.nearbyGPSCoordinate}}",
        "{{date.month(1)}}",
        "{{date.past(-1)}}",
    ]:
        with pytest.raises(TemplateError) as error:
            Generator(template)
        (advice,) = re.findall(r"(?:Type|for it:|only:) (\{\{.*\}\})", str(error.value))
        assert Generator(advice).records(1)
        advised += 1
    assert advised == 13


def test_an_escaped_parenthesis_works():
    assert Generator('{{random.arrayElement(["a (b\\u0029"])}}').records(1) == ["a (b)"]


def test_values_with_braces_work_where_kdg_takes_them():
    template = '{"x": {{random.arrayElement(["{\\"a\\": 1}"])}}, "n": {{random.number(0)}}}'
    assert Generator(template).records(1) == ['{"x": {"a": 1}, "n": 0}']


def test_values_whose_braces_end_a_later_placeholder_are_explained():
    with pytest.raises(TemplateError, match="a value with braces stands before another placeholder"):
        Generator('{"x":{{random.arrayElement(["{\\"a\\":1}"])}}}, {{random.number(3)}}').records(1)


def test_the_seed_s_template_works_as_pasted():
    text = (DATA / "record_template.txt").read_text(encoding="utf-8").replace("\n", "\r\n")
    row = json.loads(Generator(text, seed=1).records(1)[0])
    assert list(row) == ["uuid", "device_ts", "device_id", "device_temp", "track_id", "activity_type"]


def test_other_languages_are_refused():
    with pytest.raises(ValueError, match="The locale 'de' is not available"):
        Generator("{{name.firstName}}", locale="de")


def test_a_template_is_text():
    with pytest.raises(TypeError, match="a text or a Path, not NoneType"):
        Generator(None)


# ---- JavaScript's numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.1, "0.1"), (1e-6, "0.000001"), (1.5e-7, "1.5e-7"), (1e20, "100000000000000000000"),
     (1e21, "1e+21"), (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (-0.0, "0"), (123456789012345.25, "123456789012345.25")],
)  # fmt: skip
def test_numbers_as_text(value, text):
    assert number_string(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(0.125, 2, "0.13"), (1.005, 2, "1.00"), (2.5, 0, "3"), (-1.5, 0, "-2"), (33.7, 4, "33.7000")]
)  # fmt: skip
def test_to_fixed(value, digits, text):
    assert to_fixed(value, digits) == text


def test_simulated_time_of_the_wall_clock():
    clock = WallClock()
    clock.simulated = 1767647047089
    assert Template("{{date.simTime(x)}}", Faker(Random(1), clock)).record() == "1767647047089"
