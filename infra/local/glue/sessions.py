"""Glue interactive sessions: each a Spark driver in a process of its own, with numbered statements that outlive it.

Statements are kept in a file a session, `glue/sessions/<hash of the id>.jsonl`, one line at each change; the newest line of a number counts.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-interactive-sessions.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.glue.exceptions import (
    EntityNotFoundException,
    IllegalSessionStateException,
    SessionAlreadyExistsException,
)
from moto.glue.models import GlueBackend, glue_backends

from infra.local.core import members, pace, state
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.catalog.backend import CatalogResponse, page
from infra.local.glue.drivers import LOOK_SECONDS, STOP_SECONDS, InvalidInput, NotSupported
from infra.local.glue.places import Places

if TYPE_CHECKING:
    from infra.engines.spark.client import SparkDriver

log = logging.getLogger("workshop.glue_sessions")

HOLD_SECONDS = 5.0  # how long GetSession and GetStatement wait for the end of what is under way
DEFAULT_TIMEOUT = 2880  # minutes
DEFAULT_WORKERS = 5
PAGE = 100  # statements or sessions in one answer
DPU_HOUR = 0.44  # USD, us-east-1: https://aws.amazon.com/glue/pricing/

ALIVE = ("PROVISIONING", "READY", "STOPPING")
UNFINISHED = ("WAITING", "RUNNING", "CANCELLING")


class TooManySessions(JsonRESTError):
    def __init__(self, most: int):
        super().__init__(
            "ResourceNumberLimitExceededException",
            f"This account has {most} sessions already that run or wait for a place. Stop one before you create the next.",
        )


def _share() -> int:
    """Return how many places one account may have: in a class a quarter of them, so that nobody keeps the others out."""
    return max(1, glue_drivers.limit() // 4) if members.enforced() else glue_drivers.limit()


_places = Places(glue_drivers.limit, _share)
CLASS_IDLE_MINUTES = 30
MOST_OF_ONE = 20  # sessions of an account that run or wait


@dataclass
class Statement:
    """One statement; times are milliseconds since 1970, 0 while not reached."""

    id: int
    code: str
    state: str = "WAITING"
    output: dict[str, Any] = field(default_factory=dict)
    progress: float = 0.0
    started_on: int = 0
    completed_on: int = 0

    def as_dict(self) -> dict[str, Any]:
        answer = {
            "Id": self.id,
            "Code": self.code,
            "State": self.state,
            "Output": self.output,
            "Progress": self.progress,
            "StartedOn": self.started_on,
            "CompletedOn": self.completed_on,
        }
        return {name: value for name, value in answer.items() if value != 0 or name in ("Id", "Progress")}


class Session:
    """What is kept of a session; its running part is a Live."""

    def __init__(self, account: str, region: str, given: dict[str, Any]):
        self.account, self.region = account, region
        self.session_id: str = given["Id"]
        self.arn = f"arn:aws:glue:{region}:{account}:session/{self.session_id}"
        self.given = given
        self.status = "PROVISIONING"
        self.error = ""
        self.created_on = utcnow()
        self.ready_on: datetime | None = None
        self.completed_on: datetime | None = None

    @property
    def dpus(self) -> float:
        return glue_drivers.dpus(self.given)

    @property
    def seconds(self) -> float:
        """How long it could run statements."""
        if self.ready_on is None:
            return 0.0
        return ((self.completed_on or utcnow()) - self.ready_on).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        names = ("Id", "Description", "Role", "Command", "DefaultArguments", "Connections", "SecurityConfiguration")
        names += ("GlueVersion", "NumberOfWorkers", "WorkerType", "IdleTimeout", "Timeout", "SessionType")
        answer = {name: self.given.get(name) for name in names}
        answer |= {
            "CreatedOn": self.created_on,
            "Status": self.status,
            "ErrorMessage": self.error or self._waits() or None,
            "Progress": 0.0 if self.status == "PROVISIONING" else 1.0,
            "MaxCapacity": self.dpus,
            "CompletedOn": self.completed_on,
            "ExecutionTime": self.seconds if self.completed_on else None,
            "DPUSeconds": self.seconds * self.dpus if self.completed_on else None,
        }
        return {name: value for name, value in answer.items() if value is not None}

    def _waits(self) -> str:
        """Return which place in the queue it has, "" when it does not wait."""
        place = _places.place(self.arn) if self.status == "PROVISIONING" else 0
        return (
            f"queue place {place}: {glue_drivers.limit()} sessions run at once here, and all of them are taken."
            if place
            else ""
        )

    def file(self) -> Path:
        folder = state.folder("glue", self.account, self.region) / "sessions"
        folder.mkdir(exist_ok=True)
        return folder / f"{hashlib.sha256(self.session_id.encode()).hexdigest()[:32]}.jsonl"


# --- what runs ------------------------------------------------------------------------------------------------------

_live: dict[str, Live] = {}  # ARN → its running part
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
            _places.leave(self.session.arn)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start_and_watch(self) -> tuple[str, str]:
        from infra.engines.spark.client import DriverLost

        session = self.session
        self._log.tell_engine(session.given["GlueVersion"])
        try:
            role = self._log.role = glue_drivers.assume(session.account, session.given["Role"])
            settings, catalog = glue_drivers.settings(
                role, session.region, session.given["DefaultArguments"], self._folder
            )
        except glue_drivers.InvalidInput as failure:
            return "FAILED", failure.message
        except glue_drivers.Missing as missing:
            return "FAILED", str(missing)
        if not _places.wait(session.arn, lambda: bool(self.outcome[0])):
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
        _notify()

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
        if _live.get(session.arn) is self:  # else another of its name is there already
            del _live[session.arn]
        _notify()
        self._log.keep("stdout", _bill(session))
        self._log.write()
        if self.driver is not None:
            glue_drivers.keep_spare(self.driver.settings, self.driver.catalog)

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
        future = self.driver.run(statement.id, code, started=lambda: self._started(statement))
        self.statements[statement.id] = statement
        self._used = time.monotonic()
        future.add_done_callback(lambda done: self._finished(statement, done))
        return statement.id

    def cancel(self, number: int) -> None:
        statement = self.statements[number]
        if statement.state in UNFINISHED:
            statement.state = "CANCELLING"
            self.driver.cancel(number)

    def _started(self, statement: Statement) -> None:
        statement.started_on = _milliseconds()
        if statement.state == "WAITING":
            statement.state = "RUNNING"

    def _finished(self, statement: Statement, done: Future[dict]) -> None:
        error = done.exception()
        if error is not None:
            reason = self._decided(str(error))[1] or "The session was stopped."
            finished, output = "ERROR", _error_output(statement.id, "SessionEnded", reason, [])
        else:
            finished, output = _output(statement.id, done.result())
        statement.output, statement.progress = output, 1.0
        statement.completed_on = _milliseconds()
        statement.started_on = statement.started_on or statement.completed_on
        statement.state = finished
        self._used = time.monotonic()
        self._store(statement)
        _notify()

    def _store(self, statement: Statement) -> None:
        with self.session.file().open("a") as file:
            file.write(json.dumps(asdict(statement)) + "\n")


def _start(session: Session) -> None:
    live = _live[session.arn] = Live(session)
    _places.enter(session.arn, session.account)
    live.thread.start()


def _notify() -> None:
    with _changed:
        _changed.notify_all()


def _wait_while(is_unfinished: Callable[[], bool]) -> None:
    with _changed:
        _changed.wait_for(lambda: _is_shutting_down.is_set() or not is_unfinished(), HOLD_SECONDS)


def _milliseconds() -> int:
    return int(time.time() * 1000)


def _bill(session: Session) -> str:
    dpu_seconds = session.seconds * session.dpus
    return (
        f"Session {session.session_id} ended as {session.status}: {session.seconds:.0f} seconds with {session.dpus:g} DPU "
        f"are {dpu_seconds:.0f} DPU-seconds; on AWS USD {max(session.seconds, 60) * session.dpus / 3600 * DPU_HOUR:.4f}."
    )


def _output(number: int, result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a statement's last state and its Output. A REPL's order: printed text, value of the last line, stderr."""
    text = f"{result['stdout']}{result.get('text', '')}"
    text = f"{text}{chr(10) if result.get('text') else ''}{result['stderr']}".rstrip()
    if result["status"] == "cancelled":
        return "CANCELLED", {"ExecutionCount": number, "Status": "CANCELLED"}
    if result["status"] == "error":
        output = _error_output(number, result["ename"], result["evalue"], result["traceback"])
        return "AVAILABLE", output | ({"Data": {"TextPlain": text}} if text else {})
    images = result["images"]
    data = {"TextPlain": text}
    if images:
        if len(images) > 1:
            text = f"{text}\n{len(images)} figures were drawn; a statement can show one, this is the last.".lstrip()
        data = {"TextPlain": text, "MimeType": "image/png;base64", "Result": images[-1], "StdOut": text}
    return "AVAILABLE", {"Data": data, "ExecutionCount": number, "Status": "ok"}


