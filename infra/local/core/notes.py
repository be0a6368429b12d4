"""What the start and the work found out about the state on disk: told in the log, on the screen and in the server's health."""

from __future__ import annotations

import logging
import time
from pathlib import Path

log = logging.getLogger("workshop.state")
notes: list[str] = []
SQLITE_SUFFIXES = ("-wal", "-shm")
UNREADABLE = (IsADirectoryError, PermissionError)  # damage of one file; other errors are the whole disk's


def say(sentence: str) -> None:
    """Tell whoever started the server something about its state.

    Parameters
    ----------
    sentence: whole, with the file that it is about
    """
    log.warning("%s", sentence)
    notes.append(sentence)


def set_aside(path: Path, why: str) -> Path:
    """Move what cannot be read out of the way, and say so.

    Parameters
    ----------
    path: a file or a folder; what SQLite keeps beside a file goes with it
    why: the rest of the sentence, without its full stop

    Returns
    -------
    Where it is now, in the same folder. Raises OSError.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = (f"{path.name}.{stamp}{number}.set-aside" for number in ("", *(f"-{n}" for n in range(2, 100))))
    target = next(found for name in names if not (found := path.with_name(name)).exists())
    path.rename(target)
    for suffix in SQLITE_SUFFIXES:
        if (beside := path.with_name(path.name + suffix)).exists():
            beside.rename(target.with_name(target.name + suffix))
    say(f"{path} was set aside as {target.name}: {why}.")
    return target
