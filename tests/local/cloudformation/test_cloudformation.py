"""CloudFormation through boto3: templates, functions, change sets, events, rollback, replacement, kill -9.

Expected values are written by hand from the CloudFormation user guide and from messages of the real service.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import TAGGING

IAM = ["CAPABILITY_NAMED_IAM"]
HANDLE = {"Type": "AWS::CloudFormation::WaitConditionHandle"}


def rest(cloudformation, stack, seconds=30):
    """Wait until nothing is going on with a stack and return its status."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.02)
    raise AssertionError(f"{stack} is still {status}")


def events(cloudformation, stack):
    """Return (logical id, status, reason) of a stack's events, oldest first."""
    found = cloudformation.describe_stack_events(StackName=stack)["StackEvents"][::-1]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason")) for e in found]


def reason_of(cloudformation, stack, logical_id, status):
    return next(reason for name, what, reason in events(cloudformation, stack) if (name, what) == (logical_id, status))


def message_of(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def cloudformation(client):
    return client("cloudformation")


@pytest.fixture
def create(cloudformation):
    """Create a stack from a dict and return its id and the status in which it ends."""

    def create(name, template, **parameters):
        stack_id = cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=IAM, **parameters
        )["StackId"]
        return stack_id, rest(cloudformation, stack_id)

    return create


@pytest.fixture
def update(cloudformation):
    def update(name, template, **parameters):
        cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=IAM, **parameters)
        return rest(cloudformation, name)

    return update


def queue(name=None, **properties):
    return {"Type": "AWS::SQS::Queue", "Properties": {**({"QueueName": name} if name else {}), **properties}}


def log_group(name=None, **properties):
    return {"Type": "AWS::Logs::LogGroup", "Properties": {**({"LogGroupName": name} if name else {}), **properties}}


def bucket(name, **properties):
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}


# --- events and descriptions ----------------------------------------------------------------------------------------


