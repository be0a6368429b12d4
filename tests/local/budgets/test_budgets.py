"""AWS Budgets through boto3, and as a resource of a stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.polling import until

Client = Callable[..., Any]
SUBSCRIBERS = [{"SubscriptionType": "EMAIL", "Address": "teacher@example.org"}]
NOTICE = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}


def budget(name: str, amount: str = "10", **more: Any) -> dict[str, Any]:
    limit = {"BudgetLimit": {"Amount": amount, "Unit": "USD"}}
    return {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", **limit, **more}


def code_of(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as failed:
        call(**given)
    return str(failed.value.response["Error"]["Code"])


def test_a_budget_is_made_changed_and_deleted(client: Client, account: str) -> None:
    budgets = client("budgets")
    notices = [{"Notification": NOTICE, "Subscribers": SUBSCRIBERS}]
    given = {"AccountId": account, "Budget": budget("month"), "NotificationsWithSubscribers": notices}
    budgets.create_budget(**given, ResourceTags=[{"Key": "workshop", "Value": "AnalyticsOnAWS"}])
    assert code_of(budgets.create_budget, **given) == "DuplicateRecordException"
    changed = budget("month", "12.5", CostTypes={"IncludeTax": False})
    budgets.update_budget(AccountId=account, NewBudget=changed)

    found = budgets.describe_budget(AccountId=account, BudgetName="month")["Budget"]
    assert found["BudgetLimit"] == {"Amount": "12.5", "Unit": "USD"}
    assert (found["CostTypes"]["IncludeTax"], found["CostTypes"]["IncludeCredit"]) == (False, True)
    which = {"AccountId": account, "BudgetName": "month"}
    told = budgets.describe_notifications_for_budget(**which)["Notifications"]
    assert told == [{**NOTICE, "ThresholdType": "PERCENTAGE", "NotificationState": "OK"}]
    assert budgets.describe_subscribers_for_notification(**which, Notification=told[0])["Subscribers"] == SUBSCRIBERS
    arn = f"arn:aws:budgets::{account}:budget/month"
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"][0]["Key"] == "workshop"
    budgets.delete_budget(**which)
    assert code_of(budgets.describe_budget, **which) == "NotFoundException"
    assert code_of(budgets.update_budget, AccountId=account, NewBudget=changed) == "NotFoundException"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (budget("a:b"), "InvalidParameterException"),
        (budget("low", "-1"), "ValidationException"),
        ({"BudgetName": "none", "BudgetType": "COST", "TimeUnit": "MONTHLY"}, "InvalidParameterException"),
    ],
)
def test_budgets_that_are_refused(client: Client, account: str, wrong: dict[str, Any], code: str) -> None:
    assert code_of(client("budgets").create_budget, AccountId=account, Budget=wrong) == code


def test_another_account_s_budgets_are_not_there(client: Client) -> None:
    given = {"AccountId": "111122223333", "Budget": budget("month")}
    assert code_of(client("budgets").create_budget, **given) == "AccessDeniedException"


def test_a_budget_of_a_stack(client: Client, account: str) -> None:
    cloudformation, budgets = client("cloudformation"), client("budgets")

    def template(amount: float, threshold: int) -> str:
        limit = {"BudgetLimit": {"Amount": amount, "Unit": "USD"}}
        properties = {
            "Budget": {
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                **limit,
                "CostFilters": {"TagKeyValue": ["user:workshop$AnalyticsOnAWS"]},
            },
            "NotificationsWithSubscribers": [
                {"Notification": {**NOTICE, "Threshold": threshold}, "Subscribers": SUBSCRIBERS}
            ],
            "ResourceTags": [{"Key": "workshop", "Value": "AnalyticsOnAWS"}],
        }
        return json.dumps(
            {
                "Resources": {"Guard": {"Type": "AWS::Budgets::Budget", "Properties": properties}},
                "Outputs": {"Name": {"Value": {"Ref": "Guard"}}},
            }
        )

    def deploy(call: Any, body: str, ends: str) -> str:
        call(StackName="guard", TemplateBody=body)
        stack = until(
            lambda: next(
                (
                    each
                    for each in cloudformation.describe_stacks(StackName="guard")["Stacks"]
                    if "IN_PROGRESS" not in each["StackStatus"]
                ),
                None,
            )
        )
        assert stack["StackStatus"] == ends
        return str(stack["Outputs"][0]["OutputValue"])

    first = deploy(cloudformation.create_stack, template(10, 80), "CREATE_COMPLETE")
    assert deploy(cloudformation.update_stack, template(12.5, 80), "UPDATE_COMPLETE") == first
    found = budgets.describe_budget(AccountId=account, BudgetName=first)["Budget"]
    assert (found["BudgetLimit"]["Amount"], found["CostFilters"]) == (
        "12.5",
        {"TagKeyValue": ["user:workshop$AnalyticsOnAWS"]},
    )
    arn = f"arn:aws:budgets::{account}:budget/{first}"
    assert budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"][0]["Value"] == "AnalyticsOnAWS"
    second = deploy(cloudformation.update_stack, template(12.5, 90), "UPDATE_COMPLETE")
    assert second != first  # other notifications are another budget
    assert [each["BudgetName"] for each in budgets.describe_budgets(AccountId=account)["Budgets"]] == [second]
    cloudformation.delete_stack(StackName="guard")
    until(lambda: not budgets.describe_budgets(AccountId=account)["Budgets"])
