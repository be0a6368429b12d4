"""S3 events that a crawler in event mode takes from its SQS queue.

Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from infra.local.core import roles, telemetry
from infra.local.glue.crawler.looking import folder_of
from infra.local.glue.crawler.plan import CrawlFailed, CrawlStopped, Target

log = logging.getLogger("workshop.crawler")

MOST_MESSAGES = 100_000  # in one crawl
AT_A_TIME = 10


class Messages:
    """The messages of one crawl. They stay in the queue until `delete`, so that a crawl that fails loses none."""

    def __init__(self, session: roles.Session, region: str, queue_arn: str | None):
        self.session, self.region, self.queue_arn = session, region, queue_arn
        self.receipts: list[str] = []

    def folders(self, target: Target, stopped: Callable[[], bool]) -> set[str]:
        """Receive what is in the queue; return the folders below a target in which objects were made or deleted.

        Raises CrawlFailed when the queue is not there, CrawlStopped.
        """
        found: set[str] = set()
        while len(self.receipts) < MOST_MESSAGES:
            if stopped():
                raise CrawlStopped
            received = self._receive()
            if not received:
                break
            for message in received:
                self.receipts.append(message["ReceiptHandle"])
                for bucket, key in changed_objects(message["Body"]):
                    if bucket == target.bucket and key.startswith(target.include):
                        found.add(folder_of(key))
        return found

    def delete(self) -> None:
        """Delete the received messages. Those that cannot be deleted come again, which does no harm."""
        from botocore.exceptions import BotoCoreError, ClientError

        for start in range(0, len(self.receipts), AT_A_TIME):
            batch = self.receipts[start : start + AT_A_TIME]
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)]
            try:
                self._client().delete_message_batch(QueueUrl=self._url(), Entries=entries)
            except (BotoCoreError, ClientError):
                log.exception("messages of %s were not deleted", self.queue_arn)

    def _receive(self) -> list[dict[str, Any]]:
        from botocore.exceptions import ClientError

        try:
            answer = self._client().receive_message(
                QueueUrl=self._url(), MaxNumberOfMessages=AT_A_TIME, VisibilityTimeout=600
            )
        except ClientError as error:
            message = error.response["Error"].get("Message", "")
            raise CrawlFailed(f"The SQS queue {self.queue_arn} could not be read: {message}") from None
        return answer.get("Messages", [])

    def _client(self) -> Any:
        return self.session.client(self.region, "sqs")

    def _url(self) -> str:
        _, _, _, _, account, name = (self.queue_arn or "").split(":")
        return f"{telemetry.endpoint()}/{account}/{name}"


def changed_objects(body: str) -> list[tuple[str, str]]:
    """Return (bucket, key) of the objects that an SQS message tells of; SNS wraps the event in `Message`.

    A message that is no S3 event, such as S3's own test event, gives none.
    """
    try:
        event = json.loads(body)
        if isinstance(event, dict) and isinstance(event.get("Message"), str):
            event = json.loads(event["Message"])
        records = event.get("Records", []) if isinstance(event, dict) else []
        return [
            (record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
            for record in records
            if record.get("eventSource") == "aws:s3"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
