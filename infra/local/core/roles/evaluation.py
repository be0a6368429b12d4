"""May this principal do this? A pure function over policies, with the reason in its answer.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
and, for resource-based policies, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from infra.local.core.roles.conditions import holds
from infra.local.core.roles.matching import Context, action_matches, arn_matches, replace_variables
from infra.local.core.roles.policy import Policy, Statement

NO_RESOURCE = "*"  # of an action that has no resource type: only a statement on "*" speaks of it
ALWAYS_ALLOWED = {"sts:getcalleridentity"}  # even against an explicit deny


class Kind(Enum):
    """What a caller is."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"  # a session of a role
    SERVICE = "service"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes
    ----------
    arn: as messages name the caller: of a role session `arn:aws:sts::…:assumed-role/R/S`, of a service its host name
    principal_arn: `aws:PrincipalArn`: of a role session the role's ARN
    unique_id: id of the user or role that a stored policy may name instead of the ARN
    """

    kind: Kind
    account: str
    arn: str
    principal_arn: str = ""
    unique_id: str = ""

    @property
    def root_arn(self) -> str:
        """Return the ARN that stands for the whole account in a policy."""
        return f"arn:aws:iam::{self.account}:root"


@dataclass(frozen=True)
class Ask:
    """One action on one resource, with the keys that conditions may look at."""

    principal: Principal
    action: str
    resource: str = NO_RESOURCE
    context: Context = field(default_factory=dict)
    resource_account: str = ""  # "" is the caller's own


@dataclass(frozen=True)
class Policies:
    """All policies that apply to a request; `boundary` and `session` are None where there is none.

    The policies of a user's groups are identity policies. Each of several session policies (PolicyArns) counts as one allow.
    """

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()
    resource_decides: bool = False  # trust and KMS key policies: an identity policy alone is never enough

    @property
    def are_plain(self) -> bool:
        """Whether no answer depends on a key of the request."""
        return all(
            policy.is_plain
            for policy in (*self.identity, *(self.boundary or ()), *(self.session or ()), *self.resource)
        )


class Layer(Enum):
    """Which kind of policy decided; the values stand in AWS's messages."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True)
class Decision:
    """The answer and its reason.

    Attributes
    ----------
    explicit: a Deny statement matched
    layer: which kind of policy decided
    policy: the one whose statement decided; None for an implicit denial
    matched: statements that speak of the request, with their policies
    """

    allowed: bool
    explicit: bool
    layer: Layer
    policy: Policy | None = None
    matched: tuple[tuple[Policy, Statement], ...] = ()


class Grant(Enum):
    """How a resource policy's Allow names the caller: it decides what else must allow."""

    NONE = 0
    ACCOUNT = 1  # delegates to the account: the identity policy decides
    ROLE = 2  # or everyone: enough, but boundary and session policy limit it
    CALLER = 3  # the user, the session or the service itself: enough


def evaluate(ask: Ask, policies: Policies) -> Decision:
    """Return whether the principal may do what it asks, and why.

    Order: an explicit deny anywhere ends it; then a resource policy that names the caller; then identity policies, boundary and
    session policy must each allow.

    Parameters
    ----------
    ask: who asks for what, with the condition keys
    policies: all that have a say: identity, resource, boundary, session
    """
    if ask.action.lower() in ALWAYS_ALLOWED:
        return Decision(True, False, Layer.IDENTITY)
    layers = _applying(ask, policies)
    matched = tuple((policy, statement) for found in layers.values() for policy, statement in found)
    for layer, found in layers.items():
        for policy, statement in found:
            if not statement.allows:
                return Decision(False, True, layer, policy, matched)
    identity_allows = ask.principal.kind is Kind.ROOT or bool(layers[Layer.IDENTITY])
    grant = _grant(ask.principal, layers[Layer.RESOURCE])
    base = _base(ask, policies, identity_allows, grant)
    if base is not None:
        return Decision(False, False, base, None, matched)
    if grant is not Grant.CALLER and ask.principal.kind is not Kind.ROOT:
        for layer, present in ((Layer.BOUNDARY, policies.boundary), (Layer.SESSION, policies.session)):
            if present is not None and not layers[layer]:
                return Decision(False, False, layer, None, matched)
    granting = Layer.IDENTITY if identity_allows and not policies.resource_decides else Layer.RESOURCE
    source = layers[granting][0][0] if layers[granting] else None
    return Decision(True, False, granting, source, matched)


def _applying(ask: Ask, policies: Policies) -> dict[Layer, list[tuple[Policy, Statement]]]:
    """Return the statements that speak of the request; no identity policy or boundary applies to root."""
    root = ask.principal.kind is Kind.ROOT
    given: dict[Layer, Iterable[Policy]] = {
        Layer.IDENTITY: () if root else policies.identity,
        Layer.RESOURCE: policies.resource,
        Layer.BOUNDARY: () if root else policies.boundary or (),
        Layer.SESSION: () if root else policies.session or (),
    }
    return {
        layer: [
            (policy, statement)
            for policy in found
            for statement in policy.statements
            if applies(statement, policy, ask, with_principal=layer is Layer.RESOURCE)
        ]
        for layer, found in given.items()
    }


