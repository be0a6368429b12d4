"""Users, groups and keys of IAM, parameters, secrets and nested stacks as resources: made, changed, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.polling import until

Client = Callable[..., Any]
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def template(step: str) -> dict[str, Any]:
    is_first = step == "one"
    inline = [{"PolicyName": step, "PolicyDocument": RIGHTS}]
    return {
        "Resources": {
            "Group": resource("AWS::IAM::Group", GroupName="readers", **({"ManagedPolicyArns": [READER]} if is_first else {})),
            "User": resource(
                "AWS::IAM::User",
                UserName="ana",
                Path="/class/",
                Groups=[{"Ref": "Group"}] if is_first else [],
                Policies=inline,
                LoginProfile={"Password": "{{resolve:ssm-secure:/password}}"},
                Tags=[{"Key": "step", "Value": step}],
            ),
            "Member": resource(
                "AWS::IAM::UserToGroupAddition", GroupName={"Ref": "Group"}, Users=[] if is_first else [{"Ref": "User"}]
            ),
            "Key": resource("AWS::IAM::AccessKey", UserName={"Ref": "User"}, Status="Active" if is_first else "Inactive"),
            "Parameter": resource("AWS::SSM::Parameter", Type="String", Value=step, Tags={"step": step}),
            "Secret": resource(
                "AWS::SecretsManager::Secret",
                Name="login",
                Description=step,
                GenerateSecretString={
                    "SecretStringTemplate": '{"user": "ana"}',
                    "GenerateStringKey": "password",
                    "PasswordLength": 20,
                    "ExcludePunctuation": True,
                },
                Tags=[{"Key": "step", "Value": step}],
            ),
            "Uses": resource(
                "AWS::SSM::Parameter",
                Name="/uses",
                Type="String",
                Value={"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:password}}"},
            ),
        },
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["User", "Arn"]}},
            "Key": {"Value": {"Fn::Join": [" ", [{"Ref": "Key"}, {"Fn::GetAtt": ["Key", "SecretAccessKey"]}]]}},
            "Parameter": {"Value": {"Ref": "Parameter"}},
            "Value": {"Value": {"Fn::GetAtt": ["Parameter", "Value"]}},
            "Secret": {"Value": {"Ref": "Secret"}},
        },
    }  # fmt: skip


def test_identities_parameters_and_secrets(client: Client, server: Any, account: str) -> None:
    cloudformation, iam, ssm, secrets = (client(name) for name in ("cloudformation", "iam", "ssm", "secretsmanager"))
    ssm.put_parameter(Name="/password", Value="Str0ng!pass", Type="SecureString")

    def deploy(call: Any, step: str) -> dict[str, str]:
        call(StackName="s", TemplateBody=json.dumps(template(step)), Capabilities=CAPABILITIES)

        def rests() -> Any:
            stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = until(rests)
        told = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), [
            each.get("ResourceStatusReason") for each in told
        ]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    first = deploy(cloudformation.create_stack, "one")
    assert first["Arn"] == f"arn:aws:iam::{account}:user/class/ana"
    assert [each["GroupName"] for each in iam.list_groups_for_user(UserName="ana")["Groups"]] == ["readers"]
    assert iam.list_attached_group_policies(GroupName="readers")["AttachedPolicies"][0]["PolicyArn"] == READER
    assert iam.get_login_profile(UserName="ana")["LoginProfile"]["UserName"] == "ana"
    key, secret_key = first["Key"].split()
    assert len(secret_key) >= 40
    assert iam.list_access_keys(UserName="ana")["AccessKeyMetadata"][0]["AccessKeyId"] == key
    assert first["Parameter"].startswith("CFN-") and first["Value"] == "one"
    made = json.loads(secrets.get_secret_value(SecretId="login")["SecretString"])
    assert (made["user"], len(made["password"])) == ("ana", 20)
    assert ssm.get_parameter(Name="/uses")["Parameter"]["Value"] == made["password"]
    events = json.dumps(cloudformation.describe_stack_events(StackName="s")["StackEvents"], default=str)
    assert "Str0ng!pass" not in events and made["password"] not in events

    second = deploy(cloudformation.update_stack, "two")
    assert (second["Key"], second["Secret"], second["Value"]) == (first["Key"], first["Secret"], "two")
    assert iam.list_user_policies(UserName="ana")["PolicyNames"] == ["two"]
    assert iam.list_user_tags(UserName="ana")["Tags"] == [{"Key": "step", "Value": "two"}]
    assert not iam.list_attached_group_policies(GroupName="readers")["AttachedPolicies"]
    assert [each["UserName"] for each in iam.get_group(GroupName="readers")["Users"]] == ["ana"]
    assert iam.list_access_keys(UserName="ana")["AccessKeyMetadata"][0]["Status"] == "Inactive"
    assert json.loads(secrets.get_secret_value(SecretId="login")["SecretString"]) == made  # not made anew
    assert secrets.describe_secret(SecretId="login")["Tags"] == [{"Key": "step", "Value": "two"}]

    cloudformation.delete_stack(StackName="s")
    until(lambda: not cloudformation.describe_stacks()["Stacks"])
    assert not iam.list_users()["Users"] and not iam.list_groups()["Groups"]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        secrets.describe_secret(SecretId="login")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        ssm.get_parameter(Name=first["Parameter"])


def test_a_stack_within_a_stack(client: Client) -> None:
    cloudformation, s3 = client("cloudformation"), client("s3")
    s3.create_bucket(Bucket="nested-templates")
    child = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Q": resource("AWS::SQS::Queue", QueueName={"Ref": "Name"})},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}}},
    }
    s3.put_object(Bucket="nested-templates", Key="child.json", Body=json.dumps(child))
    url = "https://nested-templates.s3.amazonaws.com/child.json"

    def parent(name: str) -> str:
        nested = resource("AWS::CloudFormation::Stack", TemplateURL=url, Parameters={"Name": name})
        output = {"O": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Arn"]}}}
        return json.dumps({"Resources": {"Child": nested}, "Outputs": output})

    def rests(name: str) -> Any:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    cloudformation.create_stack(StackName="parent", TemplateBody=parent("inner-queue"))
    assert until(lambda: rests("parent"))["Outputs"][0]["OutputValue"].endswith(":inner-queue")
    cloudformation.update_stack(StackName="parent", TemplateBody=parent("other-queue"))
    assert until(lambda: rests("parent"))["Outputs"][0]["OutputValue"].endswith(":other-queue")
    child["Outputs"]["Arn"]["Value"] = {"Ref": "Q"}
    s3.put_object(Bucket="nested-templates", Key="child.json", Body=json.dumps(child))
    cloudformation.update_stack(
        StackName="parent", TemplateBody=parent("other-queue")
    )  # only the inner template is another
    assert until(lambda: rests("parent"))["Outputs"][0]["OutputValue"].endswith("/other-queue")
    cloudformation.create_stack(StackName="second", TemplateBody=parent("other-queue"))  # the name is taken
    assert until(lambda: rests("second"))["StackStatus"] == "ROLLBACK_COMPLETE"
    told = [
        each.get("ResourceStatusReason", "")
        for each in cloudformation.describe_stack_events(StackName="second")["StackEvents"]
    ]
    assert any(
        "was not successfully created: The following resource(s) failed to create: [Q]." in each for each in told
    )
    cloudformation.delete_stack(StackName="parent")
    until(lambda: not client("sqs").list_queues().get("QueueUrls"))


def test_stack_sets_are_refused_with_a_reason(client: Client) -> None:
    cloudformation = client("cloudformation")
    for call, given in (
        ("list_stack_sets", {}),
        ("create_stack_set", {"StackSetName": "s"}),
        ("delete_stack_set", {"StackSetName": "s"}),
    ):
        with pytest.raises(ClientError, match="does not support StackSets: they deploy into other accounts"):
            getattr(cloudformation, call)(**given)
