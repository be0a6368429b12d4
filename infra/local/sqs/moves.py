"""Messages of a dead-letter queue go back: to the queues that they came from, or to another one.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

import base64
import time
import uuid
from typing import Any

from moto.sqs.exceptions import InvalidParameterValue, SQSException

from infra.local.sqs import waiting

MOST_KEPT = 10  # tasks of a queue that ListMessageMoveTasks may show


class NoSuchResource(SQSException):
    def __init__(self, parameter: str):
        super().__init__(
            "ResourceNotFoundException", f"The resource that you specified for the {parameter} parameter doesn't exist."
        )


def start(backend: Any, given: dict[str, Any]) -> str:
    """Move all messages that are visible, and return the task's handle. Raises SQSException."""
    source = _queue(backend, given["SourceArn"], "SourceArn")
    if not any(queue.dead_letter_queue is source for queue in backend.queues.values()):
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    destination = None
    if given.get("DestinationArn"):
        destination = _queue(backend, given["DestinationArn"], "DestinationArn")
        if destination is source:
            raise InvalidParameterValue("The source and the destination queue must not be the same.")
    waiting_before = source.stored.counts(source.name)[0]
    moved = source.stored.move(source.name, destination.name if destination else None)
    handle = base64.b64encode(f'{{"taskId":"{uuid.uuid4()}","sourceArn":"{source.queue_arn}"}}'.encode()).decode()
    task = {
        "TaskHandle": handle,
        "Status": "COMPLETED",
        "SourceArn": source.queue_arn,
        "DestinationArn": given.get("DestinationArn"),
        "MaxNumberOfMessagesPerSecond": given.get("MaxNumberOfMessagesPerSecond"),
        "ApproximateNumberOfMessagesMoved": sum(moved.values()),
        "ApproximateNumberOfMessagesToMove": waiting_before,
        "StartedTimestamp": int(time.time() * 1000),
    }
    source.move_tasks = [{name: value for name, value in task.items() if value is not None}, *_tasks(source)][
        :MOST_KEPT
    ]
    for name, count in moved.items():
        for _ in range(count):
            waiting.bell.ring((backend.account_id, backend.region_name, name))
    return handle


def tasks(backend: Any, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the last tasks of a queue, newest first, without the handles of those that have ended. Raises SQSException."""
    found = _tasks(_queue(backend, given["SourceArn"], "SourceArn"))[: given.get("MaxResults", 1)]
    return [{name: value for name, value in task.items() if name != "TaskHandle"} for task in found]


def cancel(backend: Any, handle: str) -> int:
    """A task has ended when StartMessageMoveTask answers, so there is never one to cancel. Raises SQSException."""
    known = any(task["TaskHandle"] == handle for queue in backend.queues.values() for task in _tasks(queue))
    if not known:
        raise NoSuchResource("TaskHandle")
    raise SQSException("AWS.SimpleQueueService.UnsupportedOperation", "Only active tasks can be cancelled.")


def _tasks(queue: Any) -> list[dict[str, Any]]:
    return list(getattr(queue, "move_tasks", []))


def _queue(backend: Any, arn: str, parameter: str) -> Any:
    found = backend.queues.get(arn.rpartition(":")[2])
    if found is None or found.queue_arn != arn:
        raise NoSuchResource(parameter)
    return found
