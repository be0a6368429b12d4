"""Functions of dates and times.

Source: https://trino.io/docs/current/functions/datetime.html
"""

DATETIME = r"""
at_timezone(timestamp(p) with time zone, varchar) -> timestamp(p) with time zone = shown_in($0, zone_name($1))
current_timezone() -> varchar = 'UTC'
date(date) -> date = $0
date(timestamp(p)) -> date = CAST($0 AS DATE)
date(timestamp(p) with time zone) -> date = CAST(local_time($0) AS DATE)
date(varchar) -> date = varchar_to_date($0)
date_add(varchar, bigint, date) -> date = @date_add
date_add(varchar, bigint, time(p)) -> time(p) = @date_add
date_add(varchar, bigint, timestamp(p)) -> timestamp(p) = @date_add
date_add(varchar, bigint, timestamp(p) with time zone) -> timestamp(p) with time zone = @date_add
date_diff(varchar, date, date) -> bigint = @date_diff
date_diff(varchar, time(p), time(p)) -> bigint = @date_diff
date_diff(varchar, timestamp(p), timestamp(p)) -> bigint = @date_diff
date_diff(varchar, timestamp(p) with time zone, timestamp(p) with time zone) -> bigint = @date_diff
date_format(timestamp(p), varchar) -> varchar = @date_format
date_format(timestamp(p) with time zone, varchar) -> varchar = @date_format
date_parse(varchar, varchar) -> timestamp(3) = @date_parse
date_trunc(varchar, date) -> date = @date_trunc
date_trunc(varchar, time(p)) -> time(p) = @date_trunc
date_trunc(varchar, timestamp(p)) -> timestamp(p) = @date_trunc
date_trunc(varchar, timestamp(p) with time zone) -> timestamp(p) with time zone = @date_trunc
format_datetime(timestamp(p), varchar) -> varchar = @format_datetime
format_datetime(timestamp(p) with time zone, varchar) -> varchar = @format_datetime
from_iso8601_date(varchar) -> date = CAST(iso_date($0) AS DATE)
from_iso8601_timestamp(varchar) -> timestamp(3) with time zone = parsed_zoned(iso_timestamp($0))
from_iso8601_timestamp_nanos(varchar) -> timestamp(9) with time zone = parsed_zoned(iso_timestamp($0))
from_unixtime(double) -> timestamp(3) with time zone = unix_zoned($0, 'UTC')
from_unixtime(double, varchar) -> timestamp(3) with time zone = unix_zoned($0, zone_name($1))
from_unixtime(double, bigint, bigint) -> timestamp(3) with time zone = unix_zoned($0, offset_of($1, $2))
from_unixtime_nanos(decimal(q,s)) -> timestamp(9) with time zone = utc_zoned(make_timestamp(CAST(floor(CAST($0 AS DECIMAL(38, 0)) / 1000) AS BIGINT)))
from_unixtime_nanos(bigint) -> timestamp(9) with time zone = utc_zoned(make_timestamp($0 // 1000))
human_readable_seconds(double) -> varchar = human_readable_seconds($0)
last_day_of_month(date) -> date = last_day($0)
last_day_of_month(timestamp(p)) -> date = last_day($0)
last_day_of_month(timestamp(p) with time zone) -> date = last_day(local_time($0))
now() -> timestamp(3) with time zone = utc_zoned(utc_now())
parse_datetime(varchar, varchar) -> timestamp(3) with time zone = parsed_zoned(joda_parsed($0, $1))
parse_duration(varchar) -> interval day to second = to_milliseconds(duration_millis($0))
timezone(timestamp(p) with time zone) -> varchar = struct_extract($0, 'z')
timezone_hour(timestamp(p) with time zone) -> bigint = (zone_minutes($0) // 60)
timezone_minute(timestamp(p) with time zone) -> bigint = (zone_minutes($0) % 60)
to_iso8601(date) -> varchar = CAST($0 AS VARCHAR)
to_iso8601(timestamp(p)) -> varchar = @to_iso8601
to_iso8601(timestamp(p) with time zone) -> varchar = @to_iso8601
to_milliseconds(interval day to second) -> bigint = CAST(epoch_ms($0) AS BIGINT)
to_unixtime(timestamp(p)) -> double = epoch($0)
to_unixtime(timestamp(p) with time zone) -> double = epoch(struct_extract($0, 'i'))
with_timezone(timestamp(p), varchar) -> timestamp(p) with time zone = at_zone($0, zone_name($1))
year(interval year to month) -> bigint = CAST(datepart('year', $0) AS BIGINT)
month(interval year to month) -> bigint = CAST(datepart('month', $0) AS BIGINT)
day(interval day to second) -> bigint = (CAST(epoch_ms($0) AS BIGINT) // 86400000)
hour(interval day to second) -> bigint = (CAST(epoch_ms($0) AS BIGINT) // 3600000 % 24)
minute(interval day to second) -> bigint = (CAST(epoch_ms($0) AS BIGINT) // 60000 % 60)
second(interval day to second) -> bigint = (CAST(epoch_ms($0) AS BIGINT) // 1000 % 60)
millisecond(interval day to second) -> bigint = (CAST(epoch_ms($0) AS BIGINT) % 1000)
"""
# Parts of a date or time: Trino's name, DuckDB's text, and whether a DATE and a TIME have it.
_PARTS = (
    ("year", "year({})", True, False),
    ("quarter", "quarter({})", True, False),
    ("month", "month({})", True, False),
    ("week", "weekofyear({})", True, False),
    ("day", "day({})", True, False),
    ("day_of_week", "isodow({})", True, False),
    ("day_of_year", "dayofyear({})", True, False),
    ("year_of_week", "isoyear({})", True, False),
    ("hour", "hour({})", False, True),
    ("minute", "minute({})", False, True),
    ("second", "second({})", False, True),
    ("millisecond", "(millisecond({}) % 1000)", False, True),
)


def parts() -> str:
    """The lines of year(), month() … for each type that has the part."""
    lines = []
    for name, text, of_date, of_time in _PARTS:
        if of_date:
            lines.append(f"{name}(date) -> bigint = {text.format('$0')}")
        if of_time:
            lines.append(f"{name}(time(p)) -> bigint = {text.format('$0')}")
        lines.append(f"{name}(timestamp(p)) -> bigint = {text.format('$0')}")
        lines.append(f"{name}(timestamp(p) with time zone) -> bigint = {text.format('local_time($0)')}")
    return "\n".join(lines)
