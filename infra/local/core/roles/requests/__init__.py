"""What a request asks for: from its operation and parameters to actions on resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from infra.local.core.roles.requests import passed_roles, s3, tags
from infra.local.core.roles.requests.actions import action_of, prefix_of
from infra.local.core.roles.requests.checks import Check, Request
from infra.local.core.roles.requests.resources import arns
from infra.local.core.roles.requests.special import SPECIAL

__all__ = ["Check", "Request", "checks", "prefix_of", "s3"]


def checks(request: Request, own_arns: list[str] | None = None) -> Iterator[Check]:
    """Yield what a request must be allowed to do, the roles that it hands over included.

    Parameters
    ----------
    own_arns: the resources, where the service itself knows them (a query's workgroup)
    """
    action = action_of(request.prefix, request.operation)
    brought = tags.keys(request.parameters)
    if own_arns is not None:
        found: Iterator[Check] = (Check(f"{request.prefix}:{action}", arn) for arn in own_arns)
    elif request.prefix in SPECIAL:
        found = SPECIAL[request.prefix](request, action)
    else:
        found = (Check(f"{request.prefix}:{action}", arn) for arn in arns(request, action))
    for check in found:
        yield replace(check, keys={**brought, **check.keys}) if brought else check
    yield from passed_roles.checks(request)
