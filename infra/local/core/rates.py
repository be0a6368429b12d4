"""How often AWS lets one ask, imitated while the pace is on: a bucket of tokens for each account, region and limit.

A bucket holds `burst` calls and gets `a_second` new ones. These are AWS's own numbers at any pace: a program asks no slower because the steps of
services are quicker. What services ask for themselves is not counted.

Where AWS prints no number, the limit is marked as unsure: it is there so that a loop without a pause is throttled here too.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from infra.local.core import clients, pace
from infra.local.core.refused import Refused

if TYPE_CHECKING:
    from infra.local.core.request import Request

MOST_BUCKETS = 4096
READ_BYTES_A_SECOND = 2 * 1024 * 1024  # of a shard
RATE = "Rate exceeded"
_KINESIS = "https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html"
_ATHENA = "https://docs.aws.amazon.com/athena/latest/ug/service-limits.html"
_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
_CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"


class Limit(NamedTuple):
    """What operations share: calls a second, calls at once, the error, the page, and whether the number stands there."""

    operations: str
    a_second: float
    burst: float
    source: str
    sure: bool = True


def _each(operations: str, a_second: float, burst: float, source: str) -> tuple[Limit, ...]:
    """Return a limit for each of these operations, of its own."""
    return tuple(Limit(operation, a_second, burst, source) for operation in operations.split())


# service → status and code of its error, and its limits; operations by their names in AWS's model
LIMITS: dict[str, tuple[int, str, tuple[Limit, ...]]] = {
    "kinesis": (
        400,
        "LimitExceededException",
        (
            *_each(
                "CreateStream DeleteStream SplitShard MergeShards AddTagsToStream RemoveTagsFromStream ListStreams "
                "ListTagsForStream RegisterStreamConsumer DeregisterStreamConsumer ListStreamConsumers",
                5,
                5,
                _KINESIS,
            ),
            Limit("DescribeStream", 10, 10, _KINESIS),
            Limit("DescribeStreamSummary", 20, 20, _KINESIS),
            Limit("DescribeLimits", 1, 1, _KINESIS),
            Limit("ListShards", 1000, 1000, _KINESIS),
        ),
    ),
    "firehose": (
        400,
        "LimitExceededException",
        _each(
            "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream ListDeliveryStreams UpdateDestination "
            "TagDeliveryStream UntagDeliveryStream ListTagsForDeliveryStream",
            5,
            5,
            "https://docs.aws.amazon.com/firehose/latest/dev/limits.html",
        ),
    ),
    "athena": (
        400,
        "ThrottlingException",
        (
            *_each("StartQueryExecution StopQueryExecution", 20, 80, _ATHENA),
            *_each("GetQueryExecution GetQueryResults", 100, 200, _ATHENA),
            Limit("BatchGetQueryExecution", 20, 40, _ATHENA),
            Limit("ListQueryExecutions", 5, 10, _ATHENA),
            *_each("CreateNamedQuery DeleteNamedQuery GetNamedQuery ListNamedQueries", 5, 20, _ATHENA),
        ),
    ),
    "logs": (
        400,
        "ThrottlingException",
        (
            *_each("CreateLogGroup DescribeLogGroups FilterLogEvents StartQuery", 10, 10, _LOGS),
            Limit("CreateLogStream", 50, 50, _LOGS),
            *_each("DescribeLogStreams GetLogEvents", 25, 25, _LOGS),
            Limit("PutLogEvents", 5000, 5000, _LOGS),
        ),
    ),
    "monitoring": (
        400,
        "Throttling",
        (
            Limit("GetMetricData", 50, 50, _CLOUDWATCH),
            Limit("PutMetricData", 500, 500, _CLOUDWATCH),
            Limit("PutMetricAlarm", 3, 3, _CLOUDWATCH),
        ),
    ),
    "cloudformation": (
        400,
        "Throttling",
        (
            Limit(
                "DescribeStacks DescribeStackEvents DescribeStackResources ListStackResources ListStacks ListExports "
                "DescribeChangeSet GetTemplate",
                10,
                30,
                "https://github.com/aws/aws-cli/issues/2948",
                sure=False,
            ),
        ),
    ),
    "glue": (
        400,
        "ThrottlingException",
        (
            Limit(
                "StartCrawler StopCrawler GetCrawler GetCrawlers ListCrawlers GetCrawlerMetrics ListCrawls CreateJob GetJob GetJobs "
                "ListJobs StartJobRun GetJobRun GetJobRuns BatchStopJobRun CreateSession GetSession ListSessions StopSession",
                20,
                40,
                "https://docs.aws.amazon.com/general/latest/gr/glue.html",
                sure=False,
            ),
        ),
    ),
    "lambda": (
        429,
        "TooManyRequestsException",
        (
            Limit("GetFunction", 100, 100, _LAMBDA),
            Limit("GetPolicy", 15, 15, _LAMBDA),
            Limit(
                "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction GetFunctionConfiguration ListFunctions "
                "PublishVersion CreateAlias UpdateAlias DeleteAlias GetAlias AddPermission RemovePermission CreateEventSourceMapping "
                "UpdateEventSourceMapping DeleteEventSourceMapping GetEventSourceMapping ListEventSourceMappings CreateFunctionUrlConfig "
                "PutFunctionConcurrency TagResource UntagResource ListTags",
                15,
                15,
                _LAMBDA,
            ),
        ),
    ),
    "states": (400, "ThrottlingException", (Limit("StartExecution", 300, 1300, _STATES),)),
    "events": (
        400,
        "ThrottlingException",
        (Limit("PutEvents", 10_000, 10_000, "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"),),
    ),
}


class Bucket:
    """Tokens: some are there, more come each second."""

    def __init__(self, a_second: float, burst: float, now: float):
        self.a_second, self.burst, self.left, self.at = a_second, burst, burst, now

    def fill(self, now: float) -> None:
        """Let in what has come in since the last time, up to the burst.

        Parameters
        ----------
        now: seconds of the monotonic clock
        """
        self.left = min(self.burst, self.left + (now - self.at) * self.a_second)
        self.at = now

    def takes(self, now: float) -> bool:
        """Take one token; False, and none is taken, where there is none.

        Parameters
        ----------
        now: seconds of the monotonic clock
        """
        self.fill(now)
        if self.left < 1:
            return False
        self.left -= 1
        return True


_by_operation = {
    (service, operation): (limit, status, code)
    for service, (status, code, limits) in LIMITS.items()
    for limit in limits
    for operation in limit.operations.split()
}
_buckets: dict[tuple[str, ...], Bucket] = {}  # used on the event loop alone
throttled: Counter[str] = Counter()  # `service operation` → how often, for the report of a rehearsal


def check(request: Request) -> None:
    """Count a request. Raises Refused where its account asks more often than AWS allows; nothing while the pace is off.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    if not pace.factor or clients.OF_SERVICES in request.headers.get("user-agent", ""):
        return
    found = _by_operation.get((request.service, request.operation))
    if found is None:
        return
    limit, status, code = found
    resource = ""
    if request.operation == "ListShards":  # a limit of the stream
        resource = str(request.parameters.get("StreamName") or request.parameters.get("StreamARN") or "")
    if not _bucket(
        (request.account, request.region, request.service, limit.operations, resource), limit.a_second, limit.burst
    ).takes(time.monotonic()):
        throttled[f"{request.service} {request.operation}"] += 1
        raise Refused(status, code, _message(request))