def test_a_stack_is_made_in_order_and_tells_what_it_does(cloudformation, create, client, account):
    template = {
        "Description": "two",
        "Resources": {
            "Policy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "s3.amazonaws.com"},
                                "Action": "sqs:SendMessage",
                                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                            }
                        ],
                    },
                },
            },
            "Queue": queue("events", VisibilityTimeout="60"),
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": "Queue.Arn"}, "Description": "its ARN"}},
    }
    stack_id, status = create("one", template, Tags=[{"Key": "course", "Value": "a"}])
    assert status == "CREATE_COMPLETE"
    assert events(cloudformation, "one") == [
        ("one", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Queue", "CREATE_IN_PROGRESS", None),
        ("Queue", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Queue", "CREATE_COMPLETE", None),
        ("Policy", "CREATE_IN_PROGRESS", None),
        ("Policy", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("Policy", "CREATE_COMPLETE", None),
        ("one", "CREATE_COMPLETE", None),
    ]
    stack = cloudformation.describe_stacks(StackName="one")["Stacks"][0]
    assert stack["StackId"] == stack_id
    assert stack["Description"] == "two"
    assert stack["Outputs"] == [
        {"OutputKey": "Arn", "OutputValue": f"arn:aws:sqs:us-east-1:{account}:events", "Description": "its ARN"}
    ]
    assert stack["Tags"] == [{"Key": "course", "Value": "a"}]
    resources = cloudformation.describe_stack_resources(StackName="one")["StackResources"]
    url = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "Queue")
    sqs = client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert json.loads(attributes["Policy"])["Statement"][0]["Action"] == "sqs:SendMessage"
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"course": "a"}
    detail = cloudformation.describe_stack_resource(StackName="one", LogicalResourceId="Queue")["StackResourceDetail"]
    assert (detail["PhysicalResourceId"], detail["ResourceStatus"]) == (url, "CREATE_COMPLETE")
    assert cloudformation.get_template(StackName="one")["TemplateBody"] == template
    by_physical = cloudformation.describe_stack_resources(PhysicalResourceId=url)["StackResources"]
    assert {r["StackName"] for r in by_physical} == {"one"}

    cloudformation.delete_stack(StackName="one")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert [e[:2] for e in events(cloudformation, stack_id)[8:]] == [
        ("one", "DELETE_IN_PROGRESS"),
        ("Policy", "DELETE_IN_PROGRESS"),
        ("Policy", "DELETE_COMPLETE"),
        ("Queue", "DELETE_IN_PROGRESS"),
        ("Queue", "DELETE_COMPLETE"),
        ("one", "DELETE_COMPLETE"),
    ]
    assert "QueueUrls" not in sqs.list_queues()
    assert message_of(cloudformation.describe_stacks, StackName="one") == (
        "ValidationError",
        "Stack with id one does not exist",
    )
    assert cloudformation.describe_stacks()["Stacks"] == []
    assert [s["StackStatus"] for s in cloudformation.list_stacks()["StackSummaries"]] == ["DELETE_COMPLETE"]


def test_missing_stacks(cloudformation):
    assert message_of(cloudformation.describe_stack_events, StackName="no") == (
        "ValidationError",
        "Stack [no] does not exist",
    )
    assert message_of(cloudformation.get_template, StackName="no")[1] == "Stack with id no does not exist"
    assert message_of(
        cloudformation.update_stack, StackName="no", TemplateBody=json.dumps({"Resources": {"A": HANDLE}})
    ) == ("ValidationError", "Stack [no] does not exist")
    cloudformation.delete_stack(StackName="no")


def test_accounts_have_stacks_of_their_own(server, create):
    create("mine", {"Resources": {"A": HANDLE}})
    assert server.client("cloudformation", "999988887777").describe_stacks()["Stacks"] == []


# --- templates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("hello", "Template format error: unsupported structure."),
        ("Resources:\n  A: b: c", "Template format error: YAML not well-formed. (line 2, column 7)"),
        ('{"Resources": }', "Template format error: JSON not well-formed. (line 1, column 15)"),
        ("a: &x 1\nb: *x", "Template format error: YAML aliases are not allowed in CloudFormation templates"),
        ({"Description": "d"}, "Template format error: At least one Resources member must be defined."),
        ({"Resource": {}, "Resources": {"A": HANDLE}}, "Invalid template property or properties [Resource]"),
        (
            {"Resources": {"A": {"Properties": {}}}},
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        ({"Resources": {"A-B": HANDLE}}, "Template format error: Resource name A-B is non alphanumeric."),
        ({"Resources": {"A": {**HANDLE, "Depends": "B"}}}, "Invalid template resource property 'Depends'"),
        (
            {"Resources": {"A": {"Type": "AWS::S3::Buckett"}, "B": {"Type": "AWS::No::Thing"}}},
            "Template format error: Unrecognized resource types: [AWS::S3::Buckett, AWS::No::Thing]",
        ),
        (
            {"Resources": {"A": {**HANDLE, "DependsOn": "B"}}},
            "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
        ),
        (
            {"Resources": {"A": HANDLE}, "Outputs": {"O": {"Value": {"Ref": "Gone"}}}},
            "Template format error: Unresolved resource dependencies [Gone] in the Outputs block of the template",
        ),
        (
            {"Resources": {"A": queue({"Fn::GetAtt": ["B", "Arn"]})}},
            "Template error: instance of Fn::GetAtt references undefined resource B",
        ),
        (
            {"Resources": {"A": queue("q")}, "Outputs": {"O": {"Value": {"Fn::Sub": "${A.Size}"}}}},
            "Template error: resource A does not support attribute type Size in Fn::GetAtt",
        ),
        (
            {"Resources": {"A": {**HANDLE, "DependsOn": "B"}, "B": {**HANDLE, "DependsOn": ["A"]}}},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"Resources": {"A": queue("q", VisibilityTimeout=None)}},
            "[/Resources/A/Properties/VisibilityTimeout] 'null' values are not allowed in templates",
        ),
        (
            {"Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}}, "Resources": {"A": HANDLE}},
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            {"Parameters": {"P": {"Default": "x"}}, "Resources": {"A": HANDLE}},
            "Template format error: Every Parameters object must contain a Type member.",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Snapshot"}}},
            "Template error: resource type AWS::S3::Bucket does not support deletion policy Snapshot",
        ),
    ],
)
def test_templates_that_are_wrong(cloudformation, template, message):
    body = template if isinstance(template, str) else json.dumps(template)
    for call, more in ((cloudformation.validate_template, {}), (cloudformation.create_stack, {"StackName": "s"})):
        code, found = message_of(call, TemplateBody=body, **more)
        # which resource of a circle is named first is not told
        assert (code, sorted(found)) == ("ValidationError", sorted(message))
    assert cloudformation.list_stacks()["StackSummaries"] == []


