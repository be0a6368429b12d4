"""What S3 refuses in a configuration that its model allows: contradictions of a lifecycle, a retention, a lock, a website, a policy.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from infra.local.core.refused import Refused
from infra.local.core.roles import kinds
from infra.local.core.roles.policy import MalformedPolicy, parse

ID_LENGTH = 255
register_namespace("", "http://s3.amazonaws.com/doc/2006-03-01/")  # written without a prefix
ACTIONS = {
    "Expiration",
    "Transition",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload",
}


def check(operation: str, root: Element) -> None:
    """Check what a document says. Raises Refused; ValueError where a value is none of its kind."""
    if operation in _CHECKS:
        _CHECKS[operation](root)


def check_policy(body: bytes, bucket: str) -> None:
    """Check a bucket's policy: JSON, of IAM's grammar, each statement for somebody and about this bucket. Raises Refused."""
    if not body.lstrip().startswith(b"{"):
        raise Refused(400, "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
    try:
        kinds.check_bucket(parse(body.decode()), bucket)
    except UnicodeDecodeError:
        raise Refused(400, "MalformedPolicy", "This policy contains invalid Json") from None
    except MalformedPolicy as error:
        raise Refused(400, "MalformedPolicy", str(error)) from None


def name_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str | None:
    for child in element:
        if name_of(child) == name:
            return (child.text or "").strip()
    return None


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if name_of(child) == name]


def _lifecycle(root: Element) -> None:
    rules = _children(root, "Rule")
    names = [name for rule in rules if (name := _text(rule, "ID"))]
    if len(names) != len(set(names)):
        raise Refused(400, "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    for rule in rules:
        if len(_text(rule, "ID") or "") > ID_LENGTH:
            raise Refused(400, "InvalidArgument", f"ID length should not exceed allowed limit of {ID_LENGTH}")
        if not any(name_of(child) in ACTIONS for child in rule):
            raise Refused(400, "InvalidRequest", "At least one action needs to be specified in a rule")
        for expiration in _children(rule, "Expiration"):
            _expiration(expiration)
        for transition in _children(rule, "Transition"):
            _transition(transition)


def _expiration(expiration: Element) -> None:
    days, date = _text(expiration, "Days"), _text(expiration, "Date")
    if days is not None and int(days) < 1:
        raise Refused(400, "InvalidArgument", "'Days' for Expiration action must be a positive integer")
    if date is not None and _moment(date).strftime("%H%M%S%f") != "0" * 12:
        raise Refused(400, "InvalidArgument", "'Date' must be at midnight GMT")


def _transition(transition: Element) -> None:
    days, date = _text(transition, "Days"), _text(transition, "Date")
    if (days is None) == (date is None) or _text(transition, "StorageClass") is None:
        raise ValueError("a transition has days or a date, and a storage class")
    if days is not None and int(days) < 0:
        raise Refused(400, "InvalidArgument", "'Days' in Transition action must be nonnegative")
    if date is not None and (len(date) < 10 or date[4] != "-"):
        raise ValueError(date)
    if date is not None and _moment(date).strftime("%H%M%S%f") != "0" * 12:
        raise Refused(400, "InvalidArgument", "'Date' must be at midnight GMT")


def with_names(body: bytes) -> bytes:
    """Return a lifecycle with a name for each rule, as S3 gives one to a rule that has none."""
    root = fromstring(body)
    for rule in _children(root, "Rule"):
        if not _text(rule, "ID"):
            for empty in _children(rule, "ID"):
                rule.remove(empty)
            SubElement(rule, f"{rule.tag[: -len('Rule')]}ID").text = str(uuid.uuid4())
    return tostring(root)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retention(root: Element) -> None:
    until = _text(root, "RetainUntilDate")
    if (_text(root, "Mode") is None) != (until is None):
        raise ValueError("a mode needs its date, and a date its mode")
    if until is not None and _moment(until) <= datetime.now(UTC):
        raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")


def _lock(root: Element) -> None:
    for retention in (each for rule in _children(root, "Rule") for each in _children(rule, "DefaultRetention")):
        lengths = [length for name in ("Days", "Years") if (length := _text(retention, name)) is not None]
        if len(lengths) != 1 or _text(retention, "Mode") is None:
            raise ValueError("a default retention has a mode, and days or years")
        if int(lengths[0]) < 1:
            raise Refused(400, "InvalidArgument", "Default retention period must be a positive integer value")


def _versioning(root: Element) -> None:
    if _text(root, "Status") is None:
        said = "The Versioning element must be specified"
        raise Refused(400, "IllegalVersioningConfigurationException", said)


def _completion(root: Element) -> None:
    if not _children(root, "Part"):
        raise ValueError("no parts")


def _website(root: Element) -> None:
    if not _children(root, "IndexDocument") and not _children(root, "RedirectAllRequestsTo"):
        said = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise Refused(400, "InvalidArgument", said)


_CHECKS: dict[str, Callable[[Element], None]] = {
    "CompleteMultipartUpload": _completion,
    "PutBucketLifecycleConfiguration": _lifecycle,
    "PutBucketVersioning": _versioning,
    "PutBucketWebsite": _website,
    "PutObjectLockConfiguration": _lock,
    "PutObjectRetention": _retention,
}
