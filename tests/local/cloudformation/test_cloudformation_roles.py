"""CloudFormation acts as the stack's role, or without one with its caller's rights."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.polling import until
from tests.service_roles import policy, put_rights, service_role

TEMPLATE = json.dumps(
    {"Resources": {"Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "s", "ShardCount": 1}}}}
)
STREAM = [
    "kinesis:CreateStream",
    "kinesis:DescribeStream*",
    "kinesis:AddTags*",
    "kinesis:TagResource",
    "kinesis:DeleteStream",
]


@pytest.fixture
def learner(server: Any, client: Callable[..., Any], account: str) -> Any:
    trust = {"Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    arn = client("iam").create_role(RoleName="learner", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    keys = client("sts").assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    return boto3.client(
        "cloudformation",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def _ended(client: Callable[..., Any]) -> str:
    def status() -> Any:
        found = client("cloudformation").describe_stacks(StackName="s")["Stacks"][0]["StackStatus"]
        return not found.endswith("_IN_PROGRESS") and found

    told: str = until(status)
    return told


def _failures(client: Callable[..., Any]) -> list[str]:
    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    return [each["ResourceStatusReason"] for each in events if each["ResourceStatus"] == "CREATE_FAILED"]


def test_without_a_role_the_caller_s_rights_count(learner: Any, client: Callable[..., Any], account: str) -> None:
    put_rights(client, "learner", {"Action": "cloudformation:*", "Resource": "*"})
    learner.create_stack(StackName="s", TemplateBody=TEMPLATE)
    assert _ended(client) == "ROLLBACK_COMPLETE"
    (reason,) = _failures(client)
    assert reason.startswith(
        f'Resource handler returned message: "User: arn:aws:sts::{account}:assumed-role/learner/me is not authorized to perform: '
        f"kinesis:CreateStream on resource: arn:aws:kinesis:us-east-1:{account}:stream/s because no identity-based policy allows the "
        "kinesis:CreateStream action (Service: Kinesis, Status Code: 400, Request ID: "
    )
    assert reason.endswith("HandlerErrorCode: AccessDenied)")


def test_with_a_role_its_rights_count(learner: Any, client: Callable[..., Any]) -> None:
    role = service_role(client, "cloudformation", may=({"Action": STREAM, "Resource": "*"},))
    put_rights(client, "learner", {"Action": "cloudformation:*", "Resource": "*"})
    with pytest.raises(ClientError, match="iam:PassRole"):
        learner.create_stack(StackName="s", TemplateBody=TEMPLATE, RoleARN=role)
    passed = {"Action": "iam:PassRole", "Resource": role}
    put_rights(client, "learner", {"Action": "cloudformation:*", "Resource": "*"}, passed)
    learner.create_stack(StackName="s", TemplateBody=TEMPLATE, RoleARN=role)
    assert _ended(client) == "CREATE_COMPLETE", _failures(client)
    learner.delete_stack(StackName="s")
    until(lambda: client("kinesis").list_streams()["StreamNames"] == [])


def test_a_role_that_cannot_be_assumed(client: Callable[..., Any]) -> None:
    role = service_role(client, "glue")
    with pytest.raises(ClientError, match=f"Role {role} is invalid or cannot be assumed"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=TEMPLATE, RoleARN=role)


def test_a_change_set_by_its_arn_is_its_stack_s(learner: Any, client: Callable[..., Any], account: str) -> None:
    stack = f"arn:aws:cloudformation:us-east-1:{account}:stack/s/*"
    put_rights(client, "learner", {"Action": "cloudformation:*", "Resource": stack})
    made = learner.create_change_set(StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=TEMPLATE)
    assert learner.describe_change_set(ChangeSetName=made["Id"])["StackName"] == "s"
    learner.delete_change_set(ChangeSetName=made["Id"])


def test_parameters_and_secrets_are_read_with_the_same_rights(
    learner: Any, client: Callable[..., Any], account: str
) -> None:
    client("ssm").put_parameter(Name="/w/name", Value="lines", Type="String")
    client("secretsmanager").create_secret(Name="db", SecretString="hidden")
    properties = {
        "LogGroupName": "{{resolve:ssm:/w/name}}",
        "Tags": [{"Key": "t", "Value": "{{resolve:secretsmanager:db}}"}],
    }
    group = {"Type": "AWS::Logs::LogGroup", "Properties": properties}
    template = json.dumps({"Resources": {"G": group}})
    mine = {"Action": ["cloudformation:*", "logs:*"], "Resource": "*"}
    put_rights(client, "learner", mine)
    with pytest.raises(ClientError, match="is not authorized to perform: ssm:GetParameters on resource") as error:
        learner.create_stack(StackName="s", TemplateBody=template)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    parameters = {"Action": "ssm:GetParameters", "Resource": f"arn:aws:ssm:us-east-1:{account}:parameter/w/*"}
    put_rights(client, "learner", mine, parameters)
    learner.create_stack(StackName="s", TemplateBody=template)
    assert _ended(client) == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: secretsmanager:GetSecretValue" in _failures(client)[0]
    learner.delete_stack(StackName="s")
    put_rights(client, "learner", mine, parameters, {"Action": "secretsmanager:GetSecretValue", "Resource": "*"})
    learner.create_stack(StackName="s", TemplateBody=template)
    assert _ended(client) == "CREATE_COMPLETE", _failures(client)
    assert client("logs").list_tags_log_group(logGroupName="lines")["tags"] == {"t": "hidden"}
