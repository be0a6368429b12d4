"""Trino functions that DuckDB has no parts for, written in Python and called by DuckDB for each value.

An error's message starts with `ATHENA CODE: `, so that engine.run_time_error() finds Trino's words in DuckDB's.
"""

import duckdb

from infra.engines.athena.functions import addresses, distributions
from infra.engines.athena.functions.binary import (
    checksum_of,
    crc32,
    float_bytes,
    from_base32,
    from_base64url,
    from_bytes,
    hmac_bytes,
    reversed_bytes,
    sha512_bytes,
    to_base32,
    to_base64url,
    whole_bytes,
    xxhash64,
)
from infra.engines.athena.functions.formats import joda_format, joda_parsed, mysql_format
from infra.engines.athena.functions.geo.registration import FUNCTIONS as GEOSPATIAL
from infra.engines.athena.functions.geo.values import with_nulls
from infra.engines.athena.functions.iceberg import iceberg_hash_bytes, iceberg_hash_number
from infra.engines.athena.functions.java_format import java_format
from infra.engines.athena.functions.json_values import json_canonical, json_path, sql_json, standard_double
from infra.engines.athena.functions.numbers import (
    bucket_of,
    from_base,
    histogram_of,
    inverse_normal_cdf,
    normal_cdf,
    to_base_text,
    wide_decimal,
)
from infra.engines.athena.functions.parse_refusals import date_refused
from infra.engines.athena.functions.regex import (
    py_regexp_extract,
    py_regexp_extract_all,
    py_regexp_groups,
    py_regexp_like,
    py_regexp_position,
    py_regexp_replace,
    py_regexp_split,
)
from infra.engines.athena.functions.row_patterns import FUNCTIONS as ROW_PATTERNS
from infra.engines.athena.functions.text import (
    format_number,
    from_utf8,
    levenshtein_by_characters,
    luhn_check,
    parse_data_size,
    soundex,
    unicode_normalized,
    word_stem,
)
from infra.engines.athena.functions.urls import url_decoded, url_encoded, url_parameter, url_part
from infra.engines.athena.functions.zones import (
    duration_millis,
    human_readable_seconds,
    iso_date,
    iso_timestamp,
    zone_name,
    zoned_parts,
)

_PLAIN = {
    word_stem: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    zoned_parts: (["VARCHAR"], "VARCHAR[]"),
    zone_name: (["VARCHAR"], "VARCHAR"),
    iso_date: (["VARCHAR"], "VARCHAR"),
    iso_timestamp: (["VARCHAR"], "VARCHAR[]"),
    human_readable_seconds: (["DOUBLE"], "VARCHAR"),
    duration_millis: (["VARCHAR"], "BIGINT"),
    mysql_format: (["VARCHAR"], "VARCHAR"),
    date_refused: (["VARCHAR", "VARCHAR"], "TIMESTAMP"),
    joda_format: (["TIMESTAMP", "VARCHAR", "BIGINT", "VARCHAR"], "VARCHAR"),
    joda_parsed: (["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    json_canonical: (["VARCHAR"], "VARCHAR"),
    standard_double: (["VARCHAR"], "VARCHAR"),
    from_utf8: (["BLOB", "VARCHAR"], "VARCHAR"),
    luhn_check: (["VARCHAR"], "BOOLEAN"),
    levenshtein_by_characters: (["VARCHAR", "VARCHAR"], "BIGINT"),
    unicode_normalized: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    soundex: (["VARCHAR"], "VARCHAR"),
    java_format: (["VARCHAR", "VARCHAR[]"], "VARCHAR"),
    format_number: (["DOUBLE"], "VARCHAR"),
    parse_data_size: (["VARCHAR"], "VARCHAR"),
    reversed_bytes: (["BLOB"], "BLOB"),
    crc32: (["BLOB"], "BIGINT"),
    from_base32: (["VARCHAR"], "BLOB"),
    to_base32: (["BLOB"], "VARCHAR"),
    from_base64url: (["VARCHAR"], "BLOB"),
    to_base64url: (["BLOB"], "VARCHAR"),
    from_bytes: (["BLOB", "VARCHAR"], "VARCHAR"),
    whole_bytes: (["BIGINT", "VARCHAR"], "BLOB"),
    float_bytes: (["DOUBLE", "VARCHAR"], "BLOB"),
    hmac_bytes: (["BLOB", "BLOB", "VARCHAR"], "BLOB"),
    sha512_bytes: (["BLOB"], "BLOB"),
    xxhash64: (["BLOB"], "BLOB"),
    checksum_of: (["BLOB[]"], "BLOB"),
    from_base: (["VARCHAR", "BIGINT"], "BIGINT"),
    to_base_text: (["BIGINT", "BIGINT"], "VARCHAR"),
    bucket_of: (["DOUBLE", "DOUBLE[]"], "BIGINT"),
    wide_decimal: (["VARCHAR", "VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    normal_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    inverse_normal_cdf: (["DOUBLE", "DOUBLE", "DOUBLE"], "DOUBLE"),
    iceberg_hash_bytes: (["BLOB"], "INTEGER"),
    iceberg_hash_number: (["BIGINT"], "INTEGER"),
    histogram_of: (["DOUBLE[]", "BIGINT"], "MAP(DOUBLE, DOUBLE)"),
    url_encoded: (["VARCHAR"], "VARCHAR"),
    url_decoded: (["VARCHAR"], "VARCHAR"),
    py_regexp_like: (["VARCHAR", "VARCHAR"], "BOOLEAN"),
    py_regexp_extract_all: (["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR[]"),
    py_regexp_replace: (["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
    py_regexp_split: (["VARCHAR", "VARCHAR"], "VARCHAR[]"),
    py_regexp_groups: (["VARCHAR", "VARCHAR"], "VARCHAR[][]"),
    py_regexp_position: (["VARCHAR", "VARCHAR", "BIGINT", "BIGINT"], "INTEGER"),
}
# These may answer NULL for values that are not.
_WITH_NULLS = {
    url_part: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    url_parameter: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    py_regexp_extract: (["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    json_path: (["VARCHAR", "VARCHAR"], "VARCHAR"),
    sql_json: (["VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR"),
}


def register(database: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB call all of them."""
    for function, (parameters, result) in {**_PLAIN, **distributions.FUNCTIONS, **addresses.FUNCTIONS}.items():
        database.create_function(function.__name__, function, parameters, result)
    for function, (parameters, result) in {**GEOSPATIAL, **ROW_PATTERNS}.items():
        database.create_function(function.__name__, with_nulls(function), parameters, result, null_handling="special")
    for function, (parameters, result) in _WITH_NULLS.items():
        database.create_function(function.__name__, function, parameters, result, null_handling="special")
