"""Services whose resources cannot be read off the request's members by the pattern of their ARN."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.local.core.roles import identities
from infra.local.core.roles.requests.actions import resource_types
from infra.local.core.roles.requests.checks import Check, Request
from infra.local.core.roles.requests.resources import arns


def logs(request: Request, action: str) -> Iterator[Check]:
    """Ask for a group by `log-group:G:log-stream:`, as a request presents it; policies that name `log-group:G` are taken too.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    group = request.get("logGroupName", "logGroupIdentifier", "resourceArn", "resourceIdentifier")
    if group.startswith("arn:"):
        group = group.partition(":log-group:")[2].removesuffix(":*")
    names = [name for name in request.parameters.get("logGroupNames") or () if isinstance(name, str)]
    types = {each.rstrip("?") for each in resource_types("logs", action)}
    stream = request.get("logStreamName")
    if "log-stream" in types and group and stream:
        yield Check(f"logs:{action}", request.arn(f"log-group:{group}:log-stream:{stream}"))
    elif action == "DescribeLogGroups":
        yield Check(f"logs:{action}", request.arn("log-group::log-stream:"), other_form="*")
    elif group or names:
        for name in names or [group]:
            plain = request.arn(f"log-group:{name}")
            yield Check(f"logs:{action}", f"{plain}:log-stream:", other_form=plain)
    else:
        yield Check(f"logs:{action}")


def glue(request: Request, action: str) -> Iterator[Check]:
    """Ask for the catalog's ancestors, top-down; a database's end needs its tables and functions.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix

    Source: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    """
    found = arns(request, action)
    if not request.get("DatabaseName"):  # Name is the database's
        found = [arn for arn in found if ":table/" not in arn]
    database = request.get("DatabaseName", "DatabaseInput.Name", "Name")
    if action == "DeleteDatabase" and database:
        found += [request.arn(f"table/{database}/*"), request.arn(f"userDefinedFunction/{database}/*")]
    elif action == "GetUserDefinedFunctions" and database:
        found.append(request.arn(f"userDefinedFunction/{database}/*"))
    elif action == "BatchDeleteTable" and database:
        found += [request.arn(f"table/{database}/{name}") for name in _texts(request, "TablesToDelete")]
    for arn in dict.fromkeys(found):
        yield Check(f"glue:{action}", arn)


def lambda_(request: Request, action: str) -> Iterator[Check]:
    """Ask for a function by its name, its ARN or a part of it, with its qualifier.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix

    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
    """
    name = request.get("FunctionName")
    types = {each.rstrip("?") for each in resource_types("lambda", action)}
    if name:
        arn = request.arn(f"function:{name.rpartition('function:')[2]}") if not name.startswith("arn:") else name
        qualifier = request.get("Qualifier")
        if qualifier and arn.count(":") == 6:
            arn = f"{arn}:{qualifier}"
        keys = {"lambda:functionarn": (arn,)}
        yield Check(f"lambda:{action}", arn if "function" in types else "*", keys)
        return
    for arn in arns(request, action):
        yield Check(f"lambda:{action}", arn)


def sqs(request: Request, action: str) -> Iterator[Check]:
    """Ask for a queue, which is named by its URL; messages write the action in small letters.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    name = request.get("QueueName") or request.get("QueueUrl").rstrip("/").rpartition("/")[2]
    owner = request.get("QueueUrl").rstrip("/").split("/")[-2:-1]
    account = owner[0] if owner and owner[0].isdigit() else request.account
    yield Check(f"sqs:{action}", f"arn:aws:sqs:{request.region}:{account}:{name}" if name else "*")


def events(request: Request, action: str) -> Iterator[Check]:
    """Ask for rules and buses: a rule of the default bus has a shorter ARN; each entry of PutEvents names its bus.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-manage-iam-access.html
    """
    if action == "PutEvents":
        yield from _put_events(request)
        return
    types = {each.rstrip("?") for each in resource_types("events", action)}
    bus = request.get("EventBusName").rpartition("/")[2] or "default"
    rule = request.get("Rule", "Name")
    if "rule-on-default-event-bus" in types and rule:
        yield Check(f"events:{action}", request.arn(f"rule/{rule}" if bus == "default" else f"rule/{bus}/{rule}"))
    elif types == {"event-bus"}:
        name = request.get("EventBusName", "Name").rpartition("/")[2] or "default"
        yield Check(f"events:{action}", request.arn(f"event-bus/{name}"))
    else:
        for arn in arns(request, action):
            yield Check(f"events:{action}", arn)


def _put_events(request: Request) -> Iterator[Check]:
    entries = [each for each in request.parameters.get("Entries") or () if isinstance(each, Mapping)]
    for entry in entries:
        bus = str(entry.get("EventBusName") or "default").rpartition("/")[2]
        keys = {
            f"events:{key}": (str(entry[member]),)
            for key, member in (("source", "Source"), ("detail-type", "DetailType"))
            if entry.get(member)
        }
        yield Check("events:PutEvents", request.arn(f"event-bus/{bus}"), keys)


def cloudformation(request: Request, action: str) -> Iterator[Check]:
    """Ask for a stack; by its name it is `stack/NAME/*`: its id is not told.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    name = request.get("StackName", "StackId")
    keys = {
        f"cloudformation:{key}": (request.get(member),)
        for key, member in (("rolearn", "RoleARN"), ("templateurl", "TemplateURL"), ("changesetname", "ChangeSetName"))
        if request.get(member)
    }
    if not name or "stack" not in {each.rstrip("?") for each in resource_types("cloudformation", action)}:
        yield Check(f"cloudformation:{action}", "*", keys)
    else:
        yield Check(
            f"cloudformation:{action}", name if name.startswith("arn:") else request.arn(f"stack/{name}/*"), keys
        )


