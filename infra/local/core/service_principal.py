"""What a service may do for a user: as itself, by the resource policy of what it touches, or as a role that trusts it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from infra.local.core import roles, telemetry
from infra.local.core.roles import resource_policies
from infra.local.core.roles.evaluation import Ask, Kind, Policies, Principal, evaluate
from infra.local.core.roles.policy import MalformedPolicy, Policy, parse


class NotAllowed(Exception):
    """The service may not do it; the message is AWS's."""


@dataclass(frozen=True)
class Caller:
    """A service that acts for a resource in an account.

    Attributes
    ----------
    service: its principal, such as `events.amazonaws.com`
    source_arn: the rule, schedule or bucket on whose behalf it acts: `aws:SourceArn`
    """

    service: str
    account: str
    region: str
    source_arn: str

    @property
    def context(self) -> dict[str, Any]:
        """Return the condition keys that are known of the service's call."""
        return {"aws:sourcearn": (self.source_arn,), "aws:sourceaccount": (self.account,)}


def check(caller: Caller, action: str, resource: str) -> None:
    """Raise NotAllowed unless the policy of a queue, topic, function or bus lets the service do `action` on it.

    Parameters
    ----------
    caller: the service, and what it works for
    action: as `s3:GetObject`
    resource: ARN of the queue, topic, function or bus
    """
    policies, _ = resource_policies.of(caller.account, caller.region, resource)
    _check(caller, policies, action, resource)


def check_policy(caller: Caller, document: str | None, action: str, resource: str) -> None:
    """Raise NotAllowed unless the text of a resource's policy lets the service do `action` on it.

    Parameters
    ----------
    caller: the service, and what it works for
    document: JSON, None for a resource without one
    action: as `s3:GetObject`
    resource: its ARN
    """
    _check(caller, _parsed(document), action, resource)


def _check(caller: Caller, policies: tuple[Policy, ...], action: str, resource: str) -> None:
    principal = Principal(Kind.SERVICE, caller.account, caller.service)
    ask = Ask(principal, action, resource, context=caller.context)
    if not evaluate(ask, Policies(resource=policies)).allowed:
        raise NotAllowed(
            f"User: {caller.service} is not authorized to perform: {action} on resource: {resource} "
            f"because no resource-based policy allows the {action} action"
        )


def _parsed(document: str | None) -> tuple[Policy, ...]:
    try:
        return (parse(document),) if document else ()
    except MalformedPolicy:
        return ()


def client(caller: Caller, service: str, role_arn: str | None, region: str = "", account: str = "") -> Any:
    """Return a client of a service, as the role where one is given. Raises NotAllowed.

    Parameters
    ----------
    region, account: of the target, where they are not the caller's
    """
    region = region or caller.region
    if role_arn is None:
        return telemetry.client(account or caller.account, region, service)
    name = caller.service.partition(".")[0]
    try:
        acting = roles.session(role_arn.split(":")[4], role_arn, name, source_arn=caller.source_arn)
    except roles.CannotAssume:
        raise NotAllowed(
            f"User: {caller.service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        ) from None
    return acting.client(region, service)


@lru_cache(maxsize=1024)
def split_arn(arn: str) -> tuple[str, str, str, str]:
    """Return service, region, account and resource of an ARN.

    Parameters
    ----------
    arn: whole
    """
    _, _, service, region, account, resource = arn.split(":", 5)
    return service, region, account, resource
