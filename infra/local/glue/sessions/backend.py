"""Glue interactive sessions: the operations on sessions and statements, and what is refused.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-interactive-sessions.html
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.exceptions import (
    EntityNotFoundException,
    IllegalSessionStateException,
    SessionAlreadyExistsException,
)
from moto.glue.models import GlueBackend

from infra.local.core import members, state
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.drivers import InvalidInput, NotSupported
from infra.local.glue.sessions.record import ALIVE, Session, Statement, stored_statements
from infra.local.glue.sessions.running import Live, start, under_way

DEFAULT_TIMEOUT = 2880  # minutes
DEFAULT_WORKERS = 5


class TooManySessions(JsonRESTError):
    def __init__(self, most: int):
        super().__init__(
            "ResourceNumberLimitExceededException",
            f"This account has {most} sessions already that run or wait for a place. Stop one before you create the next.",
        )


CLASS_IDLE_MINUTES = 30
MOST_OF_ONE = 20  # sessions of an account that run or wait


def check_session(backend: Any, given: dict[str, Any]) -> None:
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


class Sessions(GlueBackend):
    """The operations on sessions and statements."""

    def create_session(self, **given: Any) -> Session:  # type: ignore[override]
        if given["Id"] in self.sessions:
            raise SessionAlreadyExistsException()
        check_session(self, given)
        if sum(live.session.account == self.account_id for live in list(under_way.values())) >= MOST_OF_ONE:
            raise TooManySessions(MOST_OF_ONE)
        session = Session(self.account_id, self.region_name, given)
        self.tag_resource(session.arn, given.get("Tags"))
        self.sessions[session.session_id] = session
        state.afterwards(lambda: start(session))
        return session

    def stop_session(self, session_id: str) -> None:
        session = self.get_session(session_id)
        if session.status == "FAILED":  # AWS's kernel tells its users to stop a failed session before the next
            return
        if session.status not in ("PROVISIONING", "READY"):
            raise IllegalSessionStateException(f"Session is in {session.status} status")
        session.status = "STOPPING"
        live = under_way[session.arn]
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
        live = under_way.get(session.arn)
        if live is None:
            return stored_statements(session)
        for statement in list(live.statements.values()):
            if statement.state == "RUNNING" and live.driver is not None:
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
        return under_way[session.arn]
