"""Trino's functions, page by page of its reference, and what each is in DuckDB. signatures.py explains the lines.

Source: https://trino.io/docs/current/functions.html. A function that is not here is refused as Athena refuses it.
"""

from infra.local.athena.functions.signatures import table

_STRING = r"""
chr(bigint) -> varchar(1) = character_of($0)
codepoint(varchar(1)) -> integer = unicode($0)
concat(varchar, varchar...) -> varchar = @concat
concat(array(E), array(E)...) -> array(E) = @concat_arrays
concat(array(E), E) -> array(E) = array_joined($0, [$1])
concat(E, array(E)) -> array(E) = array_joined([$0], $1)
concat(varbinary, varbinary...) -> varbinary = @concat
concat_ws(varchar, array(varchar)) -> varchar = array_to_string($1, $0)
concat_ws(varchar, varchar...) -> varchar = @concat_ws
from_utf8(varbinary) -> varchar = from_utf8($0, chr(65533))
from_utf8(varbinary, varchar) -> varchar = from_utf8($0, $1)
from_utf8(varbinary, bigint) -> varchar = from_utf8($0, chr(CAST($1 AS INTEGER)))
hamming_distance(varchar, varchar) -> bigint = hamming_distance($0, $1)
length(varchar(x)) -> bigint = CAST(length($0) AS BIGINT)
length(varbinary) -> bigint = octet_length($0)
levenshtein_distance(varchar, varchar) -> bigint = levenshtein($0, $1)
lower(char(x)) -> char(x) = lower($0)
lower(varchar(x)) -> varchar(x) = lower($0)
lpad(varchar, bigint, varchar) -> varchar = padded_left($0, $1, $2)
lpad(varbinary, bigint, varbinary) -> varbinary = unhex(padded_left(hex($0), $1 * 2, hex($2)))
ltrim(varchar(x)) -> varchar(x) = ltrim($0, white_space())
ltrim(varchar(x), varchar) -> varchar(x) = ltrim($0, $1)
luhn_check(varchar) -> boolean = luhn_check($0)
normalize(varchar(x)) -> varchar(x) = unicode_normalized($0, 'NFC')
normalize(varchar(x), varchar) -> varchar(x) = unicode_normalized($0, $1)
replace(varchar(x), varchar) -> varchar(x) = replace($0, $1, '')
replace(varchar, varchar, varchar) -> varchar = replaced($0, $1, $2)
reverse(varchar(x)) -> varchar(x) = reverse($0)
reverse(array(E)) -> array(E) = list_reverse($0)
reverse(varbinary) -> varbinary = reversed_bytes($0)
rpad(varchar, bigint, varchar) -> varchar = padded_right($0, $1, $2)
rpad(varbinary, bigint, varbinary) -> varbinary = unhex(padded_right(hex($0), $1 * 2, hex($2)))
rtrim(varchar(x)) -> varchar(x) = rtrim($0, white_space())
rtrim(varchar(x), varchar) -> varchar(x) = rtrim($0, $1)
soundex(varchar) -> varchar(4) = soundex($0)
split(varchar(x), varchar) -> array(varchar(x)) = split_text($0, $1)
split(varchar(x), varchar, bigint) -> array(varchar(x)) = split_text_limited($0, $1, $2)
split_part(varchar(x), varchar, bigint) -> varchar(x) = text_part($0, $1, $2)
split_to_map(varchar, varchar, varchar) -> map(varchar, varchar) = split_to_map($0, $1, $2)
split_to_multimap(varchar, varchar, varchar) -> map(varchar, array(varchar)) = collected(split_entries($0, $1, $2))
starts_with(varchar, varchar) -> boolean = starts_with($0, $1)
ends_with(varchar, varchar) -> boolean = ends_with($0, $1)
strpos(varchar, varchar) -> bigint = CAST(strpos($0, $1) AS BIGINT)
strpos(varchar, varchar, bigint) -> bigint = instance_position($0, $1, $2)
substr(varchar(x), bigint) -> varchar(x) = part_of_text($0, $1, 2147483647)
substr(varchar(x), bigint, bigint) -> varchar(x) = part_of_text($0, $1, $2)
substr(varbinary, bigint) -> varbinary = part_of_bytes($0, $1, 2147483647)
substr(varbinary, bigint, bigint) -> varbinary = part_of_bytes($0, $1, $2)
substring(varchar(x), bigint) -> varchar(x) = part_of_text($0, $1, 2147483647)
substring(varchar(x), bigint, bigint) -> varchar(x) = part_of_text($0, $1, $2)
to_utf8(varchar) -> varbinary = encode($0)
translate(varchar, varchar, varchar) -> varchar = translate($0, $1, $2)
trim(varchar(x)) -> varchar(x) = trim($0, white_space())
trim(varchar(x), varchar) -> varchar(x) = trim($0, $1)
upper(char(x)) -> char(x) = upper_text($0)
upper(varchar(x)) -> varchar(x) = upper_text($0)
word_stem(varchar(x)) -> varchar(x) = word_stem($0, 'en')
word_stem(varchar(x), varchar) -> varchar(x) = word_stem($0, $1)
"""

