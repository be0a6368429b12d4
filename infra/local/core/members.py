"""Who may sign, when the local AWS serves a class: each learner has an account with a key and a secret of its own, and every signature is checked.

Without a class nobody needs a secret: an access key id of 12 digits is the account. With one, these 12 digits need the server's own key as their
secret, so that only this server, and whoever can read `server.json`, acts as the root of an account without a learner's key.
"""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import NamedTuple

import orjson

KEY = secrets.token_urlsafe(30)  # of this server, new at each start


class Member(NamedTuple):
    """A learner: the name that the class chose, the account, and the key that acts as its root."""

    name: str
    account: str
    access_key: str
    secret_key: str


_file: Path | None = None
_read: tuple[int, int] = (0, 0)
_members: dict[str, Member] = {}
_reading = threading.Lock()
_seen: dict[str, float] = {}


def enforce(file: Path) -> None:
    """Check signatures from now on, against the members in a file. Raises OSError, ValueError for a file that cannot be read.

    Parameters
    ----------
    file: JSON, which the class command writes
    """
    global _file
    _file = file
    _load(file)


def enforced() -> bool:
    """Tell whether this server serves a class: then only its members' keys are known, and signatures are checked."""
    return _file is not None


def find(access_key: str) -> Member | None:
    """Return the member with this key; a file that was changed is read again, for somebody may have come late.

    Parameters
    ----------
    access_key: an access key id
    """
    if _file is None:
        return None
    found = _members.get(access_key)
    if found is None and _stamp(_file) != _read:
        _load(_file)
        found = _members.get(access_key)
    return found


def names() -> dict[str, str]:
    """Return account → name of all members."""
    return {member.account: member.name for member in list(_members.values())}


def note(member: Member) -> None:
    """Note that a member has just asked for something.

    Parameters
    ----------
    member: who signed a request
    """
    _seen[member.account] = time.time()


def seen() -> dict[str, float]:
    """Return account → when its member has asked for something, since this server was started (seconds since 1970)."""
    return dict(_seen)


def _stamp(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_mtime_ns, told.st_ino


def _load(file: Path) -> None:
    global _read, _members
    with _reading:
        stamp = _stamp(file)
        _members = {each["access_key"]: Member(**each) for each in orjson.loads(file.read_bytes())}
        _read = stamp
