"""A job run in its script: `job.init(args["JOB_NAME"], args)` … `job.commit()`."""

from awsglue.bookmark import Bookmark
from awsglue.utils import BOOKMARK_OPTIONS


class Job:
    """The job run; there is one in a process, so that sources find its bookmark."""

    _initialized = False
    _name = ""
    _run_id = ""
    _bookmark: Bookmark | None = None

    def __init__(self, glue_context):
        self._glue_context = glue_context

    def init(self, job_name: str, args: dict | None = None) -> None:
        """Begin the run and read its bookmark, if the run has the option `job-bookmark-enable` or `-pause`.

        Args:
            args: what getResolvedOptions returned.

        Raises:
            ValueError: no such bookmark option.
        """
        args = args or {}
        option = args.get("job_bookmark_option", "job-bookmark-disable")
        if option not in BOOKMARK_OPTIONS:
            raise ValueError(f"Invalid job bookmark option: {option}")
        is_range = bool(args.get("job_bookmark_from") or args.get("job_bookmark_to"))
        Job._initialized, Job._name, Job._run_id = True, job_name, args.get("JOB_RUN_ID", "")
        Job._bookmark = None
        if option != "job-bookmark-disable":
            Job._bookmark = Bookmark(job_name, Job._run_id, option == "job-bookmark-enable", is_range)

    def isInitialized(self) -> bool:
        return Job._initialized

    def commit(self) -> None:
        """Save the bookmark: what this run read counts as processed for the next.

        Raises:
            RuntimeError: `init` was not called.
        """
        if not Job._initialized:
            raise RuntimeError("Job is not initialized: call job.init(job_name, args) first")
        if Job._bookmark is not None:
            Job._bookmark.commit()

    @classmethod
    def bookmark(cls) -> Bookmark | None:
        """The run's bookmark, None if it has none."""
        return cls._bookmark

    @classmethod
    def name_and_run(cls) -> tuple[str, str]:
        """Name of the job and id of the run, empty outside of a run."""
        return cls._name, cls._run_id
