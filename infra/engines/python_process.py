"""A Python process of an engine in a group of its own, so that what the user's code starts in it can be ended with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


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


def kill_group(leader: int) -> None:
    """End all processes of a group at once, by the process id of its first one, which may be gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter when nothing is left
        os.killpg(leader, signal.SIGKILL)
