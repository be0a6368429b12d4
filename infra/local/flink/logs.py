"""Managed Flink applications: what a run says, in its CloudWatch log stream.

Source: https://docs.aws.amazon.com/managed-flink/latest/java/cloudwatch-logs-reading.html
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from pathlib import Path

from infra.local.core import roles, telemetry
from infra.local.flink.record import FlinkApplication, plain

KEPT_LINES = 300  # that were printed last: more than a Java trace has below its innermost cause


def tell(application: FlinkApplication, lines: list[str], kind: str = "INFO") -> None:
    """Write lines of the service itself or of the program.

    Parameters
    ----------
    kind: `INFO`, `WARN` or `ERROR`
    """
    _write(application, [{"message": line, "messageType": kind} for line in lines])


def _write(application: FlinkApplication, entries: list[dict[str, str]]) -> None:
    if not application.logging:
        return
    common = {
        "applicationARN": application.application_arn,
        "applicationVersionId": str(application.application_version_id),
        "messageSchemaVersion": "1",
    }
    messages = [json.dumps(common | {name: plain(value) for name, value in entry.items()}) for entry in entries]
    for option in application.logging:
        _, _, rest = option["LogStreamARN"].partition(":log-group:")
        group, _, stream = rest.partition(":log-stream:")
        if _may_write(application, f"arn:aws:logs:{application.region_name}:{application.account_id}:log-group:{rest}"):
            telemetry.log(application.account_id, application.region_name, group, stream, messages)


def _may_write(application: FlinkApplication, arn: str) -> bool:
    """Whether the application's role may write its log; lines that it may not write are lost."""
    acting, source = application.service_execution_role, application.application_arn
    try:
        role = roles.session(application.account_id, acting, "kinesisanalytics", source_arn=source)
    except roles.CannotAssume:
        return True  # what the service says about that, it says as itself
    return roles.is_allowed(role, application.region_name, "logs:PutLogEvents", arn)


class RunLog:
    """Carries what one process writes to the log stream.

    Parameters
    ----------
    output: file with what the program prints
    flink_log: file with one JSON object a line, from Flink's log4j (infra/engines/flink/log4j.properties)
    """

    def __init__(self, application: FlinkApplication, output: Path, flink_log: Path):
        self._application = application
        self._output, self._flink_log = _Tail(output), _Tail(flink_log)
        self._lock = threading.Lock()  # the process may be ended while its lines are read
        self._printed: deque[str] = deque(maxlen=KEPT_LINES)

    @property
    def last_words(self) -> str:
        """The error that the program printed last, for the reason of its end."""
        return _error([line for line in self._printed if line.strip()]) or "no message"

    def forward(self, to_the_end: bool = False) -> None:
        """Forward the lines that are new; `to_the_end` also one that has no end yet."""
        with self._lock:
            lines = self._output.take(to_the_end)
            self._printed += lines
            entries = [{"message": line, "messageType": "INFO"} for line in lines]
            entries += [_entry(line) for line in self._flink_log.take(to_the_end)]
            if entries:
                _write(self._application, entries)


def _entry(line: str) -> dict[str, str]:
    try:
        entry = json.loads(line)
    except ValueError:  # the last line of a process that was killed while it wrote
        return {"message": line, "messageType": "INFO"}
    return {name: value for name, value in entry.items() if value}


class _Tail:
    """The new lines of a growing file, which need not be there yet."""

    def __init__(self, path: Path):
        self.path = path
        self._taken = 0  # bytes

    def take(self, to_the_end: bool) -> list[str]:
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._taken)
            data = file.read()
        end = len(data) if to_the_end else data.rfind(b"\n") + 1
        self._taken += end
        return data[:end].decode(errors="replace").splitlines()


def _error(lines: list[str]) -> str:
    """The error in lines that end with a trace: Python's last line, or all lines of Java's innermost cause, above its frames."""
    above = list(itertools.dropwhile(_is_frame, reversed(lines)))
    is_java = len(above) < len(lines)
    words = list(itertools.takewhile(lambda line: not line[0].isspace(), above)) if is_java else above[:1]
    return " ".join(line.strip() for line in reversed(words)).removeprefix("Caused by: ")


def _is_frame(line: str) -> bool:
    return line.startswith("\t")
