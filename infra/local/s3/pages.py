"""ListBuckets, ListObjects, ListObjectsV2, ListObjectVersions, ListMultipartUploads and ListParts as they answer.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html, API_ListObjects.html, API_ListObjectsV2.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, API_ListMultipartUploads.html, API_ListParts.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax import saxutils

from infra.local.core.refused import Refused
from infra.local.s3 import access, acl
from infra.local.s3.buckets import StoredBucket
from infra.local.s3.listing import Version, decode_token, encode_token, list_page, versions_page
from infra.local.s3.multiparts import StoredMultipart
from infra.local.s3.objects import StoredKey

MOST_KEYS = 1000
MOST_BUCKETS = 10_000
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
Item = StoredKey | str
_CONTROLS = {
    chr(code): f"&#{code};" for code in range(32) if chr(code) not in "\t\n"
}  # a parser would make a line's end of \r


def escape(text: str) -> str:
    """Return a text as it stands in XML; characters that XML has not are told by their numbers, as S3 tells them."""
    return saxutils.escape(text, _CONTROLS)


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


def list_versions(bucket: StoredBucket, query: Mapping[str, str]) -> bytes:
    """Answer a request for all versions; the caller holds the account's lock. Raises Refused."""
    most, prefix, delimiter = _most(query), query.get("prefix", ""), query.get("delimiter", "")
    marker, id_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
    if id_marker and not marker:
        raise Refused(400, "InvalidArgument", "A version-id marker cannot be specified without a key marker.")
    page, truncated = versions_page(bucket, prefix, delimiter, marker, id_marker, most)
    encode = _encoding(query)
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket.name}</Name><Prefix>{encode(prefix)}</Prefix><KeyMarker>{encode(marker)}</KeyMarker>"
        f"<VersionIdMarker>{escape(id_marker)}</VersionIdMarker>"
    ]
    if truncated:
        last = page[-1]
        out.append(f"<NextKeyMarker>{encode(last if isinstance(last, str) else last.what.name)}</NextKeyMarker>")
        if isinstance(last, Version):
            out.append(f"<NextVersionIdMarker>{last.what.version_id}</NextVersionIdMarker>")
    out += _common(query, encode, most, truncated)
    out += [_version(bucket, item, encode) for item in page]
    out.append("</ListVersionsResult>")
    return "".join(out).encode()


def _version(bucket: StoredBucket, item: Version | str, encode: Callable[[str], str]) -> str:
    if isinstance(item, str):
        return _item(bucket, item, encode, False)
    version, latest = item.what, "true" if item.is_latest else "false"
    head = f"<Key>{encode(version.name)}</Key><VersionId>{version.version_id}</VersionId><IsLatest>{latest}</IsLatest>"
    if isinstance(version, StoredKey):
        return f"<Version>{head}{_facts(version)}{_owner(access.owner(bucket, version))}</Version>"
    when = f"<LastModified>{version.last_modified_ISO8601}</LastModified>"
    return f"<DeleteMarker>{head}{when}{_owner(bucket.account_id)}</DeleteMarker>"


def list_parts(bucket: StoredBucket, key: str, query: Mapping[str, str]) -> bytes:
    """Answer a request for the parts of an upload that is there; the caller holds the account's lock."""
    upload = bucket.multiparts[query["uploadId"]]
    most, marker = min(int(query.get("max-parts", MOST_KEYS)), MOST_KEYS), int(query.get("part-number-marker", 0))
    left = [number for number in sorted(upload.parts) if number > marker]
    page, truncated = left[:most], len(left) > most > 0
    encode, owner = _encoding(query), upload.owner or bucket.account_id
    initiator = acl.canonical(upload.initiator or bucket.account_id)
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Bucket>{bucket.name}</Bucket><Key>{encode(key)}</Key><UploadId>{upload.id}</UploadId>"
        f"<Initiator><ID>{initiator}</ID></Initiator>{_owner(owner)}<StorageClass>{upload.storage or 'STANDARD'}</StorageClass>"
        f"<PartNumberMarker>{marker}</PartNumberMarker><NextPartNumberMarker>{page[-1] if page else 0}</NextPartNumberMarker>"
        f"<MaxParts>{most}</MaxParts><IsTruncated>{'true' if truncated else 'false'}</IsTruncated>{_kind(upload)}"
    ]
    out += [_part(number, upload.parts[number], upload.algorithm) for number in page]
    out.append("</ListPartsResult>")
    return "".join(out).encode()


def _part(number: int, part: StoredKey, algorithm: str | None) -> str:
    told = part.checksum_algorithm if part.checksum_value and algorithm in (None, part.checksum_algorithm) else None
    checksum = f"<Checksum{told}>{part.checksum_value}</Checksum{told}>" if told else ""
    return (
        f"<Part><PartNumber>{number}</PartNumber><LastModified>{part.last_modified_ISO8601}</LastModified>"
        f"<ETag>&quot;{part.etag[1:-1]}&quot;</ETag><Size>{part.size}</Size>{checksum}</Part>"
    )


def _kind(upload: StoredMultipart) -> str:
    """Return what an answer tells of the checksum that an upload asks for."""
    kind = f"<ChecksumAlgorithm>{upload.algorithm}</ChecksumAlgorithm>" if upload.algorithm else ""
    return kind + (f"<ChecksumType>{upload.kind}</ChecksumType>" if upload.kind else "")


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
    owner, initiator = item.owner or bucket.account_id, item.initiator or bucket.account_id
    return (
        f"<Upload><Key>{encode(item.key_name)}</Key><UploadId>{item.id}</UploadId>{_kind(item)}"
        f"<Initiator><ID>{acl.canonical(initiator)}</ID></Initiator>{_owner(owner)}"
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
    owner = _owner(access.owner(bucket, item)) if with_owner else ""
    return f"<Contents><Key>{encode(item.name)}</Key>{_facts(item)}{owner}</Contents>"


def _facts(stored: StoredKey) -> str:
    """Return what listings tell of an object: its date, ETag, checksum, size in bytes and storage class."""
    checksum = ""
    if stored.checksum_algorithm and stored.checksum_value:
        kind = stored.checksum_type or "FULL_OBJECT"
        checksum = f"<ChecksumAlgorithm>{stored.checksum_algorithm}</ChecksumAlgorithm><ChecksumType>{kind}</ChecksumType>"  # fmt: skip
    return (
        f"<LastModified>{stored.last_modified_ISO8601}</LastModified><ETag>&quot;{stored.etag[1:-1]}&quot;</ETag>{checksum}"
        f"<Size>{stored.size}</Size><StorageClass>{stored.storage_class}</StorageClass>"
    )


def _owner(account: str) -> str:
    return f"<Owner><ID>{acl.canonical(account)}</ID></Owner>"
