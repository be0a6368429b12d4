"""The ARNs of a request's resources: an ARN among its members, or one made of names."""

from __future__ import annotations

import re
from functools import lru_cache

from infra.local.core.roles.requests.actions import arn_pattern, resource_types
from infra.local.core.roles.requests.checks import Request

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_TOP_DOWN = ("rootcatalog", "database", "table")  # what a message names first
# Members that hold a name which the ARN's pattern calls otherwise; the first that is there counts
_MEMBERS = {
    "ApplicationName": ("ApplicationName",),
    "BudgetName": ("BudgetName", "Budget.BudgetName", "NewBudget.BudgetName"),
    "ClusterId": ("ClusterId", "JobFlowId"),
    "ConnectionName": ("ConnectionName", "ConnectionInput.Name", "Name"),
    "CrawlerName": ("CrawlerName", "Name"),
    "DataCatalogName": ("CatalogName", "DataCatalogName", "Name"),
    "DatabaseName": ("DatabaseName", "DatabaseInput.Name", "Name"),
    "GroupName": ("GroupName",),
    "JobName": ("JobName", "Name"),
    "LayerVersion": ("VersionNumber",),
    "ParameterNameWithoutLeadingSlash": ("Name", "Path"),
    "ResourceId": ("Name",),
    "RuleName": ("Rule", "Name"),
    "ScheduleName": ("Name",),
    "SecretId": ("SecretId", "Name"),
    "SessionId": ("SessionId", "Id"),
    "StateMachineName": ("name",),
    "ActivityName": ("name",),
    "TableName": ("TableName", "TableInput.Name", "Name"),
    "TopicName": ("Name",),
    "TriggerName": ("TriggerName", "Name"),
    "UserDefinedFunctionName": ("FunctionName", "FunctionInput.Name"),
    "WorkGroupName": ("WorkGroup", "Name"),
    "WorkflowName": ("WorkflowName", "Name"),
}
_DEFAULTS = {"WorkGroupName": "primary", "GroupName": "default"}


def arns(request: Request, action: str) -> list[str]:
    """Return the ARNs of the resources that an action of this request is on; `*` alone when there is none.

    Parameters
    ----------
    request: an operation with its parameters
    action: as `s3:GetObject`
    """
    types = [each.rstrip("?") for each in resource_types(request.prefix, action)]
    types.sort(key=lambda each: _TOP_DOWN.index(each) if each in _TOP_DOWN else len(_TOP_DOWN))
    found = (_arn(request, each) for each in types)
    return list(dict.fromkeys(each for each in found if each)) or ["*"]


def _arn(request: Request, resource_type: str) -> str:
    """Return the ARN of one resource type, "" when the request does not say it."""
    pattern = arn_pattern(request.prefix, resource_type)
    given = _given(request, pattern)
    return given or _made(request, pattern)


def _given(request: Request, pattern: str) -> str:
    expression = _expression(pattern)
    values = (value for value in request.parameters.values() if isinstance(value, str) and value.startswith("arn:"))
    return next((value for value in values if expression.fullmatch(value)), "")


@lru_cache(maxsize=512)
def _expression(pattern: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(pattern)
    return re.compile("".join("[^:]*" if number % 2 else re.escape(part) for number, part in enumerate(parts)))


def _made(request: Request, pattern: str) -> str:
    values = {"Partition": "aws", "Region": request.region, "Account": request.account}
    for variable in _VARIABLE.findall(pattern):
        if variable not in values:
            members = _MEMBERS.get(variable, (variable, variable[:1].lower() + variable[1:]))
            value = request.get(*members) or _DEFAULTS.get(variable, "")
            if not value:
                return ""
            if value.startswith("arn:"):  # of a resource of another kind
                return ""
            values[variable] = value.lstrip("/")
    return _VARIABLE.sub(lambda match: values[match[1]], pattern)
