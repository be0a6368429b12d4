"""What becomes of something that a target did not take: tried again, or sent to a dead-letter queue.

Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html, rule-dlq.html
"""

from __future__ import annotations

import logging
import random
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.core.outbox import Again, Item
from infra.local.core.service_principal import Caller, NotAllowed
from infra.local.events import targets
from infra.local.events.targets import Failure

log = logging.getLogger("workshop.events")

MOST_ATTEMPTS = 185
OLDEST_SECONDS = 86400
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 600.0


def again(policy: dict[str, Any], item: Item, failure: Failure) -> Again | str:
    """Decide whether a delivery that failed is tried again.

    Parameters
    ----------
    policy: RetryPolicy of the target; MaximumEventAgeInSeconds in seconds
    item: of the outbox, with its attempts so far
    failure: of the last attempt

    Returns
    -------
    When to try again; or, when it is over, which limit ended it, "" when trying again would not help

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
    """
    if not failure.retry:
        return ""
    if item.attempts >= policy.get("MaximumRetryAttempts", MOST_ATTEMPTS):
        return "MaximumRetryAttempts"
    if time.time() - item.accepted >= policy.get("MaximumEventAgeInSeconds", OLDEST_SECONDS):
        return "MaximumEventAgeInSeconds"
    # twice as long each time, and not the same for all
    pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(item.attempts, 10)) * random.uniform(0.5, 1.0)
    return Again(pause, f"{failure.code}: {failure.message}")


def bury(caller: Caller, queue: dict[str, Any], text: str, attributes: dict[str, str]) -> bool:
    """Send what was not delivered to a dead-letter queue.

    Parameters
    ----------
    caller: who sends: the service, or the role of a rule
    queue: its Arn, and the RoleArn to use if not the queue's policy counts
    text: the message
    attributes: of the message; empty ones are left out

    Returns
    -------
    Whether the queue took it

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    try:
        targets.queue_client(caller, queue).send_message(
            QueueUrl=targets.queue_url(queue["Arn"]),
            MessageBody=text,
            MessageAttributes={
                name: {"DataType": "Number" if name == "RETRY_ATTEMPTS" else "String", "StringValue": value}
                for name, value in attributes.items()
                if value
            },
        )
    except (NotAllowed, ClientError, BotoCoreError) as error:
        log.warning("dead letter of %s to %s: %s", caller.source_arn, queue["Arn"], error)
        return False
    return True