_REGEXP = r"""
regexp_count(varchar, varchar) -> bigint = @regexp_count
regexp_extract(varchar(x), varchar) -> varchar(x) = @regexp_extract
regexp_extract(varchar(x), varchar, bigint) -> varchar(x) = @regexp_extract
regexp_extract_all(varchar(x), varchar) -> array(varchar(x)) = @regexp_extract_all
regexp_extract_all(varchar(x), varchar, bigint) -> array(varchar(x)) = @regexp_extract_all
regexp_like(varchar, varchar) -> boolean = @regexp_like
regexp_position(varchar, varchar) -> integer = @regexp_position
regexp_position(varchar, varchar, bigint) -> integer = @regexp_position
regexp_position(varchar, varchar, bigint, bigint) -> integer = @regexp_position
regexp_replace(varchar(x), varchar) -> varchar(x) = @regexp_replace
regexp_replace(varchar, varchar, varchar) -> varchar = @regexp_replace
regexp_replace(varchar, varchar, function(array(varchar), varchar)) -> varchar = @regexp_replace_lambda
regexp_split(varchar(x), varchar) -> array(varchar(x)) = @regexp_split
"""

_BINARY = r"""
crc32(varbinary) -> bigint = crc32($0)
from_base32(varchar) -> varbinary = from_base32($0)
from_base64(varchar) -> varbinary = from_base64_text($0)
from_base64(varbinary) -> varbinary = from_base64_text(decode($0))
from_base64url(varchar) -> varbinary = from_base64url($0)
from_big_endian_32(varbinary) -> integer = CAST(from_bytes($0, '>i') AS INTEGER)
from_big_endian_64(varbinary) -> bigint = CAST(from_bytes($0, '>q') AS BIGINT)
from_hex(varchar) -> varbinary = from_hex_text($0)
from_hex(varbinary) -> varbinary = from_hex_text(decode($0))
from_ieee754_32(varbinary) -> real = CAST(from_bytes($0, '>f') AS FLOAT)
from_ieee754_64(varbinary) -> double = CAST(from_bytes($0, '>d') AS DOUBLE)
hmac_md5(varbinary, varbinary) -> varbinary = hmac_bytes($0, $1, 'md5')
hmac_sha1(varbinary, varbinary) -> varbinary = hmac_bytes($0, $1, 'sha1')
hmac_sha256(varbinary, varbinary) -> varbinary = hmac_bytes($0, $1, 'sha256')
hmac_sha512(varbinary, varbinary) -> varbinary = hmac_bytes($0, $1, 'sha512')
md5(varbinary) -> varbinary = unhex(md5($0))
murmur3(varbinary) -> varbinary = murmur3($0)
sha1(varbinary) -> varbinary = unhex(sha1($0))
sha256(varbinary) -> varbinary = unhex(sha256($0))
sha512(varbinary) -> varbinary = sha512_bytes($0)
to_base32(varbinary) -> varchar = to_base32($0)
to_base64(varbinary) -> varchar = to_base64($0)
to_base64url(varbinary) -> varchar = to_base64url($0)
to_big_endian_32(bigint) -> varbinary = whole_bytes($0, '>i')
to_big_endian_64(bigint) -> varbinary = whole_bytes($0, '>q')
to_hex(varbinary) -> varchar = hex($0)
to_ieee754_32(real) -> varbinary = float_bytes(CAST($0 AS DOUBLE), '>f')
to_ieee754_64(double) -> varbinary = float_bytes($0, '>d')
xxhash64(varbinary) -> varbinary = xxhash64($0)
"""

