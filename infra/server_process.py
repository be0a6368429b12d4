"""Find, start and stop the local AWS of a project folder from another process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

PROBE_BYTES = 65_536
START_SECONDS = 30.0
STOP_SECONDS = 30.0
ASK_SECONDS = 120.0


class LocalAwsError(RuntimeError):
    """The local AWS could not be started or stopped; the message says what to do."""


class Running(NamedTuple):
    """A server that answers: its process id, the URL of its endpoint, and its key, which opens the pages for whoever leads."""

    pid: int
    endpoint: str
    key: str = ""


def find(home: Path) -> Running | None:
    """Return the running server of a home folder, or None; for a learner's folder the one that the whole class has."""
    shared = _of_class(home)
    if shared:
        return Running(0, shared) if _answers(shared) else None
    try:
        told = orjson.loads((home / "server.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError):
        return None
    endpoint = f"http://127.0.0.1:{told['port']}"
    return Running(told["pid"], endpoint, told.get("key", "")) if _is_ours(told["pid"]) and _answers(endpoint) else None


def _of_class(home: Path) -> str:
    """Return the endpoint of the class to which a home folder belongs, "" for one that is nobody's but its owner's."""
    file = home / "class.json"
    return orjson.loads(file.read_bytes())["endpoint"] if file.exists() else ""


def _is_ours(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_workshop/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def ask(running: Running, method: str, path: str) -> Any:
    """Return what a page of the server's own answers, with its key; `path` begins with /_workshop/.

    Raises LocalAwsError with what the server says when it refuses.
    """
    asked = urllib.request.Request(f"{running.endpoint}{path}", method=method, headers={"x-workshop-key": running.key})
    try:
        with urllib.request.urlopen(asked, timeout=ASK_SECONDS) as answer:
            return orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise LocalAwsError(f"The local AWS has refused {path}: {error.read().decode(errors='replace')}") from None


def check_writable(home: Path) -> None:
    """Check that the server can write to its home folder, which is made. Raises LocalAwsError with what is wrong."""
    probe = home / f".probe-{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(bytes(PROBE_BYTES))
    except OSError as error:
        raise LocalAwsError(
            f"The local AWS cannot write to its folder {home}: {error.strerror}. Make room there, or choose another folder with WORKSHOP_HOME."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def pace(endpoint: str) -> float:
    """Return the pace of a running server: 0 where it is off. Raises OSError."""
    with urllib.request.urlopen(f"{endpoint}/_workshop/health", timeout=5) as answer:
        return float(orjson.loads(answer.read()).get("pace", 0))


def start(
    home: Path, port: int | None = None, shard_limits: bool = False, settings: Mapping[str, object] | None = None
) -> Running:
    """Return the server of a home folder; start it when it is not running.

    Parameters
    ----------
    shard_limits: enforce how much may be written in a second
    settings: more options of `python -m infra.local.server`, for example {"members": path}, {"pace": 0.2}

    Raises LocalAwsError when it does not come up: port taken, disk full, broken state.
    """
    running = find(home)
    if running is not None:
        return running
    if _of_class(home):
        raise LocalAwsError(
            "The local AWS of the class does not answer. Tell whoever leads the class; nothing stored is lost."
        )
    check_writable(home)
    command = [os.environ.get("WORKSHOP_PYTHON", sys.executable), "-m", "infra.local.server", "--home", str(home)]
    if port is not None:
        command += ["--port", str(port)]
    if shard_limits:
        command += ["--shard-limits"]
    for name, value in (settings or {}).items():
        command += [f"--{name}", str(value)]
    with open(home / "server.out", "wb") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=home
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        running = find(home)
        if running is not None:
            return running
        if child.poll() is not None:
            last = (home / "server.out").read_text(errors="replace").strip().splitlines()
            raise LocalAwsError(
                f"The local AWS did not start: {last[-1] if last else 'no message'} (log: {home / 'server.log'})"
            )
        time.sleep(0.02)
    child.kill()
    raise LocalAwsError(f"The local AWS did not answer within {START_SECONDS:.0f} s; its log is {home / 'server.log'}.")


def stop(home: Path) -> bool:
    """Stop the server of a home folder and wait until it is gone; False when none was running.

    Raises LocalAwsError when it does not end.
    """
    if _of_class(home):
        raise LocalAwsError("The local AWS is the whole class's: only whoever leads it stops it.")
    running = find(home)
    if running is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if not _is_alive(running.pid):
            return True
        time.sleep(0.02)
    raise LocalAwsError(f"The local AWS (process {running.pid}) did not stop within {STOP_SECONDS:.0f} s.")


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:  # our own child: take its exit status
            return False
    return _is_ours(pid)
