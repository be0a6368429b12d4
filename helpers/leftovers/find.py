"""Find everything of the workshop in an account and region, service by service, with AWS's own list calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError, EndpointConnectionError

from helpers import stacks as stacks_of_workshop
from infra.teaching.names import is_our_bucket, is_our_log_group, is_ours
from infra.teaching.pages import pages

NOT_OFFERED = ("NotImplemented", "UnknownOperationException", "UnrecognizedClientException", "OptInRequired")


@dataclass(frozen=True)
class Item:
    """One thing of the workshop.

    Parameters
    ----------
    order: things of a smaller number must go first
    kind: what it is, in AWS's words, for example `Glue crawler`
    name: its name
    detail: what else is worth knowing, for example how many objects a bucket holds
    delete: deletes it; one that is gone meanwhile is no error
    """

    order: int
    kind: str
    name: str
    detail: str = ""
    delete: Callable[[], Any] = field(default=lambda: None, repr=False, compare=False)


def find(session: boto3.Session) -> list[Item]:
    """Return what of the workshop exists, in the order in which it can be deleted.

    Parameters
    ----------
    session: the account and region to look at

    Raises botocore's ClientError where listing is denied: an inventory that leaves something out would prove nothing.
    """
    found: list[Item] = []
    for look in LOOKS:
        try:
            found += look(session.client)
        except EndpointConnectionError:  # a service that this region does not have
            continue
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_OFFERED:
                raise
    return sorted(found, key=lambda item: (item.order, item.kind, item.name))


Client = Callable[[str], Any]


def _event_source_mappings(client: Client) -> Iterator[Item]:
    functions = client("lambda")
    for mapping in pages(functions, "list_event_source_mappings", "EventSourceMappings"):
        function = mapping["FunctionArn"].split(":function:")[-1].split(":")[0]
        source = mapping.get("EventSourceArn", "").split(":")[-1].split("/")[-1]
        if is_ours(function) or is_ours(source):
            gone = partial(functions.delete_event_source_mapping, UUID=mapping["UUID"])
            yield Item(10, "Lambda event source mapping", f"{source} → {function}", mapping["State"], gone)


def _schedules(client: Client) -> Iterator[Item]:
    scheduler = client("scheduler")
    for schedule in pages(scheduler, "list_schedules", "Schedules"):
        if is_ours(schedule["Name"]):
            gone = partial(scheduler.delete_schedule, Name=schedule["Name"], GroupName=schedule["GroupName"])
            yield Item(10, "EventBridge schedule", schedule["Name"], delete=gone)


def _rules(client: Client) -> Iterator[Item]:
    events = client("events")
    for bus in pages(events, "list_event_buses", "EventBuses"):
        for rule in pages(events, "list_rules", "Rules", EventBusName=bus["Name"]):
            if is_ours(rule["Name"]) or _leads_to_ours(events, rule):
                yield Item(10, "EventBridge rule", rule["Name"], rule["State"], partial(_delete_rule, events, rule))
        if bus["Name"] != "default" and is_ours(bus["Name"]):
            yield Item(60, "EventBridge bus", bus["Name"], delete=partial(events.delete_event_bus, Name=bus["Name"]))


def _leads_to_ours(events: Any, rule: dict[str, Any]) -> bool:
    """Whether a rule of chapter 09 has a target of the workshop: others may call their rules `automation-…` too."""
    if not rule["Name"].startswith("automation-"):
        return False
    where = {"Rule": rule["Name"], "EventBusName": rule["EventBusName"]}
    targets = pages(events, "list_targets_by_rule", "Targets", **where)
    return any(is_ours(target["Arn"].rsplit(":", 1)[-1]) for target in targets)


def _delete_rule(events: Any, rule: dict[str, Any]) -> None:
    where = {"Rule": rule["Name"], "EventBusName": rule["EventBusName"]}
    targets = [target["Id"] for target in pages(events, "list_targets_by_rule", "Targets", **where)]
    if targets:  # a rule with targets cannot be deleted
        events.remove_targets(**where, Ids=targets)
    events.delete_rule(Name=rule["Name"], EventBusName=rule["EventBusName"])


def _applications(client: Client) -> Iterator[Item]:
    flink = client("kinesisanalyticsv2")
    for application in pages(flink, "list_applications", "ApplicationSummaries"):
        if is_ours(application["ApplicationName"]):
            gone = partial(_delete_application, flink, application["ApplicationName"])
            yield Item(20, "Flink application", application["ApplicationName"], application["ApplicationStatus"], gone)


def _delete_application(flink: Any, name: str) -> None:
    created = flink.describe_application(ApplicationName=name)["ApplicationDetail"]["CreateTimestamp"]
    flink.delete_application(ApplicationName=name, CreateTimestamp=created)


def _machines(client: Client) -> Iterator[Item]:
    states = client("stepfunctions")
    for machine in pages(states, "list_state_machines", "stateMachines"):
        if is_ours(machine["name"]):
            arn = machine["stateMachineArn"]
            gone = partial(states.delete_state_machine, stateMachineArn=arn)
            running = 0
            if machine["type"] == "STANDARD":
                running = len(states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])
            yield Item(20, "Step Functions state machine", machine["name"], f"{running} running", gone)


def _glue(client: Client) -> Iterator[Item]:
    glue = client("glue")
    logs = client("logs")
    for session in pages(glue, "list_sessions", "Sessions"):
        if is_ours(session.get("Role", "").rsplit("/", 1)[-1]):
            yield from _log_streams(logs, "/aws-glue/sessions/", session["Id"])
            yield Item(21, "Glue session", session["Id"], session["Status"], partial(_delete_session, glue, session))
    for name in pages(glue, "list_jobs", "JobNames"):
        if is_ours(name):
            for run in pages(glue, "get_job_runs", "JobRuns", JobName=name):
                for groups in ("/aws-glue/jobs/", "/aws-glue/python-jobs/"):
                    yield from _log_streams(logs, groups, run["Id"])
            yield Item(30, "Glue job", name, delete=partial(glue.delete_job, JobName=name))
    for name in pages(glue, "list_crawlers", "CrawlerNames"):
        if is_ours(name):
            state = glue.get_crawler(Name=name)["Crawler"]["State"]
            yield Item(30, "Glue crawler", name, state, partial(glue.delete_crawler, Name=name))
    for database in pages(glue, "get_databases", "DatabaseList"):
        if is_ours(database["Name"]):
            tables = [table["Name"] for table in pages(glue, "get_tables", "TableList", DatabaseName=database["Name"])]
            detail = f"tables: {', '.join(tables)}" if tables else "no tables"
            gone = partial(glue.delete_database, Name=database["Name"])
            yield Item(80, "Glue database", database["Name"], detail, gone)


def _delete_session(glue: Any, session: dict[str, Any]) -> None:
    if glue.get_session(Id=session["Id"])["Session"]["Status"] in ("READY", "PROVISIONING"):
        glue.stop_session(Id=session["Id"])
    glue.delete_session(Id=session["Id"])


def _log_streams(logs: Any, groups: str, beginning: str) -> Iterator[Item]:
    """Streams of one run or session in the groups that all of an account share; the groups themselves stay."""
    for group in pages(logs, "describe_log_groups", "logGroups", logGroupNamePrefix=groups):
        where = {"logGroupName": group["logGroupName"]}
        for stream in pages(logs, "describe_log_streams", "logStreams", **where, logStreamNamePrefix=beginning):
            name = stream["logStreamName"]
            gone = partial(logs.delete_log_stream, **where, logStreamName=name)
            yield Item(15, "log stream", f"{group['logGroupName']}/{name}", delete=gone)


def _databrew(client: Client) -> Iterator[Item]:
    brew = client("databrew")
    kinds = (
        (20, "DataBrew schedule", "list_schedules", "Schedules", brew.delete_schedule),
        (30, "DataBrew job", "list_jobs", "Jobs", brew.delete_job),
        (31, "DataBrew project", "list_projects", "Projects", brew.delete_project),
        (32, "DataBrew ruleset", "list_rulesets", "Rulesets", brew.delete_ruleset),
        (34, "DataBrew dataset", "list_datasets", "Datasets", brew.delete_dataset),
    )
    for order, kind, operation, key, gone in kinds:
        for each in pages(brew, operation, key):
            if is_ours(each["Name"], each.get("Tags")):
                yield Item(order, kind, each["Name"], delete=partial(gone, Name=each["Name"]))
    for name in _recipes(brew):
        yield Item(33, "DataBrew recipe", name, delete=partial(_delete_recipe, brew, name))


def _recipes(brew: Any) -> list[str]:
    versions = ("LATEST_WORKING", "LATEST_PUBLISHED")
    found = (each for version in versions for each in pages(brew, "list_recipes", "Recipes", RecipeVersion=version))
    return sorted({each["Name"] for each in found if is_ours(each["Name"], each.get("Tags"))})


def _delete_recipe(brew: Any, name: str) -> None:
    versions = [each["RecipeVersion"] for each in pages(brew, "list_recipe_versions", "Recipes", Name=name)]
    versions = [version for version in versions if version != "LATEST_WORKING"]
    brew.batch_delete_recipe_version(Name=name, RecipeVersions=[*versions, "LATEST_WORKING"])


def _stacks(client: Client) -> Iterator[Item]:
    """Stacks, the newest first: later ones use what earlier ones export."""
    cloudformation = client("cloudformation")
    stacks = [stack for stack in pages(cloudformation, "describe_stacks", "Stacks") if is_ours(stack["StackName"])]
    for place, stack in enumerate(sorted(stacks, key=lambda stack: stack["StackName"], reverse=True)):
        gone = partial(stacks_of_workshop.delete_named, cloudformation, stack["StackName"])
        yield Item(50 + place, "CloudFormation stack", stack["StackName"], stack["StackStatus"], gone)


def _buckets(client: Client) -> Iterator[Item]:
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        if is_our_bucket(bucket["Name"]):
            versions = sum(1 for _ in _versions(s3, bucket["Name"]))
            uploads = sum(1 for _ in pages(s3, "list_multipart_uploads", "Uploads", Bucket=bucket["Name"]))
            detail = f"{versions} object versions, {uploads} unfinished uploads"
            yield Item(45, "S3 bucket's contents", bucket["Name"], detail, partial(_empty, s3, bucket["Name"]))
            yield Item(90, "S3 bucket", bucket["Name"], delete=partial(s3.delete_bucket, Bucket=bucket["Name"]))


def _versions(s3: Any, bucket: str) -> Iterator[dict[str, str]]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in page.get("Versions", []) + page.get("DeleteMarkers", []):
            yield {"Key": each["Key"], "VersionId": each["VersionId"]}


def _empty(s3: Any, bucket: str) -> None:
    for upload in pages(s3, "list_multipart_uploads", "Uploads", Bucket=bucket):
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    versions = list(_versions(s3, bucket))
    for first in range(0, len(versions), 1000):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions[first : first + 1000], "Quiet": True})
        if answer.get("Errors"):
            error = answer["Errors"][0]
            raise ClientError({"Error": {"Code": error["Code"], "Message": error["Message"]}}, "DeleteObjects")


def _streams(client: Client) -> Iterator[Item]:
    firehose, kinesis = client("firehose"), client("kinesis")
    for name in pages(firehose, "list_delivery_streams", "DeliveryStreamNames"):
        if is_ours(name):
            gone = partial(firehose.delete_delivery_stream, DeliveryStreamName=name)
            yield Item(70, "Firehose stream", name, delete=gone)
    for name in pages(kinesis, "list_streams", "StreamNames"):
        if is_ours(name):
            gone = partial(kinesis.delete_stream, StreamName=name, EnforceConsumerDeletion=True)
            yield Item(71, "Kinesis stream", name, delete=gone)


def _functions(client: Client) -> Iterator[Item]:
    functions = client("lambda")
    for function in pages(functions, "list_functions", "Functions"):
        if is_ours(function["FunctionName"]):
            gone = partial(functions.delete_function, FunctionName=function["FunctionName"])
            yield Item(70, "Lambda function", function["FunctionName"], delete=gone)
    for layer in pages(functions, "list_layers", "Layers"):
        if is_ours(layer["LayerName"]):
            yield Item(72, "Lambda layer", layer["LayerName"], delete=partial(_delete_layer, functions, layer))


def _delete_layer(functions: Any, layer: dict[str, Any]) -> None:
    for version in pages(functions, "list_layer_versions", "LayerVersions", LayerName=layer["LayerName"]):
        functions.delete_layer_version(LayerName=layer["LayerName"], VersionNumber=version["Version"])


def _queues_and_topics(client: Client) -> Iterator[Item]:
    sqs, sns = client("sqs"), client("sns")
    for url in pages(sqs, "list_queues", "QueueUrls"):
        if is_ours(name := url.rsplit("/", 1)[-1]):
            yield Item(70, "SQS queue", name, delete=partial(sqs.delete_queue, QueueUrl=url))
    for topic in pages(sns, "list_topics", "Topics"):
        if is_ours(name := topic["TopicArn"].rsplit(":", 1)[-1]):
            yield Item(70, "SNS topic", name, delete=partial(sns.delete_topic, TopicArn=topic["TopicArn"]))


def _tables(client: Client) -> Iterator[Item]:
    dynamodb = client("dynamodb")
    for name in pages(dynamodb, "list_tables", "TableNames"):
        if is_ours(name):
            yield Item(70, "DynamoDB table", name, delete=partial(dynamodb.delete_table, TableName=name))


def _athena(client: Client) -> Iterator[Item]:
    athena = client("athena")
    for group in pages(athena, "list_work_groups", "WorkGroups"):
        if group["Name"] != "primary" and is_ours(group["Name"]):
            gone = partial(athena.delete_work_group, WorkGroup=group["Name"], RecursiveDeleteOption=True)
            yield Item(70, "Athena workgroup", group["Name"], delete=gone)


def _log_groups(client: Client) -> Iterator[Item]:
    logs = client("logs")
    for group in pages(logs, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        if is_our_log_group(name):
            yield Item(85, "log group", name, delete=partial(logs.delete_log_group, logGroupName=name))
        elif name == "/aws-glue/crawlers":  # shared by all crawlers of an account: a stream a crawler
            for stream in pages(logs, "describe_log_streams", "logStreams", logGroupName=name):
                if is_ours(stream["logStreamName"]):
                    gone = partial(logs.delete_log_stream, logGroupName=name, logStreamName=stream["logStreamName"])
                    yield Item(85, "log stream", f"{name}/{stream['logStreamName']}", delete=gone)


def _roles(client: Client) -> Iterator[Item]:
    iam = client("iam")
    for role in pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        if is_ours(name) or is_ours(name.removeprefix("AWSGlueDataBrewServiceRole-")):
            yield Item(95, "IAM role", name, delete=partial(_delete_role, iam, name))


def _delete_role(iam: Any, name: str) -> None:
    for policy in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name):
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy in pages(iam, "list_role_policies", "PolicyNames", RoleName=name):
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


LOOKS: tuple[Callable[[Client], Iterator[Item]], ...] = (
    _event_source_mappings, _schedules, _rules, _applications, _machines, _glue, _databrew, _stacks, _buckets, _streams,
    _functions, _queues_and_topics, _tables, _athena, _log_groups, _roles,
)  # fmt: skip
