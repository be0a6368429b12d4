"""What S3's answers hold and refuse in their details: conditions, parts, versions, checksums, tags, lifecycles; with boto3 on the real server."""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

PART = 5 << 20
RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}}
ONCE = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
MARKERS = {"Expiration": {"ExpiredObjectDeleteMarker": True}}
TAGGED = {"Filter": {"Tag": {"Key": "a", "Value": "b"}}}


@pytest.fixture
def s3(client):
    return client("s3")


@pytest.fixture
def bucket(s3):
    name = f"answers-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def code(call: Any, **given: Any) -> str:
    """The code of an error, "" where there is none."""
    try:
        call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


# --- conditions -----------------------------------------------------------------------------------------------------


def test_a_read_keeps_conditions_in_their_order(s3, bucket):
    made = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    etag, modified = made["ETag"], s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before = modified - timedelta(days=1)
    for asked, wanted in (
        ({"IfMatch": etag, "IfUnmodifiedSince": before}, ""),  # an ETag that is right counts, not the date
        ({"IfMatch": "*"}, ""),
        ({"IfMatch": etag.strip('"')}, ""),
        ({"IfMatch": '"no"'}, "PreconditionFailed"),
        ({"IfUnmodifiedSince": before}, "PreconditionFailed"),
        ({"IfNoneMatch": '"no"', "IfModifiedSince": modified}, ""),
        ({"IfNoneMatch": etag, "IfModifiedSince": before}, "304"),
        ({"IfNoneMatch": "*"}, "304"),
        ({"IfModifiedSince": modified}, "304"),
    ):
        assert code(s3.get_object, Bucket=bucket, Key="k", **asked) == wanted, asked
        assert code(s3.head_object, Bucket=bucket, Key="k", **asked) == wanted.replace("PreconditionFailed", "412"), (
            asked
        )
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-3", IfMatch=etag, ResponseContentType="text/x")
    assert (part["Body"].read(), part["ContentRange"], part["ContentType"]) == (b"23", "bytes 2-3/10", "text/x")


def test_an_answer_names_the_condition_that_missed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="k", IfNoneMatch="*")
    assert caught.value.response["Error"]["Condition"] == "If-None-Match"  # by which s3fs knows that a file exists


def test_a_copy_keeps_the_dates_of_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="to")["UploadId"]
    source = {"Bucket": bucket, "CopySource": {"Bucket": bucket, "Key": "k"}, "Key": "to"}
    for asked, wanted in (
        ({"CopySourceIfUnmodifiedSince": modified - timedelta(days=1)}, "PreconditionFailed"),
        ({"CopySourceIfModifiedSince": modified}, "PreconditionFailed"),
        ({"CopySourceIfModifiedSince": modified - timedelta(days=1)}, ""),
        ({"CopySourceIfUnmodifiedSince": modified}, ""),
    ):
        assert code(s3.copy_object, **source, **asked) == wanted, asked
        assert code(s3.upload_part_copy, **source, UploadId=upload, PartNumber=1, **asked) == wanted, asked


