"""The bytes of delivered objects: compression formats of Firehose, and conversion by an engine's process.

Snappy is the framing of snappy-java (xerial), HADOOP_SNAPPY that of Hadoop's codec.
Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
"""

from __future__ import annotations

import base64
import gzip
import os
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.core import roles
from infra.local.firehose import conversion
from infra.local.firehose.records import Record
from infra.local.firehose.transform import now_ms

if TYPE_CHECKING:
    from infra.engines.athena.client import Engine

MIB = 1024 * 1024
XERIAL_HEAD = b"\x82SNAPPY\x00" + struct.pack(">II", 1, 1)  # magic, version, compatible version
XERIAL_BLOCK = 32 * 1024
HADOOP_BLOCK = 256 * 1024
SIZE = struct.Struct(">I")


def write_object(data: Path, target: Path, compression: str, key: str) -> None:
    """Write an object's bytes to `target`, on the same disk: S3 moves the file in.

    Parameters
    ----------
    data: the bytes before compression; the file stays
    key: of the object: an archive's entry is called as its last part
    """
    target.unlink(missing_ok=True)
    if compression == "UNCOMPRESSED":
        try:
            os.link(data, target)  # the data stay until S3 has the object
        except OSError:
            shutil.copyfile(data, target)  # a file system without links
    elif compression == "GZIP":
        with open(data, "rb") as source, open(target, "wb") as file, gzip.GzipFile("", "wb", 6, file) as packed:
            shutil.copyfileobj(source, packed, MIB)
    elif compression == "ZIP":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(data, Path(key).stem)
    else:
        _write_snappy(data, target, compression == "HADOOP_SNAPPY")


def _write_snappy(data: Path, target: Path, is_hadoop: bool) -> None:
    import pyarrow

    codec = pyarrow.Codec("snappy")
    with open(data, "rb") as source, open(target, "wb") as file:
        if not is_hadoop:
            file.write(XERIAL_HEAD)
        while block := source.read(HADOOP_BLOCK if is_hadoop else XERIAL_BLOCK):
            packed = codec.compress(block, asbytes=True)
            file.write((SIZE.pack(len(block)) if is_hadoop else b"") + SIZE.pack(len(packed)) + packed)


def write_records(records: Iterable[Record], target: Path) -> None:
    """Write the data of records, one after another."""
    with open(target, "wb") as file:
        for record in records:
            file.write(record.data)


# --- conversion -----------------------------------------------------------------------------------------------------


def convert(
    settings: dict[str, Any],
    session: roles.Session,
    region: str,
    records: Callable[[], Iterator[Record]],
    engine: Callable[[], Engine],
    folder: Path,
    name: str,
) -> tuple[Path | None, Path | None, int]:
    """Write records as the destination's format; return the object, the lines of those that could not be, and how many these are.

    Parameters
    ----------
    session: of the role that may read the table
    records: gives them, from the first one each time
    engine: gives the process that writes the file
    folder, name: where files are written, and how their names begin

    Raises conversion.SchemaProblem, and EngineError where the engine failed.
    """
    from infra.engines.athena.conversion import LENGTH, Output
    from infra.engines.athena.serdes import TextTable

    given = conversion.configured(settings)
    assert given is not None
    found = conversion.schema(given, session, region)
    columns = conversion.columns_of(found)
    names = [column for column, _ in columns]
    table = TextTable(*conversion.deserializer(given), columns, names)
    output = Output(conversion.output_format(given), conversion.writer_options(given, names))
    source, target = folder / f"{name}.in", folder / f"{name}.{output.format}"
    with open(source, "wb") as file:
        for record in records():
            file.write(LENGTH.pack(len(record.data)) + record.data)
    try:
        done = engine().ask("convert", table, output, source, target)
    finally:
        source.unlink(missing_ok=True)
    errors = folder / f"{name}.errors"
    if done.failures:
        failures = {place: (code, message) for place, code, message in done.failures}
        with open(errors, "wb") as file:
            for place, record in enumerate(records()):
                if place in failures:
                    file.write(_line(record, *failures[place], found))
    return target if done.rows else None, errors if done.failures else None, len(done.failures)


def _line(record: Record, code: str, message: str, found: conversion.Schema) -> bytes:
    """Return a record that could not be converted as its error output has it.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html, "Record format conversion error handling"
    """
    told = {
        "attemptsMade": 1,
        "arrivalTimestamp": record.arrival_ms,
        "lastErrorCode": f"DataFormatConversion.{code}",
        "lastErrorMessage": message,
        "attemptEndingTimestamp": now_ms(),
        "rawData": base64.b64encode(record.data).decode(),
        "sequenceNumber": record.origin.get("sequenceNumber"),
        "subSequenceNumber": record.origin.get("subsequenceNumber"),
        "dataCatalogTable": found.told,
    }
    return orjson.dumps(told) + b"\n"
