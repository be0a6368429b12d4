"""What S3 refuses in documents that its model allows, and settings that hold nothing, with boto3 on the real server."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

LATER = datetime(2035, 1, 1, tzinfo=UTC)
HERE = {"Status": "Enabled", "Prefix": ""}


@pytest.fixture
def lake(client):
    """A client of S3, and two buckets with an object `k` each: `plain`, and `locked` with an object lock."""
    s3, mark = client("s3"), uuid.uuid4().hex[:12]
    found = SimpleNamespace(s3=s3, plain=f"plain-{mark}", locked=f"locked-{mark}")
    s3.create_bucket(Bucket=found.plain)
    s3.create_bucket(Bucket=found.locked, ObjectLockEnabledForBucket=True)
    for bucket in (found.plain, found.locked):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return found


def refused(call: Any, **given: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([HERE], "InvalidRequest"),
        ([{**HERE, "ID": "x" * 256, "Expiration": {"Days": 1}}], "InvalidArgument"),
        ([{**HERE, "Expiration": {"Days": 0}}], "InvalidArgument"),
        ([{**HERE, "Expiration": {"Date": datetime(2035, 1, 1, 5, tzinfo=UTC)}}], "InvalidArgument"),
        ([{**HERE, "ID": "a", "Expiration": {"Days": 1}}] * 2, "InvalidArgument"),
        ([{**HERE, "Status": "enabled", "Expiration": {"Days": 1}}], "MalformedXML"),
    ],
)
def test_contradictions_of_a_lifecycle(lake, rules, code):
    put = lake.s3.put_bucket_lifecycle_configuration
    assert refused(put, Bucket=lake.plain, LifecycleConfiguration={"Rules": rules}) == (400, code)
    assert refused(lake.s3.get_bucket_lifecycle_configuration, Bucket=lake.plain)[1] == "NoSuchLifecycleConfiguration"


@pytest.mark.parametrize(
    "policy",
    [
        "x",
        "{}",
        "{",
        json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}),
        json.dumps({"Version": "2020-01-01", "Statement": []}),
    ],
)
def test_a_policy_that_is_none_is_refused_and_nothing_is_kept(lake, policy):
    assert refused(lake.s3.put_bucket_policy, Bucket=lake.plain, Policy=policy) == (400, "MalformedPolicy")
    assert refused(lake.s3.get_bucket_policy, Bucket=lake.plain) == (404, "NoSuchBucketPolicy")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Resource": "arn:aws:s3:::another/*"}, "Policy has invalid resource"),
        ({"Resource": "*"}, "Policy has invalid resource"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Action": "s3:GetObjects"}, "Policy has invalid action"),
        ({"Action": ["s3:GetObject", "glue:GetTable"]}, "Policy has invalid action"),
        ({"Principal": {"AWS": "arn:aws:iam::300000000999:role/nobody"}}, "Invalid principal in policy"),
        ({"Principal": {"Service": "nobody"}}, "Invalid principal in policy"),
    ],
)
def test_a_policy_about_others_is_refused(lake, change, message):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::{lake.plain}/*"}
    said = {name: value for name, value in (statement | change).items() if value is not None}
    with pytest.raises(ClientError) as caught:
        lake.s3.put_bucket_policy(Bucket=lake.plain, Policy=json.dumps({"Statement": [said]}))
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", message)
    lake.s3.put_bucket_policy(Bucket=lake.plain, Policy=json.dumps({"Statement": [statement]}))


def test_retention_and_holds(lake):
    key = {"Bucket": lake.locked, "Key": "k"}
    assert refused(lake.s3.get_object_retention, **key) == (404, "NoSuchObjectLockConfiguration")
    assert refused(lake.s3.get_object_legal_hold, **key) == (404, "NoSuchObjectLockConfiguration")
    assert refused(lake.s3.put_object_retention, **key, Retention={"Mode": "GOVERNANCE"}) == (400, "MalformedXML")
    past = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime(2020, 1, 1, tzinfo=UTC)}
    assert refused(lake.s3.put_object_retention, **key, Retention=past) == (400, "InvalidArgument")
    wanted = {"Mode": "GOVERNANCE", "RetainUntilDate": LATER}
    assert refused(lake.s3.put_object_retention, Bucket=lake.locked, Key="none", Retention=wanted) == (404, "NoSuchKey")
    lake.s3.put_object_retention(**key, Retention=wanted)
    assert lake.s3.get_object_retention(**key)["Retention"] == wanted
    stricter = {"Mode": "COMPLIANCE", "RetainUntilDate": LATER}
    assert refused(lake.s3.put_object_retention, **key, Retention=stricter) == (403, "AccessDenied")
    lake.s3.put_object_legal_hold(**key, LegalHold={"Status": "ON"})
    assert lake.s3.get_object_legal_hold(**key)["LegalHold"] == {"Status": "ON"}
    unlocked = {"Bucket": lake.plain, "Key": "k"}
    assert refused(lake.s3.get_object_retention, **unlocked) == (400, "InvalidRequest")
    assert refused(lake.s3.get_object_legal_hold, **unlocked) == (400, "InvalidRequest")


def test_a_lock_by_default_may_come_to_a_bucket_with_objects(lake):
    def put(**retention: Any) -> None:
        rule = {"DefaultRetention": retention}
        lake.s3.put_object_lock_configuration(
            Bucket=lake.locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )

    assert refused(put, Mode="GOVERNANCE", Days=0) == (400, "InvalidArgument")
    assert refused(put, Mode="GOVERNANCE", Days=1, Years=1) == (400, "MalformedXML")
    put(Mode="GOVERNANCE", Days=2)
    found = lake.s3.get_object_lock_configuration(Bucket=lake.locked)["ObjectLockConfiguration"]
    assert found["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 2}


def test_sets_with_nothing_in_them(lake):
    owner = lake.s3.get_bucket_acl(Bucket=lake.plain)["Owner"]
    lake.s3.put_bucket_acl(Bucket=lake.plain, AccessControlPolicy={"Owner": owner, "Grants": []})
    assert lake.s3.get_bucket_acl(Bucket=lake.plain)["Grants"] == []
    lake.s3.put_object_tagging(Bucket=lake.plain, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    lake.s3.put_object_tagging(Bucket=lake.plain, Key="k", Tagging={"TagSet": []})
    assert lake.s3.get_object_tagging(Bucket=lake.plain, Key="k")["TagSet"] == []
    versioning = {"Bucket": lake.plain, "VersioningConfiguration": {}}
    assert refused(lake.s3.put_bucket_versioning, **versioning) == (400, "IllegalVersioningConfigurationException")
    assert refused(lake.s3.put_bucket_website, Bucket=lake.plain, WebsiteConfiguration={}) == (400, "InvalidArgument")


def test_pages_and_uploads_that_nobody_began(lake):
    listed = {"Bucket": lake.plain, "ContinuationToken": "\u00e4"}
    assert refused(lake.s3.list_objects_v2, **listed) == (400, "InvalidArgument")
    upload = lake.s3.create_multipart_upload(Bucket=lake.plain, Key="big")["UploadId"]
    complete = {"Bucket": lake.plain, "Key": "big", "UploadId": upload}
    assert refused(lake.s3.complete_multipart_upload, **complete) == (400, "MalformedXML")
