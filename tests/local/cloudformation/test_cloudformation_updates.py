"""Updates, replacement, change sets, exports."""

import json

from tests.local.cloudformation.stack_lab import HANDLE, IAM, events, log_group, queue, reason_of, rest
from tests.refusals import refusal


def test_update_in_place(cloudformation, create, update, client):
    create("s", {"Resources": {"L": log_group("/a", RetentionInDays=7), "Old": queue("old")}})
    status = update("s", {"Resources": {"L": log_group("/a", RetentionInDays=14), "New": queue("new")}})
    assert status == "UPDATE_COMPLETE"
    assert client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 14
    assert [url.rpartition("/")[2] for url in client("sqs").list_queues()["QueueUrls"]] == ["new"]
    assert [e[:2] for e in events(cloudformation, "s")][8:] == [
        ("s", "UPDATE_IN_PROGRESS"),
        ("L", "UPDATE_IN_PROGRESS"),
        ("L", "UPDATE_COMPLETE"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_IN_PROGRESS"),
        ("New", "CREATE_COMPLETE"),
        ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("Old", "DELETE_IN_PROGRESS"),
        ("Old", "DELETE_COMPLETE"),
        ("s", "UPDATE_COMPLETE"),
    ]


def test_nothing_to_update(cloudformation, create):
    template = {"Resources": {"L": log_group("/a", RetentionInDays=7)}}
    create("s", template)
    template["Description"] = "other words"
    assert refusal(cloudformation.update_stack, StackName="s", TemplateBody=json.dumps(template)) == (
        "ValidationError",
        "No updates are to be performed.",
    )


def test_a_changed_name_makes_a_new_resource_and_what_depends_on_it_follows(cloudformation, create, update, client):
    def template(name):
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        return {
            "Resources": {
                "Q": queue(name),
                "P": {
                    "Type": "AWS::SQS::QueuePolicy",
                    "Properties": {"Queues": [{"Ref": "Q"}], "PolicyDocument": policy},
                },
            }
        }

    create("s", template("one"))
    assert update("s", template("two")) == "UPDATE_COMPLETE"
    url = client("sqs").list_queues()["QueueUrls"]
    assert [u.rpartition("/")[2] for u in url] == ["two"]
    assert "Policy" in client("sqs").get_queue_attributes(QueueUrl=url[0], AttributeNames=["All"])["Attributes"]
    tail = events(cloudformation, "s")[8:]
    assert tail[1:4] == [
        (
            "Q",
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        ),
        ("Q", "UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Q", "UPDATE_COMPLETE", None),
    ]
    assert tail[-3:] == [
        ("Q", "DELETE_IN_PROGRESS", None),
        ("Q", "DELETE_COMPLETE", None),
        ("s", "UPDATE_COMPLETE", None),
    ]


FIREHOSE_TRAP = """
Parameters:
  Role: {Type: String}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Stream: {Type: AWS::Kinesis::Stream, Properties: {Name: source}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: firehose.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: read-and-write
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: ["kinesis:*", "s3:*"], Resource: "*"}]
  Delivery:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      DeliveryStreamName: delivery
      DeliveryStreamType: KinesisStreamAsSource
      KinesisStreamSourceConfiguration: {KinesisStreamARN: !GetAtt Stream.Arn, RoleARN: !GetAtt Role.Arn}
      ExtendedS3DestinationConfiguration: {BucketARN: !GetAtt Bucket.Arn, RoleARN: !GetAtt Role.Arn}
""".replace("  Role: {Type: String}", "  RoleName: {Type: String}")


def test_a_resource_with_a_name_of_its_own_cannot_be_replaced(cloudformation, client):
    """The trap of the original workshop: renaming the role replaces the delivery stream, which has a fixed name."""
    name = {"ParameterKey": "RoleName", "ParameterValue": "first"}
    cloudformation.create_stack(StackName="s", TemplateBody=FIREHOSE_TRAP, Capabilities=IAM, Parameters=[name])
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    name["ParameterValue"] = "second"
    cloudformation.update_stack(StackName="s", UsePreviousTemplate=True, Capabilities=IAM, Parameters=[name])
    assert rest(cloudformation, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert reason_of(cloudformation, "s", "Delivery", "UPDATE_FAILED") == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename delivery and update the stack again."
    )
    assert reason_of(cloudformation, "s", "s", "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to update: [Delivery]."
    )
    assert [role["RoleName"] for role in client("iam").list_roles()["Roles"]] == ["first"]
    stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    assert stack["Parameters"] == [{"ParameterKey": "RoleName", "ParameterValue": "first"}]


def test_a_failed_update_puts_everything_back(cloudformation, create, update, client, account):
    before = {
        "Resources": {
            "L": log_group("/a", RetentionInDays=7),
            "Q": queue("one"),
        }
    }
    create("s", before)
    after = {
        "Resources": {
            "L": log_group("/a", RetentionInDays=14),
            "Q": queue("two"),
            "New": {**queue("new"), "DependsOn": ["L", "Q"]},
            "Bad": {**queue("bad", Colour="red"), "DependsOn": "New"},
        }
    }
    assert update("s", after) == "UPDATE_ROLLBACK_COMPLETE"
    assert client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    assert [url.rpartition("/")[2] for url in client("sqs").list_queues()["QueueUrls"]] == ["one"]
    resources = cloudformation.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert {r["LogicalResourceId"]: r["ResourceStatus"] for r in resources} == {
        "L": "UPDATE_COMPLETE",
        "Q": "UPDATE_COMPLETE",
    }
    assert cloudformation.get_template(StackName="s")["TemplateBody"] == before
    assert update("s", {"Resources": {**before["Resources"], "More": queue("more")}}) == "UPDATE_COMPLETE"


def test_a_rollback_that_fails_can_be_continued(cloudformation, create, update, client):
    create("s", {"Resources": {"L": log_group("/a", RetentionInDays=7)}})
    client("logs").delete_log_group(logGroupName="/a")
    after = {"Resources": {"L": log_group("/a", RetentionInDays=14), "Q": queue("q")}}
    assert update("s", after) == "UPDATE_ROLLBACK_FAILED"
    assert cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatusReason"] == (
        "The following resource(s) failed to update: [L]. "
    )
    code, message = refusal(cloudformation.update_stack, StackName="s", TemplateBody=json.dumps(after))
    assert message.endswith("is in UPDATE_ROLLBACK_FAILED state and can not be updated.")
    cloudformation.continue_update_rollback(StackName="s")
    assert rest(cloudformation, "s") == "UPDATE_ROLLBACK_FAILED"
    client("logs").create_log_group(logGroupName="/a")
    cloudformation.continue_update_rollback(StackName="s")
    assert rest(cloudformation, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert client("logs").describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    assert update("s", after) == "UPDATE_COMPLETE"


def test_stack_tags_reach_the_resources_and_leave_them(cloudformation, create, update, client):
    template = {"Resources": {"L": log_group("/a")}}
    create("s", template, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}])
    assert client("logs").list_tags_log_group(logGroupName="/a")["tags"] == {"a": "1", "b": "1"}
    assert update("s", template, Tags=[{"Key": "b", "Value": "2"}]) == "UPDATE_COMPLETE"
    assert client("logs").list_tags_log_group(logGroupName="/a")["tags"] == {"b": "2"}


