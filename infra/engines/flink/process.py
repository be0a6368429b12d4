"""A Flink application's process seen from the local AWS: start, Flink's REST, end."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from infra import project
from infra.kernels.flink import install

REST_SECONDS = 10.0


class FlinkError(RuntimeError):
    """Flink did not do what it was asked; the message is its own."""


class FlinkProcess:
    """One process.

    Parameters
    ----------
    folder: of this run: `code/`, `application_properties.json`, and what the process writes
    settings: see application.py
    environment: AWS variables of the program

    Raises FlinkError when the Flink environment was not made.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], environment: dict[str, str]):
        if not install.is_made():
            raise FlinkError("The Flink environment is not there: run `make setup`.")
        self.folder = folder
        self.output = folder / "output.log"
        self._web = folder / "web"
        self._web.unlink(missing_ok=True)
        told = folder / "settings.json"
        told.write_text(json.dumps(settings))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        variables = install.kernel_environment() | {"FLINK_STUDIO_RUN": str(folder / "run"), "PYTHONUNBUFFERED": "1"}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [str(install.ENVIRONMENT / "bin" / "python"), "-W", "ignore", "-m", __package__ + ".application", told],
                cwd=project.ROOT,
                env=kept | variables | environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def web(self) -> str:
        """The address of Flink's REST; empty until the program has submitted its job."""
        return self._web.read_text() if self._web.exists() else ""

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
        jobs = self.rest("/jobs/overview")["jobs"]
        return max(jobs, key=lambda job: job["start-time"]) if jobs else None

    def end(self) -> None:
        """End the process, and Java with it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
