"""A Kinesis stream as the source of a delivery stream: what arrived in it, once a second, parents before their children.

Source: https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from infra.local import kinesis
from infra.local.core import state
from infra.local.firehose.aggregated import MAGIC, taken_apart
from infra.local.firehose.buffer import Places
from infra.local.firehose.records import Record

READ_SECONDS = 1.0  # one GetRecords a second for each shard
READ_RECORDS = 1000  # records taken under Kinesis's lock at a time: producers must not wait
READ_BYTES = 1024 * 1024
ACTIONS = ("kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords")
GONE = "The Kinesis stream {} was not found. Create the stream, or delete the Firehose stream."
DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the Kinesis stream."
)


class Read(NamedTuple):
    """What was read of a shard: for each of its records those that a producer's library put into it.

    Attributes
    ----------
    position, following: the place of the first record, and of the one behind the last
    more: whether there are more; behind_ms: how old the next one is
    """

    units: list[list[Record]]
    position: int
    following: int
    more: bool
    behind_ms: int


class KinesisSource:
    """A stream by its ARN, in the account and region of the delivery stream."""

    def __init__(self, account: str, region: str, arn: str):
        self.account, self.region, self.arn = account, region, arn

    def latest(self) -> Places:
        """Return the places behind the newest record of each shard: Firehose reads what arrives after its creation.

        Raises ResourceNotFoundError.
        """
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.arn)
            return Places(stream.created_ms, {name: shard.count for name, shard in stream.shards.items()})

    def readable(self, places: Places) -> tuple[list[str], Places]:
        """Return the shards to read now, children only after their parents, and the places with those of new shards.

        Raises ResourceNotFoundError.
        """
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.arn)
            if places.source != stream.created_ms:  # deleted and made again: all in it is new
                places = Places(stream.created_ms, {})
            found, known = [], dict(places.shards)
            for name, shard in stream.shards.items():
                parents = [
                    stream.shards[parent] for parent in (shard.parent, shard.adjacent_parent) if parent in stream.shards
                ]
                if name not in known:
                    if any(parent.is_open or known.get(parent.shard_id, 0) < parent.count for parent in parents):
                        continue
                    known[name] = 0
                if known[name] < shard.count:
                    found.append(name)
        return found, Places(places.source, known)

    def read(self, name: str, places: Places, with_origin: bool) -> Read | None:
        """Return the next records of a shard; None where the stream is not the one of `places` any more.

        Parameters
        ----------
        with_origin: whether anybody will ask where in the stream a record came from
        """
        with state.lock("kinesis", self.account):
            stream = kinesis.stream(self.account, self.region, self.arn)
            shard = stream.shards.get(name)
            if shard is None or stream.created_ms != places.source:
                return None
            position = shard.retained(places.shards[name], stream.retention_period_hours)
            records = shard.read(position, READ_RECORDS, READ_BYTES)
            following = position + len(records)
            more = following < shard.count
            behind_ms = int(time.time() * 1000) - shard.arrival(following) if more else 0
        if with_origin or any(record.data.startswith(MAGIC) for record in records):
            units = [_unit(name, record) for record in records]
        else:
            units = [[Record(record.data, record.arrival_ms)] for record in records]
        return Read(units, position, following, more, behind_ms)


def _unit(shard: str, record: kinesis.StoredRecord) -> list[Record]:
    """Return the records that a producer's library put into one of a shard: nearly always it is itself the only one."""
    if not record.data.startswith(MAGIC):
        return [Record(record.data, record.arrival_ms, _origin(shard, record, record.partition_key, 0))]
    return [
        Record(each.data, record.arrival_ms, _origin(shard, record, each.partition_key, number))
        for number, each in enumerate(taken_apart(record.partition_key, record.data))
    ]


def _origin(shard: str, record: kinesis.StoredRecord, partition_key: str, number: int) -> dict[str, Any]:
    return {
        "shardId": shard,
        "sequenceNumber": record.sequence_number,
        "partitionKey": partition_key,
        "subsequenceNumber": number,
    }


def once(tell: Callable[[], None]) -> Callable[[bool], None]:
    """Return a function that tells a problem when it begins, and not again before it has ended."""
    told = False

    def note(is_so: bool) -> None:
        nonlocal told
        if is_so and not told:
            tell()
        told = is_so

    return note
