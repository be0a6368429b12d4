"""The function between the speed layer and what is served: it keeps the largest count of each bucket in a DynamoDB table.

A count that comes twice, or in another order, changes nothing: a write is done only where it makes the stored count larger.
"""

import base64
import json
import os

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    """Store what a batch of the result stream says; return how many writes it took."""
    rows = [json.loads(base64.b64decode(record["kinesis"]["data"])) for record in event["Records"]]
    largest, latest = {}, {}
    for row in rows:
        if row["kind"] == "bucket":
            key = (row["bucket"], row["activity_type"])
            largest[key] = max(largest.get(key, 0), row["events"])
        else:  # a sliding window: only the last one is of interest
            latest[row["kind"]] = max(latest.get(row["kind"], ("", 0)), (row["bucket"], row["events"]))
    for (bucket, activity), events in largest.items():
        keep({"bucket": bucket, "activity_type": activity}, {"events": events}, "events")
    for kind, (end, events) in latest.items():
        keep({"bucket": kind, "activity_type": "-"}, {"window_end": end, "events": events}, "window_end")
    return len(largest) + len(latest)


def keep(key, values, grows):
    """Store values under a key unless the table has a larger one of the attribute that `grows`."""
    names = {f"#{place}": name for place, name in enumerate(values)}
    settings = ", ".join(f"#{place} = :{place}" for place in range(len(values)))
    place = list(values).index(grows)
    try:
        table.update_item(
            Key=key,
            UpdateExpression=f"SET {settings}",
            ConditionExpression=f"attribute_not_exists(#{place}) OR #{place} < :{place}",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{number}": value for number, value in enumerate(values.values())},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