_BITWISE = r"""
bit_count(bigint, bigint) -> bigint = counted_bits($0, $1)
bitwise_and(bigint, bigint) -> bigint = ($0 & $1)
bitwise_not(bigint) -> bigint = (~$0)
bitwise_or(bigint, bigint) -> bigint = ($0 | $1)
bitwise_xor(bigint, bigint) -> bigint = xor($0, $1)
bitwise_left_shift(tinyint, bigint) -> tinyint = CAST(shifted_left($0, $1, 8) AS TINYINT)
bitwise_left_shift(smallint, bigint) -> smallint = CAST(shifted_left($0, $1, 16) AS SMALLINT)
bitwise_left_shift(integer, bigint) -> integer = CAST(shifted_left($0, $1, 32) AS INTEGER)
bitwise_left_shift(bigint, bigint) -> bigint = CAST(shifted_left($0, $1, 64) AS BIGINT)
bitwise_right_shift(tinyint, bigint) -> tinyint = CAST(shifted_right($0, $1, 8) AS TINYINT)
bitwise_right_shift(smallint, bigint) -> smallint = CAST(shifted_right($0, $1, 16) AS SMALLINT)
bitwise_right_shift(integer, bigint) -> integer = CAST(shifted_right($0, $1, 32) AS INTEGER)
bitwise_right_shift(bigint, bigint) -> bigint = CAST(shifted_right($0, $1, 64) AS BIGINT)
bitwise_right_shift_arithmetic(tinyint, bigint) -> tinyint = CAST(($0 >> CAST(least($1, 7) AS TINYINT)) AS TINYINT)
bitwise_right_shift_arithmetic(smallint, bigint) -> smallint = CAST(($0 >> CAST(least($1, 15) AS SMALLINT)) AS SMALLINT)
bitwise_right_shift_arithmetic(integer, bigint) -> integer = CAST(($0 >> CAST(least($1, 31) AS INTEGER)) AS INTEGER)
bitwise_right_shift_arithmetic(bigint, bigint) -> bigint = ($0 >> least($1, 63))
"""

_COMPARISON = r"""
greatest(T...) -> T = @greatest
least(T...) -> T = @greatest
"""

_CONVERSION = r"""
format_number(bigint) -> varchar = format_number(CAST($0 AS DOUBLE))
format_number(double) -> varchar = format_number($0)
parse_data_size(varchar) -> decimal(38,0) = CAST(parse_data_size($0) AS DECIMAL(38, 0))
"""

