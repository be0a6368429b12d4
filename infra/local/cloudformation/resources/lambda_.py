"""Resource types of AWS Lambda.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Lambda.html
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

from infra.local.cloudformation.resources.types import (
    Context,
    ResourceFailure,
    ResourceType,
    created_tags,
    picked,
    retag,
    without,
)

Properties = dict[str, Any]
RESPONSE_MODULE = Path(__file__).with_name("cfnresponse.py")


class Function(ResourceType):
    configuration = (
        "DeadLetterConfig",
        "Description",
        "Environment",
        "EphemeralStorage",
        "Handler",
        "Layers",
        "LoggingConfig",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "TracingConfig",
        "VpcConfig",
    )
    supported = frozenset(
        {*configuration, "Architectures", "Code", "FunctionName", "PackageType", "ReservedConcurrentExecutions", "Tags"}
    )

    def _code(self, properties: Properties) -> Properties:
        code = properties["Code"]
        if "ZipFile" not in code:
            return picked(code, "S3Bucket", "S3Key", "S3ObjectVersion")
        file_name = "index.js" if properties.get("Runtime", "").startswith("nodejs") else "index.py"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(zipfile.ZipInfo(file_name), code["ZipFile"])
            if file_name.endswith(".py") and "cfnresponse" in code["ZipFile"]:
                packed.writestr(zipfile.ZipInfo("cfnresponse.py"), RESPONSE_MODULE.read_bytes())
        return {"ZipFile": archive.getvalue()}

    def create(self, context: Context, name: str, properties: Properties) -> None:
        functions = context.client("lambda")
        functions.create_function(
            FunctionName=name,
            Code=self._code(properties),
            **picked(properties, "Architectures", "PackageType", *self.configuration),
            **created_tags("lambda", properties, context),
        )
        context.made(name)
        self._wait(context, name)
        self._concurrency(context, name, properties, {})

    def _wait(self, context: Context, name: str) -> None:
        functions = context.client("lambda")

        def is_ready() -> bool:
            found = functions.get_function_configuration(FunctionName=name)
            if "Failed" in (found.get("State"), found.get("LastUpdateStatus")):
                raise ResourceFailure(found.get("StateReason") or found.get("LastUpdateStatusReason") or "Failed")
            return (
                found.get("State", "Active") == "Active" and found.get("LastUpdateStatus", "Successful") == "Successful"
            )

        context.wait(is_ready)

    def _concurrency(self, context: Context, name: str, properties: Properties, old: Properties) -> None:
        functions, key = context.client("lambda"), "ReservedConcurrentExecutions"
        if key in properties and properties[key] != old.get(key):
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=properties[key])
        elif key in old and key not in properties:
            functions.delete_function_concurrency(FunctionName=name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        functions = context.client("lambda")
        if properties["Code"] != old["Code"]:
            functions.update_function_code(FunctionName=physical_id, **self._code(properties))
            self._wait(context, physical_id)
        empty: Properties = {"Description": "", "Environment": {"Variables": {}}, "Layers": []}
        cleared = {key: value for key, value in empty.items() if key in old and key not in properties}
        functions.update_function_configuration(
            FunctionName=physical_id, **picked(properties, *self.configuration), **cleared
        )
        self._wait(context, physical_id)
        self._concurrency(context, physical_id, properties, old)
        retag("lambda", context.arn("lambda", f"function:{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_function(FunctionName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Arn": context.arn("lambda", f"function:{physical_id}")}


class Permission(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("lambda").add_permission(StatementId=name, **properties)
        context.made(name)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").remove_permission(FunctionName=properties["FunctionName"], StatementId=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"Id": physical_id}


class EventSourceMapping(ResourceType):
    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        answer = context.client("lambda").create_event_source_mapping(
            **without(properties, "Tags"), **created_tags("lambda", properties, context)
        )
        context.made(answer["UUID"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        fixed = ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "Tags")
        context.client("lambda").update_event_source_mapping(UUID=physical_id, **without(properties, *fixed))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_event_source_mapping(UUID=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        arn = context.arn("lambda", f"event-source-mapping:{physical_id}")
        return {"Id": physical_id, "EventSourceMappingArn": arn}


class LayerVersion(ResourceType):
    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        answer = context.client("lambda").publish_layer_version(**{"LayerName": name, **properties})
        context.made(answer["LayerVersionArn"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        layer, _, version = physical_id.rpartition(":")
        context.client("lambda").delete_layer_version(LayerName=layer, VersionNumber=int(version))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"LayerVersionArn": physical_id}


class Version(ResourceType):
    supported = frozenset({"CodeSha256", "Description", "FunctionName"})

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        answer = context.client("lambda").publish_version(**properties)
        context.made(answer["FunctionArn"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_function(FunctionName=physical_id)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"FunctionArn": physical_id, "Version": physical_id.rpartition(":")[2]}


def _routing(properties: Properties) -> Properties:
    """The API's RoutingConfig: a template lists versions and weights, the API has a map."""
    listed = (properties.get("RoutingConfig") or {}).get("AdditionalVersionWeights", [])
    weights = {each["FunctionVersion"]: each["FunctionWeight"] for each in listed}
    return {"RoutingConfig": {"AdditionalVersionWeights": weights}}