def _base(ask: Ask, policies: Policies, identity_allows: bool, grant: Grant) -> Layer | None:
    """Return the layer that refuses before boundary and session policy are asked, None when none does."""
    principal = ask.principal
    if principal.kind in (Kind.SERVICE, Kind.ANONYMOUS):
        return None if grant in (Grant.CALLER, Grant.ROLE) else Layer.RESOURCE
    if policies.resource_decides:
        if grant is Grant.NONE:
            return Layer.RESOURCE
        own = not ask.resource_account or ask.resource_account == principal.account
        enough = own and grant is not Grant.ACCOUNT
        return None if identity_allows or enough else Layer.IDENTITY
    if ask.resource_account and ask.resource_account != principal.account:
        if not identity_allows:
            return Layer.IDENTITY
        return None if grant is not Grant.NONE else Layer.RESOURCE
    if identity_allows or grant in (Grant.CALLER, Grant.ROLE):
        return None
    return Layer.IDENTITY


def applies(statement: Statement, policy: Policy, ask: Ask, with_principal: bool = False) -> bool:
    """Whether a statement speaks of the request, for it or against it.

    Parameters
    ----------
    statement: of a policy
    policy: which it is in, for its version
    ask: who asks for what
    with_principal: the policy is a resource's: it must name the caller, too
    """
    if with_principal and not names(statement, ask.principal):
        return False
    return (
        _names_action(statement, ask.action)
        and _names_resource(statement, policy, ask)
        and all(holds(condition, ask.context, policy.has_variables) for condition in statement.conditions)
    )


def _names_action(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return any(action_matches(pattern, action) for pattern in statement.actions)
    return not any(action_matches(pattern, action) for pattern in statement.not_actions or ())


def _names_resource(statement: Statement, policy: Policy, ask: Ask) -> bool:
    if statement.resources is not None:
        return any(_matches_resource(pattern, policy, ask) for pattern in statement.resources)
    if statement.not_resources is not None:
        return not any(_matches_resource(pattern, policy, ask) for pattern in statement.not_resources)
    return True  # a trust policy: its role is the resource


def _matches_resource(pattern: str, policy: Policy, ask: Ask) -> bool:
    replaced = replace_variables(pattern, ask.context) if policy.has_variables else pattern
    return replaced is not None and arn_matches(replaced, ask.resource)


def names(statement: Statement, principal: Principal) -> bool:
    """Whether a resource policy's statement names the caller; a Deny on a role also means its sessions.

    Parameters
    ----------
    statement: of a resource's policy
    principal: who asks, as policies name it
    """
    if statement.not_principals is not None:
        listed = statement.not_principals
        return not _is_listed(listed, principal, every_form=not statement.allows)
    if statement.principals is None:
        return False
    return _is_listed(statement.principals, principal, every_form=False)


def _is_listed(listed: Mapping[str, tuple[str, ...]], principal: Principal, every_form: bool) -> bool:
    """Whether the caller is among the principals; `every_form`: each of its ARNs must be, as a Deny with NotPrincipal asks."""
    if "*" in listed:
        return True
    if principal.kind is Kind.SERVICE:
        return principal.arn in listed.get("Service", ())
    arns = set(listed.get("AWS", ()))
    if "*" in arns:
        return True
    if principal.kind is Kind.ANONYMOUS:
        return False
    account = bool({principal.account, principal.root_arn} & arns)
    own = {principal.arn} if principal.kind is not Kind.ROLE else {principal.arn, principal.principal_arn}
    if every_form:
        return account and own <= arns
    return account or bool((own | {principal.unique_id}) & arns)


def _grant(principal: Principal, found: list[tuple[Policy, Statement]]) -> Grant:
    """Return the strongest way in which resource policies allow the caller."""
    return max(
        (_named_as(statement, principal) for _, statement in found), key=lambda each: each.value, default=Grant.NONE
    )


def _named_as(statement: Statement, principal: Principal) -> Grant:
    listed = statement.principals
    if principal.kind in (Kind.SERVICE, Kind.ANONYMOUS):
        return Grant.CALLER
    if listed is None:  # NotPrincipal with Allow: everyone but those
        return Grant.ROLE
    arns = listed.get("AWS", ())
    if principal.arn in arns:
        return Grant.CALLER
    if "*" in listed or "*" in arns or principal.principal_arn in arns or principal.unique_id in arns:
        return Grant.CALLER if principal.kind is Kind.USER else Grant.ROLE
    return Grant.ACCOUNT
