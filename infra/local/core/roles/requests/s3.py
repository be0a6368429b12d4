"""S3: its requests have no operation's name, and its actions other names than its operations.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote

from infra.local.core.roles.requests.checks import Check

# What a query's word asks for on a bucket: (GET, PUT, DELETE)
_BUCKET = {
    "accelerate": ("GetAccelerateConfiguration", "PutAccelerateConfiguration", ""),
    "acl": ("GetBucketAcl", "PutBucketAcl", ""),
    "analytics": ("GetAnalyticsConfiguration", "PutAnalyticsConfiguration", "PutAnalyticsConfiguration"),
    "cors": ("GetBucketCORS", "PutBucketCORS", "PutBucketCORS"),
    "encryption": ("GetEncryptionConfiguration", "PutEncryptionConfiguration", "PutEncryptionConfiguration"),
    "intelligent-tiering": (
        "GetIntelligentTieringConfiguration",
        "PutIntelligentTieringConfiguration",
        "PutIntelligentTieringConfiguration",
    ),
    "inventory": ("GetInventoryConfiguration", "PutInventoryConfiguration", "PutInventoryConfiguration"),
    "lifecycle": ("GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration"),
    "location": ("GetBucketLocation", "", ""),
    "logging": ("GetBucketLogging", "PutBucketLogging", ""),
    "metrics": ("GetMetricsConfiguration", "PutMetricsConfiguration", "PutMetricsConfiguration"),
    "notification": ("GetBucketNotification", "PutBucketNotification", ""),
    "object-lock": ("GetBucketObjectLockConfiguration", "PutBucketObjectLockConfiguration", ""),
    "ownershipControls": ("GetBucketOwnershipControls", "PutBucketOwnershipControls", "PutBucketOwnershipControls"),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "policyStatus": ("GetBucketPolicyStatus", "", ""),
    "publicAccessBlock": ("GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    "replication": ("GetReplicationConfiguration", "PutReplicationConfiguration", "PutReplicationConfiguration"),
    "requestPayment": ("GetBucketRequestPayment", "PutBucketRequestPayment", ""),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "PutBucketTagging"),
    "uploads": ("ListBucketMultipartUploads", "", ""),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "versions": ("ListBucketVersions", "", ""),
    "website": ("GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite"),
}
_OBJECT = {
    "acl": ("GetObjectAcl", "PutObjectAcl", ""),
    "attributes": ("GetObjectAttributes", "", ""),
    "legal-hold": ("GetObjectLegalHold", "PutObjectLegalHold", ""),
    "retention": ("GetObjectRetention", "PutObjectRetention", ""),
    "tagging": ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"),
    "torrent": ("GetObjectTorrent", "", ""),
}
_VERSIONED = {
    "GetObject": "GetObjectVersion",
    "GetObjectAcl": "GetObjectVersionAcl",
    "GetObjectAttributes": "GetObjectVersionAttributes",
    "GetObjectTagging": "GetObjectVersionTagging",
    "GetObjectTorrent": "GetObjectVersionTorrent",
    "PutObjectAcl": "PutObjectVersionAcl",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObject": "DeleteObjectVersion",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
}
_METHODS = {"GET": 0, "HEAD": 0, "PUT": 1, "POST": 1, "DELETE": 2}
_LISTING = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
_HEADERS = (
    "x-amz-acl",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
    "x-amz-copy-source",
    "x-amz-metadata-directive",
    "x-amz-content-sha256",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
)
_GRANTS = "x-amz-grant-"


def object_arn(bucket: str, key: str) -> str:
    """Return the ARN of an object.

    Parameters
    ----------
    bucket: its name
    key: of the object
    """
    return f"arn:aws:s3:::{bucket}/{key}"


def checks(method: str, path: str, query_string: str, headers: Mapping[str, str], body: bytes = b"") -> Iterator[Check]:
    """Yield what a request must be allowed to do.

    Parameters
    ----------
    path: as it stands in the request, /bucket/key
    headers: names in small letters
    body: of a DeleteObjects, else not looked at
    """
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    query = dict(parse_qsl(query_string, keep_blank_values=True))
    if not bucket:
        yield Check("s3:ListAllMyBuckets")
    elif key:
        yield from _object(method, bucket, key, query, headers)
    elif "delete" in query and method == "POST":
        yield from _deleted(bucket, body)
    else:
        keys = {**_listing_keys(query), **_header_keys(headers)}
        yield Check(f"s3:{_bucket_action(method, query)}", f"arn:aws:s3:::{bucket}", keys)


def _bucket_action(method: str, query: Mapping[str, str]) -> str:
    for word, actions in _BUCKET.items():
        if word in query and (action := actions[_METHODS.get(method, 0)]):
            return action
    if method == "PUT":
        return "CreateBucket"
    if method == "DELETE":
        return "DeleteBucket"
    return "PutObject" if method == "POST" else "ListBucket"  # a form's upload


def _object(
    method: str, bucket: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> Iterator[Check]:
    arn = object_arn(bucket, key)
    keys = _header_keys(headers)
    if "versionId" in query:
        keys["s3:versionid"] = (query["versionId"],)
    action = _object_action(method, query)
    if "versionId" in query:
        action = _VERSIONED.get(action, action)
    source = headers.get("x-amz-copy-source", "")
    if source and method == "PUT":
        yield _copied(source)
    yield Check(f"s3:{action}", arn, keys)
    if action == "PutObject" and "partNumber" not in query:
        if "x-amz-acl" in headers or any(name.startswith(_GRANTS) for name in headers):
            yield Check("s3:PutObjectAcl", arn, keys)
        if headers.get("x-amz-tagging"):
            yield Check("s3:PutObjectTagging", arn, keys)


def _object_action(method: str, query: Mapping[str, str]) -> str:
    for word, actions in _OBJECT.items():
        if word in query and (action := actions[_METHODS.get(method, 0)]):
            return action
    if "uploadId" in query:
        return {"GET": "ListMultipartUploadParts", "DELETE": "AbortMultipartUpload"}.get(method, "PutObject")
    if "restore" in query:
        return "RestoreObject"
    if "select" in query:
        return "GetObject"
    return {"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"}.get(method, "PutObject")


def _copied(source: str) -> Check:
    path, _, version = source.partition("?versionId=")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return Check("s3:GetObjectVersion" if version else "s3:GetObject", object_arn(bucket, key))


def deleted(body: bytes) -> list[tuple[str, str]]:
    """Return key and version of each object that a DeleteObjects names; none for a body that is no XML.

    Parameters
    ----------
    body: the list in XML
    """
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return []
    found = []
    for element in root:
        if element.tag.rpartition("}")[2] == "Object":
            values = {child.tag.rpartition("}")[2]: child.text or "" for child in element}
            found.append((values.get("Key", ""), values.get("VersionId", "")))
    return found


def _deleted(bucket: str, body: bytes) -> Iterator[Check]:
    for key, version in deleted(body):
        yield Check("s3:DeleteObjectVersion" if version else "s3:DeleteObject", object_arn(bucket, key))


def _listing_keys(query: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: (query[word],) for word, name in _LISTING.items() if word in query}


def _header_keys(headers: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {f"s3:{name}": (headers[name],) for name in _HEADERS if name in headers}
    if "referer" in headers:
        keys["aws:referer"] = (headers["referer"],)
    tags = parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True)
    keys.update((f"s3:requestobjecttag/{key.lower()}", (value,)) for key, value in tags)
    if tags:
        keys["s3:requestobjecttagkeys"] = tuple(key for key, _ in tags)
    return keys
