"""What of the workshop is left is found and deleted; things of others beside it stay."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from helpers import stacks
from helpers.leftovers import Item, delete, delete_all, find
from infra import project
from infra.rehearsal import PARTICIPANT
from infra.teaching.names import is_our_bucket, is_our_log_group, is_ours
from tests.service_roles import service_role

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [
                    "lambda.amazonaws.com",
                    "states.amazonaws.com",
                    "glue.amazonaws.com",
                    "databrew.amazonaws.com",
                ]
            },
            "Action": "sts:AssumeRole",
        }
    ],
}
MACHINE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
STACK = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}


def code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    return packed.getvalue()


def make_all(cloud, account: str, ours: bool) -> None:
    """One of each kind, with the workshop's names or with those of somebody else."""
    name = "analytics-workshop-left" if ours else "sales-reports"
    bucket = f"aw-{account}-analytics-workshop-bucket" if ours else f"sales-{account}"
    role = cloud("iam").create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    s3 = cloud("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="data/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="data/a")
    s3.create_multipart_upload(Bucket=bucket, Key="data/unfinished")
    glue = cloud("glue")
    database = "analyticsworkshopdb" if ours else "salesdb"
    glue.create_database(DatabaseInput={"Name": database})
    glue.create_table(DatabaseName=database, TableInput={"Name": "raw"})
    glue.create_crawler(
        Name=f"{name}-crawler",
        Role=role,
        DatabaseName=database,
        Targets={"S3Targets": [{"Path": f"s3://{bucket}/data/"}]},
    )
    glue.create_job(Name=f"{name}-job", Role=role, Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/x.py"})
    cloud("kinesis").create_stream(StreamName=name, ShardCount=1)
    queue = cloud("sqs").create_queue(QueueName=name)["QueueUrl"]
    cloud("sns").create_topic(Name=name)
    cloud("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    cloud("athena").create_work_group(Name=name)
    cloud("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    cloud("lambda").create_function(
        FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=role, Code={"ZipFile": code()}
    )
    events = cloud("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["x"]}))
    arn = cloud("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    cloud("stepfunctions").create_state_machine(name=name, roleArn=role, definition=MACHINE)
    cloud("databrew").create_recipe(
        Name=f"{name}-recipe",
        Steps=[{"Action": {"Operation": "RENAME", "Parameters": {"sourceColumn": "a", "targetColumn": "b"}}}],
    )
    cloud("cloudformation").create_stack(StackName=f"{name}-stack", TemplateBody=json.dumps(STACK))
    cloud("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=f"{name}-stack", WaiterConfig={"Delay": 1}
    )


KINDS = {
    "Athena workgroup", "CloudFormation stack", "DataBrew recipe", "DynamoDB table", "EventBridge rule", "Glue crawler", "Glue database",
    "Glue job", "IAM role", "Kinesis stream", "Lambda function", "S3 bucket", "S3 bucket's contents", "SNS topic", "SQS queue",
    "Step Functions state machine", "log group",
}  # fmt: skip


def test_everything_of_ours_goes_and_everything_of_others_stays(cloud, account):
    make_all(cloud, account, ours=True)
    make_all(cloud, account, ours=False)
    session = boto3.Session()
    found = find(session)
    assert KINDS <= {item.kind for item in found}
    assert not [item for item in found if "sales" in item.name]
    told: list[str] = []
    assert delete_all(session, told.append) == []
    assert find(session) == []
    assert len(told) >= len(KINDS)
    assert (
        cloud("s3")
        .get_object(Bucket=f"sales-{account}", Key="data/a", VersionId=version_of(cloud, account))["Body"]
        .read()
        == b"2"
    )
    assert cloud("glue").get_table(DatabaseName="salesdb", Name="raw")["Table"]["Name"] == "raw"
    assert cloud("events").list_targets_by_rule(Rule="sales-reports")["Targets"]
    assert cloud("stepfunctions").list_state_machines()["stateMachines"][0]["name"] == "sales-reports"
    assert cloud("lambda").get_function(FunctionName="sales-reports")
    assert [group["logGroupName"] for group in cloud("logs").describe_log_groups()["logGroups"]] == [
        "/aws/lambda/sales-reports"
    ]
    assert (
        cloud("cloudformation").describe_stacks(StackName="sales-reports-stack")["Stacks"][0]["StackStatus"]
        == "CREATE_COMPLETE"
    )


def test_a_learner_deletes_what_is_left_but_not_its_own_role(cloud, account):
    stacks.deploy("00_participant")
    cloud("lambda").publish_layer_version(LayerName="analytics-workshop-extra", Content={"ZipFile": code()})
    cloud("kinesis").create_stream(StreamName="analytics-workshop-left", ShardCount=1)
    arn = f"arn:aws:iam::{account}:role/{PARTICIPANT}"
    keys = cloud("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    learner = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    assert {item.kind for item in find(learner)} == {"Lambda layer", "Kinesis stream"}
    assert delete_all(learner, [].append) == []
    assert cloud("lambda").list_layers()["Layers"] == []
    assert find(boto3.Session()) == []
    assert cloud("iam").get_role(RoleName=PARTICIPANT)


def version_of(cloud, account: str) -> str:
    versions = cloud("s3").list_object_versions(Bucket=f"sales-{account}")["Versions"]
    return next(version["VersionId"] for version in versions if version["Key"] == "data/a")


def test_an_empty_account_has_nothing(cloud):
    assert find(boto3.Session()) == []


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("analytics-workshop-01-ingest", True),
        ("AnalyticsworkshopCrawler", True),
        ("AnalyticsOnAWS-GlueStudio", True),
        ("delivery-analytics-workshop-stream", True),
        ("my-analytics-workshop", False),
        ("analytics", False),
        ("workshop", False),
    ],
)
def test_which_names_are_ours(name, ours):
    assert is_ours(name) is ours


def test_a_tag_makes_a_thing_ours():
    assert is_ours("raw-dataset", {"workshop": "AnalyticsOnAWS"})
    assert not is_ours("raw-dataset", {"workshop": "something else"})


def test_buckets_and_log_groups():
    assert is_our_bucket("aw-123456789012-analytics-workshop-bucket") and not is_our_bucket("aw-123456789012-sales")
    assert is_our_log_group("/aws/lambda/analytics-workshop-top5") and not is_our_log_group("/aws/lambda/sales")
    assert not is_our_log_group("/aws-glue/jobs/output")


def test_the_command_asks_for_account_and_region_on_any_profile_that_is_not_the_local_one(
    server, cloud, account, tmp_path
):
    """As on real AWS: another profile, whose endpoint happens to be this server."""
    for name in ("analytics-workshop-left", "sales-reports"):
        cloud("kinesis").create_stream(StreamName=name, ShardCount=1)
    config = f"[profile sandbox]\nregion = us-east-1\nendpoint_url = {server.endpoint}\n"
    config += f"aws_access_key_id = {account}\naws_secret_access_key = test\n"
    (tmp_path / "config").write_text(config)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = clean | {
        "AWS_PROFILE": "sandbox",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "WORKSHOP_HOME": str(tmp_path),
    }

    def run(*options: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.cli", "leftovers", *options]
        return subprocess.run(
            command, env=environment, cwd=project.ROOT, input=typed, capture_output=True, text=True, timeout=120
        )

    def streams() -> list[str]:
        return sorted(cloud("kinesis").list_streams()["StreamNames"])

    refused = run("--delete", typed=f"{account} eu-west-1\n")
    assert refused.returncode == 1 and "Nothing was deleted." in refused.stdout
    assert "REAL AWS · profile sandbox" in refused.stdout
    assert "analytics-workshop-left" in refused.stdout and "sales" not in refused.stdout
    assert streams() == ["analytics-workshop-left", "sales-reports"]
    deleted = run("--delete", typed=f"{account} us-east-1\n")
    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    assert streams() == ["sales-reports"]


def stack_of(name: str, resources: dict, **more: Any) -> None:
    client = boto3.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, **more}))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_what_could_not_be_deleted_says_why_and_goes_when_it_is_repeated(cloud):
    queue = {"Q": {"Type": "AWS::SQS::Queue"}}
    shared = {"Shared": {"Value": {"Ref": "Q"}, "Export": {"Name": "shared-queue"}}}
    stack_of("analytics-workshop-left", queue, Outputs=shared)
    tagged = [{"Key": "q", "Value": {"Fn::ImportValue": "shared-queue"}}]
    stack_of("sales", {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": tagged}}})
    cloud("kinesis").create_stream(StreamName="analytics-workshop-left", ShardCount=1)
    session, told = boto3.Session(), []
    ((item, reason),) = delete_all(session, told.append)
    assert item.kind == "CloudFormation stack" and "in use by sales" in reason
    assert cloud("kinesis").list_streams()["StreamNames"] == []  # the others are gone all the same
    cloud("cloudformation").delete_stack(StackName="sales")
    cloud("cloudformation").get_waiter("stack_delete_complete").wait(StackName="sales", WaiterConfig={"Delay": 1})
    assert delete_all(session, told.append) == []
    assert find(session) == []


def test_a_crawler_that_runs_is_waited_for(cloud, account):
    role = service_role(cloud, "glue", "AnalyticsworkshopGlueRole")
    bucket, glue = f"aw-{account}-analytics-workshop-bucket", cloud("glue")
    cloud("s3").create_bucket(Bucket=bucket)
    cloud("s3").put_object(Bucket=bucket, Key="data/a.json", Body=b'{"a": 1}')
    glue.create_database(DatabaseInput={"Name": "analyticsworkshopdb"})
    target = {"S3Targets": [{"Path": f"s3://{bucket}/data/"}]}
    glue.create_crawler(Name="AnalyticsworkshopCrawler", Role=role, DatabaseName="analyticsworkshopdb", Targets=target)
    glue.start_crawler(Name="AnalyticsworkshopCrawler")
    assert delete_all(boto3.Session(), lambda line: None) == []
    assert glue.list_crawlers()["CrawlerNames"] == [] and find(boto3.Session()) == []


@pytest.mark.parametrize("code", ["ResourceInUseException", "ConcurrentModificationException"])
def test_what_is_busy_is_asked_again(code, monkeypatch):
    """An application that starts, for example, cannot be deleted until it runs."""
    monkeypatch.setattr(delete, "PAUSE", 0)
    answers = iter([code, code, ""])

    def gone() -> None:
        if refused := next(answers):
            raise ClientError({"Error": {"Code": refused, "Message": "busy"}}, "DeleteApplication")

    assert delete._delete(Item(20, "Flink application", "analytics-workshop-windows", delete=gone)) == ""


def test_the_rule_of_an_exercise_is_found_by_its_target(cloud, account):
    for name, function in (("automation-failed", "AutomationChain"), ("automation-sales", "sales")):
        cloud("events").put_rule(Name=name, EventPattern=json.dumps({"source": ["x"]}))
        arn = f"arn:aws:lambda:us-east-1:{account}:function:{function}"
        cloud("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    assert [item.name for item in find(boto3.Session())] == ["automation-failed"]