def _error_output(number: int, name: str, value: str, trace: list[str]) -> dict[str, Any]:
    return {"ExecutionCount": number, "Status": "error", "ErrorName": name, "ErrorValue": value, "Traceback": trace}


def _stored_statements(session: Session) -> dict[int, Statement]:
    """Read a session's statements; those that never ended are ERROR when the session is no longer alive."""
    statements: dict[int, Statement] = {}
    try:
        lines = session.file().read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            statement = Statement(**json.loads(line))
        except json.JSONDecodeError:  # half a line, from a server that was killed while it wrote
            continue
        statements[statement.id] = statement
    for statement in statements.values():
        if statement.state in UNFINISHED:
            statement.state = "ERROR"
            statement.output = _error_output(statement.id, "SessionEnded", session.error, [])
    return statements


# --- what is refused --------------------------------------------------------------------------------------------------


def _check(backend: Any, given: dict[str, Any]) -> None:
    """Refuse what a session here cannot be; fill in AWS's defaults."""
    if given["Command"].get("Name") not in ("glueetl", "gluestreaming"):
        raise InvalidInput("Command.Name must be glueetl or gluestreaming.")
    if given["Command"].get("PythonVersion", "3") not in ("3", "3.9"):
        raise InvalidInput("Command.PythonVersion must be 3.")
    if given.get("SessionType", "LIVY") != "LIVY":
        raise NotSupported("Sessions of the type SPARK_CONNECT are not part of the local AWS.")
    glue_drivers.check_connections(given)
    if name := given.get("SecurityConfiguration"):
        backend.get_security_configuration(name)
    given.setdefault("Timeout", DEFAULT_TIMEOUT)
    given.setdefault("IdleTimeout", given["Timeout"])
    if members.enforced():  # others wait for the place
        given["IdleTimeout"] = min(given["IdleTimeout"], CLASS_IDLE_MINUTES)
    glue_drivers.check_arguments(given.setdefault("DefaultArguments", {}))
    glue_drivers.check_engine(given, DEFAULT_WORKERS)
    glue_drivers.assume(backend.account_id, given["Role"])


