"""Files that are replaced whole, and what a kill leaves of such a replacement."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

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
