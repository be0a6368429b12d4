"""Amazon SQS: queues and their attributes are moto's; messages are rows of `messages`, long polls wait in `waiting`.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import hashlib
import re
import threading
from functools import partial
from typing import Any
from urllib.parse import urlparse

from moto.core.responses import ActionResult
from moto.sqs import models
from moto.sqs.exceptions import (
    InvalidAttributeValue,
    InvalidParameterValue,
    MissingParameter,
    ReceiptHandleIsInvalid,
    SQSException,
)
from moto.sqs.models import Message, Queue, SQSBackend, _filter_message_attributes, sqs_backends
from moto.sqs.responses import SQSResponse

from infra.local.core import front, lineage, moto_call, registry, state
from infra.local.core.answers import Answer
from infra.local.core.records import as_records
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles.policy import MalformedPolicy, parse
from infra.local.sqs import moves, waiting
from infra.local.sqs.messages import BadReceipt, Messages, Redrive, Stored, now_ms, receipt

BACKENDS = sqs_backends
UNSAVED = {
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
}
LONGEST_HIDDEN_MS = 43_200_000
LISTED = 1_000  # queues in an answer
NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_messages: dict[tuple[str, str], Messages] = {}
_opening = threading.Lock()


def messages(account: str, region: str) -> Messages:
    """Return the messages of an account's queues in a region."""
    with _opening:
        if (account, region) not in _messages:
            _messages[account, region] = Messages(state.folder("sqs", account, region) / "messages.sqlite")
        return _messages[account, region]


def forget(account: str) -> None:
    """Close the messages of an account that is emptied."""
    with _opening:
        for key in [key for key in _messages if key[0] == account]:
            _messages.pop(key).close()


class LocalQueue(Queue):
    @property
    def stored(self) -> Messages:
        return messages(self.account_id, self.region)

    @property
    def dead_letter_queue(self) -> Queue | None:  # type: ignore[override]
        """The queue that the redrive policy names; a row of its own, so found by its name."""
        policy = getattr(self, "redrive_policy", None)
        if not policy:
            return None
        name = policy["deadLetterTargetArn"].rpartition(":")[2]
        return sqs_backends[self.account_id][self.region].queues.get(name)

    @dead_letter_queue.setter
    def dead_letter_queue(self, queue: Queue | None) -> None:
        pass

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value for name, value in self.__dict__.items() if name != "dead_letter_queue"
        }  # of lakes of before

    @property
    def key(self) -> waiting.Key:
        return self.account_id, self.region, self.name

    def _set_attributes(self, attributes: dict[str, Any], now: float | None = None) -> None:
        """Change the attributes that are named; moto would take away the policy with any other change."""
        kept = getattr(self, "_policy_json", None)
        if attributes.get("Policy"):
            _check_policy(attributes["Policy"])
        super()._set_attributes(attributes, now)
        if "Policy" not in attributes and kept is not None:
            self._policy_json = kept

    @property
    def approximate_number_of_messages(self) -> int:
        return self.stored.counts(self.name)[0]

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        return self.stored.counts(self.name)[1]

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        return self.stored.counts(self.name)[2]

    @property
    def redrive(self) -> Redrive | None:
        """Where messages go that were received too often; None when there is no such queue."""
        dead: Any = self.dead_letter_queue
        if (
            dead is None
            or not self.redrive_policy
            or dead.name not in sqs_backends[self.account_id][self.region].queues
        ):
            return None
        return Redrive(dead.name, self.redrive_policy["maxReceiveCount"])


def _check_policy(text: str) -> None:
    """Check a queue's policy. Raises moto's InvalidAttributeValue."""
    try:
        parse(text)
    except MalformedPolicy:
        raise InvalidAttributeValue("Policy") from None


def _message(queue: Any, stored: Stored) -> Message:
    """Return a stored message in the form that moto's answers are made of."""
    made = Message(stored.message_id, stored.body, stored.system)
    made.message_attributes = stored.attributes
    made.sent_timestamp = stored.sent  # type: ignore[assignment]
    made.approximate_first_receive_timestamp = stored.first_received
    made.approximate_receive_count = stored.received
    made.deduplication_id, made.group_id = stored.deduplication_id, stored.group_id
    if queue.fifo_queue:
        made.sequence_number = stored.sequence_number
    return made


