"""Amazon Kinesis Data Streams: streams and what may be done with their shards; the records are in files (storage.py).

Sources: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html and the API reference.
"""

from __future__ import annotations

import re
import shutil
import time
from bisect import bisect_right
from pathlib import Path
from typing import Any

from moto.kinesis import models
from moto.kinesis.exceptions import InvalidArgumentError, ResourceNotFoundError
from moto.kinesis.models import KinesisBackend, Stream, kinesis_backends

from infra.local.core import pace, state
from infra.local.kinesis.errors import KinesisError, LimitExceeded, OnDemand
from infra.local.kinesis.states import READABLE, StreamWithStates
from infra.local.kinesis.storage import StoredShard

BACKENDS = kinesis_backends
STREAM_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
MOST_SHARDS = 10_000  # that UpdateShardCount makes
SCALINGS_A_DAY, SWITCHES_A_DAY = 10, 2  # of one stream
DAY_SECONDS = 24 * 3600.0


class LocalStream(StreamWithStates):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.created_ms = int(time.time() * 1000)
        self.open()

    @property
    def folder(self) -> Path:
        return state.folder("kinesis", self.account_id, self.region) / f"{self.stream_name}-{self.created_ms}"

    def open(self) -> None:
        """Open the files of all shards and note which of them take records."""
        for shard in self.shards.values():
            if shard.folder is None:
                shard.open(self.folder / shard.shard_id)
        open_shards = sorted((s for s in self.shards.values() if s.is_open), key=lambda s: s.starting_hash)
        self.ranges = [shard.starting_hash for shard in open_shards]
        self.writable = open_shards

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("ranges", "writable")}

    @property
    def is_on_demand(self) -> bool:
        return self.stream_mode.get("StreamMode") == "ON_DEMAND"

    def delete(self) -> None:
        for shard in self.shards.values():
            shard.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def shard_for(self, hash_key: int) -> StoredShard:
        """Return the open shard whose range holds a hash key."""
        return self.writable[max(bisect_right(self.ranges, hash_key) - 1, 0)]

    def split_shard(self, shard_to_split: str, new_starting_hash_key: str) -> None:
        shard = self.shards[shard_to_split]
        shard.records = {}  # moto would move the records to the children; on AWS they stay in the closed parent
        super().split_shard(shard_to_split, new_starting_hash_key)
        del shard.records
        self._reshaped()

    def merge_shards(self, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        pair = [self.shards[shard_to_merge], self.shards[adjacent_shard_to_merge]]
        if any(not shard.is_open for shard in pair):
            raise InvalidArgumentError(
                f"Shard {next(s for s in pair if not s.is_open).shard_id} in stream {self.stream_name} under account "
                f"{self.account_id} has already been merged or split, and thus is not eligible for merging or splitting."
            )
        pair.sort(key=lambda shard: shard.starting_hash)
        if pair[0].ending_hash + 1 != pair[1].starting_hash:
            raise InvalidArgumentError(
                f"Shards {shard_to_merge} and {adjacent_shard_to_merge} in stream {self.stream_name} under account "
                f"{self.account_id} are not an adjacent pair of shards eligible for merging"
            )
        for shard in pair:
            shard.records = {}
        super().merge_shards(pair[0].shard_id, pair[1].shard_id)
        for shard in pair:
            del shard.records
        self._reshaped()

    def _reshaped(self) -> None:
        self.open()
        self.shard_count = len(self.writable)


class LocalKinesisBackend(KinesisBackend):
    def create_stream(
        self,
        stream_name: str,
        shard_count: int,
        stream_mode: dict[str, str] | None = None,
        retention_period_hours: int | None = None,
    ) -> Stream:
        if not isinstance(stream_name, str) or not STREAM_NAME.fullmatch(stream_name):
            raise models.ValidationException(str(stream_name), "streamName", "[a-zA-Z0-9_.-]+")
        if stream_name in self.streams:
            raise models.ResourceInUseError(f"Stream {stream_name} under account {self.account_id} already exists.")
        if (stream_mode or {}).get("StreamMode") != "ON_DEMAND" and (not shard_count or shard_count < 1):
            raise InvalidArgumentError(
                "ShardCount must be set to a value of at least 1 for a stream in PROVISIONED mode."
            )
        made = super().create_stream(stream_name, shard_count, stream_mode, retention_period_hours)
        made.begin("CREATING", "stream creating")
        return made

    def delete_stream(self, stream_arn: str | None, stream_name: str | None, with_consumers: bool = False) -> Stream:
        """Delete a stream, at once or at the pace's time. Raises OSError."""
        stream = self.describe_stream(stream_arn, stream_name)
        if stream.consumers and not with_consumers:
            raise models.ResourceInUseError(
                f"Stream {stream.stream_name} under account {self.account_id} has registered consumers: deregister them, or delete "
                "the stream with EnforceConsumerDeletion."
            )
        before = stream.change
        stream.begin("DELETING", "stream deleting")
        try:
            pace.after("stream deleting", lambda: self.drop(stream))
        except OSError:
            stream.change = before
            raise
        return stream

    def drop(self, stream: LocalStream) -> None:
        """Finish the deletion of a stream: its files go when it is gone from the disk's record. Raises OSError."""
        with state.lock("kinesis", self.account_id):
            if self.streams.get(stream.stream_name) is not stream:
                return
            del self.streams[stream.stream_name]
            try:
                state.save("kinesis", self.account_id, self.region_name)
            except OSError:
                self.streams[stream.stream_name] = stream
                raise
            stream.delete()

    def changing(self, stream_arn: str | None, stream_name: str | None) -> LocalStream:
        """Return the stream that a request is to change. Raises ResourceInUseError while another change is under way."""
        stream = self.describe_stream(stream_arn, stream_name)
        stream.must_be_active()
        return stream

    def list_streams(self) -> list[LocalStream]:
        """Return all streams in the order of their names."""
        return [self.streams[name] for name in sorted(self.streams)]

    def update_shard_count(self, stream_arn: str | None, stream_name: str | None, target_shard_count: int) -> int:
        """Reshape a stream within AWS's limits; return how many open shards it had.

        Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
        """
        stream = self.changing(stream_arn, stream_name)
        if stream.is_on_demand:
            raise OnDemand(stream.stream_name, self.account_id)
        before, target = len(stream.writable), target_shard_count
        counts = f"Current open shard count: {before}, Target shard count: {target}"
        if target > MOST_SHARDS:
            raise LimitExceeded(
                f"Target shard count or number of open shards cannot be greater than {MOST_SHARDS}. {counts}"
            )
        if target > before * 2:
            raise LimitExceeded(f"UpdateShardCount cannot scale up over double your current open shard count. {counts}")
        if target < before / 2:
            raise LimitExceeded(
                f"UpdateShardCount cannot scale down below half your current open shard count. {counts}"
            )
        now = time.time()
        recent = [moment for moment in getattr(stream, "scalings", ()) if moment > now - DAY_SECONDS]
        if len(recent) >= SCALINGS_A_DAY:
            raise LimitExceeded(
                f"UpdateShardCount may be called at most {SCALINGS_A_DAY} times in a rolling 24-hour period for stream "
                f"{stream.stream_name} under account {self.account_id}."
            )
        stream.update_shard_count(target)
        stream.scalings = [*recent, now]
        stream.begin("UPDATING", "stream updating")
        return before

    def update_stream_mode(self, stream_arn: str, stream_mode: dict[str, str]) -> None:
        """Switch a stream between provisioned and on demand. Source: API_UpdateStreamMode."""
        stream = self.describe_stream(stream_arn, None)
        now = time.time()
        recent = [moment for moment in getattr(stream, "switches", ()) if moment > now - DAY_SECONDS]
        if len(recent) >= SWITCHES_A_DAY:
            raise LimitExceeded(
                f"Stream {stream.stream_name} under account {self.account_id} was switched {SWITCHES_A_DAY} times within 24 hours."
            )
        stream.stream_mode = stream_mode
        stream.switches = [*recent, now]

    def split_shard(self, stream_arn: str | None, stream_name: str | None, *given: Any) -> None:
        stream = self._reshaped(stream_arn, stream_name)
        super().split_shard(stream_arn, stream_name, *given)
        stream.begin("UPDATING", "stream updating")

    def merge_shards(self, stream_arn: str | None, stream_name: str | None, *given: Any) -> None:
        stream = self._reshaped(stream_arn, stream_name)
        super().merge_shards(stream_arn, stream_name, *given)
        stream.begin("UPDATING", "stream updating")

    def _reshaped(self, stream_arn: str | None, stream_name: str | None) -> LocalStream:
        stream = self.changing(stream_arn, stream_name)
        if stream.is_on_demand:
            raise OnDemand(stream.stream_name, self.account_id)
        return stream

    def start_stream_encryption(self, stream_arn: str, stream_name: str, encryption_type: str, key_id: str) -> None:
        if encryption_type != "KMS":
            raise InvalidArgumentError(
                f"EncryptionType {encryption_type} is not valid: StartStreamEncryption takes KMS."
            )
        super().start_stream_encryption(stream_arn, stream_name, encryption_type, key_id)

    def describe_limits(self) -> dict[str, int]:
        """Count shards and streams of the account in the region. Source: API_DescribeLimits."""
        provisioned = [stream for stream in self.streams.values() if not stream.is_on_demand]
        return {
            **super().describe_limits(),
            "OpenShardCount": sum(len(stream.writable) for stream in provisioned),
            "OnDemandStreamCount": len(self.streams) - len(provisioned),
        }

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        for stream in self.streams.values():
            stream.open()


models.Shard = StoredShard
models.Stream = LocalStream
kinesis_backends.backend = LocalKinesisBackend


def find_stream(account: str, region: str, parameters: dict[str, Any]) -> LocalStream:
    """Return the stream that a request names by StreamName or StreamARN. Raises KinesisError."""
    name, arn = parameters.get("StreamName"), parameters.get("StreamARN")
    if name is None and arn is None:
        raise KinesisError("InvalidArgumentException", "Either StreamName or StreamARN must be provided.")
    wanted = name if name is not None else str(arn).rpartition("/")[2]
    if not isinstance(wanted, str):
        raise KinesisError("SerializationException", "STRING_VALUE can not be converted to a String")
    stream = kinesis_backends[account][region].streams.get(wanted)
    if stream is None or stream.status not in READABLE:
        raise KinesisError("ResourceNotFoundException", f"Stream {wanted} under account {account} not found.")
    return stream


# --- what services call ---------------------------------------------------------------------------------------------


def stream(account: str, region: str, name: str) -> LocalStream:
    """Return a stream, in whatever state; the caller holds the service's lock of the account while it uses it.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    name: the stream's name or ARN

    Returns
    -------
    Its `shards[id].read(position)` and `count` give the records

    Raises
    ------
    ResourceNotFoundError: there is no such stream in the account and region

    Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html
    """
    found = kinesis_backends[account][region].streams.get(name.rpartition("/")[2])
    if found is None:
        raise ResourceNotFoundError(f"Stream {name.rpartition('/')[2]} under account {account} not found.")
    return found


def resume() -> None:
    """Finish what was being deleted; the files were opened when the streams were loaded."""
    for _, _, backend in list(kinesis_backends.iter_backends()):
        for each in list(backend.streams.values()):
            if each.change[0] == "DELETING":
                backend.drop(each)


def stop() -> None:
    for _, _, backend in kinesis_backends.iter_backends():
        for each in backend.streams.values():
            for shard in each.shards.values():
                shard.close()