def test_change_set_creates_a_stack(cloudformation, client):
    made = cloudformation.create_change_set(
        StackName="s",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Q": queue("q")}}),
    )
    assert cloudformation.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    found = cloudformation.describe_change_set(ChangeSetName=made["Id"])
    assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert found["Changes"] == [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": "Q",
                "ResourceType": "AWS::SQS::Queue",
                "Scope": [],
                "Details": [],
            },
        }
    ]
    assert "QueueUrls" not in client("sqs").list_queues()
    cloudformation.execute_change_set(ChangeSetName="first", StackName="s")
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert cloudformation.describe_change_set(ChangeSetName=made["Id"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert refusal(cloudformation.execute_change_set, ChangeSetName=made["Id"])[0] == "InvalidChangeSetStatus"


def test_change_set_tells_what_would_change(cloudformation, create):
    before = {"Resources": {"L": log_group("/a", RetentionInDays=7), "Q": queue("one"), "Old": HANDLE}}
    create("s", before)
    after = {
        "Resources": {
            "L": log_group("/a", RetentionInDays=14),
            "Q": queue("two"),
            "Stream": {
                "Type": "AWS::Logs::LogStream",
                "Properties": {"LogGroupName": {"Ref": "L"}, "LogStreamName": "x"},
            },
        }
    }
    cloudformation.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=json.dumps(after))
    changes = cloudformation.describe_change_set(StackName="s", ChangeSetName="c")["Changes"]
    short = {
        c["ResourceChange"]["LogicalResourceId"]: (
            c["ResourceChange"]["Action"],
            c["ResourceChange"].get("Replacement"),
            [
                (d["Target"]["Name"], d["Target"]["RequiresRecreation"], d["Evaluation"])
                for d in c["ResourceChange"]["Details"]
            ],
        )
        for c in changes
    }
    assert short == {
        "L": ("Modify", "False", [("RetentionInDays", "Never", "Static")]),
        "Q": ("Modify", "True", [("QueueName", "Always", "Static")]),
        "Stream": ("Add", None, []),
        "Old": ("Remove", None, []),
    }
    assert cloudformation.list_change_sets(StackName="s")["Summaries"][0]["ChangeSetName"] == "c"
    cloudformation.delete_change_set(StackName="s", ChangeSetName="c")
    assert refusal(cloudformation.describe_change_set, StackName="s", ChangeSetName="c") == (
        "ChangeSetNotFound",
        "ChangeSet [c] does not exist",
    )


def test_change_set_without_changes_has_failed(cloudformation, create):
    template = {"Resources": {"L": log_group("/a")}}
    create("s", template)
    cloudformation.create_change_set(StackName="s", ChangeSetName="c", TemplateBody=json.dumps(template))
    found = cloudformation.describe_change_set(StackName="s", ChangeSetName="c")
    assert (found["Status"], found["ExecutionStatus"], found["StatusReason"]) == (
        "FAILED",
        "UNAVAILABLE",
        "The submitted information didn't contain changes. Submit different information to create a change set.",
    )
    code, message = refusal(cloudformation.execute_change_set, StackName="s", ChangeSetName="c")
    assert code == "InvalidChangeSetStatus"
    assert message == f"ChangeSet [{found['ChangeSetId']}] cannot be executed in its current status of [FAILED]"
    assert (
        refusal(
            cloudformation.create_change_set,
            StackName="s",
            ChangeSetName="d",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
        )[1]
        == "Stack [s] already exists and cannot be created again with the changeSet [d]."
    )


def test_exports_bind_stacks_together(cloudformation, create, update):
    def giver(value, name="shared"):
        return {"Resources": {"A": HANDLE}, "Outputs": {"O": {"Value": value, "Export": {"Name": name}}}}

    create("giver", giver("/one"))
    taker = {"Resources": {"L": log_group({"Fn::ImportValue": "shared"})}}
    assert create("taker", taker)[1] == "CREATE_COMPLETE"
    exports = cloudformation.list_exports()["Exports"]
    assert [(e["Name"], e["Value"]) for e in exports] == [("shared", "/one")]
    assert cloudformation.list_imports(ExportName="shared")["Imports"] == ["taker"]

    cloudformation.delete_stack(StackName="giver")
    assert rest(cloudformation, "giver") == "CREATE_COMPLETE"
    assert cloudformation.describe_stacks(StackName="giver")["Stacks"][0]["StackStatusReason"] == (
        "Export shared cannot be deleted as it is in use by taker"
    )
    assert update("giver", giver("/two")) == "UPDATE_ROLLBACK_COMPLETE"
    assert reason_of(cloudformation, "giver", "giver", "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "Export shared cannot be updated as it is in use by taker"
    )
    _, status = create("rival", giver("/three"))
    assert status == "ROLLBACK_COMPLETE"
    assert reason_of(cloudformation, "rival", "rival", "ROLLBACK_IN_PROGRESS") == (
        "Export with name shared is already exported by stack giver. Rollback requested by user."
    )
    _, status = create("lost", {"Resources": {"L": log_group({"Fn::ImportValue": "nothing"})}})
    assert status == "ROLLBACK_COMPLETE"
    assert reason_of(cloudformation, "lost", "lost", "ROLLBACK_IN_PROGRESS") == (
        "No export named nothing found. Rollback requested by user."
    )
    taker_id = cloudformation.describe_stacks(StackName="taker")["Stacks"][0]["StackId"]
    giver_id = cloudformation.describe_stacks(StackName="giver")["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName="taker")
    rest(cloudformation, taker_id)
    cloudformation.delete_stack(StackName="giver")
    assert rest(cloudformation, giver_id) == "DELETE_COMPLETE"
