"""A running query is shown until it ends, is stopped, or has read enough."""

import signal
import threading
import time
import types
from contextlib import contextmanager

from infra.engines.flink import session

from . import errors
from .changelog import AppendView, SingleView, UpdateView
from .connection import Connection
from .errors import FlinkError
from .jobs import Job, LocalResult
from .paragraph import Options, ParagraphError
from .screen import LiveScreen, PlainScreen, Result
from .zeppelin import StopAfter

TAKE_MS = 100
TURNS = 8  # of the kernel's event loop, so that a message of a button comes through all its steps


class Watching(Connection):
    def _check_can_end(self, streaming: bool) -> None:
        if streaming and not self.has_front_end() and not self.z.stopping:
            raise ParagraphError(
                "This run has no front end that could stop a stream: say before when to end, "
                "for example z.stop_after(idle=3, seconds=60), or set FLINK_STOP_AFTER=idle=3,seconds=60."
            )

    async def _follow(self, table_result, options: Options) -> None:
        """Show a running query until it ends, is stopped, or has read enough."""
        schema = table_result._j_table_result.getResolvedSchema()
        columns = list(schema.getColumnNames())
        types = [kind.toString() for kind in schema.getColumnDataTypes()]
        result = Result(columns, types, _view(options))
        job = Job.of(table_result, options.job_name or "query")
        changes = self.cluster.collect(table_result, self._time_zone)
        link = f"{self.cluster.web}/#/job/{job.id}/overview"
        screen = LiveScreen(result, link) if self.has_front_end() else PlainScreen()
        self.last_result = result
        stop = self.z.stopping if options.type else StopAfter()
        with interrupts() as interrupted:
            self.watching = True
            try:
                ended = await self._watch(changes, result, screen, options, stop, interrupted, job)
            finally:
                self.watching = False
                if not self._jvm.alive:
                    session.leave([job.id])
                elif not changes.finished:
                    job.cancel()
                screen.close(result)
        if ended:
            print(ended)
        if self._jvm.alive and (skipped := self.cluster.skipped(job.id)):
            print(f"{skipped:,} records were skipped: they are not as the table says (ignore-parse-errors).")
        if interrupted.is_set():
            raise KeyboardInterrupt
        if changes.finished and changes.failure is not None and not ended:
            raise FlinkError(f"The job failed: {errors.failure(changes.failure)}")

    async def _watch(
        self, changes, result: Result, screen, options: Options, stop: StopAfter, interrupted, job: Job | LocalResult
    ) -> str:
        """Take changes and draw them; returns how it ended, empty when the query ended by itself."""
        started = changed = time.monotonic()
        told = drawn = 0.0
        refresh = options.refresh_ms / 1000
        begun = time.strftime("%H:%M:%S")
        dirty, view = False, result.view
        rate = Rate()
        while not changes.finished:
            kinds, rows = changes.take(TAKE_MS)
            for _ in range(TURNS):
                await _turn()
            now = time.monotonic()
            if kinds:
                view.apply(kinds, rows)
                rate.add(now, len(kinds))
                changed, dirty = now, True
            if dirty and now - drawn >= refresh:
                screen.draw()
                drawn, dirty, told = time.monotonic(), False, 0.0
            if now - told >= refresh:
                screen.tell(_status(view, rate.of(now), begun, job, self.cluster.skipped(job.id)))
                told = time.monotonic()
            if interrupted.is_set():
                return "Interrupted: the job was stopped."
            if screen.stopped:
                return "Stopped."
            if stop.rows is not None and len(view) >= stop.rows:
                return f"Ended at {stop.rows} rows (z.stop_after)."
            if stop.idle is not None and view.changes and now - changed >= stop.idle:
                return f"Ended after {stop.idle:g} s without a change (z.stop_after)."
            if stop.seconds is not None and now - started >= stop.seconds:
                waited = (
                    ""
                    if view.changes
                    else f": no row came since {begun} UTC; a stream that is read from LATEST gives only records put later"
                )
                return f"Ended after {stop.seconds:g} s (z.stop_after){waited}."
        return ""


@types.coroutine
def _turn():
    """Let the event loop take one turn: buttons and tabs answer while a paragraph runs."""
    yield


class Rate:
    """Changes a second over the last seconds."""

    WINDOW = 5.0

    def __init__(self) -> None:
        self._points: list[tuple[float, int]] = []

    def add(self, now: float, changes: int) -> None:
        """Count changes at a time."""
        self._points.append((now, changes))

    def of(self, now: float) -> float:
        """Changes a second up to now."""
        self._points = [point for point in self._points if now - point[0] <= self.WINDOW]
        return sum(changes for _, changes in self._points) / self.WINDOW


def _view(options: Options):
    if options.type == "append":
        return AppendView(options.threshold_ms)
    if options.type == "single":
        return SingleView(options.template)
    return UpdateView(in_order=options.type is None)


def _status(view, rate: float, begun: str, job: Job | LocalResult, skipped: int) -> str:
    more = f" · {skipped:,} records skipped" if skipped else ""
    if not view.changes:
        return f"waiting since {begun} UTC: no row has come yet{more} · job {job.id[:8]}"
    return f"{len(view):,} rows · {view.changes:,} changes ({rate:,.0f} a second){more} · job {job.id[:8]}"


@contextmanager
def interrupts():
    """While it is open, the kernel's interrupt sets the event instead of breaking into a call to Java."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
