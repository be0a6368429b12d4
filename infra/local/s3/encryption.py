"""The encryption that a request to S3 asks for: what its headers may say, and the key without which an object cannot be read.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html, specifying-s3-encryption.html, UsingKMSEncryption.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from infra.local.core.refused import Refused

SSE = "x-amz-server-side-encryption"
KMS_KEY = f"{SSE}-aws-kms-key-id"
CUSTOMER = f"{SSE}-customer-"
SOURCE_CUSTOMER = f"x-amz-copy-source-{SSE.removeprefix('x-amz-')}-customer-"
KEY_BYTES = 32
READS = {"GetObject", "HeadObject", "GetObjectAttributes"}
WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload"}


class CustomerKey(NamedTuple):
    """What is kept of a key that only the customer has.

    md5: of the key, base64, as the answers repeat it
    salt, digest: with which a key that is given later is compared
    """

    md5: str
    salt: bytes
    digest: bytes

    def opens(self, key: bytes) -> bool:
        return hmac.compare_digest(_digest(self.salt, key), self.digest)

    def headers(self) -> dict[str, str]:
        return {f"{CUSTOMER}algorithm": "AES256", f"{CUSTOMER}key-MD5": self.md5}


def _digest(salt: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, key, "sha256")


def is_asked(headers: Mapping[str, str]) -> bool:
    """Tell whether a request says anything about encryption."""
    return any(name.startswith((SSE, SOURCE_CUSTOMER)) for name in headers)


def check(operation: str, headers: Mapping[str, str]) -> None:
    """Check that what a request says about encryption fits together. Raises Refused."""
    if not is_asked(headers):
        return
    customer = given_key(headers)
    method = headers.get(SSE)
    if operation in READS and method is not None:
        raise Refused(400, "InvalidArgument", f"{SSE} header is not supported for this operation.")
    if operation not in WRITES:
        return
    if customer is not None and (method is not None or KMS_KEY in headers):
        raise Refused(400, "InvalidArgument", "Server Side Encryption with Customer provided key is incompatible with the encryption method specified")  # fmt: skip
    if KMS_KEY in headers and method not in ("aws:kms", "aws:kms:dsse"):
        raise Refused(400, "InvalidArgument", f"Server Side Encryption with AWS KMS managed key requires HTTP header {SSE} : aws:kms")  # fmt: skip


def given_key(headers: Mapping[str, str], prefix: str = CUSTOMER) -> bytes | None:
    """Return the customer's key in a request's headers, None where there is none.

    Raises
    ------
    Refused: a part of the three headers is missing or wrong
    """
    names = ("algorithm", "key", "key-md5")
    algorithm, text, md5 = (headers.get(f"{prefix}{name}") for name in names)
    if algorithm is None and text is None and md5 is None:
        return None
    if not algorithm:
        raise Refused(400, "InvalidArgument", "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.")  # fmt: skip
    if algorithm != "AES256":
        raise Refused(400, "InvalidEncryptionAlgorithmError", "The encryption request that you specified is not valid. The valid value is AES256.")  # fmt: skip
    if not text:
        raise Refused(400, "InvalidArgument", "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.")  # fmt: skip
    if not md5:
        raise Refused(400, "InvalidArgument", "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.")  # fmt: skip
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Refused(400, "InvalidArgument", "The secret key was invalid for the specified algorithm.")
    if _md5(key) != md5:
        raise Refused(400, "InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.")  # fmt: skip
    return key


def customer_key(headers: Mapping[str, str]) -> CustomerKey | None:
    """Return what is to be kept of the key in a request's headers. Raises Refused."""
    key = given_key(headers)
    if key is None:
        return None
    salt = os.urandom(16)
    return CustomerKey(_md5(key), salt, _digest(salt, key))


def _md5(key: bytes) -> str:
    return base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()


def check_read(kept: CustomerKey | None, headers: Mapping[str, str], prefix: str = CUSTOMER) -> None:
    """Check the key for reading an object, with what is kept of its key. Raises Refused."""
    key = given_key(headers, prefix)
    if kept is None:
        if key is not None:
            raise Refused(400, "InvalidRequest", "The encryption parameters are not applicable to this object.")
    elif key is None:
        raise Refused(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")  # fmt: skip
    elif not kept.opens(key):
        raise Refused(403, "AccessDenied", "Access Denied")


def check_part(kept: CustomerKey | None, headers: Mapping[str, str]) -> None:
    """Check the key of a part with that of its upload. Raises Refused."""
    key = given_key(headers)
    if kept is None and key is not None:
        raise Refused(400, "InvalidRequest", "The multipart upload initiate did not request encryption. Subsequent part requests must not include encryption parameters.")  # fmt: skip
    if kept is not None and key is None:
        raise Refused(400, "InvalidRequest", "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")  # fmt: skip
    if kept is not None and key is not None and not kept.opens(key):
        raise Refused(400, "InvalidRequest", "The provided encryption parameters did not match the ones used originally.")  # fmt: skip


def answered(stored: Any) -> dict[str, str]:
    """Return what answers tell of the encryption of an object, or of a part."""
    if stored.customer_key is not None:
        return stored.customer_key.headers()
    told = {SSE: stored.encryption or "AES256"}
    if stored.encryption in ("aws:kms", "aws:kms:dsse"):
        told[KMS_KEY] = key_arn(stored)
        if stored.bucket_key_enabled is not None:
            told[f"{SSE}-bucket-key-enabled"] = str(stored.bucket_key_enabled).lower()
    return told


def key_arn(stored: Any) -> str:
    """Return the KMS key of an object: the one that was named, or the account's own for S3."""
    return stored.kms_key_id or f"arn:aws:kms:{stored.region_name}:{stored.account_id}:alias/aws/s3"
