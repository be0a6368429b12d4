"""Glue interactive sessions: one that runs is a Spark driver in a process of its own."""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.glue.models import glue_backends

from infra.local.core import pace, state
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.drivers import LOOK_SECONDS, STOP_SECONDS
from infra.local.glue.sessions.record import ALIVE, UNFINISHED, Session, Statement, error_output, output_of, places

if TYPE_CHECKING:
    from infra.engines.spark.client import SparkDriver


log = logging.getLogger("workshop.glue_sessions")

HOLD_SECONDS = 5.0  # how long GetSession and GetStatement wait for the end of what is under way
DPU_HOUR = 0.44  # USD, us-east-1: https://aws.amazon.com/glue/pricing/

under_way: dict[str, Live] = {}  # ARN → its running part
_changed = threading.Condition()  # notified when a session or a statement has changed
_is_shutting_down = threading.Event()


class Live:
    """A session that runs: its driver, its statements, its clocks, and the thread that watches over them."""

    def __init__(self, session: Session):
        self.session = session
        self.statements: dict[int, Statement] = {}
        self.driver: SparkDriver | None = None
        self.outcome = ("", "")  # status and reason, once it was decided how the session ends
        self.thread = threading.Thread(target=self._run, name=f"session-{session.session_id}", daemon=True)
        self._folder = glue_drivers.new_folder("session-")
        stream = re.sub(r"[:*]", "_", session.session_id)  # CloudWatch does not allow these
        self._log = glue_drivers.LogLines(session.account, session.region, "/aws-glue/sessions", stream)
        self._used = time.monotonic()

    # the session's life

    def _run(self) -> None:
        try:
            status, reason = self._start_and_watch()
        except Exception as error:  # never leave a session without an end
            log.exception("session %s", self.session.session_id)
            status, reason = "FAILED", f"The session could not be started: {error}"
        try:
            self._end(status, reason)
        finally:
            places.leave(self.session.arn)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start_and_watch(self) -> tuple[str, str]:
        from infra.engines.spark.client import DriverLost

        session = self.session
        self._log.tell_engine(session.given["GlueVersion"])
        try:
            role = self._log.role = glue_drivers.assume(session.account, session.given["Role"])
            settings, catalog = glue_drivers.settings(
                role, session.region, session.given, session.given["DefaultArguments"], self._folder
            )
        except glue_drivers.InvalidInput as failure:
            return "FAILED", failure.message
        except glue_drivers.Missing as missing:
            return "FAILED", str(missing)
        if not places.wait(session.arn, lambda: bool(self.outcome[0])):
            return self.outcome
        until = pace.deadline("session provisioning")
        driver = self.driver = glue_drivers.start(settings, catalog, self._log.keep)
        if self.outcome[0]:  # stopped before there was a driver
            driver.stop(STOP_SECONDS)
        try:
            driver.ready.result()
        except DriverLost as lost:
            return self._decided(str(lost))
        pace.pause(until, lambda: bool(self.outcome[0]) or driver.exited.done())
        self._ready()
        while not self.outcome[0]:
            try:
                return self._decided(driver.exited.result(self._next_look()))
            except TimeoutError:
                self._log.write()
                self._check_clocks()
        driver.stop(STOP_SECONDS)
        return self.outcome

    def _ready(self) -> None:
        session = self.session

        def change() -> None:
            session.ready_on = utcnow()
            if session.status == "PROVISIONING":
                session.status = "READY"

        self._used = time.monotonic()
        state.step("glue", session.account, session.region, change, _is_shutting_down)
        notify()

    def _decided(self, reason: str) -> tuple[str, str]:
        """How a session ends whose driver is gone: as it was decided, or FAILED with the driver's reason."""
        return self.outcome if self.outcome[0] else ("FAILED", f"{reason[:1].upper()}{reason[1:]}.")

    def _idle_end(self) -> float:
        return self._used + self.session.given["IdleTimeout"] * glue_drivers.MINUTE

    def _next_look(self) -> float:
        given = self.session.given
        ends = [self._idle_end() - time.monotonic(), given["Timeout"] * glue_drivers.MINUTE - self.session.seconds]
        return min(LOOK_SECONDS, max(0.01, min(ends)))

    def _check_clocks(self) -> None:
        given = self.session.given
        busy = any(statement.state in UNFINISHED for statement in list(self.statements.values()))
        if self.session.seconds > given["Timeout"] * glue_drivers.MINUTE:
            self.outcome = ("TIMEOUT", f"The session ran longer than its timeout of {given['Timeout']} minutes.")
        elif not busy and time.monotonic() > self._idle_end():
            self.outcome = ("TIMEOUT", f"The session was idle for {given['IdleTimeout']} minutes.")

    def _end(self, status: str, reason: str) -> None:
        session = self.session
        if self.driver is not None:
            self.driver.exited.result()

        def change() -> None:
            session.status, session.error = status, reason
            session.completed_on = utcnow()

        state.step("glue", session.account, session.region, change, _is_shutting_down)
        if under_way.get(session.arn) is self:  # else another of its name is there already
            del under_way[session.arn]
        notify()
        self._log.keep("stdout", _bill(session))
        self._log.write()
        if self.driver is not None:
            glue_drivers.keep_spare(self.driver.settings)

    def stop(self, status: str, reason: str) -> None:
        """Begin to end the session; `_run` finishes it."""
        self.outcome = self.outcome if self.outcome[0] else (status, reason)
        if self.driver is not None:
            threading.Thread(target=self.driver.stop, args=(STOP_SECONDS,), daemon=True).start()

    # statements

    def run(self, code: str) -> int:
        """Queue a statement and return its number. Raises DriverLost when the driver has just gone."""
        statement = Statement(len(self.statements), code)
        self._store(statement)  # before it can run: what was acknowledged must be there after a kill
        assert self.driver is not None  # the session is READY
        future = self.driver.run(statement.id, code, started=lambda: self._started(statement))
        self.statements[statement.id] = statement
        self._used = time.monotonic()
        future.add_done_callback(lambda done: self._finished(statement, done))
        return statement.id

    def cancel(self, number: int) -> None:
        statement = self.statements[number]
        if statement.state in UNFINISHED and self.driver is not None:
            statement.state = "CANCELLING"
            self.driver.cancel(number)

    def _started(self, statement: Statement) -> None:
        statement.started_on = milliseconds()
        if statement.state == "WAITING":
            statement.state = "RUNNING"

    def _finished(self, statement: Statement, done: Future[dict]) -> None:
        error = done.exception()
        if error is not None:
            reason = self._decided(str(error))[1] or "The session was stopped."
            finished, output = "ERROR", error_output(statement.id, "SessionEnded", reason, [])
        else:
            finished, output = output_of(statement.id, done.result())
        statement.output, statement.progress = output, 1.0
        statement.completed_on = milliseconds()
        statement.started_on = statement.started_on or statement.completed_on
        statement.state = finished
        self._used = time.monotonic()
        self._store(statement)
        notify()

    def _store(self, statement: Statement) -> None:
        with self.session.file().open("a") as file:
            file.write(json.dumps(asdict(statement)) + "\n")


