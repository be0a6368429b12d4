"""Interactive sessions of projects: a sample of the dataset, the recipe applied to it step by step, and windows into the result.

What is stored is the session's id and state; frames are made again from the recipe's steps, so a restart loses nothing. One session a project: who
takes it over ends the other's. An idle session ends after 30 minutes, the span that AWS bills.

Sources: https://docs.aws.amazon.com/databrew/latest/dg/API_StartProjectSession.html, API_SendProjectSessionAction.html, API_ViewFrame.html
"""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from infra.local.core import pace, state

from . import rules
from .access import Access, check_role
from .backend import DataBrewBackend, Operation, databrew_backends, found
from .errors import BrewError, conflict, invalid
from .records import Project, Recipe, Session
from .view import window

log = logging.getLogger("workshop.databrew")

IDLE_SECONDS = 30 * 60.0
LOOK_SECONDS = 15.0
MOST_LIVE = 8  # databases in memory; a session beyond them is made again when it is used
RANDOM_SEED = 0
STARTING = ("ASSIGNED", "INITIALIZING")

_live: dict[str, Live] = {}  # session id → its frames
_live_lock = threading.Lock()
_actions = itertools.count(1)
_ends = threading.Event()
_reaper: threading.Thread | None = None


class Live:
    """The frames of an open session: the sample, and what each step of the recipe makes of it."""

    def __init__(self, backend: DataBrewBackend, project: Project):
        self.backend, self.project = backend, project
        self.lock = threading.Lock()
        self.used = time.monotonic()
        self.is_closed = False
        self._workspace: Any = None
        self._steps: list[dict[str, Any]] = []
        self._frames: list[Any] = []
        self._others: dict[tuple[str, str | None], Any] = {}

    def frames(self, steps: list[dict[str, Any]]) -> list[Any]:
        """The sample and the frame after each of the steps; only what changed since the last call is computed.

        Raises DataRefused and StepRefused.
        """
        from .engine import StepRefused, apply

        if not self._frames:
            self._frames = [self._sample()]
        same = _common(self._steps, steps)
        frames = self._frames[: same + 1]
        for number, step in enumerate(steps[same:], same + 1):
            try:
                frames.append(apply(frames[-1], step, self._other).stored())
            except StepRefused as refused:
                raise StepRefused(f"Step {number}: {refused.message}", refused.code) from None
        return frames

    def keep(self, steps: list[dict[str, Any]], frames: list[Any]) -> None:
        self._steps, self._frames = list(steps), frames

    def _sample(self) -> Any:
        from . import reading
        from .engine import sample

        settings = self.project.settings
        self._workspace = reading.workspace(self.backend)
        whole = reading.frame(self._workspace, self._access(), settings["DatasetName"])
        return sample(whole, settings["Sample"]["Type"], settings["Sample"]["Size"], RANDOM_SEED)

    def _other(self, name: str, location: str | None) -> Any:
        from . import reading

        if (name, location) not in self._others:
            self._others[name, location] = reading.other(self._workspace, self._access(), name)
        return self._others[name, location]

    def _access(self) -> Access:
        return Access(self.backend, self.project.settings["RoleArn"], self.project.arn)

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            self._frames, self._others = [], {}
            if self._workspace is not None:
                self._workspace.close()


def _common(old: list[Any], new: list[Any]) -> int:
    return next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))


# --- operations


