"""What the start and the work found out about the state on disk: told in the log, on the screen and in the server's health."""

from __future__ import annotations

import logging
import time
from pathlib import Path

log = logging.getLogger("workshop.state")
notes: list[str] = []


def say(sentence: str) -> None:
    """Tell whoever started the server something about its state."""
    log.warning("%s", sentence)
    notes.append(sentence)


def set_aside(path: Path, why: str) -> None:
    """Move what cannot be read out of the way, and say so."""
    target = path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%S')}.set-aside")
    path.rename(target)
    say(f"{path} was set aside as {target.name}: {why}.")
