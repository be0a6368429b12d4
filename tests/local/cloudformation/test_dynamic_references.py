"""Dynamic references and parameters of Systems Manager: values of the services, never kept as they stand where AWS resolves them.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html; messages as users report them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.polling import until

Client = Callable[..., Any]
REST = ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


class Lab:
    """Stacks of one account that log groups and their tags show."""

    def __init__(self, client: Client):
        self.cloudformation, self.ssm = client("cloudformation"), client("ssm")
        self.secrets, self.logs, self.sqs = client("secretsmanager"), client("logs"), client("sqs")

    def deploy(self, template: dict[str, Any], call: str = "create_stack", **given: Any) -> dict[str, Any]:
        body = json.dumps(template)
        getattr(self.cloudformation, call)(
            StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], **given
        )
        return until(self._rests)

    def _rests(self) -> dict[str, Any] | None:
        stack = self.cloudformation.describe_stacks(StackName="s")["Stacks"][0]
        return stack if stack["StackStatus"] in REST else None

    def refusal(self, template: dict[str, Any], **given: Any) -> str:
        with pytest.raises(ClientError) as error:
            self.deploy(template, **given)
        assert error.value.response["Error"]["Code"] == "ValidationError"
        return str(error.value.response["Error"]["Message"])

    def put(self, name: str, value: str, kind: str = "String") -> None:
        self.ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def reason(self) -> str:
        events = self.cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
        return str(failed[-1]["ResourceStatusReason"])

    def tag(self, name: str = "g") -> str:
        return str(self.logs.list_tags_log_group(logGroupName=name)["tags"]["t"])


@pytest.fixture
def lab(client: Client) -> Lab:
    return Lab(client)


def group(tag: Any, **resources: Any) -> dict[str, Any]:
    properties = {"LogGroupName": "g", "Tags": [{"Key": "t", "Value": tag}]}
    return {"Resources": {"G": {"Type": "AWS::Logs::LogGroup", "Properties": properties}, **resources}}


def test_parameters_by_name_and_version(lab: Lab) -> None:
    lab.put("/w/name", "first")
    lab.put("/w/name", "second")
    lab.put("list", "a,b", "StringList")
    text = "{{resolve:ssm:/w/name:1}}+{{resolve:ssm:/w/name}}+{{resolve:ssm:list}}"
    template = {**group(text), "Outputs": {"O": {"Value": {"Fn::Join": ["", ["{{resolve:ssm:", "/w/name", ":2}}"]]}}}}
    stack = lab.deploy(template)
    assert (lab.tag(), stack["Outputs"][0]["OutputValue"]) == ("first+second+a,b", "second")
    lab.put("/w/name", "third")
    lab.deploy(template, "update_stack")
    assert lab.tag() == "first+third+a,b"
    events = lab.cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert any("third" in each.get("ResourceProperties", "") for each in events)


def test_a_parameter_of_the_stack_itself(lab: Lab) -> None:
    made = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/made", "Type": "String", "Value": "here"}}
    template = group({"Fn::Sub": "{{resolve:ssm:${P}}}"}, P=made)
    assert lab.deploy(template)["StackStatus"] == "CREATE_COMPLETE"
    assert lab.tag() == "here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{resolve:ssm:/none}}", "Parameters: [ssm:/none] cannot be found."),
        ("{{resolve:ssm:/there:9}}", "Parameters: [ssm:/there:9] cannot be found."),
        (
            "{{resolve:ssm:/there:latest}}",
            "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/there:latest}}]",
        ),
        ("{{resolve:ssm:}}", "Incorrect format is used in the following SSM reference: [{{resolve:ssm:}}]"),
        (
            "{{resolve:ssm-secure:/safe:1}}",
            "SSM Secure reference is not supported in: [AWS::Logs::LogGroup/Properties/Tags/Value]",
        ),
        (
            "{{resolve:ssm:/safe}}",
            "Parameters [/safe] referenced by template have types not supported by CloudFormation.",
        ),
        ("{{resolve:secretsmanager:s:SecretBinary:k}}", "Incorrect format"),
        ("{{resolve:secretsmanager:s:SecretString:k:AWSCURRENT:1}}", "Incorrect format"),
    ],
)
def test_references_that_are_refused(lab: Lab, text: str, message: str) -> None:
    lab.put("/there", "x")
    lab.put("/safe", "x", "SecureString")
    assert message in lab.refusal(group(text))


def test_secrets(lab: Lab) -> None:
    arn = lab.secrets.create_secret(Name="db", SecretString=json.dumps({"user": "u1", "port": 5432}))["ARN"]
    lab.secrets.put_secret_value(SecretId="db", SecretString=json.dumps({"user": "u2", "port": 5433}))
    parts = ("db:SecretString:user", f"{arn}:SecretString:port", "db:SecretString:user:AWSPREVIOUS", "db::user")
    text = "+".join(f"{{{{resolve:secretsmanager:{part}}}}}" for part in parts)
    template = {**group(text), "Outputs": {"O": {"Value": "{{resolve:secretsmanager:db:SecretString:user}}"}}}
    stack = lab.deploy(template)
    assert lab.tag() == "u2+5433+u1+u2"
    assert (
        stack["Outputs"][0]["OutputValue"] == "{{resolve:secretsmanager:db:SecretString:user}}"
    )  # AWS leaves it there
    events = json.dumps(lab.cloudformation.describe_stack_events(StackName="s")["StackEvents"], default=str)
    assert "resolve:secretsmanager" in events
    assert "5433" not in events


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("db:SecretString:none", "Could not find a value associated with JSONKey in SecretString"),
        ("plain:SecretString:key", "Could not parse SecretString JSON"),
        ("missing:SecretString:key", "Secrets Manager can't find the specified secret"),
    ],
)
def test_secrets_that_are_not_there(lab: Lab, reference: str, message: str) -> None:
    lab.secrets.create_secret(Name="db", SecretString='{"user": "u"}')
    lab.secrets.create_secret(Name="plain", SecretString="no json")
    assert lab.deploy(group(f"{{{{resolve:secretsmanager:{reference}}}}}"))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert message in lab.reason()


def test_parameters_of_types_of_systems_manager(lab: Lab) -> None:
    lab.put("/w/stage", "prod")
    lab.put("/w/names", "x,y", "StringList")
    template = {
        "Parameters": {
            "Stage": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/w/stage"},
            "Names": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/w/names"},
            "Name": {"Type": "AWS::SSM::Parameter::Name", "Default": "/w/stage"},
        },
        "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
        **group({"Fn::Join": ["-", [{"Ref": "Stage"}, {"Fn::Select": [1, {"Ref": "Names"}]}, {"Ref": "Name"}]]}),
        "Outputs": {"O": {"Value": {"Fn::If": ["Prod", "yes", "no"]}}},
    }
    stack = lab.deploy(template)
    assert (lab.tag(), stack["Outputs"][0]["OutputValue"]) == ("prod-y-/w/stage", "yes")
    shown = {each["ParameterKey"]: (each["ParameterValue"], each.get("ResolvedValue")) for each in stack["Parameters"]}
    assert shown == {"Stage": ("/w/stage", "prod"), "Names": ("/w/names", "x,y"), "Name": ("/w/stage", None)}
    lab.put("/w/stage", "test")
    keep = [{"ParameterKey": key, "UsePreviousValue": True} for key in ("Stage", "Names", "Name")]
    stack = lab.deploy(template, "update_stack", Parameters=keep)
    assert (lab.tag(), stack["Outputs"][0]["OutputValue"]) == ("test-y-/w/stage", "no")


def test_parameters_of_systems_manager_that_are_refused(lab: Lab) -> None:
    lab.put("/safe", "x", "SecureString")

    def template(name: str) -> dict[str, Any]:
        return {"Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name}}, **group("a")}

    assert lab.refusal(template("/none")) == "Unable to fetch parameters [/none] from parameter store for this account."
    assert "referenced by template have types not supported by CloudFormation." in lab.refusal(template("/safe"))


def test_loops_over_a_parameter_make_a_stack(lab: Lab) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "${Name}-queue"}}
    template = {
        "Transform": "AWS::LanguageExtensions",
        "Parameters": {"Names": {"Type": "CommaDelimitedList"}},
        "Resources": {"Fn::ForEach::Q": ["Name", {"Ref": "Names"}, {"Queue${Name}": queue}]},
        "Outputs": {"Count": {"Value": {"Fn::Length": {"Ref": "Names"}}}},
    }
    with pytest.raises(ClientError, match="CAPABILITY_AUTO_EXPAND"):
        lab.cloudformation.create_stack(
            StackName="s",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": "Names", "ParameterValue": "a"}],
        )
    stack = lab.deploy(template, Parameters=[{"ParameterKey": "Names", "ParameterValue": "a,b"}])
    assert stack["Outputs"][0]["OutputValue"] == "2"
    names = {url.rpartition("/")[2] for url in lab.sqs.list_queues()["QueueUrls"]}
    assert names == {"a-queue", "b-queue"}
    lab.deploy(template, "update_stack", Parameters=[{"ParameterKey": "Names", "ParameterValue": "b,c"}])
    assert {url.rpartition("/")[2] for url in lab.sqs.list_queues()["QueueUrls"]} == {"b-queue", "c-queue"}
    shown = lab.cloudformation.get_template(StackName="s", TemplateStage="Processed")["TemplateBody"]
    assert sorted(shown["Resources"]) == ["Queueb", "Queuec"]
    assert "Fn::ForEach::Q" in lab.cloudformation.get_template(StackName="s")["TemplateBody"]["Resources"]


def test_a_stack_that_is_deleted_while_it_is_made_leaves_nothing(lab: Lab) -> None:
    queues = {f"Q{n}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"q{n}"}} for n in range(20)}
    chained = {name: {**each, "DependsOn": f"Q{n - 1}"} if n else each for n, (name, each) in enumerate(queues.items())}
    made = lab.cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": chained}))["StackId"]
    until(lambda: lab.sqs.list_queues().get("QueueUrls"))
    lab.cloudformation.delete_stack(StackName="s")

    def status() -> str:
        return str(lab.cloudformation.describe_stacks(StackName=made)["Stacks"][0]["StackStatus"])

    until(lambda: status() == "DELETE_COMPLETE")
    assert not lab.sqs.list_queues().get("QueueUrls")
    events = lab.cloudformation.describe_stack_events(StackName=made)["StackEvents"]
    told = {(each["LogicalResourceId"], each["ResourceStatus"]) for each in events}
    done = {name for name in queues if (name, "CREATE_COMPLETE") in told}
    assert done and all((name, "DELETE_COMPLETE") in told for name in done)
