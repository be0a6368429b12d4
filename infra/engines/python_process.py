"""A Python process of an engine in a group of its own, so that what the user's code starts in it can be ended with it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

Process = TypeVar("Process")


def start(module: str, arguments: list[str], folder: Path, **given: Any) -> subprocess.Popen[str]:
    """Start `python -m module arguments` in a folder, with its outputs as text in pipes.

    Parameters
    ----------
    given: what else subprocess.Popen takes, as `env` and `stdin`

    Raises OSError or ValueError for arguments that are too long or have a NUL.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        **given,
    )


def with_socket(begin: Callable[[int], Process]) -> tuple[Process, socket.socket]:
    """Start a process that holds one end of a socket pair; return it and our end.

    Parameters
    ----------
    begin: starts the process, given the number of its end, which it has to inherit (`pass_fds`)

    Raises what `begin` raises.
    """
    ours, theirs = socket.socketpair()
    try:
        return begin(theirs.fileno()), ours
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()


def worker(module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start `python -m module NUMBER arguments`, without input and output but a channel whose end has that number; return it and our end."""

    def begin(number: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(number), *arguments],
            pass_fds=[number], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    process, ours = with_socket(begin)
    return process, Connection(ours.detach())


def kill_group(leader: int) -> None:
    """End all processes of a group at once, by the process id of its first one, which may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter when nothing is left
        os.killpg(leader, signal.SIGKILL)
