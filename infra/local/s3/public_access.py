"""Block Public Access of a bucket, and which policies are public.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

from infra.local.core.roles.policy import Policy, Statement

FIXED_KEYS = {  # a condition on one of these, with fixed values, makes a statement for somebody in particular
    "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:principalorgpaths", "aws:sourcearn", "aws:sourceip",
    "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid", "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn", "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:sourceorgid", "aws:sourceorgpaths",
}  # fmt: skip
POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress")
BROADEST_V4, BROADEST_V6 = 8, 32  # shorter prefixes are public


class Blocked(NamedTuple):
    """What a bucket blocks."""

    block_public_acls: bool = False
    ignore_public_acls: bool = False
    block_public_policy: bool = False
    restrict_public_buckets: bool = False


NOTHING = Blocked()


def of(bucket: Any) -> Blocked:
    """Return what is blocked for a bucket."""
    settings = bucket.public_access_block
    if settings is None:
        return NOTHING
    return Blocked(*(str(getattr(settings, name)).lower() == "true" for name in Blocked._fields))


def is_public(policy: Policy) -> bool:
    """Tell whether a policy gives something to everybody."""
    return any(_is_public(statement) for statement in policy.statements)


def _is_public(statement: Statement) -> bool:
    if not statement.allows:
        return False
    if statement.not_principals is None:
        listed = statement.principals or {}
        if "*" not in listed and "*" not in listed.get("AWS", ()):
            return False
    return not any(_narrows(each.operator, each.key, each.values) for each in statement.conditions)


def _narrows(operator: str, key: str, values: tuple[str, ...]) -> bool:
    """Tell whether a condition lets only somebody in particular through: fixed values of a key that tells who asks."""
    kind = operator.lower().rpartition(":")[2]
    if kind not in POSITIVE or key.lower() not in FIXED_KEYS:
        return False
    if kind == "ipaddress":
        return not any(_is_broad(value) for value in values)
    return not any(any(sign in value for sign in ("*", "?", "${")) for value in values if key.lower() != "aws:userid")


def _is_broad(address: str) -> bool:
    host, _, length = address.partition("/")
    if not length.isdigit():
        return False
    return int(length) < (BROADEST_V6 if ":" in host else BROADEST_V4)
