"""S3's operations where moto's are wrong or slow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.s3 import models
from moto.s3.exceptions import LockNotEnabled, MissingKey, NoSuchUpload
from moto.s3.models import FakeAcl, FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from infra.local.core.records import as_records
from infra.local.core.refused import Refused
from infra.local.s3 import access, deletion, object_lock, sharing
from infra.local.s3.buckets import StoredBucket
from infra.local.s3.multiparts import StoredMultipart
from infra.local.s3.objects import StoredKey

BACKENDS = s3_backends
BUCKET_NAME = re.compile(  # what stands in front and behind is kept for other things
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)(?!.*(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
    r"[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]"
)
DEFAULT_ENCRYPTION = {
    "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}
}


class _Linked:
    """An object to be copied: its bytes are a second name of its file."""

    def __init__(self, source: StoredKey):
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    @property
    def value(self) -> Path:
        return self._source.linked()


class LocalS3Backend(S3Backend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        as_records(self, "buckets")

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        as_records(self, "buckets")  # plain in lakes of before

    def get_bucket(self, bucket_name: str) -> FakeBucket:
        """Return a bucket of the account, or one of another account that who asks now may read. Raises moto's errors."""
        who = access.asking.get()
        if bucket_name not in self.buckets and who is not None and bucket_name in who.sources:
            return access.bucket_of(bucket_name) or super().get_bucket(bucket_name)
        return super().get_bucket(bucket_name)

    def create_bucket(self, bucket_name: str, region_name: str, bucket_namespace: str | None = None) -> FakeBucket:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
        if not BUCKET_NAME.fullmatch(bucket_name):
            raise models.InvalidBucketName()
        return super().create_bucket(bucket_name, region_name, bucket_namespace)

    def delete_bucket(self, bucket_name: str) -> FakeBucket | None:
        bucket = self.get_bucket(bucket_name)
        deleted = super().delete_bucket(bucket_name)
        if deleted is not None:
            for multipart in bucket.multiparts.values():
                multipart.dispose()
        return deleted

    def get_bucket_encryption(self, bucket_name: str) -> dict[str, Any]:
        """As moto's; a bucket that was told nothing encrypts with S3's own keys, since January 2023."""
        return super().get_bucket_encryption(bucket_name) or DEFAULT_ENCRYPTION

    def delete_bucket_lifecycle(self, bucket_name: str) -> None:
        self.get_bucket(bucket_name).lifecycle = None
        super().delete_bucket_lifecycle(bucket_name)

    def copy_object(
        self, src_key: StoredKey, dest_bucket_name: str, dest_key_name: str, *args: Any, **kwargs: Any
    ) -> None:
        bucket = self.get_bucket(dest_bucket_name)
        tags = self.tagger.list_tags_for_resource(src_key.arn)["Tags"]
        try:
            super().copy_object(_Linked(src_key), dest_bucket_name, dest_key_name, *args, **kwargs)
        except FileNotFoundError:  # another account's, and deleted meanwhile
            raise MissingKey(key=src_key.name) from None
        made = bucket.keys[dest_key_name]
        made._etag = src_key.whole_md5()
        self.tagger.tag_resource(made.arn, tags)  # of an object that was copied onto itself

    def upload_part(self, bucket_name: str, multipart_id: str, part_id: int, value: bytes) -> FakeKey:
        return self._upload(bucket_name, multipart_id).set_part(part_id, value)

    def complete_multipart_upload(self, bucket_name: str, multipart_id: str, body: Any) -> FakeKey | None:
        self._upload(bucket_name, multipart_id)
        return super().complete_multipart_upload(bucket_name, multipart_id, body)

    def abort_multipart_upload(self, bucket_name: str, multipart_id: str) -> None:
        upload = self._upload(bucket_name, multipart_id)
        super().abort_multipart_upload(bucket_name, multipart_id)
        upload.dispose()

    def _upload(self, bucket_name: str, multipart_id: str) -> StoredMultipart:
        upload = self.get_bucket(bucket_name).multiparts.get(multipart_id)
        if upload is None:
            raise NoSuchUpload(upload_id=multipart_id)
        return upload

    def get_object_tagging(self, key: FakeKey) -> dict[str, list[dict[str, str]]]:
        """As moto's, in the order of the keys."""
        tags = super().get_object_tagging(key)["Tags"]
        return {"Tags": sorted(tags, key=lambda tag: tag["Key"])}

    def put_object_lock_configuration(
        self,
        bucket_name: str,
        lock_enabled: bool,
        mode: str | None = None,
        days: int | None = None,
        years: int | None = None,
    ) -> None:
        """As moto's, for a bucket with objects, too: S3 has allowed that since November 2023."""
        bucket = self.get_bucket(bucket_name)
        if not bucket.is_versioned:
            said = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
            raise Refused(409, "InvalidBucketState", said)
        bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
        bucket.default_lock_mode = mode
        bucket.default_lock_days = days or None  # moto reads 0 where there is none
        bucket.default_lock_years = years or None

    def put_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        """As moto's, which throws all versions of an object away where versioning is suspended (only the one named null is replaced),
        and gives the tags of what was there to what is put.
        """
        bucket = self.get_bucket(bucket_name)
        suspended = bucket.versioning_status == "Suspended"
        kept = [each for each in bucket.keys.getlist(key_name, []) if suspended and str(each.version_id) != "null"]
        with bucket.keys.without(key_name, kept):
            stored = super().put_object(bucket_name, key_name, *args, **kwargs)
        self.tagger.delete_all_tags_for_resource(stored.arn)
        return stored

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        deletion.delete(self.get_bucket(bucket_name), key_name, version_id, bypass)
        return True, {}


