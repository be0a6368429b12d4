"""The Resource of a Task state: what it calls, and how it waits.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

INTEGRATION = re.compile(r"arn:aws[\w-]*:states:[\w-]*:\d*:(.+)")
LAMBDA = re.compile(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:.+")
ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:activity:.+")

SYNC, SYNC2, TOKEN = "sync", "sync:2", "waitForTaskToken"
OPTIMISED: dict[tuple[str, str], tuple[str, ...]] = {  # service and action → patterns beside request-response
    ("lambda", "invoke"): (TOKEN,),
    ("glue", "startJobRun"): (SYNC,),
    ("athena", "startQueryExecution"): (SYNC,),
    ("athena", "stopQueryExecution"): (),
    ("athena", "getQueryExecution"): (),
    ("athena", "getQueryResults"): (),
    ("databrew", "startJobRun"): (SYNC,),
    ("sqs", "sendMessage"): (TOKEN,),
    ("sns", "publish"): (TOKEN,),
    ("events", "putEvents"): (TOKEN,),
    ("states", "startExecution"): (SYNC, SYNC2, TOKEN),
}
NOT_HERE = {
    "apigateway",
    "batch",
    "bedrock",
    "codebuild",
    "dynamodb",
    "ecs",
    "eks",
    "elasticmapreduce",
    "emr-containers",
}
NOT_HERE |= {"emr-serverless", "http", "mediaconvert", "sagemaker"}  # optimised on AWS, not part of the local AWS
SDK_CLIENTS = {  # names of SDK integrations where boto3's differ
    "cloudwatchevents": "events",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "kinesisanalytics": "kinesisanalytics",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
PREFIXES = {  # of error names; others are the service id in camel case
    "athena": "Athena",
    "cloudformation": "CloudFormation",
    "cloudwatch": "CloudWatch",
    "databrew": "DataBrew",
    "dynamodb": "DynamoDb",
    "events": "EventBridge",
    "firehose": "Firehose",
    "glue": "Glue",
    "iam": "Iam",
    "kinesis": "Kinesis",
    "kinesisanalyticsv2": "KinesisAnalyticsV2",
    "lambda": "Lambda",
    "logs": "CloudWatchLogs",
    "pipes": "Pipes",
    "s3": "S3",
    "scheduler": "Scheduler",
    "secretsmanager": "SecretsManager",
    "sns": "Sns",
    "sqs": "Sqs",
    "ssm": "Ssm",
    "stepfunctions": "Sfn",
    "sts": "Sts",
}


class Resource(NamedTuple):
    """What a Task calls.

    Parameters
    ----------
    kind: `function`, `activity`, `optimised` or `sdk`
    service: the service as the ARN names it, such as `glue`; for an SDK integration without `aws-sdk:`
    action: such as `startJobRun`
    pattern: "", `sync`, `sync:2` or `waitForTaskToken`
    """

    arn: str
    kind: str
    service: str
    action: str
    pattern: str

    @property
    def resource_type(self) -> str:
        """The name of the service in history events."""
        return f"aws-sdk:{self.service}" if self.kind == "sdk" else self.service

    @property
    def resource(self) -> str:
        """The action in history events."""
        return f"{self.action}.{self.pattern}" if self.pattern else self.action

    @property
    def waits_for_token(self) -> bool:
        return self.pattern == TOKEN or self.kind == "activity"


class UnknownResource(ValueError):
    """No such resource; the text says why."""


@lru_cache(maxsize=1024)
def parse(arn: str) -> Resource:
    """Return what a Resource ARN stands for. Raises UnknownResource."""
    if LAMBDA.fullmatch(arn):
        return Resource(arn, "function", "lambda", "invoke", "")
    if ACTIVITY.fullmatch(arn):
        return Resource(arn, "activity", "activity", "", "")
    match = INTEGRATION.fullmatch(arn)
    parts = match[1].split(":") if match else []
    if len(parts) >= 3 and parts[0] == "aws-sdk":
        action, _, pattern = ":".join(parts[2:]).partition(".")
        resource = Resource(arn, "sdk", parts[1], action, pattern)
        if pattern in ("", TOKEN) and _sdk_operation(resource) is not None:
            return resource
    elif len(parts) >= 2:
        action, _, pattern = ":".join(parts[1:]).partition(".")
        known = OPTIMISED.get((parts[0], action))
        if known is not None and pattern in ("", *known):
            return Resource(arn, "optimised", parts[0], action, pattern)
        if parts[0] in NOT_HERE:
            raise UnknownResource(f"The local AWS has no integration with {parts[0]}: {arn}")
    if match is None and not arn.startswith("arn:"):
        raise UnknownResource("Value is not a valid resource ARN")
    raise UnknownResource(
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )


def client_name(service: str) -> str:
    """Return boto3's name of a service of an SDK integration."""
    return SDK_CLIENTS.get(service, service)


def prefix(client: str) -> str:
    """Return the prefix of error names of SDK integrations, such as `Sfn`, by boto3's name of the service."""
    if client in PREFIXES:
        return PREFIXES[client]
    words = re.split(r"[\s-]+", str(service_model(client).service_id))
    return "".join(word[:1].upper() + word[1:] for word in words)


def service_model(client: str) -> Any:
    """Return botocore's model of a service by boto3's name."""
    from moto.core.utils import get_service_model

    return get_service_model(client)


def operation(resource: Resource) -> Any:
    """Return botocore's model of the operation that a resource calls; None where it is not one operation (functions, activities)."""
    if resource.kind in ("function", "activity"):
        return None
    if resource.kind == "sdk":
        return _sdk_operation(resource)
    client = {"states": "stepfunctions"}.get(resource.service, resource.service)
    return service_model(client).operation_model(resource.action[0].upper() + resource.action[1:])


def _sdk_operation(resource: Resource) -> Any:
    from botocore.exceptions import UnknownServiceError

    if not re.fullmatch(r"[a-z][a-z0-9]*", resource.service) or not resource.action[:1].islower():
        return None
    try:
        model = service_model(client_name(resource.service))
    except UnknownServiceError:
        return None
    name = resource.action[0].upper() + resource.action[1:]
    return next(
        (model.operation_model(each) for each in model.operation_names if each == name or each.lower() == name.lower()),
        None,
    )
