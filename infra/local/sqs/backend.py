"""Amazon SQS: queues and messages are moto's; receiving is corrected here.

A long poll must not hold the service's lock, or nobody could send meanwhile. Messages older than the queue's retention period go away (moto would stop at
the first one), and are not checked one by one against all attributes of the queue, which takes seconds when thousands wait.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
"""

from __future__ import annotations

import time
from typing import Any

from moto.sqs.models import Message, SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

from infra.local.core import state

BACKENDS = sqs_backends
RESPONSE = SQSResponse
UNLOCKED = {"ReceiveMessage"}

POLL_SECONDS = 0.1


class LocalSQSBackend(SQSBackend):
    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        deadline = time.monotonic() + wait_seconds_timeout
        while True:
            with state.lock("sqs"):
                self._forget_expired(queue_name)
                found = super().receive_message(queue_name, count, 0, visibility_timeout, message_attribute_names)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            time.sleep(min(POLL_SECONDS, left))

    def _forget_expired(self, queue_name: str) -> None:
        queue: Any = self.get_queue(queue_name)
        oldest_ms = (time.time() - queue.message_retention_period) * 1000
        if any(message.sent_timestamp < oldest_ms for message in queue._messages):
            queue._messages = [message for message in queue._messages if message.sent_timestamp >= oldest_ms]

    def is_message_valid_based_on_retention_period(self, queue_name: str, message: Message) -> bool:
        return True  # expired ones are gone


sqs_backends.backend = LocalSQSBackend
