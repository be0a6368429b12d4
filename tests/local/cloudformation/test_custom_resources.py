"""Custom resources and wait conditions: what is asked, what an answer does, and that neither is lost.

The maker of most is this test itself: it listens to a topic by a queue, and puts answers to the URLs that it is told.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.signalled import CustomResource
from tests.conftest import Server
from tests.polling import until

Client = Callable[..., Any]
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
}


def put(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request, timeout=30) as response:
        return int(response.status)


class Maker:
    """A topic with a queue behind it, and stacks whose custom resources ask there."""

    def __init__(self, client: Client, account: str):
        self.cloudformation, self.sqs = client("cloudformation"), client("sqs")
        self.url = self.sqs.create_queue(QueueName="asked")["QueueUrl"]
        queue = f"arn:aws:sqs:us-east-1:{account}:asked"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps({"Statement": [statement]})})
        sns = client("sns")
        self.topic = sns.create_topic(Name="maker")["TopicArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})

    def template(self, **properties: Any) -> str:
        thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": self.topic, **properties}}
        output = {"O": {"Value": {"Fn::Join": ["/", [{"Ref": "Thing"}, {"Fn::GetAtt": ["Thing", "Colour"]}]]}}}
        return json.dumps({"Resources": {"Thing": thing}, "Outputs": output})

    def asked(self) -> dict[str, Any]:
        """Return the next request."""

        def receive() -> Any:
            return self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=1).get("Messages")

        message = until(receive, "a request to the maker")[0]
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return dict(json.loads(message["Body"]))

    def answer(self, event: dict[str, Any], status: str = "SUCCESS", **more: Any) -> None:
        same = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        assert put(event["ResponseURL"], json.dumps({"Status": status, **same, **more}).encode()) == 200

    def rest(self, *wanted: str) -> dict[str, Any]:
        def stack() -> Any:
            found = self.cloudformation.describe_stacks(StackName=self.id)["Stacks"][0]
            return found if found["StackStatus"] in wanted else None

        return dict(until(stack, f"one of {wanted}"))

    def create(self, **properties: Any) -> None:
        self.id = self.cloudformation.create_stack(StackName="s", TemplateBody=self.template(**properties))["StackId"]

    def update(self, **properties: Any) -> None:
        self.cloudformation.update_stack(StackName="s", TemplateBody=self.template(**properties))

    def reasons(self) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=self.id)["StackEvents"]
        return [each["ResourceStatusReason"] for each in events if each["ResourceStatus"].endswith("_FAILED")]


@pytest.fixture
def maker(client: Client, account: str) -> Maker:
    return Maker(client, account)


def test_a_custom_resource_is_made_changed_replaced_and_deleted(maker: Maker) -> None:
    maker.create(Size=3, Deep={"On": True, "Names": ["a", 1]})
    event = maker.asked()
    assert event["ResourceProperties"] == {
        "ServiceToken": maker.topic,
        "Size": "3",
        "Deep": {"On": "true", "Names": ["a", "1"]},
    }
    assert (event["RequestType"], event["LogicalResourceId"], event["ResourceType"]) == (
        "Create",
        "Thing",
        "Custom::Thing",
    )
    assert "PhysicalResourceId" not in event
    maker.answer(event, PhysicalResourceId="thing-1", Data={"Colour": "red"})
    assert maker.rest("CREATE_COMPLETE")["Outputs"][0]["OutputValue"] == "thing-1/red"

    maker.update(Size=4)
    event = maker.asked()
    assert (event["RequestType"], event["PhysicalResourceId"]) == ("Update", "thing-1")
    assert event["OldResourceProperties"]["Size"] == "3"
    maker.answer(event, PhysicalResourceId="thing-1", Data={"Colour": "blue"})
    assert maker.rest("UPDATE_COMPLETE")["Outputs"][0]["OutputValue"] == "thing-1/blue"

    maker.update(Size=5)
    maker.answer(maker.asked(), PhysicalResourceId="thing-2", Data={"Colour": "green"})
    event = maker.asked()  # another id: the old one goes
    assert (event["RequestType"], event["PhysicalResourceId"], event["ResourceProperties"]["Size"]) == (
        "Delete",
        "thing-1",
        "4",
    )
    maker.answer(event, PhysicalResourceId="thing-1")
    assert maker.rest("UPDATE_COMPLETE")["Outputs"][0]["OutputValue"] == "thing-2/green"

    maker.cloudformation.delete_stack(StackName="s")
    event = maker.asked()
    assert (event["RequestType"], event["PhysicalResourceId"]) == ("Delete", "thing-2")
    maker.answer(event, PhysicalResourceId="thing-2")
    maker.rest("DELETE_COMPLETE")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": "FAILED", "Reason": "no room", "PhysicalResourceId": "x"}, "Received response status [FAILED] from custom resource. Message returned: no room (RequestId: "),
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"status": "MAYBE", "PhysicalResourceId": "x"}, "Invalid Status"),
        ({"PhysicalResourceId": "x", "Data": {"Big": "b" * 5000}}, "Response object is too long."),
        ({"PhysicalResourceId": "x", "Data": {"Other": 1}}, "Vendor response doesn't contain Colour"),
    ],
)  # fmt: skip
def test_answers_that_fail_the_stack(maker: Maker, answer: dict[str, Any], reason: str) -> None:
    maker.create()
    maker.answer(maker.asked(), **answer)
    event = maker.asked()  # what may be there is taken away
    assert event["RequestType"] == "Delete"
    maker.answer(event, PhysicalResourceId=event["PhysicalResourceId"])
    stack = maker.rest("ROLLBACK_COMPLETE")
    assert any(reason in each for each in (*maker.reasons(), stack.get("StackStatusReason", ""), *_told(maker)))


def _told(maker: Maker) -> list[str]:
    events = maker.cloudformation.describe_stack_events(StackName=maker.id)["StackEvents"]
    return [each.get("ResourceStatusReason", "") for each in events]


def test_no_answer_in_time_and_a_failed_deletion(maker: Maker) -> None:
    maker.create(ServiceTimeout=1)
    assert maker.asked()["RequestType"] == "Create"
    event = maker.asked()
    assert event["RequestType"] == "Delete"
    maker.answer(event, "FAILED", PhysicalResourceId=event["PhysicalResourceId"], Reason="stuck")
    maker.rest("ROLLBACK_FAILED")
    late, stuck = sorted(maker.reasons(), key=len, reverse=True)[:2]
    assert "CloudFormation did not receive a response from your Custom Resource" in late
    assert "stuck" in stuck


def test_a_failed_update_goes_back(maker: Maker) -> None:
    maker.create(Size=1)
    maker.answer(maker.asked(), PhysicalResourceId="a", Data={"Colour": "red"})
    maker.rest("CREATE_COMPLETE")
    maker.update(Size=2)
    maker.answer(maker.asked(), "FAILED", PhysicalResourceId="a", Reason="too big")
    event = maker.asked()
    assert (event["RequestType"], event["ResourceProperties"]["Size"], event["OldResourceProperties"]["Size"]) == (
        "Update",
        "1",
        "2",
    )
    maker.answer(event, PhysicalResourceId="a", Data={"Colour": "red"})
    maker.rest("UPDATE_ROLLBACK_COMPLETE")


def test_a_creation_that_waits_can_be_deleted(maker: Maker) -> None:
    maker.create()
    asked = maker.asked()
    maker.cloudformation.delete_stack(StackName="s")
    event = maker.asked()
    assert event["RequestType"] == "Delete"
    maker.answer(event, PhysicalResourceId=event["PhysicalResourceId"])
    maker.rest("DELETE_COMPLETE")
    assert maker.reasons() == ["Resource creation cancelled"]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        maker.answer(asked, PhysicalResourceId="late")


def test_an_update_that_waits_can_be_cancelled(maker: Maker) -> None:
    maker.create(Size=1)
    maker.answer(maker.asked(), PhysicalResourceId="a", Data={"Colour": "red"})
    maker.rest("CREATE_COMPLETE")
    maker.update(Size=2)
    maker.asked()
    maker.cloudformation.cancel_update_stack(StackName="s")
    event = maker.asked()
    assert (event["RequestType"], event["ResourceProperties"]["Size"]) == ("Update", "1")
    maker.answer(event, PhysicalResourceId="a", Data={"Colour": "red"})
    maker.rest("UPDATE_ROLLBACK_COMPLETE")
    assert maker.reasons() == ["Resource update cancelled"]


def test_what_a_busy_stack_refuses(maker: Maker) -> None:
    def refusal(call: Any, **given: Any) -> str:
        with pytest.raises(ClientError) as error:
            call(**given)
        return str(error.value.response["Error"]["Message"])

    cloudformation = maker.cloudformation
    change = {"StackName": "s", "TemplateBody": maker.template(Size=9)}
    maker.create(Size=1)
    event = maker.asked()
    busy = f"Stack:{maker.id} is in CREATE_IN_PROGRESS state and can not be updated."
    assert refusal(cloudformation.update_stack, **change) == busy
    assert refusal(cloudformation.create_change_set, ChangeSetName="c", **change) == busy
    assert refusal(cloudformation.create_stack, **change) == "Stack [s] already exists"
    cannot = "CancelUpdateStack cannot be called from current stack status"
    assert refusal(cloudformation.cancel_update_stack, StackName="s") == cannot
    maker.answer(event, PhysicalResourceId="a", Data={"Colour": "red"})
    maker.rest("CREATE_COMPLETE")
    assert refusal(cloudformation.cancel_update_stack, StackName="s") == cannot
    assert "can not continue update rollback" in refusal(cloudformation.continue_update_rollback, StackName="s")

    cloudformation.create_change_set(ChangeSetName="c", **change)
    maker.update(Size=2)
    event = maker.asked()
    told = refusal(cloudformation.delete_stack, StackName="s")
    assert told == f"Stack [{maker.id}] cannot be deleted while in status UPDATE_IN_PROGRESS"
    assert "current status of [OBSOLETE]" in refusal(
        cloudformation.execute_change_set, ChangeSetName="c", StackName="s"
    )
    maker.answer(event, "FAILED", PhysicalResourceId="a")
    event = maker.asked()
    told = refusal(cloudformation.delete_stack, StackName="s")
    assert told == f"Stack [{maker.id}] cannot be deleted while in status UPDATE_ROLLBACK_IN_PROGRESS"
    maker.answer(event, "FAILED", PhysicalResourceId="a")
    maker.rest("UPDATE_ROLLBACK_FAILED")
    told = f"Stack:{maker.id} is in UPDATE_ROLLBACK_FAILED state and can not be updated."
    assert refusal(cloudformation.update_stack, **change) == told
    cloudformation.continue_update_rollback(StackName="s", ResourcesToSkip=["Thing"])
    maker.rest("UPDATE_ROLLBACK_COMPLETE")


def test_requests_and_answers_survive_kill(own_server: Server, account: str) -> None:
    def client(service: str) -> Any:
        return own_server.client(service, account)

    maker = Maker(client, account)
    maker.create()
    event = maker.asked()
    own_server.kill()
    own_server.restart()
    maker.answer(event, PhysicalResourceId="kept", Data={"Colour": "red"})
    own_server.kill()
    own_server.restart()
    assert maker.rest("CREATE_COMPLETE")["Outputs"][0]["OutputValue"] == "kept/red"
    assert not maker.sqs.receive_message(QueueUrl=maker.url).get("Messages")  # it was asked once


def test_a_function_makes_it_and_inline_code_has_cfnresponse(client: Client, account: str) -> None:
    code = "\n".join(
        (
            "import cfnresponse",
            "def handler(event, context):",
            "    size = event['ResourceProperties'].get('Size', '')",
            "    cfnresponse.send(event, context, cfnresponse.SUCCESS, {'Double': size * 2}, 'made-' + size)",
        )
    )
    template = {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", **TRUST}}},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Timeout": 30,
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": code},
                },
            },
            "Made": {
                "Type": "AWS::CloudFormation::CustomResource",
                "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "Size": "ab"},
            },
        },
        "Outputs": {"O": {"Value": {"Fn::Sub": "${Made} ${Made.Double}"}}},
    }  # fmt: skip
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])

    def stack() -> Any:
        found = cloudformation.describe_stacks(StackName="s")["Stacks"]
        return found[0] if not found[0]["StackStatus"].endswith("IN_PROGRESS") else None

    assert until(stack)["Outputs"][0]["OutputValue"] == "made-ab abab"
    cloudformation.delete_stack(StackName="s")
    until(lambda: not client("lambda").list_functions()["Functions"])


def test_an_answer_that_comes_while_the_request_is_noted_as_sent() -> None:
    """It was lost, and the stack waited for it for an hour."""
    memory: dict[str, Any] = {}

    def remember(**values: Any) -> None:
        if "Token" in memory.get("Request", {}):  # the request is out: its maker is as fast as this
            answer = {"Status": "SUCCESS", "PhysicalResourceId": "p", "StackId": "id", "LogicalResourceId": "Made"}
            memory["Request"]["Answer"] = answer | {"RequestId": memory["Request"]["RequestId"]}
        memory.update(values)

    def wait(is_there: Callable[[], bool], *_: Any) -> None:
        assert is_there(), "the answer was lost"

    stack = SimpleNamespace(operation="create", started=0)
    about = {"stack_id": "id", "logical_id": "Made", "resource_type": "Custom::Made", "account": "1", "region": "r"}
    client = SimpleNamespace(invoke=lambda **_: None)
    context: Any = SimpleNamespace(
        memory=memory, remember=remember, wait=wait, stack=stack, client=lambda _: client, made=lambda _: None, **about
    )
    CustomResource().create(context, "Made", {"ServiceToken": "arn:aws:lambda:r:1:function:f"})
    assert memory["Request"]["Answer"]["PhysicalResourceId"] == "p"


def test_wait_conditions(client: Client) -> None:
    cloudformation = client("cloudformation")
    wait = {"Handle": {"Ref": "Handle"}, "Timeout": "60", "Count": 2}
    template = {
        "Resources": {
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Wait": {"Type": "AWS::CloudFormation::WaitCondition", "Properties": wait},
        },
        "Outputs": {"O": {"Value": {"Fn::GetAtt": ["Wait", "Data"]}}},
    }

    def handle(name: str) -> str:
        def resource() -> Any:
            found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
            return next(
                (each.get("PhysicalResourceId") for each in found if each["LogicalResourceId"] == "Handle"), None
            )

        return str(until(resource))

    def signal(url: str, unique: str, status: str = "SUCCESS") -> None:
        body = {"Status": status, "UniqueId": unique, "Data": f"data {unique}", "Reason": f"reason {unique}"}
        assert put(url, json.dumps(body).encode()) == 200

    def rest(name: str) -> Any:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return found if not found["StackStatus"].endswith("IN_PROGRESS") else None

    for name in ("good", "bad"):
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    for unique in ("1", "1", "2"):  # the same counts once
        signal(handle("good"), unique)
    stack = until(lambda: rest("good"))
    assert json.loads(stack["Outputs"][0]["OutputValue"]) == {"1": "data 1", "2": "data 2"}
    signal(handle("bad"), "7", "FAILURE")
    assert until(lambda: rest("bad"))["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName="bad")["StackEvents"]
    told = [each.get("ResourceStatusReason") for each in events]
    assert "WaitCondition received failed message: 'reason 7' for uniqueId: 7" in told


def test_nobody_else_can_signal(server: Server, account: str) -> None:
    for path in (f"{account}/us-east-1/{'0' * 32}", "x", f"{account}/nowhere/{'0' * 32}"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            put(f"{server.endpoint}/_workshop/cloudformation/{path}", b"{}")
