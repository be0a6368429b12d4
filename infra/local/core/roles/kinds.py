"""What a policy of each kind may say beyond the grammar of all: identities', trust policies, and those of a bucket.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.local.core.roles import identities
from infra.local.core.roles.policy import MalformedPolicy, Policy, Statement
from infra.local.core.roles.requests import actions

SID = re.compile(r"[0-9A-Za-z]*")
WORDS = {
    "AWS": "AWS",
    "Service": "SERVICE",
    "Federated": "FEDERATED",
    "CanonicalUser": "CANONICAL",
}  # as IAM's messages have them
AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|A(IDA|ROA|KIA|SIA)[A-Z0-9]{12,}|arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):.+"
)
ENTITY = re.compile(r"arn:aws:iam::(\d{12}):(role|user)/(\S+)")
OF_OBJECTS = re.compile(  # actions of S3
    r"(?!.*Bucket).*(Object|MultipartUpload|Governance|Replicate|InitiateReplication)|ObjectOwner", re.IGNORECASE
)
SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")


def check_identity(policy: Policy) -> None:
    """Check a policy of a role, user or group. Raises MalformedPolicy.

    Parameters
    ----------
    policy: parsed
    """
    for statement in policy.statements:
        if statement.principals is not None or statement.not_principals is not None:
            raise MalformedPolicy("Policy document should not specify a principal.")
        _check_sid(statement)


def check_trust(policy: Policy) -> None:
    """Check a role's trust policy. Raises MalformedPolicy.

    Parameters
    ----------
    policy: parsed
    """
    for statement in policy.statements:
        if statement.principals is None and statement.not_principals is None:
            raise MalformedPolicy("Missing required field Principal")
        for name, found in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
            if found is not None:
                raise MalformedPolicy(f"Has prohibited field {name}")
        if not all(each.lower().startswith("sts:") for each in statement.actions or ()):
            raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
        for kind, name in _unknown(statement):
            raise MalformedPolicy(f'Invalid principal in policy: "{WORDS[kind]}":"{name}"')
        _check_sid(statement)


def check_bucket(policy: Policy, bucket: str) -> None:
    """Check the policy of a bucket with this name. Raises MalformedPolicy.

    Parameters
    ----------
    policy: parsed
    bucket: which its resources must name
    """
    own = re.compile(rf"arn:aws[a-z-]*:s3:::{re.escape(bucket)}(/.*)?", re.DOTALL)
    for statement in policy.statements:
        if statement.principals is None and statement.not_principals is None:
            raise MalformedPolicy("Missing required field Principal")
        named = statement.resources if statement.resources is not None else statement.not_resources
        if named is None:
            raise MalformedPolicy("Missing required field Resource")
        if not all(own.fullmatch(each) for each in named):
            raise MalformedPolicy("Policy has invalid resource")
        if not all(_of_s3(each) for each in (*(statement.actions or ()), *(statement.not_actions or ()))):
            raise MalformedPolicy("Policy has invalid action")
        if next(_unknown(statement), None):
            raise MalformedPolicy("Invalid principal in policy")
        if statement.resources is not None:
            _check_places(statement.actions or (), statement.resources)


def _check_places(named: tuple[str, ...], resources: tuple[str, ...]) -> None:
    """Check that each action is one of what the resources are: buckets, or objects. Raises MalformedPolicy."""
    objects = any("/" in each for each in resources)
    buckets = any("/" not in each for each in resources)
    for action in named:
        name = action.partition(":")[2]
        if "*" in action or "?" in action:
            continue
        if not (objects if OF_OBJECTS.match(name) else buckets):
            raise MalformedPolicy("Action does not apply to any resource(s) in statement")


def _check_sid(statement: Statement) -> None:
    if not SID.fullmatch(statement.sid):
        told = f"Check that your input satisfies the regular expression {SID.pattern}"
        raise MalformedPolicy(f"Statement IDs (SID) must be alpha-numeric. {told}")


def _of_s3(action: str) -> bool:
    """Tell whether an action of a bucket's policy is one of S3's; a pattern is taken as it is."""
    prefix, _, name = action.partition(":")
    return (
        action == "*" or prefix.lower() == "s3" and bool(name) and ("*" in name or "?" in name or actions.known(action))
    )


def _unknown(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield the principals, with their kinds, that nobody is."""
    for principals in (statement.principals or {}, statement.not_principals or {}):
        for kind, names in principals.items():
            for name in names:
                if kind == "Service" and not SERVICE.fullmatch(name) or kind == "AWS" and not _is_known(name):
                    yield kind, name


def _is_known(name: str) -> bool:
    if not AWS_PRINCIPAL.fullmatch(name):
        return False
    entity = ENTITY.fullmatch(name)
    if entity is None:
        return True
    account, kind, path = entity.groups()
    if kind == "role":
        return identities.find_role(account, name) is not None
    return identities.user_named(account, path.rpartition("/")[2]) is not None