def iam(request: Request, action: str) -> Iterator[Check]:
    """Roles, users, groups and policies are known with their paths.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    keys = {"iam:policyarn": (request.get("PolicyArn"),)} if request.get("PolicyArn") else {}
    if request.get("PermissionsBoundary"):
        keys["iam:permissionsboundary"] = (request.get("PermissionsBoundary"),)
    types = [each.rstrip("?") for each in resource_types("iam", action)]
    found = [arn for kind in types if (arn := _iam_arn(request, kind))]
    for arn in dict.fromkeys(found) or ["*"]:
        yield Check(f"iam:{action}", arn, keys)


_IAM = {
    "role": ("RoleName", "roles"),
    "user": ("UserName", "users"),
    "group": ("GroupName", "groups"),
    "instance-profile": ("InstanceProfileName", "instance_profiles"),
    "policy": ("PolicyName", "managed_policies"),
}


def _iam_arn(request: Request, kind: str) -> str:
    given = request.get("PolicyArn") if kind == "policy" else request.get("PolicySourceArn")
    if f":{kind}/" in given:
        return given
    member, collection = _IAM.get(kind, ("", ""))
    name = request.get(member) if member else ""
    if not name:
        return ""
    backend = identities.iam(request.account)
    known: Any = getattr(backend, collection, {}) if backend is not None else {}
    found = next((each for each in list(known.values()) if each.name == name), None)
    path = (found.path or "/") if found is not None else request.get("Path") or "/"
    return f"arn:aws:iam::{request.account}:{kind}{path}{name}"


def _texts(request: Request, name: str) -> list[str]:
    return [each for each in request.parameters.get(name) or () if isinstance(each, str)]


def ssm(request: Request, action: str) -> Iterator[Check]:
    """Parameters by their names, several in GetParameters.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    for name in _texts(request, "Names"):
        yield Check(f"ssm:{action}", request.arn(f"parameter/{name.lstrip('/')}"))
    if not request.parameters.get("Names"):
        for arn in arns(request, action):
            yield Check(f"ssm:{action}", arn)


def kms(request: Request, action: str) -> Iterator[Check]:
    """Ask for a key by its id or ARN, an alias by its name.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    key = request.get("KeyId", "TargetKeyId", "AliasName")
    if not key or key.startswith("arn:"):
        yield Check(f"kms:{action}", key or "*")
    else:
        yield Check(f"kms:{action}", request.arn(key if key.startswith("alias/") else f"key/{key}"))


def cloudwatch(request: Request, action: str) -> Iterator[Check]:
    """Metrics have no ARN, alarms and dashboards do.

    Parameters
    ----------
    request: an operation with its parameters
    action: without its prefix
    """
    namespace = request.get("Namespace")
    names = _texts(request, "AlarmNames") if resource_types("cloudwatch", action) == ["alarm"] else []
    found = [request.arn(f"alarm:{name}") for name in names] or arns(request, action)
    for arn in found:
        yield Check(f"cloudwatch:{action}", arn, {"cloudwatch:namespace": (namespace,)} if namespace else {})


SPECIAL: dict[str, Callable[[Request, str], Iterator[Check]]] = {
    "cloudformation": cloudformation,
    "cloudwatch": cloudwatch,
    "events": events,
    "glue": glue,
    "iam": iam,
    "kms": kms,
    "lambda": lambda_,
    "logs": logs,
    "sqs": sqs,
    "ssm": ssm,
}
