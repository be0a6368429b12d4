"""GetObjectAttributes: what is known of an object, its checksum and its parts, without its bytes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime

from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.s3 import checksums, encryption, hot
from infra.local.s3.buckets import StoredBucket
from infra.local.s3.objects import StoredKey

KNOWN = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
MOST_PARTS = 1000


def answer(bucket: StoredBucket, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer | None:
    """Return the answer, None where there is no such object (moto says so). Raises Refused."""
    stored = hot.find_object(bucket, key, query.get("versionId"))
    if stored is None:
        return None
    encryption.check_read(stored.customer_key, headers)
    asked = [name.strip() for name in headers.get("x-amz-object-attributes", "").split(",") if name.strip()]
    if not asked or any(name not in KNOWN for name in asked):
        raise Refused(400, "InvalidArgument", "Invalid attribute name specified.")
    parts = {
        "ETag": stored.etag.strip('"'),
        "Checksum": _checksum(stored),
        "ObjectParts": _parts(stored, headers),
        "StorageClass": stored.storage_class,
        "ObjectSize": str(stored.size),
    }
    told = "".join(f"<{name}>{parts[name]}</{name}>" for name in KNOWN if name in asked and parts[name])
    modified = format_datetime(stored.last_modified.replace(tzinfo=UTC), usegmt=True)
    answered = {"content-type": "application/xml", "Last-Modified": modified}
    if stored._is_versioned:
        answered["x-amz-version-id"] = stored.version_id
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<GetObjectAttributesResponse xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"{told}</GetObjectAttributesResponse>"
    )
    return Answer(200, answered, text.encode())


def _checksum(stored: StoredKey) -> str:
    if not stored.checksum_algorithm or not stored.checksum_value:
        return ""
    name = f"Checksum{stored.checksum_algorithm}"
    return (
        f"<{name}>{checksums.told(stored)}</{name}><ChecksumType>{stored.checksum_type or 'FULL_OBJECT'}</ChecksumType>"
    )


def _parts(stored: StoredKey, headers: Mapping[str, str]) -> str:
    """Return a page of an object's parts, after the marker that the headers name."""
    all_parts = stored.multipart.parts if stored.multipart is not None else ()
    if not all_parts:
        return ""
    most = min(_number(headers, "x-amz-max-parts", MOST_PARTS), MOST_PARTS)
    marker = _number(headers, "x-amz-part-number-marker", 0)
    left = list(enumerate(all_parts, 1))[marker:]
    page = left[:most]
    out = [f"<PartsCount>{len(all_parts)}</PartsCount>"]
    out.append(f"<PartNumberMarker>{marker}</PartNumberMarker><MaxParts>{most}</MaxParts>")
    out.append(f"<IsTruncated>{'true' if len(page) < len(left) else 'false'}</IsTruncated>")
    out.append(f"<NextPartNumberMarker>{page[-1][0] if page else marker}</NextPartNumberMarker>")
    for number, part in page:
        name = f"Checksum{stored.checksum_algorithm}"
        checksum = f"<{name}>{part.checksum}</{name}>" if part.checksum else ""
        out.append(f"<Part><PartNumber>{number}</PartNumber><Size>{part.size}</Size>{checksum}</Part>")
    return "".join(out)


def _number(headers: Mapping[str, str], name: str, default: int) -> int:
    text = headers.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(400, "InvalidArgument", f"Provided {name} not an integer or within integer range")
    return int(text)
