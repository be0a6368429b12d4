"""Other accounts and anybody in a bucket: by its policy, by lists of the bucket and of its objects; what blocks them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


def _code(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**given)
    return caught.value.response["Error"]["Code"]


def _asked(server: Server, method: str, path: str, data: bytes | None = None, **headers: str) -> int:
    """Ask without a signature and return the status."""
    request = urllib.request.Request(
        f"{server.endpoint}/{path}", data, {"Content-Type": "text/plain", **headers}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def mine(client: Any) -> Any:
    return client("s3")


@pytest.fixture
def theirs(server: Server, account: str) -> Any:
    return server.client("s3", f"8{account[1:]}")


@pytest.fixture
def bucket(mine: Any, account: str) -> str:
    mine.create_bucket(Bucket=f"shared-{account}")
    mine.put_object(Bucket=f"shared-{account}", Key="k", Body=b"mine")
    return f"shared-{account}"


def _id(client: Any) -> str:
    return client.list_buckets()["Owner"]["ID"]


def test_a_private_bucket_is_its_owners(server: Server, mine: Any, theirs: Any, bucket: str) -> None:
    assert _id(mine) != _id(theirs)
    assert _code(theirs.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert _code(theirs.get_object, Bucket=bucket, Key="not-there") == "AccessDenied"
    assert _code(theirs.put_object, Bucket=bucket, Key="x") == "AccessDenied"
    assert _code(theirs.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert _code(theirs.create_bucket, Bucket=bucket) == "BucketAlreadyExists"
    for method, path in (("GET", "/k"), ("PUT", "/x"), ("DELETE", "/k"), ("GET", ""), ("GET", "?acl")):
        assert _asked(server, method, f"{bucket}{path}", b"" if method == "PUT" else None) == 403
    assert _asked(server, "POST", f"{bucket}?delete", b"<Delete><Object><Key>k</Key></Object></Delete>") == 403
    told = theirs.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})
    assert [each["Code"] for each in told["Errors"]] == ["AccessDenied"]
    assert mine.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"


def test_lists_of_bucket_and_object_decide_apart(server: Server, mine: Any, theirs: Any, bucket: str) -> None:
    mine.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert _asked(server, "GET", f"{bucket}/k") == 200
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"
    assert _asked(server, "GET", bucket) == 403
    mine.put_object(Bucket=bucket, Key="k", Body=b"new")  # private again
    assert _asked(server, "GET", f"{bucket}/k") == 403
    mine.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert _asked(server, "GET", f"{bucket}/k") == 403
    assert _asked(server, "GET", f"{bucket}/not-there") == 404
    assert _asked(server, "PUT", f"{bucket}/x", b"anybody") == 200
    assert mine.get_object(Bucket=bucket, Key="x")["Body"].read() == b"anybody"
    assert _asked(server, "DELETE", f"{bucket}/x") == 204
    assert _asked(server, "PUT", f"{bucket}?versioning", b"<VersioningConfiguration/>") == 403


def test_grants_name_an_account_and_are_told_as_given(mine: Any, theirs: Any, bucket: str) -> None:
    mine.put_bucket_acl(Bucket=bucket, GrantRead=f"id={_id(theirs)}", GrantFullControl=f'id="{_id(mine)}"')
    assert theirs.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert _code(theirs.get_bucket_acl, Bucket=bucket) == "AccessDenied"
    told = mine.get_bucket_acl(Bucket=bucket)
    assert told["Owner"]["ID"] == _id(mine)
    assert [(each["Grantee"]["ID"], each["Permission"]) for each in told["Grants"]] == [
        (_id(mine), "FULL_CONTROL"),
        (_id(theirs), "READ"),
    ]
    told.pop("ResponseMetadata")
    told["Grants"][1]["Permission"] = "WRITE_ACP"
    mine.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=told)
    theirs.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert mine.get_object_acl(Bucket=bucket, Key="k")["Grants"][1]["Grantee"]["URI"] == EVERYBODY
    assert _code(mine.put_bucket_acl, Bucket=bucket, GrantRead="id=nobody") == "InvalidArgument"
    assert _code(mine.put_bucket_acl, Bucket=bucket, GrantRead="emailAddress=a@b.example") == "MethodNotAllowed"
    assert _code(mine.put_bucket_acl, Bucket=bucket, ACL="private", GrantRead=f"id={_id(theirs)}") == "InvalidRequest"


def test_what_another_account_writes_is_its_own(mine: Any, theirs: Any, bucket: str) -> None:
    mine.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    theirs.put_object(Bucket=bucket, Key="private", Body=b"theirs")
    theirs.put_object(Bucket=bucket, Key="given", Body=b"theirs", ACL="bucket-owner-full-control")
    assert _code(mine.get_object, Bucket=bucket, Key="private") == "AccessDenied"
    assert mine.get_object(Bucket=bucket, Key="given")["Body"].read() == b"theirs"
    assert theirs.get_object_acl(Bucket=bucket, Key="private")["Owner"]["ID"] == _id(theirs)
    owners = {each["Key"]: each["Owner"]["ID"] for each in mine.list_objects(Bucket=bucket)["Contents"]}
    assert owners == {"k": _id(mine), "private": _id(theirs), "given": _id(theirs)}
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    refused = _code(mine.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=enforced)
    assert refused == "InvalidBucketAclWithObjectOwnership"
    mine.put_bucket_acl(Bucket=bucket, ACL="private")
    mine.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=enforced)
    assert mine.get_object(Bucket=bucket, Key="private")["Body"].read() == b"theirs"
    assert _code(theirs.get_object, Bucket=bucket, Key="private") == "AccessDenied"
    assert _code(mine.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    assert _code(mine.put_object, Bucket=bucket, Key="x", ACL="public-read") == "AccessControlListNotSupported"
    mine.delete_object(Bucket=bucket, Key="private")


def test_a_policy_lets_another_account_in(mine: Any, theirs: Any, bucket: str, account: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::8{account[1:]}:root"},
        "Action": ["s3:GetObject", "s3:PutObject", "s3:GetBucketPolicy"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    mine.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert theirs.get_object(Bucket=bucket, Key="k")["Body"].read() == b"mine"
    assert _code(theirs.delete_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert _code(theirs.get_bucket_policy, Bucket=bucket) == "MethodNotAllowed"
    theirs.create_bucket(Bucket=f"theirs-{account}")
    theirs.copy_object(Bucket=f"theirs-{account}", Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    assert theirs.get_object(Bucket=f"theirs-{account}", Key="copy")["Body"].read() == b"mine"
    source = {"Bucket": f"theirs-{account}", "Key": "copy"}
    assert _code(mine.copy_object, Bucket=bucket, Key="x", CopySource=source) == "AccessDenied"
    assert _code(mine.get_object, Bucket=bucket, Key="k", ExpectedBucketOwner=f"8{account[1:]}") == "AccessDenied"


def test_public_access_is_blocked(server: Server, mine: Any, bucket: str) -> None:
    mine.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    mine.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert _asked(server, "GET", f"{bucket}/k") == 403
    everything = {name: True for name in ("BlockPublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")}
    mine.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=everything)
    assert _code(mine.put_object, Bucket=bucket, Key="x", ACL="public-read") == "AccessDenied"
    assert _code(mine.put_bucket_acl, Bucket=bucket, ACL="authenticated-read") == "AccessDenied"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert _code(mine.put_bucket_policy, Bucket=bucket, Policy=policy) == "AccessDenied"


def test_suspended_versioning_keeps_versions(mine: Any, bucket: str) -> None:
    mine.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = mine.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    mine.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    mine.put_object(Bucket=bucket, Key="k", Body=b"null")
    marker = mine.delete_object(Bucket=bucket, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    found = mine.list_object_versions(Bucket=bucket)
    assert [each["VersionId"] for each in found["Versions"]] == [kept]
    assert [each["VersionId"] for each in found["DeleteMarkers"]] == ["null"]
    assert mine.get_object(Bucket=bucket, Key="k", VersionId=kept)["Body"].read() == b"kept"
    assert mine.delete_object(Bucket=bucket, Key="k", VersionId="null")["DeleteMarker"]
    assert mine.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_of_many_deletes_each_tells_its_own_error(mine: Any, account: str) -> None:
    bucket = f"locked-{account}"
    mine.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    locked = mine.put_object(Bucket=bucket, Key="locked", Body=b"x", ObjectLockLegalHoldStatus="ON")["VersionId"]
    free = mine.put_object(Bucket=bucket, Key="free", Body=b"x")["VersionId"]
    named = [{"Key": "locked", "VersionId": locked}, {"Key": "free", "VersionId": free}, {"Key": "new"}]
    answer = mine.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert [(each["Key"], each["VersionId"], each["Code"]) for each in answer["Errors"]] == [
        ("locked", locked, "AccessDenied")
    ]
    assert [each["Key"] for each in answer["Deleted"]] == ["free", "new"]
    assert answer["Deleted"][1]["DeleteMarker"]
    assert _code(mine.delete_object, Bucket=bucket, Key="locked", VersionId=locked) == "AccessDenied"


def test_retentions_hold_and_go_with_uploads(mine: Any, account: str) -> None:
    bucket = f"retained-{account}"
    mine.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    mine.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    put = mine.put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    upload = mine.create_multipart_upload(Bucket=bucket, Key="parts", ObjectLockLegalHoldStatus="ON")["UploadId"]
    part = mine.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    made = mine.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )["VersionId"]
    head = mine.head_object(Bucket=bucket, Key="parts")
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    for key, version in (("k", put), ("parts", made)):
        assert _code(mine.delete_object, Bucket=bucket, Key=key, VersionId=version) == "AccessDenied"
    soon = {"Mode": "GOVERNANCE", "RetainUntilDate": datetime.now(UTC) + timedelta(hours=1)}
    assert _code(mine.put_object_retention, Bucket=bucket, Key="k", Retention=soon) == "AccessDenied"
    mine.put_object_retention(Bucket=bucket, Key="k", Retention=soon, BypassGovernanceRetention=True)
    mine.delete_object(Bucket=bucket, Key="k", VersionId=put, BypassGovernanceRetention=True)
    suspended = {"Status": "Suspended"}
    assert _code(mine.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=suspended) == "InvalidBucketState"


def test_uploads_under_way_are_told_in_pages(mine: Any, bucket: str) -> None:
    begun = [(key, mine.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ("a", "a", "b", "c")]
    pages = mine.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    told = [(each["Key"], each["UploadId"]) for page in pages for each in page["Uploads"]]
    assert told == sorted(begun)
    assert mine.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Initiated"] > datetime.now(UTC) - timedelta(
        hours=1
    )
    names = [each["Name"] for each in mine.list_buckets(MaxBuckets=1)["Buckets"]]
    assert names == [bucket]
