"""Stacks within stacks.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-stack.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from infra.local.cloudformation.resources.types import Context, ResourceType, Told, as_tag_list, is_missing, tag_map

Properties = dict[str, Any]
LONGEST_SECONDS = 43_200.0


class NestedStack(ResourceType):
    supported = frozenset({"Parameters", "Tags", "TemplateURL", "TimeoutInMinutes"})
    name_length = 128
    goes_on = True
    looks_again = True

    def physical_id(self, context: Context, name: str, properties: Properties) -> str | None:
        try:
            return str(self._found(context, name)["StackId"])
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _found(self, context: Context, stack: str) -> Properties:
        return dict(context.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0])

    def _asked(self, context: Context, properties: Properties) -> Properties:
        parameters = {key: str(value) for key, value in properties.get("Parameters", {}).items()}
        return {
            "TemplateURL": properties["TemplateURL"],
            "Parameters": as_tag_list(parameters, "ParameterKey", "ParameterValue"),
            "Capabilities": context.stack.definition.capabilities,
            "Tags": as_tag_list(tag_map(properties, context)),
        }

    def _wait(self, context: Context, stack: str) -> Properties:
        """Return the stack at rest."""
        found: Properties = {}

        def rests() -> bool:
            found.update(self._found(context, stack))
            return not found["StackStatus"].endswith("_IN_PROGRESS")

        context.wait(rests, LONGEST_SECONDS)
        return found

    def create(self, context: Context, name: str, properties: Properties) -> None:
        stack = self.physical_id(context, name, properties)  # begun before a restart
        if stack is None:
            more = {"TimeoutInMinutes": properties["TimeoutInMinutes"]} if "TimeoutInMinutes" in properties else {}
            asked = self._asked(context, properties)
            stack = context.client("cloudformation").create_stack(StackName=name, **asked, **more)["StackId"]
        context.made(str(stack))
        found = self._wait(context, str(stack))
        if found["StackStatus"] != "CREATE_COMPLETE":
            raise Told(f"Embedded stack {stack} was not successfully created: {self._why(context, str(stack))}")

    def _why(self, context: Context, stack: str) -> str:
        events = context.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        told = [each for each in events if each["PhysicalResourceId"] == stack and "ResourceStatusReason" in each]
        return next((each["ResourceStatusReason"] for each in told if "ROLLBACK" in each["ResourceStatus"]), "")

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        try:
            context.client("cloudformation").update_stack(StackName=physical_id, **self._asked(context, properties))
        except ClientError as error:
            if error.response["Error"].get("Message") != "No updates are to be performed.":
                raise
        found = self._wait(context, physical_id)
        if found["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Told(
                f"Embedded stack {physical_id} was not successfully updated. Currently in {found['StackStatus']} with reason: "
                f"{self._why(context, physical_id)}"
            )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("cloudformation").delete_stack(StackName=physical_id)
        found = self._wait(context, physical_id)
        if found["StackStatus"] != "DELETE_COMPLETE":
            reason = found.get("StackStatusReason", "")
            raise Told(f"Embedded stack {physical_id} was not successfully deleted: {reason}")

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        outputs = self._found(context, physical_id).get("Outputs", [])
        return {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in outputs}


TYPES: dict[str, ResourceType] = {"AWS::CloudFormation::Stack": NestedStack()}