def test_what_the_local_aws_does_not_have_is_refused(cloudformation):
    for template, part in (
        (
            {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"A": HANDLE}},
            "the transform AWS::Serverless-2016-10-31",
        ),
        ({"Rules": {}, "Resources": {"A": HANDLE}}, "the section Rules"),
        ({"Resources": {"A": {**HANDLE, "CreationPolicy": {}}}}, "CreationPolicy"),
    ):
        code, message = message_of(cloudformation.validate_template, TemplateBody=json.dumps(template))
        assert code == "ValidationError"
        assert f"The local AWS does not support {part}" in message


FUNCTIONS = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: dev}
  Names: {Type: CommaDelimitedList, Default: "a, b,c"}
  Count: {Type: Number, Default: 3}
Mappings:
  Sizes:
    dev: {shards: 1, zones: [x, y]}
    prod: {shards: 4, zones: [z]}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsSmall: !Not [!Condition IsProd]
  Both: !And [!Condition IsSmall, !Equals [!Ref Count, 3]]
  Any: !Or [!Condition IsProd, !Equals [a, b]]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Join ["-", [!Ref Stage, !Select [1, !Ref Names], q]]
      DelaySeconds: !If [IsProd, 10, !Ref AWS::NoValue]
  OnlyProd:
    Type: AWS::SQS::Queue
    Condition: IsProd
Outputs:
  Ref: {Value: !Select [4, !Split ["/", !Ref Queue]]}
  GetAtt: {Value: !GetAtt Queue.QueueName}
  Sub: {Value: !Sub "${Stage}/${Queue.QueueName}/${!Stage}/${AWS::Region}"}
  SubMap: {Value: !Sub ["${a}-${Stage}", {a: !Ref Count}]}
  Map: {Value: !FindInMap [Sizes, !Ref Stage, shards]}
  MapList: {Value: !Join [":", !FindInMap [Sizes, dev, zones]]}
  Base64: {Value: !Base64 hello}
  If: {Value: !If [Both, both, other]}
  Any: {Value: !If [Any, any, none]}
  Pseudo: {Value: !Sub "${AWS::AccountId} ${AWS::Partition} ${AWS::StackName} ${AWS::URLSuffix}"}
  Prod: {Condition: IsProd, Value: !Ref OnlyProd}
