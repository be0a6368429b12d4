"""Job bookmarks for S3 sources (guide: "Tracking processed data using job bookmarks").

State is kept for each transformation_ctx: the newest modification time seen, and the files of the last 15 minutes
before it with their own times (S3's `maxBand`), so that files of the same moment are told apart. A file changed since
then is new again. `Job.commit` writes the state of all sources at once.

The state lives in the JSON file that the environment variable GLUE_JOB_BOOKMARK_FILE names, in the form of the API's
JobBookmarkEntry: `{"JobName", "Version", "Run", "Attempt", "PreviousRunId", "RunId", "JobBookmark": "<JSON text>"}`.
Whoever starts the job run chooses that file, keeps it for the next run of the same job, and deletes it to reset the
bookmark. It is written beside and renamed, so it is whole at any moment. The same entry stays as that run's own in the
file that GLUE_JOB_BOOKMARK_ENTRY names, so that the bookmark can be rewound to it.

A run with `job-bookmark-pause` may read a range: GLUE_JOB_BOOKMARK_FROM and GLUE_JOB_BOOKMARK_TO name the entries of two
earlier runs (empty: from before the first commit); what the one had processed is left out, and what the other had not.
"""

import json
import os
from pathlib import Path

from awsglue.storage import StoredFile

FILE = "GLUE_JOB_BOOKMARK_FILE"
ENTRY = "GLUE_JOB_BOOKMARK_ENTRY"
RANGE = ("GLUE_JOB_BOOKMARK_FROM", "GLUE_JOB_BOOKMARK_TO")
BAND = 15 * 60 * 1000  # milliseconds
NOTHING: dict = {"newest": -1, "recent": {}}


class Bookmark:
    """The bookmark of one job run.

    Args:
        job_name, run_id: of the run; run_id may be empty.
        save: whether commit writes (`job-bookmark-enable`) or not (`job-bookmark-pause`).
        is_range: read between the two entries that RANGE names, instead of after the last one.

    Raises:
        RuntimeError: there is no place for the state: this is no job run.
    """

    def __init__(self, job_name: str, run_id: str, save: bool, is_range: bool = False):
        name = os.environ.get(FILE)
        if not name:
            raise RuntimeError("Job bookmarks work in job runs only, not in interactive sessions")
        self._file = Path(name)
        self._save = save
        self._job_name, self._run_id = job_name, run_id
        self._entry = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._states = _states(self._entry)
        self._until: dict[str, dict] | None = None
        if is_range:
            since, until = (_read(os.environ.get(name, "")) for name in RANGE)
            self._states, self._until = _states(since), _states(until)
        self._pending: dict[str, dict] = {}

    def new_files(self, context: str, found: list[StoredFile], band: int = BAND) -> list[StoredFile]:
        """Those files that earlier runs did not process; they count as processed once `commit` is called."""
        before = self._states.get(context, NOTHING)
        fresh = [file for file in found if not _is_processed(file, before, band)]
        if self._until is not None:
            last = self._until.get(context, NOTHING)
            fresh = [file for file in fresh if _is_processed(file, last, band)]
        self.processed(context, fresh, band)
        return fresh

    def processed(self, context: str, files: list[StoredFile], band: int = BAND) -> None:
        """Remember files as this run's, in place of what was remembered for this context before in this run."""
        state = self._states.get(context, NOTHING)
        newest = max([state["newest"], *(file.modified for file in files)])
        recent = state["recent"] | {file.uri: file.modified for file in files}
        kept = {uri: modified for uri, modified in recent.items() if modified > newest - band}
        self._pending[context] = {"newest": newest, "recent": kept}

    def commit(self) -> None:
        """Write the state, if this run is to write it."""
        self._states |= self._pending
        self._pending = {}
        if not self._save:
            return
        before = self._entry
        self._entry = {
            "JobName": self._job_name,
            "Version": before.get("Version", 0) + 1,
            "Run": before.get("Run", 0) + (before.get("RunId") != self._run_id or not before),
            "Attempt": 0,
            "PreviousRunId": before.get("RunId", ""),
            "RunId": self._run_id,
            "JobBookmark": json.dumps(self._states),
        }
        own = os.environ.get(ENTRY)
        for file in (Path(own), self._file) if own else (self._file,):
            file.parent.mkdir(exist_ok=True)
            part = file.with_name(f"{file.name}.part")
            part.write_text(json.dumps(self._entry))
            part.replace(file)


def _read(name: str) -> dict:
    return json.loads(Path(name).read_text()) if name else {}


def _states(entry: dict) -> dict[str, dict]:
    """The state of each transformation_ctx."""
    return json.loads(entry.get("JobBookmark", "{}"))


def _is_processed(file: StoredFile, state: dict, band: int) -> bool:
    return file.modified <= state["newest"] - band or state["recent"].get(file.uri) == file.modified
