"""Resource types of the catalog, of queries, functions and applications."""

from __future__ import annotations

import base64
from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceType,
    created_tags,
    picked,
    retag,
    without,
)

Properties = dict[str, Any]


# --- Glue -----------------------------------------------------------------------------------------------------------


class Database(ResourceType):
    lower_case_name = True

    def own_name(self, context: Context, properties: Properties) -> str | None:
        return properties.get("DatabaseName") or properties["DatabaseInput"].get("Name")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_database(
            CatalogId=properties["CatalogId"], DatabaseInput={**properties["DatabaseInput"], "Name": name}
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("glue").update_database(
            CatalogId=properties["CatalogId"],
            Name=physical_id,
            DatabaseInput={**properties["DatabaseInput"], "Name": physical_id},
        )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_database(CatalogId=properties["CatalogId"], Name=physical_id)


class Table(ResourceType):
    supported = frozenset({"CatalogId", "DatabaseName", "Name", "TableInput"})
    lower_case_name = True

    def own_name(self, context: Context, properties: Properties) -> str | None:
        return properties.get("TableInput", {}).get("Name") or properties.get("Name")

    def _place(self, properties: Properties) -> Properties:
        return picked(properties, "CatalogId", "DatabaseName")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        table = {**properties.get("TableInput", {}), "Name": name}
        context.client("glue").create_table(**self._place(properties), TableInput=table)
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        table = {**properties.get("TableInput", {}), "Name": physical_id}
        context.client("glue").update_table(**self._place(properties), TableInput=table)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_table(**self._place(properties), Name=physical_id)


class Crawler(ResourceType):
    def _parameters(self, properties: Properties) -> Properties:
        parameters = without(properties, "Name", "Tags", "Schedule")
        if "Schedule" in properties:
            parameters["Schedule"] = properties["Schedule"].get("ScheduleExpression", "")
        return parameters

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_crawler(
            Name=name, **self._parameters(properties), **created_tags("glue", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        gone: Properties = {
            "Classifiers": [],
            "Configuration": "",
            "Description": "",
            "Schedule": "",
            "TablePrefix": "",
        }
        cleared = {key: value for key, value in gone.items() if key in old and key not in properties}
        context.client("glue").update_crawler(Name=physical_id, **self._parameters(properties), **cleared)
        retag("glue", context.arn("glue", f"crawler/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        glue = context.client("glue")
        if glue.get_crawler(Name=physical_id)["Crawler"]["State"] == "RUNNING":
            glue.stop_crawler(Name=physical_id)
        context.wait(lambda: glue.get_crawler(Name=physical_id)["Crawler"]["State"] == "READY")
        glue.delete_crawler(Name=physical_id)


CLASSIFIER_KINDS = ("CsvClassifier", "GrokClassifier", "JsonClassifier", "XMLClassifier")


class Classifier(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> str | None:
        return next((properties[kind].get("Name") for kind in CLASSIFIER_KINDS if kind in properties), None)

    def _parameters(self, name: str, properties: Properties) -> Properties:
        return {kind: {**properties[kind], "Name": name} for kind in CLASSIFIER_KINDS if kind in properties}

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_classifier(**self._parameters(name, properties))
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("glue").update_classifier(**self._parameters(physical_id, properties))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_classifier(Name=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Name": physical_id}


class GlueJob(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_job(
            Name=name, **without(properties, "Name", "Tags"), **created_tags("glue", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("glue").update_job(JobName=physical_id, JobUpdate=without(properties, "Name", "Tags"))
        retag("glue", context.arn("glue", f"job/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_job(JobName=physical_id)


class Trigger(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_trigger(
            Name=name, **without(properties, "Name", "Tags"), **created_tags("glue", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        changes = picked(properties, "Description", "Schedule", "Actions", "Predicate", "EventBatchingCondition")
        context.client("glue").update_trigger(Name=physical_id, TriggerUpdate={"Name": physical_id, **changes})
        retag("glue", context.arn("glue", f"trigger/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_trigger(Name=physical_id)


class Connection(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> str | None:
        return properties["ConnectionInput"].get("Name")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_connection(
            CatalogId=properties["CatalogId"],
            ConnectionInput={**properties["ConnectionInput"], "Name": name},
            **created_tags("glue", properties, context),
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("glue").update_connection(
            CatalogId=properties["CatalogId"],
            Name=physical_id,
            ConnectionInput={**properties["ConnectionInput"], "Name": physical_id},
        )
        retag("glue", context.arn("glue", f"connection/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_connection(CatalogId=properties["CatalogId"], ConnectionName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Name": physical_id}


# --- Athena ---------------------------------------------------------------------------------------------------------


class WorkGroup(ResourceType):
    supported = frozenset({"Description", "Name", "RecursiveDeleteOption", "State", "Tags", "WorkGroupConfiguration"})

    def create(self, context: Context, name: str, properties: Properties) -> None:
        athena = context.client("athena")
        configuration = properties.get("WorkGroupConfiguration")
        athena.create_work_group(
            Name=name,
            **picked(properties, "Description"),
            **({"Configuration": configuration} if configuration else {}),
            **created_tags("athena", properties, context),
        )
        context.made(name)
        if properties.get("State", "ENABLED") != "ENABLED":
            athena.update_work_group(WorkGroup=name, State=properties["State"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        athena = context.client("athena")
        new = properties.get("WorkGroupConfiguration", {})
        before = old.get("WorkGroupConfiguration", {})
        changes = without(new, "ResultConfiguration")
        result, result_before = new.get("ResultConfiguration", {}), before.get("ResultConfiguration", {})
        if result != result_before:
            removed = {
                f"Remove{key}": True
                for key in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration")
                if key in result_before and key not in result
            }
            changes["ResultConfigurationUpdates"] = {**result, **removed}
        if "BytesScannedCutoffPerQuery" in before and "BytesScannedCutoffPerQuery" not in new:
            changes["RemoveBytesScannedCutoffPerQuery"] = True
        athena.update_work_group(
            WorkGroup=physical_id,
            Description=properties.get("Description", ""),
            State=properties.get("State", "ENABLED"),
            **({"ConfigurationUpdates": changes} if changes else {}),
        )
        retag("athena", context.arn("athena", f"workgroup/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("athena").delete_work_group(
            WorkGroup=physical_id, RecursiveDeleteOption=properties.get("RecursiveDeleteOption", False)
        )

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        found = context.client("athena").get_work_group(WorkGroup=physical_id)["WorkGroup"]
        return {
            "CreationTime": str(found.get("CreationTime", "")),
            "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": found.get("Configuration", {})
            .get("EngineVersion", {})
            .get("EffectiveEngineVersion", "Athena engine version 3"),
        }


class NamedQuery(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> None:
        return None  # a query's name is no identity: two may have the same

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        parameters = {"Name": name, **properties}
        context.made(context.client("athena").create_named_query(**parameters)["NamedQueryId"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("athena").delete_named_query(NamedQueryId=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"NamedQueryId": physical_id}


class PreparedStatement(ResourceType):
    def own_name(self, context: Context, properties: Properties) -> str:
        return properties["StatementName"]

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("athena").create_prepared_statement(**properties)
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("athena").update_prepared_statement(**properties)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("athena").delete_prepared_statement(**picked(properties, "StatementName", "WorkGroup"))


# --- Managed Service for Apache Flink -------------------------------------------------------------------------------


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
    "AWS::Athena::NamedQuery": NamedQuery(),
    "AWS::Athena::PreparedStatement": PreparedStatement(),
    "AWS::Athena::WorkGroup": WorkGroup(),
    "AWS::Glue::Classifier": Classifier(),
    "AWS::Glue::Connection": Connection(),
    "AWS::Glue::Crawler": Crawler(),
    "AWS::Glue::Database": Database(),
    "AWS::Glue::Job": GlueJob(),
    "AWS::Glue::Table": Table(),
    "AWS::Glue::Trigger": Trigger(),
    "AWS::KinesisAnalyticsV2::Application": FlinkApplication(),
    "AWS::KinesisAnalyticsV2::ApplicationCloudWatchLoggingOption": FlinkLoggingOption(),
}
