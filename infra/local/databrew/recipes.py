"""Recipes and projects: the operations on them. What happens inside a project's session is in sessions.py.

Sources: https://docs.aws.amazon.com/databrew/latest/dg/API_PublishRecipe.html, API_BatchDeleteRecipeVersion.html, API_CreateProject.html
"""

from __future__ import annotations

import re
from typing import Any

from . import rules
from .access import check_role
from .backend import DataBrewBackend, Operation, found, must_be_new, must_exist, page
from .errors import BrewError, conflict, invalid, not_found
from .records import PUBLISHED, WORKING, Project, Recipe, RecipeVersion

NUMBER = re.compile(r"\d+\.\d+")
SAMPLE = {"Type": "FIRST_N", "Size": 500}  # of a project that says nothing else


def create_recipe(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    rules.check_name("recipe", name)
    must_be_new(backend.recipes, "recipe", name)
    rules.check_steps(given["Steps"])
    backend.recipes[name] = Recipe(name, backend.account_id, backend.region_name, given)
    return {"Name": name}


def update_recipe(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    recipe = found(backend.recipes, "recipe", given["Name"])
    steps = given.get("Steps", recipe.working.steps)
    rules.check_steps(steps)
    recipe.change_working(steps, given.get("Description", recipe.working.description))
    return {"Name": recipe.name}


def publish_recipe(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    found(backend.recipes, "recipe", given["Name"]).publish(given.get("Description"))
    return {"Name": given["Name"]}


def describe_recipe(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    recipe, version = version_of(backend, given["Name"], given.get("RecipeVersion", PUBLISHED))
    return _described(backend, recipe, version)


def version_of(backend: DataBrewBackend, name: str, number: str) -> tuple[Recipe, RecipeVersion]:
    """A recipe and one of its versions. Raises BrewError."""
    _check_number(name, number, WORKING, PUBLISHED)
    recipe = backend.recipes.get(name)
    version = recipe.version(number) if recipe else None
    if recipe is None or version is None:
        raise not_found(f"The recipe {name} for version {number} wasn't found.")
    return recipe, version


def _check_number(name: str, number: str, *aliases: str) -> None:
    if number not in aliases and not NUMBER.fullmatch(number):
        raise invalid(f"Recipe {name} version {number} isn't valid.")


def _described(backend: DataBrewBackend, recipe: Recipe, version: RecipeVersion) -> dict[str, Any]:
    project = backend.project_of(recipe.name)
    return recipe.described_version(version, project.name if project else None)


def list_recipes(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    number = given.get("RecipeVersion", PUBLISHED)
    if number not in (WORKING, PUBLISHED):
        raise invalid(f"Invalid version {number}. Valid versions are LATEST_PUBLISHED and LATEST_WORKING.")
    versions = [(recipe, recipe.version(number)) for recipe in backend.recipes.values()]
    return page([_described(backend, recipe, version) for recipe, version in versions if version], given, "Recipes")


def list_recipe_versions(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    recipe = backend.recipes.get(given["Name"])
    versions = [_described(backend, recipe, version) for version in recipe.published] if recipe else []
    return page(versions, given, "Recipes")


def delete_recipe_version(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name, number = given["Name"], given["RecipeVersion"]
    _check_number(name, number, WORKING)
    recipe, version = version_of(backend, name, number)
    _delete_version(backend, recipe, version, number)
    return {"Name": name, "RecipeVersion": number}


def _delete_version(backend: DataBrewBackend, recipe: Recipe, version: RecipeVersion, number: str) -> None:
    if version is recipe.working:
        if recipe.published:
            raise invalid(f"Recipe version {number} is not allowed to be deleted: the recipe has other versions.")
        project = backend.project_of(recipe.name)
        if project:
            raise conflict(f"The recipe {recipe.name} can't be deleted: it is used by the project {project.name}.")
        del backend.recipes[recipe.name]
        return
    for job in backend.jobs.values():
        reference = job.settings.get("RecipeReference") or {}
        if reference.get("Name") == recipe.name and recipe.version(reference["RecipeVersion"]) is version:
            raise conflict(
                f"The recipe {recipe.name} version {number} can't be deleted: it is used by the job {job.name}."
            )
    recipe.published.remove(version)


def batch_delete_recipe_version(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    """All or nothing for what is wrong with the request; version by version for what is wrong with a version. LATEST_WORKING comes last."""
    name, numbers = given["Name"], given["RecipeVersions"]
    recipe = found(backend.recipes, "recipe", name)
    for number in numbers:
        _check_number(name, number, WORKING)
    if len(numbers) != len(set(numbers)):
        raise invalid("RecipeVersions names a version twice.")
    errors = []
    for number in sorted(numbers, key=lambda number: recipe.version(number) is recipe.working):
        try:
            _, version = version_of(backend, name, number)
            _delete_version(backend, recipe, version, number)
        except BrewError as error:
            errors.append({"ErrorCode": error.code, "ErrorMessage": str(error), "RecipeVersion": number})
    return {"Name": name, "Errors": errors}


# --- projects


def create_project(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name, recipe = given["Name"], given["RecipeName"]
    rules.check_name("project", name)
    must_be_new(backend.projects, "project", name)
    must_exist(backend.datasets, "dataset", given["DatasetName"])
    must_exist(backend.recipes, "recipe", recipe)
    other = backend.project_of(recipe)
    if other:
        raise conflict(f"The recipe {recipe} is already attached to the project {other.name}.")
    using = [
        job.name for job in backend.jobs.values() if (job.settings.get("RecipeReference") or {}).get("Name") == recipe
    ]
    if using:
        raise conflict(f"The recipe {recipe} is used by the job {using[0]} and can't be attached to a project.")
    check_role(backend.account_id, given["RoleArn"], "ValidationException")
    settings = {
        "DatasetName": given["DatasetName"],
        "RecipeName": recipe,
        "RoleArn": given["RoleArn"],
        "Sample": SAMPLE | (given.get("Sample") or {}),
    }
    tags = given.get("Tags") or {}
    backend.projects[name] = Project("project", name, backend.account_id, backend.region_name, settings, tags)
    return {"Name": name}


def update_project(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    project = found(backend.projects, "project", given["Name"])
    check_role(backend.account_id, given["RoleArn"], "ValidationException")
    sample = SAMPLE | given["Sample"] if given.get("Sample") else project.settings["Sample"]
    project.change(project.settings | {"RoleArn": given["RoleArn"], "Sample": sample})
    return {"Name": project.name, "LastModifiedDate": project.modified}


def describe_project(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return found(backend.projects, "project", given["Name"]).described()


def list_projects(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return page([project.described() for project in backend.projects.values()], given, "Projects")


def delete_project(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    from . import sessions

    project = found(backend.projects, "project", given["Name"])
    using = [job.name for job in backend.jobs.values() if job.settings.get("ProjectName") == project.name]
    if using:
        raise conflict(f"The project {project.name} can't be deleted: it is used by the job {using[0]}.")
    sessions.forget(project)
    del backend.projects[project.name]
    return {"Name": project.name}


OPERATIONS: dict[str, Operation] = {
    "CreateRecipe": create_recipe,
    "UpdateRecipe": update_recipe,
    "PublishRecipe": publish_recipe,
    "DescribeRecipe": describe_recipe,
    "ListRecipes": list_recipes,
    "ListRecipeVersions": list_recipe_versions,
    "DeleteRecipeVersion": delete_recipe_version,
    "BatchDeleteRecipeVersion": batch_delete_recipe_version,
    "CreateProject": create_project,
    "UpdateProject": update_project,
    "DescribeProject": describe_project,
    "ListProjects": list_projects,
    "DeleteProject": delete_project,
}
