"""What is on disk, and the locks around it.

Acknowledged means stored: the front saves a service's backend before it answers a change, and hot data (S3 objects, Kinesis records) is
written to files by the service itself. Everything lies below one folder, `.workshop/state` by default.
"""

from __future__ import annotations

import builtins
import hashlib
import logging
import shutil
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.core import contents, record_rows, records
from infra.local.core.files import TEMPORARY as TEMPORARY
from infra.local.core.files import read_json as read_json
from infra.local.core.files import sweep
from infra.local.core.files import write_atomically as write_atomically
from infra.local.core.locks import AccountLock, ServiceLock
from infra.local.core.notes import UNREADABLE
from infra.local.core.notes import notes as notes
from infra.local.core.notes import say as say
from infra.local.core.notes import set_aside as set_aside
from infra.local.core.pickles import dumps as dumps
from infra.local.core.pickles import load_from
from infra.local.core.pickles import loads as loads
from infra.local.core.pickles import share as share

if TYPE_CHECKING:
    from infra.local.core.service import Service

log = logging.getLogger("workshop.state")

_root: Path | None = None
_locks: dict[str, ServiceLock] = defaultdict(ServiceLock)
_modules: dict[str, Service] = {}
_files: dict[Path, record_rows.File] = {}
_written: dict[Path, bytes] = {}  # pickle → digest of what is in it
_opening = threading.Lock()
_later = threading.local()
RETRY_SECONDS = 1.0


ELSEWHERE = (OSError, MemoryError, sqlite3.OperationalError)  # the disk's fault, not the state's
VERSION = 1  # of what is on disk; moved.py knows where the classes of older lakes are now


class Unusable(Exception):
    """The state folder cannot be used; the message says what to do."""


def open(root: Path) -> None:
    """Use `root` as the state folder; it is made if it is not there. Raises Unusable, OSError.

    Parameters
    ----------
    root: below the home: `.workshop/state`
    """
    global _root
    root.mkdir(parents=True, exist_ok=True)
    stamp = root / "version"
    if stamp.is_dir():
        set_aside(stamp, "it is a folder")
    text = stamp.read_text(errors="replace").strip() if stamp.exists() else ""
    if text and not text.isdecimal():
        say(f"{stamp} cannot be read ({text!r}): the state is taken for this version's.")
    if text.isdecimal() and int(text) > VERSION:
        raise Unusable(
            f"The state in {root} was written by a newer version of the workshop (format {text}, this one knows {VERSION}): "
            "update the workshop, or choose another folder with WORKSHOP_HOME."
        )
    sweep(root)
    contents.open(root)
    _root = root
    if text != str(VERSION):
        write_atomically(stamp, f"{VERSION}\n".encode())


def root() -> Path:
    """Return the state folder. Raises RuntimeError before `open`."""
    if _root is None:
        raise RuntimeError("The state folder is not open: call state.open() first.")
    return _root


def folder(service: str, account: str, region: str) -> Path:
    """Return the folder for a service's own files in one account and region; it is made if it is not there.

    Parameters
    ----------
    service: its name in a request's signature
    account: its twelve digits
    region: for example us-east-1

    Returns
    -------
    The folder, below the home's `state`
    """
    path = root() / account / region / service
    path.mkdir(parents=True, exist_ok=True)
    return path


def lock(service: str, account: str = "") -> ServiceLock | AccountLock:
    """Return the re-entrant lock of a service in an account, or of the whole service. Hold it while changing a backend, not while working.

    Parameters
    ----------
    service: its name in a request's signature
    account: its twelve digits; without it, the lock of all accounts together

    Returns
    -------
    The lock, also a context manager
    """
    whole = _locks[service]
    return whole.of(account) if account else whole


def register(service: str, module: Service) -> None:
    """Remember which module holds a service's backends.

    Parameters
    ----------
    service: its name in a request's signature
    module: what its package exports as SERVICE
    """
    _modules[service] = module


