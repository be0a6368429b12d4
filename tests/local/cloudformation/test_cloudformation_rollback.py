"""Stacks that fail: what is taken back and what stays; what cannot be deleted."""

import json

import pytest

from tests.local.cloudformation.stack_lab import HANDLE, bucket, events, log_group, queue, reason_of, rest
from tests.refusals import refusal


def test_an_unknown_property_fails_the_stack_and_all_is_taken_back(cloudformation, create, client, account):
    template = {
        "Resources": {
            "Bucket": bucket(f"first-{account}"),
            "Stream": {
                "Type": "AWS::Kinesis::Stream",
                "DependsOn": "Bucket",
                "Properties": {"Name": "s", "Shards": 2},
            },
        }
    }
    stack_id, status = create("s", template)
    assert status == "ROLLBACK_COMPLETE"
    assert events(cloudformation, "s") == [
        ("s", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Bucket", "CREATE_IN_PROGRESS", None),
        ("Bucket", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Bucket", "CREATE_COMPLETE", None),
        ("Stream", "CREATE_IN_PROGRESS", None),
        (
            "Stream",
            "CREATE_FAILED",
            "Properties validation failed for resource Stream with message:\n"
            "[#: extraneous key [Shards] is not permitted]",
        ),
        (
            "s",
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [Stream]. Rollback requested by user.",
        ),
        ("Bucket", "DELETE_IN_PROGRESS", None),
        ("Bucket", "DELETE_COMPLETE", None),
        ("s", "ROLLBACK_COMPLETE", None),
    ]
    assert client("s3").list_buckets()["Buckets"] == []
    body = json.dumps(template)
    assert refusal(cloudformation.update_stack, StackName="s", TemplateBody=body) == (
        "ValidationError",
        f"Stack:{stack_id} is in ROLLBACK_COMPLETE state and can not be updated.",
    )


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (
            {"Type": "AWS::Glue::Crawler", "Properties": {"Name": "c"}},
            "Properties validation failed for resource A with message:\n"
            "[#: required key [Role] not found, #: required key [Targets] not found]",
        ),
        (
            {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": "many"}},
            "Properties validation failed for resource A with message:\n"
            "[#/ShardCount: expected type: Integer, found: String]",
        ),
        (
            {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": "w", "State": "ON"}},
            "Properties validation failed for resource A with message:\n[#/State: ON is not a valid enum value]",
        ),
        (
            {
                "Type": "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption",
                "Properties": {"ApplicationName": "a", "Colour": "blue"},
            },
            "Encountered unsupported property Colour",  # a type older than AWS's registry has the older message
        ),
    ],
)
def test_properties_are_checked_by_aws_own_schemas(cloudformation, create, resource, reason):
    assert create("s", {"Resources": {"A": resource}})[1] == "ROLLBACK_COMPLETE"
    assert reason_of(cloudformation, "s", "A", "CREATE_FAILED") == reason


def test_what_was_there_before_is_not_taken_away_by_the_rollback(cloudformation, create, client, account):
    client("s3").create_bucket(Bucket=f"mine-{account}")
    client("logs").create_log_group(logGroupName="/mine")
    assert create("s", {"Resources": {"B": bucket(f"mine-{account}")}})[1] == "ROLLBACK_COMPLETE"
    reason = reason_of(cloudformation, "s", "B", "CREATE_FAILED")
    assert reason.startswith(
        f"Resource handler returned message: \"Resource of type 'AWS::S3::Bucket' with identifier 'mine-{account}' "
        'already exists."'
    )
    assert reason.endswith("HandlerErrorCode: AlreadyExists)")
    assert create("t", {"Resources": {"L": log_group("/mine")}})[1] == "ROLLBACK_COMPLETE"
    assert [b["Name"] for b in client("s3").list_buckets()["Buckets"]] == [f"mine-{account}"]
    assert [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]] == ["/mine"]


def test_a_resource_that_fails_halfway_is_taken_away(cloudformation, create, client, account):
    notification = {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": f"arn:aws:sqs:us-east-1:{account}:no"}]
    }
    template = {"Resources": {"B": bucket(f"half-{account}", NotificationConfiguration=notification)}}
    assert create("s", template)[1] == "ROLLBACK_COMPLETE"
    assert client("s3").list_buckets()["Buckets"] == []


def test_rollback_can_be_switched_off(cloudformation, create, client):
    template = {"Resources": {"Q": queue("kept"), "A": {**queue("x", Colour="red"), "DependsOn": "Q"}}}
    stack_id, status = create("s", template, DisableRollback=True)
    assert status == "CREATE_FAILED"
    assert len(client("sqs").list_queues()["QueueUrls"]) == 1
    cloudformation.delete_stack(StackName="s")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    stack_id, status = create("t", template, OnFailure="DELETE")
    assert status == "DELETE_COMPLETE"


def test_a_bucket_that_is_not_empty_cannot_be_deleted(cloudformation, create, client, account):
    name = f"full-{account}"
    stack_id, _ = create("s", {"Resources": {"B": bucket(name), "Q": queue("gone")}})
    client("s3").put_object(Bucket=name, Key="k", Body=b"1")
    cloudformation.delete_stack(StackName="s")
    assert rest(cloudformation, "s") == "DELETE_FAILED"
    reason = reason_of(cloudformation, "s", "B", "DELETE_FAILED")
    assert reason.startswith(
        'Resource handler returned message: "The bucket you tried to delete is not empty (Service: S3, Status Code: 409, '
    )
    assert cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatusReason"] == (
        "The following resource(s) failed to delete: [B]. "
    )
    assert "QueueUrls" not in client("sqs").list_queues()
    cloudformation.delete_stack(StackName="s", RetainResources=["B"])
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert client("s3").get_object(Bucket=name, Key="k")["Body"].read() == b"1"


def test_deletion_policy_retain(cloudformation, create, client, account):
    kept = {**bucket(f"kept-{account}"), "DeletionPolicy": "Retain"}
    stack_id, _ = create("s", {"Resources": {"B": kept}})
    cloudformation.delete_stack(StackName="s")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert ("B", "DELETE_SKIPPED", None) in events(cloudformation, stack_id)
    assert [b["Name"] for b in client("s3").list_buckets()["Buckets"]] == [f"kept-{account}"]


def test_what_is_gone_already_counts_as_deleted(cloudformation, create, client):
    stack_id, _ = create("s", {"Resources": {"L": log_group("/gone")}})
    client("logs").delete_log_group(logGroupName="/gone")
    cloudformation.delete_stack(StackName="s")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"


def test_termination_protection(cloudformation, create):
    create("s", {"Resources": {"A": HANDLE}}, EnableTerminationProtection=True)
    assert refusal(cloudformation.delete_stack, StackName="s")[1] == (
        "Stack [s] cannot be deleted while TerminationProtection is enabled"
    )
    cloudformation.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="s")
