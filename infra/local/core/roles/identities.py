"""The account's users and roles, as moto's IAM keeps them: who is behind an access key, and which policies it has now.

No policy is kept here: one that changes counts at once.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from infra.local.core import pace
from infra.local.core.roles.evaluation import Kind, Policies, Principal
from infra.local.core.roles.policy import MalformedPolicy, Policy, parse

PARTITION = "aws"
_ACCOUNT_OFFSET = 1 << 39  # what moto, as AWS, adds to half an account's number
_SECOND_HALF = set("QRSTUVWXYZ234567")  # the letter after the number says whether it is odd
_DENY_ALL = parse({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


_version = 0
_spreading: dict[str, tuple[float, Policies]] = {}  # id of a role → until when its policies of before act, and these


def version() -> int:
    """Return a number that is another one after every change in IAM; at a pace, where changes act later, always another one."""
    return time.monotonic_ns() if pace.factor else _version


def changed(account: str = "") -> None:
    """Note that something in an account's IAM has changed; called before it is saved.

    Parameters
    ----------
    account: not looked at: the number is one for all
    """
    global _version
    _version += 1


@dataclass(frozen=True)
class Role:
    """What a session must know of its role; `id` differs when a role was deleted and made again."""

    account: str
    name: str
    path: str
    id: str
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def arn(self) -> str:
        """Return the role's ARN."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


def iam(account: str) -> Any:
    """Return moto's IAM of an account, None when nobody has used it.

    Parameters
    ----------
    account: its twelve digits
    """
    from moto.iam.models import iam_backends

    return iam_backends[account][PARTITION] if account in iam_backends.keys() else None


def account_in(key_id: str) -> str:
    """Return the account whose number is written in an access key id, "" when there is none.

    Parameters
    ----------
    key_id: as `AKIA…`
    """
    try:
        half = int.from_bytes(base64.b32decode(key_id[4:12]), "big") - _ACCOUNT_OFFSET
    except (binascii.Error, ValueError):
        return ""
    odd = key_id[12:13] in _SECOND_HALF
    account = half * 2 + odd
    return f"{account:012d}" if 0 <= account < 10**12 else ""


def find_role(account: str, role: str) -> Any:
    """Return moto's role by its ARN, or by its name with or without its path; None when there is none.

    Parameters
    ----------
    account: its twelve digits
    role: its ARN, or its name
    """
    backend = iam(account)
    if backend is None:
        return None
    name = role.rpartition("/")[2]
    named = next((each for each in list(backend.roles.values()) if each.name == name), None)
    is_other = role.startswith("arn:") and named is not None and named.arn != role
    return None if is_other else named


def role_of(found: Any) -> Role:
    """Return what a session keeps of moto's role.

    Parameters
    ----------
    found: moto's role
    """
    tags = found.tags.values() if isinstance(found.tags, dict) else found.tags or ()
    return Role(found.account_id, found.name, found.path, found.id, tuple((tag["Key"], tag["Value"]) for tag in tags))


def user_of(account: str, key_id: str) -> Any:
    """Return moto's user whose access key this is; None when there is none or the key is inactive.

    Parameters
    ----------
    account: its twelve digits
    key_id: an access key id
    """
    backend = iam(account)
    key = backend.access_keys.get(key_id) if backend is not None else None
    if key is None or key.status != "Active" or not key.user_name:
        return None
    return user_named(account, key.user_name)


def user_named(account: str, name: str) -> Any:
    """Return moto's user, None when there is none.

    Parameters
    ----------
    account: its twelve digits
    name: of the user
    """
    backend = iam(account)
    users = list(backend.users.values()) if backend is not None else ()
    return next((user for user in users if user.name == name), None)


def user_principal(user: Any) -> Principal:
    """Return who a user is to a policy.

    Parameters
    ----------
    user: moto's user
    """
    return Principal(Kind.USER, user.account_id, user.arn, user.arn, user.id)


def created(role: Any) -> float:
    """Return when moto's role was made, in seconds since 1970.

    Parameters
    ----------
    role: moto's role
    """
    return role.create_date.replace(tzinfo=UTC).timestamp()


def changing(role: Any) -> None:
    """Let the policies that a role has now act until the change that follows has spread: at once while the pace is off.

    Parameters
    ----------
    role: moto's role, before its change
    """
    if pace.factor:
        before = role_policies(role.account_id, role.id)
        _spreading[role.id] = (pace.deadline("policy"), before)


def role_policies(account: str, role_id: str) -> Policies:
    """Return the policies of a role that act now: none when it was deleted.

    Parameters
    ----------
    account: its twelve digits
    role_id: which differs when a role was deleted and made again
    """
    until, before = _spreading.get(role_id, (0.0, None))
    if before is not None and not pace.reached(until):
        return before
    _spreading.pop(role_id, None)
    backend = iam(account)
    role = backend.roles.get(role_id) if backend is not None else None
    if role is None:
        return Policies()
    return Policies(identity=attached(role), boundary=_boundary(backend, role.permissions_boundary_arn))


def user_policies(account: str, user: Any) -> Policies:
    """Return the policies of a user and of the groups it is in.

    Parameters
    ----------
    account: its twelve digits
    user: moto's user
    """
    backend = iam(account)
    identity = attached(user)
    for group in list(backend.groups.values()):
        if user in group.users:
            identity += attached(group)
    return Policies(identity=identity, boundary=_boundary(backend, getattr(user, "permissions_boundary_arn", None)))


def attached(holder: Any) -> tuple[Policy, ...]:
    """Return the inline and managed policies of a user, a group or a role.

    Parameters
    ----------
    holder: moto's user, group or role
    """
    inline: Iterable[tuple[str, str, str]] = ((text, "", name) for name, text in list(holder.policies.items()))
    managed = ((document(each), each.arn, each.name) for each in list(holder.managed_policies.values()))
    return tuple(stored(*each) for each in (*inline, *managed))


def _boundary(backend: Any, arn: str | None) -> tuple[Policy, ...] | None:
    if not arn:
        return None
    policy = backend.managed_policies.get(arn)
    return (stored(document(policy), arn, policy.name),) if policy is not None else ()


def document(managed: Any) -> str:
    """Return the text of a managed policy's default version.

    Parameters
    ----------
    managed: moto's policy
    """
    return next(each.document for each in managed.versions if each.version_id == managed.default_version_id)


def stored(text: Any, arn: str = "", name: str = "") -> Policy:
    """Return the policy of a document that is stored; one that cannot be read denies all, for it might have denied this.

    Parameters
    ----------
    text: JSON
    arn: of a managed policy
    name: of the policy, for what a denial says
    """
    try:
        return parse(text, arn, name)
    except MalformedPolicy:
        return _DENY_ALL