models.FakeKey = StoredKey
models.FakeMultipart = StoredMultipart
models.FakeBucket = StoredBucket
s3_backends.backend = LocalS3Backend


class LocalS3Response(S3Response):
    def get_bucket_notification(self) -> Any:
        """Answer with EventBridgeConfiguration, too, which moto leaves out."""
        status, headers, body = super().get_bucket_notification()
        configuration = self.backend.get_bucket_notification_configuration(self.bucket_name)
        if configuration is not None and configuration.event_bridge is not None:
            end = "</NotificationConfiguration>"
            rest = f"{body[:-2]}>" if body.endswith("/>") else body.removesuffix(end)
            body = f"{rest}<EventBridgeConfiguration/>{end}"
        return status, headers, body

    def _key_response_get(self, query: dict[str, Any], key_name: str) -> Any:
        """Answer GetObjectRetention, which moto does not know, and refuse legal holds where nothing can be locked."""
        if "retention" not in query and "legal-hold" not in query:
            return super()._key_response_get(query, key_name)
        self._set_action("KEY", "GET", query)
        self._authenticate_and_authorize_s3_action(bucket_name=self.bucket_name, key_name=key_name)
        if not self.backend.get_bucket(self.bucket_name).object_lock_enabled:
            raise LockNotEnabled
        key, _ = self._get_key()
        if "legal-hold" in query and key.lock_legal_status is not None:
            return self.get_object_legal_hold()
        if "retention" in query and key.lock_mode is not None:
            self.data["Action"] = "GetObjectRetention"
            return self.serialized(
                ActionResult({"Retention": {"Mode": key.lock_mode, "RetainUntilDate": key.lock_until}})
            )
        said = "The specified object does not have a ObjectLock configuration"
        raise Refused(404, "NoSuchObjectLockConfiguration", said)

    def put_object_retention(self) -> Any:
        """As moto's, for a key that is there, and for what may be changed."""
        key, _ = self._get_key()
        given = {name.lower(): value for name, value in self.headers.items()}
        mode, until = self._mode_until_from_body()
        object_lock.check_change(key, mode, until, given)
        return super().put_object_retention()

    def put_object_legal_hold(self) -> Any:
        """As moto's, for a key that is there."""
        self._get_key()
        return super().put_object_legal_hold()

    def _tagging_from_xml(self) -> dict[str, str]:
        """As moto's, which stumbles over a set without tags."""
        if b"<Tag>" not in self.body:
            return {}
        return super()._tagging_from_xml()

    def _acl_from_headers(self, headers: Any) -> FakeAcl | None:
        """Return the list that a write's headers name, as S3 reads them."""
        given = {name.lower(): value for name, value in headers.items()}
        return sharing.list_of(self.backend.get_bucket(self.bucket_name), given)


RESPONSE = LocalS3Response
