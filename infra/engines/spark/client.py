"""A Spark driver seen from the local AWS: start it, run statements or a job in it, cancel, stop."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import IO

from infra.engines.spark.options import Settings, environment
from infra.engines.spark.protocol import Channel


class DriverLost(RuntimeError):
    """The driver is gone (killed, out of memory, stopped); the message says why."""


class SparkDriver:
    """One driver process.

    Attributes:
        settings, catalog: what it was started with.
        log: called with ("stdout" | "stderr", line) for every line that the process writes, from threads.
        ready: a future that is done when statements can run; it fails with DriverLost.
        exited: a future with the reason once the process is gone.
        progress: statement number -> share of the running Spark tasks that are done, 0 to 1.
        pid: process id of the Python process.
    """

    def __init__(
        self,
        settings: Settings,
        catalog: bool = False,
        log: Callable[[str, str], None] = lambda stream, line: None,
        parent: Path | None = None,
    ):
        """Start the process; returns at once.

        Args:
            settings: credentials, endpoint, region and Spark settings.
            catalog: make `spark.sql` see the Glue Data Catalog (`--enable-glue-datacatalog`).
            log: see the attribute.
            parent: where the process's temporary folder is made, which is deleted when the process has ended; the
                system's own place by default.
        """
        self.settings, self.catalog, self.log = settings, catalog, log
        self.ready: Future[str] = Future()
        self.exited: Future[str] = Future()
        self.progress: dict[int, float] = {}
        self._results: dict[int, Future[dict]] = {}
        self._started: dict[int, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._folder = Path(tempfile.mkdtemp(prefix="spark-", dir=parent))
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.engines.spark.driver", str(theirs.fileno())],
            cwd=self._folder,
            env=environment(settings, self._folder),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        theirs.close()
        self.pid = self._process.pid
        self._channel = Channel(ours)
        self._outputs = [
            threading.Thread(target=self._forward, args=(name, stream), name=f"spark-{name}-{self.pid}", daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for thread in self._outputs:
            thread.start()
        self._channel.send({"do": "start", "settings": asdict(settings), "catalog": catalog})
        threading.Thread(target=self._read, name=f"spark-messages-{self.pid}", daemon=True).start()

    def run(self, number: int, code: str, started: Callable[[], None] = lambda: None) -> "Future[dict]":
        """Run a statement after those before it; `started` is called when its turn comes.

        Returns:
            A future of the result described in statement.run; `status` is also "cancelled". It fails with DriverLost.
        """
        return self._submit({"do": "run", "id": number, "code": code}, started)

    def run_job(
        self,
        script: Path,
        arguments: list[str],
        environment: dict[str, str] | None = None,
        started: Callable[[], None] = lambda: None,
    ) -> "Future[dict]":
        """Run a script as `__main__` with these arguments (`["--JOB_NAME", "x", …]`); one job a driver.

        Args:
            environment: more environment variables for the script.

        Returns:
            A future of the result described in job.run. It fails with DriverLost.
        """
        message = {"do": "job", "id": 0, "script": str(script), "arguments": arguments}
        return self._submit(message | {"environment": environment or {}}, started)

    def cancel(self, number: int) -> None:
        """Cancel a statement, running or waiting; its future gets the status "cancelled"."""
        with contextlib.suppress(OSError):
            self._channel.send({"do": "cancel", "id": number})

    def stop(self, seconds: float = 5) -> None:
        """End the process: asked first, killed if it does not end in time."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._channel.send({"do": "stop"})
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.exited.result(timeout=10)

    def kill(self) -> None:
        """End the process at once (its JVM follows, because its standard input closes)."""
        self._process.kill()

    def _submit(self, message: dict, started: Callable[[], None]) -> "Future[dict]":
        future: Future[dict] = Future()
        with self._lock:
            if self.exited.done():
                raise DriverLost(self.exited.result())
            self._results[message["id"]] = future
            self._started[message["id"]] = started
        with contextlib.suppress(OSError):  # a driver that is gone is reported by _read
            self._channel.send(message)
        return future

    def _forward(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            self.log(name, line.rstrip("\n"))

    def _read(self) -> None:
        reason = ""
        for message in self._channel.messages():
            match message["event"]:
                case "ready":
                    self.ready.set_result(message["application"])
                case "started":
                    self._started.pop(message["id"])()
                case "progress":
                    self.progress[message["id"]] = message["progress"]
                case "done":
                    self.progress[message["id"]] = 1.0
                    with self._lock:
                        future = self._results.pop(message["id"])
                    future.set_result(message["result"])
                case "failed":
                    reason = message["reason"]
        self._end(reason)

    def _end(self, reason: str) -> None:
        code = self._process.wait()
        for thread in self._outputs:
            thread.join(10)  # Python workers may hold the pipes a moment longer
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if not reason:
            reason = "the session was stopped" if self._stopping else _why(code)
        with self._lock:
            lost, self._results = list(self._results.values()), {}
            self.exited.set_result(reason)
        for future in [*lost, *([] if self.ready.done() else [self.ready])]:
            future.set_exception(DriverLost(reason))


def _why(code: int) -> str:
    if code < 0:
        return f"the Spark driver was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"the Spark driver ended with exit code {code}"
