"""What a crawler knows of one file, what it reads of it at most, and custom classifiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.glue.crawler.schema import (
    Schema,
    merge_schemas,
)

SAMPLE_BYTES = 1 << 20  # what is read of a text file first …
MOST_SAMPLE_BYTES = 10 << 20  # … growing up to this while no whole record was found
CSV_ROWS = 1000
CSV_DELIMITERS = (",", "|", "\t", ";", "\x01")
HEADER_CELL_LENGTH = 150
UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Classifier:
    """A custom classifier: `kind` is JsonClassifier, CsvClassifier or GrokClassifier, `settings` its members in the API."""

    kind: str
    settings: dict[str, Any]


@dataclass
class Content:
    """What was found in one file, or in many alike: `combine` adds them up.

    records: how many there are (estimated from the sample for large text files)
    record_bytes: their size, uncompressed
    keys: the JSON keys in original case
    parameters: what the classifier adds to the table's parameters
    serde: the classifier's own SerDe, when it is not the format's
    skipped: lines that are not of the format
    """

    classification: str = UNKNOWN
    compression: str = "none"
    schema: Schema = field(default_factory=dict)
    records: int = 0
    record_bytes: int = 0
    keys: set[str] = field(default_factory=set)
    parameters: dict[str, str] = field(default_factory=dict)
    serde: str = ""
    skipped: int = 0

    @property
    def kind(self) -> tuple[str, str, str]:
        """Files of different kinds never make one table."""
        return self.classification, self.compression, self.parameters.get("delimiter", "")

    def combine(self, other: Content) -> Content:
        return Content(
            self.classification,
            self.compression,
            merge_schemas(self.schema, other.schema),
            self.records + other.records,
            self.record_bytes + other.record_bytes,
            self.keys | other.keys,
            self.parameters,
            self.serde,
            self.skipped + other.skipped,
        )
