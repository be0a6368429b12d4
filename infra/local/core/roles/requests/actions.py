"""Operation → action → resource types: the frozen table, and the few exceptions that it cannot say.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from infra.local.core.roles.table import FROZEN

PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}  # where the signature's name is not the prefix of the actions
# Operations without an action of their own
EXCEPTIONS = {
    "lambda": {
        "Invoke": "InvokeFunction",
        "InvokeAsync": "InvokeFunction",
        "InvokeWithResponseStream": "InvokeFunction",
        "GetLayerVersionByArn": "GetLayerVersion",
    },
    "sqs": {
        "SendMessageBatch": "SendMessage",
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    },
    "budgets": {
        **dict.fromkeys(
            [f"{verb}{noun}" for verb in ("Create", "Update", "Delete") for noun in ("Budget", "Notification", "Subscriber")],
            "ModifyBudget",
        ),
        **dict.fromkeys(
            ["DescribeBudget", "DescribeBudgets", "DescribeBudgetPerformanceHistory", "DescribeNotificationsForBudget",
             "DescribeSubscribersForNotification", "DescribeBudgetNotificationsForAccount"],
            "ViewBudget",
        ),
    },
    "sns": {"PublishBatch": "Publish"},
}  # fmt: skip


@cache
def _table() -> dict[str, Any]:
    return orjson.loads(FROZEN.read_bytes())


def prefix_of(service: str) -> str:
    """Return the prefix of a service's actions by the name in a signature.

    Parameters
    ----------
    service: its name in a request's signature
    """
    return PREFIXES.get(service, service)


def action_of(prefix: str, operation: str) -> str:
    """Return the action that an operation asks for, without its prefix.

    Parameters
    ----------
    prefix: of a service's actions, as `s3`
    operation: by its name in AWS's model
    """
    return EXCEPTIONS.get(prefix, {}).get(operation, operation)


def resource_types(prefix: str, action: str) -> list[str]:
    """Return the resource types of an action, those with `?` are not always there; none for an unknown action.

    Parameters
    ----------
    prefix: of a service's actions, as `s3`
    action: without its prefix
    """
    service = _table().get(prefix)
    if not isinstance(service, dict):
        return []
    return service["actions"].get(action, {}).get("on", [])


def arn_pattern(prefix: str, resource_type: str) -> str:
    """Return the ARN of a resource type, with `${Name}` for what differs.

    Parameters
    ----------
    prefix: of a service's actions, as `s3`
    resource_type: of `resource_types`
    """
    return _table()[prefix]["resources"][resource_type]


def known(action: str) -> bool:
    """Whether the reference has this action, `prefix:Action` in any case, or has nothing of its service.

    Parameters
    ----------
    action: as `s3:GetObject`
    """
    prefix, _, name = action.partition(":")
    service = _table().get(prefix.lower())
    return not isinstance(service, dict) or name.lower() in {each.lower() for each in service["actions"]}
