"""Jobs, their runs and schedules: the operations. What a run does is in runs.py.

Sources: https://docs.aws.amazon.com/databrew/latest/dg/API_CreateRecipeJob.html, API_CreateProfileJob.html, API_StartJobRun.html
"""

from __future__ import annotations

from typing import Any

from . import rules, schedules
from .access import check_role
from .backend import DataBrewBackend, Operation, found, must_be_new, page
from .errors import conflict, invalid, not_found
from .recipes import version_of
from .records import NODES, PUBLISHED, TIMEOUT_MINUTES, UNFINISHED, WORKING, Job

DEFAULTS: dict[str, Any] = {
    "LogSubscription": "DISABLE",
    "MaxCapacity": NODES,
    "MaxRetries": 0,
    "Timeout": TIMEOUT_MINUTES,
}
SHARED = ("EncryptionKeyArn", "EncryptionMode", "LogSubscription", "MaxCapacity", "MaxRetries", "RoleArn", "Timeout")
OUTPUTS = ("Outputs", "DataCatalogOutputs", "DatabaseOutputs")
PROFILE = ("OutputLocation", "Configuration", "ValidationConfigurations", "JobSample")
PROFILE_SAMPLE: dict[str, Any] = {"Mode": "CUSTOM_ROWS", "Size": 20_000}


def create_recipe_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    _check_new(backend, given)
    settings = _checked_role(backend, _recipe_job_settings(given))
    if bool(given.get("ProjectName")) == bool(given.get("DatasetName") or given.get("RecipeReference")):
        raise invalid("A recipe job has either ProjectName, or DatasetName and RecipeReference.")
    if given.get("ProjectName"):
        project = found(backend.projects, "project", given["ProjectName"])
        settings |= {"ProjectName": project.name, "DatasetName": project.settings["DatasetName"]}
        reference = {"Name": project.settings["RecipeName"], "RecipeVersion": PUBLISHED}
    elif not given.get("DatasetName") or not given.get("RecipeReference"):
        raise invalid("DatasetName and RecipeReference are required together.")
    else:
        found(backend.datasets, "dataset", given["DatasetName"])
        settings["DatasetName"] = given["DatasetName"]
        reference = {"RecipeVersion": PUBLISHED} | given["RecipeReference"]
    settings["RecipeReference"] = _published(backend, reference)
    return _made(backend, given, "RECIPE", settings)


def _published(backend: DataBrewBackend, reference: dict[str, str]) -> dict[str, str]:
    """The reference with the version's number. Raises BrewError unless it is a published version."""
    name, number = reference["Name"], reference["RecipeVersion"]
    recipe = found(backend.recipes, "recipe", name)
    if number == WORKING or number == recipe.working.number:
        raise invalid(f"The recipe {name} version {number} isn't published. A recipe job needs a published version.")
    if number == PUBLISHED and not recipe.published:
        raise invalid(f"The recipe {name} has no published version. Publish it before you create a job.")
    _, version = version_of(backend, name, number)
    return {"Name": name, "RecipeVersion": version.number}


def create_profile_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    _check_new(backend, given)
    found(backend.datasets, "dataset", given["DatasetName"])
    settings = _checked_role(backend, _profile_job_settings(backend, given, given["DatasetName"]))
    settings["DatasetName"] = given["DatasetName"]
    return _made(backend, given, "PROFILE", settings)


def _check_new(backend: DataBrewBackend, given: dict[str, Any]) -> None:
    rules.check_name("job", given["Name"])
    must_be_new(backend.jobs, "job", given["Name"])


