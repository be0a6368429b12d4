"""Encryption with keys, checksums, parts and conditional writes of S3, with boto3 on the real server."""

from __future__ import annotations

import base64
import os
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY, OTHER = os.urandom(32), os.urandom(32)
PART = 5 * 1024 * 1024


def customer(key: bytes) -> dict[str, Any]:
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


def source(key: bytes) -> dict[str, Any]:
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}


def code(call: Any, **given: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_only_the_customers_key_reads_an_object_also_after_kill(own_server, account):
    s3 = own_server.client("s3", account)
    s3.create_bucket(Bucket="keys-lake")
    named = {"Bucket": "keys-lake", "Key": "a"}
    put = s3.put_object(**named, Body=b"secret", **customer(KEY))
    assert put["SSECustomerAlgorithm"] == "AES256" and "ServerSideEncryption" not in put
    own_server.kill()
    own_server.restart()
    assert code(s3.get_object, **named) == (400, "InvalidRequest")
    assert code(s3.head_object, **named)[0] == 400
    assert code(s3.get_object, **named, **customer(OTHER)) == (403, "AccessDenied")
    assert s3.get_object(**named, **customer(KEY))["Body"].read() == b"secret"
    assert code(s3.copy_object, Bucket="keys-lake", Key="b", CopySource="keys-lake/a") == (400, "InvalidRequest")
    s3.copy_object(Bucket="keys-lake", Key="b", CopySource="keys-lake/a", **source(KEY), **customer(OTHER))
    assert s3.get_object(Bucket="keys-lake", Key="b", **customer(OTHER))["Body"].read() == b"secret"
    s3.copy_object(Bucket="keys-lake", Key="c", CopySource="keys-lake/a", **source(KEY))
    assert s3.get_object(Bucket="keys-lake", Key="c")["ServerSideEncryption"] == "AES256"


def test_parts_need_the_key_of_their_upload(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="part-keys-lake")
    named = {"Bucket": "part-keys-lake", "Key": "a"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named, **customer(KEY))["UploadId"]}
    assert code(s3.upload_part, **upload, PartNumber=1, Body=b"x") == (400, "InvalidRequest")
    assert code(s3.upload_part, **upload, PartNumber=1, Body=b"x", **customer(OTHER)) == (400, "InvalidRequest")
    etag = s3.upload_part(**upload, PartNumber=1, Body=b"x", **customer(KEY))["ETag"]
    finish = {**upload, "MultipartUpload": {"Parts": [{"ETag": etag, "PartNumber": 1}]}}
    assert code(s3.complete_multipart_upload, **finish, **customer(OTHER)) == (400, "InvalidRequest")
    s3.complete_multipart_upload(**finish)
    assert code(s3.get_object, **named) == (400, "InvalidRequest")
    assert s3.get_object(**named, **customer(KEY), PartNumber=1)["Body"].read() == b"x"


