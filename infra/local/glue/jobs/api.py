"""Glue jobs: requests and answers."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.glue.exceptions import EntityNotFoundException

from infra.local.glue.catalog.api import CatalogResponse
from infra.local.glue.jobs.backend import WrongTransition

PAGE = 200
MOST_JOBS = 1000  # in one answer


class JobsResponse(CatalogResponse):
    def create_job(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Name": self.glue_backend.create_job(given.pop("Name"), **given).name})

    def update_job(self) -> ActionResult:
        given = self.given()
        self.glue_backend.update_job(given["JobName"], given["JobUpdate"])
        return ActionResult({"JobName": given["JobName"]})

    def get_job(self) -> ActionResult:
        return ActionResult({"Job": self.glue_backend.get_job(self.parameters["JobName"]).as_dict()})

    def get_jobs(self) -> ActionResult:
        return self.answer_page("Jobs", list(self.glue_backend.jobs.values()), MOST_JOBS, default=PAGE)

    def list_jobs(self) -> ActionResult:
        names = self.filter_jobs_by_tags(self.glue_backend.jobs.values(), self.parameters.get("Tags"))
        return self.answer_page("JobNames", list(names), MOST_JOBS, default=PAGE, render=str)

    def delete_job(self) -> ActionResult:
        name = self.parameters["JobName"]
        self.glue_backend.delete_job(name)
        return ActionResult({"JobName": name})

    def start_job_run(self) -> ActionResult:
        given = self.given()
        return ActionResult({"JobRunId": self.glue_backend.start_job_run(given["JobName"], given)})

    def get_job_run(self) -> ActionResult:
        run = self.glue_backend.get_job_run(self.parameters["JobName"], self.parameters["RunId"])
        return ActionResult({"JobRun": run.as_dict()})

    def get_job_runs(self) -> ActionResult:
        runs = self.glue_backend.get_job(self.parameters["JobName"]).runs[::-1]  # newest first
        return self.answer_page("JobRuns", runs, PAGE)

    def batch_stop_job_run(self) -> ActionResult:
        given = self.given()
        name, stopping, errors = given["JobName"], [], []
        for run_id in given["JobRunIds"]:
            told = {"JobName": name, "JobRunId": run_id}
            try:
                self.glue_backend.stop_job_run(name, run_id)
                stopping.append(told)
            except (EntityNotFoundException, WrongTransition) as error:
                errors.append({**told, "ErrorDetail": {"ErrorCode": error.error_type, "ErrorMessage": error.message}})
        return ActionResult({"SuccessfulSubmissions": stopping, "Errors": errors})

    def get_job_bookmark(self) -> ActionResult:
        given = self.parameters
        return ActionResult({"JobBookmarkEntry": self.glue_backend.bookmark(given["JobName"], given.get("RunId", ""))})

    def reset_job_bookmark(self) -> ActionResult:
        given = self.parameters
        entry = self.glue_backend.reset_bookmark(given["JobName"], given.get("RunId", ""))
        return ActionResult({"JobBookmarkEntry": entry})
