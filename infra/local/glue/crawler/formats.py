"""What a crawler reads of one file: its format, compression, schema and size in records.

Classifiers are tried in AWS's order: custom ones, then Avro, ORC, Parquet, JSON, CSV; what none of them knows is UNKNOWN.
Source: https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infra.local.glue.crawler.binary_formats import of_avro, of_orc, of_parquet
from infra.local.glue.crawler.compression import text_of
from infra.local.glue.crawler.content import MOST_SAMPLE_BYTES, SAMPLE_BYTES, Classifier, Content
from infra.local.glue.crawler.csv_rows import of_csv
from infra.local.glue.crawler.grok_lines import of_grok
from infra.local.glue.crawler.json_records import of_json


def read(path: Path, size: int, classifiers: Sequence[Classifier] = (), sample: int = SAMPLE_BYTES) -> Content:
    """Classify one file.

    Parameters
    ----------
    path: the file
    size: its bytes
    classifiers: custom classifiers, in the crawler's order
    sample: bytes to read of a text file at first
    """
    with open(path, "rb") as file:
        start = file.read(4)
        file.seek(0)
        if start[:3] == b"ORC":
            return of_orc(path, size)
        if start == b"PAR1":
            return of_parquet(path, size)
        if start == b"Obj\x01":
            return of_avro(file, size)
        while True:
            text, compression, consumed = text_of(file, sample)
            whole = consumed >= size
            found = _classify(text, whole, classifiers) if text.strip() else None
            if found is not None or whole or sample >= MOST_SAMPLE_BYTES or b"\0" in text:
                break
            sample = min(sample + SAMPLE_BYTES, MOST_SAMPLE_BYTES)
    if found is None:
        return Content(compression=compression)
    found.compression = compression
    if not whole:
        found.records = max(found.records, found.records * size // consumed)
        found.record_bytes = max(found.record_bytes, found.record_bytes * size // consumed)
    return found


def _classify(text: bytes, whole: bool, classifiers: Sequence[Classifier]) -> Content | None:
    if b"\0" in text:
        return None
    for classifier in classifiers:
        if classifier.kind == "JsonClassifier":
            found = of_json(text, whole, classifier.settings["JsonPath"])
        elif classifier.kind == "GrokClassifier":
            found = of_grok(text, whole, classifier.settings)
        else:
            found = of_csv(text, whole, classifier.settings)
        if found is not None:
            return found
    if text.lstrip()[:1] == b"{":
        return of_json(text, whole)
    return of_json(text, whole) or of_csv(text, whole)
