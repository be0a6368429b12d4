"""Which reader a table's SerDe means, and which properties it has."""

from __future__ import annotations

from typing import Any

from infra.engines.athena.errors import QueryError

OPENX = "org.openx.data.jsonserde.JsonSerDe"
HIVE_JSON = ("org.apache.hive.hcatalog.data.JsonSerDe", "org.apache.hadoop.hive.serde2.JsonSerDe")
JSON_SERDES = {OPENX, *HIVE_JSON}
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
REGEX = "org.apache.hadoop.hive.serde2.RegexSerDe"
GROK = "com.amazonaws.glue.serde.GrokSerDe"
CLOUDTRAIL = "com.amazon.emr.hive.serde.CloudTrailSerde"
CLOUDTRAIL_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
ORC = "org.apache.hadoop.hive.ql.io.orc.OrcSerde"
AVRO = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
COLUMNAR = ("parquet", "orc", "avro")
_FORMATS = {
    OPENX: "openx", **dict.fromkeys(HIVE_JSON, "hive_json"), LAZY: "lazy", OPEN_CSV: "csv", PARQUET: "parquet",
    ORC: "orc", AVRO: "avro", REGEX: "regex", GROK: "grok", CLOUDTRAIL: "cloudtrail",
}  # fmt: skip
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".deflate": "deflate", ".snappy": "snappy"}
_UNREADABLE = (".lz4", ".lzo", ".zip")


def format_of(library: str, input_format: str) -> str:
    """The reader of a SerDe. Raises QueryError for a table without one and for those that are not supported here."""
    if input_format == CLOUDTRAIL_INPUT and library in JSON_SERDES:
        return "cloudtrail"
    if library in _FORMATS:
        return _FORMATS[library]
    if library:
        raise QueryError("NOT_SUPPORTED", f"The local AWS does not read tables with the SerDe {library}")
    if not input_format:
        raise QueryError("HIVE_UNKNOWN_ERROR", "Unable to create input format")
    return next((name for name in COLUMNAR if name in input_format.lower()), "lazy")


def compression_of(uri: str) -> str:
    """The compression of a text file by the end of its name. Raises QueryError for those that are not supported here."""
    lowered = uri.lower()
    if lowered.endswith(_UNREADABLE):
        raise QueryError("NOT_SUPPORTED", f"The local AWS does not read the compression of {uri}")
    return next((name for end, name in _COMPRESSIONS.items() if lowered.endswith(end)), "none")


_TEXT = ("lazy", "csv", "openx", "hive_json", "regex", "grok", "cloudtrail")
_ONE_VALUE = {
    "serialization.encoding": ("UTF-8", "UTF8"),
    "line.delim": ("\n", "10"),
    "textinputformat.record.delimiter": ("\n",),
}


def check_properties(table: dict[str, Any], properties: dict[str, str], format: str) -> None:
    """Raise QueryError for properties of text tables that change what is read and are not supported here."""
    if format not in _TEXT:
        return
    for name, allowed in _ONE_VALUE.items():
        value = properties.get(name, allowed[0])
        if value.upper() not in allowed:
            of = f"{table['DatabaseName']}.{table['Name']}"
            text = f"The local AWS reads tables with {name} = {allowed[0]!r} only, not {value!r} as table {of} says"
            raise QueryError("NOT_SUPPORTED", text)
