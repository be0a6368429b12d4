"""Execution environments that are there: taken for one event, given back, ended when idle, all in all no more than fit the machine.

An account's limit is AWS's; the machine's is lower, and who comes while all are busy waits for one, in turn by account.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from infra.engines.lambda_.environment import Environment
from infra.engines.lambda_.invocation import Spec
from infra.engines.lambda_.launching import Launcher
from infra.local.core import state
from infra.local.lambda_.errors import LambdaError

ACCOUNT_CONCURRENCY = 1000
UNRESERVED_MINIMUM = 100
IDLE_SECONDS = 300.0
SWEEP_SECONDS = 5.0
LIFE_SECONDS = 3000.0  # shorter than the session of the function's role
WAIT_SECONDS = 60.0  # for a free place on the machine
EACH_BYTES = 256 * 1024 * 1024


def _places() -> int:
    """Return how many environments fit the machine: by its memory, at least 8 and at most 64."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(8, min(64, memory // EACH_BYTES))


@dataclass(frozen=True)
class Key:
    """What an environment can serve: one version of one function, as it was configured."""

    account: str
    function: str
    version: str
    revision: str


@dataclass(eq=False)
class Place:
    """An environment and what the pool knows of it.

    Parameters
    ----------
    stream: the log stream of this environment
    fresh: it has served no event yet
    """

    key: Key
    environment: Environment
    stream: str
    folder: Path
    used: float = 0.0
    fresh: bool = True
    started: float = field(default_factory=time.monotonic)


