"""State machines, versions, aliases and activities in a stack."""

from __future__ import annotations

import json

import pytest

from tests.local.stepfunctions.flows import TRUST, Flows
from tests.polling import until


def template(text: str, weight: int = 100) -> str:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "flow", "AssumeRolePolicyDocument": TRUST}}
    definition = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "${What}", "End": True}}}
    return json.dumps(
        {
            "Resources": {
                "Role": role,
                "Machine": {
                    "Type": "AWS::StepFunctions::StateMachine",
                    "Properties": {
                        "StateMachineName": "sayer",
                        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Definition": definition,
                        "DefinitionSubstitutions": {"What": text},
                        "Tags": [{"Key": "chapter", "Value": "9"}],
                    },
                },
                "Version": {
                    "Type": "AWS::StepFunctions::StateMachineVersion",
                    "Properties": {
                        "StateMachineArn": {"Ref": "Machine"},
                        "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
                    },
                },
                "Alias": {
                    "Type": "AWS::StepFunctions::StateMachineAlias",
                    "Properties": {
                        "Name": "live",
                        "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "Version"}, "Weight": weight}],
                    },
                },
                "Work": {"Type": "AWS::StepFunctions::Activity", "Properties": {"Name": "work"}},
            },
            "Outputs": {"Alias": {"Value": {"Ref": "Alias"}}, "Machine": {"Value": {"Ref": "Machine"}}},
        }
    )


@pytest.fixture
def deploy(client):
    cloudformation = client("cloudformation")

    def deploy(call: str, body: str) -> dict:
        getattr(cloudformation, f"{call}_stack")(
            StackName="s", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
        )

        def rested() -> dict | None:
            stack = cloudformation.describe_stacks(StackName="s")["Stacks"][0]
            return None if stack["StackStatus"].endswith("PROGRESS") else stack

        stack = until(rested)
        values = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return {"status": stack["StackStatus"], **values}

    return deploy


def test_a_stack_makes_changes_and_deletes_them(client, deploy, account):
    made = deploy("create", template("one"))
    assert made["status"] == "CREATE_COMPLETE"
    flows = Flows(client, f"arn:aws:iam::{account}:role/flow")
    assert made["Alias"] == f"arn:aws:states:us-east-1:{account}:stateMachine:sayer:live"
    found = flows.ended(flows.start(made["Alias"]))
    assert found["output"] == '"one"' and found["stateMachineVersionArn"].endswith(":sayer:1")
    assert {"key": "chapter", "value": "9"} in flows.sfn.list_tags_for_resource(resourceArn=made["Machine"])["tags"]
    assert deploy("update", template("two"))["status"] == "UPDATE_COMPLETE"
    found = flows.ended(flows.start(made["Alias"]))
    assert found["output"] == '"two"' and found["stateMachineVersionArn"].endswith(":sayer:2")
    client("cloudformation").delete_stack(StackName="s")
    until(
        lambda: not flows.sfn.list_state_machines()["stateMachines"] and not flows.sfn.list_activities()["activities"]
    )


def test_a_wrong_definition_fails_the_stack_with_the_services_words(client, deploy):
    body = json.loads(template("x"))
    body["Resources"]["Machine"]["Properties"]["Definition"]["States"]["Say"] = {"Type": "Pass", "Next": "None"}
    assert deploy("create", json.dumps(body))["status"] == "ROLLBACK_COMPLETE"
    events = client("cloudformation").describe_stack_events(StackName="s")["StackEvents"]
    reason = next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED")
    assert "MISSING_TRANSITION_TARGET: Missing 'Next' target: None at /States/Say/Next" in reason