_MATH = r"""
abs(tinyint) -> tinyint = abs($0)
abs(smallint) -> smallint = abs($0)
abs(integer) -> integer = abs($0)
abs(bigint) -> bigint = abs($0)
abs(double) -> double = abs($0)
abs(real) -> real = abs($0)
abs(decimal(p,s)) -> decimal(p,s) = abs($0)
acos(double) -> double = arc($0, acos(CASE WHEN abs($0) > 1 THEN NULL ELSE $0 END))
asin(double) -> double = arc($0, asin(CASE WHEN abs($0) > 1 THEN NULL ELSE $0 END))
atan(double) -> double = atan($0)
atan2(double, double) -> double = atan2($0, $1)
cbrt(double) -> double = cube_root($0)
ceil(tinyint) -> tinyint = $0
ceil(smallint) -> smallint = $0
ceil(integer) -> integer = $0
ceil(bigint) -> bigint = $0
ceil(double) -> double = ceil($0)
ceil(real) -> real = ceil($0)
ceil(decimal(p,s)) -> decimal(p,0) = @round_decimal
cos(double) -> double = cos($0)
cosh(double) -> double = cosh($0)
degrees(double) -> double = degrees($0)
e() -> double = 2.718281828459045::DOUBLE
exp(double) -> double = exp($0)
floor(tinyint) -> tinyint = $0
floor(smallint) -> smallint = $0
floor(integer) -> integer = $0
floor(bigint) -> bigint = $0
floor(double) -> double = floor($0)
floor(real) -> real = floor($0)
floor(decimal(p,s)) -> decimal(p,0) = @round_decimal
from_base(varchar, bigint) -> bigint = from_base($0, $1)
infinity() -> double = CAST('Infinity' AS DOUBLE)
is_finite(double) -> boolean = isfinite($0)
is_infinite(double) -> boolean = isinf($0)
is_nan(double) -> boolean = isnan($0)
is_nan(real) -> boolean = isnan($0)
ln(double) -> double = CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE ln($0) END
log(double, double) -> double = (logarithm($1) / logarithm($0))
log10(double) -> double = CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE log10($0) END
log2(double) -> double = CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE log2($0) END
mod(tinyint, tinyint) -> tinyint = ($0 % $1)
mod(smallint, smallint) -> smallint = ($0 % $1)
mod(integer, integer) -> integer = ($0 % $1)
mod(bigint, bigint) -> bigint = ($0 % $1)
mod(double, double) -> double = fmod($0, $1)
mod(real, real) -> real = fmod($0, $1)
mod(decimal(p,s), decimal(q,t)) -> decimal(p,s) = @mod_decimal
nan() -> double = CAST('NaN' AS DOUBLE)
pi() -> double = pi()
power(double, double) -> double = power($0, $1)
radians(double) -> double = radians($0)
random() -> double = random()
random(tinyint) -> tinyint = CAST(random_below($0) AS TINYINT)
random(smallint) -> smallint = CAST(random_below($0) AS SMALLINT)
random(integer) -> integer = CAST(random_below($0) AS INTEGER)
random(bigint) -> bigint = CAST(random_below($0) AS BIGINT)
random(integer, integer) -> integer = CAST(random_between($0, $1) AS INTEGER)
random(bigint, bigint) -> bigint = CAST(random_between($0, $1) AS BIGINT)
round(tinyint) -> tinyint = $0
round(smallint) -> smallint = $0
round(integer) -> integer = $0
round(bigint) -> bigint = $0
round(double) -> double = rounded($0, 0)
round(real) -> real = CAST(rounded($0, 0) AS FLOAT)
round(decimal(p,s)) -> decimal(p,0) = @round_decimal
round(tinyint, bigint) -> tinyint = CAST(round($0, CAST($1 AS INTEGER)) AS TINYINT)
round(smallint, bigint) -> smallint = CAST(round($0, CAST($1 AS INTEGER)) AS SMALLINT)
round(integer, bigint) -> integer = CAST(round($0, CAST($1 AS INTEGER)) AS INTEGER)
round(bigint, bigint) -> bigint = CAST(round($0, CAST($1 AS INTEGER)) AS BIGINT)
round(double, bigint) -> double = rounded($0, $1)
round(real, bigint) -> real = CAST(rounded($0, $1) AS FLOAT)
round(decimal(p,s), bigint) -> decimal(p,s) = @round_decimal_to
sign(tinyint) -> tinyint = sign($0)
sign(smallint) -> smallint = CAST(sign($0) AS SMALLINT)
sign(integer) -> integer = CAST(sign($0) AS INTEGER)
sign(bigint) -> bigint = CAST(sign($0) AS BIGINT)
sign(double) -> double = CAST(sign($0) AS DOUBLE)
sign(real) -> real = CAST(sign($0) AS FLOAT)
sign(decimal(p,s)) -> decimal(1,0) = CAST(sign($0) AS DECIMAL(1, 0))
sin(double) -> double = sin($0)
sinh(double) -> double = sinh($0)
sqrt(double) -> double = CASE WHEN $0 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($0) END
tan(double) -> double = tan($0)
tanh(double) -> double = tanh($0)
to_base(bigint, bigint) -> varchar = to_base_text($0, $1)
truncate(double) -> double = trunc($0)
truncate(real) -> real = trunc($0)
truncate(decimal(p,s)) -> decimal(p,0) = @truncate_decimal
truncate(decimal(p,s), bigint) -> decimal(p,s) = @truncate_decimal_to
truncate(double, bigint) -> double = (trunc($0 * power(10, $1)) / power(10, $1))
width_bucket(double, double, double, bigint) -> bigint = width_bucket($0, $1, $2, $3)
width_bucket(double, array(double)) -> bigint = CAST(len(list_filter($1, lambda b: b <= $0)) AS BIGINT)
normal_cdf(double, double, double) -> double = normal_cdf($0, $1, $2)
beta_cdf(double, double, double) -> double = beta_cdf($0, $1, $2)
inverse_beta_cdf(double, double, double) -> double = inverse_beta_cdf($0, $1, $2)
t_cdf(double, double) -> double = t_cdf($0, $1)
t_pdf(double, double) -> double = t_pdf($0, $1)
inverse_normal_cdf(double, double, double) -> double = inverse_normal_cdf($0, $1, $2)
wilson_interval_lower(bigint, bigint, double) -> double = wilson_interval($0, $1, $2, -1)
wilson_interval_upper(bigint, bigint, double) -> double = wilson_interval($0, $1, $2, 1)
cosine_similarity(map(varchar, double), map(varchar, double)) -> double = map_cosine($0, $1)
cosine_similarity(array(double), array(double)) -> double = list_cosine_similarity($0, $1)
cosine_distance(array(double), array(double)) -> double = list_cosine_distance($0, $1)
dot_product(array(double), array(double)) -> double = list_dot_product($0, $1)
euclidean_distance(array(double), array(double)) -> double = list_distance($0, $1)
great_circle_distance(double, double, double, double) -> double = great_circle_distance($0, $1, $2, $3)
"""
_ALIASES = {"ceiling": "ceil", "pow": "power", "rand": "random", "dow": "day_of_week", "doy": "day_of_year"}
_ALIASES |= {"day_of_month": "day", "week_of_year": "week", "yow": "year_of_week"}

