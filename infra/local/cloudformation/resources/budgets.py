"""Resource types of AWS Budgets.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Budgets.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, retag

Properties = dict[str, Any]


class Budget(ResourceType):
    name_length = 100

    def own_name(self, context: Context, properties: Properties) -> str | None:
        return properties["Budget"].get("BudgetName")

    def _budget(self, name: str, properties: Properties) -> Properties:
        budget = {**properties["Budget"], "BudgetName": name}
        for key in ("BudgetLimit", "PlannedBudgetLimits"):
            if key in budget:
                budget[key] = _as_text(budget[key])
        return budget

    def create(self, context: Context, name: str, properties: Properties) -> None:
        notifications = properties.get("NotificationsWithSubscribers")
        context.client("budgets").create_budget(
            AccountId=context.account,
            Budget=self._budget(name, properties),
            **({"NotificationsWithSubscribers": notifications} if notifications else {}),
            **created_tags("budgets", _tagged(properties), context),
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        client = context.client("budgets")
        if properties["Budget"] != old["Budget"]:
            client.update_budget(AccountId=context.account, NewBudget=self._budget(physical_id, properties))
        arn = f"arn:aws:budgets::{context.account}:budget/{physical_id}"
        retag("budgets", arn, _tagged(properties), _tagged(old), context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("budgets").delete_budget(AccountId=context.account, BudgetName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


def _tagged(properties: Properties) -> Properties:
    """Return the tags under the name that other types give them."""
    return {"Tags": properties.get("ResourceTags", [])}


def _as_text(value: Any) -> Any:
    """Return amounts as the text that the API takes."""
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    return format(value, "f").rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


TYPES: dict[str, ResourceType] = {"AWS::Budgets::Budget": Budget()}