def start_project_session(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    with state.lock("databrew", backend.account_id):
        project = found(backend.projects, "project", given["Name"])
        check_role(backend.account_id, project.settings["RoleArn"], "ValidationException")
        session = project.session
        if session and session.status in (*STARTING, "READY") and not given.get("AssumeControl"):
            raise conflict(
                f"The project {project.name} is open in another session of {project.user}. "
                "Set AssumeControl to take control of it."
            )
        forget(project)
        session = project.session = Session(secrets.token_hex(16), "INITIALIZING", time.time())
        backend.save()
    threading.Thread(target=_open, args=(backend, project, session), name="databrew-session", daemon=True).start()
    _watch_idle()
    return {"Name": project.name, "ClientSessionId": session.id}


def send_project_session_action(backend: DataBrewBackend, given: dict[str, Any]) -> dict[str, Any]:
    from .engine import DataRefused, StepRefused

    with state.lock("databrew", backend.account_id):
        project = found(backend.projects, "project", given["Name"])
        session = _session(project, given.get("ClientSessionId"))
        recipe = found(backend.recipes, "recipe", project.settings["RecipeName"])
    with _used(backend, project, session) as live:
        try:
            shown = _act(live, recipe, given)
            result = window(shown, given.get("ViewFrame")) | {
                "stepIndex": given.get("StepIndex", len(recipe.working.steps))
            }
        except StepRefused as refused:
            status = 402 if refused.code == "ServiceQuotaExceededException" else 400
            raise BrewError(refused.code, status, refused.message) from None
        except DataRefused as refused:
            raise invalid(refused.message) from None
    return {"Result": json.dumps(result), "Name": project.name, "ActionId": next(_actions)}


def _session(project: Project, session_id: str | None) -> Session:
    """The session that an action is for. Raises BrewError unless it is open and the caller's."""
    session = project.session
    if session is None or session.status == "TERMINATED":
        raise conflict(f"The project {project.name} has no open session: call StartProjectSession first.")
    if session.status in STARTING:
        raise conflict(f"The session of the project {project.name} is not ready: its status is {session.status}.")
    if session.status == "FAILED":
        raise conflict(f"The session of the project {project.name} failed: {session.error}")
    if session_id is not None and session_id != session.id:
        raise conflict(
            f"The session {session_id} was ended: another session took control of the project {project.name}."
        )
    return session


def _act(live: Live, recipe: Recipe, given: dict[str, Any]) -> Any:
    """Do what an action asks for; return the frame that it shows.

    A step goes in after the first StepIndex steps, at the end without it; those behind it are applied again. Without a step, the frame after the
    first StepIndex steps is shown, and unless it is a preview, the steps behind it are taken back.
    """
    steps, index, is_kept = list(recipe.working.steps), given.get("StepIndex"), not given.get("Preview", False)
    at = len(steps) if index is None else index
    if at > len(steps):
        raise invalid(f"StepIndex {at} is beyond the {len(steps)} steps of the recipe.")
    step = given.get("RecipeStep")
    changed = [*steps[:at], step, *steps[at:]] if step else steps[:at]
    if step:
        rules.check_steps(changed)
    frames = live.frames(changed if step else steps)
    if not step and not is_kept:
        live.keep(steps, frames)
    elif is_kept and changed != steps:
        _save(live.backend, recipe, changed)
    if is_kept:
        live.keep(changed, frames[: len(changed) + 1])
    if step:
        return frames[at + 1] if index is not None and not is_kept else frames[-1]
    return frames[at]


def _save(backend: DataBrewBackend, recipe: Recipe, steps: list[dict[str, Any]]) -> None:
    with state.lock("databrew", backend.account_id):
        recipe.change_working(steps, recipe.working.description)
        backend.save()


# --- opening, closing


@contextmanager
def _used(backend: DataBrewBackend, project: Project, session: Session) -> Iterator[Live]:
    """The session's frames, held by this thread. Raises BrewError when the session ended meanwhile."""
    while session.status == "READY":
        live = _get(backend, project, session)
        with live.lock:
            live.used = time.monotonic()
            if not live.is_closed:  # else others' sessions had taken its place in memory
                yield live
                return
    raise conflict(f"The session of the project {project.name} was ended.")


def _get(backend: DataBrewBackend, project: Project, session: Session) -> Live:
    with _live_lock:
        live = _live.get(session.id)
        if live is None:
            live = _live[session.id] = Live(backend, project)
        idle = sorted((one for one in _live.values() if one is not live), key=lambda one: one.used)
        for old in idle[: max(0, len(_live) - MOST_LIVE)]:
            _drop(old)
    return live


def _drop(live: Live) -> None:
    for name in [name for name, one in _live.items() if one is live]:
        del _live[name]
    threading.Thread(target=live.close, daemon=True).start()  # an action may still use it


def _open(backend: DataBrewBackend, project: Project, session: Session) -> None:
    """Make the sample and apply the recipe to it, so that the first action finds them."""
    from .engine import DataRefused, StepRefused

    live = _get(backend, project, session)
    until, error = pace.deadline("databrew session"), ""
    with live.lock:
        try:
            steps = list(backend.recipes[project.settings["RecipeName"]].working.steps)
            live.keep([], live.frames([]))
            live.keep(steps, live.frames(steps))
        except DataRefused as refused:
            error = refused.message
        except StepRefused as refused:
            log.info(
                "session of %s: %s", project.name, refused.message
            )  # the grid opens; the action says what is wrong
        except Exception as failure:  # never leave a session that is not ready and has no reason
            log.exception("session of %s", project.name)
            error = f"The session could not be opened: {type(failure).__name__}"
    pace.pause(until, lambda: _ends.is_set() or session.status not in STARTING)

    def change() -> None:
        if session.status in STARTING and not _ends.is_set():
            session.status, session.error = ("FAILED", error) if error else ("READY", "")

    backend.step(change, _ends)


def forget(project: Project) -> None:
    """End the session of a project, if it has one."""
    if project.session is None:
        return
    project.session.status = "TERMINATED"
    with _live_lock:
        live = _live.get(project.session.id)
        if live is not None:
            _drop(live)


def _watch_idle() -> None:
    global _reaper
    with _live_lock:
        if _reaper is None:
            _reaper = threading.Thread(target=_end_idle, name="databrew-idle", daemon=True)
            _reaper.start()


def _end_idle() -> None:
    while not _ends.wait(LOOK_SECONDS):
        for live in list(_live.values()):
            if time.monotonic() - live.used > IDLE_SECONDS:
                live.backend.step(partial(forget, live.project), _ends)


def resume() -> None:
    """After a restart: open sessions stay open, their frames are made again when they are used; what was opening is opened again."""
    backends: list[Any] = [backend for _, _, backend in list(databrew_backends.iter_backends())]
    for backend in backends:
        for project in backend.projects.values():
            if project.session and project.session.status in STARTING:
                threading.Thread(target=_open, args=(backend, project, project.session), daemon=True).start()
            if project.session and project.session.status == "READY":
                _get(backend, project, project.session)
    _watch_idle()


def carry(live: DataBrewBackend, stored: DataBrewBackend) -> None:
    """Let projects, recipes and sessions that threads work on be what is on disk of them."""
    for name, recipe in live.recipes.items():
        if name in stored.recipes:
            state.follow(recipe, stored.recipes[name])
    for name, project in live.projects.items():
        if name not in stored.projects:
            continue
        mine, there = project.session, stored.projects[name].session
        if mine is not None and there is not None and mine.id == there.id:
            state.follow(mine, there)
        state.follow(project, stored.projects[name])


def stop() -> None:
    _ends.set()


OPERATIONS: dict[str, Operation] = {
    "StartProjectSession": start_project_session,
    "SendProjectSessionAction": send_project_session_action,
}
