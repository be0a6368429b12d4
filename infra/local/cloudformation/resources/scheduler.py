"""Resource types of EventBridge Scheduler.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Scheduler.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, as_tag_list, exists, picked, tag_map

Properties = dict[str, Any]


class Schedule(ResourceType):
    supported = frozenset(
        {
            "Description",
            "EndDate",
            "FlexibleTimeWindow",
            "GroupName",
            "Name",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "StartDate",
            "State",
            "Target",
        }
    )

    def create(self, context: Context, name: str, properties: Properties) -> None:
        scheduler = context.client("scheduler")
        if exists(scheduler.get_schedule, Name=name, **picked(properties, "GroupName")):
            raise context.already_exists(name)
        scheduler.create_schedule(**{**properties, "Name": name})
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("scheduler").update_schedule(**{**properties, "Name": physical_id})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("scheduler").delete_schedule(Name=physical_id, **picked(properties, "GroupName"))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        group = properties.get("GroupName", "default")
        return {"Arn": context.arn("scheduler", f"schedule/{group}/{physical_id}")}


class ScheduleGroup(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        scheduler = context.client("scheduler")
        if exists(scheduler.get_schedule_group, Name=name):
            raise context.already_exists(name)
        scheduler.create_schedule_group(Name=name, Tags=as_tag_list(tag_map(properties, context)))
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        arn = self.attributes(context, physical_id, properties)["Arn"]
        context.client("scheduler").tag_resource(ResourceArn=arn, Tags=as_tag_list(tag_map(properties, context)))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("scheduler").delete_schedule_group(Name=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("scheduler", f"schedule-group/{physical_id}"), "State": "ACTIVE"}


TYPES: dict[str, ResourceType] = {
    "AWS::Scheduler::Schedule": Schedule(),
    "AWS::Scheduler::ScheduleGroup": ScheduleGroup(),
}