def _made(backend: DataBrewBackend, given: dict[str, Any], kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    backend.jobs[name] = Job(name, backend.account_id, backend.region_name, kind, settings, given.get("Tags"))
    return {"Name": name}


def _recipe_job_settings(given: dict[str, Any]) -> dict[str, Any]:
    rules.check_job(given)
    rules.check_outputs(given)
    return DEFAULTS | {name: given[name] for name in (*SHARED, *OUTPUTS) if name in given}


def _profile_job_settings(backend: DataBrewBackend, given: dict[str, Any], dataset_name: str) -> dict[str, Any]:
    rules.check_job(given)
    rules.check_sample(given.get("JobSample"))
    rules.check_profile(given.get("Configuration") or {})
    target = backend.datasets[dataset_name].arn
    for validation in given.get("ValidationConfigurations") or []:
        ruleset = next((one for one in backend.rulesets.values() if one.arn == validation["RulesetArn"]), None)
        if ruleset is None:
            raise not_found(f"The ruleset {validation['RulesetArn']} wasn't found.")
        if ruleset.settings["TargetArn"] != target:
            raise invalid(
                f"The ruleset {ruleset.name} is for another dataset: its target is {ruleset.settings['TargetArn']}."
            )
    settings: dict[str, Any] = DEFAULTS | {name: given[name] for name in (*SHARED, *PROFILE) if name in given}
    sample = settings.get("JobSample") or PROFILE_SAMPLE
    settings["JobSample"] = sample if sample.get("Mode") == "FULL_DATASET" else PROFILE_SAMPLE | sample
    return settings


def update_recipe_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    job = _of_type(backend, given["Name"], "RECIPE")
    kept = {
        name: job.settings[name] for name in ("ProjectName", "DatasetName", "RecipeReference") if name in job.settings
    }
    job.change(_checked_role(backend, _recipe_job_settings(given)) | kept)
    return {"Name": job.name}


def update_profile_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    job = _of_type(backend, given["Name"], "PROFILE")
    dataset = job.settings["DatasetName"]
    job.change(_checked_role(backend, _profile_job_settings(backend, given, dataset)) | {"DatasetName": dataset})
    return {"Name": job.name}


def _checked_role(backend: DataBrewBackend, settings: dict[str, Any]) -> dict[str, Any]:
    check_role(backend.account_id, settings["RoleArn"])
    return settings


def _of_type(backend: DataBrewBackend, name: str, kind: str) -> Job:
    job = found(backend.jobs, "job", name)
    if job.type != kind:
        raise invalid(f"The job {name} is a {job.type.lower()} job.")
    return job


def describe_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return found(backend.jobs, "job", given["Name"]).described()


def list_jobs(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: given[name] for name in ("DatasetName", "ProjectName") if name in given}
    listed = [
        job.described()
        for job in backend.jobs.values()
        if all(job.settings.get(name) == value for name, value in wanted.items())
    ]
    return page(listed, given, "Jobs")


def delete_job(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    job = found(backend.jobs, "job", given["Name"])
    if any(run.state in UNFINISHED for run in job.runs):
        raise conflict(f"The job {job.name} can't be deleted: it is running.")
    for schedule in backend.schedules.values():
        if job.name in schedule.settings.get("JobNames", []):
            raise conflict(f"The job {job.name} can't be deleted: it is in the schedule {schedule.name}.")
    del backend.jobs[job.name]
    return {"Name": job.name}


# --- runs


def start_job_run(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    from . import runs

    job = found(backend.jobs, "job", given["Name"])
    check_role(backend.account_id, job.settings["RoleArn"])
    return {"RunId": runs.start(backend, job).id}


def stop_job_run(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    from . import runs

    _, run = backend.run(given["Name"], given["RunId"])
    if run.state not in UNFINISHED:
        raise invalid(f"The job run {run.id} is not running: its state is {run.state}.")
    runs.stop_run(run)
    return {"RunId": run.id}


def describe_job_run(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    _, run = backend.run(given["Name"], given["RunId"])
    return run.described(backend.account_id)


def list_job_runs(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    job = found(backend.jobs, "job", given["Name"])
    return page([run.described(backend.account_id) for run in reversed(job.runs)], given, "JobRuns")


# --- schedules


def create_schedule(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    name = given["Name"]
    rules.check_name("schedule", name)
    must_be_new(backend.schedules, "schedule", name)
    schedule = backend.new("schedule", name, _schedule_settings(backend, given), given.get("Tags"))
    backend.schedules[name] = schedule
    schedules.plan(schedule)
    return {"Name": name}


def update_schedule(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    schedule = found(backend.schedules, "schedule", given["Name"])
    schedule.change(_schedule_settings(backend, {"JobNames": schedule.settings["JobNames"], **given}))
    schedules.plan(schedule)
    return {"Name": schedule.name}


def _schedule_settings(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    try:
        schedules.cron(given["CronExpression"])
    except ValueError as error:
        raise invalid(str(error)) from None
    names = given.get("JobNames") or []
    for name in names:
        if name not in backend.jobs:
            raise invalid(f"The job {name} wasn't found.")
    return {"CronExpression": given["CronExpression"], "JobNames": names}


def describe_schedule(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    return found(backend.schedules, "schedule", given["Name"]).described()


def list_schedules(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    job = given.get("JobName")
    listed = [one.described() for one in backend.schedules.values() if job is None or job in one.settings["JobNames"]]
    return page(listed, given, "Schedules")


def delete_schedule(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    schedule = found(backend.schedules, "schedule", given["Name"])
    del backend.schedules[schedule.name]
    schedules.forget(schedule)
    return {"Name": schedule.name}


OPERATIONS: dict[str, Operation] = {
    "CreateRecipeJob": create_recipe_job,
    "CreateProfileJob": create_profile_job,
    "UpdateRecipeJob": update_recipe_job,
    "UpdateProfileJob": update_profile_job,
    "DescribeJob": describe_job,
    "ListJobs": list_jobs,
    "DeleteJob": delete_job,
    "StartJobRun": start_job_run,
    "StopJobRun": stop_job_run,
    "DescribeJobRun": describe_job_run,
    "ListJobRuns": list_job_runs,
    "CreateSchedule": create_schedule,
    "UpdateSchedule": update_schedule,
    "DescribeSchedule": describe_schedule,
    "ListSchedules": list_schedules,
    "DeleteSchedule": delete_schedule,
}