def test_kms_key_is_told_and_contradictions_are_refused(client):
    s3, arn = client("s3"), client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket="kms-lake")
    named = {"Bucket": "kms-lake", "Key": "a"}
    s3.put_object(**named, Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=arn)
    head = s3.head_object(**named)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", arn)
    assert code(s3.put_object, **named, SSEKMSKeyId="k") == (400, "InvalidArgument")
    assert code(s3.put_object, **named, ServerSideEncryption="AES256", **customer(KEY)) == (400, "InvalidArgument")
    assert code(s3.get_object, **named, **customer(KEY)) == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("algorithm", "right"),
    [
        ("CRC32", "y/Q5Jg=="),
        ("CRC32C", "4waSgw=="),
        ("CRC64NVME", "rosUhgp5mIg="),
        ("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
        ("SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
    ],
)
def test_checksum_of_each_kind_is_checked_kept_and_told(client, algorithm, right):
    s3 = client("s3")
    bucket = f"sums-{algorithm.lower()}"
    s3.create_bucket(Bucket=bucket)
    named, field = {"Bucket": bucket, "Key": "a"}, f"Checksum{algorithm}"
    s3.put_object(**named, Body=b"123456789", **{field: right})
    assert code(s3.put_object, **named, Body=b"other", **{field: right}) == (400, "BadDigest")
    assert code(s3.put_object, **named, Body=b"123456789", **{field: "bad"}) == (400, "InvalidRequest")
    assert field not in s3.head_object(**named)
    head = s3.head_object(**named, ChecksumMode="ENABLED")
    assert (head[field], head["ChecksumType"]) == (right, "FULL_OBJECT")
    told = s3.get_object_attributes(**named, ObjectAttributes=["Checksum", "ObjectSize"])
    assert told["Checksum"] == {field: right, "ChecksumType": "FULL_OBJECT"} and told["ObjectSize"] == 9


def test_checksum_and_parts_of_an_upload(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="parts-lake")
    named, bodies = {"Bucket": "parts-lake", "Key": "a"}, [b"a" * PART, b"tail"]
    made = s3.create_multipart_upload(**named, ChecksumAlgorithm="CRC32")
    assert made["ChecksumType"] == "COMPOSITE"
    upload = {**named, "UploadId": made["UploadId"]}
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        assert part["ChecksumCRC32"] == crc32(body)
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]})
    finish = {**upload, "MultipartUpload": {"Parts": parts}}
    assert code(s3.complete_multipart_upload, **finish, ChecksumCRC32="AAAAAA==-2") == (400, "BadDigest")
    wrong = [{**parts[0], "ChecksumCRC32": "AAAAAA=="}, parts[1]]
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": wrong}) == (400, "InvalidPart")
    composite = crc32(b"".join(base64.b64decode(crc32(body)) for body in bodies)) + "-2"
    assert s3.complete_multipart_upload(**finish, ChecksumCRC32=composite)["ChecksumCRC32"] == composite
    second = s3.get_object(**named, PartNumber=2, ChecksumMode="ENABLED")
    assert (second["Body"].read(), second["PartsCount"], second["ChecksumCRC32"]) == (b"tail", 2, crc32(b"tail"))
    assert code(s3.get_object, **named, PartNumber=3) == (416, "InvalidPartNumber")
    told = s3.get_object_attributes(**named, ObjectAttributes=["ObjectParts"], MaxParts=1)["ObjectParts"]
    assert (told["TotalPartsCount"], told["IsTruncated"], told["NextPartNumberMarker"]) == (2, True, 1)
    assert told["Parts"] == [{"PartNumber": 1, "Size": PART, "ChecksumCRC32": crc32(bodies[0])}]


def test_writes_that_depend_on_what_is_there(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="if-lake")
    named = {"Bucket": "if-lake", "Key": "a"}
    etag = s3.put_object(**named, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, **named, Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert code(s3.put_object, **named, Body=b"2", IfMatch='"bad"') == (412, "PreconditionFailed")
    s3.put_object(**named, Body=b"2", IfMatch=etag)
    assert code(s3.delete_object, **named, IfMatch=etag) == (412, "PreconditionFailed")
    assert code(s3.put_object, Bucket="if-lake", Key="none", IfMatch=etag) == (404, "NoSuchKey")
    copy = {"Bucket": "if-lake", "Key": "b", "CopySource": "if-lake/a"}
    assert code(s3.copy_object, **copy, CopySourceIfMatch=etag) == (412, "PreconditionFailed")
    assert s3.copy_object(**copy, CopySourceIfNoneMatch=etag)["CopyObjectResult"]["ETag"]
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    finish = {**upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    assert code(s3.complete_multipart_upload, **finish, IfNoneMatch="*") == (412, "PreconditionFailed")
    s3.complete_multipart_upload(**finish, IfMatch="*")
    assert s3.get_object(**named)["Body"].read() == b"x"
