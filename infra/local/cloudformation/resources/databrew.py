"""Resource types of DataBrew.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_DataBrew.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.cloudformation.resources.types import Context, ResourceType, created_tags, picked, retag, without

Properties = dict[str, Any]


def _value_map(values: list[Properties]) -> dict[str, str]:
    """The API's map of what a template lists as ValueReference and Value."""
    return {value["ValueReference"]: value["Value"] for value in values}


def _filter(expression: Properties) -> Properties:
    return {"Expression": expression["Expression"], "ValuesMap": _value_map(expression["ValuesMap"])}


def _path_options(options: Properties) -> Properties:
    """The API's PathOptions: a template lists parameters and values, the API has maps."""
    found = picked(options, "FilesLimit")
    if "LastModifiedDateCondition" in options:
        found["LastModifiedDateCondition"] = _filter(options["LastModifiedDateCondition"])
    if "Parameters" in options:
        found["Parameters"] = {
            listed["PathParameterName"]: {
                **listed["DatasetParameter"],
                **(
                    {"Filter": _filter(listed["DatasetParameter"]["Filter"])}
                    if "Filter" in listed["DatasetParameter"]
                    else {}
                ),
            }
            for listed in options["Parameters"]
        }
    return found


class Dataset(ResourceType):
    def _parameters(self, properties: Properties) -> Properties:
        parameters = picked(properties, "Name", "Format", "FormatOptions", "Input")
        if "PathOptions" in properties:
            parameters["PathOptions"] = _path_options(properties["PathOptions"])
        return parameters

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("databrew").create_dataset(
            **self._parameters(properties), **created_tags("databrew", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("databrew").update_dataset(**self._parameters(properties))
        retag("databrew", context.arn("databrew", f"dataset/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("databrew").delete_dataset(Name=physical_id)


class Recipe(ResourceType):
    def _steps(self, properties: Properties) -> list[Properties]:
        steps = []
        for step in properties["Steps"]:
            action = dict(step["Action"])
            action["Parameters"] = {
                key[0].lower() + key[1:]: value if isinstance(value, str) else json.dumps(value)
                for key, value in action.get("Parameters", {}).items()
            }
            steps.append({**step, "Action": action})
        return steps

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("databrew").create_recipe(
            Name=name,
            Steps=self._steps(properties),
            **picked(properties, "Description"),
            **created_tags("databrew", properties, context),
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("databrew").update_recipe(
            Name=physical_id, Steps=self._steps(properties), Description=properties.get("Description", "")
        )
        retag("databrew", context.arn("databrew", f"recipe/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        brew = context.client("databrew")
        for recipe in brew.list_recipe_versions(Name=physical_id)["Recipes"]:
            brew.delete_recipe_version(Name=physical_id, RecipeVersion=recipe["RecipeVersion"])
        brew.delete_recipe_version(Name=physical_id, RecipeVersion="LATEST_WORKING")


class Project(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("databrew").create_project(
            **without(properties, "Tags"), **created_tags("databrew", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("databrew").update_project(Name=physical_id, **picked(properties, "RoleArn", "Sample"))
        retag("databrew", context.arn("databrew", f"project/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("databrew").delete_project(Name=physical_id)


class Job(ResourceType):
    def _parameters(self, properties: Properties, is_update: bool) -> Properties:
        parameters = without(properties, "Tags", "Type", "Recipe")
        if "Recipe" in properties:
            recipe = properties["Recipe"]
            parameters["RecipeReference"] = {
                "Name": recipe["Name"],
                **({"RecipeVersion": recipe["Version"]} if "Version" in recipe else {}),
            }
        if "OutputLocation" in parameters:
            parameters["OutputLocation"] = picked(parameters["OutputLocation"], "Bucket", "Key", "BucketOwner")
        if "ProfileConfiguration" in parameters:
            parameters["Configuration"] = parameters.pop("ProfileConfiguration")
        fixed = ("DatasetName", "ProjectName", "RecipeReference") if is_update else ()
        return without(parameters, *fixed)

    def _call(self, context: Context, verb: str, properties: Properties) -> Any:
        return getattr(context.client("databrew"), f"{verb}_{properties['Type'].lower()}_job")

    def create(self, context: Context, name: str, properties: Properties) -> None:
        self._call(context, "create", properties)(
            **self._parameters(properties, is_update=False), **created_tags("databrew", properties, context)
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        self._call(context, "update", properties)(**self._parameters(properties, is_update=True))
        retag("databrew", context.arn("databrew", f"job/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("databrew").delete_job(Name=physical_id)


class Ruleset(ResourceType):
    def _parameters(self, properties: Properties) -> Properties:
        rules = [
            {**rule, **({"SubstitutionMap": _value_map(rule["SubstitutionMap"])} if "SubstitutionMap" in rule else {})}
            for rule in properties["Rules"]
        ]
        return {**picked(properties, "Name", "Description"), "Rules": rules}

    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("databrew").create_ruleset(
            **self._parameters(properties),
            TargetArn=properties["TargetArn"],
            **created_tags("databrew", properties, context),
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("databrew").update_ruleset(**self._parameters(properties))
        retag("databrew", context.arn("databrew", f"ruleset/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("databrew").delete_ruleset(Name=physical_id)


class Schedule(ResourceType):
    def create(self, context: Context, name: str, properties: Properties) -> None:
        context.client("databrew").create_schedule(
            Name=name,
            **picked(properties, "CronExpression", "JobNames"),
            **created_tags("databrew", properties, context),
        )
        context.made(name)

    def update(self, context: Context, physical_id: str, properties: Properties, old: Properties) -> None:
        context.client("databrew").update_schedule(
            Name=physical_id, CronExpression=properties["CronExpression"], JobNames=properties.get("JobNames", [])
        )
        retag("databrew", context.arn("databrew", f"schedule/{physical_id}"), properties, old, context)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("databrew").delete_schedule(Name=physical_id)


TYPES: dict[str, ResourceType] = {
    "AWS::DataBrew::Dataset": Dataset(),
    "AWS::DataBrew::Job": Job(),
    "AWS::DataBrew::Project": Project(),
    "AWS::DataBrew::Recipe": Recipe(),
    "AWS::DataBrew::Ruleset": Ruleset(),
    "AWS::DataBrew::Schedule": Schedule(),
}
