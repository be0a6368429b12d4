"""The server's side of the launcher: started when the first function runs, started again when it is gone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from infra.engines import python_process
from infra.engines.lambda_.launcher import LENGTH

PACKAGES = (  # what Lambda's Python has besides its standard library
    "awslambdaric",
    "snapshot_restore_py",
    "simplejson",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "urllib3",
    "six",
)
STOP_SECONDS = 5.0


class Launcher:
    """Forks execution environments from one small process.

    Parameters
    ----------
    folder: where the folder with Lambda's own packages is made
    """

    def __init__(self, folder: Path):
        self._runtime = folder / "runtime"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._needed: list[str] = []

    def start(self, request: dict[str, Any], output: int, status: int) -> None:
        """Start an environment. `output` and `status` are the writing ends of its pipes; they stay the caller's."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._open()
            try:
                self._send(request, output, status)
            except OSError:  # it ended since: once more with a new one
                self._open()
                self._send(request, output, status)

    def stop(self) -> None:
        """End the launcher, and with it all environments."""
        with self._lock:
            if self._control is not None:
                self._control.close()
                self._control = None
            if self._process is not None:
                try:
                    self._process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                self._process = None

    def _send(self, request: dict[str, Any], output: int, status: int) -> None:
        assert self._control is not None
        body = json.dumps({**request, "needed": self._needed}).encode()
        socket.send_fds(self._control, [LENGTH.pack(len(body))], [output, status])
        self._control.sendall(body)

    def _open(self) -> None:
        if self._control is not None:
            self._control.close()
        self._needed = _install(self._runtime)
        self._process, self._control = python_process.with_socket(self._begin)

    def _begin(self, control: int) -> subprocess.Popen[bytes]:
        """Start the launcher, which inherits this end of the control socket."""
        script = Path(__file__).with_name("launcher.py")
        return subprocess.Popen(
            [sys.executable, "-S", "-E", "-X", "utf8", str(script), str(control), str(self._runtime)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[control],
            start_new_session=True,
            cwd="/",
        )


def _install(runtime: Path) -> list[str]:
    """Make a folder with links to the packages that functions find; return the folders that the links lead to."""
    shutil.rmtree(runtime, ignore_errors=True)  # of another start; copied with its lake it may hold folders
    runtime.mkdir(parents=True, exist_ok=True)
    sources = [_place(name) for name in (*PACKAGES, "runtime_client")]
    if sources[-1] is None:  # AWS's client has no wheel for this platform: a runner of ours speaks the same protocol
        sources[0] = None
        sources.append(Path(__file__).with_name("lambda_runner.py"))
    found = [source for source in sources if source is not None]
    for source in found:
        os.symlink(source, runtime / source.name)
    return sorted({os.path.realpath(source.parent) for source in found})


def _place(name: str) -> Path | None:
    """Return the folder or file of a top-level module, without importing it."""
    from importlib.machinery import PathFinder

    found = PathFinder.find_spec(name)
    if found is None or found.origin is None:
        return None
    origin = Path(found.origin)
    return origin.parent if origin.name == "__init__.py" else origin
