"""Firehose's requests: puts are read here, several times as fast as by moto, and the parameters of the others are checked.

Source: https://docs.aws.amazon.com/firehose/latest/APIReference/
"""

from __future__ import annotations

import binascii
from typing import Any

import orjson
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.firehose.exceptions import InvalidArgumentException
from moto.firehose.responses import FirehoseResponse

from infra.local.core import validation as constraints
from infra.local.firehose.destination import check_refused, validation_error

PUTS = {"PutRecord", "PutRecordBatch"}
RECORD_BYTES = 1_024_000
BATCH_RECORDS = 500
BATCH_BYTES = 4 * 1024 * 1024

Answer = tuple[str, dict[str, str]]


class LocalFirehoseResponse(FirehoseResponse):
    def parse_parameters(self, request: Any) -> None:
        if self._get_action() not in PUTS:
            super().parse_parameters(request)

    def create_delivery_stream(self) -> ActionResult:
        self._check_parameters("CreateDeliveryStream")
        return super().create_delivery_stream()

    def update_destination(self) -> ActionResult:
        self._check_parameters("UpdateDestination")
        return super().update_destination()

    def list_delivery_streams(self) -> ActionResult:
        self._check_parameters("ListDeliveryStreams")
        return super().list_delivery_streams()

    def _check_parameters(self, operation: str) -> None:
        parameters = orjson.loads(self.body)
        check_refused(parameters)
        if errors := constraints.request_errors("firehose", operation, parameters):
            raise validation_error(errors)

    def put_record(self) -> Answer:
        parameters = orjson.loads(self.body)
        record = _records([parameters["Record"]], "record.data")[0]
        return _json(self.firehose_backend.put_record(parameters["DeliveryStreamName"], record))

    def put_record_batch(self) -> Answer:
        parameters = orjson.loads(self.body)
        given = parameters["Records"]
        if not 1 <= len(given) <= BATCH_RECORDS:
            bound = f"less than or equal to {BATCH_RECORDS}" if given else "greater than or equal to 1"
            raise validation_error(["at 'records' failed to satisfy constraint: Member must have length " + bound])
        records = _records(given, "records.{}.member.data")
        if sum(len(record["Data"]) for record in records) > BATCH_BYTES:
            raise InvalidArgumentException("Records size exceeds 4 MB limit")
        return _json(self.firehose_backend.put_record_batch(parameters["DeliveryStreamName"], records))


def _json(answer: dict[str, Any]) -> Answer:
    """Answer without moto's serializer, which takes three times as long as the rest of a put."""
    return orjson.dumps(answer).decode(), {"Content-Type": "application/x-amz-json-1.1"}


def _records(given: list[dict[str, str]], path: str) -> list[dict[str, bytes]]:
    """Decode records as they stand in a request. Raises SerializationException, ValidationException."""
    records, errors = [], []
    for number, record in enumerate(given, 1):
        try:
            data = binascii.a2b_base64(record["Data"], strict_mode=True) if record["Data"] else b""
        except (binascii.Error, ValueError):
            raise JsonRESTError("SerializationException", "The record's data is not valid base64.") from None
        if len(data) > RECORD_BYTES:
            errors.append(
                f"'java.nio.HeapByteBuffer[pos=0 lim={len(data)} cap={len(data)}]' at '{path.format(number)}' failed to satisfy "
                f"constraint: Member must have length less than or equal to {RECORD_BYTES}"
            )
        records.append({"Data": data})
    if errors:
        raise validation_error(errors)
    return records
