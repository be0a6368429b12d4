"""A Flink application's process seen from the local AWS: start, Flink's REST, end."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from infra import project
from infra.engines import python_process
from infra.engines.flink import FlinkError, environment, session

REST_SECONDS = 10.0
NOTE = "job"  # in a run's folder until its job has ended: the session cluster, if it is in one, and the id that it will have there


class FlinkProcess:
    """One process, with Java and Flink's Python workers in its process group.

    Parameters
    ----------
    folder: of this run: `code/`, `application_properties.json`, and all that the process writes, its temporary files too
    settings: see application.py
    aws: AWS variables of the program

    Raises FlinkError when the Flink environment was not made, or the session cluster is named wrongly.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], aws: dict[str, str]):
        if not environment.is_made():
            raise FlinkError("The Flink environment is not there: run `make setup`.")
        self.output = folder / "output.log"
        self.flink_log = folder / "flink.log"
        self._web = folder / "web"
        self._submitted = folder / "submitted"
        self._note = folder / NOTE
        self.job_id = uuid.uuid4().hex
        self._note.write_text(f"{session.chosen()} {self.job_id}")
        temporary = folder / "tmp"
        temporary.mkdir()
        told = folder / "settings.json"
        told.write_text(json.dumps(settings | {"job": self.job_id}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nothing = folder / "aws-config"  # not the user's own files
        nothing.touch()
        variables = environment.kernel_environment() | {
            "AWS_CONFIG_FILE": str(nothing),
            "AWS_SHARED_CREDENTIALS_FILE": str(nothing),
            "AWS_CREDENTIAL_PROFILES_FILE": str(nothing),
            "AWS_EC2_METADATA_DISABLED": "true",
            "FLINK_STUDIO_RUN": str(folder / "run"),
            "TMPDIR": str(temporary),
            "PYTHONUNBUFFERED": "1",
        }
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    str(environment.ENVIRONMENT / "bin" / "python"),
                    "-W",
                    "ignore",
                    "-m",
                    __package__ + ".application",
                    told,
                ],
                cwd=project.ROOT,
                env=kept | variables | aws,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative for a signal, above 128 when one ended Java; None while it runs."""
        return self._process.poll()

    @property
    def web(self) -> str:
        """The address of Flink's REST; empty until Flink is up."""
        try:
            return self._web.read_text()
        except FileNotFoundError:
            return ""

    @property
    def has_submitted(self) -> bool:
        """Whether the program came to its end; one that waits for its job never does."""
        return self._submitted.exists()

    def rest(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call Flink's REST and return its answer. Raises FlinkError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.web + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=REST_SECONDS) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise FlinkError(error.read().decode(errors="replace")[:2000]) from None
        except (OSError, ValueError) as error:
            raise FlinkError(str(error)) from None

    def job(self) -> dict[str, Any] | None:
        """The application's job (`jid`, `state`, …), or None when it has none."""
        jobs = self.rest("/jobs/overview")["jobs"]  # a session cluster has those of others too
        return next((job for job in jobs if job["jid"] == self.job_id), None)

    def end(self) -> None:
        """End the process, Java and Flink's Python workers; some may be left when one of them was killed. A session cluster ends the job."""
        python_process.kill_group(self.pid)
        self._process.wait()
        assert self._process.stdin is not None, "it was started with a pipe"
        self._process.stdin.close()
        with contextlib.suppress(
            FlinkError
        ):  # remove() keeps the note then, and nothing is started before clear() has succeeded
            _end_job(self._note)


def remove(folder: Path) -> None:
    """Remove the folder of a run that has ended, unless a session cluster may still run its job."""
    if not (folder / NOTE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process's folder is in it
            folder.parent.rmdir()


def clear(runs: Path) -> None:
    """End the jobs that runs left in a session cluster, because their server was killed or it did not answer, and remove their folders.

    Raises FlinkError: it does not answer now either; the folders stay.
    """
    for note in runs.glob(f"*/{NOTE}"):
        _end_job(note)
    shutil.rmtree(runs, ignore_errors=True)


def _end_job(note: Path) -> None:
    web, _, job = note.read_text().partition(" ")
    if web:
        session.cancel(web, job)
    note.unlink()
