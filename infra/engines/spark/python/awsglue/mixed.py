"""JSON records in which a field has values of kinds that Spark takes for one text: objects, arrays and plain values.

Spark's own reading is kept for all other records (infer.py): here each record is read in Python, exactly and slower.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructType

from awsglue import records

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LONG_RANGE = (-(2**63), 2**63 - 1)


class Leaf(NamedTuple):
    """A place in the records that is text for Spark."""

    name: str
    depth: int  # arrays between the name and the text
    in_array: bool  # whether there is an array anywhere on the way


def leaves(native: DataType, name: str = "", depth: int = 0, in_array: bool = False) -> Iterator[Leaf]:
    """The leaves of a type that Spark inferred."""
    match native:
        case StructType():
            for field in native:
                yield from leaves(field.dataType, field.name, 0, in_array)
        case ArrayType():
            yield from leaves(native.elementType, name, depth + 1, True)
        case StringType():
            yield Leaf(name, depth, in_array)


def pattern(schema: StructType) -> str:
    """A regular expression for the lines of JSON that only this module reads rightly; empty if there can be none.

    Outside of arrays infer.py tells texts, numbers and booleans apart itself; inside of them all values must be texts.
    It is sure for lines that it does not find; of those found, some may be in order.
    """
    names: dict[str, set[str]] = {}
    for leaf in leaves(schema):
        wrong = rf"(?!{_texts(leaf.depth)})" if leaf.in_array else r"(?=[\[{])"
        names.setdefault(wrong, set()).add(re.escape(leaf.name))
    return "|".join(rf'"(?:{"|".join(sorted(found))})"\s*+:\s*+{wrong}' for wrong, found in names.items())


def _texts(depth: int) -> str:
    """A text, or arrays of texts, so many deep."""
    inner = rf"(?:{_STRING}|null\b)"
    for _ in range(depth):
        inner = rf"(?:null\b|\[(?:[\s,]++|{inner})*+\])"
    return inner


def kinds(lines: DataFrame) -> dict:
    """The types of all values in the lines (one column `value`), as records.py describes them."""

    def partition(rows: Iterable[Row]) -> list[dict | None]:
        return records.merged_kinds(record for row in rows for record in _objects(row[0]))

    found = lines.select("value").rdd.mapPartitions(partition).fold(None, records.merge_kinds)
    return records.as_json(found or {"struct": {}})


def parse(text: Column, found: dict) -> Column:
    """The struct in a JSON text, null where the text is no JSON object.

    Args:
        found: what `kinds` gives for these texts.
    """

    def read(value: str | None):
        record = next(iter(_objects(value)), None)
        return None if record is None else records.to_row(record, found)

    return F.udf(read, schema(found))(text)


def split_arrays(lines: DataFrame) -> DataFrame:
    """The lines with each record of an array on a line by itself."""
    members = F.from_json("value", "array<string>")
    listed = F.when(F.ltrim("value").startswith("["), members)
    return lines.select(F.explode(F.coalesce(listed, F.array("value"))).alias("value"))


def schema(found: dict) -> StructType:
    """The type of the records that `kinds` describes, with marked choices."""
    native = records.native_type(found)
    assert isinstance(native, StructType)
    return native


def _objects(text: str | None) -> list[dict]:
    try:
        value = json.loads(text or "", parse_int=_whole, strict=False)
    except (ValueError, RecursionError):
        return []
    return [value] if isinstance(value, dict) else []


def _whole(digits: str) -> int | float:
    """A whole number, or the nearest floating-point number where no long has room for it."""
    number = int(digits)
    return number if _LONG_RANGE[0] <= number <= _LONG_RANGE[1] else float(number)
