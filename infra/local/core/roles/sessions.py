"""Sessions of roles: what a service gets to act for a user, and what AssumeRole gives out.

A service asks `session(account, role, service)` for each piece of work, so that a trust policy that changed counts.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from infra.local.core import pace
from infra.local.core.roles import identities
from infra.local.core.roles.evaluation import Ask, Decision, Kind, Policies, Principal, evaluate
from infra.local.core.roles.identities import Role
from infra.local.core.roles.matching import Context
from infra.local.core.roles.policy import Policy

# Services whose assuming of a role is not known to come with aws:SourceAccount and aws:SourceArn: no page of AWS says so, and reports
# of users say that they do not. Others are documented, each on a page "Cross-service confused deputy prevention".
_TELL_NO_SOURCE = {"glue", "lambda"}


class CannotAssume(Exception):
    """A service may not act as this role: there is no such role, or it does not trust the service."""

    def __init__(self, role: str, service: str):
        super().__init__(f"The role {role} is not there or does not trust {service}.amazonaws.com.")
        self.role, self.service = role, service


@dataclass(frozen=True, eq=False)
class Session:
    """Temporary credentials of a role.

    Attributes
    ----------
    policies: session policies, None where none was given
    service: the service that acts with it, "" when a caller assumed the role
    issued, expires: seconds since 1970; a service's session does not expire, since AWS's services renew theirs
    tags: tags of the role and of the session, as aws:PrincipalTag
    """

    role: Role
    name: str
    access_key: str
    secret_key: str
    token: str
    issued: float
    expires: float | None = None
    policies: tuple[Policy, ...] | None = None
    service: str = ""
    source_identity: str = ""
    tags: tuple[tuple[str, str], ...] = field(default=())

    @property
    def account(self) -> str:
        """Return the role's account."""
        return self.role.account

    @property
    def arn(self) -> str:
        """As messages name the caller."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role.name}/{self.name}"

    @property
    def user_id(self) -> str:
        """Return the session's `aws:userid`: the role's id and the session's name."""
        return f"{self.role.id}:{self.name}"

    @property
    def principal(self) -> Principal:
        """Return who the session is to a policy."""
        return Principal(Kind.ROLE, self.account, self.arn, self.role.arn, self.role.id)

    def client(self, region: str, service: str) -> Any:
        """Return a boto3 client on this server that acts with these credentials. Only for background threads.

        Parameters
        ----------
        region: for example us-east-1
        service: botocore's name
        """
        return _client(self, region, service)


@dataclass(frozen=True, eq=False)
class Token:
    """Temporary credentials of a user, or of root (`user` is "").

    Attributes
    ----------
    name: of a federated user, who may do what both the user and `policies` allow; "" for the user itself
    """

    account: str
    user: str
    access_key: str
    secret_key: str
    token: str
    issued: float
    expires: float | None
    policies: tuple[Policy, ...] | None = None
    name: str = ""


_by_key: dict[str, Session] = {}
_by_use: dict[tuple[str, ...], Session] = {}
_lock = threading.Lock()


def session(
    account: str, role: str, service: str, name: str = "", source_arn: str = "", extra: Mapping[str, str] | None = None
) -> Session:
    """Return the credentials with which a service acts as a role.

    Parameters
    ----------
    role: the role's ARN, or its name with or without path
    service: the first label of the service's principal: `glue`, `firehose`, `lambda`, `states`, `events`, `databrew` …
    name: the session's name, as AWS's service chooses it: `GlueJobRunnerSession`, a function's name …
    source_arn: the resource for which the service acts, for conditions of the trust policy
    extra: more keys of the trust policy's context, such as sts:ExternalId

    Raises
    ------
    CannotAssume: no such role, or its trust policy does not let the service assume it
    """
    found = identities.find_role(account, role)
    if found is None or not pace.reached(identities.created(found) + pace.seconds("role assumable")):
        raise CannotAssume(role, service)
    context = {"sts:externalid": (account,)} if service == "firehose" else {}
    if service not in _TELL_NO_SOURCE:
        context["aws:sourceaccount"] = (account,)
        if source_arn:
            context["aws:sourcearn"] = (source_arn,)
    context.update({key.lower(): (value,) for key, value in (extra or {}).items()})
    if not trusts(found, Principal(Kind.SERVICE, "", f"{service}.amazonaws.com"), context).allowed:
        raise CannotAssume(found.arn, service)
    known = identities.role_of(found)
    use = (account, known.id, service, name or service)
    with _lock:
        made = _by_use.get(use)
        if made is None:
            made = new(known, name or service, service=service)
            _by_use[use] = _by_key[made.access_key] = made
    return made


def trusts(role: Any, caller: Principal, context: Context, policies: Policies | None = None) -> Decision:
    """Return whether a role's trust policy, with the caller's own policies, lets the caller assume it.

    Parameters
    ----------
    role: moto's role
    context: keys of the request, in small letters
    policies: the caller's own, none for a service
    """
    own = policies or Policies()
    trust = (identities.stored(role.assume_role_policy_document, name="trust"),)
    ask = Ask(caller, "sts:AssumeRole", role.arn, context, role.account_id)
    return evaluate(ask, Policies(own.identity, own.boundary, own.session, trust, resource_decides=True))


def new(
    role: Role,
    name: str,
    seconds: float | None = None,
    policies: tuple[Policy, ...] | None = None,
    service: str = "",
    source_identity: str = "",
    tags: Mapping[str, str] | None = None,
) -> Session:
    """Return fresh credentials of a role; nobody knows them yet.

    Parameters
    ----------
    role: that is assumed
    name: of the session
    seconds: until it expires
    policies: that limit it, None for none
    service: that assumed it, "" for an account's user or role
    source_identity: as the caller told it
    tags: key → value
    """
    now = time.time()
    return Session(
        role,
        name,
        _access_key(role.account),
        *_secrets(),
        now,
        now + seconds if seconds is not None else None,
        policies,
        service,
        source_identity,
        tuple({**dict(role.tags), **(tags or {})}.items()),
    )


def new_token(account: str, user: str, seconds: float, policies: tuple[Policy, ...] | None, name: str) -> Token:
    """Return fresh credentials of a user, or with a name of a federated user.

    Parameters
    ----------
    account: its twelve digits
    user: its name, "" for the root
    seconds: until it expires
    policies: that limit it, None for none
    name: of a federated user
    """
    now = time.time()
    return Token(account, user, _access_key(account), *_secrets(), now, now + seconds, policies, name)


def _access_key(account: str) -> str:
    from moto.iam.utils import generate_access_key_id_from_account_id

    return generate_access_key_id_from_account_id(account, prefix="ASIA", total_length=20)


def _secrets() -> tuple[str, str]:
    return secrets.token_urlsafe(30), secrets.token_urlsafe(120)


def of_service(access_key: str) -> Session | None:
    """Return the session of a service by its access key.

    Parameters
    ----------
    access_key: an access key id
    """
    return _by_key.get(access_key)


@lru_cache(maxsize=256)
def _client(session: Session, region: str, service: str) -> Any:
    from infra.local.core import telemetry

    return telemetry.new_client(region, service, session.access_key, session.secret_key, session.token)