"""


def test_functions(cloudformation, account):
    cloudformation.create_stack(StackName="functions", TemplateBody=FUNCTIONS)
    assert rest(cloudformation, "functions") == "CREATE_COMPLETE"
    outputs = cloudformation.describe_stacks(StackName="functions")["Stacks"][0]["Outputs"]
    assert {output["OutputKey"]: output["OutputValue"] for output in outputs} == {
        "Ref": "dev-b-q",
        "GetAtt": "dev-b-q",
        "Sub": "dev/dev-b-q/${Stage}/us-east-1",
        "SubMap": "3-dev",
        "Map": "1",
        "MapList": "x:y",
        "Base64": "aGVsbG8=",
        "If": "both",
        "Any": "none",
        "Pseudo": f"{account} aws functions amazonaws.com",
    }
    assert [
        r["LogicalResourceId"]
        for r in cloudformation.list_stack_resources(StackName="functions")["StackResourceSummaries"]
    ] == ["Queue"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"Fn::FindInMap": ["M", "a", "c"]},
            "Template error: Unable to get mapping for M::a::c",
        ),
        ({"Fn::Select": ["3", ["a"]]}, "Template error: Fn::Select cannot select nonexistent value at index 3"),
        (
            {"Fn::Join": ["-", "text"]},
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
            "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
        ),
    ],
)
def test_functions_that_are_wrong(cloudformation, value, message):
    template = {"Mappings": {"M": {"a": {"b": "1"}}}, "Resources": {"A": queue(value)}}
    assert message_of(cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template)) == (
        "ValidationError",
        message,
    )


def test_a_reference_to_a_resource_that_is_left_out(cloudformation):
    template = {
        "Parameters": {"P": {"Type": "String", "Default": "no"}},
        "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "yes"]}},
        "Resources": {"A": {**HANDLE, "Condition": "C"}, "B": {**HANDLE}},
        "Outputs": {"O": {"Value": {"Ref": "A"}}},
    }
    assert message_of(cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template))[1] == (
        "Template format error: Unresolved resource dependencies [A] in the Outputs block of the template"
    )
    template["Outputs"]["O"]["Value"] = {"Fn::If": ["C", {"Ref": "A"}, "none"]}
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"


# --- parameters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "given", "message"),
    [
        ({"Type": "String"}, {}, "Parameters: [P] must have values"),
        ({"Type": "String", "Default": "a"}, {"Q": "1"}, "Parameters: [Q] do not exist in the template"),
        ({"Type": "String", "AllowedValues": ["a"]}, {"P": "b"}, "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"P": "A"}, "Parameter 'P' must match pattern [a-z]+"),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            {"P": "A"},
            "Parameter 'P' failed to satisfy constraint: small letters",
        ),
        ({"Type": "String", "MinLength": 3}, {"P": "ab"}, "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "Number"}, {"P": "two"}, "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 1}, {"P": "0"}, "Parameter 'P' must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": "900"}, {"P": "901"}, "Parameter 'P' must be a number not greater than 900"),
    ],
)
def test_parameters_that_are_wrong(cloudformation, definition, given, message):
    template = {"Parameters": {"P": definition}, "Resources": {"A": HANDLE}}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    assert message_of(
        cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template), Parameters=parameters
    ) == ("ValidationError", message)


def test_secret_parameters_are_not_shown_and_previous_values_are_kept(cloudformation, create, update):
    template = {
        "Parameters": {"Secret": {"Type": "String", "NoEcho": True}, "Days": {"Type": "Number", "Default": 7}},
        "Resources": {"A": log_group("/a", RetentionInDays={"Ref": "Days"})},
        "Outputs": {"O": {"Value": {"Fn::Sub": "${Days}-${Secret}"}}},
    }
    create("s", template, Parameters=[{"ParameterKey": "Secret", "ParameterValue": "hush"}])
    stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]} == {"Secret": "****", "Days": "7"}
    kept = {"ParameterKey": "Secret", "UsePreviousValue": True}
    status = update("s", template, Parameters=[kept, {"ParameterKey": "Days", "ParameterValue": "14"}])
    assert status == "UPDATE_COMPLETE"
    assert cloudformation.describe_stacks(StackName="s")["Stacks"][0]["Outputs"][0]["OutputValue"] == "14-hush"


def test_summary_tells_parameters_types_and_capabilities(cloudformation):
    template = {
        "Description": "d",
        "Parameters": {"P": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"], "Description": "p"}},
        "Resources": {
            "R": {
                "Type": "AWS::IAM::Role",
                "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            },
            "A": HANDLE,
        },
    }
    summary = cloudformation.get_template_summary(TemplateBody=json.dumps(template))
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::CloudFormation::WaitConditionHandle"]
    assert summary["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert summary["Parameters"][0]["ParameterConstraints"] == {"AllowedValues": ["a", "b"]}
    validated = cloudformation.validate_template(TemplateBody=json.dumps(template))
    assert validated["Parameters"] == [{"ParameterKey": "P", "DefaultValue": "a", "NoEcho": False, "Description": "p"}]
    for given in ([], ["CAPABILITY_IAM"]):
        assert message_of(
            cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template), Capabilities=given
        ) == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")


def test_names_sizes_and_places_of_templates(cloudformation, client, account):
    body = json.dumps({"Resources": {"A": HANDLE}})
    assert message_of(cloudformation.create_stack, StackName="1st", TemplateBody=body)[1] == (
        "1 validation error detected: Value '1st' at 'stackName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )
    large = json.dumps({"Resources": {"A": HANDLE}, "Metadata": {"x": "y" * 52_000}})
    assert "51200" in message_of(cloudformation.create_stack, StackName="s", TemplateBody=large)[1]
    assert message_of(cloudformation.create_stack, StackName="s")[1] == (
        "Either Template URL or Template Body must be specified."
    )
    s3 = client("s3")
    s3.create_bucket(Bucket=f"templates-{account}")
    s3.put_object(Bucket=f"templates-{account}", Key="a/b.json", Body=large)
    url = f"https://templates-{account}.s3.us-east-1.amazonaws.com/a/b.json"
    cloudformation.create_stack(StackName="s", TemplateURL=url)
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    assert (
        "The specified key does not exist"
        in message_of(cloudformation.create_stack, StackName="t", TemplateURL=url.replace("b.json", "c.json"))[1]
    )
    assert message_of(cloudformation.create_stack, StackName="s", TemplateBody=body) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )


# --- failure and rollback -------------------------------------------------------------------------------------------


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
    assert message_of(cloudformation.update_stack, StackName="s", TemplateBody=body) == (
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
    assert message_of(cloudformation.delete_stack, StackName="s")[1] == (
        "Stack [s] cannot be deleted while TerminationProtection is enabled"
    )
    cloudformation.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName="s")


# --- update ---------------------------------------------------------------------------------------------------------


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
    assert message_of(cloudformation.update_stack, StackName="s", TemplateBody=json.dumps(template)) == (
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
    code, message = message_of(cloudformation.update_stack, StackName="s", TemplateBody=json.dumps(after))
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


# --- change sets ----------------------------------------------------------------------------------------------------


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
    assert message_of(cloudformation.execute_change_set, ChangeSetName=made["Id"])[0] == "InvalidChangeSetStatus"


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
    assert message_of(cloudformation.describe_change_set, StackName="s", ChangeSetName="c") == (
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
    code, message = message_of(cloudformation.execute_change_set, StackName="s", ChangeSetName="c")
    assert code == "InvalidChangeSetStatus"
    assert message == f"ChangeSet [{found['ChangeSetId']}] cannot be executed in its current status of [FAILED]"
    assert (
        message_of(
            cloudformation.create_change_set,
            StackName="s",
            ChangeSetName="d",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
        )[1]
        == "Stack [s] already exists and cannot be created again with the changeSet [d]."
    )


# --- exports --------------------------------------------------------------------------------------------------------


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


# --- resource types -------------------------------------------------------------------------------------------------

ALL_TYPES = """
Parameters:
  Step: {Type: String}
