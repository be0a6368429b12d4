"""Keys of Firehose's S3 objects: expected values from AWS's documentation and from Java 17's DateTimeFormatter (Locale.US)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from infra.local.firehose.keys import (
    PatternError,
    PrefixError,
    check_prefixes,
    evaluate,
    evaluate_error_prefix,
    evaluate_prefix,
    format_time,
    local_time,
    object_key,
)

AUGUST = datetime(2018, 8, 27, 10, 30, 5, 123456, UTC)  # the moment of the examples in s3-prefixes.html
AUGUST_MS = 1535365805123
UNIQUE = "4e1c1b0e-1f5a-4b57-9f0e-0c1d2e3f4a5b"


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", "2018/08/27/10/"),
        ("raw", "raw2018/08/27/10/"),  # no slash is added
        ("raw/", "raw/2018/08/27/10/"),
        ("!{timestamp:yyyy/MM/dd}", "2018/08/27"),
        (
            "myPrefix/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
            "myPrefix/year=2018/month=08/day=27/hour=10/",
        ),
        ("!{timestamp:'year='yyyy'/month='MM}/", "year=2018/month=08/"),
        ("!{timestamp:''yyyy'o''clock'}", "'2018o'clock"),
    ],
)
def test_prefix_is_evaluated(prefix: str, expected: str) -> None:
    assert evaluate_prefix(prefix, AUGUST) == expected


def test_random_string_has_11_characters_and_a_new_value_at_each_place() -> None:
    evaluated = evaluate("a/!{firehose:random-string}/!{firehose:random-string}/!{timestamp:yyyy}", AUGUST)
    match = re.fullmatch(r"a/([A-Za-z0-9]{11})/([A-Za-z0-9]{11})/2018", evaluated)
    assert match and match[1] != match[2]


def test_error_output_type() -> None:
    prefix = "myFirehoseFailures/!{firehose:error-output-type}/!{timestamp:yyyy}/anyMonth/!{timestamp:dd}"
    assert evaluate(prefix, AUGUST) == "myFirehoseFailures/processing-failed/2018/anyMonth/27"
    assert (
        evaluate("fail/!{firehose:error-output-type}/", AUGUST) == "fail/processing-failed/"
    )  # no time is appended here
    assert evaluate(prefix, AUGUST, "format-conversion-failed").startswith(
        "myFirehoseFailures/format-conversion-failed/"
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"prefix": ""}, f"2018/08/27/10/orders-1-2018-08-27-10-30-05-{UNIQUE}"),
        ({"prefix": "raw/", "extension": ".gz"}, f"raw/2018/08/27/10/orders-1-2018-08-27-10-30-05-{UNIQUE}.gz"),
        ({"prefix": "", "zone": "Asia/Tokyo"}, f"2018/08/27/19/orders-1-2018-08-27-19-30-05-{UNIQUE}"),
        ({"prefix": "", "zone": ""}, f"2018/08/27/10/orders-1-2018-08-27-10-30-05-{UNIQUE}"),
        ({"prefix": "", "version": "12"}, f"2018/08/27/10/orders-12-2018-08-27-10-30-05-{UNIQUE}"),
    ],
)
def test_object_key(settings: dict[str, str], expected: str) -> None:
    moment = local_time(AUGUST_MS, settings.get("zone", ""))
    evaluated, version = evaluate_prefix(settings["prefix"], moment), settings.get("version", "1")
    assert object_key(evaluated, "orders", version, moment, UNIQUE, settings.get("extension", "")) == expected


@pytest.mark.parametrize(
    ("prefix", "error_prefix", "expected"),
    [
        ("myFirehosePrefix/", "", "myFirehosePrefix/processing-failed/2018/08/27/10/"),
        ("", "", "processing-failed/2018/08/27/10/"),
        ("raw/", "errors/", "errors/processing-failed/2018/08/27/10/"),
        ("raw/", "e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "e/processing-failed/2018/"),
    ],
)
def test_error_prefix_is_evaluated(prefix: str, error_prefix: str, expected: str) -> None:
    assert evaluate_error_prefix(prefix, error_prefix, AUGUST, "processing-failed") == expected


def test_partition_keys_stand_in_a_prefix_and_no_time_is_appended_to_them() -> None:
    prefix = "c=!{partitionKeyFromQuery:customer}/d=!{partitionKeyFromLambda:day}/"
    check_prefixes(prefix, "e/", partitioned=True)
    keys = {("partitionKeyFromQuery", "customer"): "a/b", ("partitionKeyFromLambda", "day"): "7"}
    assert evaluate_prefix(prefix, AUGUST, keys) == "c=a/b/d=7/"
    with pytest.raises(
        PrefixError, match="Dynamic Partitioning Namespaces can't be part of an error prefix expression"
    ):
        check_prefixes(prefix, "e/!{firehose:error-output-type}/!{partitionKeyFromQuery:customer}/", partitioned=True)


@pytest.mark.parametrize(
    ("prefix", "error_prefix", "message"),
    [
        (
            "!{timestamp:yyyy}/",
            "",
            "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions",
        ),
        ("!{timestamp:yyyy}/", "e/!{timestamp:yyyy}/", "ErrorOutputPrefix must contain at least one occurrence of"),
        (
            "!{firehose:error-output-type}/",
            "e/!{firehose:error-output-type}/",
            "Prefix must not contain any occurrence of",
        ),
        (
            "a/!{partitionKeyFromQuery:id}/",
            "e/",
            "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.",
        ),
        ("a/!{partitionKeyFromLambda:id}/", "e/", "Dynamic Partitioning Namespaces can only be part of"),
        ("a/!{time:yyyy}/", "e/", "!{time:yyyy} is not a valid expression"),
        ("a/!{timestamp:}/", "e/", "!{timestamp:} is not a valid expression"),
        ("a/!{timestamp:yyyy", "e/", "the sequence '!{' can only appear in"),
        ("!{timestamp:yyyy-R}/", "e/", "Unknown pattern letter: R"),
        ("!{timestamp:ddd}/", "e/", "Too many pattern letters: d"),
        ("!{timestamp:yyyy'open}/", "e/", "incomplete string literal"),
        ("x" * 499, "", "Prefix cannot be greater than 512 characters"),
        ("", "x" * 513, "ErrorOutputPrefix cannot be greater than 512 characters"),
    ],
)
def test_bad_prefixes_are_refused(prefix: str, error_prefix: str, message: str) -> None:
    with pytest.raises(PrefixError, match=re.escape(message)):
        check_prefixes(prefix, error_prefix)


@pytest.mark.parametrize(
    ("prefix", "error_prefix"),
    [("", ""), ("raw/", ""), ("raw/", "errors/"), ("!{timestamp:yyyy}/", "errors/"), ("x" * 498, "x" * 512)],
)
def test_good_prefixes_pass(prefix: str, error_prefix: str) -> None:
    check_prefixes(prefix, error_prefix)
    check_prefixes(prefix, "errors/!{firehose:error-output-type}/!{timestamp:yyyy}/")


# (pattern, 2018-08-27T10:30:05.123456Z, the same in Asia/Kolkata), as Java 17 prints them
JAVA = [
    ("y", "2018", "2018"),
    ("yy", "18", "18"),
    ("yyyyy", "02018", "02018"),
    ("D", "239", "239"),
    ("M/MM/MMM/MMMM/MMMMM", "8/08/Aug/August/A", "8/08/Aug/August/A"),
    ("Q/QQ/QQQ/QQQQ", "3/03/Q3/3rd quarter", "3/03/Q3/3rd quarter"),
    ("E/EEEE/EEEEE/e", "Mon/Monday/M/2", "Mon/Monday/M/2"),
    ("h:mm a", "10:30 AM", "4:00 PM"),
    ("K/k/kk", "10/10/10", "4/16/16"),
    ("SSS/SSSSSS/n", "123/123456/123456000", "123/123456/123456000"),
    ("YYYY-'W'ww", "2018-W35", "2018-W35"),
    ("VV z", "UTC UTC", "Asia/Kolkata IST"),
    ("X/XX/XXX", "Z/Z/Z", "+0530/+0530/+05:30"),
    ("x/Z/ZZZZ/O", "+00/+0000/GMT/GMT", "+0530/+0530/GMT+05:30/GMT+5:30"),
    ("G F W", "AD 6 5", "AD 6 5"),
    ("yyyy[/MM]", "2018/08", "2018/08"),
]


@pytest.mark.parametrize(("pattern", "utc", "kolkata"), JAVA)
def test_time_patterns_as_java(pattern: str, utc: str, kolkata: str) -> None:
    assert format_time(pattern, AUGUST.astimezone(ZoneInfo("UTC"))) == utc
    assert format_time(pattern, AUGUST.astimezone(ZoneInfo("Asia/Kolkata"))) == kolkata


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2025, 12, 28, tzinfo=UTC), "2026-01 1"),  # the trap of YYYY: week-based year, weeks from Sunday
        (datetime(2024, 12, 31, tzinfo=UTC), "2025-01 3"),
        (datetime(2023, 1, 1, tzinfo=UTC), "2023-01 1"),
    ],
)
def test_week_based_year(day: datetime, expected: str) -> None:
    assert format_time("YYYY-ww e", day) == expected


@pytest.mark.parametrize("pattern", ["b", "aa", "kkk", "SSSSSSSSSS", "V", "OO", "#", "{", "MMMMMM", "zzzz", "'x"])
def test_bad_time_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        format_time(pattern, AUGUST)
