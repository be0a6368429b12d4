"""What things cost on AWS: one dated table of list prices, without the free tier, in USD.

No price list of AWS could be asked here. Where a figure is printed on a page of AWS, or in a list made from AWS's price list, it is sure; what is
only known from use is marked as unsure, and is an order of size.
"""

from __future__ import annotations

from typing import NamedTuple

READ = "2026-11-23"  # when the pages were read
REGIONS = ("us-east-1", "ap-northeast-1")
KINESIS = "https://aws.amazon.com/kinesis/data-streams/pricing/"
FIREHOSE = "https://aws.amazon.com/firehose/pricing/"
GLUE = "https://aws.amazon.com/glue/pricing/"
FLINK = "https://aws.amazon.com/managed-service-apache-flink/pricing/"
LAMBDA = "https://aws.amazon.com/lambda/pricing/"
STATES = "https://aws.amazon.com/step-functions/pricing/"
EVENTS = "https://aws.amazon.com/eventbridge/pricing/"
CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"


class Price(NamedTuple):
    """One price: its unit, a figure for each of REGIONS, where it stands, and which of the figures are unsure."""

    unit: str
    usd: tuple[float, float]
    source: str
    unsure: tuple[bool, bool] = (False, True)


TABLE = {
    "kinesis shard": Price("hour", (0.015, 0.0195), KINESIS, (False, False)),
    "kinesis put": Price("1 million units of 25 KB", (0.014, 0.0215), KINESIS),
    "kinesis on-demand stream": Price("hour", (0.04, 0.052), KINESIS),
    "firehose": Price("GB, each record as 5 KB at least", (0.029, 0.036), FIREHOSE),
    "s3 storage": Price("GB and month", (0.023, 0.025), "https://aws.amazon.com/s3/pricing/"),
    "athena": Price("TB scanned", (5.00, 5.00), "https://aws.amazon.com/athena/pricing/", (True, True)),
    "glue dpu": Price("hour", (0.44, 0.44), GLUE),
    "databrew session": Price("half an hour", (1.00, 1.00), GLUE, (True, True)),
    "databrew node": Price("hour", (0.48, 0.48), GLUE, (False, True)),
    "flink kpu": Price("hour", (0.11, 0.132), FLINK),
    "lambda requests": Price("1 million", (0.20, 0.20), LAMBDA),
    "lambda memory": Price("GB and second, x86", (0.0000166667, 0.0000166667), LAMBDA),
    "step functions": Price("1,000 transitions", (0.025, 0.025), STATES),
    "eventbridge": Price("1 million events of one's own", (1.00, 1.00), EVENTS),
    "sqs": Price("1 million requests", (0.40, 0.40), "https://aws.amazon.com/sqs/pricing/"),
    "dynamodb write": Price(
        "1 million, on demand", (0.625, 0.715), "https://aws.amazon.com/dynamodb/pricing/on-demand/", (True, True)
    ),
    "logs": Price("GB taken in", (0.50, 0.76), CLOUDWATCH),
    "alarm": Price("month", (0.10, 0.10), CLOUDWATCH, (True, True)),
}


def usd(name: str, region: str = REGIONS[0]) -> float:
    """Return a price of the table in USD; a region that is not in the table has the first one's. Raises KeyError."""
    return TABLE[name].usd[REGIONS.index(region) if region in REGIONS else 0]
