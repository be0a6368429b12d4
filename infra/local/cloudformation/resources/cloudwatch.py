"""Resource types of CloudWatch.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_CloudWatch.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, document, retag, without

Properties = dict[str, Any]


class Alarm(ResourceType):
    """An alarm; putting it again changes it, and what is not given has its default again."""

    def create(self, context: Context, name: str, properties: Properties) -> None:
        cloudwatch = context.client("cloudwatch")
        if cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]:
            raise context.already_exists(name)
        settings = {**without(properties, "Tags"), "AlarmName": name}
        cloudwatch.put_metric_alarm(**settings, **created_tags("cloudwatch", properties, context))
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        settings = {**without(properties, "Tags"), "AlarmName": physical_id}
        context.client("cloudwatch").put_metric_alarm(**settings)
        retag("cloudwatch", context.arn("cloudwatch", f"alarm:{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("cloudwatch").delete_alarms(AlarmNames=[physical_id])

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("cloudwatch", f"alarm:{physical_id}")}


class Dashboard(ResourceType):
    supported = frozenset({"DashboardBody", "DashboardName"})

    def create(self, context: Context, name: str, properties: Properties) -> None:
        self._put(context, name, properties)
        context.made(name)

    def _put(self, context: Context, name: str, properties: Properties) -> None:
        body = document(properties["DashboardBody"])
        context.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._put(context, physical_id, properties)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("cloudwatch").delete_dashboards(DashboardNames=[physical_id])


TYPES: dict[str, ResourceType] = {
    "AWS::CloudWatch::Alarm": Alarm(),
    "AWS::CloudWatch::Dashboard": Dashboard(),
}
