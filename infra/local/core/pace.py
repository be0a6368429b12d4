"""AWS's pace: how long things take there. Off, until the server is started with `--pace F`; then each step lasts its time on AWS, times F.

A step that a request begins is a deadline in the record of what it changes (`deadline`, `reached`), so that it outlives a restart; a step of
work in the background is a pause of its thread (`pause`), which holds no lock and ends at once when the server stops. How often one may ask is
in `rates`.

Few of these times are printed by AWS. Where no page says one, it is what its users see and wrote down, and the source says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

log = logging.getLogger("workshop.pace")

LOOK_SECONDS = 0.05
MOST = 10.0
_STREAMS = "https://docs.aws.amazon.com/kinesis/latest/APIReference/"
_SEEN = "as users see it; no page of AWS says a time: "


class Step(NamedTuple):
    """How long a step takes on AWS, in seconds, and where that stands."""

    seconds: float
    source: str


STEPS = {
    "stream creating": Step(20, _SEEN + _STREAMS + "API_CreateStream.html (10 to 30 s)"),
    "stream updating": Step(20, _SEEN + _STREAMS + "API_UpdateShardCount.html"),
    "stream deleting": Step(20, _SEEN + _STREAMS + "API_DeleteStream.html (10 to 30 s)"),
    "firehose creating": Step(40, "https://github.com/turbot/steampipe-plugin-aws/issues/206 (40 s)"),
    "firehose deleting": Step(20, _SEEN + "https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeleteDeliveryStream.html"),
    "role assumable": Step(10, "https://github.com/hashicorp/terraform-provider-aws/issues/6566 (10 to 30 s), community.aws 710 (5 to 10 s)"),
    "policy": Step(5, "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html (eventual consistency; seconds)"),
    "crawler running": Step(50, _SEEN + "https://docs.aws.amazon.com/glue/latest/dg/monitor-crawler.html (40 to 90 s)"),
    "crawler stopping": Step(30, _SEEN + "https://docs.aws.amazon.com/glue/latest/dg/monitor-crawler.html (10 to 60 s)"),
    "session provisioning": Step(40, _SEEN + "https://docs.aws.amazon.com/glue/latest/dg/interactive-sessions.html (30 to 60 s)"),
    "job starting": Step(40, _SEEN + "https://docs.aws.amazon.com/glue/latest/dg/monitor-spark.html (20 to 60 s)"),
    "databrew session": Step(90, _SEEN + "https://docs.aws.amazon.com/databrew/latest/dg/projects.html (1 to 2 minutes)"),
    "databrew job": Step(120, _SEEN + "https://docs.aws.amazon.com/databrew/latest/dg/jobs.html (2 to 5 minutes)"),
    "query queued": Step(0.5, "https://docs.aws.amazon.com/athena/latest/ug/query-stats.html (queue, planning)"),
    "query running": Step(1, _SEEN + "https://docs.aws.amazon.com/athena/latest/ug/performance-tuning.html (0.6 to 2 s)"),
    "application starting": Step(90, _SEEN + "https://docs.aws.amazon.com/managed-flink/latest/java/how-running-apps.html (1 to 3 minutes)"),
    "application stopping": Step(45, _SEEN + "https://docs.aws.amazon.com/managed-flink/latest/java/how-running-apps.html (30 to 60 s)"),
    "function pending": Step(3, "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html (seconds)"),
    "mapping changing": Step(20, _SEEN + "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html (10 to 60 s)"),
    "mapping deleting": Step(20, _SEEN + "https://docs.aws.amazon.com/lambda/latest/api/API_DeleteEventSourceMapping.html (10 to 60 s)"),
    "notification": Step(2, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html (seconds, sometimes a minute)"),
    "event": Step(0.5, "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html (about half a second)"),
    "metric": Step(60, _SEEN + "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html (1 to 3 minutes)"),
    "log line": Step(5, _SEEN + "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/WhatIsCloudWatchLogs.html (1 to 10 s)"),
    "resource of a stack": Step(3, _SEEN + "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (2 to 5 s)"),
    "role of a stack": Step(17, _SEEN + "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (15 to 20 s)"),
}  # fmt: skip
# What a stack waits for beyond its own seconds: a resource is done when it can be used, or is gone.
_CREATING = {
    "AWS::IAM::Role": "role of a stack",
    "AWS::Kinesis::Stream": "stream creating",
    "AWS::KinesisFirehose::DeliveryStream": "firehose creating",
    "AWS::Lambda::Function": "function pending",
    "AWS::Lambda::EventSourceMapping": "mapping changing",
}
_DELETING = {
    "AWS::Kinesis::Stream": "stream deleting",
    "AWS::KinesisFirehose::DeliveryStream": "firehose deleting",
    "AWS::Lambda::EventSourceMapping": "mapping deleting",
}

factor = 0.0
begun: deque[tuple[float, str, float]] = deque(maxlen=20_000)  # (when, step, seconds) of the newest steps
_stopping = threading.Event()


def set_factor(wanted: float) -> None:
    """Let every step last its time on AWS times `wanted`; 0 switches the pace off. Raises ValueError.

    Parameters
    ----------
    wanted: 1 for AWS's own times
    """
    global factor
    if not 0 <= wanted <= MOST:
        raise ValueError(f"The pace is a number from 0 (off) to {MOST:g}; 1 is AWS's own.")
    factor = wanted


def seconds(step: str) -> float:
    """Return how long a step lasts here; 0 while the pace is off.

    Parameters
    ----------
    step: a name in STEPS
    """
    return STEPS[step].seconds * factor


def begin(step: str) -> float:
    """Note that a step begins, for the report of a rehearsal, and return how long it lasts here.

    Parameters
    ----------
    step: a name in STEPS
    """
    if factor:
        begun.append((time.time(), step, seconds(step)))
    return seconds(step)


def deadline(step: str) -> float:
    """Return when a step that begins now is over, in seconds since 1970; 0 while the pace is off.

    Parameters
    ----------
    step: a name in STEPS
    """
    return time.time() + begin(step) if factor else 0.0


def of_stack(kind: str, deleting: bool = False) -> float:
    """Return when CloudFormation is done with a resource of this type that it begins to make or to delete now.

    Parameters
    ----------
    kind: as `AWS::S3::Bucket`
    deleting: or else making
    """
    own = (_DELETING if deleting else _CREATING).get(kind)
    until = deadline("resource of a stack")
    if own is None:
        return until
    return until + (begin(own) if own == "role of a stack" else seconds(own))  # all others note it themselves


def reached(until: float) -> bool:
    """Whether a deadline has passed. Without a pace none holds anything up, also one that was set before a restart.

    Parameters
    ----------
    until: seconds since 1970, of `deadline`
    """
    return not factor or time.time() >= until


def pause(until: float, stopped: Callable[[], bool] = lambda: False) -> None:
    """Let a background thread wait for a deadline, or until `stopped` or the server's end. Never under a lock.

    Parameters
    ----------
    until: seconds since 1970, of `deadline`
    stopped: set when nobody wants the end any more
    """
    while not (reached(until) or stopped() or _stopping.is_set()):
        _stopping.wait(min(LOOK_SECONDS, max(0.0, until - time.time())))


def after(step: str, work: Callable[[], None]) -> None:
    """Do the end of a step when its time has come: at once while the pace is off, else in a thread of its own.

    After a restart it is the service's `resume` that finishes what was under way.

    Parameters
    ----------
    step: a name in STEPS
    work: the end of the step; takes the locks that it needs itself
    """
    if not factor:
        work()
        return
    until = deadline(step)

    def later() -> None:
        pause(until)
        if not _stopping.is_set():
            try:
                work()
            except Exception:
                log.exception("the end of %s", step)

    threading.Thread(target=later, name=f"pace {step}", daemon=True).start()


def stop() -> None:
    """End all pauses; the server is about to stop."""
    _stopping.set()
