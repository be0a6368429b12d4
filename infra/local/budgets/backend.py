"""Budgets with what moto leaves out: updates, subscribers, tags, and AWS's limits.

Source: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.budgets.exceptions import DuplicateRecordException, NotFoundException
from moto.budgets.models import Budget, BudgetsBackend, budgets_backends
from moto.budgets.responses import BudgetsResponse
from moto.core.exceptions import JsonRESTError

BACKENDS = budgets_backends
NOTIFICATIONS = 5  # of one budget
SUBSCRIBERS = {"EMAIL": 10, "SNS": 1}  # of one notification
COST_TYPES = {
    "IncludeCredit": True,
    "IncludeDiscount": True,
    "IncludeOtherSubscription": True,
    "IncludeRecurring": True,
    "IncludeRefund": True,
    "IncludeSubscription": True,
    "IncludeSupport": True,
    "IncludeTax": True,
    "IncludeUpfront": True,
    "UseAmortized": False,
    "UseBlended": False,
}


def _invalid(message: str) -> JsonRESTError:
    return JsonRESTError("InvalidParameterException", message)


def _full(message: str) -> JsonRESTError:
    return JsonRESTError("CreationLimitExceededException", message)


class LocalBudgetsBackend(BudgetsBackend):
    """The budgets of one account. `tags` are by budget name."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.tags: dict[str, dict[str, str]] = {}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update({"tags": {}, **values})  # lakes of before have none

    def create_budget(self, account_id: str, budget: dict[str, Any], notifications: list[dict[str, Any]]) -> None:
        """Make a budget with its notifications. Raises JsonRESTError."""
        self._check_account(account_id)
        self._check(budget)
        if len(notifications) > NOTIFICATIONS:
            raise _full(f"A budget can have up to {NOTIFICATIONS} notifications.")
        for item in notifications:
            item["Notification"].setdefault("ThresholdType", "PERCENTAGE")
            _check_subscribers(item["Subscribers"])
        super().create_budget(account_id, budget, notifications)

    def update_budget(self, account_id: str, budget: dict[str, Any]) -> None:
        """Put a budget in the place of the one with its name; its notifications stay. Raises JsonRESTError."""
        self._check_account(account_id)
        before = self.find(account_id, budget["BudgetName"])
        self._check(budget)
        if budget["BudgetType"] != before.budget["BudgetType"]:
            raise _invalid("Budget type cannot be changed.")
        made = Budget({"TimePeriod": before.budget["TimePeriod"], **budget}, [])
        made.notifications = before.notifications
        self.budgets[account_id][budget["BudgetName"]] = made

    def delete_budget(self, account_id: str, budget_name: str) -> None:
        super().delete_budget(account_id, budget_name)
        self.tags.pop(budget_name, None)

    def describe_budget(self, account_id: str, budget_name: str) -> dict[str, Any]:
        found = super().describe_budget(account_id, budget_name)
        if found["BudgetType"] == "COST" and "FilterExpression" not in found:
            found["CostTypes"] = {**COST_TYPES, **found["CostTypes"]}
        return found

    def find(self, account_id: str, budget_name: str) -> Budget:
        """Return a budget. Raises NotFoundException."""
        if budget_name not in self.budgets[account_id]:
            raise NotFoundException(f"Unable to get budget: {budget_name} - the budget doesn't exist.")
        return self.budgets[account_id][budget_name]

    def subscribers(self, account_id: str, budget_name: str, notification: dict[str, Any]) -> list[dict[str, str]]:
        """Return who is told by a notification. Raises NotFoundException."""
        wanted = {"ThresholdType": "PERCENTAGE", **notification}
        for each in self.find(account_id, budget_name).notifications:
            if {key: each.details.get(key) for key in wanted if key != "NotificationState"} == {
                key: value for key, value in wanted.items() if key != "NotificationState"
            }:
                return each.subscribers  # type: ignore[return-value]
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")

    def create_notification(
        self, account_id: str, budget_name: str, notification: dict[str, Any], subscribers: Any
    ) -> None:
        budget = self.find(account_id, budget_name)
        notification.setdefault("ThresholdType", "PERCENTAGE")
        if notification in budget.get_notifications():
            raise DuplicateRecordException("notification", budget_name)
        if len(budget.notifications) >= NOTIFICATIONS:
            raise _full(f"A budget can have up to {NOTIFICATIONS} notifications.")
        _check_subscribers(subscribers)
        super().create_notification(account_id, budget_name, notification, subscribers)

    def describe_notifications_for_budget(self, account_id: str, budget_name: str) -> list[dict[str, Any]]:
        """Return the notifications of a budget; nothing is spent here, so all are OK. Raises NotFoundException."""
        found = copy.deepcopy(list(self.find(account_id, budget_name).get_notifications()))
        return [{"NotificationState": "OK", **each} for each in found]

    def _check_account(self, account_id: str) -> None:
        if account_id != self.account_id:
            raise JsonRESTError("AccessDeniedException", f"Account {account_id} is not the caller's account.")

    def _check(self, budget: dict[str, Any]) -> None:
        name, kind, unit = budget["BudgetName"], budget["BudgetType"], budget["TimeUnit"]
        if any(part in name for part in (":", "\\", "/action/")):
            raise _invalid(f"Budget name {name} contains characters that are not allowed.")
        if "BudgetLimit" in budget and "PlannedBudgetLimits" in budget:
            raise _invalid("Unable to create/update budget - BudgetLimit and PlannedBudgetLimits cannot both be given.")
        if unit == "DAILY" and kind in ("COST", "USAGE") and "PlannedBudgetLimits" in budget:
            raise _invalid("PlannedBudgetLimits are for monthly and quarterly budgets.")
        if "CostFilters" in budget and "FilterExpression" in budget:
            raise _invalid("CostFilters and FilterExpression cannot both be given.")
        if kind.startswith(("RI_", "SAVINGS_PLANS_")):
            budget.setdefault("BudgetLimit", {"Amount": "100", "Unit": "PERCENTAGE"})


