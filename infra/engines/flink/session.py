"""An existing Flink session cluster in place of a Flink of one's own: WORKSHOP_FLINK_CLUSTER=host:8081.

Java and the program stay here and are its client; jobs run in the cluster's task managers. docs/beyond_one_machine.md says what to set.

Sources: https://nightlies.apache.org/flink/flink-docs-release-1.20/docs/ops/rest_api/,
https://nightlies.apache.org/flink/flink-docs-release-1.20/docs/deployment/resource-providers/standalone/overview/
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from infra.engines.flink import FlinkError

CLUSTER, PYTHON = "WORKSHOP_FLINK_CLUSTER", "WORKSHOP_FLINK_PYTHON"
ANSWER_SECONDS = 10.0
CANCEL_SECONDS = 30.0
LOOK_SECONDS = 0.1
ENDED = ("FINISHED", "FAILED", "CANCELED")
PROFILE = "workshop"  # of the file of keys that a job names


def chosen() -> str:
    """Return the web address of the session cluster that the environment names, "" for none.

    Raises FlinkError: it is no host and port.
    """
    named = os.environ.get(CLUSTER, "").strip()
    if named and not re.fullmatch(r"[^:/\s]+:\d+", named):
        raise FlinkError(f"{CLUSTER} is '{named}'; it must be of the form host:8081.")
    return f"http://{named}" if named else ""


def python() -> str:
    """Return the Python for functions of a job: this one's path, unless WORKSHOP_FLINK_PYTHON says where it is there."""
    return os.environ.get(PYTHON) or sys.executable


def client_options(web: str) -> dict[str, str]:
    """Return Flink's options of a client of the cluster at this web address: by number, since Java resolves no names here (jvm.py).

    Raises FlinkError: nobody knows its host.
    """
    host, port = web.removeprefix("http://").rsplit(":", 1)
    try:
        number = socket.gethostbyname(host)
    except OSError as error:
        raise FlinkError(f"The host of the Flink cluster {host}:{port} ({CLUSTER}) is not known: {error}.") from None
    return {"execution.target": "remote", "rest.address": number, "rest.port": port}


def slots(web: str) -> int:
    """Return how many slots the task managers have together. Raises FlinkError: it does not answer, or has none."""
    found = _ask(f"{web}/overview").get("slots-total", 0)
    if not found:
        raise FlinkError(f"The Flink cluster at {web} ({CLUSTER}) has no task manager yet.")
    return found


def cancel(web: str, job: str) -> None:
    """Cancel a job and wait until it has ended; one that the cluster does not know has.

    Raises FlinkError: the cluster does not answer, or the job has not ended within half a minute.
    """
    deadline = time.monotonic() + CANCEL_SECONDS
    state = _state(web, job)
    while state not in ENDED:
        _ask(f"{web}/jobs/{job}?mode=cancel", "PATCH")
        if time.monotonic() > deadline:
            raise FlinkError(f"Job {job} on the Flink cluster at {web} has not ended within {CANCEL_SECONDS:.0f} s.")
        time.sleep(LOOK_SECONDS)
        state = _state(web, job)


def leave(jobs: Iterable[str]) -> None:
    """Ask for the end of jobs whose client goes: with a Flink of its own they end with it, on a session cluster they would go on."""
    with contextlib.suppress(FlinkError):  # nobody is there to hear it; the cluster's own page ends what is left
        web = chosen()
        for job in jobs if web else ():
            _ask(f"{web}/jobs/{job}?mode=cancel", "PATCH")


def write_keys(file: Path, access_key: str, secret_key: str, token: str | None) -> None:
    """Write the keys that a job works with, for its task managers; they look again after five minutes."""
    lines = [f"[{PROFILE}]", f"aws_access_key_id = {access_key}", f"aws_secret_access_key = {secret_key}"]
    lines += [f"aws_session_token = {token}"] if token else []
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text("\n".join([*lines, ""]))
    new.rename(file)


def key_options(file: str) -> dict[str, str]:
    """Return the properties with which a Kinesis connector takes its keys from that file."""
    provider = "aws.credentials.provider"
    return {provider: "PROFILE", f"{provider}.profile.name": PROFILE, f"{provider}.profile.path": file}


def _state(web: str, job: str) -> str:
    try:
        return _ask(f"{web}/jobs/{job}")["state"]
    except KeyError:  # not known: it never came there, or was forgotten long ago
        return ENDED[0]


def _ask(url: str, method: str = "GET") -> dict[str, Any]:
    """Return an answer of Flink's REST, {} for 404. Raises FlinkError."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=ANSWER_SECONDS) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        if error.code in (404, 409):  # 409: the job has ended meanwhile
            return {}
        raise FlinkError(f"The Flink cluster ({CLUSTER}) says: {error.read().decode(errors='replace')[:500]}") from None
    except (OSError, ValueError) as error:
        raise FlinkError(f"The Flink cluster at {url} ({CLUSTER}) does not answer: {error}.") from None