class LocalSQSBackend(SQSBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        as_records(self, "queues")

    # --- sending ---

    def _validate_message(
        self,
        queue: Any,
        message_body: str,
        delay_seconds: int,
        deduplication_id: str | None = None,
        group_id: str | None = None,
        validate_group_id: bool = True,
    ) -> None:
        if not message_body:
            raise MissingParameter("MessageBody")
        if NOT_ALLOWED.search(message_body):
            raise SQSException("InvalidMessageContents", "Message contains invalid characters outside the allowed set.")
        if len(message_body.encode()) > queue.maximum_message_size:
            raise InvalidParameterValue(
                f"One or more parameters are invalid. Reason: Message must be shorter than {queue.maximum_message_size} bytes."
            )
        if not 0 <= delay_seconds <= 900:
            raise InvalidParameterValue(
                f"Value {delay_seconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            )
        if not queue.fifo_queue:
            return
        if not group_id:
            raise MissingParameter("MessageGroupId")
        if not queue.content_based_deduplication and not deduplication_id:
            raise InvalidParameterValue(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
            )
        if delay_seconds:
            raise InvalidParameterValue(
                f"Value {delay_seconds} for parameter DelaySeconds is invalid. Reason: "
                "The request include parameter that is not valid for this queue type."
            )

    def send_message(
        self,
        queue_name: str,
        message_body: str,
        message_attributes: dict[str, Any] | None = None,
        delay_seconds: int | None = None,
        deduplication_id: str | None = None,
        group_id: str | None = None,
        system_attributes: dict[str, Any] | None = None,
        validate_group_id: bool = True,
    ) -> Message:
        """Store a message: it is on disk when this returns. Raises SQSException."""
        queue: Any = self.get_queue(queue_name)
        self._validate_message(queue, message_body, int(delay_seconds or 0), deduplication_id, group_id)
        for name in message_attributes or {}:
            Message.validate_attribute_name(name)
        if queue.fifo_queue and deduplication_id is None and queue.content_based_deduplication:
            deduplication_id = hashlib.sha256(message_body.encode()).hexdigest()
        delay = queue.delay_seconds if delay_seconds is None else int(delay_seconds)
        stored = queue.stored.send(
            queue.name,
            message_body,
            message_attributes or {},
            system_attributes or {},
            delay_ms=delay * 1000,
            group_id=group_id,
            deduplication_id=deduplication_id if queue.fifo_queue else None,
            scope=group_id or "" if queue.deduplication_scope == "messageGroup" else "",
        )
        lineage.note(stored.message_id, lineage.counted())
        waiting.bell.ring(queue.key)
        return _message(queue, stored)

    # --- receiving ---

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        """Return messages that are there now: `waiting` has done the waiting."""
        queue: Any = self.get_queue(queue_name)
        oldest = now_ms() - queue.message_retention_period * 1000
        redrive = queue.redrive
        received = []
        for stored in queue.stored.receive(
            queue.name, count, int(visibility_timeout) * 1000, queue.fifo_queue, redrive, oldest
        ):
            message = _message(queue, stored)
            message.receipt_handle = receipt(queue.name, stored)
            _filter_message_attributes(message, message_attribute_names or [])
            received.append(message)
        if redrive:
            waiting.bell.ring((self.account_id, self.region_name, redrive.queue))
        return received

    # --- received messages ---

    def delete_message(self, queue_name: str, receipt_handle: str) -> None:
        queue: Any = self.get_queue(queue_name)
        try:
            queue.stored.delete(queue.name, receipt_handle)
        except BadReceipt:
            raise ReceiptHandleIsInvalid from None
        if queue.fifo_queue:
            waiting.bell.ring(queue.key)  # the next of its group may come

    def change_message_visibility(self, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        queue: Any = self.get_queue(queue_name)
        milliseconds = int(visibility_timeout) * 1000
        try:
            stored = queue.stored.hide(queue.name, receipt_handle, milliseconds)
        except BadReceipt:
            raise ReceiptHandleIsInvalid from None
        if stored is None:
            raise InvalidParameterValue(
                f"Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not "
                "available for visibility timeout change."
            )
        waiting.bell.ring(queue.key)

    # --- queues ---

    def list_queues(self, queue_name_prefix: str) -> list[Queue]:
        """Return the queues whose names begin so; moto takes the text for a regular expression."""
        return [queue for name, queue in self.queues.items() if name.startswith(queue_name_prefix or "")]

    def purge_queue(self, queue_name: str) -> None:
        queue: Any = self.get_queue(queue_name)
        queue.stored.purge(queue.name)

    def delete_queue(self, queue_name: str) -> None:
        queue: Any = self.get_queue(queue_name)
        super().delete_queue(queue_name)
        queue.stored.forget(queue.name)


class LocalSQSResponse(SQSResponse):
    def _get_queue_name(self) -> str:
        """Return the name in a queue's URL; of another account's URL what no queue is called."""
        url = self._get_param("QueueUrl") or ""
        try:
            path = urlparse(url).path.strip("/").split("/")
        except ValueError:  # half an address of IPv6
            raise Refused(404, "InvalidAddress", f"The address {url} is not valid for this endpoint.") from None
        if len(path) == 2 and path[0].isdigit() and path[0] != self.current_account:
            return "/".join(path)
        return super()._get_queue_name()

    def list_queues(self) -> ActionResult:
        """Answer the queues; without MaxResults at most 1,000 and no token.

        Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
        """
        if self._get_param("MaxResults"):
            return super().list_queues()
        found = self.sqs_backend.list_queues(self._get_param("QueueNamePrefix"))[:LISTED]
        address = urlparse(self.uri)
        return ActionResult({"QueueUrls": [queue.url(address) for queue in found]} if found else {})

    def start_message_move_task(self) -> ActionResult:
        return ActionResult({"TaskHandle": moves.start(self.sqs_backend, self._get_params())})

    def list_message_move_tasks(self) -> ActionResult:
        return ActionResult({"Results": moves.tasks(self.sqs_backend, self._get_params())})

    def cancel_message_move_task(self) -> ActionResult:
        moved = moves.cancel(self.sqs_backend, self._get_param("TaskHandle"))
        return ActionResult({"ApproximateNumberOfMessagesMoved": moved})


RESPONSE = LocalSQSResponse


async def wire(request: Request) -> Answer:
    """Answer a request; a long poll waits here, on the event loop. Raises Refused."""
    body = await request.body()
    answer = await front.ordinary(request, body)
    if request.operation != "ReceiveMessage" or not waiting.is_empty(answer):
        return answer
    name = str(request.parameters.get("QueueUrl") or request.raw_path).rstrip("/").rpartition("/")[2]
    queue: Any = sqs_backends[request.account][request.region].queues.get(name)
    if queue is None:
        return answer
    seconds = int(request.parameters.get("WaitTimeSeconds", queue.receive_message_wait_time_seconds))
    if not seconds:
        return answer

    def next_visible() -> float | None:
        shows = queue.stored.next_visible(queue.name)
        return None if shows is None else shows / 1000

    ask = partial(moto_call.answer, registry.get("sqs"), request, body)
    return await waiting.receive(queue.key, seconds, ask, next_visible)


models.Queue = LocalQueue  # type: ignore[misc]
sqs_backends.backend = LocalSQSBackend


def resume() -> None:
    """Messages that an older version kept in the queue's pickle become rows."""
    for account, region, backend in list(sqs_backends.iter_backends()):
        backend.__class__ = LocalSQSBackend
        as_records(backend, "queues")
        for queue in backend.queues.values():
            queue.__class__ = LocalQueue
            if not queue._messages:
                continue
            messages(account, region).take_over(queue.name, [_of_older(message) for message in queue._messages])
            queue._messages, queue._pending_messages, queue.deleted_messages = [], set(), set()
            state.save("sqs", account, region)


def _of_older(message: Message) -> Stored:
    return Stored(
        0,
        message.id,
        message.body,
        message.message_attributes,
        message.system_attributes,
        message.group_id,
        message.deduplication_id,
        int(message.sent_timestamp or now_ms()),
        message.approximate_first_receive_timestamp,
        message.approximate_receive_count,
        int(max(message.visible_at, message.delayed_until)),
    )
