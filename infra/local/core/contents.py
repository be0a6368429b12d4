"""Which files the state has: one that somebody removed is told at start, and what belongs to it is not swept."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from infra.local.core import notes

log = logging.getLogger("workshop.state")

FILE = "contents"  # a line a file
IN_USE = "in-use"  # there from the start to the end of a server; a killed one leaves it
KINDS = ("*/*/*.pickle", "*/*/*.records", "**/*.sqlite")
_root: Path | None = None
_known: set[str] = set()
_lock = threading.Lock()


def open(root: Path) -> None:
    """Read what files there were, and tell which of them are missing. Raises OSError.

    Parameters
    ----------
    root: the state folder; one of before has no list, and gets it now
    """
    global _root, _known
    listed, _root = root / FILE, root
    _look_at_copy(root)
    if listed.is_dir():
        notes.set_aside(listed, "it is a folder")
    if not listed.exists():
        _known = {path.relative_to(root).as_posix() for kind in KINDS for path in root.glob(kind)}
        _write()
        return
    _known = {line for line in listed.read_text(errors="replace").splitlines() if line.isprintable() and line}
    missing = sorted(name for name in _known if not (root / name).exists())
    for name in missing:
        notes.say(f"{root / name} is missing: what it held is lost.")
        rows = (root / name).with_suffix(".records")
        if name.endswith(".pickle") and rows.exists():
            notes.set_aside(rows, f"it belongs to {Path(name).name}, which is missing")
    if missing:
        _known = {name for name in _known if (root / name).exists()}
        _write()


def _look_at_copy(root: Path) -> None:
    """Tell of a state that was copied from under a server without what SQLite had beside its files, which holds the newest changes."""
    mark = root / IN_USE
    if mark.exists() and any(root.glob("*/*/*.records")) and not any(root.rglob("*-wal")):
        notes.say(
            f"{root} was copied while a server used it, without the -wal files beside its databases: "
            "the newest changes of that server are missing."
        )
    mark.touch()


def close() -> None:
    """Note that the server has ended, and its files are whole."""
    if _root is not None:
        (_root / IN_USE).unlink(missing_ok=True)


def made(path: Path) -> None:
    """Note a file that there is now. One that cannot be noted is still there: it would just not be missed.

    Parameters
    ----------
    path: below the state folder; others are left alone
    """
    if _root is None or not path.is_relative_to(_root):
        return
    name = path.relative_to(_root).as_posix()
    with _lock:
        if name in _known:
            return
        try:
            with (_root / FILE).open("a") as file:
                file.write(f"{name}\n")
        except OSError as error:
            log.warning("%s is not noted in the list of files: %s", path, error)
        else:
            _known.add(name)


def gone(path: Path) -> None:
    """Forget a file, or all below a folder, that is going to be removed. Raises OSError.

    Parameters
    ----------
    path: below the state folder
    """
    if _root is None:
        return
    name = path.relative_to(_root).as_posix()
    with _lock:
        left = {each for each in _known if each != name and not each.startswith(f"{name}/")}
        if left != _known:
            _known.clear()
            _known.update(left)
            _write()


def _write() -> None:
    assert _root is not None
    temporary = _root / f".{FILE}.tmp"
    temporary.write_text("".join(f"{name}\n" for name in sorted(_known)))
    os.replace(temporary, _root / FILE)
