"""ListBuckets, ListObjects, ListObjectsV2 and ListMultipartUploads as they answer.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html, API_ListObjects.html, API_ListObjectsV2.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from infra.local.core.refused import Refused
from infra.local.s3 import access, acl
from infra.local.s3.buckets import StoredBucket
from infra.local.s3.listing import decode_token, encode_token, list_page
from infra.local.s3.multiparts import StoredMultipart
from infra.local.s3.objects import StoredKey

MOST_KEYS = 1000
MOST_BUCKETS = 10_000
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
Item = StoredKey | str


def list_buckets(account: str, buckets: Mapping[str, StoredBucket], query: Mapping[str, str]) -> bytes:
    """Answer with an account's buckets, by name; the caller holds the account's lock. Raises Refused."""
    text = query.get("max-buckets", str(MOST_BUCKETS))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_BUCKETS):
        raise Refused(400, "InvalidArgument", f"Argument max-buckets must be an integer between 1 and {MOST_BUCKETS}")
    token, prefix, region = query.get("continuation-token"), query.get("prefix", ""), query.get("bucket-region")
    after = decode_token(token) if token is not None else ""
    left = [
        bucket
        for name, bucket in sorted(buckets.items())
        if name > after and name.startswith(prefix) and region in (None, bucket.region_name)
    ]
    page = left[: int(text)]
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Owner><ID>{acl.canonical(account)}</ID></Owner><Buckets>"
    ]
    out += [
        f"<Bucket><Name>{bucket.name}</Name><CreationDate>{bucket.creation_date_ISO8601}</CreationDate>"
        f"<BucketRegion>{bucket.region_name}</BucketRegion></Bucket>"
        for bucket in page
    ]
    out.append("</Buckets>")
    if prefix:
        out.append(f"<Prefix>{escape(prefix)}</Prefix>")
    if len(page) < len(left):
        out.append(f"<ContinuationToken>{encode_token(page[-1].name)}</ContinuationToken>")
    out.append("</ListAllMyBucketsResult>")
    return "".join(out).encode()


def list_objects(bucket: StoredBucket, query: Mapping[str, str]) -> bytes:
    """Answer a request for the old listing; the caller holds the account's lock."""
    most, prefix, delimiter = _most(query), query.get("prefix", ""), query.get("delimiter", "")
    page, truncated = list_page(bucket, prefix, delimiter, query.get("marker", ""), most)
    encode = _encoding(query)
    out = [HEAD, f"<Name>{bucket.name}</Name><Prefix>{escape(prefix)}</Prefix>"]  # clients do not decode this one
    out.append(f"<Marker>{encode(query.get('marker', ''))}</Marker>")
    if truncated and delimiter:  # without one, the last key is the next marker
        out.append(f"<NextMarker>{encode(_name(page[-1]))}</NextMarker>")
    out += _common(query, encode, most, truncated)
    out += [_item(bucket, item, encode, True) for item in page]
    out.append("</ListBucketResult>")
    return "".join(out).encode()


def list_objects_v2(bucket: StoredBucket, query: Mapping[str, str]) -> bytes:
    """Answer a request for the listing; the caller holds the account's lock. Raises Refused for a token that is none."""
    most, prefix, delimiter = _most(query), query.get("prefix", ""), query.get("delimiter", "")
    token = query.get("continuation-token")
    after = decode_token(token) if token is not None else query.get("start-after", "")
    page, truncated = list_page(bucket, prefix, delimiter, after, most)
    encode = _encoding(query)
    out = [HEAD, f"<Name>{bucket.name}</Name><Prefix>{encode(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>"]
    out += _common(query, encode, most, truncated)
    if token:
        out.append(f"<ContinuationToken>{escape(token)}</ContinuationToken>")
    if query.get("start-after"):
        out.append(f"<StartAfter>{encode(query['start-after'])}</StartAfter>")
    if truncated:
        out.append(f"<NextContinuationToken>{encode_token(_name(page[-1]))}</NextContinuationToken>")
    with_owner = query.get("fetch-owner") == "true"
    out += [_item(bucket, item, encode, with_owner) for item in page]
    out.append("</ListBucketResult>")
    return "".join(out).encode()


