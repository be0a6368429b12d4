"""Lifecycles of buckets: what S3 refuses in one, and the document as it is told again. Nothing is moved or expired by it here.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html, intro-lifecycle-rules.html
"""

from __future__ import annotations

import uuid
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from infra.local.core.refused import Refused
from infra.local.s3.documents import children, moment, name_of, text_of

ID_LENGTH = 255
MOST_RULES = 1000
MOST_NEWER_VERSIONS = 100
LEAST_DAYS = 30  # before an infrequent access class, and in it
INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
ACTIONS = {
    "Expiration",
    "Transition",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload",
}
register_namespace("", "http://s3.amazonaws.com/doc/2006-03-01/")  # written without a prefix


def check(root: Element) -> None:
    """Check a lifecycle that fits the model. Raises Refused; ValueError where it is none of S3's schema."""
    rules = children(root, "Rule")
    if len(rules) > MOST_RULES:
        raise _invalid_request(f"The number of lifecycle rules must not exceed the allowed limit of {MOST_RULES} rules")
    names = [name for rule in rules if (name := text_of(rule, "ID"))]
    if len(names) != len(set(names)):
        raise _invalid("Rule ID must be unique. Found same ID for more than one rule")
    for rule in rules:
        _check_rule(rule)


def _invalid(said: str) -> Refused:
    return Refused(400, "InvalidArgument", said)


def _invalid_request(said: str) -> Refused:
    return Refused(400, "InvalidRequest", said)