Resources:
  DeadLetters: {Type: AWS::SQS::Queue}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: work
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt DeadLetters.Arn, maxReceiveCount: 3}
      Tags: [{Key: step, Value: !Ref Step}]
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Effect: Allow, Principal: {Service: s3.amazonaws.com}, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]
  Bucket:
    Type: AWS::S3::Bucket
    DependsOn: QueuePolicy
    Properties:
      VersioningConfiguration: {Status: Enabled}
      NotificationConfiguration:
        QueueConfigurations:
          - {Event: "s3:ObjectCreated:*", Queue: !GetAtt Queue.Arn, Filter: {S3Key: {Rules: [{Name: prefix, Value: !Ref Step}]}}}
      CorsConfiguration: {CorsRules: [{AllowedMethods: [GET], AllowedOrigins: ["https://example.org"], MaxAge: 60}]}
      LifecycleConfiguration: {Rules: [{Id: old, Status: Enabled, ExpirationInDays: 30, Prefix: tmp/}]}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: 2012-10-17
        Statement: [{Sid: !Ref Step, Effect: Deny, Principal: "*", Action: s3:PutBucketAcl, Resource: !GetAtt Bucket.Arn}]
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Ref Step, Subscription: [{Protocol: sqs, Endpoint: !GetAtt Queue.Arn}]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: !Ref Step
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: glue.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies:
        - {PolicyName: !Sub "in-${Step}", PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: s3:GetObject, Resource: !Sub "${Bucket.Arn}/*"}]}}
  Managed:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Sid: !Ref Step, Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn}]}
  Inline:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "more-${Step}"
      Roles: [!Ref Role]
      PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: sqs:ReceiveMessage, Resource: !GetAtt Queue.Arn}]}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Description: !Ref Step
      EventPattern: {source: [aws.glue]}
      Targets: [{Arn: !GetAtt Queue.Arn, Id: !Ref Step}]
  Database:
    Type: AWS::Glue::Database
    Properties: {CatalogId: !Ref AWS::AccountId, DatabaseInput: {Name: types_db, Description: !Ref Step}}
  Table:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !Ref Database
      TableInput: {Name: t, Description: !Ref Step, StorageDescriptor: {Columns: [{Name: a, Type: int}], Location: !Sub "s3://${Bucket}/t/"}}
  Csv: {Type: AWS::Glue::Classifier, Properties: {CsvClassifier: {Name: csv_types, Delimiter: ";", ContainsHeader: PRESENT}}}
  Crawler:
    Type: AWS::Glue::Crawler
    Properties: {Role: !GetAtt Role.Arn, DatabaseName: !Ref Database, Targets: {S3Targets: [{Path: !Sub "s3://${Bucket}/t/"}]}, Description: !Ref Step}
  WorkGroup:
    Type: AWS::Athena::WorkGroup
    Properties: {Name: types, Description: !Ref Step, WorkGroupConfiguration: {ResultConfiguration: {OutputLocation: !Sub "s3://${Bucket}/q/"}}}
  Query: {Type: AWS::Athena::NamedQuery, Properties: {Database: !Ref Database, QueryString: !Sub "SELECT '${Step}'", WorkGroup: !Ref WorkGroup}}
  Prepared: {Type: AWS::Athena::PreparedStatement, Properties: {StatementName: by_id, WorkGroup: !Ref WorkGroup, QueryStatement: !Sub "SELECT '${Step}', ?"}}
  LogGroup: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
  LogStream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref LogGroup}}