class Pool:
    """All environments of the server."""

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.launcher: Launcher | None = None
        self.limit = _places()
        self._idle: dict[Key, list[Place]] = {}
        self._busy: dict[str, int] = {}  # function ARN → events under way
        self._account_busy: dict[str, int] = {}
        self._places = 0
        self._retired: dict[tuple[str, str, str], float] = {}  # account, function, version ("": all) → when
        self._waiting: deque[str] = deque()  # accounts in turn
        self._sweeper: threading.Thread | None = None
        self._stopping = False

    # --- concurrency ------------------------------------------------------------------------------------------------

    def enter(self, account: str, arn: str, reserved: int | None, reserved_of_all: int) -> None:
        """Count one event under way. Raises LambdaError when the function's or the account's concurrency is used up."""
        with self.lock:
            busy = self._busy.get(arn, 0)
            if reserved is not None and busy >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            if reserved is None and self._account_busy.get(account, 0) >= ACCOUNT_CONCURRENCY - reserved_of_all:
                raise throttled("ConcurrentInvocationLimitExceeded")
            self._busy[arn] = busy + 1
            self._account_busy[account] = self._account_busy.get(account, 0) + 1

    def leave(self, account: str, arn: str) -> int:
        """Count the end of one event; return how many of the function were under way with it."""
        with self.lock:
            before = self._busy[arn]
            self._busy[arn] = before - 1
            if before == 1:
                del self._busy[arn]
            self._account_busy[account] -= 1
            return before

    # --- environments -----------------------------------------------------------------------------------------------

    def take(self, key: Key) -> Place | None:
        """Return an idle environment, or None with a place reserved for a new one. Raises LambdaError after a long wait."""
        deadline = time.monotonic() + WAIT_SECONDS
        unwanted: Place | None = None
        with self.lock:
            if self._stopping:
                raise LambdaError(
                    "TooManyRequestsException", "The local AWS is stopping.", Reason="CallerRateLimitExceeded"
                )
            ticket = False
            while True:
                idle = self._idle.get(key)
                if idle:
                    place = idle.pop()
                    if ticket:
                        self._waiting.remove(key.account)
                    return place
                first = not self._waiting or self._waiting[0] == key.account
                if first and (self._places < self.limit or (unwanted := self._oldest_idle()) is not None):
                    if ticket:
                        self._waiting.remove(key.account)
                    self._places += 1
                    break
                if not ticket:
                    self._waiting.append(key.account)
                    ticket = True
                if not self.lock.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    self._waiting.remove(key.account)
                    raise throttled("ConcurrentInvocationLimitExceeded")
        if unwanted is not None:
            self._end(unwanted)
        return None

    def _oldest_idle(self) -> Place | None:
        """Take the environment away that is idle for longest, to make room."""
        places = [place for idle in self._idle.values() for place in idle]
        if not places:
            return None
        oldest = min(places, key=lambda place: place.used)
        self._idle[oldest.key].remove(oldest)
        self._places -= 1
        return oldest

    def start(self, key: Key, spec: Spec, stream: str, folder: Path) -> Place:
        """Start an environment in the place that `take` reserved."""
        try:
            with self.lock:
                if self.launcher is None:
                    self.launcher = Launcher(state.root() / "lambda")
                if self._sweeper is None:
                    self._sweeper = threading.Thread(target=self._sweep, name="lambda-idle", daemon=True)
                    self._sweeper.start()
            return Place(key, Environment(self.launcher, spec), stream, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            self._freed()
            raise

    def abandon(self) -> None:
        """Give back a place for which no environment was started."""
        self._freed()

    def give_back(self, place: Place, usable: bool) -> None:
        """Keep an environment for the next event, or end it."""
        place.used, place.fresh = time.monotonic(), False
        with self.lock:
            if usable and place.started > self._retired_at(place.key) and not self._stopping:
                self._idle.setdefault(place.key, []).append(place)
                self.lock.notify_all()
                return
        if usable:
            place.environment.stop()
        shutil.rmtree(place.folder, ignore_errors=True)
        self._freed()

    def _retired_at(self, key: Key) -> float:
        every, own = (key.account, key.function, ""), (key.account, key.function, key.version)
        too_old = time.monotonic() - LIFE_SECONDS
        return max(self._retired.get(every, 0.0), self._retired.get(own, 0.0), too_old)

    def _freed(self) -> None:
        with self.lock:
            self._places -= 1
            self.lock.notify_all()

    def _end(self, place: Place) -> None:
        place.environment.stop()
        shutil.rmtree(place.folder, ignore_errors=True)

    def retire(self, account: str, function: str, version: str = "") -> None:
        """End the environments of a function (or one of its versions) that changed or is gone, when their event is done."""
        with self.lock:
            matching = [
                key
                for key in self._idle
                if key.account == account and key.function == function and version in ("", key.version)
            ]
            ended = [place for key in matching for place in self._idle.pop(key)]
            self._retired[(account, function, version)] = time.monotonic()
            self._places -= len(ended)
            self.lock.notify_all()
        for place in ended:
            self._end(place)

    def _sweep(self) -> None:
        while True:
            with self.lock:
                if self.lock.wait_for(lambda: self._stopping, SWEEP_SECONDS):
                    return
                now = time.monotonic()
                ended = []
                for key, idle in list(self._idle.items()):
                    ended += [place for place in idle if now - place.used > IDLE_SECONDS]
                    self._idle[key] = [place for place in idle if now - place.used <= IDLE_SECONDS]
                    if not self._idle[key]:
                        del self._idle[key]
                self._places -= len(ended)
            for place in ended:
                self._end(place)

    def stop(self) -> None:
        """End everything. The launcher takes all environments with it."""
        with self.lock:
            self._stopping = True
            self.lock.notify_all()
            launcher, self.launcher = self.launcher, None
        if launcher is not None:
            launcher.stop()


def throttled(reason: str) -> LambdaError:
    return LambdaError("TooManyRequestsException", "Rate Exceeded.", Reason=reason)


def new_folder() -> Path:
    """Return a folder for one environment's own files."""
    root = state.root() / "lambda" / "environments"
    root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=root))


def forget_folders() -> None:
    """Delete what the environments of a killed server have left."""
    shutil.rmtree(state.root() / "lambda" / "environments", ignore_errors=True)


POOL = Pool()


def retire(account: str, function: str, version: str = "") -> None:
    POOL.retire(account, function, version)
