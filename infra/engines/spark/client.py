"""A Spark driver seen from the local AWS: start it, run statements or a job in it, cancel, stop."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import IO

from infra.engines import python_process
from infra.engines.spark.options import Settings, environment, give_credentials
from infra.engines.spark.protocol import CANCELLED, Channel

OUTPUT_SECONDS = 3  # that the outputs of a process may stay open after its end


class DriverLost(RuntimeError):
    """The driver is gone (killed, out of memory, stopped); the message says why."""


class SparkDriver:
    """One driver process.

    Attributes:
        settings, catalog: what it was started with.
        log: called with ("stdout" | "stderr", line) for every line that the process writes, from threads.
        ready: a future that is done when statements can run; it fails with DriverLost.
        exited: a future with the reason once the process is gone and all other futures are done.
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
        self._end_reason = ""
        self._folder = Path(tempfile.mkdtemp(prefix="spark-", dir=parent))
        self._process, ours = python_process.with_socket(self._begin)
        self.pid = self._process.pid
        self._channel = Channel(ours)
        self._outputs = [
            threading.Thread(target=self._forward, args=(name, stream), name=f"spark-{name}-{self.pid}", daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for thread in self._outputs:
            thread.start()
        self._channel.send({"do": "start", "settings": asdict(settings), "catalog": catalog})
        for work, name in ((self._read, "messages"), (self._end_group, "process")):
            threading.Thread(target=work, name=f"spark-{name}-{self.pid}", daemon=True).start()

    def _begin(self, socket: int) -> subprocess.Popen[str]:
        """Start the process, which inherits this end of the channel."""
        return python_process.start(
            "infra.engines.spark.driver",
            [str(socket)],
            self._folder,
            env=environment(self.settings, self._folder),
            pass_fds=[socket],
            stdin=subprocess.DEVNULL,
        )

    def become(self, settings: Settings, catalog: bool) -> None:
        """Give a driver that was started without credentials and catalog those of its session or job, before anything is run in it."""
        self.settings, self.catalog = settings, catalog
        give_credentials(settings, self._folder)
        if catalog:
            with contextlib.suppress(OSError):  # a driver that is gone is reported by _read
                self._channel.send({"do": "catalog"})

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
        """Cancel a statement; its future gets the status "cancelled", at once if it still waits for its turn."""
        with contextlib.suppress(OSError):
            self._channel.send({"do": "cancel", "id": number})
        if self._started.pop(number, None) is not None:
            self._finish(number, CANCELLED)

    def stop(self, seconds: float = 5) -> None:
        """End the process: asked first, killed if it does not end in time."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._channel.send({"do": "stop"})
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.exited.result()

    def kill(self) -> None:
        """End the process at once (its JVM follows, because its standard input closes)."""
        self._process.kill()

    def _submit(self, message: dict, started: Callable[[], None]) -> "Future[dict]":
        future: Future[dict] = Future()
        with self._lock:
            if self._end_reason:
                raise DriverLost(self._end_reason)
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
                    self._started.pop(message["id"], lambda: None)()  # none: cancelled before its turn
                case "progress":
                    self.progress[message["id"]] = message["progress"]
                case "done":
                    self.progress[message["id"]] = 1.0
                    self._finish(message["id"], message["result"])
                case "failed":
                    reason = message["reason"]
        self._end(reason)

    def _finish(self, number: int, result: dict) -> None:
        with self._lock:
            future = self._results.pop(number, None)
        if future is not None:
            future.set_result(result)

    def _end_group(self) -> None:
        """When the process is gone, end what the user's code has started in it, which may hold the channel and outputs open."""
        self._process.wait()
        python_process.kill_group(self.pid)
        self._channel.shut()

    def _end(self, reason: str) -> None:
        code = self._process.wait()
        for thread in self._outputs:
            thread.join(OUTPUT_SECONDS)  # Python workers may hold the pipes a moment longer
        self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if not reason:
            reason = "the session was stopped" if self._stopping else _why(code)
        with self._lock:
            self._end_reason = reason
            lost, self._results = list(self._results.values()), {}
        waiting: list[Future] = [*lost, *([] if self.ready.done() else [self.ready])]
        for future in waiting:
            future.set_exception(DriverLost(reason))
        self.exited.set_result(reason)


def _why(code: int) -> str:
    if code < 0:
        return f"the Spark driver was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"the Spark driver ended with exit code {code}"