def _check_subscribers(subscribers: list[dict[str, str]]) -> None:
    for kind, most in SUBSCRIBERS.items():
        if sum(each["SubscriptionType"] == kind for each in subscribers) > most:
            raise _full(f"A notification can have up to {most} subscribers of the type {kind}.")


def _budget_of(arn: str) -> str:
    return arn.partition(":budget/")[2]


class LocalBudgetsResponse(BudgetsResponse):
    """The operations; bodies are JSON as in AWS's model."""

    @property
    def backend(self) -> LocalBudgetsBackend:
        return BACKENDS[self.current_account][self.partition]  # type: ignore[return-value]

    def create_budget(self) -> str:
        result = super().create_budget()
        tags = self._get_param("ResourceTags", [])
        if tags:
            self.backend.tags[self._get_param("Budget")["BudgetName"]] = {tag["Key"]: tag["Value"] for tag in tags}
        return result

    def update_budget(self) -> str:
        self.backend.update_budget(self._get_param("AccountId"), self._get_param("NewBudget"))
        return "{}"

    def describe_subscribers_for_notification(self) -> str:
        names = ("AccountId", "BudgetName", "Notification")
        return json.dumps({"Subscribers": self.backend.subscribers(*map(self._get_param, names))})

    def tag_resource(self) -> str:
        self._tags().update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
        return "{}"

    def untag_resource(self) -> str:
        for key in self._get_param("ResourceTagKeys"):
            self._tags().pop(key, None)
        return "{}"

    def list_tags_for_resource(self) -> str:
        return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in self._tags().items()]})

    def _tags(self) -> dict[str, str]:
        name = _budget_of(self._get_param("ResourceARN"))
        self.backend.find(self.current_account, name)
        return self.backend.tags.setdefault(name, {})


RESPONSE = LocalBudgetsResponse
budgets_backends.backend = LocalBudgetsBackend