def start(session: Session) -> None:
    live = under_way[session.arn] = Live(session)
    places.enter(session.arn, session.account)
    live.thread.start()


def notify() -> None:
    with _changed:
        _changed.notify_all()


def wait_while(is_unfinished: Callable[[], bool]) -> None:
    with _changed:
        _changed.wait_for(lambda: _is_shutting_down.is_set() or not is_unfinished(), HOLD_SECONDS)


def milliseconds() -> int:
    return int(time.time() * 1000)


def _bill(session: Session) -> str:
    dpu_seconds = session.seconds * session.dpus
    return (
        f"Session {session.session_id} ended as {session.status}: {session.seconds:.0f} seconds with {session.dpus:g} DPU "
        f"are {dpu_seconds:.0f} DPU-seconds; on AWS USD {max(session.seconds, 60) * session.dpus / 3600 * DPU_HOUR:.4f}."
    )


def resume() -> None:
    """After a restart: no driver is left, so sessions that were alive have ended with the last sign of life on disk."""
    for account, region, backend in list(glue_backends.iter_backends()):
        alive = [session for session in backend.sessions.values() if session.status in ALIVE]
        for session in alive:
            session.error = "The local AWS ended while the session was running; its Spark driver ended too."
            session.status = "STOPPED" if session.status == "STOPPING" else "FAILED"
            session.completed_on = max(session.ready_on or session.created_on, _last_statement(session))
        if alive:
            state.save("glue", account, region)


def carry(stored: Any) -> None:
    """Let the sessions that run be what is on disk of them."""
    for live in list(under_way.values()):
        session = live.session
        mine = (session.account, session.region) == (stored.account_id, stored.region_name)
        if mine and session.session_id in stored.sessions:
            state.follow(session, stored.sessions[session.session_id])


def _last_statement(session: Session) -> datetime:
    try:
        return datetime.fromtimestamp(session.file().stat().st_mtime, UTC).replace(tzinfo=None)
    except FileNotFoundError:
        return session.created_on


def stop() -> None:
    """Stop every session, and wait for the ends of their drivers."""
    _is_shutting_down.set()
    notify()
    running = list(under_way.values())
    for live in running:
        live.stop("STOPPED", "The local AWS was stopped.")
    for live in running:
        live.thread.join(2 * STOP_SECONDS)
