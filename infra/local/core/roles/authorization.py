"""Asking for a caller: who it is, which policies it has, what AWS says when it may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from infra.local.core.roles import context, identities, recorder, resource_policies, resource_tags, sessions
from infra.local.core.roles.denial import Denied
from infra.local.core.roles.evaluation import Ask, Decision, Kind, Policies, Policy, Principal, evaluate
from infra.local.core.roles.sessions import Session, Token


@dataclass(frozen=True)
class Caller:
    """Who is behind an access key that is not an account's root.

    Attributes
    ----------
    session: temporary credentials; None for a user's own key
    user: moto's user, None for a role and for a token of root
    """

    principal: Principal
    session: Session | Token | None = None
    user: Any = None

    def policies(self) -> Policies:
        """Return its policies as they are now."""
        limits = self.session.policies if self.session is not None else None
        if isinstance(self.session, Session):
            return replace(identities.role_policies(self.session.account, self.session.role.id), session=limits)
        if self.user is None:
            return Policies(session=limits)
        return replace(identities.user_policies(self.principal.account, self.user), session=limits)

    def keys(self) -> context.Keys:
        """Return the keys that it brings itself."""
        if isinstance(self.session, Session):
            return context.of_session(self.session)
        keys: context.Keys = {}
        if self.session is not None:
            keys = context.of_token(self.session)
        if self.user is not None:
            tags = [(tag["Key"], tag["Value"]) for tag in self.user.tags or ()]
            keys.update(context.of_user(self.user.name, self.user.id, tags))
        return keys


_found: dict[str, tuple[int, Caller]] = {}  # access key → IAM's version then, and who it was
_FOUND_LIMIT = 10_000


def find(access_key: str) -> Caller | None:
    """Return the caller of an access key: a service's session, what STS gave out, or an IAM user; None for all others.

    Parameters
    ----------
    access_key: an access key id
    """
    version = identities.version()
    known = _found.get(access_key)
    if known is not None and known[0] == version:
        return known[1]
    caller = _look_up(access_key)
    if caller is not None:
        if len(_found) >= _FOUND_LIMIT:
            _found.clear()
        _found[access_key] = version, caller
    return caller


def _look_up(access_key: str) -> Caller | None:
    of_service = sessions.of_service(access_key)
    if of_service is not None:
        return Caller(of_service.principal, of_service)
    account = identities.account_in(access_key)
    session = _given_out(account, access_key)
    if isinstance(session, Session):
        return Caller(session.principal, session)
    if session is not None:
        return _of_token(session)
    user = identities.user_of(account, access_key)
    return Caller(identities.user_principal(user), user=user) if user is not None else None


def account_of(access_key: str) -> str:
    """Return the account of a caller's access key, "" when nobody is known by it.

    Parameters
    ----------
    access_key: an access key id
    """
    caller = find(access_key)
    return caller.principal.account if caller else ""


def _given_out(account: str, access_key: str) -> Session | Token | None:
    from moto.sts.models import sts_backends

    if account not in sts_backends.keys():
        return None
    return getattr(sts_backends[account][identities.PARTITION], "sessions", {}).get(access_key)


def root(account: str) -> Principal:
    """Return an account's root.

    Parameters
    ----------
    account: its twelve digits
    """
    arn = f"arn:aws:iam::{account}:root"
    return Principal(Kind.ROOT, account, arn, arn, account)


def _of_token(token: Token) -> Caller | None:
    user = identities.user_named(token.account, token.user) if token.user else None
    if token.user and user is None:  # deleted since
        return None
    if token.name:
        arn = f"arn:aws:sts::{token.account}:federated-user/{token.name}"
        return Caller(Principal(Kind.USER, token.account, arn, arn, f"{token.account}:{token.name}"), token, user)
    if user is None:
        return Caller(root(token.account), token)
    return Caller(identities.user_principal(user), token, user)


def client(access_key: str, account: str, region: str, service: str) -> Any:
    """Return a boto3 client on this server that acts as the caller with this key; as the account's root for a key that is nobody's.

    Only for background threads.

    Parameters
    ----------
    access_key: an access key id
    account: whose root acts for a key that is nobody's
    region: for example us-east-1
    service: botocore's name
    """
    from infra.local.core import telemetry

    caller = find(access_key)
    if caller is None:
        return telemetry.client(account, region, service)
    if isinstance(caller.session, Session):
        return caller.session.client(region, service)
    if caller.session is not None:
        keys = (caller.session.access_key, caller.session.secret_key, caller.session.token)
        return telemetry.new_client(region, service, *keys)
    secret = identities.iam(account).access_keys[access_key].secret_access_key
    return telemetry.new_client(region, service, access_key, secret)


def decide(
    caller: Caller,
    region: str,
    action: str,
    resource: str = "*",
    keys: Mapping[str, tuple[str, ...]] | None = None,
    resource_policy: tuple[Policy, ...] = (),
    resource_account: str = "",
) -> tuple[Ask, Decision]:
    """Evaluate one action of a caller, and record it.

    Parameters
    ----------
    caller: of `find`
    region: for example us-east-1
    action: as `s3:GetObject`
    resource: an ARN
    keys: condition key → values
    resource_policy: the resource's own policies
    resource_account: who owns it, "" for the caller's account
    """
    given = context.of_request(caller.principal, region, action.partition(":")[0])
    given.update(caller.keys())
    given.update(keys or {})
    if resource_account:
        given["aws:resourceaccount"] = (resource_account,)
    decides = bool(resource_policy) and resource.startswith(resource_policies.DECIDE)
    policies = replace(caller.policies(), resource=resource_policy, resource_decides=decides)
    if resource_tags.are_asked_for(policies):
        given.update(resource_tags.keys(caller.principal.account, region, resource))
    ask = Ask(caller.principal, action, resource, given, resource_account)
    decision = evaluate(ask, policies)
    recorder.record(ask, decision)
    return ask, decision


_acting: ContextVar[Caller | None] = ContextVar("acting", default=None)


def acting() -> Caller | None:
    """Return for whom this thread works, None for root."""
    return _acting.get()


@contextmanager
def acting_as(access_key: str) -> Iterator[None]:
    """Work in this thread for the caller with this key: what a service does with its caller's own rights.

    Parameters
    ----------
    access_key: of the request that the work belongs to
    """
    token = _acting.set(find(access_key))
    try:
        yield
    finally:
        _acting.reset(token)


def check(
    who: Session | Caller | None,
    region: str,
    action: str,
    resource: str = "*",
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Raise Denied unless this may be done; for what a service does within this process.

    Parameters
    ----------
    who: the role's session, or a caller; None for root, who may do all
    action, resource: as in a policy: `s3:GetObject`, the object's ARN; `*` for an action without resource
    keys: keys of the request beyond the global ones, in small letters: {"s3:prefix": ("data/",)}
    """
    if who is None:
        return
    caller = Caller(who.principal, who) if isinstance(who, Session) else who
    policy, owner = resource_policies.of(caller.principal.account, region, resource)
    ask, decision = decide(caller, region, action, resource, keys, policy, owner)
    if not decision.allowed:
        raise Denied(ask, decision)


def is_allowed(
    who: Session | Caller | None,
    region: str,
    action: str,
    resource: str = "*",
    keys: Mapping[str, tuple[str, ...]] | None = None,
) -> bool:
    """Whether this may be done; see `check`.

    Parameters
    ----------
    who: a caller or a session, None for root, who may do all
    region: for example us-east-1
    action: as `s3:GetObject`
    resource: an ARN
    keys: condition key → values, beside those of the caller
    """
    try:
        check(who, region, action, resource, keys)
    except Denied:
        return False
    return True