_DATETIME = r"""
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
from_unixtime(double, bigint, bigint) -> timestamp(3) with time zone = unix_zoned($0, offset_name($1 * 60 + $2))
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


def _parts() -> str:
    lines = []
    for name, text, of_date, of_time in _PARTS:
        if of_date:
            lines.append(f"{name}(date) -> bigint = {text.format('$0')}")
        if of_time:
            lines.append(f"{name}(time(p)) -> bigint = {text.format('$0')}")
        lines.append(f"{name}(timestamp(p)) -> bigint = {text.format('$0')}")
        lines.append(f"{name}(timestamp(p) with time zone) -> bigint = {text.format('local_time($0)')}")
    return "\n".join(lines)


_JSON = r"""
is_json_scalar(json) -> boolean = (json_type($0) NOT IN ('ARRAY', 'OBJECT'))
is_json_scalar(varchar) -> boolean = (json_type($0) NOT IN ('ARRAY', 'OBJECT'))
json_array_contains(json, boolean) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['BOOLEAN'])
json_array_contains(json, bigint) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['BIGINT', 'UBIGINT'])
json_array_contains(json, double) -> boolean = json_array_has($0, CAST($1 AS VARCHAR), ['DOUBLE'])
json_array_contains(json, varchar) -> boolean = json_array_has($0, $1, ['VARCHAR'])
json_array_contains(varchar, boolean) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['BOOLEAN'])
json_array_contains(varchar, bigint) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['BIGINT', 'UBIGINT'])
json_array_contains(varchar, double) -> boolean = json_array_has(json_or_null($0), CAST($1 AS VARCHAR), ['DOUBLE'])
json_array_contains(varchar, varchar) -> boolean = json_array_has(json_or_null($0), $1, ['VARCHAR'])
json_array_get(json, bigint) -> json = json_plain(json_element($0, $1))
json_array_get(varchar, bigint) -> json = json_plain(json_element(json_or_null($0), $1))
json_array_length(json) -> bigint = json_length($0)
json_array_length(varchar) -> bigint = json_length(json_or_null($0))
json_extract(json, varchar) -> json = @json_extract
json_extract(varchar, varchar) -> json = @json_extract
json_extract_scalar(json, varchar) -> varchar = @json_extract_scalar
json_extract_scalar(varchar(x), varchar) -> varchar(x) = @json_extract_scalar
json_format(json) -> varchar = CAST($0 AS VARCHAR)
json_parse(varchar) -> json = CAST(json_canonical($0) AS JSON)
json_size(json, varchar) -> bigint = @json_size
json_size(varchar, varchar) -> bigint = @json_size
"""

_ARRAY = r"""
all_match(array(T), function(T,boolean)) -> boolean = all_of(list_transform($0, $1))
any_match(array(T), function(T,boolean)) -> boolean = any_of(list_transform($0, $1))
none_match(array(T), function(T,boolean)) -> boolean = (NOT any_of(list_transform($0, $1)))
array_distinct(array(E)) -> array(E) = ordered_distinct($0)
array_except(array(E), array(E)) -> array(E) = array_without($0, $1)
array_intersect(array(E), array(E)) -> array(E) = array_common($0, $1)
array_join(array(T), varchar) -> varchar = @array_join
array_join(array(T), varchar, varchar) -> varchar = @array_join
array_max(array(E)) -> E = whole_list($0, list_max($0))
array_min(array(E)) -> E = whole_list($0, list_min($0))
array_position(array(E), E) -> bigint = position_in($0, $1)
array_remove(array(E), E) -> array(E) = array_removed($0, $1)
array_sort(array(E)) -> array(E) = list_sort($0, 'ASC', 'NULLS LAST')
array_sort(array(T), function(T,T,bigint)) -> array(T) = @array_sort
array_union(array(E), array(E)) -> array(E) = ordered_distinct(array_joined($0, $1))
arrays_overlap(array(E), array(E)) -> boolean = overlapping($0, $1)
cardinality(array(T)) -> bigint = CAST(len($0) AS BIGINT)
cardinality(hyperloglog) -> bigint = CAST(list_unique($0) AS BIGINT)
cardinality(setdigest) -> bigint = CAST(list_unique($0) AS BIGINT)
hash_counts(setdigest) -> map(bigint,smallint) = set_counts($0)
intersection_cardinality(setdigest, setdigest) -> bigint = CAST(list_unique(list_intersect($0, $1)) AS BIGINT)
jaccard_index(setdigest, setdigest) -> double = (list_unique(list_intersect($0, $1)) / CAST(list_unique(list_concat($0, $1)) AS DOUBLE))
empty_approx_set() -> hyperloglog = CAST([] AS UBIGINT[])
value_at_quantile(qdigest(T), double) -> T = percentile($0, $1)
value_at_quantile(tdigest, double) -> double = percentile($0, $1)
values_at_quantiles(qdigest(T), array(double)) -> array(T) = percentiles($0, $1)
values_at_quantiles(tdigest, array(double)) -> array(double) = percentiles($0, $1)
cardinality(map(K,V)) -> bigint = CAST(cardinality($0) AS BIGINT)
combinations(array(T), bigint) -> array(array(T)) = @combinations
contains(array(T), T) -> boolean = has_element($0, $1)
contains(varchar, ipaddress) -> boolean = network_contains($0, $1)
contains_sequence(array(T), array(T)) -> boolean = has_sequence($0, $1)
element_at(array(E), bigint) -> E = element_of($0, $1)
element_at(map(K,V), K) -> V = map_extract_value($0, $1)
filter(array(T), function(T,boolean)) -> array(T) = list_filter($0, $1)
flatten(array(array(E))) -> array(E) = flatten($0)
ngrams(array(T), bigint) -> array(array(T)) = ngrams_of($0, $1)
reduce(array(T), S, function(S,T,S), function(S,R)) -> R = @reduce
repeat(T, bigint) -> array(T) = repeated($0, $1)
sequence(bigint, bigint) -> array(bigint) = number_sequence($0, $1)
sequence(bigint, bigint, bigint) -> array(bigint) = stepped_sequence($0, $1, $2)
sequence(date, date) -> array(date) = @date_sequence
sequence(date, date, interval day to second) -> array(date) = @date_sequence
sequence(date, date, interval year to month) -> array(date) = @date_sequence
sequence(timestamp(p), timestamp(p), interval day to second) -> array(timestamp(p)) = day_sequence($0, $1, epoch_ms($2))
sequence(timestamp(p), timestamp(p), interval year to month) -> array(timestamp(p)) = month_sequence($0, $1, months_of($2))
shuffle(array(E)) -> array(E) = list_transform(list_sort(list_transform($0, lambda v: struct_pack(r := random(), v := v))), lambda w: w.v)
slice(array(E), bigint, bigint) -> array(E) = slice_of($0, $1, $2)
transform(array(T), function(T,U)) -> array(U) = list_transform($0, $1)
trim_array(array(E), bigint) -> array(E) = trimmed_array($0, $1)
zip(array(T), array(U)) -> array(row(T,U)) = @zip_lists
zip(array(T), array(U), array(V)) -> array(row(T,U,V)) = @zip_lists
zip(array(T), array(U), array(V), array(W)) -> array(row(T,U,V,W)) = @zip_lists
zip(array(T), array(U), array(V), array(W), array(X)) -> array(row(T,U,V,W,X)) = @zip_lists
zip_with(array(T), array(U), function(T,U,R)) -> array(R) = @zip_with
"""

_MAP = r"""
map() -> map(unknown, unknown) = MAP([], [])
map(array(K), array(V)) -> map(K,V) = new_map($0, $1)
map_concat(map(K,V), map(K,V)...) -> map(K,V) = map_concat($*)
map_entries(map(K,V)) -> array(row(K,V)) = list_transform(map_entries($0), lambda n: struct_pack(field0 := n.key, field1 := n.value))
map_filter(map(K,V), function(K,V,boolean)) -> map(K,V) = @map_filter
map_from_entries(array(row(K,V))) -> map(K,V) = @map_from_entries
map_keys(map(K,V)) -> array(K) = map_keys($0)
map_values(map(K,V)) -> array(V) = map_values($0)
map_zip_with(map(K,V), map(K,W), function(K,V,W,R)) -> map(K,R) = @map_zip_with
multimap_from_entries(array(row(K,V))) -> map(K,array(V)) = @multimap_from_entries
transform_keys(map(K,V), function(K,V,R)) -> map(R,V) = @transform_keys
transform_values(map(K,V), function(K,V,R)) -> map(K,R) = @transform_values
"""

_URL = r"""
url_decode(varchar(x)) -> varchar(x) = url_decoded($0)
url_encode(varchar) -> varchar = url_encoded($0)
url_extract_fragment(varchar) -> varchar = url_part($0, 'fragment')
url_extract_host(varchar) -> varchar = url_part($0, 'host')
url_extract_parameter(varchar, varchar) -> varchar = nullif(url_parameter($0, $1), chr(1))
url_extract_path(varchar) -> varchar = url_part($0, 'path')
url_extract_port(varchar) -> bigint = CAST(nullif(url_part($0, 'port'), '') AS BIGINT)
url_extract_protocol(varchar) -> varchar = url_part($0, 'protocol')
url_extract_query(varchar) -> varchar = url_part($0, 'query')
uuid() -> uuid = uuid()
"""

_AGGREGATES = r"""
any_value(T) -> T = any_value($0)$F
arbitrary(T) -> T = any_value($0)$F
array_agg(T) -> array(T) = @array_agg
avg(bigint) -> double = avg($D$0)$F
avg(double) -> double = avg($D$0)$F
avg(real) -> real = CAST(avg($D$0)$F AS FLOAT)
avg(decimal(p,s)) -> decimal(p,s) = @avg_decimal
bool_and(boolean) -> boolean = bool_and($0)$F
bool_or(boolean) -> boolean = bool_or($0)$F
every(boolean) -> boolean = bool_and($0)$F
count() -> bigint = count(*)$F
count(T) -> bigint = count($D$0)$F
count_if(boolean) -> bigint = CAST(count_if($0)$F AS BIGINT)
geometric_mean(double) -> double = geomean($0)$F
geometric_mean(bigint) -> double = geomean($0)$F
geometric_mean(real) -> real = CAST(geomean($0)$F AS FLOAT)
listagg(varchar) -> varchar = string_agg($D$0, ''$O)$F
listagg(varchar, varchar) -> varchar = string_agg($D$0, $1$O)$F
max(T) -> T = @extreme
min(T) -> T = @extreme
max(T, bigint) -> array(T) = max($0, $1)$F
min(T, bigint) -> array(T) = min($0, $1)$F
max_by(V, K) -> V = arg_max_null($0, $1)$F
min_by(V, K) -> V = arg_min_null($0, $1)$F
max_by(V, K, bigint) -> array(V) = arg_max($0, $1, $2)$F
min_by(V, K, bigint) -> array(V) = arg_min($0, $1, $2)$F
sum(bigint) -> bigint = CAST(sum($D$0)$F AS BIGINT)
sum(double) -> double = sum($D$0)$F
sum(real) -> real = CAST(sum($D$0)$F AS FLOAT)
sum(decimal(p,s)) -> decimal(38,s) = CAST(sum($D$0)$F AS $r)
sum(interval day to second) -> interval day to second = to_milliseconds(CAST(sum($Depoch_ms($0))$F AS BIGINT))
sum(interval year to month) -> interval year to month = to_months(CAST(sum($Dmonths_of($0))$F AS INTEGER))
avg(interval day to second) -> interval day to second = to_milliseconds(CAST(avg(epoch_ms($0))$F AS BIGINT))
avg(interval year to month) -> interval year to month = to_months(CAST(avg(months_of($0))$F AS INTEGER))
bitwise_and_agg(bigint) -> bigint = bit_and($0)$F
bitwise_or_agg(bigint) -> bigint = bit_or($0)$F
bitwise_xor_agg(bigint) -> bigint = bit_xor($0)$F
histogram(K) -> map(K,bigint) = counted(list($0)$F, histogram($0)$F)
map_agg(K, V) -> map(K,V) = first_entries(list(struct_pack(k := $0, v := $1)$O)$F)
map_union(map(K,V)) -> map(K,V) = first_entries(list_transform(flatten(list(map_entries($0))$F), lambda n: struct_pack(k := n.key, v := n.value)))
multimap_agg(K, V) -> map(K,array(V)) = collected(list(struct_pack(k := $0, v := $1)$O)$F)
approx_distinct(T) -> bigint = count(DISTINCT $0)$F
approx_distinct(T, double) -> bigint = count(DISTINCT $0)$F
approx_most_frequent(bigint, varchar, bigint) -> map(varchar,bigint) = most_frequent($0, counted(list($1)$F, histogram($1)$F))
approx_most_frequent(bigint, bigint, bigint) -> map(bigint,bigint) = most_frequent($0, counted(list($1)$F, histogram($1)$F))
approx_percentile(bigint, double) -> bigint = percentile(list($0)$F, $1)
approx_percentile(double, double) -> double = percentile(list($0)$F, $1)
approx_percentile(real, double) -> real = percentile(list($0)$F, $1)
approx_percentile(bigint, array(double)) -> array(bigint) = percentiles(list($0)$F, $1)
approx_percentile(double, array(double)) -> array(double) = percentiles(list($0)$F, $1)
approx_percentile(real, array(double)) -> array(real) = percentiles(list($0)$F, $1)
approx_percentile(bigint, double, double) -> bigint = percentile(flatten(list(repeat([$0], CAST($1 AS INTEGER)))$F), $2)
approx_percentile(double, double, double) -> double = percentile(flatten(list(repeat([$0], CAST($1 AS INTEGER)))$F), $2)
checksum(T) -> varbinary = @checksum
corr(double, double) -> double = corr($0, $1)$F
corr(real, real) -> real = CAST(corr($0, $1)$F AS FLOAT)
covar_pop(double, double) -> double = covar_pop($0, $1)$F
covar_pop(real, real) -> real = CAST(covar_pop($0, $1)$F AS FLOAT)
covar_samp(double, double) -> double = covar_samp($0, $1)$F
covar_samp(real, real) -> real = CAST(covar_samp($0, $1)$F AS FLOAT)
kurtosis(double) -> double = kurtosis($0)$F
kurtosis(bigint) -> double = kurtosis($0)$F
regr_intercept(double, double) -> double = regr_intercept($0, $1)$F
regr_intercept(real, real) -> real = CAST(regr_intercept($0, $1)$F AS FLOAT)
regr_slope(double, double) -> double = regr_slope($0, $1)$F
regr_slope(real, real) -> real = CAST(regr_slope($0, $1)$F AS FLOAT)
skewness(double) -> double = (skewness($0)$F * (count($0)$F - 2) / sqrt(count($0)$F * (count($0)$F - 1)))
skewness(bigint) -> double = (skewness($0)$F * (count($0)$F - 2) / sqrt(count($0)$F * (count($0)$F - 1)))
stddev(double) -> double = stddev_samp($D$0)$F
stddev(bigint) -> double = stddev_samp($D$0)$F
stddev_pop(double) -> double = stddev_pop($D$0)$F
stddev_pop(bigint) -> double = stddev_pop($D$0)$F
stddev_samp(double) -> double = stddev_samp($D$0)$F
stddev_samp(bigint) -> double = stddev_samp($D$0)$F
variance(double) -> double = var_samp($D$0)$F
variance(bigint) -> double = var_samp($D$0)$F
var_pop(double) -> double = var_pop($D$0)$F
var_pop(bigint) -> double = var_pop($D$0)$F
var_samp(double) -> double = var_samp($D$0)$F
var_samp(bigint) -> double = var_samp($D$0)$F
reduce_agg(T, S, function(S,T,S), function(S,S,S)) -> S = list_reduce(list_filter(list($0)$F, lambda n: n IS NOT NULL), $2, $1)
approx_set(T) -> hyperloglog = list(CASE WHEN $0 IS NOT NULL THEN hash($0) END)$F
make_set_digest(bigint) -> setdigest = list(murmur_of_bigint($0))$F
make_set_digest(varchar) -> setdigest = list(murmur_of_text($0))$F
merge_set_digest(setdigest) -> setdigest = flatten(list($0)$F)
merge(hyperloglog) -> hyperloglog = flatten(list($0)$F)
merge(tdigest) -> tdigest = flatten(list($0)$F)
merge(qdigest(T)) -> qdigest(T) = flatten(list($0)$F)
qdigest_agg(bigint) -> qdigest(bigint) = list($0)$F
qdigest_agg(double) -> qdigest(double) = list($0)$F
tdigest_agg(double) -> tdigest = list($0)$F
numeric_histogram(bigint, double) -> map(double,double) = @numeric_histogram
"""

_WINDOW = r"""
row_number() -> bigint = row_number()$F
rank() -> bigint = rank()$F
dense_rank() -> bigint = dense_rank()$F
percent_rank() -> double = percent_rank()$F
cume_dist() -> double = cume_dist()$F
ntile(bigint) -> bigint = ntile(at_least($0, 1, 'Buckets must be greater than 0'))$F
first_value(T) -> T = first_value($0$O)$F
last_value(T) -> T = last_value($0$O)$F
nth_value(T, bigint) -> T = nth_value($0, at_least($1, 1, 'Offset must be at least 1')$O)$F
lag(T) -> T = lag($0$O)$F
lag(T, bigint) -> T = lag($0, at_least($1, 0, 'Offset must be at least 0')$O)$F
lag(T, bigint, T) -> T = lag($0, at_least($1, 0, 'Offset must be at least 0'), $2$O)$F
lead(T) -> T = lead($0$O)$F
lead(T, bigint) -> T = lead($0, at_least($1, 0, 'Offset must be at least 0')$O)$F
lead(T, bigint, T) -> T = lead($0, at_least($1, 0, 'Offset must be at least 0'), $2$O)$F
"""


def _scalars() -> dict[str, list[str]]:
    pages = (
        _STRING,
        _REGEXP,
        _BINARY,
        _BITWISE,
        _COMPARISON,
        _CONVERSION,
        _MATH,
        _DATETIME,
        _parts(),
        _JSON,
        _ARRAY,
        _MAP,
        _URL,
    )
    found = table("\n".join(pages))
    for alias, name in _ALIASES.items():
        found[alias] = [alias + line[len(name) :] for line in found[name]]
    return found


SCALARS = _scalars()
AGGREGATES = table(_AGGREGATES)
WINDOW = table(_WINDOW)

# Of Trino, but beyond what DuckDB can answer alike: refused by name, not as unknown.
NOT_HERE = frozenset(
    """quantile_at_value spooky_hash_v2_32 spooky_hash_v2_64 bar color render rgb bing_tile geometry_union to_geometry""".split()
)