@pytest.mark.parametrize(
    ("asked", "status", "wanted"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-30", 206, b"0123456789"),
        ("bytes=3-1", 200, b"0123456789"),  # no range: not heeded
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=0-1", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=10-", 416, b"InvalidRange"),
        ("bytes=-0", 416, b"InvalidRange"),
    ],
)
def test_a_range_is_one_or_is_not_heeded(s3, bucket, asked, status, wanted):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    signed = urlsplit(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    connection = HTTPConnection(signed.hostname or "", signed.port)
    connection.request("GET", f"{signed.path}?{signed.query}", headers={"Range": asked})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == status
    assert wanted in body if status == 416 else wanted == body


def test_a_delete_marker_is_told_by_who_meets_it(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    for named, wanted in (({}, (404, "NoSuchKey", None)), ({"VersionId": marker}, (405, "MethodNotAllowed", "DELETE"))):
        with pytest.raises(ClientError) as caught:
            s3.get_object(Bucket=bucket, Key="k", **named)
        answer = caught.value.response
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        told = answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], headers.get("allow")
        assert (told, headers["x-amz-delete-marker"]) == (wanted, "true")
        assert code(s3.head_object, Bucket=bucket, Key="k", **named) == str(wanted[0])
    source = {"Bucket": bucket, "Key": "k", "VersionId": marker}
    assert code(s3.copy_object, Bucket=bucket, Key="to", CopySource=source) == "InvalidRequest"


# --- uploads in parts -----------------------------------------------------------------------------------------------


def test_parts_are_listed_whole_in_pages_and_only_for_their_key(s3, bucket):
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    numbers = [1, 3, 5, 7, 10_000]
    tags = {n: s3.upload_part(**upload, PartNumber=n, Body=bytes(n))["ETag"] for n in numbers}
    found, marker = [], 0
    while True:
        page = s3.list_parts(**upload, MaxParts=2, PartNumberMarker=marker)
        found += [(part["PartNumber"], part["Size"]) for part in page.get("Parts", [])]
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert found == [(n, n) for n in numbers]
    other = {**upload, "Key": "other"}
    one = {"Parts": [{"PartNumber": 1, "ETag": tags[1]}]}
    for call, given in (
        (s3.upload_part, {"PartNumber": 1, "Body": b""}),
        (s3.list_parts, {}),
        (s3.complete_multipart_upload, {"MultipartUpload": one}),
        (s3.abort_multipart_upload, {}),
    ):
        assert code(call, **other, **given) == "NoSuchUpload"
    for order in ((3, 1), (1, 1)):
        parts = {"Parts": [{"PartNumber": n, "ETag": tags[n]} for n in order]}
        assert code(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == "InvalidPartOrder"
    for _ in range(2):  # it may be repeated
        s3.complete_multipart_upload(**upload, MultipartUpload=one)


def test_a_completion_has_the_checksum_of_each_part_and_no_other_kind(s3, bucket):
    asked = {"Bucket": bucket, "Key": "k", "ChecksumAlgorithm": "SHA256"}
    upload = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(**asked)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    right = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}
    listed = s3.list_parts(**upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE")
    assert listed["Parts"][0]["ChecksumSHA256"] == part["ChecksumSHA256"]
    bare = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert code(s3.complete_multipart_upload, **upload, MultipartUpload=bare) == "InvalidRequest"
    whole = {"MultipartUpload": {"Parts": [right]}, "ChecksumType": "FULL_OBJECT"}
    assert code(s3.complete_multipart_upload, **upload, **whole) == "InvalidRequest"
    assert s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [right]})["ChecksumType"] == "COMPOSITE"


