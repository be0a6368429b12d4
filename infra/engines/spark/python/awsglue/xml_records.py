"""XML files (guide: "Using the XML format"): each element of one tag is a record. Names keep their prefix.

AWS says that its reader behaves like the XML data source for Spark, whose rules these are: attributes become fields with a
prefix, text beside them the field `_VALUE`, an element that comes again a list; text is a boolean or a number where it is one.
"""

import bz2
import gzip
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.parsers import expat

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from awsglue import gluetypes, records
from awsglue.options import FORMATS, HINTS, is_true, refuse

OPTIONS = {"rowTag", "encoding", "excludeAttribute", "treatEmptyValuesAsNulls", "attributePrefix", "valueTag"}
OPTIONS |= {"ignoreSurroundingSpaces", "withSchema"}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
LONG = range(-(2**63), 2**63)


class Form(NamedTuple):
    """How elements become fields."""

    row: str
    encoding: str
    with_attributes: bool
    empty_is_null: bool
    prefix: str
    value: str
    trim: bool


class Element:
    """An element while it is read."""

    def __init__(self, attributes: dict[str, str]):
        self.attributes, self.text = attributes, ""
        self.children: dict[str, list[Element]] = {}


def read(spark: SparkSession, locations: list[str], recurse: bool, options: dict) -> tuple[DataFrame, None]:
    """The records of XML files, plain or packed by gzip or bzip2; no element is an error record.

    Raises:
        ValueError: no rowTag.
        NotImplementedError: an option that is not there.
    """
    refuse(options, OPTIONS | HINTS, FORMATS)
    if not options.get("rowTag"):
        raise ValueError("The option rowTag is required for the format xml")
    form = Form(
        options["rowTag"],
        options.get("encoding", "UTF-8"),
        not is_true(options.get("excludeAttribute", False)),
        is_true(options.get("treatEmptyValuesAsNulls", False)),
        options.get("attributePrefix", "_"),
        options.get("valueTag", "_VALUE"),
        is_true(options.get("ignoreSurroundingSpaces", False)),
    )
    files = spark.read.format("binaryFile").option("recursiveFileLookup", recurse).load(locations)
    contents = files.select("path", "content").rdd
    if "withSchema" not in options:
        found = contents.flatMap(lambda file: [_typed(each) for each in of_file(file[0], bytes(file[1]), form)])
        return records.to_frame(spark, found), None
    schema = records.spark_schema(gluetypes.schema_from_json(options["withSchema"]))
    texts = contents.flatMap(lambda file: of_file(file[0], bytes(file[1]), form))
    shape = _texts(schema)
    rows = spark.createDataFrame(
        texts.map(lambda record: _fitted(record, shape, form.value)), shape, verifySchema=False
    )
    return rows.select(*[rows[f"`{field.name}`"].cast(field.dataType).alias(field.name) for field in schema]), None


def of_file(name: str, content: bytes, form: Form) -> list[dict]:
    """The records of a file, all values still text.

    Raises:
        ValueError: the file is no XML, with its name, line and column.
    """
    for sign, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress)):
        content = unpack(content) if content.startswith(sign) else content
    try:
        return [_record(element, form) for element in _elements(content, form)]
    except expat.ExpatError as error:
        raise ValueError(f"{name} cannot be read as XML: {error}") from None


def _elements(content: bytes, form: Form) -> Iterator[Element]:
    """The elements of the row's tag, those inside of others not."""
    parser = expat.ParserCreate(None if content.lstrip().startswith(b"<?xml") else form.encoding)
    parser.buffer_text = True
    done: list[Element] = []
    opened: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if not opened and tag != form.row:
            return
        element = Element(attributes if form.with_attributes else {})
        if opened:
            opened[-1].children.setdefault(tag, []).append(element)
        opened.append(element)

    def end(_: str) -> None:
        if opened and len(opened) == 1:
            done.append(opened[0])
        if opened:
            opened.pop()

    def text(data: str) -> None:
        if opened:
            opened[-1].text += data

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.Parse(content, True)
    yield from done


def _record(element: Element, form: Form) -> dict:
    value = _value(element, form)
    return value if isinstance(value, dict) else {form.value: value}


def _value(element: Element, form: Form) -> Any:
    fields: dict[str, Any] = {form.prefix + name: text for name, text in element.attributes.items()}
    for tag, members in element.children.items():
        values = [_value(member, form) for member in members]
        fields[tag] = values if len(values) > 1 else values[0]
    text = element.text.strip() if form.trim else element.text
    if not fields:
        return None if not text or (form.empty_is_null and not text.strip()) else text
    if text.strip():
        fields[form.value] = text
    return fields


def _typed(value: Any) -> Any:
    """The value with its texts as booleans and numbers, where they are such."""
    match value:
        case dict():
            return {name: _typed(inner) for name, inner in value.items()}
        case list():
            return [_typed(inner) for inner in value]
        case "true" | "false":
            return value == "true"
        case str() if NUMBER.fullmatch(value):
            return int(value) if value.lstrip("+-").isdecimal() and int(value) in LONG else float(value)
    return value


def _texts(native: DataType) -> Any:
    """The type with text for all that is not nested."""
    match native:
        case StructType():
            return StructType([StructField(field.name, _texts(field.dataType)) for field in native])
        case ArrayType():
            return ArrayType(_texts(native.elementType))
    return StringType()


def _fitted(value: Any, native: DataType, text: str) -> Any:
    """A record's value as a type has it: one element where a list is asked for, the text of one with attributes."""
    match native:
        case _ if value is None:
            return None
        case StructType():
            fields = value if isinstance(value, dict) else {text: value}
            return tuple(_fitted(fields.get(field.name), field.dataType, text) for field in native)
        case ArrayType():
            return [_fitted(each, native.elementType, text) for each in (value if isinstance(value, list) else [value])]
    while isinstance(value, list | dict):
        value = value.get(text) if isinstance(value, dict) else value[-1]
    return value