def _message(request: Request) -> str:
    if request.service == "lambda":
        return "Rate Exceeded."
    stream = str(request.parameters.get("StreamName") or request.parameters.get("StreamARN") or "").rpartition("/")[2]
    if request.service == "kinesis" and stream:
        return f"Rate exceeded for stream {stream} under account {request.account}."
    return RATE


def check_read(account: str, region: str, operation: str, stream: str, shard: str) -> None:
    """Count a GetRecords or GetShardIterator: five a second of a shard, and no read while more than 2 MB a second were read before.

    Raises Refused. Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    operation: GetRecords or GetShardIterator
    stream: its name
    shard: its id
    """
    if not pace.factor:
        return
    now = time.monotonic()
    read = _bytes(account, region, stream, shard)
    read.fill(now)
    is_slow = operation != "GetRecords" or read.left > 0
    if not is_slow or not _bucket((account, region, "kinesis", operation, stream, shard), 5, 5).takes(now):
        throttled[f"kinesis {operation}"] += 1
        raise Refused(
            400,
            "ProvisionedThroughputExceededException",
            f"Rate exceeded for shard {shard} in stream {stream} under account {account}.",
        )


def count_read(account: str, region: str, stream: str, shard: str, size: int) -> None:
    """Note what a GetRecords has read, in bytes: 10 MB at once keep the next five seconds from reading.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    stream: its name
    shard: its id
    size: bytes of the records
    """
    if pace.factor:
        _bytes(account, region, stream, shard).left -= size


def _bytes(account: str, region: str, stream: str, shard: str) -> Bucket:
    return _bucket((account, region, "kinesis", "bytes", stream, shard), READ_BYTES_A_SECOND, READ_BYTES_A_SECOND)


def _bucket(key: tuple[str, ...], a_second: float, burst: float) -> Bucket:
    found = _buckets.get(key)
    if found is None:
        now = time.monotonic()
        if len(_buckets) >= MOST_BUCKETS:
            for other, bucket in list(_buckets.items()):
                bucket.fill(now)
                if bucket.left >= bucket.burst:
                    del _buckets[other]
        found = _buckets[key] = Bucket(a_second, burst, now)
    return found
