"""Small files: replaced whole, read again, and what a kill or damage leaves of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from infra.local.core import notes

TEMPORARY = ".tmp"  # ends the names of files that are being written


def _nothing() -> None:
    pass


def write_atomically(path: Path, data: bytes, between: Callable[[], None] = _nothing) -> None:
    """Replace the file at `path` by `data`: readers see the old or the new content, never a part. Raises OSError.

    Parameters
    ----------
    between: done when the new content is written and not yet in its place; if it fails, the old content stays
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        between()
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_json(path: Path, lost: str) -> dict[str, Any] | None:
    """Return the object that a small file holds; None where there is no file, or a damaged one, which is set aside. Raises OSError.

    Parameters
    ----------
    path: below the state folder
    lost: what it means that the file cannot be read, for the sentence that says so
    """
    try:
        found = orjson.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
        why = "it holds no object"
    except FileNotFoundError:
        return None
    except notes.UNREADABLE as error:
        why = f"it cannot be read ({error.strerror})"
    except orjson.JSONDecodeError as error:
        why = f"it cannot be read ({error})"
    notes.set_aside(path, f"{why}; {lost}")
    return None


def sweep(root: Path) -> None:
    """Remove what write_atomically left behind when it was killed.

    Parameters
    ----------
    root: the state folder
    """
    for path in root.rglob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)
    for path in root.glob("*/*/.*.pickle.????????"):  # of lakes before format 1
        path.unlink(missing_ok=True)
