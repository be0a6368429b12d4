"""Managed Flink applications: what a run says, in its CloudWatch log stream.

Source: https://docs.aws.amazon.com/managed-flink/latest/java/cloudwatch-logs-reading.html
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from infra.local import telemetry
from infra.local.flink_record import FlinkApplication


def tell(application: FlinkApplication, lines: list[str], kind: str = "INFO") -> None:
    """Write lines of the service itself or of the program.

    Parameters
    ----------
    kind: `INFO`, `WARN` or `ERROR`
    """
    _write(application, [{"message": line, "messageType": kind} for line in lines])


def _write(application: FlinkApplication, entries: list[dict[str, str]]) -> None:
    common = {
        "applicationARN": application.application_arn,
        "applicationVersionId": str(application.application_version_id),
        "messageSchemaVersion": "1",
    }
    messages = [json.dumps(common | entry) for entry in entries]
    for option in application.logging:
        _, _, rest = option["LogStreamARN"].partition(":log-group:")
        group, _, stream = rest.partition(":log-stream:")
        telemetry.log(application.account_id, application.region_name, group, stream, messages)


class RunLog:
    """Carries what one process writes to the log stream.

    Parameters
    ----------
    folder: of the process, which is of no use to a reader
    output: file with what the program prints
    flink_log: file with one JSON object a line, from Flink's log4j (infra/engines/flink/log4j.properties)
    """

    def __init__(self, application: FlinkApplication, folder: Path, output: Path, flink_log: Path):
        self._application = application
        self._output, self._flink_log = _Tail(output), _Tail(flink_log)
        self._hidden = (f"{folder}/", f"{application.folder}/")
        self._lock = threading.Lock()  # the process may be ended while its lines are read
        self.last_words = "no message"  # that the program printed, for the reason of its end

    def forward(self, to_the_end: bool = False) -> None:
        """Forward the lines that are new; `to_the_end` also one that has no end yet."""
        with self._lock:
            lines = [self._plain(line) for line in self._output.take(to_the_end)]
            self.last_words = next((_words(line) for line in reversed(lines) if _words(line)), self.last_words)
            entries = [{"message": line, "messageType": "INFO"} for line in lines]
            entries += [self._entry(line) for line in self._flink_log.take(to_the_end)]
            if entries:
                _write(self._application, entries)

    def _entry(self, line: str) -> dict[str, str]:
        try:
            entry = json.loads(line)
        except ValueError:  # the last line of a process that was killed while it wrote
            return {"message": self._plain(line), "messageType": "INFO"}
        return {name: self._plain(value) for name, value in entry.items() if value}

    def _plain(self, text: str) -> str:
        for folder in self._hidden:
            text = text.replace(folder, "")
        return text


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


def _words(line: str) -> str:
    """The error in the last lines of a trace: Python's last line, or Java's innermost cause above its frames, which a tab begins."""
    return "" if line.startswith("\t") else line.strip().removeprefix("Caused by: ")
