"""Templates, their functions and parameters through boto3, right and wrong ones.

Expected values are written by hand from the CloudFormation user guide and from messages of the real service.
"""

import json
import re
from typing import Any

import pytest

from infra.local.cloudformation.templates.extensions import written_out
from infra.local.cloudformation.templates.reading import TemplateError, read
from infra.local.cloudformation.templates.template import Template
from tests.local.cloudformation.stack_lab import HANDLE, log_group, queue, rest
from tests.refusals import refusal


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
        code, found = refusal(call, TemplateBody=body, **more)
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
        code, message = refusal(cloudformation.validate_template, TemplateBody=json.dumps(template))
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
    assert refusal(cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template)) == (
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
    assert refusal(cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template))[1] == (
        "Template format error: Unresolved resource dependencies [A] in the Outputs block of the template"
    )
    template["Outputs"]["O"]["Value"] = {"Fn::If": ["C", {"Ref": "A"}, "none"]}
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template))
    assert rest(cloudformation, "s") == "CREATE_COMPLETE"


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
            "Parameter P failed to satisfy constraint: small letters",
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
    assert refusal(
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
        assert refusal(
            cloudformation.create_stack, StackName="s", TemplateBody=json.dumps(template), Capabilities=given
        ) == ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")


def test_names_sizes_and_places_of_templates(cloudformation, client, account):
    body = json.dumps({"Resources": {"A": HANDLE}})
    assert refusal(cloudformation.create_stack, StackName="1st", TemplateBody=body)[1] == (
        "1 validation error detected: Value '1st' at 'stackName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    )
    large = json.dumps({"Resources": {"A": HANDLE}, "Metadata": {"x": "y" * 52_000}})
    assert "51200" in refusal(cloudformation.create_stack, StackName="s", TemplateBody=large)[1]
    assert refusal(cloudformation.create_stack, StackName="s")[1] == (
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
        in refusal(cloudformation.create_stack, StackName="t", TemplateURL=url.replace("b.json", "c.json"))[1]
    )
    assert refusal(cloudformation.create_stack, StackName="s", TemplateBody=body) == (
        "AlreadyExistsException",
        "Stack [s] already exists",
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Resources": {f"A{n}": HANDLE for n in range(501)}}, "Number of resources, 501, is greater than maximum allowed, 500"),
        ({"Outputs": {f"O{n}": {"Value": "x"} for n in range(201)}}, "Number of outputs, 201, is greater than maximum allowed, 200"),
        ({"Mappings": {f"M{n}": {"a": {"b": "c"}} for n in range(201)}}, "Number of mappings, 201, is greater than maximum allowed, 200"),
        ({"Parameters": {f"P{n}": {"Type": "String"} for n in range(201)}}, "Number of parameters, 201, is greater than maximum allowed, 200"),
        ({"Description": "é" * 513}, "'Description' length is greater than 1024."),
    ],
)  # fmt: skip
def test_templates_that_are_too_large(more: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        Template(json.dumps({"Resources": {"A": HANDLE}, **more}), {HANDLE["Type"]})


@pytest.mark.parametrize(
    "text",
    [
        "Resources: " + "[" * 25_000 + "]" * 25_000,
        "Resources: " + "{a: " * 5_000,
        "Resources:\n  " + "- " * 25_000 + "x",
        "Resources: " + "!Sub [" * 5_000,
        '{"a": ' * 500 + "1" + "}" * 500,
        '{"a": ' * 25_000,
    ],
    ids=["lists", "maps", "blocks", "functions", "objects", "open"],
)
def test_a_deep_template_is_refused(text: str) -> None:
    """Read as it is, it would end the process."""
    with pytest.raises(TemplateError, match="nested too deeply"):
        read(text)


def test_loops_that_make_too_much_are_given_up() -> None:
    made: dict[str, Any] = {"Q${A}x${B}x${C}": HANDLE}
    for name in "CBA":
        made = {f"Fn::ForEach::{name}": [name, [str(n) for n in range(300)], made]}
    body = {"Transform": "AWS::LanguageExtensions", "Resources": made}
    with pytest.raises(TemplateError, match="makes more than 10000 members"):
        written_out(body, {})


def test_a_template_in_s3_is_read_as_who_asks(client, account, server) -> None:
    s3, iam = client("s3"), client("iam")
    s3.create_bucket(Bucket=f"templates-{account}")
    s3.put_object(Bucket=f"templates-{account}", Key="t.json", Body=json.dumps({"Resources": {"A": HANDLE}}).encode())
    url = f"https://templates-{account}.s3.amazonaws.com/t.json"
    iam.create_user(UserName="deployer")
    allowed = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="deployer", PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName="deployer")["AccessKey"]["AccessKeyId"]
    for asking in (server.client("cloudformation", key), server.client("cloudformation", "299999999999")):
        code, message = refusal(asking.validate_template, TemplateURL=url)
        assert (code, "S3 error" in message) == ("ValidationError", True), message
    assert client("cloudformation").validate_template(TemplateURL=url)["Parameters"] == []
