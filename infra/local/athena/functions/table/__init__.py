"""Trino's functions, page by page of its reference (a file a kind of value), and what each is in DuckDB. signatures.py explains the lines.

Source: https://trino.io/docs/current/functions.html. A function that is not here is refused as Athena refuses it.
"""

from infra.local.athena.functions.signatures import table
from infra.local.athena.functions.table.aggregates import AGGREGATE, WINDOWS
from infra.local.athena.functions.table.arrays_and_maps import ARRAY, MAP
from infra.local.athena.functions.table.geospatial import GEOSPATIAL, GEOSPATIAL_AGGREGATES
from infra.local.athena.functions.table.json_values import JSON
from infra.local.athena.functions.table.moments import DATETIME, parts
from infra.local.athena.functions.table.numbers import BITWISE, COMPARISON, CONVERSION, MATH
from infra.local.athena.functions.table.text import BINARY, REGEXP, STRING, URL

_ALIASES = {"ceiling": "ceil", "pow": "power", "rand": "random", "dow": "day_of_week", "doy": "day_of_year"}
_ALIASES |= {"day_of_month": "day", "week_of_year": "week", "yow": "year_of_week"}


def _scalars() -> dict[str, list[str]]:
    pages = (
        STRING,
        REGEXP,
        BINARY,
        BITWISE,
        COMPARISON,
        CONVERSION,
        MATH,
        DATETIME,
        parts(),
        JSON,
        ARRAY,
        MAP,
        URL,
        GEOSPATIAL,
    )
    found = table("\n".join(pages))
    for alias, name in _ALIASES.items():
        found[alias] = [alias + line[len(name) :] for line in found[name]]
    return found


SCALARS = _scalars()
AGGREGATES = table(AGGREGATE + GEOSPATIAL_AGGREGATES)
WINDOW = table(WINDOWS)
# Of Trino, but beyond what DuckDB can answer alike: refused by name, not as unknown.
NOT_HERE = frozenset(
    """quantile_at_value spooky_hash_v2_32 spooky_hash_v2_64 bar color render rgb geometry_from_hadoop_shape geometry_invalid_reason
    spatial_partitions spatial_partitioning""".split()
)
