"""Resource types of EventBridge: rules, buses and their policies, archives.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Events.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    document,
    exists,
    missing_is_fine,
    picked,
    retag,
)

Properties = dict[str, Any]


class Rule(ResourceType):
    """On a bus of its own a rule's physical id is `bus|rule`, as on AWS.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1131
    """

    def _bus(self, properties: Properties) -> Properties:
        return picked(properties, "EventBusName")

    def _bus_name(self, properties: Properties) -> str:
        named: str = properties.get("EventBusName", "default")  # or its ARN
        return named.rpartition("/")[2]

    def create(self, context: Context, name: str, properties: Properties) -> None:
        if exists(context.client("events").describe_rule, Name=name, **self._bus(properties)):
            raise context.already_exists(name)
        self._put(context, name, properties, with_tags=True)
        bus = self._bus_name(properties)
        context.made(name if bus == "default" else f"{bus}|{name}")
        self._targets(context, name, properties)

    def _put(self, context: Context, name: str, properties: Properties, with_tags: bool = False) -> None:
        events = context.client("events")
        parameters = picked(properties, "EventBusName", "Description", "RoleArn", "ScheduleExpression", "State")
        if "EventPattern" in properties:
            parameters["EventPattern"] = document(properties["EventPattern"])
        if with_tags:
            parameters |= created_tags("events", properties, context)
        events.put_rule(Name=name, **parameters)

    def _targets(self, context: Context, name: str, properties: Properties) -> None:
        if properties.get("Targets"):
            answer = context.client("events").put_targets(
                Rule=name, Targets=properties["Targets"], **self._bus(properties)
            )
            if answer["FailedEntryCount"]:
                raise ResourceFailure(answer["FailedEntries"][0].get("ErrorMessage", "A target was refused."))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        name = _after_bus(physical_id)
        self._put(context, name, properties)
        self._targets(context, name, properties)
        kept = {target["Id"] for target in properties.get("Targets", [])}
        self._remove(context, name, old, [t["Id"] for t in old.get("Targets", []) if t["Id"] not in kept])
        retag("events", self.attributes(context, physical_id, properties)["Arn"], properties, old, context)

    def _remove(self, context: Context, name: str, properties: Properties, ids: list[str]) -> None:
        if ids:
            context.client("events").remove_targets(Rule=name, Ids=ids, **self._bus(properties))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        name = _after_bus(physical_id)
        with missing_is_fine():
            self._remove(context, name, properties, [target["Id"] for target in properties.get("Targets", [])])
        context.client("events").delete_rule(Name=name, **self._bus(properties))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        bus, name = self._bus_name(properties), _after_bus(physical_id)
        path = name if bus == "default" else f"{bus}/{name}"
        return {"Arn": context.arn("events", f"rule/{path}"), "RuleName": name}


def _after_bus(physical_id: str) -> str:
    """Return a rule's name; stacks of older lakes have it alone."""
    return physical_id.rpartition("|")[2]


class EventBus(ResourceType):
    supported = frozenset({"DeadLetterConfig", "Description", "Name", "Policy", "Tags"})

    def create(self, context: Context, name: str, properties: Properties) -> None:
        events = context.client("events")
        if exists(events.describe_event_bus, Name=name):
            raise context.already_exists(name)
        events.create_event_bus(
            Name=name,
            **picked(properties, "DeadLetterConfig", "Description"),
            **created_tags("events", properties, context),
        )
        context.made(name)
        if "Policy" in properties:
            events.put_permission(EventBusName=name, Policy=document(properties["Policy"]))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        events = context.client("events")
        for name in ("Description", "DeadLetterConfig"):
            if properties.get(name) != old.get(name):
                raise ResourceFailure(f"The local AWS cannot change {name} of an event bus.")
        if properties.get("Policy") != old.get("Policy"):
            events.remove_permission(EventBusName=physical_id, RemoveAllPermissions=True)
            if "Policy" in properties:
                events.put_permission(EventBusName=physical_id, Policy=document(properties["Policy"]))
        retag("events", self.attributes(context, physical_id, properties)["Arn"], properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("events").delete_event_bus(Name=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("events", f"event-bus/{physical_id}"), "Name": physical_id}


class EventBusPolicy(ResourceType):
    supported = frozenset({"EventBusName", "Statement", "StatementId"})

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return f"{properties.get('EventBusName', 'default')}|{properties['StatementId']}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.made(self.physical_id(context, name, properties))
        self._put(context, properties)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._put(context, properties)

    def _put(self, context: Context, properties: Properties) -> None:
        if "Statement" not in properties:
            raise ResourceFailure(
                "Statement must be given: the older form with Action and Principal is not supported here."
            )
        statement = {"Sid": properties["StatementId"], **properties["Statement"]}
        policy = document({"Version": "2012-10-17", "Statement": [statement]})
        context.client("events").put_permission(Policy=policy, **picked(properties, "EventBusName"))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("events").remove_permission(
            StatementId=properties["StatementId"], **picked(properties, "EventBusName")
        )


class Archive(ResourceType):
    supported = frozenset({"ArchiveName", "Description", "EventPattern", "RetentionDays", "SourceArn"})
    name_length = 48

    def _parameters(self, properties: Properties) -> Properties:
        parameters = picked(properties, "Description", "RetentionDays")
        if "EventPattern" in properties:
            parameters["EventPattern"] = document(properties["EventPattern"])
        return parameters

    def create(self, context: Context, name: str, properties: Properties) -> None:
        events = context.client("events")
        if exists(events.describe_archive, ArchiveName=name):
            raise context.already_exists(name)
        events.create_archive(ArchiveName=name, EventSourceArn=properties["SourceArn"], **self._parameters(properties))
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("events").update_archive(ArchiveName=physical_id, **self._parameters(properties))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("events").delete_archive(ArchiveName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("events", f"archive/{physical_id}"), "ArchiveName": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::Events::Archive": Archive(),
    "AWS::Events::EventBus": EventBus(),
    "AWS::Events::EventBusPolicy": EventBusPolicy(),
    "AWS::Events::Rule": Rule(),
}
