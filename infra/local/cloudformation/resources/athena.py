"""Resource types of Athena.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Athena.html
"""

from __future__ import annotations

from typing import Any

from infra.local.cloudformation.resources.declared import Declared
from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag, without

Properties = dict[str, Any]


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


TYPES: dict[str, ResourceType] = {
    "AWS::Athena::DataCatalog": Declared("athena", "data_catalog", tagged="datacatalog/{}"),
    "AWS::Athena::NamedQuery": NamedQuery(),
    "AWS::Athena::PreparedStatement": Declared(
        "athena",
        "prepared_statement",
        lambda name, given, _: given,
        named=lambda given: given["StatementName"],
        deleted="StatementName",
        place=("WorkGroup",),
    ),
    "AWS::Athena::WorkGroup": WorkGroup(),
}
