"""Resource types that wait for somebody else: custom resources and wait conditions.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html, using-cfn-waitcondition.html
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, Told, without
from infra.local.cloudformation.schema import CUSTOM
from infra.local.core import telemetry

Properties = dict[str, Any]
PATH = "/_workshop/cloudformation/"
MOST_BYTES = 4096  # of a response
LONGEST_SECONDS = 43_200  # of a wait condition
SERVICE_SECONDS = 3600  # that AWS waits for a custom resource, unless ServiceTimeout says less


def _url(context: Context, token: str) -> str:
    return f"{telemetry.endpoint()}{PATH}{context.account}/{context.region}/{token}"


def _as_text(value: Any) -> Any:
    """Return properties as a custom resource gets them: numbers and booleans are text."""
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


class CustomResource(ResourceType):
    """Made by a function or by whoever listens to a topic. What was asked and answered is in the resource's memory."""

    goes_on = True
    has_any_attribute = True

    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # its properties are its maker's

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        return name if "Request" in context.memory else None  # asked for, and perhaps made

    def create(self, context: Context, name: str, properties: Properties) -> None:
        try:
            answer = self._ask(context, "Create", properties)
        except Told:
            if self._is_sent(context):  # its maker may have made it, and is told to delete it
                context.made(name)
            raise
        context.made(str(answer.get("PhysicalResourceId") or name))
        self._check(context, answer)

    def change(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> str:
        if properties["ServiceToken"] != old["ServiceToken"]:
            raise Told("Modifying service token is not allowed.")
        more = {"PhysicalResourceId": physical_id, "OldResourceProperties": _as_text(old)}
        answer = self._ask(context, "Update", properties, **more)
        self._check(context, answer)
        return str(answer["PhysicalResourceId"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._check(context, self._ask(context, "Delete", properties, PhysicalResourceId=physical_id))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        data = context.memory.get("Data")
        return {**data, "Id": physical_id} if isinstance(data, dict) else {"Id": physical_id}

    def attribute(self, attributes: Properties, name: str) -> Any:
        found: Any = attributes
        if name in attributes:
            return attributes[name]
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def _ask(self, context: Context, kind: str, properties: Properties, **more: Any) -> Properties:
        """Return the answer to a request; one that was sent before a restart is not sent again. Raises Told, Stopped, ClientError."""
        stack = context.stack
        which = [kind, stack.operation, str(stack.started), more.get("PhysicalResourceId")]
        request = context.memory.get("Request")
        if request is None or request["Which"] != which:
            request = {"Which": which, "RequestId": str(uuid.uuid4()), "Token": uuid.uuid4().hex, "Since": time.time()}
            context.remember(Request=request, RequestId=request["RequestId"])
        if not self._is_sent(context):
            event = {
                "RequestType": kind,
                "ServiceToken": properties["ServiceToken"],
                "ResponseURL": _url(context, request["Token"]),
                "StackId": context.stack_id,
                "RequestId": request["RequestId"],
                "LogicalResourceId": context.logical_id,
                **more,
                "ResourceType": context.resource_type,
                "ResourceProperties": _as_text(without(properties, "ServiceTimeout")),
            }
            self._send(context, properties["ServiceToken"], event)
            context.remember(Sent=request["RequestId"])  # not in the request, into which the answer comes meanwhile
        limit = min(int(properties.get("ServiceTimeout", SERVICE_SECONDS)), SERVICE_SECONDS)
        context.wait(
            lambda: "Answer" in context.memory["Request"],
            request["Since"] + limit - time.time(),
            f"CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
            f"[{request['RequestId']}]. If you are using the Python cfn-response module, you may need to update your Lambda "
            "function code so that CloudFormation can attach the updated version.",
        )
        return dict(context.memory["Request"]["Answer"])

    def _is_sent(self, context: Context) -> bool:
        request = context.memory.get("Request")
        return request is not None and context.memory.get("Sent") == request["RequestId"]

    def _send(self, context: Context, token: str, event: Properties) -> None:
        service = token.split(":")[2] if token.count(":") >= 5 else ""
        if service == "lambda":
            context.client("lambda").invoke(
                FunctionName=token, InvocationType="Event", Payload=json.dumps(event).encode()
            )
        elif service == "sns":
            message = json.dumps(event)
            context.client("sns").publish(
                TopicArn=token, Subject="AWS CloudFormation custom resource request", Message=message
            )
        else:
            raise Told("Invalid service token.")

    def _check(self, context: Context, answer: Properties) -> None:
        """Take what a good answer says. Raises Told."""
        request = context.memory["Request"]
        status = answer.get("Status")
        if status == "FAILED":
            raise Told(
                f"Received response status [FAILED] from custom resource. Message returned: {answer.get('Reason', '')} "
                f"(RequestId: {request['RequestId']})"
            )
        if status != "SUCCESS":
            raise Told("Invalid Status in the response of the custom resource: it is SUCCESS or FAILED.")
        if not answer.get("PhysicalResourceId"):
            raise Told("Invalid PhysicalResourceId")
        for name, wanted in (
            ("StackId", context.stack_id),
            ("RequestId", request["RequestId"]),
            ("LogicalResourceId", context.logical_id),
        ):
            if answer.get(name) != wanted:
                raise Told(f"Invalid response object: {name} is not that of the request.")
        context.remember(Data=answer.get("Data") or {})


class WaitConditionHandle(ResourceType):
    """A place to signal to; Ref is its URL."""

    goes_on = True

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        if "Token" not in context.memory:
            context.remember(Token=uuid.uuid4().hex)
        context.made(_url(context, context.memory["Token"]))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        return None

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        return None

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class WaitCondition(ResourceType):
    """Made when as many signals came as it waits for."""

    goes_on = True

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        if "Handle" not in properties or "Timeout" not in properties:
            raise Told("WaitCondition needs Handle and Timeout: the local AWS does not support CreationPolicy.")
        handle = next(
            (each for each in context.stack.resources.values() if each.physical_id == properties["Handle"]), None
        )
        if handle is None:
            raise Told("WaitCondition must use a handle of its own stack.")
        count, seconds = int(properties.get("Count", 1)), min(int(properties["Timeout"]), LONGEST_SECONDS)
        if "Since" not in context.memory:
            context.remember(Since=time.time())

        until = context.memory["Since"] + seconds

        def has_all() -> bool:
            failed = [each for each in self._signals(handle) if each.get("Status") != "SUCCESS"]
            if failed:
                reason, unique = failed[0].get("Reason", ""), failed[0].get("UniqueId", "")
                raise Told(f"WaitCondition received failed message: '{reason}' for uniqueId: {unique}")
            received = len(self._signals(handle))
            if received < count and time.time() > until:
                raise Told(f"WaitCondition timed out. Received {received} conditions when expecting {count}")
            return received >= count

        context.wait(has_all, float(LONGEST_SECONDS))
        data = {each.get("UniqueId", ""): each.get("Data", "") for each in self._signals(handle)}
        context.remember(Data=json.dumps(data))
        context.made(f"{context.stack_id}/{context.logical_id}")

    def _signals(self, handle: Any) -> list[Properties]:
        return list(handle.memory.get("Signals", {}).values())

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        raise Told("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        return None

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id, "Data": context.memory["Data"]}


TYPES: dict[str, ResourceType] = {
    CUSTOM: CustomResource(),
    "AWS::CloudFormation::WaitCondition": WaitCondition(),
    "AWS::CloudFormation::WaitConditionHandle": WaitConditionHandle(),
}