def save(service: str, account: str, region: str) -> None:
    """Write one backend to disk. A service without a backend in this account and region is left alone.

    Parameters
    ----------
    service: its name in a request's signature
    account: its twelve digits
    region: for example us-east-1

    Raises
    ------
    OSError: the disk is full or cannot be written to
    """
    module = _modules.get(service)
    if module is None:
        return
    with lock(service, account):
        module.flush(account)
        backend = _existing(module.backends, account, region)
        if backend is None:
            return
        path = _pickle_path(service, account, _key(backend, region))
        with record_rows.meeting(partial(_records, path)) as met:
            data = dumps(backend)
            digest = hashlib.blake2b(data).digest()
            rows = partial(_write_records, path, met)
            if _written.get(path) == digest and path.exists():  # at most records have changed
                rows()
            else:
                write_atomically(path, data, rows)
                _written[path] = digest
                contents.made(path)


def keep(services: tuple[str, ...], account: str, region: str) -> None:
    """Save what a change did to some services, or take it back, for what was refused must not be seen. Raises OSError.

    Parameters
    ----------
    services: whose state the change may have touched
    account: its twelve digits
    region: for example us-east-1
    """
    try:
        for service in services:
            save(service, account, region)
    except OSError:
        for service in services:
            restore(service, account, region)
        raise


def step(service: str, account: str, region: str, change: Callable[[], None], given_up: threading.Event) -> None:
    """Note a step of work in the background: change a backend and save it, under its lock; on a full disk again until there is room.

    Parameters
    ----------
    change: what the step is; called again after it was taken back
    given_up: set when the server stops: what could not be saved is as after a kill
    """
    while True:
        try:
            with lock(service, account), changing():
                change()
                keep((service,), account, region)
            return
        except OSError as error:
            log.warning("%s in account %s cannot be saved: %s", service, account, error)
        if given_up.wait(RETRY_SECONDS):
            return


@contextmanager
def changing() -> Iterator[None]:
    """Within, a backend is changed and saved; what `afterwards` was given is done at the end, or never when an exception leaves it."""
    before, _later.works = getattr(_later, "works", None), []
    try:
        yield
        works = _later.works
    finally:
        _later.works = before
    for work in works:
        work()


def afterwards(work: Callable[[], None]) -> None:
    """Do what the state does not hold (start a thread, remove a file) when the change that it belongs to is on disk; at once outside of `changing`.

    Parameters
    ----------
    work: takes no lock of a service
    """
    works = getattr(_later, "works", None)
    if works is None:
        work()
    else:
        works.append(work)


def _write_records(path: Path, met: dict[str, records.Records]) -> None:
    if met:
        _records(path).write(met, dumps)


def _records(path: Path) -> record_rows.File:
    """Return the rows beside a pickle. The caller holds the account's lock: others open theirs meanwhile."""
    found = _files.get(path)
    if found is None:
        found = record_rows.File(path.with_suffix(".records"))
        with _opening:
            _files[path] = found
    return found


def forget(service: str, account: str) -> None:
    """Drop all that a service has of an account, in memory and on disk. The caller holds the account's lock.

    Parameters
    ----------
    service: its name in a request's signature
    account: its twelve digits
    """
    backends = _modules[service].backends
    if account in backends.keys():
        backends.pop(account)
    for path in root().glob(f"{account}/*/{service}*"):
        contents.gone(path)
        if path.is_dir() and path.name == service:
            shutil.rmtree(path)
        elif path.name.partition(".")[0] == service:
            with _opening:
                if (rows := _files.pop(path.with_suffix(".pickle"), None)) is not None:
                    rows.close()
            path.unlink(missing_ok=True)


def close() -> None:
    """Close the rows of all backends: each is one file afterwards, that can be copied."""
    with _opening:
        for file in _files.values():
            file.close()
        _files.clear()
    contents.close()


