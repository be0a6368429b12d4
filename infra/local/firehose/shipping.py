"""Puts objects into S3: whole segments of the buffer, and groups of records that were processed.

Before a put begins its key is noted on disk, so that after kill -9 an object that is there already is not put again.
Source: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from moto.firehose.models import DeliveryStream
from moto.s3.exceptions import AccessDeniedByLock, MissingBucket, MissingKey

from infra.local import s3
from infra.local.core import roles, state
from infra.local.firehose import conversion, objects
from infra.local.firehose.buffer import Buffer, Segment
from infra.local.firehose.keys import EXTENSIONS, evaluate_error_prefix, evaluate_prefix, local_time, object_key
from infra.local.firehose.processors import Steps
from infra.local.firehose.stage import Piece, Stage
from infra.local.firehose.telling import Teller

if TYPE_CHECKING:
    from infra.engines.athena.client import Engine

log = logging.getLogger("workshop.firehose")

NO_SUCH_BUCKET = "The specified bucket does not exist. Create the bucket or use a different bucket that does exist."
ACCESS_DENIED = (
    "Access was denied. Ensure that the trust policy for the provided IAM role allows Kinesis Data Firehose to assume the role, "
    "and the access policy allows access to the S3 bucket."
)
INTERNAL_ERROR = (
    "An internal error occurred while attempting to deliver data. Delivery will be retried; if the error persists, then it will be "
    "reported to AWS for resolution."
)
CONVERSION_FAILED = "format-conversion-failed"


@dataclass
class Note:
    """Which pieces are being delivered, to which bucket, and the keys of the data and of what could not be converted."""

    path: Path
    pieces: list[tuple[int, int]]
    bucket: str
    keys: list[str]

    def write(self) -> None:
        """Raises OSError."""
        told = {"pieces": self.pieces, "bucket": self.bucket, "keys": self.keys}
        state.write_atomically(self.path, orjson.dumps(told))


class Shipper:
    """Delivers for one stream; only its thread calls it."""

    def __init__(self, account: str, region: str, stream: DeliveryStream, buffer: Buffer, stage: Stage, teller: Teller):
        self.account, self.region, self.stream = account, region, stream
        self.name, self.folder = stream.delivery_stream_name, buffer.folder
        self.buffer, self.stage, self.teller = buffer, stage, teller
        self.interrupted = {segment.number for segment in buffer.sealed}  # begun by a process that was killed
        self._engine: Engine | None = None
        notes = [self._read(path) for path in sorted(self.folder.glob("*.note"))]
        self.begun = [note for note in notes if note is not None]

    def _read(self, path: Path) -> Note | None:
        told = state.read_json(path, "the object whose delivery it tells of may come twice")
        if told is None:
            return None
        try:
            return Note(path, [(number, place) for number, place in told["pieces"]], told["bucket"], told["keys"])
        except (KeyError, TypeError, ValueError):
            state.set_aside(path, "it is no note; the object whose delivery it tells of may come twice")
            return None

    # --- a whole segment --------------------------------------------------------------------------------------------

    def segment(self, segment: Segment, settings: dict[str, Any], version: str) -> bool:
        """Put one segment into the bucket as it is; tell whether it is there."""
        bucket = settings["BucketARN"].rpartition(":")[2]
        if segment.number in self.interrupted:
            self.interrupted.discard(segment.number)
            begun = self.buffer.begun(segment)
            if begun is not None and self._exists(*begun):
                return True
        key = self.buffer.target(segment, bucket, version) or self._key(settings, version, segment.oldest_ms)
        body = self.folder / f".{segment.number:08d}.object"
        with self._put(settings, segment.oldest_ms) as put:
            objects.write_object(self.buffer.path(segment), body, settings["CompressionFormat"], key)
            put.check(key)
            self.buffer.note_target(segment, bucket, key, version)
            put(key, body)
        if put.done:
            self._delivered(segment.records, segment.size, segment.oldest_ms)
        return put.done

    def _key(
        self, settings: dict[str, Any], version: str, oldest_ms: int, piece: Piece | None = None, error: str = ""
    ) -> str:
        moment = local_time(oldest_ms, settings.get("CustomTimeZone", ""))
        prefix, unique = settings.get("Prefix", ""), str(uuid.uuid4())
        if error:
            evaluated = evaluate_error_prefix(prefix, settings.get("ErrorOutputPrefix", ""), moment, error)
            return object_key(evaluated, self.name, version, moment, unique)
        evaluated = evaluate_prefix(prefix, moment, dict(piece.group.keys) if piece else None)
        made = conversion.configured(settings)
        usual = (
            conversion.EXTENSIONS[conversion.output_format(made)] if made else EXTENSIONS[settings["CompressionFormat"]]
        )
        return object_key(evaluated, self.name, version, moment, unique, settings.get("FileExtension") or usual)

    # --- records that were processed --------------------------------------------------------------------------------

    def recover(self) -> None:
        """Finish what a process before this one had begun: what is in S3 already is not put again."""
        for note in self.begun:
            pieces = self.stage.find(note.pieces)
            if pieces and all(self._exists(note.bucket, key) for key in note.keys):
                self.stage.done(pieces)
            note.path.unlink(missing_ok=True)
        self.begun = []

    def group(self, pieces: list[Piece], settings: dict[str, Any], version: str, steps: Steps) -> bool:
        """Put the records of pieces of one group into the bucket; tell whether they are there."""
        oldest_ms, group = min(piece.oldest_ms for piece in pieces), pieces[0].group
        error = "" if group.is_backup else group.error
        name = f".{uuid.uuid4().hex}"
        failed, made = 0, []
        with self._put(settings, oldest_ms, group.is_backup) as put:
            if steps.converted and not error:
                data, errors, failed = self._converted(pieces, settings, name)
                made += [(self._key(settings, version, oldest_ms, pieces[0]), data)] if data else []
                made += [(self._key(settings, version, oldest_ms, error=CONVERSION_FAILED), errors)] if errors else []
            else:
                key = self._key(settings, version, oldest_ms, pieces[0], error)
                made = [
                    (key, self._written(pieces, "UNCOMPRESSED" if error else settings["CompressionFormat"], name, key))
                ]
            for key, _ in made:
                put.check(key)
            bucket = settings["BucketARN"].rpartition(":")[2]
            note = Note(
                self.folder / f"{name[1:]}.note", [(p.number, p.place) for p in pieces], bucket, [k for k, _ in made]
            )
            note.write()
            for key, path in made:
                put(key, path)
        for path in self.folder.glob(f"{name}.*"):
            path.unlink(missing_ok=True)
        if not put.done:
            (self.folder / f"{name[1:]}.note").unlink(missing_ok=True)
            return False
        records, size = sum(piece.records for piece in pieces), sum(piece.size for piece in pieces)
        self.stage.done(pieces)
        note.path.unlink(missing_ok=True)
        if group.is_backup:
            self._backed_up(records, size, oldest_ms)
            return True
        self._delivered(records - failed, size, oldest_ms, len(made))
        if steps.converted and not error:
            told: dict[str, tuple[float, str]] = {
                "SucceedConversion.Records": (records - failed, "Count"),
                "FailedConversion.Records": (failed, "Count"),
            }
            self.teller.metric(told)
        return True

    def _converted(
        self, pieces: list[Piece], settings: dict[str, Any], name: str
    ) -> tuple[Path | None, Path | None, int]:
        given = conversion.configured(settings)
        assert given is not None

        def records() -> Iterator[Any]:
            return self.stage.records(pieces)

        session = self.teller.session(given["SchemaConfiguration"]["RoleARN"])
        return objects.convert(settings, session, self.region, records, self._converter, self.folder, name)

    def _converter(self) -> Engine:
        """Return the process that converts, for all objects that are due at a time."""
        from infra.engines.athena.client import Engine

        if self._engine is None or self._engine.spent:
            self.rest()
            self._engine = Engine(self.folder / ".spill")
        return self._engine

    def rest(self) -> None:
        """End the process that converts."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _written(self, pieces: list[Piece], compression: str, name: str, key: str) -> Path:
        data, body = self.folder / f"{name}.data", self.folder / f"{name}.object"
        objects.write_records(self.stage.records(pieces), data)
        objects.write_object(data, body, compression, key)
        data.unlink()
        return body

    # --- S3 ---------------------------------------------------------------------------------------------------------

    def _put(self, settings: dict[str, Any], oldest_ms: int, is_backup: bool = False) -> _Put:
        return _Put(self, settings, oldest_ms, "BackupToS3" if is_backup else "DeliveryToS3")

    def _exists(self, bucket: str, key: str) -> bool:
        try:
            s3.get(self.account, bucket, key)
        except (MissingBucket, MissingKey, AccessDeniedByLock):
            return False
        return True

    def _delivered(self, records: int, size: int, oldest_ms: int, made: int = 1) -> None:
        self.teller.metric(
            {
                "DeliveryToS3.Records": (records, "Count"),
                "DeliveryToS3.Bytes": (size, "Bytes"),
                "DeliveryToS3.Success": (1, "Count"),
                "DeliveryToS3.ObjectCount": (made, "Count"),
                "DeliveryToS3.DataFreshness": (age(oldest_ms), "Seconds"),
            }
        )

    def _backed_up(self, records: int, size: int, oldest_ms: int) -> None:
        self.teller.metric(
            {
                "BackupToS3.Records": (records, "Count"),
                "BackupToS3.Bytes": (size, "Bytes"),
                "BackupToS3.Success": (1, "Count"),
                "BackupToS3.DataFreshness": (age(oldest_ms), "Seconds"),
            }
        )


