"""iam:PassRole: the caller must be allowed to hand a role to a service.

It is no API and stands in no reference as a dependent action, so this list is kept by hand.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.core.roles import identities
from infra.local.core.roles.requests.checks import Check, Request

# operation → members that hold a role's ARN (or name), at whatever depth
_PASSING: dict[str, dict[str, tuple[str, ...]]] = {
    "firehose": {"CreateDeliveryStream": ("RoleARN",), "UpdateDestination": ("RoleARN",)},
    "glue": dict.fromkeys(
        ("CreateCrawler", "UpdateCrawler", "CreateJob", "UpdateJob", "CreateSession", "CreateDevEndpoint", "CreateMLTransform"),
        ("Role", "RoleArn"),
    ),
    "kinesisanalytics": {
        "CreateApplication": ("ServiceExecutionRole",),
        "UpdateApplication": ("ServiceExecutionRoleUpdate",),
    },
    "lambda": {"CreateFunction": ("Role",), "UpdateFunctionConfiguration": ("Role",)},
    "states": {"CreateStateMachine": ("roleArn",), "UpdateStateMachine": ("roleArn",)},
    "events": {"PutTargets": ("RoleArn",), "PutRule": ("RoleArn",)},
    "scheduler": {"CreateSchedule": ("RoleArn",), "UpdateSchedule": ("RoleArn",)},
    "pipes": {"CreatePipe": ("RoleArn",), "UpdatePipe": ("RoleArn",)},
    "databrew": dict.fromkeys(
        ("CreateProfileJob", "CreateRecipeJob", "UpdateProfileJob", "UpdateRecipeJob", "CreateProject", "UpdateProject"),
        ("RoleArn",),
    ),
    "cloudformation": dict.fromkeys(
        ("CreateStack", "UpdateStack", "CreateChangeSet", "DeleteStack", "ContinueUpdateRollback"), ("RoleARN",)
    ),
    "athena": {"CreateWorkGroup": ("ExecutionRole",), "UpdateWorkGroup": ("ExecutionRole",)},
}  # fmt: skip


def checks(request: Request) -> Iterator[Check]:
    """Yield iam:PassRole on each role that a request hands over.

    Parameters
    ----------
    request: an operation with its parameters
    """
    members = _PASSING.get(request.prefix, {}).get(request.operation, ())
    keys = {"iam:passedtoservice": (f"{request.prefix}.amazonaws.com",)}
    for arn in dict.fromkeys(_roles(request.parameters, members, request.account)):
        yield Check("iam:PassRole", arn, keys)


def _roles(value: Any, members: tuple[str, ...], account: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in members and isinstance(item, str) and item:
                yield _arn(account, item)
            else:
                yield from _roles(item, members, account)
    elif isinstance(value, list):
        for item in value:
            yield from _roles(item, members, account)


def _arn(account: str, role: str) -> str:
    if role.startswith("arn:"):
        return role
    found = identities.find_role(account, role)
    return found.arn if found is not None else f"arn:aws:iam::{account}:role/{role.lstrip('/')}"