# --- the backend ------------------------------------------------------------------------------------------------------


class Sessions(GlueBackend):
    """The operations on sessions and statements."""

    def create_session(self, **given: Any) -> Session:  # type: ignore[override]
        if given["Id"] in self.sessions:
            raise SessionAlreadyExistsException()
        _check(self, given)
        if sum(live.session.account == self.account_id for live in list(_live.values())) >= MOST_OF_ONE:
            raise TooManySessions(MOST_OF_ONE)
        session = Session(self.account_id, self.region_name, given)
        self.tag_resource(session.arn, given.get("Tags"))
        self.sessions[session.session_id] = session
        state.afterwards(lambda: _start(session))
        return session

    def stop_session(self, session_id: str) -> None:
        session = self.get_session(session_id)
        if session.status == "FAILED":  # AWS's kernel tells its users to stop a failed session before the next
            return
        if session.status not in ("PROVISIONING", "READY"):
            raise IllegalSessionStateException(f"Session is in {session.status} status")
        session.status = "STOPPING"
        live = _live[session.arn]
        state.afterwards(lambda: live.stop("STOPPED", ""))

    def delete_session(self, session_id: str) -> None:
        session = self.get_session(session_id)
        if session.status in ALIVE:
            raise IllegalSessionStateException(f"Session is in {session.status} status")
        del self.sessions[session_id]
        self.tagger.delete_all_tags_for_resource(session.arn)
        state.afterwards(lambda: session.file().unlink(missing_ok=True))

    def run_statement(self, session_id: str, code: str) -> int:
        from infra.engines.spark.client import DriverLost

        live = self._running(session_id)
        try:
            return live.run(code)
        except DriverLost as lost:
            raise IllegalSessionStateException(f"Session is in FAILED status: {lost}") from None

    def cancel_statement(self, session_id: str, number: int) -> None:
        live = self._running(session_id)
        self.statement(session_id, number)
        live.cancel(number)

    def statements(self, session_id: str) -> dict[int, Statement]:
        """Return a session's statements by number, their progress up to date. Raises EntityNotFoundException."""
        session = self.get_session(session_id)
        live = _live.get(session.arn)
        if live is None:
            return _stored_statements(session)
        for statement in list(live.statements.values()):
            if statement.state == "RUNNING":
                statement.progress = live.driver.progress.get(statement.id, 0.0)
        return live.statements

    def statement(self, session_id: str, number: int) -> Statement:
        """Return one statement. Raises EntityNotFoundException."""
        statement = self.statements(session_id).get(number)
        if statement is None:
            raise EntityNotFoundException(f"Statement {number} not found.")
        return statement

    def _running(self, session_id: str) -> Live:
        session = self.get_session(session_id)
        if session.status == "TIMEOUT":  # AWS's own kernel begins a new session at this error
            raise InvalidInput(f"Session {session_id} is in TIMEOUT status. {session.error}")
        if session.status != "READY":
            raise IllegalSessionStateException(f"Session is in {session.status} status")
        return _live[session.arn]


