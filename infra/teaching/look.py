"""What judges look at: the objects of a bucket, the tables of a database, the records of a stream. Each asks AWS, with the notebook's own clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.teaching.exercise import Wrong


def keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Return the keys that begin with a prefix, in order; markers of folders are none."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]


def tables_below(glue: Any, database: str, place: str, again: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a database whose data lies at a place or below it, by that folder's path from the place on.

    Parameters
    ----------
    place: begins with s3:// and ends with a slash
    again: the cell that makes the database, told when it is not there

    Raises Wrong.
    """
    try:
        pages = list(glue.get_paginator("get_tables").paginate(DatabaseName=database))
    except glue.exceptions.EntityNotFoundException:
        raise Wrong(f"The database of the trials is not there: run the cell with {again} first.") from None
    found = {
        table["StorageDescriptor"]["Location"].rstrip("/") + "/": table for page in pages for table in page["TableList"]
    }
    return {location.removeprefix(place): table for location, table in found.items() if location.startswith(place)}


def records(kinesis: Any, stream: str, again: str) -> Iterator[bytes]:
    """Yield all records of a stream. Raises Wrong, with the cell that makes the stream, when it is not there."""
    try:
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise Wrong(f"The trial's stream is not there: run the cell with {again} first.") from None
    for shard in shards:
        where = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**where)["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            yield from (record["Data"] for record in answer["Records"])
            iterator = answer.get("NextShardIterator") if answer["MillisBehindLatest"] else None
