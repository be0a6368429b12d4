"""Access control lists of buckets and objects: the operations on them, what a write's headers may say, and who owns what was written.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.s3.models import FakeAcl, s3_backends

from infra.local.core import state
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import identities
from infra.local.s3 import access, acl, notifications, public_access
from infra.local.s3.buckets import StoredBucket, changed, flush
from infra.local.s3.objects import PARTITION, StoredKey

OPERATIONS = {"GetBucketAcl", "PutBucketAcl", "GetObjectAcl", "PutObjectAcl"}
WITH_A_LIST = {"PutObject", "CopyObject", "CreateMultipartUpload"}
NOT_SUPPORTED = "The bucket does not allow ACLs"
XML = {"content-type": "application/xml"}


def answer(request: Request, bucket_name: str, key: str, query: Mapping[str, str], body: bytes) -> Answer:
    """Answer one of the four operations on lists; the caller holds the account's lock. Raises Refused and moto's errors."""
    bucket: StoredBucket = s3_backends[request.account][PARTITION].get_bucket(bucket_name)
    stored = _object(bucket, key, query.get("versionId")) if key else None
    whose = access.owner(bucket, stored) if stored is not None else bucket.account_id
    if request.operation.startswith("Get"):
        listed = None if bucket.ownership_rule == "BucketOwnerEnforced" else (stored or bucket).acl
        return Answer(200, XML | _version(stored), acl.told(listed, whose))
    owners = acl.Owners(whose, bucket.account_id)
    given = acl.from_headers(request.headers, owners) or _of_body(body, owners)
    check(bucket, given, request.headers)
    if stored is None:
        bucket.set_acl(given)
        state.save("s3", request.account, PARTITION)
    else:
        stored.set_acl(given)
        changed(request.account, bucket_name, key)
        flush(request.account)
        event = notifications.S3NotificationEvent.OBJECT_ACL_UPDATE_EVENT
        notifications.send_event(request.account, event, bucket, stored)
    return Answer(200, _version(stored), b"")


def _of_body(body: bytes, owners: acl.Owners) -> FakeAcl:
    if not body.strip():
        raise Refused(400, "MissingSecurityHeader", "Your request was missing a required header")
    return acl.from_document(body, owners)


def _object(bucket: StoredBucket, key: str, version: str | None) -> StoredKey:
    versions = bucket.keys.getlist(key, [])
    found = next((each for each in reversed(versions) if version is None or str(each.version_id) == version), None)
    if isinstance(found, StoredKey):
        return found
    if version is not None and found is None:
        raise Refused(404, "NoSuchVersion", "The specified version does not exist.")
    if version is not None:
        raise Refused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    raise Refused(404, "NoSuchKey", "The specified key does not exist.")


def _version(stored: StoredKey | None) -> dict[str, str]:
    return {"x-amz-version-id": stored.version_id} if stored is not None and stored._is_versioned else {}


def check(bucket: Any, given: FakeAcl | None, headers: Mapping[str, str]) -> None:
    """Check that a bucket takes a list. Raises Refused."""
    if given is None:
        return
    if bucket.ownership_rule == "BucketOwnerEnforced" and headers.get("x-amz-acl") != "bucket-owner-full-control":
        raise Refused(400, "AccessControlListNotSupported", NOT_SUPPORTED)
    if public_access.of(bucket).block_public_acls and acl.is_public(given):
        raise Refused(403, "AccessDenied", "Access Denied")


def check_policy(bucket: Any, body: bytes) -> None:
    """Check that a bucket takes a policy. Raises Refused."""
    if public_access.of(bucket).block_public_policy and public_access.is_public(identities.stored(body.decode())):
        raise Refused(403, "AccessDenied", "Access Denied")


def check_ownership(bucket: Any, body: bytes) -> None:
    """Check that a bucket can do without lists: its own gives nothing to others. Raises Refused."""
    if b"BucketOwnerEnforced" in body and any(who != acl.canonical(bucket.account_id) for who, _ in acl.grants(bucket.acl, bucket.account_id)):  # fmt: skip
        raise Refused(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")  # fmt: skip


def check_versioning(bucket: Any, body: bytes) -> None:
    """Check that what is locked stays: such a bucket keeps versions. Raises Refused."""
    if bucket.object_lock_enabled and b"Suspended" in body:
        raise Refused(409, "InvalidBucketState", "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")  # fmt: skip


def policy_status(bucket: Any) -> Answer:
    """Answer whether a bucket's policy is public. Raises Refused."""
    text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else bucket.policy
    if not text:
        raise Refused(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
    public = "true" if public_access.is_public(identities.stored(text)) else "false"
    told = f'<?xml version="1.0" encoding="UTF-8"?>\n<PolicyStatus xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsPublic>{public}</IsPublic></PolicyStatus>'  # fmt: skip
    return Answer(200, XML, told.encode())


def check_write(operation: str, bucket: Any, headers: Mapping[str, str]) -> None:
    """Check the list that the headers of a write name. Raises Refused."""
    if operation in WITH_A_LIST and bucket is not None:
        check(bucket, acl.from_headers(headers, access.owners(bucket)), headers)


def check_creation(account: str, name: str, headers: Mapping[str, str]) -> None:
    """Check that a bucket's name is free, and what its creation says of lists. Raises Refused."""
    if access.owner_of(name) not in ("", account):
        raise Refused(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")  # fmt: skip
    if headers.get("x-amz-object-ownership") == "BucketOwnerEnforced" and (
        headers.get("x-amz-acl", "private") != "private" or any(name.startswith(acl.GRANT_HEADER) for name in headers)
    ):
        raise Refused(400, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")  # fmt: skip
    acl.from_headers(headers, acl.Owners("", ""))


def created(request: Request, bucket_name: str, answered: Answer) -> Answer:
    """Give a bucket the list that the headers of its creation name."""
    bucket = s3_backends[request.account][PARTITION].get_bucket(bucket_name)
    given = acl.from_headers(request.headers, acl.Owners(request.account, request.account))
    if given is not None:
        bucket.set_acl(given)
    return answered


def list_of(bucket: Any, headers: Mapping[str, str]) -> FakeAcl | None:
    """Return the list of an object that is written with these headers, None for the private one of its owner. Raises Refused."""
    owners = access.owners(bucket)
    given = acl.from_headers(headers, owners)
    if given is None and owners.owner != owners.bucket:
        return acl.canned("private", owners)
    return given


def owner_of(bucket: Any, headers: Mapping[str, str]) -> str | None:
    """Return the account that will own an object, None for the bucket's own."""
    owners = access.owners(bucket)
    if owners.owner == owners.bucket or bucket.ownership_rule == "BucketOwnerEnforced":
        return None
    if bucket.ownership_rule == "BucketOwnerPreferred" and headers.get("x-amz-acl") == "bucket-owner-full-control":
        return None
    return owners.owner


def claim(stored: Any, bucket: Any, headers: Mapping[str, str]) -> None:
    """Give what was written its owner and its list. Raises Refused."""
    owner = owner_of(bucket, headers)
    if owner is not None:
        stored.owner = owner
    listed = list_of(bucket, headers)
    if listed is not None or stored.acl is not None:
        stored.acl = listed
