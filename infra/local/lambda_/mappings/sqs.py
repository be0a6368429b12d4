"""Receives messages of an SQS queue for a mapping, as the function's role; those that the function handled are deleted.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core import lineage, pace
from infra.local.core.roles import sessions
from infra.local.lambda_ import destinations, running
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.mappings.filters import Filters, as_json
from infra.local.lambda_.mappings.record import Mapping
from infra.local.lambda_.records import Json

log = logging.getLogger("workshop.lambda")

RECEIVE_MOST = 10
LONG_POLL_SECONDS = 2
CONCURRENCY = 5
PROBLEM_SECONDS = 2.0
PAYLOAD_LIMIT = 6_000_000
ATTRIBUTES = (
    "ApproximateReceiveCount",
    "SentTimestamp",
    "SenderId",
    "ApproximateFirstReceiveTimestamp",
    "AWSTraceHeader",
    "SequenceNumber",
    "MessageGroupId",
    "MessageDeduplicationId",
)


class QueuePoller:
    """Polls a queue: one thread receives, some call the function."""

    def __init__(self, backend: LocalLambdaBackend, mapping: Mapping):
        self.backend, self.mapping = backend, mapping
        self.stopping = threading.Event()
        self.filters = Filters(mapping.settings.get("FilterCriteria") or {})
        self.is_fifo = mapping.source.endswith(".fifo")
        wanted = (mapping.settings.get("ScalingConfig") or {}).get("MaximumConcurrency", CONCURRENCY)
        self.most = 1 if self.is_fifo else min(wanted, CONCURRENCY)
        self._free = threading.Semaphore(self.most)
        self._workers = ThreadPoolExecutor(self.most, "mapping-queue")
        self._thread = threading.Thread(target=self._run, name=f"mapping-{mapping.uuid[:8]}", daemon=True)
        self._thread.start()

    def stop(self, wait: bool) -> None:
        self.stopping.set()
        self._workers.shutdown(wait=wait, cancel_futures=True)
        if wait:
            self._thread.join(LONG_POLL_SECONDS + 3)

    def client(self) -> Any:
        """Return a client of SQS as the function's role. Raises LambdaError or CannotAssume."""
        function, version, _ = self.backend.version(self.mapping.function)
        role = version.configuration["Role"]
        session = sessions.session(self.backend.account_id, role, "lambda", function.name)
        return session.client(self.mapping.source.split(":")[3], "sqs")

    def _run(self) -> None:
        pace.pause(self.mapping.settled_at or 0.0, self.stopping.is_set)
        url = ""
        while not self.stopping.is_set():
            self._free.acquire()
            try:
                client = self.client()
                if not url:
                    _, _, _, _, account, name = self.mapping.source.split(":", 5)
                    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
                messages = self._receive(client, url)
                if not messages or self.stopping.is_set():
                    self._free.release()
                    self._return(client, url, messages)
                    continue
                if self.is_fifo:
                    self._handle(client, url, messages)
                else:
                    self._workers.submit(self._handle, client, url, messages)
            except (ClientError, BotoCoreError, LambdaError, sessions.CannotAssume) as error:
                log.info("mapping %s: %s", self.mapping.uuid, error)
                self.mapping.last_result = f"PROBLEM: {error}"
                self._free.release()
                self.stopping.wait(PROBLEM_SECONDS)
            except RuntimeError:  # the workers are shut down: the mapping is being stopped
                return

    def _return(self, client: Any, url: str, messages: list[Json]) -> None:
        """Make messages visible again that nobody will handle."""
        for message in messages:
            client.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)

    def _receive(self, client: Any, url: str) -> list[Json]:
        """Return a batch: what is there, or what comes within the batching window. Raises ClientError."""
        most, window = self.mapping.settings["BatchSize"], self.mapping.settings["MaximumBatchingWindowInSeconds"]
        found: list[Json] = []
        size, deadline = 0, 0.0
        while len(found) < most and not self.stopping.is_set():
            wait = LONG_POLL_SECONDS if not found else max(0, min(LONG_POLL_SECONDS, int(deadline - time.monotonic())))
            got = client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(RECEIVE_MOST, most - len(found)),
                WaitTimeSeconds=wait,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if got and not found:
                deadline = time.monotonic() + window
            found += got
            size += sum(len(message["Body"]) for message in got)
            if not found or time.monotonic() >= deadline or size > PAYLOAD_LIMIT:
                break
        return found

    def _handle(self, client: Any, url: str, messages: list[Json]) -> None:
        """Call the function with a batch and delete what it handled."""
        try:
            records = [self._record(message) for message in messages]
            wanted = [self.filters.let_through(self._filtered(record)) for record in records]
            passed = [message for message, is_wanted in zip(messages, wanted, strict=True) if is_wanted]
            handled = [message for message, is_wanted in zip(messages, wanted, strict=True) if not is_wanted]
            if passed:
                failed = self._call([record for record, is_wanted in zip(records, wanted, strict=True) if is_wanted])
                handled += [message for message in passed if message["MessageId"] not in failed]
            for first in range(0, len(handled), RECEIVE_MOST):
                entries = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(handled[first : first + RECEIVE_MOST])
                ]
                client.delete_message_batch(QueueUrl=url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            log.info("mapping %s: %s", self.mapping.uuid, error)
        finally:
            self._free.release()

    def _call(self, records: list[Json]) -> set[str]:
        """Call the function; return the ids of messages that failed: they appear again after the queue's visibility timeout."""
        everything = {record["messageId"] for record in records}
        try:
            payload = json.dumps({"Records": records}, ensure_ascii=False).encode()
            with lineage.caused_by(max(map(lineage.noted, everything))):
                result = running.run(self.backend, self.mapping.function, None, payload)
        except LambdaError as error:
            log.info("mapping %s: %s", self.mapping.uuid, error)
            return everything
        if result.function_error:
            return everything
        if not self.mapping.reports_items:
            return set()
        said = destinations.parsed(result.payload)
        items = said.get("batchItemFailures") if isinstance(said, dict) else None
        if items in (None, []):
            return set()
        if not isinstance(items, list):
            return everything
        failed = {str(item.get("itemIdentifier")) if isinstance(item, dict) else "" for item in items}
        if not failed <= everything:
            return everything
        if self.is_fifo:  # nothing behind the first that failed may overtake it
            order = [record["messageId"] for record in records]
            return set(order[min(order.index(name) for name in failed) :])
        return failed

    def _record(self, message: Json) -> Json:
        attributes = message.get("Attributes", {})
        record: Json = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {name: str(attributes[name]) for name in ATTRIBUTES if name in attributes},
            "messageAttributes": {
                name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.mapping.source,
            "awsRegion": self.mapping.source.split(":")[3],
        }
        if message.get("MD5OfMessageAttributes"):
            record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        return record

    @staticmethod
    def _filtered(record: Json) -> Json:
        return {**record, "body": as_json(record["body"])}


def _attribute(value: Json) -> Json:
    import base64

    made: Json = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        made["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        made["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return made
