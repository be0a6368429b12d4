"""What a function's process sees of the machine: a /tmp of its own, its code as /var/task, its layers as /opt, its own process numbers.

Linux namespaces do it. Where the kernel does not let us make them (and on macOS) the function has the machine's own folders; it is told where its
own /tmp is by TMPDIR, as `tempfile` reads it. Only the launcher's children call this: they have one thread.

Source: https://man7.org/linux/man-pages/man7/namespaces.7.html
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

NEW_MOUNTS, NEW_USER, NEW_PIDS = 0x00020000, 0x10000000, 0x20000000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
DIE_WITH_PARENT = 1
OPEN_FILES = 1024
EXTRA_MEMORY = (
    1024 * 1024 * 1024
)  # bytes over the function's memory that the kernel still gives: the server ends it before

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """End this process by SIGKILL when its parent ends."""
    if _libc is not None:
        _libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)


def isolate() -> bool:
    """Give this process mounts of its own, and its children process numbers of their own; return whether the kernel did."""
    if _libc is None:
        return False
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(NEW_MOUNTS | NEW_PIDS) == 0:
        return True
    if _libc.unshare(NEW_USER | NEW_MOUNTS | NEW_PIDS) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def furnish(task: str, opt: str, runtime: str, storage_mb: int, needed: list[str]) -> None:
    """Mount what a function sees; for the first process after `isolate`.

    Parameters
    ----------
    task: folder of the function's code
    opt: folder of its layers, "" without layers
    runtime: folder of the packages that Lambda itself has
    storage_mb: size of /tmp, in MiB
    needed: folders that must stay where they are (Python's own)

    Raises OSError when the kernel refuses a mount.
    """
    _mount("none", "/", "", RECURSIVE | PRIVATE)
    code, layers, packages = _held(task), _held(opt) if opt else -1, _held(runtime)
    _cover("/tmp", needed, f"size={storage_mb}m,mode=1777")
    _cover("/var", needed, "mode=755")
    for descriptor, place in ((code, "/var/task"), (packages, "/var/runtime")):
        os.makedirs(place)
        _show(descriptor, place)
    with contextlib.suppress(OSError):  # the files are not writable anyway, but for root
        _mount("none", "/var/task", "", REMOUNT | BIND | READ_ONLY)
    if layers >= 0 and os.path.isdir("/opt"):
        _cover("/opt", needed, "mode=755")
        for name in os.listdir(f"/proc/self/fd/{layers}"):
            entry = os.open(name, os.O_PATH, dir_fd=layers)
            if os.path.isdir(f"/proc/self/fd/{entry}"):
                os.makedirs(f"/opt/{name}", exist_ok=True)
            else:
                Path(f"/opt/{name}").touch()
            _show(entry, f"/opt/{name}")
    _mount("proc", "/proc", "proc", 0)


def limit(memory_mb: int, file_mb: int) -> None:
    """Limit open files, the size of a file (0: not), and memory as a wall behind the server's own watch."""
    _at_most(resource.RLIMIT_NOFILE, OPEN_FILES)
    if file_mb:
        _at_most(resource.RLIMIT_FSIZE, file_mb * 1024 * 1024)
    _at_most(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _at_most(resource.RLIMIT_DATA, memory_mb * 1024 * 1024 + EXTRA_MEMORY)


def _at_most(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (most, most))


def _held(folder: str) -> int:
    return os.open(folder, os.O_PATH)


def _cover(target: str, needed: list[str], options: str) -> None:
    """Mount an empty file system on a folder; folders below it that are needed stay visible."""
    kept = [(path, _held(path)) for path in needed if path.startswith(target + "/")]
    _mount("tmpfs", target, "tmpfs", 0, options)
    for path, descriptor in kept:
        os.makedirs(path, exist_ok=True)
        _show(descriptor, path)


def _show(descriptor: int, target: str) -> None:
    _mount(f"/proc/self/fd/{descriptor}", target, "", BIND | RECURSIVE)
    os.close(descriptor)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    assert _libc is not None
    if _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} (mount on {target})")
