"""From records as they arrived to groups of records that make objects: transformation, taking apart, partition keys, delimiters.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/ (dynamic-partitioning-partitioning-keys,
dynamic-partitioning-multirecord-deaggergation, dynamic-partitioning-limits)
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.engines import jq
from infra.local.firehose.keys import FROM_LAMBDA, FROM_QUERY
from infra.local.firehose.processors import Steps
from infra.local.firehose.records import Failure, Record, failed
from infra.local.firehose.stage import SOURCE, Group
from infra.local.firehose.transform import Source, now_ms, transform

ACTIVE_PARTITIONS = 500  # of a stream, without asking AWS for more
PROCESSING_FAILED, EXTRACTION_FAILED = "processing-failed", "metadata-extraction-failed"
TOO_MANY_PARTITIONS = "activePartitionExceeded"
NO_KEYS = Failure("DynamicPartitioning.MetadataExtractionFailed", "partitionKeys values must not be null or empty")
TOO_MANY = Failure(
    "DynamicPartitioning.ActivePartitionLimitExceeded", "The maximum number of active partitions has been exceeded."
)
_DECODER = json.JSONDecoder()
_BLANKS = " \t\r\n"


@dataclass
class Processed:
    """What became of a segment's records.

    Attributes
    ----------
    asked, transformed: records that a function got and gave back; failures: what was told of those that failed
    """

    groups: dict[Group, list[Record]] = field(default_factory=lambda: defaultdict(list))
    asked: int = 0
    transformed: list[int] = field(default_factory=list)  # sizes
    failures: list[Failure] = field(default_factory=list)

    def fail(self, kind: str, record: Record, failure: Failure, **more: Any) -> None:
        self.groups[Group(kind)].append(failed(record, failure, now_ms(), **more))
        self.failures.append(failure)


def process(
    steps: Steps,
    used: list[tuple[str, str]],
    active: set[Group],
    source: Source,
    number: int,
    records: list[Record],
) -> Processed:
    """Do a destination's steps with the records of a segment.

    Parameters
    ----------
    used: the partition keys that the prefix wants
    active: groups that wait for their objects
    number: of the segment

    Raises Stopped.
    """
    done = Processed()
    if steps.backed_up:
        done.groups[SOURCE] = list(records)
    given: list[tuple[Record, Record, dict[str, str]]] = [(record, record, {}) for record in records]
    if steps.transform:
        given = list(_transformed(steps, source, number, records, done))
    parts = [(part, whole, keys) for record, whole, keys in given for part in _parts(steps, record)]
    if not steps.partitioned:
        for part, _, _ in parts:
            done.groups[Group()].append(_with_delimiter(steps, part))
        return done
    partitions = {group for group in active if not group.error}
    with jq.Extractor(steps.query) as extractor:
        for part, whole, keys in parts:
            found = {(FROM_LAMBDA, name): value for name, value in keys.items()}
            try:
                if steps.query:
                    found |= _queried(extractor, part.data)
            except _NoKeys as error:
                done.fail(EXTRACTION_FAILED, whole, error.failure)
                continue
            if any(not found.get(key) for key in used):
                done.fail(EXTRACTION_FAILED, whole, NO_KEYS)
                continue
            group = Group("", tuple((key, found[key]) for key in dict.fromkeys(used)))
            if group not in partitions and len(partitions) >= ACTIVE_PARTITIONS:
                done.fail(TOO_MANY_PARTITIONS, whole, TOO_MANY)
                continue
            partitions.add(group)
            done.groups[group].append(_with_delimiter(steps, part))
    return done


def _transformed(
    steps: Steps, source: Source, number: int, records: list[Record], done: Processed
) -> Iterator[tuple[Record, Record, dict[str, str]]]:
    """Yield what the function gave back: the record, what it was before, and its partition keys."""
    assert steps.transform is not None
    done.asked = len(records)
    for record, result in zip(records, transform(source, steps.transform, number, records), strict=True):
        if result.failure is not None:
            done.fail(PROCESSING_FAILED, record, result.failure, lambdaArn=steps.transform.function)
        elif result.data is not None:
            done.transformed.append(len(record.data))
            yield record._replace(data=result.data), record, result.keys


def _with_delimiter(steps: Steps, record: Record) -> Record:
    return record._replace(data=record.data + steps.delimiter) if steps.delimiter else record


# --- taking apart ---------------------------------------------------------------------------------------------------


def _parts(steps: Steps, record: Record) -> list[Record]:
    if steps.split is None:
        return [record]
    if steps.split:
        return [record._replace(data=part) for part in record.data.split(steps.split) if part]
    texts = documents(record.data.decode("utf-8", "replace"))
    return [record._replace(data=text.encode()) for text in texts] if texts is not None else [record]


def documents(text: str) -> list[str] | None:
    """Return the JSON documents that follow each other in a text, with or without blanks between them; None where it has others."""
    found: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        if at == len(text):
            return found
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        found.append(text[at:end])
        at = end


# --- partition keys -------------------------------------------------------------------------------------------------


class _NoKeys(Exception):
    def __init__(self, message: str):
        super().__init__(message)
        self.failure = Failure(NO_KEYS.code, message)


def _queried(extractor: jq.Extractor, data: bytes) -> dict[tuple[str, str], str]:
    """Return the keys that the query finds in a record. Raises _NoKeys."""
    try:
        answer = orjson.loads(extractor.first(data))
    except jq.QueryFailed as error:
        raise _NoKeys(str(error)) from None
    if not isinstance(answer, dict):
        raise _NoKeys("The MetadataExtraction query must return a JSON object")
    return {(FROM_QUERY, name): _text(value) for name, value in answer.items()}


def _text(value: Any) -> str:
    """Return a key's value as it stands in a prefix; "" for what is none."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    return value if isinstance(value, str) else json.dumps(value)
