"""S3 through boto3: bytes, listings, ranges, uploads in parts, and the errors that AWS gives."""

import io

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(client, account):
    s3 = client("s3")
    s3.create_bucket(Bucket=f"bucket-{account}")
    return s3


@pytest.fixture
def bucket(account):
    return f"bucket-{account}"


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_object_comes_back_with_its_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/b c+ü.txt", Body=b"hello", Metadata={"made_by": "me"}, ContentType="text/plain")
    answer = s3.get_object(Bucket=bucket, Key="a/b c+ü.txt")
    assert answer["Body"].read() == b"hello"
    assert answer["Metadata"] == {"made_by": "me"}
    assert answer["ContentType"] == "text/plain"
    assert answer["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'


def test_listing_pages_in_order_with_common_prefixes(s3, bucket):
    for key in ("a/1", "a/2", "b/1", "c", "a.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    first = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=2)
    assert [item["Key"] for item in first["Contents"]] == ["a.txt"]
    assert [item["Prefix"] for item in first["CommonPrefixes"]] == ["a/"]
    second = s3.list_objects_v2(
        Bucket=bucket, Delimiter="/", MaxKeys=2, ContinuationToken=first["NextContinuationToken"]
    )
    assert [item["Prefix"] for item in second["CommonPrefixes"]] == ["b/"]
    assert [item["Key"] for item in second["Contents"]] == ["c"]
    assert not second["IsTruncated"]


def test_listing_version_one_has_a_marker(s3, bucket):
    for key in ("x", "y", "z"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    assert [item["Key"] for item in s3.list_objects(Bucket=bucket, Marker="x")["Contents"]] == ["y", "z"]


def test_ranges(s3, bucket):
    s3.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    part = s3.get_object(Bucket=bucket, Key="digits", Range="bytes=2-4")
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert s3.get_object(Bucket=bucket, Key="digits", Range="bytes=-3")["Body"].read() == b"789"
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="digits", Range="bytes=10-")
    assert code_of(error) == "InvalidRange"


def test_upload_in_parts(s3, bucket):
    body = bytes(range(256)) * 80_000
    s3.upload_fileobj(io.BytesIO(body), bucket, "large")
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ETag"].endswith('-3"')
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == body


def test_versions_and_delete_marker(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first)["Body"].read() == b"1"
    s3.delete_object(Bucket=bucket, Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="k")
    assert code_of(error) == "NoSuchKey"


def test_copy_keeps_the_bytes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"bytes", ContentType="text/csv")
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    answer = s3.get_object(Bucket=bucket, Key="to")
    assert (answer["Body"].read(), answer["ContentType"]) == (b"bytes", "text/csv")


def test_delete_objects(s3, bucket):
    for key in ("1", "2", "3"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "1"}, {"Key": "2"}]})
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["3"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda s3, bucket: s3.get_object(Bucket=bucket, Key="nothing"), "NoSuchKey"),
        (lambda s3, bucket: s3.get_object(Bucket="no-such-bucket-here", Key="k"), "NoSuchBucket"),
        (lambda s3, bucket: s3.put_object(Bucket="no-such-bucket-here", Key="k", Body=b"1"), "NoSuchBucket"),
        (
            lambda s3, bucket: s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA=="),
            "BadDigest",
        ),
        (lambda s3, bucket: s3.create_bucket(Bucket="Bad_Name"), "InvalidBucketName"),
    ],
)
def test_errors(s3, bucket, call, code):
    with pytest.raises(ClientError) as error:
        call(s3, bucket)
    assert code_of(error) == code


def test_bad_checksum_stores_nothing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key="k", Body=b"new", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"


def test_bucket_with_objects_cannot_be_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket=bucket)
    assert code_of(error) == "BucketNotEmpty"


def test_other_accounts_cannot_read(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    with pytest.raises(ClientError) as error:
        server.client("s3", "999988887777").get_object(Bucket=bucket, Key="k")
    assert code_of(error) == "AccessDenied"


def test_everything_acknowledged_survives_kill(own_server, account):
    s3 = own_server.client("s3", account)
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_tagging(Bucket="kept", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    for number in range(50):
        s3.put_object(Bucket="kept", Key=f"k{number:02d}", Body=str(number).encode())
    s3.put_object_tagging(Bucket="kept", Key="k01", Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    s3.delete_object(Bucket="kept", Key="k00")
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="parts", UploadId=upload, PartNumber=1, Body=b"part one")
    own_server.kill()
    own_server.restart()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="kept")["Contents"]] == [
        f"k{n:02d}" for n in range(1, 50)
    ]
    assert s3.get_object(Bucket="kept", Key="k49")["Body"].read() == b"49"
    assert s3.get_bucket_tagging(Bucket="kept")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.get_object_tagging(Bucket="kept", Key="k01")["TagSet"] == [{"Key": "x", "Value": "y"}]
    s3.complete_multipart_upload(
        Bucket="kept",
        Key="parts",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert s3.get_object(Bucket="kept", Key="parts")["Body"].read() == b"part one"
