"""What things cost on real AWS, for the cost lines of the notebooks: figures of us-east-1 from the table in infra/teaching/prices.py.

AWS changes them, so treat them as the order of size.
"""

from __future__ import annotations

from infra.teaching.prices import usd

SHARD_HOUR = usd("kinesis shard")  # Kinesis Data Streams, provisioned
FIREHOSE_GB = usd("firehose")  # from a Kinesis stream, the first 500 TB
S3_GB_MONTH = usd("s3 storage")
ATHENA_TB = usd("athena")  # scanned data
ATHENA_MINIMUM_BYTES = 10_000_000  # what a query is billed for at least
DPU_HOUR = usd("glue dpu")  # Glue crawlers, jobs and sessions
DATABREW_SESSION = usd("databrew session")  # half an hour of an open project
DATABREW_NODE_HOUR = usd("databrew node")  # a node of a DataBrew job
KPU_HOUR = usd("flink kpu")  # Managed Service for Apache Flink
LAMBDA_MILLION = usd("lambda requests")
LAMBDA_GB_SECOND = usd("lambda memory")  # memory while running
STATE_TRANSITIONS_1000 = usd("step functions")  # standard workflows
EVENTS_MILLION = usd("eventbridge")  # events of one's own; AWS's own are free
SQS_MILLION = usd("sqs")  # requests to standard queues
PYTHON_SHELL_DPU = 0.0625  # the smallest Glue job
CRAWL_MINUTES = 10  # a crawl is billed for at least, a job for one minute
DYNAMODB_MILLION_WRITES = usd("dynamodb write")  # on-demand, items up to 1 KB


def athena_query(scanned_bytes: int) -> float:
    """Return what Athena charges for one query, in USD; every query counts as 10 MB at least."""
    return max(scanned_bytes, ATHENA_MINIMUM_BYTES) / 1e12 * ATHENA_TB