"""


def test_resource_types_are_made_changed_and_deleted(cloudformation, client):
    step = {"ParameterKey": "Step", "ParameterValue": "one"}
    stack_id = cloudformation.create_stack(
        StackName="t", TemplateBody=ALL_TYPES, Parameters=[step], Capabilities=["CAPABILITY_IAM"]
    )["StackId"]
    assert rest(cloudformation, "t") == "CREATE_COMPLETE", events(cloudformation, "t")
    physical = {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for r in cloudformation.describe_stack_resources(StackName="t")["StackResources"]
    }
    iam, glue, athena, s3 = client("iam"), client("glue"), client("athena"), client("s3")
    sqs, sns, rules = client("sqs"), client("sns"), client("events")

    def seen():
        """Read back, from each service, what the step parameter went into."""
        bucket = physical["Bucket"]
        notifications = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"]
        version = iam.get_policy(PolicyArn=physical["Managed"])["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=physical["Managed"], VersionId=version)["PolicyVersion"]["Document"]
        query = athena.list_named_queries(WorkGroup="types")["NamedQueryIds"]
        return {
            "Queue": sqs.list_queue_tags(QueueUrl=physical["Queue"])["Tags"]["step"],
            "Bucket": notifications[0]["Filter"]["Key"]["FilterRules"][0]["Value"],
            "BucketPolicy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"][0]["Sid"],
            "Topic": sns.get_topic_attributes(TopicArn=physical["Topic"])["Attributes"]["DisplayName"],
            "Role": iam.get_role(RoleName=physical["Role"])["Role"]["Description"],
            "inline": iam.list_role_policies(RoleName=physical["Role"])["PolicyNames"],
            "Managed": document["Statement"][0]["Sid"],
            "Rule": rules.list_targets_by_rule(Rule=physical["Rule"])["Targets"][0]["Id"],
            "Database": glue.get_database(Name="types_db")["Database"]["Description"],
            "Table": glue.get_table(DatabaseName="types_db", Name="t")["Table"]["Description"],
            "Crawler": glue.get_crawler(Name=physical["Crawler"])["Crawler"]["Description"],
            "WorkGroup": athena.get_work_group(WorkGroup="types")["WorkGroup"]["Description"],
            "Query": [athena.get_named_query(NamedQueryId=i)["NamedQuery"]["QueryString"] for i in query],
            "Prepared": athena.get_prepared_statement(StatementName="by_id", WorkGroup="types")["PreparedStatement"][
                "QueryStatement"
            ],
        }

    def expected(step):
        return {
            **dict.fromkeys(("Queue", "Bucket", "BucketPolicy", "Topic", "Role", "Managed", "Rule"), step),
            **dict.fromkeys(("Database", "Table", "Crawler", "WorkGroup"), step),
            "inline": [f"in-{step}", f"more-{step}"],
            "Query": [f"SELECT '{step}'"],
            "Prepared": f"SELECT '{step}', ?",
        }

    assert seen() == expected("one")
    step["ParameterValue"] = "two"
    cloudformation.update_stack(
        StackName="t", UsePreviousTemplate=True, Parameters=[step], Capabilities=["CAPABILITY_IAM"]
    )
    assert rest(cloudformation, "t") == "UPDATE_COMPLETE", events(cloudformation, "t")
    assert seen() == expected("two")
    cloudformation.delete_stack(StackName="t")
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE", events(cloudformation, stack_id)
    left = [
        s3.list_buckets()["Buckets"],
        sqs.list_queues().get("QueueUrls", []),
        sns.list_topics()["Topics"],
        iam.list_roles()["Roles"],
        iam.list_policies(Scope="Local")["Policies"],
        iam.list_instance_profiles()["InstanceProfiles"],
        rules.list_rules()["Rules"],
        glue.get_databases()["DatabaseList"],
        glue.get_crawlers()["Crawlers"],
        glue.get_classifiers()["Classifiers"],
        [group["Name"] for group in athena.list_work_groups()["WorkGroups"] if group["Name"] != "primary"],
        client("logs").describe_log_groups()["logGroups"],
    ]
    assert left == [[]] * 12


# --- the official command line, restarts ----------------------------------------------------------------------------


def test_aws_cli(server, account, tmp_path, cloudformation):
    template = tmp_path / "t.yaml"
    template.write_text(
        "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !Sub '${AWS::StackName}-q'}\n"
    )
    environment = {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PATH": "/usr/bin:/bin",
    }

    def aws(*arguments):
        command = [Path(sys.executable).with_name("aws"), "cloudformation", *arguments]
        found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert found.returncode == 0, found.stderr
        return found.stdout

    aws("create-stack", "--stack-name", "cli", "--template-body", f"file://{template}")
    assert rest(cloudformation, "cli") == "CREATE_COMPLETE"
    said = aws("deploy", "--stack-name", "cli", "--template-file", str(template), "--no-fail-on-empty-changeset")
    assert "No changes to deploy. Stack cli is up to date" in said
    assert json.loads(aws("list-stacks", "--output", "json"))["StackSummaries"][0]["StackStatus"] == "CREATE_COMPLETE"


def many(count, **properties):
    return {"Resources": {f"L{n:02d}": log_group(f"/l{n:02d}", **properties) for n in range(count)}}


def complete(cloudformation, stack, status, least):
    """Wait until at least some resources are done."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done = [e for e in events(cloudformation, stack) if e[1] == status and e[0] != "s"]
        if len(done) >= least:
            return
        time.sleep(0.005)
    raise AssertionError("nothing happens")


