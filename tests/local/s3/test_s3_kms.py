"""KMS keys of objects that are disabled, deleted or not there: nothing is read or written with them, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "locked-lake"
KMS = "aws:kms"


class Lab:
    """A bucket, a key, and an object under the key."""

    def __init__(self, client: Callable[..., Any], account: str):
        self.s3, self.kms, self.bucket = client("s3"), client("kms"), f"{BUCKET}-{account}"
        self.arn = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.s3.create_bucket(Bucket=self.bucket)
        self.put("a")

    def put(self, key: str) -> Any:
        return self.s3.put_object(
            Bucket=self.bucket, Key=key, Body=b"x", ServerSideEncryption=KMS, SSEKMSKeyId=self.arn
        )

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def names(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


@pytest.fixture
def lab(client: Callable[..., Any], account: str) -> Lab:
    return Lab(client, account)


def refused(call: Callable[..., Any], *given: Any, **named: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(*given, **named)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_a_disabled_key_stops_reads_and_writes_until_it_is_enabled(lab: Lab) -> None:
    lab.kms.disable_key(KeyId=lab.arn)
    told = (400, "KMS.DisabledException", f"{lab.arn} is disabled.")
    assert refused(lab.read, "a") == told
    assert refused(lab.put, "b") == told
    source = {"Bucket": lab.bucket, "Key": "a"}
    assert refused(lab.s3.copy_object, Bucket=lab.bucket, Key="c", CopySource=source) == told
    assert lab.names() == ["a"]
    assert lab.s3.head_object(Bucket=lab.bucket, Key="a")["SSEKMSKeyId"] == lab.arn  # nothing is decrypted for it
    lab.kms.enable_key(KeyId=lab.arn)
    assert lab.read("a") == b"x"


def test_a_key_that_is_to_be_deleted_stops_the_bucket_s_writes_and_comes_back(lab: Lab) -> None:
    rule = {"SSEAlgorithm": KMS, "KMSMasterKeyID": lab.arn.rpartition("/")[2]}
    lab.s3.put_bucket_encryption(
        Bucket=lab.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]},
    )
    lab.s3.put_object(Bucket=lab.bucket, Key="b", Body=b"y")
    lab.kms.schedule_key_deletion(KeyId=lab.arn, PendingWindowInDays=7)
    told = (400, "KMS.KMSInvalidStateException", f"{lab.arn} is pending deletion.")
    assert refused(lab.s3.put_object, Bucket=lab.bucket, Key="c", Body=b"y") == told
    assert refused(lab.read, "b") == told
    lab.s3.put_object(Bucket=lab.bucket, Key="d", Body=b"y", ServerSideEncryption="AES256")
    assert lab.names() == ["a", "b", "d"]
    lab.kms.cancel_key_deletion(KeyId=lab.arn)
    lab.kms.enable_key(KeyId=lab.arn)
    assert lab.read("b") == b"y"


def test_an_upload_whose_key_is_disabled_on_its_way_can_go_on_later(lab: Lab) -> None:
    named = {"Bucket": lab.bucket, "Key": "large"}
    upload = named | {
        "UploadId": lab.s3.create_multipart_upload(**named, ServerSideEncryption=KMS, SSEKMSKeyId=lab.arn)["UploadId"]
    }
    parts = {"Parts": [{"PartNumber": 1, "ETag": lab.s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]}]}
    lab.kms.disable_key(KeyId=lab.arn)
    assert refused(lab.s3.upload_part, **upload, PartNumber=2, Body=b"y")[1] == "KMS.DisabledException"
    assert refused(lab.s3.complete_multipart_upload, **upload, MultipartUpload=parts)[1] == "KMS.DisabledException"
    assert lab.names() == ["a"]
    lab.kms.enable_key(KeyId=lab.arn)
    lab.s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert lab.read("large") == b"x"


def test_keys_that_are_not_there(lab: Lab, account: str) -> None:
    named = {"Bucket": lab.bucket, "Key": "b", "Body": b"x", "ServerSideEncryption": KMS}
    for name, message in (
        ("nobody", f"Key 'arn:aws:kms:us-east-1:{account}:key/nobody' does not exist"),
        ("alias/nobody", f"Alias arn:aws:kms:us-east-1:{account}:alias/nobody is not found."),
        ("arn:aws:kms", "Invalid arn arn:aws:kms"),
    ):
        assert refused(lab.s3.put_object, **named, SSEKMSKeyId=name) == (400, "KMS.NotFoundException", message)
    lab.kms.create_alias(AliasName="alias/lake", TargetKeyId=lab.arn)
    lab.s3.put_object(**named, SSEKMSKeyId="alias/lake")
    lab.s3.put_object(**named | {"Key": "c"})  # the account's own key for S3
    assert lab.names() == ["a", "b", "c"]
