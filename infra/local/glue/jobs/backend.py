"""Glue jobs: the operations on jobs, their runs and their bookmarks.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
"""

from __future__ import annotations

import secrets
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.exceptions import AlreadyExistsException, ConcurrentRunsExceededException, EntityNotFoundException
from moto.glue.models import GlueBackend

from infra.local import s3
from infra.local.core import state
from infra.local.glue.drivers import InvalidInput
from infra.local.glue.jobs import bookmarks
from infra.local.glue.jobs.checks import check_arguments, check_job, check_settings, refuse
from infra.local.glue.jobs.record import UNFINISHED, Job, JobRun
from infra.local.glue.jobs.running import begin, under_way
from infra.local.glue.studio import script as glue_studio

BY_DPUS = {"MaxCapacity", "AllocatedCapacity"}
BY_WORKERS = {"WorkerType", "NumberOfWorkers"}


class WrongTransition(JsonRESTError):
    def __init__(self, message: str):
        super().__init__("JobRunInvalidStateTransitionException", message)


class Jobs(GlueBackend):
    """The operations on jobs, their runs and their bookmarks."""

    def create_job(self, name: str, **given: Any) -> Job:  # type: ignore[override]
        if name in self.jobs:
            raise AlreadyExistsException("Job")
        check_job(self, given)
        self._store_script(given)
        tags = given.pop("Tags", None)
        job = Job(name, given, self.account_id, self.region_name)
        self.tag_resource(job.arn, tags)
        self.jobs[name] = job  # type: ignore[assignment]
        return job

    def update_job(self, name: str, given: dict[str, Any]) -> None:
        """Replace all settings of a job, as AWS does: what is not given has its default again."""
        job = self.get_job(name)
        check_job(self, given)
        self._store_script(given)
        job.settings, job.last_modified_on = given, utcnow()

    def _store_script(self, given: dict[str, Any]) -> None:
        """Write a visual job's script where the job looks for it. Raises InvalidInputException for a wrong graph."""
        nodes = given.get("CodeGenConfigurationNodes")
        if not nodes:
            return
        try:
            text = glue_studio.script(nodes, self._catalog_table)
        except glue_studio.WrongGraph as wrong:
            raise InvalidInput(str(wrong)) from None
        bucket, _, key = given["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
        try:
            s3.put(self.account_id, bucket, key, text.encode(), content_type="text/x-python")
        except s3.MissingBucket:
            raise InvalidInput(f"The bucket {bucket} of Command.ScriptLocation does not exist.") from None

    def _catalog_table(self, database: str, table: str) -> dict[str, Any]:
        try:
            return self.get_table(database, table).as_dict()
        except EntityNotFoundException:
            raise glue_studio.WrongGraph(f"The Data Catalog has no table {database}.{table}.") from None

    def get_job(self, name: str) -> Job:  # type: ignore[override]
        if name not in self.jobs:
            raise EntityNotFoundException(f"Job with name: {name} not found.")
        return self.jobs[name]  # type: ignore[return-value]

    def delete_job(self, name: str) -> None:
        job = self.jobs.pop(name, None)
        if job is None:
            return
        self.tagger.delete_all_tags_for_resource(job.arn)
        state.afterwards(lambda: self._forget(job))

    def _forget(self, job: Any) -> None:
        """End what runs of a job that is gone, and remove its bookmark."""
        for run in job.runs:
            if run.run_id in under_way:
                under_way[run.run_id].stopped.set()
        bookmarks.forget(self.account_id, self.region_name, job.name)

    def start_job_run(self, name: str, given: dict[str, Any]) -> str:  # type: ignore[override]
        job = self.get_job(name)
        running = sum(run.status in UNFINISHED for run in job.runs)
        if running >= job.settings["ExecutionProperty"]["MaxConcurrentRuns"]:
            raise ConcurrentRunsExceededException(f"Concurrent runs exceeded for {name}")
        refuse(given)
        replaced = set()
        if BY_DPUS & given.keys():
            replaced = BY_DPUS | BY_WORKERS
        elif BY_WORKERS & given.keys():
            replaced = BY_DPUS
        settings = {name: value for name, value in job.settings.items() if name not in replaced}
        changing = (*BY_DPUS, *BY_WORKERS, "Timeout", "ExecutionClass", "NotificationProperty")
        settings |= {name: given[name] for name in changing if name in given}
        check_settings(settings)
        arguments = {**settings["DefaultArguments"], **given.get("Arguments", {})}
        arguments |= settings.get("NonOverridableArguments", {})
        check_arguments(arguments)
        run = JobRun(self.account_id, self.region_name, name, f"jr_{secrets.token_hex(32)}", settings, arguments)
        begin(job, run)
        return run.run_id

    def get_job_run(self, name: str, run_id: str) -> JobRun:  # type: ignore[override]
        return self.get_job(name).run(run_id)

    def stop_job_run(self, name: str, run_id: str) -> None:
        """Begin to stop a run. Raises EntityNotFoundException, JobRunInvalidStateTransitionException when it has ended."""
        run = self.get_job_run(name, run_id)
        if run.status not in UNFINISHED:
            raise WrongTransition(f"Job run {run_id} is in the state {run.status} and cannot be stopped.")
        run.status = "STOPPING"
        state.afterwards(under_way[run_id].stopped.set)

    def bookmark(self, name: str, run_id: str = "") -> dict[str, Any]:
        """Return the JobBookmarkEntry, or what it was after a run. Raises EntityNotFoundException when no run has committed one."""
        job = self.get_job(name)
        current = bookmarks.file(self.account_id, self.region_name, name)
        file = bookmarks.committed(job, run_id) if run_id else current
        entry = state.read_json(file, "the next run reads all again") if file is not None else None
        if entry is None:
            raise EntityNotFoundException(f"Continuation for job {name} not found.")
        return entry

    def reset_bookmark(self, name: str, run_id: str = "") -> dict[str, Any]:
        """Let the next run read all again, or what was new after a run; return the entry that is there now."""
        if run_id:
            return bookmarks.rewind(self.get_job(name), self.account_id, self.region_name, run_id)
        entry = self.bookmark(name)
        bookmarks.file(self.account_id, self.region_name, name).unlink()
        return entry | {"JobBookmark": "{}"}
