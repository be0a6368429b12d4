"""Resource types of AWS Glue.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Glue.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag, without

Properties = dict[str, Any]


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


TYPES: dict[str, ResourceType] = {
    "AWS::Glue::Classifier": Classifier(),
    "AWS::Glue::Connection": Connection(),
    "AWS::Glue::Crawler": Crawler(),
    "AWS::Glue::Database": Database(),
    "AWS::Glue::Job": GlueJob(),
    "AWS::Glue::Table": Table(),
    "AWS::Glue::Trigger": Trigger(),
}
