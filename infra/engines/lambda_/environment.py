"""One execution environment as the server sees it: started, given one event at a time, ended.

The thread that invokes drives everything: the runtime client's requests, the output, the clock and the memory. Between events nobody reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import sysconfig
import time
from collections.abc import Callable

from infra.engines.lambda_ import memory
from infra.engines.lambda_.invocation import Event, Outcome, Spec, Told, error_body, runtime_error
from infra.engines.lambda_.launching import Launcher
from infra.engines.lambda_.output import Output
from infra.engines.lambda_.runtime_api import ANSWER_LIMIT, Connection, Request, RuntimeApi

INIT_SECONDS = 10.0  # AWS's limit of the first phase
MEMORY_WATCH_SECONDS = 0.05
END_SECONDS = 5.0
MEGABYTE = 1024 * 1024
STANDARD_LIBRARY = sysconfig.get_path("stdlib")  # of the Python that functions run on, which is the server's
ACCEPTED = (202, {"Content-Type": "application/json"}, b'{"status":"OK"}\n')


class Environment:
    """A process of a function. Not for two threads at once."""

    def __init__(self, launcher: Launcher, spec: Spec):
        self.spec = spec
        self._api = RuntimeApi()
        self._process = 0  # leader of the process group
        self._function = 0  # process number of the function, for its memory
        self._exit_code: int | None = None
        self._most_memory = 0  # MiB
        self._refused = ""  # why the function's process could not be made
        self._next: Request | None = None
        self._said = ""
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        reads, writes = os.pipe()
        self._status, status = os.pipe()
        os.set_blocking(self._status, False)
        self._output = Output(reads)
        try:
            launcher.start(self._request(), writes, status)
        finally:
            os.close(writes)
            os.close(status)
        self._selector.register(self._api.listener, selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._status, selectors.EVENT_READ)

    def _request(self) -> dict[str, object]:
        spec = self.spec
        variables = {**spec.variables, "AWS_LAMBDA_RUNTIME_API": self._api.address, "_LAMBDA_TELEMETRY_LOG_FD": "1"}
        return {
            "handler": spec.handler,
            "variables": variables,
            "task": str(spec.task),
            "opt": str(spec.opt) if spec.opt else "",
            "tmp": str(spec.tmp),
            "memory_mb": spec.memory_mb,
            "storage_mb": spec.storage_mb,
        }

    # --- the phases -------------------------------------------------------------------------------------------------

    def initialise(self, told: Told, seconds: float = INIT_SECONDS) -> Outcome:
        """Wait until the handler is imported and the client asks for its first event.

        Parameters
        ----------
        told: is given each line of the function's output
        seconds: limit of this phase
        """
        began = time.monotonic()
        outcome = self._wait(told, began + seconds, lambda request: request.action in ("next", "init-error"))
        if isinstance(outcome, Request):
            if outcome.action == "next":
                self._next = outcome
                self._function = 0  # what was found while the process was being made may be its parent
                outcome = Outcome()
            else:
                outcome.answer(*ACCEPTED)
                kind = outcome.headers.get("lambda-runtime-function-error-type", "Runtime.Unknown")
                outcome = Outcome(self._error(outcome.body), "error", kind, usable=False)
        self._finish(outcome, told, began)
        return outcome

    def invoke(self, event: Event, told: Told) -> Outcome:
        """Run one event. The environment is not usable after a timeout, an exit or too much memory."""
        began = time.monotonic()
        deadline = began + event.timeout
        if self._next is None:
            request = self._wait(told, deadline, lambda request: request.action == "next")
            if isinstance(request, Outcome):
                return self._ended(request, event, told, began)
            self._next = request
        self._hand_over(event, deadline)
        answer = self._wait(told, deadline, lambda request: request.action in ("response", "error"), event)
        if isinstance(answer, Outcome):
            return self._ended(answer, event, told, began)
        with contextlib.suppress(OSError):  # the process ended after its answer: seen at the next event
            if answer.too_large:
                answer.answer(413, {"Content-Type": "application/json"}, b'{"errorType":"RequestEntityTooLarge"}')
            else:
                answer.answer(*ACCEPTED)
        outcome = self._outcome(answer)
        self._finish(outcome, told, began)
        if outcome.memory_mb > self.spec.memory_mb or self._ran_out(outcome):
            return self._ended(Outcome(fault="error", error_type="Runtime.OutOfMemory"), event, told, began)
        if not outcome.usable:
            self.stop()
        return outcome

    def _outcome(self, answer: Request) -> Outcome:
        if answer.too_large:
            message = f"Response payload size exceeded maximum allowed payload size ({ANSWER_LIMIT} bytes)."
            body = json.dumps({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"})
            return Outcome(body.encode(), "error", "Function.ResponseSizeTooLarge", usable=False)  # the client gives up
        if answer.action == "error":
            return Outcome(self._error(answer.body), "error", runtime_error(answer.body))
        return Outcome(answer.body, content_type=answer.headers.get("content-type", "application/json"))

    def _ran_out(self, outcome: Outcome) -> bool:
        """Return whether Python met the wall that stands behind the watch: on AWS the kernel had ended the process before."""
        return outcome.fault == "error" and b'"errorType": "MemoryError"' in outcome.payload

    def _hand_over(self, event: Event, deadline: float) -> None:
        assert self._next is not None
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + deadline - time.monotonic()) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{event.request_id.replace('-', '')[:24]};Sampled=0",
        }
        if event.client_context:
            headers["Lambda-Runtime-Client-Context"] = event.client_context
        request, self._next = self._next, None
        with contextlib.suppress(OSError):  # the process is gone: `_wait` says so
            request.answer(200, headers, event.payload)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _wait(
        self, told: Told, deadline: float, wanted: Callable[[Request], bool], event: Event | None = None
    ) -> Request | Outcome:
        """Serve the environment until a wanted request is there, its process ends, or the time is up."""
        watched = time.monotonic() + MEMORY_WATCH_SECONDS
        while True:
            now = time.monotonic()
            if now >= deadline:
                return Outcome(fault="timeout", error_type="Sandbox.Timedout")
            for key, _ in self._selector.select(min(deadline, watched) - now):
                if key.fileobj is self._output:
                    self._tell(self._output.read(), told)
                elif key.fileobj is self._api.listener:
                    connection = self._api.accept()
                    self._connections.add(connection)
                    self._selector.register(connection, selectors.EVENT_READ)
                elif key.fileobj == self._status:
                    self._read_status()
                elif isinstance(key.fileobj, Connection):
                    request = self._received(key.fileobj, event)
                    if request is not None and wanted(request):
                        return request
            if self._exit_code is not None:
                return Outcome(fault="error", error_type="Runtime.ExitError")
            if time.monotonic() >= watched:
                if self._memory_mb() > self.spec.memory_mb:
                    return Outcome(fault="error", error_type="Runtime.OutOfMemory")
                watched = time.monotonic() + MEMORY_WATCH_SECONDS

    def _received(self, connection: Connection, event: Event | None) -> Request | None:
        """Return a whole request that makes sense now; others are answered here."""
        try:
            request = connection.read()
            if request is None:
                return None
            if request.action in ("response", "error"):
                if event is None or request.invocation != event.request_id:
                    request.answer(400, {}, b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
                    return None
            elif request.action == "next" and event is not None:
                self._next = request
            elif request.action == "other":
                request.answer(404, {}, b"")
                return None
        except OSError:
            self._selector.unregister(connection)
            self._connections.discard(connection)
            connection.close()
            return None
        return request

    def _read_status(self) -> None:
        try:
            data = os.read(self._status, 4096)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._status)
            self._exit_code = 137 if self._exit_code is None else self._exit_code
        self._said += data.decode()
        started, ended = re.search(r"started (\d+)\n", self._said), re.search(r"ended (\d+)\n", self._said)
        self._process = int(started[1]) if started else 0
        if ended:
            self._exit_code = int(ended[1])
        if refused := re.search(r"refused (.*)\n", self._said):
            self._refused = refused[1]

    # --- the end ----------------------------------------------------------------------------------------------------

    def _ended(self, outcome: Outcome, event: Event, told: Told, began: float) -> Outcome:
        """Complete the outcome of an event that the environment does not survive, in AWS's words."""
        outcome.usable = False
        if outcome.error_type == "Sandbox.Timedout":
            message = f"Task timed out after {event.timeout:.2f} seconds"
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() * 1000) % 1000:03d}Z"
            outcome.lines = [f"{moment} {event.request_id} {message}\n\n"]
            outcome.payload = error_body("Sandbox.Timedout", f"RequestId: {event.request_id} Error: {message}")
        else:
            reason = self.reason(outcome)
            outcome.lines = [f"RequestId: {event.request_id} Error: {reason}\n", f"{outcome.error_type}\n"]
            body_type = "Runtime.ExitError"
            outcome.payload = error_body(body_type, f"RequestId: {event.request_id} Error: {reason}")
        self._finish(outcome, told, began)
        self.stop()
        return outcome

    def reason(self, outcome: Outcome) -> str:
        """Return in AWS's words how the function's process ended; what only the local AWS can suffer is told in words of its own."""
        if outcome.error_type == "Runtime.OutOfMemory":
            return "Runtime exited with error: signal: killed"
        if self._refused:
            return f"The local AWS could not make the function's process: {self._refused}"
        code = self._exit_code or 0
        if code > 128:
            names = {signal.SIGKILL: "killed", signal.SIGTERM: "terminated", signal.SIGABRT: "aborted"}
            names |= {signal.SIGSEGV: "segmentation fault", signal.SIGBUS: "bus error"}
            number = code - 128
            told = (
                names.get(signal.Signals(number), signal.strsignal(number)) if number in set(signal.Signals) else number
            )
            return f"Runtime exited with error: signal: {told}"
        return f"Runtime exited with error: exit status {code}" if code else "Runtime exited without providing a reason"

    def _finish(self, outcome: Outcome, told: Told, began: float) -> None:
        outcome.seconds = time.monotonic() - began
        self._most_memory = max(
            1, self._most_memory, self._memory_mb()
        )  # of a process that is gone nothing can be read
        outcome.memory_mb = self._most_memory
        self._tell(self._output.drain(), told)
        for line in outcome.lines:
            told(line)

    def _tell(self, lines: list[str], told: Told) -> None:
        for line in lines:
            told(self._public(line))

    def _public(self, text: str) -> str:
        """Return a text with the folder names that functions have on AWS."""
        text = text.replace(str(self.spec.task), "/var/task").replace(STANDARD_LIBRARY, "/var/lang/lib/python3.11")
        return text.replace(str(self.spec.opt), "/opt") if self.spec.opt else text

    def _error(self, body: bytes) -> bytes:
        return self._public(body.decode("utf-8", "replace")).encode()

    def _memory_mb(self) -> int:
        if self._process and not self._function:
            self._function = memory.last_descendant(self._process)
        return memory.most_mb(self._process, self._function)

    def stop(self) -> None:
        """End all processes of the environment, and wait until they are gone."""
        deadline = time.monotonic() + END_SECONDS
        self._await_start(deadline)
        if self._process and self._exit_code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process, signal.SIGKILL)
        with selectors.DefaultSelector() as ends:
            ends.register(self._status, selectors.EVENT_READ)
            while time.monotonic() < deadline and ends.select(max(0.0, deadline - time.monotonic())):
                if not os.read(self._status, 4096):
                    break
        self._selector.close()
        for connection in self._connections:
            connection.close()
        self._api.close()
        self._output.close()
        os.close(self._status)

    def _await_start(self, deadline: float) -> None:
        """An environment may be ended before the launcher has told its process number."""
        with selectors.DefaultSelector() as first:
            first.register(self._status, selectors.EVENT_READ)
            while not self._process and self._exit_code is None and first.select(max(0.0, deadline - time.monotonic())):
                data = os.read(self._status, 4096)
                if not data:
                    break
                self._said += data.decode()
                started = re.search(r"started (\d+)\n", self._said)
                self._process = int(started[1]) if started else 0
