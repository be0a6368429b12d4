"""Resource types of AWS Glue.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Glue.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.declared import Declared
from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag, without

Properties = dict[str, Any]


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


class Partition(ResourceType):
    """A partition of a table, known by the table and its values."""

    def own_name(self, context: Context, properties: Properties) -> str:
        place = [properties[name] for name in ("CatalogId", "DatabaseName", "TableName")]
        return "|".join([*place, *properties["PartitionInput"]["Values"]])

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("glue").create_partition(**properties)
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        values = properties["PartitionInput"]["Values"]
        context.client("glue").update_partition(**properties, PartitionValueList=values)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("glue").delete_partition(
            **without(properties, "PartitionInput"), PartitionValues=properties["PartitionInput"]["Values"]
        )


CLASSIFIER_KINDS = ("CsvClassifier", "GrokClassifier", "JsonClassifier", "XMLClassifier")


def _database(name: str, properties: Properties, is_update: bool) -> Properties:
    which = {"Name": name} if is_update else {}
    database = {**properties["DatabaseInput"], "Name": name}
    return {"CatalogId": properties["CatalogId"], **which, "DatabaseInput": database}


def _table(name: str, properties: Properties, is_update: bool) -> Properties:
    table = {**properties.get("TableInput", {}), "Name": name}
    return {**picked(properties, "CatalogId", "DatabaseName"), "TableInput": table}


def _classifier(name: str, properties: Properties, is_update: bool) -> Properties:
    return {kind: {**properties[kind], "Name": name} for kind in CLASSIFIER_KINDS if kind in properties}


def _job(name: str, properties: Properties, is_update: bool) -> Properties:
    settings = without(properties, "Name", "Tags")
    return {"JobName": name, "JobUpdate": settings} if is_update else {"Name": name, **settings}


def _trigger(name: str, properties: Properties, is_update: bool) -> Properties:
    if not is_update:
        return {**without(properties, "Tags"), "Name": name}
    changes = picked(properties, "Description", "Schedule", "Actions", "Predicate", "EventBatchingCondition")
    return {"Name": name, "TriggerUpdate": {"Name": name, **changes}}


def _connection(name: str, properties: Properties, is_update: bool) -> Properties:
    which = {"Name": name} if is_update else {}
    connection = {**properties["ConnectionInput"], "Name": name}
    return {"CatalogId": properties["CatalogId"], **which, "ConnectionInput": connection}


DATABASE = Declared(
    "glue",
    "database",
    _database,
    named=lambda given: given.get("DatabaseName") or given["DatabaseInput"].get("Name"),
    place=("CatalogId",),
    lower_case=True,
)


class Table(Declared):
    supported = frozenset({"CatalogId", "DatabaseName", "Name", "TableInput"})


TABLE = Table(
    "glue",
    "table",
    _table,
    named=lambda given: given.get("TableInput", {}).get("Name") or given.get("Name"),
    place=("CatalogId", "DatabaseName"),
    lower_case=True,
)
CLASSIFIER = Declared(
    "glue",
    "classifier",
    _classifier,
    named=lambda given: next((given[kind].get("Name") for kind in CLASSIFIER_KINDS if kind in given), None),
    gives=("Name",),
)
CONNECTION = Declared(
    "glue",
    "connection",
    _connection,
    named=lambda given: given["ConnectionInput"].get("Name"),
    deleted="ConnectionName",
    place=("CatalogId",),
    tagged="connection/{}",
    gives=("Name",),
)

TYPES: dict[str, ResourceType] = {
    "AWS::Glue::Classifier": CLASSIFIER,
    "AWS::Glue::Connection": CONNECTION,
    "AWS::Glue::Crawler": Crawler(),
    "AWS::Glue::Database": DATABASE,
    "AWS::Glue::Job": Declared("glue", "job", _job, deleted="JobName", tagged="job/{}"),
    "AWS::Glue::Partition": Partition(),
    "AWS::Glue::Table": TABLE,
    "AWS::Glue::Trigger": Declared("glue", "trigger", _trigger, tagged="trigger/{}"),
    "AWS::Glue::Workflow": Declared("glue", "workflow", tagged="workflow/{}"),
}
