-- Trino's functions and casts that DuckDB spells differently. One macro a line; engine.py orders and creates them.
-- fail_as(value, 'CODE: text') raises an error that TRY can catch (DuckDB's own error() can't stand in TRY); the value gives its
-- type. Without one DuckDB may take the result for a NULL and never raise: fail() is for places whose type is not known.
fail(text) AS [NULL][CAST('!' || text AS BIGINT)]
fail_as(value, text) AS [value][CAST('!' || text AS BIGINT)]
local_time(v) AS CASE WHEN v.z = 'UTC' THEN timezone('UTC', v.i) WHEN regexp_matches(v.z, '^[+-]') THEN timezone('UTC', v.i) + offset_interval(v.z) ELSE timezone(v.z, v.i) END
offset_interval(z) AS CAST((z[1] || '1') AS INTEGER) * (to_hours(CAST(z[2:3] AS INTEGER)) + to_minutes(CAST(z[5:6] AS INTEGER)))
at_zone(local, zone) AS CASE WHEN local IS NULL OR zone IS NULL THEN NULL ELSE struct_pack(i := CASE WHEN zone = 'UTC' THEN timezone('UTC', local) WHEN regexp_matches(zone, '^[+-]') THEN timezone('UTC', local - offset_interval(zone)) ELSE timezone(zone, local) END, z := zone) END
utc_zoned(v) AS CASE WHEN v IS NULL THEN NULL ELSE struct_pack(i := timezone('UTC', v), z := 'UTC') END
java_exponent(m, e) AS CASE WHEN strpos(m, '.') > 0 THEN m ELSE m || '.0' END || 'E' || CAST(e AS INTEGER)
scientific(d) AS CASE WHEN strpos(d, 'e') > 0 THEN java_exponent(split_part(d, 'e', 1), split_part(d, 'e', 2)) ELSE scientific_large(split_part(ltrim(d, '-'), '.', 1), split_part(ltrim(d, '-'), '.', 2), CASE WHEN d[1] = '-' THEN '-' ELSE '' END) END
scientific_large(whole, part, sign) AS CASE WHEN whole = '0' THEN sign || scientific_digits(ltrim(part, '0'), length(ltrim(part, '0')) - length(part) - 1) ELSE sign || scientific_digits(whole || CASE WHEN part = '0' THEN '' ELSE part END, length(whole) - 1) END
scientific_digits(digits, e) AS digits[1] || '.' || CASE WHEN rtrim(digits[2:], '0') = '' THEN '0' ELSE rtrim(digits[2:], '0') END || 'E' || e
floating_text(x) AS CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN x <> 0 AND abs(x) < 1e-3 THEN scientific(CAST(x AS VARCHAR)) WHEN abs(x) < 1e7 THEN CAST(x AS VARCHAR) ELSE scientific(CAST(x AS VARCHAR)) END
day_interval_text(v) AS CASE WHEN v IS NULL THEN NULL ELSE day_text(CAST(epoch_ms(v) AS BIGINT)) END
day_text(ms) AS CASE WHEN ms < 0 THEN '-' ELSE '' END || (abs(ms) // 86400000) || ' ' || printf('%02d:%02d:%02d.%03d', abs(ms) // 3600000 % 24, abs(ms) // 60000 % 60, abs(ms) // 1000 % 60, abs(ms) % 1000)
year_interval_text(v) AS CASE WHEN v IS NULL THEN NULL ELSE month_text(datepart('year', v) * 12 + datepart('month', v)) END
month_text(m) AS CASE WHEN m < 0 THEN '-' ELSE '' END || (abs(m) // 12) || '-' || (abs(m) % 12)
json_to_varchar(v) AS CASE json_type(v) WHEN 'NULL' THEN NULL WHEN 'OBJECT' THEN bad_json_text(v) WHEN 'ARRAY' THEN bad_json_text(v) ELSE json_extract_string(v, '$') END
bad_json_text(v) AS fail_as('', 'INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(v AS VARCHAR) || ''' to varchar')
bad_json_cast(v, type_name) AS fail('INVALID_CAST_ARGUMENT: Cannot cast ''' || CAST(v AS VARCHAR) || ''' to ' || type_name)
double_to_json(v) AS CASE WHEN v IS NULL THEN NULL ELSE CAST(floating_text(v) AS JSON) END
checked_decimal(text, value, params) AS CASE WHEN text IS NOT NULL AND value IS NULL THEN fail_as(coalesce(value, 0), 'INVALID_CAST_ARGUMENT: Cannot cast VARCHAR ''' || text || ''' to DECIMAL(' || params || '). Value is not a number.') ELSE value END
varchar_to_boolean(s) AS CASE WHEN s IS NULL THEN NULL WHEN lower(s) IN ('t', 'true', '1') THEN true WHEN lower(s) IN ('f', 'false', '0') THEN false ELSE fail_as(false, 'INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to BOOLEAN') END
varchar_to_date(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(trim(s), '[+-]?\d{4,}-\d{1,2}-\d{1,2}') AND TRY_CAST(trim(s) AS DATE) IS NOT NULL THEN TRY_CAST(trim(s) AS DATE) ELSE fail_as(DATE '1970-01-01', 'INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || s) END
varchar_to_time(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(s, '\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?') AND TRY_CAST(full_time(s) AS TIME) IS NOT NULL THEN TRY_CAST(full_time(s) AS TIME) ELSE fail_as(TIME '00:00:00', 'INVALID_CAST_ARGUMENT: Value cannot be cast to time: ' || s) END
full_time(s) AS CASE WHEN length(s) - length(replace(s, ':', '')) = 1 THEN s || ':00' ELSE s END
varchar_to_timestamp(s) AS CASE WHEN s IS NULL THEN NULL WHEN regexp_full_match(trim(s), '\d{4,}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?)?') AND TRY_CAST(full_timestamp(trim(s)) AS TIMESTAMP) IS NOT NULL THEN TRY_CAST(full_timestamp(trim(s)) AS TIMESTAMP) ELSE fail_as(TIMESTAMP '1970-01-01 00:00:00', 'INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ' || s) END
full_timestamp(s) AS CASE WHEN strpos(s, ' ') > 0 AND length(s) - length(replace(s, ':', '')) = 1 THEN s || ':00' ELSE s END
varchar_to_zoned(s) AS parsed_zoned(zoned_parts(s))
parsed_zoned(p) AS at_zone(CAST(p[1] AS TIMESTAMP), p[2])
utc_now() AS CAST(timezone('UTC', date_trunc('millisecond', now())) AS TIMESTAMP)
unscaled(v, scale) AS CAST(replace(CAST(v AS VARCHAR), '.', '') AS HUGEINT)
rounded_division(a, b) AS (2 * abs(a) + abs(b)) // (2 * abs(b)) * CASE WHEN (a < 0) <> (b < 0) THEN -1 ELSE 1 END
rescaled(v, scale) AS CASE WHEN scale = 0 THEN CAST(v AS VARCHAR) ELSE with_point(CASE WHEN v < 0 THEN '-' ELSE '' END, lpad(CAST(abs(v) AS VARCHAR), CAST(greatest(length(CAST(abs(v) AS VARCHAR)), scale + 1) AS INTEGER), '0'), scale) END
with_point(sign, digits, scale) AS sign || left(digits, -scale) || '.' || right(digits, scale)
date_shifted(d, v) AS CASE WHEN epoch_ms(v) % 86400000 <> 0 THEN fail_as(DATE '1970-01-01', 'INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date') ELSE d + CAST(epoch_ms(v) // 86400000 AS INTEGER) END
shown_in(v, zone) AS CASE WHEN v IS NULL OR zone IS NULL THEN NULL ELSE struct_pack(i := v.i, z := zone) END
offset_name(minutes) AS CASE WHEN minutes = 0 THEN 'UTC' ELSE printf('%s%02d:%02d', CASE WHEN minutes < 0 THEN '-' ELSE '+' END, abs(minutes) // 60, abs(minutes) % 60) END
array_joined(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END
array_subscript(a, i) AS CASE WHEN i = 0 THEN fail_as(a[1], 'INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') WHEN i < 0 THEN fail_as(a[1], 'INVALID_FUNCTION_ARGUMENT: Array subscript is negative: ' || i) WHEN i > len(a) THEN fail_as(a[1], 'INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: ' || i || ' > ' || len(a)) ELSE a[i] END
map_subscript(m, k, shown) AS CASE WHEN m IS NOT NULL AND k IS NOT NULL AND NOT map_contains(m, k) THEN fail_as(map_values(m)[1], 'INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || shown) ELSE map_extract_value(m, k) END
round_timestamp(v, step) AS make_timestamp(((epoch_us(v) + step // 2) // step) * step)
white_space() AS chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13)
padded_left(s, n, pad) AS CASE WHEN n < 0 OR n > 2147483647 THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]') WHEN pad = '' THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Padding string must not be empty') ELSE lpad(s, CAST(n AS INTEGER), pad) END
padded_right(s, n, pad) AS CASE WHEN n < 0 OR n > 2147483647 THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]') WHEN pad = '' THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Padding string must not be empty') ELSE rpad(s, CAST(n AS INTEGER), pad) END
replaced(s, search, other) AS CASE WHEN search = '' THEN list_transform([struct_pack(s := s, o := other)], lambda q: q.o || array_to_string(list_transform(range(1, length(q.s) + 1), lambda n: q.s[n] || q.o), ''))[1] ELSE replace(s, search, other) END
hamming_distance(a, b) AS CASE WHEN length(a) <> length(b) THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: The input strings to hamming_distance function must have the same length') WHEN a = '' THEN 0 ELSE hamming(a, b) END
split_text(s, d) AS CASE WHEN d = '' THEN fail_as([''], 'INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') ELSE string_split(s, d) END
split_text_limited(s, d, n) AS CASE WHEN n <= 0 THEN fail_as([''], 'INVALID_FUNCTION_ARGUMENT: Limit must be positive') WHEN len(split_text(s, d)) <= n THEN split_text(s, d) ELSE list_concat(split_text(s, d)[1 : n - 1], [array_to_string(split_text(s, d)[n:], d)]) END
text_part(s, d, i) AS CASE WHEN i < 1 THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') WHEN d = '' THEN CASE WHEN i > length(s) THEN NULL ELSE s[i] END WHEN i > len(string_split(s, d)) THEN NULL ELSE split_part(s, d, i) END
split_entries(s, d, kv) AS CASE WHEN s = '' THEN [] ELSE list_transform(list_filter(string_split(s, d), lambda n: n <> ''), lambda n: CASE WHEN strpos(n, kv) = 0 THEN fail_as(struct_pack(k := '', v := ''), 'INVALID_FUNCTION_ARGUMENT: Key-value delimiter must appear exactly once in each entry. Bad input: ''' || n || '''') ELSE struct_pack(k := n[1 : strpos(n, kv) - 1], v := n[strpos(n, kv) + length(kv) :]) END) END
split_to_map(s, d, kv) AS entries_map(split_entries(s, d, kv), s)
entries_map(l, s) AS CASE WHEN l IS NULL THEN NULL WHEN list_unique(list_transform(l, lambda n: n.k)) < len(l) THEN fail_as(map([''], ['']), 'INVALID_FUNCTION_ARGUMENT: Duplicate keys (' || list_filter(l, lambda n, i: list_position(list_transform(l, lambda m: m.k), n.k) < i)[1].k || ') are not allowed') ELSE map(list_transform(l, lambda n: n.k), list_transform(l, lambda n: n.v)) END
instance_position(s, sub, n) AS CASE WHEN n = 0 THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: ''instance'' must be a positive or negative number.') WHEN sub = '' THEN CASE WHEN n > 0 THEN n ELSE length(s) + 2 + n END WHEN n < 0 THEN coalesce(starts_of(s, sub)[-abs(n)], 0) ELSE coalesce(starts_of(s, sub)[n], 0) END
starts_of(s, sub) AS list_transform([struct_pack(s := s, p := sub)], lambda q: list_filter(range(1, length(q.s) + 1), lambda n: substring(q.s, n, length(q.p)) = q.p))[1]
part_of_text(s, start, n) AS CASE WHEN start = 0 OR abs(start) > length(s) OR n <= 0 THEN CASE WHEN s IS NULL OR n IS NULL THEN NULL ELSE '' END ELSE substring(s, start, n) END
part_of_bytes(b, start, n) AS CASE WHEN start = 0 OR abs(start) > octet_length(b) OR n <= 0 THEN ''::BLOB ELSE unhex(substring(hex(b), CASE WHEN start < 0 THEN (octet_length(b) + start) * 2 + 1 ELSE start * 2 - 1 END, CAST(least(n, 1000000000) * 2 AS BIGINT))) END
from_base64_text(s) AS CASE WHEN length(s) % 4 = 0 THEN from_base64(s) ELSE from_base64(rpad(s, CAST(length(s) + 4 - length(s) % 4 AS INTEGER), '=')) END
from_hex_text(s) AS CASE WHEN length(s) % 2 = 1 OR NOT regexp_full_match(s, '[0-9A-Fa-f]*') THEN fail_as(''::BLOB, 'INVALID_FUNCTION_ARGUMENT: String ''' || s || ''' is not a valid hexadecimal number') ELSE unhex(s) END
counted_bits(v, bits) AS CASE WHEN bits < 2 OR bits > 64 THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: Bits specified in bit_count must be between 2 and 64, got ' || bits) WHEN bits = 64 THEN CAST(bit_count(CAST(v AS BIGINT)) AS BIGINT) WHEN v >= CAST(pow(2, bits - 1) AS HUGEINT) OR v < -CAST(pow(2, bits - 1) AS HUGEINT) THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: Number must be representable with the bits specified. ' || v || ' cannot be represented with ' || bits || ' bits') ELSE CAST(bit_count(v & CAST(pow(2, bits) - 1 AS BIGINT)) AS BIGINT) END
wrapped(v, bits) AS CASE WHEN v >= CAST(pow(2, bits - 1) AS HUGEINT) THEN v - CAST(pow(2, bits) AS HUGEINT) ELSE v END
unsigned_of(v, bits) AS CASE WHEN v < 0 THEN CAST(v AS HUGEINT) + CAST(pow(2, bits) AS HUGEINT) ELSE CAST(v AS HUGEINT) END
shifted_left(v, n, bits) AS CASE WHEN n >= bits THEN 0 ELSE wrapped(((unsigned_of(v, bits) % CAST(pow(2, greatest(bits - n, 0)) AS HUGEINT)) * CAST(pow(2, least(n, 64)) AS HUGEINT)), bits) END
shifted_right(v, n, bits) AS CASE WHEN n >= bits THEN 0 ELSE wrapped(unsigned_of(v, bits) // CAST(pow(2, least(n, 64)) AS HUGEINT), bits) END
arc(x, v) AS CASE WHEN abs(x) > 1 OR isnan(x) THEN CAST('NaN' AS DOUBLE) ELSE v END
logarithm(x) AS CASE WHEN x < 0 THEN CAST('NaN' AS DOUBLE) ELSE ln(x) END
rounded(x, d) AS CASE WHEN isnan(x) OR isinf(x) THEN x ELSE CAST(round(x, CAST(d AS INTEGER)) AS DOUBLE) END
width_bucket(x, low, high, n) AS CASE WHEN n <= 0 THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0') WHEN low = high THEN fail_as(0::BIGINT, 'INVALID_FUNCTION_ARGUMENT: bounds cannot equal each other') WHEN low < high THEN CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1 ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END END
wilson_interval(k, n, z, side) AS (k + z * z / 2 + side * z * sqrt(k * (n - k) / n + z * z / 4)) / (n + z * z)
map_cosine(a, b) AS list_transform([struct_pack(a := a, b := b)], lambda q: list_sum(list_transform(map_keys(q.a), lambda n: map_extract_value(q.a, n) * coalesce(map_extract_value(q.b, n), 0))) / (sqrt(list_sum(list_transform(map_values(q.a), lambda n: n * n))) * sqrt(list_sum(list_transform(map_values(q.b), lambda n: n * n)))))[1]
between_degrees(v, limit_, what) AS CASE WHEN v < -limit_ OR v > limit_ THEN fail_as(v, 'INVALID_FUNCTION_ARGUMENT: ' || what || ' must be between -' || limit_ || ' and ' || limit_) ELSE v END
great_circle_distance(a, b, c, d) AS great_circle(between_degrees(a, 90, 'Latitude'), between_degrees(b, 180, 'Longitude'), between_degrees(c, 90, 'Latitude'), between_degrees(d, 180, 'Longitude'))
great_circle(a, b, c, d) AS 6371.01 * atan2(sqrt(pow(cos(radians(c)) * sin(radians(b) - radians(d)), 2) + pow(cos(radians(a)) * sin(radians(c)) - sin(radians(a)) * cos(radians(c)) * cos(radians(b) - radians(d)), 2)), sin(radians(a)) * sin(radians(c)) + cos(radians(a)) * cos(radians(c)) * cos(radians(b) - radians(d)))
unix_zoned(x, zone) AS CASE WHEN x IS NULL OR zone IS NULL THEN NULL ELSE struct_pack(i := timezone('UTC', make_timestamp(CAST(round(x * 1000) AS BIGINT) * 1000)), z := zone) END
zone_minutes(v) AS (epoch_us(local_time(v)) - epoch_us(timezone('UTC', v.i))) // 60000000
json_or_null(s) AS CASE WHEN json_valid(s) THEN CAST(s AS JSON) END
json_array_has(j, v, kinds) AS CASE WHEN json_type(j) = 'ARRAY' THEN len(list_filter(json_extract(j, '$[*]'), lambda n: list_contains(kinds, json_type(n)) AND json_extract_string(n, '$') = v)) > 0 END
json_element(j, i) AS CASE WHEN json_type(j) = 'ARRAY' THEN CASE WHEN i >= 0 THEN json_extract(j, '$[*]')[i + 1] ELSE json_extract(j, '$[*]')[i] END END
json_length(j) AS CASE WHEN json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END
json_member(j, name) AS coalesce(json_extract(j, '$."' || name || '"'), json_extract(j, '$."' || list_filter(json_keys(j), lambda n: lower(n) = name)[1] || '"'))
json_scalar(j) AS CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE json_extract_string(j, '$') END
json_size_of(j) AS CASE json_type(j) WHEN 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) WHEN 'OBJECT' THEN CAST(len(json_keys(j)) AS BIGINT) ELSE CASE WHEN j IS NULL THEN NULL ELSE 0::BIGINT END END
has_null(l) AS len(list_filter(l, lambda n: n IS NULL)) > 0
all_of(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, false) THEN false WHEN has_null(l) THEN NULL ELSE true END
any_of(l) AS CASE WHEN l IS NULL THEN NULL WHEN list_contains(l, true) THEN true WHEN has_null(l) THEN NULL ELSE false END
ordered_distinct(l) AS CASE WHEN list_unique(l) = len(l) THEN l ELSE list_transform([list_sort(list_transform(l, lambda n, i: struct_pack(v := n, i := i)))], lambda q: list_transform(list_sort(list_transform(list_filter(q, lambda m, j: j = 1 OR m.v IS DISTINCT FROM q[j - 1].v), lambda m: struct_pack(i := m.i, v := m.v))), lambda m: m.v))[1] END
is_in(l, v) AS CASE WHEN v IS NULL THEN has_null(l) ELSE list_contains(l, v) END
array_without(a, b) AS ordered_distinct(list_transform([struct_pack(x := a, y := b)], lambda q: CASE WHEN q.y IS NOT NULL THEN list_filter(q.x, lambda n: NOT is_in(q.y, n)) END)[1])
array_common(a, b) AS ordered_distinct(list_transform([struct_pack(x := a, y := b)], lambda q: CASE WHEN len(q.x) < len(q.y) THEN list_filter(q.y, lambda n: is_in(q.x, n)) ELSE list_filter(q.x, lambda n: is_in(q.y, n)) END)[1])
whole_list(l, v) AS CASE WHEN has_null(l) THEN NULL ELSE v END
position_in(l, v) AS CASE WHEN l IS NULL OR v IS NULL THEN NULL ELSE CAST(coalesce(list_position(l, v), 0) AS BIGINT) END
array_removed(l, v) AS CASE WHEN v IS NULL THEN NULL ELSE list_filter(l, lambda n: n IS DISTINCT FROM v) END
overlapping(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any(list_filter(a, lambda n: n IS NOT NULL), list_filter(b, lambda n: n IS NOT NULL)) THEN true WHEN (has_null(a) AND len(b) > 0) OR (has_null(b) AND len(a) > 0) THEN NULL ELSE false END
has_element(l, v) AS CASE WHEN l IS NULL OR v IS NULL THEN NULL WHEN list_contains(l, v) THEN true WHEN has_null(l) THEN NULL ELSE false END
has_sequence(l, s) AS list_transform([struct_pack(l := l, s := s)], lambda q: CASE WHEN q.l IS NULL OR q.s IS NULL THEN NULL WHEN len(q.s) = 0 THEN true ELSE len(list_filter(range(1, greatest(len(q.l) - len(q.s), -1) + 2), lambda n: q.l[n : n + len(q.s) - 1] = q.s)) > 0 END)[1]
element_of(l, i) AS CASE WHEN i = 0 THEN fail_as(l[1], 'INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE l[i] END
ngrams_of(l, n) AS CASE WHEN n <= 0 THEN fail_as([l], 'INVALID_FUNCTION_ARGUMENT: N must be positive') WHEN len(l) <= n THEN [l] ELSE list_transform([struct_pack(l := l, n := n)], lambda q: list_transform(range(1, len(q.l) - q.n + 2), lambda p: q.l[p : p + q.n - 1]))[1] END
at_least(n, least_one, said) AS CASE WHEN n < least_one THEN fail_as(n, 'INVALID_FUNCTION_ARGUMENT: ' || said) ELSE n END
upper_text(s) AS CASE WHEN strpos(s, 'ß') = 0 THEN upper(s) ELSE array_to_string(list_transform(string_split(s, 'ß'), lambda n: upper(n)), 'ß') END
character_of(n) AS CASE WHEN n < 0 OR n > 1114111 OR n BETWEEN 55296 AND 57343 THEN fail_as('', 'INVALID_FUNCTION_ARGUMENT: Not a valid Unicode code point: ' || n) ELSE chr(CAST(n AS INTEGER)) END
json_plain(j) AS CASE json_type(j) WHEN 'VARCHAR' THEN json_extract_string(j, '$') WHEN 'NULL' THEN NULL ELSE CAST(j AS VARCHAR) END
months_of(v) AS (datepart('year', v) * 12 + datepart('month', v))
number_sequence(a, b) AS CASE WHEN abs(CAST(b AS HUGEINT) - CAST(a AS HUGEINT)) >= 10000 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries') WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END
stepped_sequence(a, b, step) AS CASE WHEN step = 0 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: step must not be zero') WHEN (step > 0) <> (b >= a) AND a <> b THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') WHEN (CAST(b AS HUGEINT) - CAST(a AS HUGEINT)) // step >= 10000 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries') ELSE generate_series(a, b, step) END
day_sequence(a, b, ms) AS CASE WHEN ms = 0 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: interval must not be zero') WHEN (ms > 0) <> (b >= a) AND a <> b THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') WHEN (epoch_ms(b) - epoch_ms(a)) // ms >= 10000 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries') ELSE list_transform([struct_pack(a := a, n := (epoch_ms(b) - epoch_ms(a)) // ms, s := ms)], lambda q: list_transform(range(0, q.n + 1), lambda n: q.a + to_milliseconds(n * q.s)))[1] END
month_sequence(a, b, m) AS CASE WHEN m = 0 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: interval must not be zero') WHEN (m > 0) <> (b >= a) AND a <> b THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') WHEN datesub('month', a, b) // m >= 10000 THEN fail_as([a], 'INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries') ELSE list_transform([struct_pack(a := a, b := b, n := datesub('month', a, b) // m, m := m)], lambda q: list_filter(list_transform(range(0, q.n + 2), lambda n: q.a + to_months(CAST(n * q.m AS INTEGER))), lambda d: CASE WHEN q.m > 0 THEN d <= q.b ELSE d >= q.b END))[1] END
repeated(v, n) AS CASE WHEN n > 10000 THEN fail_as([v], 'INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be less than or equal to 10000') WHEN n < 0 THEN fail_as([v], 'INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be greater than or equal to 0') WHEN n IS NULL THEN NULL ELSE list_transform(range(CAST(n AS BIGINT)), lambda i: v) END
slice_of(l, start, n) AS CASE WHEN n < 0 THEN fail_as(l, 'INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0') WHEN start = 0 THEN fail_as(l, 'INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') WHEN n = 0 OR abs(start) > len(l) THEN l[2:1] WHEN start < 0 THEN l[len(l) + start + 1 : len(l) + start + n] ELSE l[start : start + n - 1] END
new_map(k, v) AS CASE WHEN len(list_filter(k, lambda n: n IS NULL)) > 0 THEN fail_as(map(k[1:0], v[1:0]), 'INVALID_FUNCTION_ARGUMENT: map key cannot be null') WHEN len(k) <> len(v) THEN fail_as(map(k[1:1], v[1:1]), 'INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same length') WHEN list_unique(k) < len(k) THEN fail_as(map(k[1:1], v[1:1]), 'INVALID_FUNCTION_ARGUMENT: Duplicate map keys (' || CAST(list_filter(k, lambda n, i: list_position(k, n) < i)[1] AS VARCHAR) || ') are not allowed') ELSE map(k, v) END
counted(l, h) AS list_transform([struct_pack(k := ordered_distinct(list_filter(l, lambda n: n IS NOT NULL)), h := h)], lambda q: CASE WHEN len(q.k) > 0 THEN map(q.k, list_transform(q.k, lambda n: CAST(map_extract_value(q.h, n) AS BIGINT))) END)[1]
keyed(l) AS list_sort(list_transform(list_filter(l, lambda n: n.k IS NOT NULL), lambda n, i: struct_pack(k := n.k, i := i, v := n.v)))
key_starts(s) AS list_filter(range(1, len(s) + 1), lambda j: j = 1 OR s[j].k IS DISTINCT FROM s[j - 1].k)
grouped_map(g) AS map(list_transform(g, lambda n: n.k), list_transform(g, lambda n: n.v))
first_entries(l) AS CASE WHEN l IS NOT NULL THEN list_transform([keyed(l)], lambda s: grouped_map(list_sort(list_transform(key_starts(s), lambda j: struct_pack(i := s[j].i, k := s[j].k, v := s[j].v)))))[1] END
collected(l) AS CASE WHEN l IS NOT NULL THEN list_transform([list_filter(l, lambda n: n.k IS NOT NULL)], lambda q: collected_by(q, ordered_distinct(list_transform(q, lambda n: n.k))))[1] END
collected_by(l, keys) AS list_transform([struct_pack(l := l, k := keys)], lambda q: map(q.k, list_transform(q.k, lambda n: list_transform(list_filter(q.l, lambda m: m.k = n), lambda m: m.v))))[1]
most_frequent(n, m) AS map_from_entries(list_transform(list_sort(list_transform(map_entries(m), lambda e: struct_pack(c := -e.value, e := e)))[1:n], lambda e: e.e))
percentile(l, q) AS CASE WHEN q < 0 OR q > 1 THEN fail_as(l[1], 'INVALID_FUNCTION_ARGUMENT: Percentile must be between 0 and 1') ELSE ranked(list_sort(list_filter(l, lambda n: n IS NOT NULL)), q) END
percentiles(l, qs) AS list_transform([struct_pack(l := list_sort(list_filter(l, lambda n: n IS NOT NULL)), q := qs)], lambda z: list_transform(z.q, lambda q: ranked(z.l, q)))[1]
ranked(l, q) AS CASE WHEN q * len(l) < 1 THEN l[1] WHEN q * len(l) > len(l) - 1 THEN l[-1] ELSE l[CAST(floor(q * len(l)) AS BIGINT) + 1] END
iso_offset(m) AS printf('%s%02d:%02d', CASE WHEN m < 0 THEN '-' ELSE '+' END, abs(m) // 60, abs(m) % 60)
cube_root(x) AS CASE WHEN pow(round(cbrt(x)), 3) = x THEN round(cbrt(x)) ELSE cbrt(x) END
fitting_text(s, n) AS CASE WHEN length(s) > n THEN fail_as('', 'INVALID_CAST_ARGUMENT: Value ' || s || ' cannot be represented as varchar(' || n || ')') ELSE s END
negated(v, least_one, name) AS CASE WHEN v = least_one THEN fail_as(v, 'NUMERIC_VALUE_OUT_OF_RANGE: ' || name || ' negation overflow: ' || v) ELSE -v END
trimmed_array(l, n) AS CASE WHEN n < 0 THEN fail_as(l, 'INVALID_FUNCTION_ARGUMENT: size must not be negative: ' || n) WHEN n > len(l) THEN fail_as(l, 'INVALID_FUNCTION_ARGUMENT: size must not exceed array cardinality ' || len(l) || ': ' || n) ELSE l[1 : len(l) - n] END
random_below(n) AS floor(random() * at_least(n, 1, 'bound must be positive'))
random_between(a, b) AS a + floor(random() * CASE WHEN b <= a THEN fail_as(b, 'INVALID_FUNCTION_ARGUMENT: upper bound must be greater than lower bound') ELSE b - a END)
set_counts(l) AS list_transform([list_filter(l, lambda n: n IS NOT NULL)], lambda q: map(list_distinct(q), list_transform(list_distinct(q), lambda n: CAST(len(list_filter(q, lambda m: m = n)) AS SMALLINT))))[1]