def test_a_deployment_goes_on_after_an_orderly_stop(own_server, account):
    cloudformation = own_server.client("cloudformation", account)
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(many(40)))
    complete(cloudformation, "s", "CREATE_COMPLETE", 3)
    own_server.stop()
    own_server.restart()
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    assert len(own_server.client("logs", account).describe_log_groups(limit=50)["logGroups"]) == 40
    assert not [event for event in events(cloudformation, "s") if "FAILED" in event[1]]


def test_operations_go_on_after_kill(own_server, account):
    cloudformation = own_server.client("cloudformation", account)
    logs = own_server.client("logs", account)

    def kill():
        own_server.kill()
        own_server.restart()

    stack_id = cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(many(40, RetentionInDays=1)))[
        "StackId"
    ]
    complete(cloudformation, "s", "CREATE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"
    assert len(logs.describe_log_groups(limit=50)["logGroups"]) == 40

    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(many(40, RetentionInDays=3)))
    complete(cloudformation, "s", "UPDATE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, "s") == "UPDATE_COMPLETE"
    assert {g["retentionInDays"] for g in logs.describe_log_groups(limit=50)["logGroups"]} == {3}

    broken = many(40, RetentionInDays=5)
    broken["Resources"]["Last"] = {**queue("q", Colour="red"), "DependsOn": sorted(broken["Resources"])}
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(broken))
    complete(cloudformation, "s", "UPDATE_COMPLETE", 43)
    kill()
    assert rest(cloudformation, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert {g["retentionInDays"] for g in logs.describe_log_groups(limit=50)["logGroups"]} == {3}

    cloudformation.delete_stack(StackName="s")
    complete(cloudformation, stack_id, "DELETE_COMPLETE", 3)
    kill()
    assert rest(cloudformation, stack_id) == "DELETE_COMPLETE"
    assert logs.describe_log_groups()["logGroups"] == []


@pytest.mark.parametrize("service", TAGGING)
def test_tags_are_given_as_the_services_model_says(service: str) -> None:
    how, client = TAGGING[service], boto3.client(service, region_name="us-east-1")
    tags = how.form({"a": "1"})
    kinds = {}
    for method in (how.untag, how.tag):
        operation = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
        kinds[method] = {name: shape.type_name for name, shape in operation.input_shape.members.items()}
        assert how.resource in kinds[method]
    assert kinds[how.untag][how.keys] == "list"
    assert kinds[how.tag][how.tags] == ("map" if isinstance(tags, dict) else "list")


def test_a_function_of_a_stack_survives_kill(own_server, account):
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
                        ],
                    }
                },
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "made",
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
                },
            },
        }
    }  # fmt: skip
    cloudformation = own_server.client("cloudformation", account)
    stack = cloudformation.create_stack(StackName="functions", TemplateBody=json.dumps(template), Capabilities=IAM)[
        "StackId"
    ]
    assert rest(cloudformation, stack) == "CREATE_COMPLETE"
    own_server.kill()
    own_server.restart()
    functions = own_server.client("lambda", account)
    assert functions.get_function(FunctionName="made")["Configuration"]["Handler"] == "index.handler"
    cloudformation.delete_stack(StackName=stack)
    assert rest(cloudformation, stack) == "DELETE_COMPLETE"
    assert functions.list_functions()["Functions"] == []