# --- the API ----------------------------------------------------------------------------------------------------------


class SessionsResponse(CatalogResponse):
    def create_session(self) -> ActionResult:
        return ActionResult({"Session": self.glue_backend.create_session(**self.given()).as_dict()})

    def get_session(self) -> ActionResult:
        session = self.glue_backend.get_session(self.parameters["Id"])
        _wait_while(lambda: session.status == "PROVISIONING")
        return ActionResult({"Session": session.as_dict()})

    def list_sessions(self) -> ActionResult:
        given = self.given()
        wanted = given.get("Tags", {}).items()
        backend = self.glue_backend
        found = [each for each in backend.sessions.values() if wanted <= backend.get_tags(each.arn).items()]
        part, token = page(found, given.get("NextToken"), given.get("MaxResults", PAGE))
        answer = {"Ids": [session.session_id for session in part], "Sessions": [session.as_dict() for session in part]}
        return ActionResult(answer | ({"NextToken": token} if token else {}))

    def run_statement(self) -> ActionResult:
        given = self.given()
        return ActionResult({"Id": self.glue_backend.run_statement(given["SessionId"], given["Code"])})

    def get_statement(self) -> str:
        backend, session_id, number = self.glue_backend, self.parameters["SessionId"], self.parameters["Id"]
        statement = backend.statement(session_id, number)
        _wait_while(lambda: statement.state in UNFINISHED)
        return json.dumps({"Statement": backend.statement(session_id, number).as_dict()})

    def list_statements(self) -> str:
        statements = list(self.glue_backend.statements(self.parameters["SessionId"]).values())
        part, token = page(statements, self.parameters.get("NextToken"), PAGE)
        answer = {"Statements": [statement.as_dict() for statement in part]}
        return json.dumps(answer | ({"NextToken": token} if token else {}))

    def cancel_statement(self) -> ActionResult:
        self.glue_backend.cancel_statement(self.parameters["SessionId"], self.parameters["Id"])
        return ActionResult({})


# --- start and stop of the server -------------------------------------------------------------------------------------


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
    for live in list(_live.values()):
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
    _notify()
    running = list(_live.values())
    for live in running:
        live.stop("STOPPED", "The local AWS was stopped.")
    for live in running:
        live.thread.join(2 * STOP_SECONDS)
