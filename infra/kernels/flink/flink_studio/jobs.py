"""Flink jobs that a paragraph started: their state, their end, and why they failed."""

import html
import json
import threading
import time
import urllib.request

from . import errors

ENDED = ("FINISHED", "FAILED", "CANCELED")
POLL_SECONDS = 0.1
CANCEL_SECONDS = 20


class Job:
    """One job of the kernel's Flink."""

    def __init__(self, client, name: str):
        self._client = client
        self.name = name
        self.id = str(client.get_job_id())

    @classmethod
    def of(cls, table_result, name: str) -> "Job | LocalResult":
        """The job of a table result; some results, such as SELECT 1 after optimisation, have none."""
        client = table_result.get_job_client()
        return cls(client, name) if client is not None else LocalResult()

    def state(self) -> str:
        """RUNNING, FINISHED, FAILED, CANCELED …, as Flink calls it."""
        return self._client.get_job_status().result().name

    def wait(self, interrupted: threading.Event) -> str:
        """Wait for the end and return the state; an interrupt cancels the job."""
        while (state := self.state()) not in ENDED:
            if interrupted.wait(POLL_SECONDS):
                self.cancel()
        return state

    def wait_until_running(self, seconds: float = 30) -> str:
        """Wait until all tasks run or the job has ended; returns the state."""
        deadline = time.monotonic() + seconds
        while (state := self.state()) not in (*ENDED, "RUNNING") and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return state

    def cancel(self) -> None:
        """Cancel the job and wait until it has ended."""
        if self.state() in ENDED:
            return
        self._client.cancel().result()
        deadline = time.monotonic() + CANCEL_SECONDS
        while self.state() not in ENDED and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS / 2)

    def failure(self, web: str) -> str:
        """Why the job failed, in one or two lines, from Flink's REST API."""
        with urllib.request.urlopen(f"{web}/jobs/{self.id}/exceptions", timeout=10) as answer:
            told = json.load(answer)
        entries = told.get("exceptionHistory", {}).get("entries", [])
        return errors.failure(entries[0]["stacktrace"] if entries else "no reason was given")

    def card(self, web: str):
        """A widget with the job's name, state, link and a Stop button, kept up to date by a thread."""
        import ipywidgets as widgets

        line, button = widgets.HTML(), widgets.Button(description="Stop", icon="stop", button_style="warning")
        button.on_click(lambda _: self.cancel())

        def follow() -> None:
            state = ""
            while state not in ENDED:
                try:
                    state = self.state()
                except Exception:  # Java has ended: the next paragraph says so
                    state = "CANCELED"
                why = f": {html.escape(self.failure(web))}" if state == "FAILED" else ""
                line.value = (
                    f"{html.escape(self.name)} · {state}{why} · <a href='{web}/#/job/{self.id}/overview' target='_blank'>"
                    "job in Flink's web page</a>&nbsp;"
                )
                time.sleep(1)
            button.disabled = True

        threading.Thread(target=follow, daemon=True, name=f"job-{self.id}").start()
        return widgets.HBox([line, button])


class LocalResult:
    """A result that Flink gave without a job."""

    id = "none"
    name = "no job"

    def cancel(self) -> None:
        """Nothing runs."""
