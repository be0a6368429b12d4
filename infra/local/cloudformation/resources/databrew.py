"""Resource types of DataBrew.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_DataBrew.html
"""

from __future__ import annotations

import json
from typing import Any

from infra.local.cloudformation.resources.declared import Declared
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


def _dataset(name: str, properties: Properties, is_update: bool) -> Properties:
    parameters = {**picked(properties, "Format", "FormatOptions", "Input"), "Name": name}
    if "PathOptions" in properties:
        parameters["PathOptions"] = _path_options(properties["PathOptions"])
    return parameters


def _project(name: str, properties: Properties, is_update: bool) -> Properties:
    taken = picked(properties, "RoleArn", "Sample") if is_update else without(properties, "Tags")
    return {**taken, "Name": name}


def _ruleset(name: str, properties: Properties, is_update: bool) -> Properties:
    rules = [
        {**rule, **({"SubstitutionMap": _value_map(rule["SubstitutionMap"])} if "SubstitutionMap" in rule else {})}
        for rule in properties["Rules"]
    ]
    fixed = {} if is_update else picked(properties, "TargetArn")
    return {"Name": name, **picked(properties, "Description"), **fixed, "Rules": rules}


def _schedule(name: str, properties: Properties, is_update: bool) -> Properties:
    jobs = {"JobNames": properties.get("JobNames", [])} if is_update else picked(properties, "JobNames")
    return {"Name": name, "CronExpression": properties["CronExpression"], **jobs}


TYPES: dict[str, ResourceType] = {
    "AWS::DataBrew::Dataset": Declared("databrew", "dataset", _dataset, tagged="dataset/{}"),
    "AWS::DataBrew::Job": Job(),
    "AWS::DataBrew::Project": Declared("databrew", "project", _project, tagged="project/{}"),
    "AWS::DataBrew::Recipe": Recipe(),
    "AWS::DataBrew::Ruleset": Declared("databrew", "ruleset", _ruleset, tagged="ruleset/{}"),
    "AWS::DataBrew::Schedule": Declared("databrew", "schedule", _schedule, tagged="schedule/{}"),
}
