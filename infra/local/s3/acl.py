"""Access control lists: what they grant and to whom, as headers and documents say it, and how they are told.

They are kept as moto's, which lakes of before hold, too. An account's canonical user id is made of its number.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from moto.s3 import models
from moto.s3.models import FakeAcl, FakeGrant, FakeGrantee

from infra.local.core.refused import Refused
from infra.local.s3.documents import name_of

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
ANY_ACCOUNT = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = (EVERYBODY, ANY_ACCOUNT, LOG_DELIVERY)
PERMISSIONS = ("FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP")
CANONICAL = re.compile(r"[0-9a-f]{64}")
GRANT_HEADER = "x-amz-grant-"
GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]+)"?\s*', re.IGNORECASE)
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
NO_EMAIL = "Grants to e-mail addresses are no longer supported."
CANNED = {
    "private": (),
    "public-read": ((EVERYBODY, "READ"),),
    "public-read-write": ((EVERYBODY, "READ"), (EVERYBODY, "WRITE")),
    "authenticated-read": ((ANY_ACCOUNT, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
    "aws-exec-read": (),
    "bucket-owner-read": (("owner", "READ"),),
    "bucket-owner-full-control": (("owner", "FULL_CONTROL"),),
}


class Owners(NamedTuple):
    """The accounts behind an ACL: who owns what it is of, and who owns the bucket."""

    owner: str
    bucket: str


@lru_cache(maxsize=1024)
def canonical(account: str) -> str:
    """Return the canonical user id of an account, 64 hexadecimal digits."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


def canned(name: str, owners: Owners) -> FakeAcl:
    """Return one of the predefined lists. Raises Refused."""
    if name not in CANNED:
        raise Refused(400, "InvalidArgument", "")
    grants = [_grant(canonical(owners.owner), "FULL_CONTROL")]
    for grantee, permission in CANNED[name]:
        if grantee != "owner":
            grants.append(_grant(grantee, permission))
        elif owners.bucket != owners.owner:
            grants.append(_grant(canonical(owners.bucket), permission))
    return FakeAcl(grants)


def from_headers(headers: Mapping[str, str], owners: Owners) -> FakeAcl | None:
    """Return the list that a request's headers name, None where they name none. Raises Refused."""
    name = headers.get("x-amz-acl", "")
    given = [(header, value) for header, value in headers.items() if header.startswith(GRANT_HEADER)]
    if name and given:
        raise Refused(400, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
    if name:
        return canned(name, owners)
    grants = []
    for header, value in sorted(given):
        permission = header.removeprefix(GRANT_HEADER).upper().replace("-", "_")
        if permission not in PERMISSIONS:
            continue  # no header of S3
        for each in value.split(","):
            match = GRANTEE.fullmatch(each)
            if match is None:
                raise Refused(400, "InvalidArgument", "Argument format not recognized")
            grants.append(_grant(_grantee(match[1].lower(), match[2].strip()), permission))
    return FakeAcl(grants) if grants else None


def from_document(body: bytes, owners: Owners) -> FakeAcl:
    """Return the list that an AccessControlPolicy says. Raises Refused."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise _malformed() from None
    parts = {name_of(child): child for child in root}
    owner = {name_of(child): child.text or "" for child in parts.get("Owner", ())}
    if "AccessControlList" not in parts or not owner.get("ID"):
        raise _malformed()
    if owner["ID"] not in (canonical(owners.owner), models.OWNER):  # a document that an older lake gave out
        raise Refused(403, "AccessDenied", "Access Denied")
    return FakeAcl([_from_element(grant) for grant in parts["AccessControlList"]])


def _from_element(element: ElementTree.Element) -> FakeGrant:
    parts = {name_of(child): child for child in element}
    permission = (parts["Permission"].text or "").strip() if "Permission" in parts else ""
    if permission not in PERMISSIONS or "Grantee" not in parts:
        raise _malformed()
    named = {name_of(child): (child.text or "").strip() for child in parts["Grantee"]}
    places = {"CanonicalUser": "ID", "Group": "URI", "AmazonCustomerByEmail": "EmailAddress"}
    place = places.get(parts["Grantee"].get(TYPE, ""))
    if place is None or not named.get(place):
        raise _malformed()
    return _grant(_grantee(place.lower(), named[place]), permission)


def _malformed() -> Refused:
    return Refused(400, "MalformedACLError", MALFORMED)


def _grantee(kind: str, value: str) -> str:
    """Return a grantee's canonical id or its group's address. Raises Refused."""
    if kind == "emailaddress":  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_Grantee.html: since October 2025
        raise Refused(405, "MethodNotAllowed", NO_EMAIL)
    if kind == "uri":
        if value not in GROUPS:
            raise Refused(400, "InvalidArgument", "Invalid group uri")
    elif not CANONICAL.fullmatch(value):
        raise Refused(400, "InvalidArgument", "Invalid id")
    return value


def _grant(grantee: str, permission: str) -> FakeGrant:
    group = grantee in GROUPS
    return FakeGrant([FakeGrantee(uri=grantee) if group else FakeGrantee(grantee_id=grantee)], [permission])


def grants(acl: FakeAcl | None, owner: str) -> Iterator[tuple[str, str]]:
    """Yield grantee (canonical id, or group) and permission; None is the private list of its owner."""
    if acl is None:
        yield canonical(owner), "FULL_CONTROL"
        return
    for grant in acl.grants:
        for grantee in grant.grantees:
            who = grantee.uri or (canonical(owner) if grantee.id == models.OWNER else grantee.id)
            for permission in grant.permissions:
                yield who, permission


def allows(acl: FakeAcl | None, owner: str, permission: str, account: str, ignore_public: bool = False) -> bool:
    """Tell whether a list gives a permission to an account, "" for somebody who has not signed.

    Parameters
    ----------
    ignore_public: what it gives to everybody, or to every account, does not count (Block Public Access)
    """
    mine = {canonical(account)} if account else set()
    if not ignore_public:
        mine |= {EVERYBODY, ANY_ACCOUNT} if account else {EVERYBODY}
    return any(who in mine and given in (permission, "FULL_CONTROL") for who, given in grants(acl, owner))


def is_public(acl: FakeAcl | None) -> bool:
    """Tell whether a list gives anything to everybody, or to every account of AWS."""
    return any(who in (EVERYBODY, ANY_ACCOUNT) for who, _ in grants(acl, ""))


def told(acl: FakeAcl | None, owner: str) -> bytes:
    """Return a list as GetBucketAcl and GetObjectAcl answer it."""
    out = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Owner><ID>{canonical(owner)}</ID></Owner><AccessControlList>"
    ]
    for who, permission in grants(acl, owner):
        kind, place = ("Group", "URI") if who in GROUPS else ("CanonicalUser", "ID")
        out.append(
            f'<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}">'
            f"<{place}>{escape(who)}</{place}></Grantee><Permission>{permission}</Permission></Grant>"
        )
    out.append("</AccessControlList></AccessControlPolicy>")
    return "".join(out).encode()