class Alias(ResourceType):
    supported = frozenset({"Description", "FunctionName", "FunctionVersion", "Name", "RoutingConfig"})

    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        function = properties["FunctionName"].rpartition("function:")[2]
        return context.arn("lambda", f"function:{function}:{properties['Name']}")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        answer = context.client("lambda").create_alias(**{**properties, **_routing(properties)})
        context.made(answer["AliasArn"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("lambda").update_alias(**{"Description": "", **properties, **_routing(properties)})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_alias(**picked(properties, "FunctionName", "Name"))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        return {"AliasArn": physical_id}


def _target(properties: Properties) -> Properties:
    """The API's name and qualifier of what a URL is attached to."""
    target = {"FunctionName": properties["TargetFunctionArn"]}
    return target | ({"Qualifier": properties["Qualifier"]} if "Qualifier" in properties else {})


class Url(ResourceType):
    settings = ("AuthType", "Cors", "InvokeMode")

    def physical_id(self, context: Context, name: str, properties: Properties) -> None:
        return None

    def create(self, context: Context, name: str, properties: Properties) -> None:
        answer = context.client("lambda").create_function_url_config(
            **_target(properties), **picked(properties, *self.settings)
        )
        context.made(answer["FunctionArn"])

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        cleared: Properties = {"Cors": {}} if "Cors" in old and "Cors" not in properties else {}
        context.client("lambda").update_function_url_config(
            **_target(properties), **picked(properties, *self.settings), **cleared
        )

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_function_url_config(**_target(properties))

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Properties:
        found = context.client("lambda").get_function_url_config(**_target(properties))
        return {"FunctionArn": physical_id, "FunctionUrl": found["FunctionUrl"]}


class EventInvokeConfig(ResourceType):
    def physical_id(self, context: Context, name: str, properties: Properties) -> str:
        return f"{properties['FunctionName'].rpartition('function:')[2]}|{properties['Qualifier']}"

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("lambda").put_function_event_invoke_config(**properties)
        context.made(self.physical_id(context, name, properties))

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("lambda").put_function_event_invoke_config(**properties)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("lambda").delete_function_event_invoke_config(**picked(properties, "FunctionName", "Qualifier"))


TYPES: dict[str, ResourceType] = {
    "AWS::Lambda::Alias": Alias(),
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig(),
    "AWS::Lambda::EventSourceMapping": EventSourceMapping(),
    "AWS::Lambda::Function": Function(),
    "AWS::Lambda::LayerVersion": LayerVersion(),
    "AWS::Lambda::Permission": Permission(),
    "AWS::Lambda::Url": Url(),
    "AWS::Lambda::Version": Version(),
}