def test_a_copy_has_the_checksum_of_all_its_bytes(s3, bucket):
    upload = {"Bucket": bucket, "Key": "parts"}
    made = s3.create_multipart_upload(**upload, ChecksumAlgorithm="SHA256")["UploadId"]
    bodies, listed = (bytes(PART), b"end"), []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(**upload, UploadId=made, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        listed.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    s3.complete_multipart_upload(**upload, UploadId=made, MultipartUpload={"Parts": listed})
    source = {"CopySource": {"Bucket": bucket, "Key": "parts"}, "Bucket": bucket}
    for asked, name in ({}, "sha256"), ({"ChecksumAlgorithm": "SHA1"}, "sha1"):
        wanted = b64encode(hashlib.new(name, b"".join(bodies)).digest()).decode()
        told = s3.copy_object(**source, Key=name, **asked)["CopyObjectResult"]
        read = s3.head_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        for answer in (told, read):
            assert (answer[f"Checksum{name.upper()}"], answer["ChecksumType"]) == (wanted, "FULL_OBJECT")


# --- listings -------------------------------------------------------------------------------------------------------


def test_listings_tell_checksums_and_odd_keys(s3, bucket):
    keys = [
        "a//b",
        "/lead",
        ".",
        "..",
        "ü/日本",
        "plus+ %20",
        "amp&<>\"'",
        "tab\tnew\nline",
        "cr\rx",
        "\x01",
        "é" * 512,
    ]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x", ChecksumAlgorithm="SHA256")
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    for found in (listed, s3.list_objects(Bucket=bucket)["Contents"], s3.list_objects_v2(Bucket=bucket)["Contents"]):
        assert [each["Key"] for each in found] == sorted(keys)
        assert {(*each["ChecksumAlgorithm"], each["ChecksumType"]) for each in found} == {("SHA256", "FULL_OBJECT")}
    assert {each["VersionId"] for each in listed} == {"null"}
    assert code(s3.list_object_versions, Bucket=bucket, VersionIdMarker="x") == "InvalidArgument"
    for key in keys:
        s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_bucket(Bucket=bucket)


# --- tags, metadata, settings ---------------------------------------------------------------------------------------


def test_what_is_put_again_has_no_tags_of_before(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Tagging="a=1&b=2")
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k"}, StorageClass="STANDARD_IA")
    assert len(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]) == 2
    s3.put_object(Bucket=bucket, Key="other", Tagging="c=3")
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "other"})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "c", "Value": "3"}]
    s3.put_object(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_tags_that_went_and_a_lifecycle_are_stored_at_once(own_server, account):
    s3 = own_server.client("s3", account)
    s3.create_bucket(Bucket="kept-lake")
    rules = [{**RULE, "Filter": {"ObjectSizeGreaterThan": 5}, "Expiration": {"Days": 1}}]
    s3.put_bucket_lifecycle_configuration(Bucket="kept-lake", LifecycleConfiguration={"Rules": rules})
    s3.put_object(Bucket="kept-lake", Key="k", Tagging="a=1")
    s3.put_object(Bucket="kept-lake", Key="k", Body=b"new", Metadata={"m": "1"})
    own_server.kill()
    own_server.restart()
    assert s3.get_object_tagging(Bucket="kept-lake", Key="k")["TagSet"] == []
    read = s3.get_object(Bucket="kept-lake", Key="k")
    assert (read["Body"].read(), read["Metadata"]) == (b"new", {"m": "1"})
    assert s3.get_bucket_lifecycle_configuration(Bucket="kept-lake")["Rules"] == rules


def test_limits_of_metadata_and_tags(s3, bucket):
    write = {"Bucket": bucket, "Key": "k"}
    assert code(s3.put_object, **write, Metadata={"a": "x" * 2047}) == ""
    assert code(s3.put_object, **write, Metadata={"a": "x" * 2048}) == "MetadataTooLarge"
    assert code(s3.create_multipart_upload, **write, Metadata={"a": "x" * 2048}) == "MetadataTooLarge"
    assert code(s3.put_object, **write, Tagging="a=1&a=2") == "InvalidArgument"
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    assert code(s3.put_object_tagging, **write, Tagging=twice) == "InvalidTag"
    many = {"TagSet": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}
    assert code(s3.put_bucket_tagging, Bucket=bucket, Tagging=many) == "BadRequest"


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"Expiration": {"Days": 1, "Date": datetime(2035, 1, 1)}}, "MalformedXML"),
        ({"Expiration": {"Days": 1}, "Filter": {"And": {"Prefix": "a"}}}, "MalformedXML"),
        ({"Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}]}, "InvalidArgument"),
        ({"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}], "Expiration": {"Days": 30}}, "InvalidArgument"),
        ({"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 40, "StorageClass": "GLACIER"}]}, "InvalidArgument"),
        ({"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}, {"Days": 60, "StorageClass": "GLACIER"}]}, "InvalidRequest"),
        ({"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}], "Expiration": {"Date": datetime(2035, 1, 1)}}, "InvalidRequest"),
        ({"Expiration": {"Days": 1}, "Filter": {"And": {"ObjectSizeGreaterThan": 5, "ObjectSizeLessThan": 5}}}, "InvalidRequest"),
        ({**ONCE, **TAGGED}, "InvalidRequest"),
        ({**MARKERS, **TAGGED}, "InvalidRequest"),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}, "InvalidArgument"),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}}, "InvalidArgument"),
    ],
)  # fmt: skip
def test_a_lifecycle_that_cannot_be(s3, bucket, rule, wanted):
    rules = {"Rules": [RULE | rule]}
    assert code(s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration=rules) == wanted


def test_a_lifecycle_comes_back_as_it_was_written(s3, bucket):
    size = {"Prefix": "ü", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}
    old = {"NoncurrentDays": 30, "StorageClass": "STANDARD_IA", "NewerNoncurrentVersions": 1}
    rules = [
        {**RULE, "Filter": {"And": size}, "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]},
        {**RULE, "ID": "b", "Filter": {"ObjectSizeLessThan": 9}, "Status": "Disabled", "NoncurrentVersionTransitions": [old]},
        {**RULE, "ID": "c", "Expiration": {"Date": datetime(2035, 1, 1, tzinfo=UTC)}},
        {**RULE, "ID": "d", **MARKERS, **ONCE},
    ]  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert code(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == "NoSuchLifecycleConfiguration"


def test_settings_that_cannot_be(s3, bucket):
    cors = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    for wrong in ({"AllowedOrigins": ["http://*.a.*"]}, {"AllowedHeaders": ["*-x-*"]}, {"ExposeHeaders": ["*"]}):
        rules = {"CORSRules": [cors | wrong]}
        assert code(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules) == "InvalidRequest"
    redirect = {"RedirectAllRequestsTo": {"HostName": "a"}, "IndexDocument": {"Suffix": "i"}}
    for website in ({"IndexDocument": {"Suffix": "a/b"}}, redirect):
        assert code(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=website) == "InvalidArgument"
    told = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert told["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    for name in ("a-s3alias", "amzn-s3-demo-a", "a--ol-s3"):
        assert code(s3.create_bucket, Bucket=name) == "InvalidBucketName"


def test_what_is_not_there_is_refused_and_changes_nothing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(s3.rename_object, Bucket=bucket, Key="k", RenameSource="/other") == "NotImplemented"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    s3.delete_object(Bucket=bucket, Key="k")
    filtered = {"Id": "a", "Filter": {"Prefix": "x"}}
    assert (
        code(s3.put_bucket_metrics_configuration, Bucket=bucket, Id="a", MetricsConfiguration=filtered)
        == "NotImplemented"
    )
    assert code(s3.get_bucket_metrics_configuration, Bucket=bucket, Id="a") == "NoSuchConfiguration"
    assert (
        code(s3.delete_bucket_metrics_configuration, Bucket=bucket, Id="a") == "NoSuchConfiguration"
    )  # not the bucket
    assert s3.list_bucket_metrics_configurations(Bucket=bucket)["IsTruncated"] is False
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    payer = {"Bucket": bucket, "RequestPaymentConfiguration": {"Payer": "Requester"}}
    assert code(s3.put_bucket_request_payment, **payer) == "NotImplemented"


def test_a_redirect_is_not_copied(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", WebsiteRedirectLocation="/to", Metadata={"a": "b"})
    for asked, wanted in ({}, None), ({"WebsiteRedirectLocation": "/other"}, "/other"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"}, **asked)
        head = s3.head_object(Bucket=bucket, Key="copy")
        assert (head.get("WebsiteRedirectLocation"), head["Metadata"]) == (wanted, {"a": "b"})


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256"])
def test_a_large_body_with_tags_is_checked_too(s3, bucket, algorithm):
    body = bytes(2 << 20)
    told = s3.put_object(Bucket=bucket, Key="k", Body=body, Tagging="a=b", ChecksumAlgorithm=algorithm)
    right = b64encode(hashlib.new(algorithm.lower(), body).digest()).decode()
    assert told[f"Checksum{algorithm}"] == right
    wrong = {f"Checksum{algorithm}": right, "Tagging": "a=b"}
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=body + b"x", **wrong) == "BadDigest"


CRC = ("x-amz-trailer", "x-amz-checksum-crc32")


@pytest.mark.parametrize(
    ("headers", "body", "wanted"),
    [
        ({"x-amz-content-sha256": hashlib.sha256(b"hi").hexdigest()}, b"hi", ""),
        ({"x-amz-content-sha256": "0" * 64}, b"hi", "XAmzContentSHA256Mismatch"),
        ({"x-amz-content-sha256": "nothing"}, b"hi", "InvalidArgument"),
        (dict([CRC]), b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
        (dict([CRC]), b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:2JMqrA==\r\n\r\n", ""),
        (dict([CRC]), b"2\r\nhi\r\n0\r\n\r\n", "MalformedTrailerError"),
        ({}, b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:2JMqrA==\r\n\r\n", "MalformedTrailerError"),
    ],
)
def test_a_body_is_what_was_signed_and_announced(s3, bucket, headers, body, wanted):
    chunked = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "2"}
    signed = urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}))
    connection = HTTPConnection(signed.hostname or "", signed.port)
    connection.request("PUT", f"{signed.path}?{signed.query}", body=body, headers=chunked | headers)
    answer = connection.getresponse().read()
    assert wanted.encode() in answer and bool(answer) == bool(wanted)
    assert (code(s3.head_object, Bucket=bucket, Key="k") == "") == (wanted == "")


def raw(s3: Any, method: str, place: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Ask with an account's key, without a client's help; return status and body."""
    server = urlsplit(s3.meta.endpoint_url)
    connection = HTTPConnection(server.hostname or "", server.port)
    key = s3._request_signer._credentials.access_key
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
    connection.request(method, place, body=body, headers={"Authorization": scope, **headers})
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"Content-MD5": b64encode(bytes(16)).decode()}, b"BadDigest"),
        ({"Content-MD5": "x"}, b"InvalidDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, b"BadDigest"),
        ({"x-amz-content-sha256": "0" * 64}, b"XAmzContentSHA256Mismatch"),
    ],
)
def test_a_document_is_what_was_announced(s3, bucket, headers, wanted):
    s3.put_object(Bucket=bucket, Key="k")
    deletes = b"<Delete><Object><Key>k</Key></Object></Delete>"
    status, body = raw(s3, "POST", f"/{bucket}?delete", deletes, headers)
    assert status == 400 and wanted in body
    assert code(s3.head_object, Bucket=bucket, Key="k") == ""


def test_what_cannot_be_deleted_or_put_is_not_done_to_the_whole(s3, bucket):
    for query in ("acl", "logging", "notification", "versioning", "location", "metrics"):
        assert raw(s3, "DELETE", f"/{bucket}?{query}", b"", {})[0] == 405, query
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for method, query in (("DELETE", "acl"), ("DELETE", "retention"), ("PUT", "torrent"), ("PUT", "restore")):
        assert raw(s3, method, f"/{bucket}/k?{query}", b"evil", {})[0] == 405, query
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
