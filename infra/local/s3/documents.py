"""What S3 refuses in a configuration that its model allows: contradictions of a retention, a lock, a website, of CORS rules, tags, a policy.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html, API_PutBucketVersioning.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html, API_PutBucketCors.html, API_PutBucketTagging.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from infra.local.core.refused import Refused
from infra.local.core.roles import kinds
from infra.local.core.roles.policy import MalformedPolicy, parse

MOST_CORS_RULES = 100
MOST_BUCKET_TAGS = 50
MOST_YEARS, MOST_DAYS = 100, 36_500  # of a default retention


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


def text_of(element: Element, name: str) -> str | None:
    """Return the text of the first child of a name, None where there is none."""
    for child in element:
        if name_of(child) == name:
            return (child.text or "").strip()
    return None


def children(element: Element, name: str) -> list[Element]:
    """Return the children of a name."""
    return [child for child in element if name_of(child) == name]


def moment(text: str) -> datetime:
    """Return a date of a document. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retention(root: Element) -> None:
    until = text_of(root, "RetainUntilDate")
    if (text_of(root, "Mode") is None) != (until is None):
        raise ValueError("a mode needs its date, and a date its mode")
    if until is not None and moment(until) <= datetime.now(UTC):
        raise Refused(400, "InvalidArgument", "The retain until date must be in the future!")


def _lock(root: Element) -> None:
    for retention in (each for rule in children(root, "Rule") for each in children(rule, "DefaultRetention")):
        lengths = [length for name in ("Days", "Years") if (length := text_of(retention, name)) is not None]
        if len(lengths) != 1 or text_of(retention, "Mode") is None:
            raise ValueError("a default retention has a mode, and days or years")
        if int(lengths[0]) < 1:
            raise Refused(400, "InvalidArgument", "Default retention period must be a positive integer value")
        if int(lengths[0]) > (MOST_YEARS if text_of(retention, "Years") is not None else MOST_DAYS):
            raise Refused(400, "InvalidArgument", "Default retention period too large")


def _versioning(root: Element) -> None:
    if text_of(root, "Status") is None:
        said = "The Versioning element must be specified"
        raise Refused(400, "IllegalVersioningConfigurationException", said)


def _completion(root: Element) -> None:
    if not children(root, "Part"):
        raise ValueError("no parts")


def _website(root: Element) -> None:
    index, redirect = children(root, "IndexDocument"), children(root, "RedirectAllRequestsTo")
    if redirect and len(root) > 1:
        said = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."
        raise Refused(400, "InvalidArgument", said)
    if not index and not redirect:
        said = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        raise Refused(400, "InvalidArgument", said)
    for document in index:
        suffix = text_of(document, "Suffix") or ""
        if not suffix or "/" in suffix:
            raise Refused(400, "InvalidArgument", "The IndexDocument Suffix is not well formed")


def _cors(root: Element) -> None:
    rules = children(root, "CORSRule")
    if len(rules) > MOST_CORS_RULES:
        raise Refused(400, "InvalidRequest", f"The number of CORS rules should not exceed allowed limit of {MOST_CORS_RULES} rules.")  # fmt: skip
    for name in ("AllowedOrigin", "AllowedHeader"):
        for value in (each.text or "" for rule in rules for each in children(rule, name)):
            if value.count("*") > 1:
                raise Refused(400, "InvalidRequest", f'{name} "{value}" can not have more than one wildcard.')
    for value in (each.text or "" for rule in rules for each in children(rule, "ExposeHeader")):
        if "*" in value:
            raise Refused(400, "InvalidRequest", f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard for ExposeHeader.')  # fmt: skip


def _tags(root: Element) -> None:
    tags = [tag for tag_set in children(root, "TagSet") for tag in children(tag_set, "Tag")]
    check_tags([(text_of(tag, "Key") or "", text_of(tag, "Value") or "") for tag in tags])


def _bucket_tags(root: Element) -> None:
    tags = [tag for tag_set in children(root, "TagSet") for tag in children(tag_set, "Tag")]
    if len(tags) > MOST_BUCKET_TAGS:
        raise Refused(400, "BadRequest", f"Bucket tag count cannot be greater than {MOST_BUCKET_TAGS}")
    _tags(root)


def check_tags(tags: Iterable[tuple[str, str]]) -> None:
    """Check that a set of tags has each key once, and none is empty. Raises Refused."""
    keys = [key for key, _ in tags]
    if not all(keys):
        raise Refused(400, "InvalidTag", "The TagKey you have provided is invalid")
    if len(keys) != len(set(keys)):
        raise Refused(400, "InvalidTag", "Cannot provide multiple Tags with the same key")


_CHECKS: dict[str, Callable[[Element], None]] = {
    "CompleteMultipartUpload": _completion,
    "PutBucketCors": _cors,
    "PutBucketTagging": _bucket_tags,
    "PutBucketVersioning": _versioning,
    "PutBucketWebsite": _website,
    "PutObjectLockConfiguration": _lock,
    "PutObjectRetention": _retention,
    "PutObjectTagging": _tags,
}
