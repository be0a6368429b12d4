"""What of the workshop is left is found and deleted; things of others beside it stay."""

from __future__ import annotations

import io
import json
import zipfile

import boto3
import pytest

from helpers.leftovers import delete_all, find
from helpers.leftovers.names import is_our_bucket, is_our_log_group, is_ours

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
