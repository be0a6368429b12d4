"""Resource types of Managed Service for Apache Flink.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_KinesisAnalyticsV2.html
"""

from __future__ import annotations

import base64
from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, retag, without

Properties = dict[str, Any]


class FlinkApplication(ResourceType):
    supported = frozenset(
        {
            "ApplicationConfiguration",
            "ApplicationDescription",
            "ApplicationMode",
            "ApplicationName",
            "RunConfiguration",
            "RuntimeEnvironment",
            "ServiceExecutionRole",
            "Tags",
        }
    )
    name_length = 128

    def create(self, context: Context, name: str, properties: Properties) -> None:
        parameters = without(properties, "ApplicationName", "RunConfiguration", "Tags")
        if "ApplicationConfiguration" in parameters:
            parameters["ApplicationConfiguration"] = _with_zip_bytes(parameters["ApplicationConfiguration"])
        context.client("kinesisanalyticsv2").create_application(
            ApplicationName=name, **parameters, **created_tags("kinesisanalyticsv2", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        flink = context.client("kinesisanalyticsv2")
        found = flink.describe_application(ApplicationName=physical_id)["ApplicationDetail"]
        changes: Properties = {}
        configuration = properties.get("ApplicationConfiguration", {})
        if configuration != old.get("ApplicationConfiguration", {}):
            changes["ApplicationConfigurationUpdate"] = _configuration_update(_with_zip_bytes(configuration))
        if properties["ServiceExecutionRole"] != old["ServiceExecutionRole"]:
            changes["ServiceExecutionRoleUpdate"] = properties["ServiceExecutionRole"]
        if properties["RuntimeEnvironment"] != old["RuntimeEnvironment"]:
            changes["RuntimeEnvironmentUpdate"] = properties["RuntimeEnvironment"]
        if found["ApplicationStatus"] == "RUNNING" and "RunConfiguration" in properties:
            changes["RunConfigurationUpdate"] = properties["RunConfiguration"]
        if changes:
            flink.update_application(
                ApplicationName=physical_id, CurrentApplicationVersionId=found["ApplicationVersionId"], **changes
            )
        retag("kinesisanalyticsv2", found["ApplicationARN"], properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        flink = context.client("kinesisanalyticsv2")

        def status() -> str:
            return flink.describe_application(ApplicationName=physical_id)["ApplicationDetail"]["ApplicationStatus"]

        if status() == "RUNNING":
            flink.stop_application(ApplicationName=physical_id, Force=True)
            context.wait(lambda: status() in ("READY", "FORCE_STOPPED"))
        created = flink.describe_application(ApplicationName=physical_id)["ApplicationDetail"]["CreateTimestamp"]
        flink.delete_application(ApplicationName=physical_id, CreateTimestamp=created)


def _with_zip_bytes(configuration: Properties) -> Properties:
    """Return an application configuration whose inline zip, Base64 in a template, is bytes as boto3 wants it."""
    code = configuration.get("ApplicationCodeConfiguration", {})
    content = code.get("CodeContent", {})
    if "ZipFileContent" not in content:
        return configuration
    content = {**content, "ZipFileContent": base64.b64decode(content["ZipFileContent"])}
    return {**configuration, "ApplicationCodeConfiguration": {**code, "CodeContent": content}}


def _configuration_update(value: Any) -> Any:
    """Return an application configuration in the form of UpdateApplication, whose names end in Update."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key == "EnvironmentProperties":
            result["EnvironmentPropertyUpdates"] = item
        else:
            result[f"{key}Update"] = _configuration_update(item)
    return result


class FlinkLoggingOption(ResourceType):
    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def _version(self, context: Context, properties: Properties) -> Properties:
        name = properties["ApplicationName"]
        found = context.client("kinesisanalyticsv2").describe_application(ApplicationName=name)["ApplicationDetail"]
        return {"ApplicationName": name, "CurrentApplicationVersionId": found["ApplicationVersionId"]}

    def create(self, context: Context, name: str, properties: Properties) -> None:
        option = properties["CloudWatchLoggingOption"]
        answer = context.client("kinesisanalyticsv2").add_application_cloud_watch_logging_option(
            **self._version(context, properties), CloudWatchLoggingOption=option
        )
        made = next(
            item
            for item in answer["CloudWatchLoggingOptionDescriptions"]
            if item["LogStreamARN"] == option["LogStreamARN"]
        )
        context.made(made["CloudWatchLoggingOptionId"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        change = {
            "CloudWatchLoggingOptionId": physical_id,
            "LogStreamARNUpdate": properties["CloudWatchLoggingOption"]["LogStreamARN"],
        }
        context.client("kinesisanalyticsv2").update_application(
            **self._version(context, properties), CloudWatchLoggingOptionUpdates=[change]
        )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("kinesisanalyticsv2").delete_application_cloud_watch_logging_option(
            **self._version(context, properties), CloudWatchLoggingOptionId=physical_id
        )

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


TYPES: dict[str, ResourceType] = {
    "AWS::KinesisAnalyticsV2::Application": FlinkApplication(),
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption": FlinkLoggingOption(),
}
