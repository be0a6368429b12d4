"""What S3 has and the local AWS has not: settings without an effect here are told as a bucket has them that was told nothing, the rest is refused.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketMetricsConfiguration.html, API_GetBucketRequestPayment.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.s3.documents import text_of

XML = {"content-type": "application/xml"}
KINDS = ("Analytics", "IntelligentTiering", "Metrics")
ONE = {f"{verb}Bucket{kind}Configuration" for verb in ("Get", "Delete") for kind in KINDS}
LISTS = {f"ListBucket{kind}Configurations" for kind in KINDS}
PAYMENT = {"GetBucketRequestPayment", "PutBucketRequestPayment"}
REFUSED = {
    *(f"PutBucket{kind}Configuration" for kind in KINDS),
    *(f"{verb}BucketMetadata{kind}Configuration" for verb in ("Create", "Get", "Delete") for kind in ("", "Table")),
    *(f"UpdateBucketMetadata{kind}TableConfiguration" for kind in ("Annotation", "Inventory", "Journal")),
    *(f"{verb}ObjectAnnotation" for verb in ("Get", "Put", "Delete")),
    "ListObjectAnnotations", "CreateSession", "GetBucketAbac", "PutBucketAbac", "GetObjectTorrent", "RenameObject", "UpdateObjectEncryption",
}  # fmt: skip
OPERATIONS = ONE | LISTS | PAYMENT | REFUSED | {"DeleteBucketInventoryConfiguration"}


def answer(operation: str, bucket: Any, name: str, body: bytes) -> Answer:
    """Answer an operation of these on a bucket that is there; `name` is that of a configuration. Raises Refused."""
    if operation in LISTS:
        return _told(f"<{operation}Result><IsTruncated>false</IsTruncated></{operation}Result>")
    if operation == "DeleteBucketInventoryConfiguration" and bucket.inventory_configs.pop(name, None) is not None:
        return Answer(204, {}, b"")
    if operation in ONE or operation == "DeleteBucketInventoryConfiguration":
        raise Refused(404, "NoSuchConfiguration", "The specified configuration does not exist.")
    if operation == "GetBucketRequestPayment":
        return _told("<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>")
    if operation == "PutBucketRequestPayment" and text_of(ElementTree.fromstring(body), "Payer") == "BucketOwner":
        return Answer(200, {}, b"")
    raise Refused(501, "NotImplemented", f"The local AWS does not have {operation} of S3.")


def _told(document: str) -> Answer:
    return Answer(200, XML, f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'.encode())
