"""Datasets, rulesets for them, and tags: the operations.

Source: https://docs.aws.amazon.com/databrew/latest/dg/API_Operations.html
"""

from __future__ import annotations

from typing import Any

from . import rules
from .backend import DataBrewBackend, Operation, found, must_be_new, page
from .errors import conflict, invalid

MOST_TAGS = 50


def create_dataset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    rules.check_name("dataset", name)
    must_be_new(backend.datasets, "dataset", name)
    backend.datasets[name] = backend.new("dataset", name, rules.dataset_settings(given), given.get("Tags"))
    return {"Name": name}


def update_dataset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    found(backend.datasets, "dataset", given["Name"]).change(rules.dataset_settings(given))
    return {"Name": given["Name"]}


def describe_dataset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return found(backend.datasets, "dataset", given["Name"]).described()


def list_datasets(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return page([dataset.described() for dataset in backend.datasets.values()], given, "Datasets")


def delete_dataset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    dataset = found(backend.datasets, "dataset", name)
    for kind, users in (("project", backend.projects.values()), ("job", backend.jobs.values())):
        using = [user.name for user in users if user.settings.get("DatasetName") == name]
        if using:
            raise conflict(f"The dataset {name} can't be deleted: it is used by the {kind} {using[0]}.")
    targeted = [ruleset.name for ruleset in backend.rulesets.values() if ruleset.settings["TargetArn"] == dataset.arn]
    if targeted:
        raise conflict(f"The dataset {name} can't be deleted: it is the target of the ruleset {targeted[0]}.")
    del backend.datasets[name]
    return {"Name": name}


# --- rulesets


def create_ruleset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    rules.check_name("ruleset", name)
    must_be_new(backend.rulesets, "ruleset", name)
    if not any(dataset.arn == given["TargetArn"] for dataset in backend.datasets.values()):
        raise invalid(f"TargetArn must be the ARN of a dataset; {given['TargetArn']} wasn't found.")
    rules.check_rules(given["Rules"])
    settings: dict[str, Any] = {
        member: given[member] for member in ("Description", "TargetArn", "Rules") if member in given
    }
    backend.rulesets[name] = backend.new("ruleset", name, settings, given.get("Tags"))
    return {"Name": name}


def update_ruleset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    ruleset = found(backend.rulesets, "ruleset", given["Name"])
    rules.check_rules(given["Rules"])
    changed: dict[str, Any] = {member: given[member] for member in ("Description", "Rules") if member in given}
    ruleset.change({"TargetArn": ruleset.settings["TargetArn"], **changed})
    return {"Name": given["Name"]}


def describe_ruleset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return found(backend.rulesets, "ruleset", given["Name"]).described()


def list_rulesets(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    target = given.get("TargetArn")
    listed = [
        ruleset.described() | {"RuleCount": len(ruleset.settings["Rules"])}
        for ruleset in backend.rulesets.values()
        if target in (None, ruleset.settings["TargetArn"])
    ]
    return page(listed, given, "Rulesets")


def delete_ruleset(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    ruleset = found(backend.rulesets, "ruleset", given["Name"])
    for job in backend.jobs.values():
        used = job.settings.get("ValidationConfigurations") or []
        if any(configuration["RulesetArn"] == ruleset.arn for configuration in used):
            raise conflict(f"The ruleset {ruleset.name} can't be deleted: it is used by the job {job.name}.")
    del backend.rulesets[ruleset.name]
    return {"Name": ruleset.name}


# --- tags


def tag_resource(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    resource = backend.by_arn(given["ResourceArn"])
    tags = resource.tags | given["Tags"]
    if len(tags) > MOST_TAGS:
        raise invalid(f"A resource has at most {MOST_TAGS} tags.")
    resource.tags = tags
    return {}


def untag_resource(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    resource = backend.by_arn(given["ResourceArn"])
    resource.tags = {name: value for name, value in resource.tags.items() if name not in given["TagKeys"]}
    return {}


def list_tags_for_resource(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": backend.by_arn(given["ResourceArn"]).tags}


OPERATIONS: dict[str, Operation] = {
    "CreateDataset": create_dataset,
    "UpdateDataset": update_dataset,
    "DescribeDataset": describe_dataset,
    "ListDatasets": list_datasets,
    "DeleteDataset": delete_dataset,
    "CreateRuleset": create_ruleset,
    "UpdateRuleset": update_ruleset,
    "DescribeRuleset": describe_ruleset,
    "ListRulesets": list_rulesets,
    "DeleteRuleset": delete_ruleset,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