def list_uploads(bucket: StoredBucket, query: Mapping[str, str]) -> bytes:
    """Answer a request for the uploads that are under way; the caller holds the account's lock."""
    most = min(int(query.get("max-uploads", MOST_KEYS)), MOST_KEYS)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    encode = _encoding(query)
    listed: list[str | StoredMultipart] = []
    for upload in sorted(bucket.multiparts.values(), key=lambda each: (each.key_name, each.id)):
        name = upload.key_name
        if not name.startswith(prefix) or (name, upload.id) <= (marker, id_marker or "~"):
            continue
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        item = upload if cut < 0 else name[: cut + len(delimiter)]
        if item != marker and (not listed or listed[-1] != item):
            listed.append(item)
    page, truncated = listed[:most], len(listed) > most > 0
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Bucket>{bucket.name}</Bucket><KeyMarker>{encode(marker)}</KeyMarker><UploadIdMarker>{escape(id_marker)}</UploadIdMarker>"
        f"<Prefix>{encode(prefix)}</Prefix><MaxUploads>{most}</MaxUploads><IsTruncated>{'true' if truncated else 'false'}</IsTruncated>"
    ]
    if delimiter:
        out.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
    if query.get("encoding-type") == "url":
        out.append("<EncodingType>url</EncodingType>")
    if truncated:
        last = page[-1]
        name, number = (last, "") if isinstance(last, str) else (last.key_name, last.id)
        out.append(f"<NextKeyMarker>{encode(name)}</NextKeyMarker><NextUploadIdMarker>{number}</NextUploadIdMarker>")
    out += [_upload(bucket, each, encode) for each in page]
    out.append("</ListMultipartUploadsResult>")
    return "".join(out).encode()


def _upload(bucket: StoredBucket, item: str | StoredMultipart, encode: Callable[[str], str]) -> str:
    if isinstance(item, str):
        return f"<CommonPrefixes><Prefix>{encode(item)}</Prefix></CommonPrefixes>"
    kind = f"<ChecksumAlgorithm>{item.algorithm}</ChecksumAlgorithm>" if item.algorithm else ""
    kind += f"<ChecksumType>{item.kind}</ChecksumType>" if item.kind else ""
    owner, initiator = item.owner or bucket.account_id, item.initiator or bucket.account_id
    return (
        f"<Upload><Key>{encode(item.key_name)}</Key><UploadId>{item.id}</UploadId>{kind}"
        f"<Initiator><ID>{acl.canonical(initiator)}</ID></Initiator><Owner><ID>{acl.canonical(owner)}</ID></Owner>"
        f"<StorageClass>{item.storage or 'STANDARD'}</StorageClass><Initiated>{_moment(item.begun)}</Initiated></Upload>"
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _most(query: Mapping[str, str]) -> int:
    return min(int(query.get("max-keys", MOST_KEYS)), MOST_KEYS)


def _encoding(query: Mapping[str, str]) -> Callable[[str], str]:
    return _url if query.get("encoding-type") == "url" else escape


def _url(text: str) -> str:
    return quote(text, safe="/")


def _name(item: Item) -> str:
    return item if isinstance(item, str) else item.name


def _common(query: Mapping[str, str], encode: Callable[[str], str], most: int, truncated: bool) -> list[str]:
    out = [f"<MaxKeys>{most}</MaxKeys><IsTruncated>{'true' if truncated else 'false'}</IsTruncated>"]
    if delimiter := query.get("delimiter"):
        out.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
    if query.get("encoding-type") == "url":
        out.append("<EncodingType>url</EncodingType>")
    return out


def _item(bucket: StoredBucket, item: Item, encode: Callable[[str], str], with_owner: bool) -> str:
    if isinstance(item, str):
        return f"<CommonPrefixes><Prefix>{encode(item)}</Prefix></CommonPrefixes>"
    algorithm = f"<ChecksumAlgorithm>{item.checksum_algorithm}</ChecksumAlgorithm>" if item.checksum_algorithm else ""
    owner = f"<Owner><ID>{acl.canonical(access.owner(bucket, item))}</ID></Owner>" if with_owner else ""
    return (
        f"<Contents><Key>{encode(item.name)}</Key><LastModified>{item.last_modified_ISO8601}</LastModified>"
        f"<ETag>&quot;{item.etag[1:-1]}&quot;</ETag>{algorithm}<Size>{item.size}</Size>{owner}"
        f"<StorageClass>{item.storage_class}</StorageClass></Contents>"
    )