class _Put:
    """Puts into a destination's bucket as its role; what goes wrong is told, and `done` stays False."""

    def __init__(self, shipper: Shipper, settings: dict[str, Any], oldest_ms: int, metrics: str):
        self.shipper, self.settings, self.oldest_ms, self.metrics, self.done = (
            shipper, settings, oldest_ms, metrics, False,
        )  # fmt: skip
        self.bucket = settings["BucketARN"].rpartition(":")[2]
        self.written: list[Path] = []

    def __enter__(self) -> _Put:
        return self

    def check(self, key: str) -> None:
        """Raises MissingBucket, and what roles raise."""
        if not s3.exists(self.shipper.account, self.bucket):
            raise MissingBucket(bucket=self.bucket)
        resource = f"arn:aws:s3:::{self.bucket}/{key}"
        roles.check(
            self.shipper.teller.session(self.settings["RoleARN"]), self.shipper.region, "s3:PutObject", resource
        )

    def __call__(self, key: str, body: Path) -> None:
        s3.put(self.shipper.account, self.bucket, key, body, content_type="application/octet-stream")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            self.done = True
            return False
        if isinstance(error, MissingBucket):
            self._tell("S3.NoSuchBucket", NO_SUCH_BUCKET)
        elif isinstance(error, (AccessDeniedByLock, roles.CannotAssume, roles.Denied)):
            self._tell("S3.AccessDenied", ACCESS_DENIED)
        elif isinstance(error, conversion.SchemaProblem):
            self._tell(error.code, str(error))
        elif isinstance(error, Exception):
            log.error("delivery stream %s to bucket %s", self.shipper.name, self.bucket, exc_info=error)
            self._tell("InternalError", INTERNAL_ERROR)
        else:
            return False
        return True

    def _tell(self, code: str, message: str) -> None:
        freshness = (age(self.oldest_ms), "Seconds")
        self.shipper.teller.metric(
            {f"{self.metrics}.Success": (0, "Count"), f"{self.metrics}.DataFreshness": freshness}
        )
        self.shipper.teller.error(code, message, f"arn:aws:s3:::{self.bucket}", settings=self.settings)


def age(oldest_ms: int) -> float:
    """Return how many seconds ago a record arrived."""
    return max(0, round(time.time() - oldest_ms / 1000))