def _check_rule(rule: Element) -> None:
    if len(text_of(rule, "ID") or "") > ID_LENGTH:
        raise _invalid(f"ID length should not exceed allowed limit of {ID_LENGTH}")
    if (not children(rule, "Filter")) == (not children(rule, "Prefix")):
        raise ValueError("a rule has a filter or a prefix")
    if not any(name_of(child) in ACTIONS for child in rule):
        raise _invalid_request("At least one action needs to be specified in a rule")
    for each in children(rule, "Filter"):
        _check_filter(each, rule)
    for expiration in children(rule, "Expiration"):
        _check_expiration(expiration)
    for transition in children(rule, "Transition"):
        _check_transition(transition)
    for abort in children(rule, "AbortIncompleteMultipartUpload"):
        _at_least_one(abort, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
    for old in children(rule, "NoncurrentVersionExpiration"):
        _check_noncurrent(old, rule)
    _check_order(rule)


def _check_filter(condition: Element, rule: Element) -> None:
    """Check a rule's filter: one condition, or an And of two or more."""
    if len(condition) > 1:
        raise ValueError("a filter has one condition")
    both = children(condition, "And")
    conditions = [*(both[0] if both else condition)]
    if both and len(conditions) < 2:
        raise ValueError("an And has two conditions or more")
    keys = [text_of(tag, "Key") for tag in conditions if name_of(tag) == "Tag"]
    if len(keys) != len(set(keys)):
        raise _invalid_request("Duplicate Tag Keys are not allowed.")
    sizes = {name_of(each): int(each.text or "") for each in conditions if name_of(each).startswith("ObjectSize")}
    least, most = sizes.get("ObjectSizeGreaterThan"), sizes.get("ObjectSizeLessThan")
    if least is not None and most is not None and least >= most:
        raise _invalid_request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
    if children(rule, "AbortIncompleteMultipartUpload") and (keys or sizes):
        raise _invalid_request(f"AbortIncompleteMultipartUpload cannot be specified with {'Tags' if keys else 'Object Size'}.")  # fmt: skip
    if keys and any(text_of(each, "ExpiredObjectDeleteMarker") is not None for each in children(rule, "Expiration")):
        raise _invalid_request("ExpiredObjectDeleteMarker cannot be specified with Tags.")


def _at_least_one(action: Element, name: str, said: str) -> None:
    days = text_of(action, name)
    if days is not None and int(days) < 1:
        raise _invalid(f"'{name}' for {said} action must be a positive integer")


def _check_expiration(expiration: Element) -> None:
    if len(expiration) != 1:
        raise ValueError("an expiration has days, a date or a marker")
    _at_least_one(expiration, "Days", "Expiration")
    _check_midnight(text_of(expiration, "Date"))


def _check_midnight(date: str | None) -> None:
    if date is not None and (len(date) < 10 or date[4] != "-"):
        raise ValueError(date)
    if date is not None and moment(date).strftime("%H%M%S%f") != "0" * 12:
        raise _invalid("'Date' must be at midnight GMT")


def _check_transition(transition: Element) -> None:
    days, date, target = (text_of(transition, name) for name in ("Days", "Date", "StorageClass"))
    if (days is None) == (date is None) or target is None:
        raise ValueError("a transition has days or a date, and a storage class")
    if days is not None and int(days) < 0:
        raise _invalid("'Days' in Transition action must be nonnegative")
    if days is not None and target in INFREQUENT and int(days) < LEAST_DAYS:
        raise _invalid(f"'Days' in Transition action must be greater than or equal to {LEAST_DAYS} for storageClass '{target}'")  # fmt: skip
    _check_midnight(date)


def _check_noncurrent(old: Element, rule: Element) -> None:
    _at_least_one(old, "NoncurrentDays", "NoncurrentVersionExpiration")
    newer = text_of(old, "NewerNoncurrentVersions")
    if newer is None:
        return
    if not 1 <= int(newer) <= MOST_NEWER_VERSIONS:
        raise _invalid(f"'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and {MOST_NEWER_VERSIONS}")  # fmt: skip
    if not children(rule, "Filter"):
        raise _invalid_request("NewerNoncurrentVersions can only be specified in a rule with a Filter.")


def _check_order(rule: Element) -> None:
    """Check that the transitions of a rule come one after another, and before its end."""
    transitions, expirations = children(rule, "Transition"), children(rule, "Expiration")
    where = f"prefix '{_prefix(rule)}'"
    classes = [text_of(each, "StorageClass") for each in transitions]
    if len(classes) != len(set(classes)):
        raise _invalid_request(f"'StorageClass' must be different for 'Transition' actions in same 'Rule' with {where}")
    kinds = {name_of(field) for each in (*transitions, *expirations) for field in each} & {"Days", "Date"}
    if len(kinds) > 1:
        raise _invalid_request(f"Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for {where}")  # fmt: skip
    days = sorted((int(text), text_of(each, "StorageClass") or "") for each in transitions if (text := text_of(each, "Days")))  # fmt: skip
    for (first, from_class), (then, to_class) in zip(days, days[1:], strict=False):
        if from_class in INFREQUENT and to_class not in INFREQUENT and then < first + LEAST_DAYS:
            raise _invalid(f"'Days' in the 'Transition' action for StorageClass '{to_class}' for {where} must be {LEAST_DAYS} days more than in the 'Transition' action for StorageClass '{from_class}'")  # fmt: skip
    ends = [int(text) for each in expirations if (text := text_of(each, "Days"))]
    if days and ends and min(ends) <= days[-1][0]:
        raise _invalid(f"'Days' in the Expiration action for {where} must be greater than 'Days' in the Transition action")  # fmt: skip


def _prefix(rule: Element) -> str:
    return next((each.text or "" for each in rule.iter() if name_of(each) == "Prefix"), "")


def with_names(body: bytes) -> bytes:
    """Return a lifecycle with a name for each rule, as S3 gives one to a rule that has none."""
    root = fromstring(body)
    for rule in children(root, "Rule"):
        if not text_of(rule, "ID"):
            for empty in children(rule, "ID"):
                rule.remove(empty)
            SubElement(rule, f"{rule.tag[: -len('Rule')]}ID").text = str(uuid.uuid4())
    return tostring(root, encoding="utf-8", xml_declaration=True)