def save_all() -> None:
    """Write every backend that exists: for operations that change several services, such as a CloudFormation stack."""
    for service, module in list(_modules.items()):
        for account, region, _ in list(module.backends.iter_backends()):
            save(service, account, region)


def saved() -> list[tuple[str, str, str]]:
    """Return (service, account, region) of every backend on disk."""
    return sorted((path.stem, path.parts[-3], path.parts[-2]) for path in root().glob("*/*/*.pickle"))


def load(service: str, module: Service, account: str, region: str) -> bool:
    """Put a backend from disk back where moto looks for it; one that cannot be read is set aside, and False is returned.

    Parameters
    ----------
    service: its name in a request's signature
    module: what the service's package exports as SERVICE
    account: its twelve digits
    region: for example us-east-1

    Returns
    -------
    Whether it was read
    """
    path = _pickle_path(service, account, region)
    try:
        loaded, met = _read(path)
        if met:
            _records(path).forget_others(set(met))
    except Exception as error:  # whatever a damaged or foreign pickle raises
        if isinstance(error, ELSEWHERE) and not isinstance(error, UNREADABLE):
            raise
        set_aside(path, f"the state of {service} in account {account} cannot be read ({type(error).__name__}: {error})")
        _set_rows_aside(path)
        contents.gone(path)
        return False
    module.backends[account][region] = loaded
    return True


def _set_rows_aside(path: Path) -> None:
    """Keep the rows of a pickle that was set aside: those of the next one are in a file of their own."""
    with _opening:
        if (opened := _files.pop(path, None)) is not None:
            opened.close()
    rows = path.with_suffix(".records")
    if rows.exists():
        set_aside(rows, f"it has the rows of the {path.name} that was set aside")
        contents.gone(rows)


def _read(path: Path) -> tuple[Any, dict[str, records.Records]]:
    """Return a backend from disk, and its collections by their numbers."""
    with builtins.open(path, "rb") as file, record_rows.reading(lambda: _records(path), loads) as met:
        return load_from(file), met


def restore(service: str, account: str, region: str) -> None:
    """Take a backend back to what is on disk, after a change that could not be saved. Who holds the backend has what is on disk then.

    Parameters
    ----------
    service: its name in a request's signature
    account: its twelve digits
    region: for example us-east-1
    """
    module = _modules[service]
    with lock(service, account):
        backend = _existing(module.backends, account, region)
        if backend is None or not module.restores:
            return
        key = _key(backend, region)
        path = _pickle_path(service, account, key)
        loaded = _read(path)[0] if path.exists() else type(backend)(key, account)
        module.carry(backend, loaded)
        follow(backend, loaded)
        log.warning("%s in account %s was taken back to what is on disk", service, account)


def follow(live: Any, stored: Any) -> None:
    """Let an object that threads hold be what is on disk: both are one from now on, also when that is read once more.

    Parameters
    ----------
    live: what threads hold
    stored: what was read from disk
    """
    values, fresh = live.__dict__, dict(stored.__dict__)
    values.update(fresh)
    for name in values.keys() - fresh.keys():
        del values[name]
    stored.__dict__ = values


def _pickle_path(service: str, account: str, region: str) -> Path:
    return _made(root(), account, region) / f"{service}.pickle"


@lru_cache(maxsize=1024)
def _made(root: Path, account: str, region: str) -> Path:
    path = root / account / region
    path.mkdir(parents=True, exist_ok=True)
    return path


def _key(backend: Any, region: str) -> str:
    return getattr(backend, "region_name", region)


def _existing(backends: Any, account: str, region: str) -> Any:
    """Return the backend that a request in this region used; global services keep theirs under the partition's name."""
    if account not in backends.keys():
        return None
    regions = backends[account]
    for name in (region, regions.get("aws") and "aws"):
        if name and name in regions.keys():
            return dict.__getitem__(regions, name)
    return None
