"""What things cost on real AWS: list prices of us-east-1, for the cost lines of the notebooks.

Read on the pricing pages on 2026-11-23; AWS changes them, so treat them as the order of size.
"""

from __future__ import annotations

SHARD_HOUR = 0.015  # Kinesis Data Streams, provisioned, USD: https://aws.amazon.com/kinesis/data-streams/pricing/
FIREHOSE_GB = (
    0.029  # Firehose from a Kinesis stream, USD for the first 500 TB: https://aws.amazon.com/firehose/pricing/
)
S3_GB_MONTH = 0.023  # S3 Standard, USD: https://aws.amazon.com/s3/pricing/
ATHENA_TB = 5.00  # scanned data, USD: https://aws.amazon.com/athena/pricing/
ATHENA_MINIMUM_BYTES = 10_000_000  # what a query is billed for at least
DPU_HOUR = 0.44  # Glue crawlers, jobs and sessions, USD: https://aws.amazon.com/glue/pricing/
DATABREW_SESSION = 1.00  # half an hour of an open project, USD: https://aws.amazon.com/glue/pricing/ (DataBrew)
DATABREW_NODE_HOUR = 0.48  # a node of a DataBrew job, USD: the same page
KPU_HOUR = 0.11  # Managed Service for Apache Flink, USD: https://aws.amazon.com/managed-service-apache-flink/pricing/
LAMBDA_MILLION = 0.20  # requests, USD: https://aws.amazon.com/lambda/pricing/
LAMBDA_GB_SECOND = 0.0000166667  # memory while running, USD: the same page
STATE_TRANSITIONS_1000 = 0.025  # Step Functions, standard, USD: https://aws.amazon.com/step-functions/pricing/
EVENTS_MILLION = (
    1.00  # EventBridge, events of one's own, USD; AWS's own are free: https://aws.amazon.com/eventbridge/pricing/
)
SQS_MILLION = 0.40  # requests to standard queues, USD: https://aws.amazon.com/sqs/pricing/
PYTHON_SHELL_DPU = 0.0625  # the smallest Glue job: https://aws.amazon.com/glue/pricing/
CRAWL_MINUTES = 10  # a crawl is billed for at least, a job for one minute
DYNAMODB_MILLION_WRITES = 0.625  # on-demand, items up to 1 KB, USD: https://aws.amazon.com/dynamodb/pricing/on-demand/


def athena_query(scanned_bytes: int) -> float:
    """Return what Athena charges for one query, in USD; every query counts as 10 MB at least."""
    return max(scanned_bytes, ATHENA_MINIMUM_BYTES) / 1e12 * ATHENA_TB
