"""The process that starts execution environments and ends them when the server is gone, however that ended.

It has one thread and has loaded what AWS's runtime client needs, so an environment is a fork: some milliseconds. It runs with nothing of the
project on its path. The server sends requests through a Unix socket, each with two descriptors: where the function's output goes, and where the
launcher tells the environment's process number and, later, how the function's process ended.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from typing import Any

LENGTH = struct.Struct("!I")


def main(arguments: list[str]) -> None:
    control = socket.socket(fileno=int(arguments[0]))
    runtime = arguments[1]
    sys.path[:] = [path for path in sys.path if path and path != os.path.dirname(os.path.abspath(__file__))]
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import sandbox  # type: ignore[import-not-found]

    sys.path[0] = runtime
    _preload()
    environments: set[int] = set()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asked = select.poll()  # select() knows no descriptor beyond 1,023, and a busy server gives a higher one
    asked.register(control, select.POLLIN)
    asked.register(woken, select.POLLIN)
    try:
        while True:
            ready = {descriptor for descriptor, _ in asked.poll()}
            if woken in ready:
                os.read(woken, 4096)
                environments -= set(_ended())
            if control.fileno() in ready:
                request, descriptors = _request(control)
                if request is None:
                    return
                environments.add(_start(request, descriptors, control, (woken, wake), runtime, sandbox))
                for descriptor in descriptors:
                    os.close(descriptor)
    finally:
        for leader in environments:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(leader, signal.SIGKILL)


PRELOADED = (  # what every function's runtime loads, but for what reads the environment at its import
    "base64",
    "datetime",
    "decimal",
    "http.client",
    "importlib",
    "logging",
    "random",
    "simplejson",  # only AWS's client has it
    "traceback",
)


def _preload() -> None:
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _ended() -> list[int]:
    """Take the exit statuses of children that are gone."""
    gone = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            gone.append(pid)
    return gone


def _request(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """Return the next request and its descriptors, or None when the server is gone."""
    try:
        head, descriptors, _, _ = socket.recv_fds(control, LENGTH.size, 2)
        if not head:
            return None, []
        body = _exactly(control, LENGTH.unpack(head + _exactly(control, LENGTH.size - len(head)))[0])
    except (ConnectionError, EOFError):
        return None, []
    return json.loads(body), descriptors


def _exactly(control: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _start(
    request: dict[str, Any],
    descriptors: list[int],
    control: socket.socket,
    pipe: tuple[int, int],
    runtime: str,
    sandbox: Any,
) -> int:
    """Fork the leader of an environment: the head of its process group, which outlives the function's process only to tell its end."""
    leader = os.fork()
    if leader:
        return leader
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        control.close()
        for descriptor in pipe:
            os.close(descriptor)
        os.setsid()
        sandbox.die_with_parent()
        output, status = descriptors
        os.write(status, f"started {os.getpid()}\n".encode())
        isolated = sandbox.isolate()
        child = os.fork()
        if child == 0:
            if isolated:
                _first_process(request, output, status, runtime, sandbox)
            else:
                os.close(status)
                _run(request, output, sandbox, isolated=False)
        _, ended = os.waitpid(child, 0)
        os.write(status, f"ended {_exit_code(ended)}\n".encode())
    except OSError as error:
        os.write(status, f"refused {error}\n".encode())
    finally:
        os._exit(0)


def _exit_code(status: int) -> int:
    """Return a wait status as a shell tells it: 128 and the signal's number for a signal."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _first_process(request: dict[str, Any], output: int, status: int, runtime: str, sandbox: Any) -> None:
    """Be number 1 of the environment: the kernel ends all others with it. Its exit code is the function's."""
    code = 1
    try:
        sandbox.die_with_parent()
        needed = [sys.base_prefix, *request["needed"]]
        sandbox.furnish(request["task"], request["opt"], runtime, request["storage_mb"], needed)
        os.close(status)
        function = os.fork()
        if function == 0:
            sys.path[0] = "/var/runtime"
            _run(request, output, sandbox, isolated=True)
        os.close(output)
        while True:
            pid, ended = os.wait()
            if pid == function:
                code = _exit_code(ended)
                break
    except OSError as error:
        os.write(status, f"refused {error}\n".encode())
    finally:
        os._exit(code)


def _run(request: dict[str, Any], output: int, sandbox: Any, isolated: bool) -> None:
    """Become the function's process: AWS's runtime client with the function's environment and path, and nothing else."""
    code = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.closerange(3, 256)
        task = "/var/task" if isolated else request["task"]
        opt = "/opt" if isolated else request["opt"]
        variables = dict(request["variables"])
        variables["LAMBDA_TASK_ROOT"] = task
        temporary = "/tmp" if isolated else request["tmp"]
        if not isolated:
            os.makedirs(temporary, exist_ok=True)
            variables["TMPDIR"] = temporary
        variables.setdefault("HOME", temporary)
        os.environ.clear()
        os.environ.update(variables)
        time.tzset()
        os.chdir(task)
        os.umask(0o022)
        layers = [f"{opt}/python/lib/python3.11/site-packages", f"{opt}/python"] if request["opt"] else []
        own = [path for path in variables.get("PYTHONPATH", "").split(":") if path]
        sys.path[:] = [task, *own, *layers, *sys.path]
        sys.dont_write_bytecode = True
        sys.argv = ["bootstrap", request["handler"]]
        sandbox.limit(request["memory_mb"], 0 if isolated else request["storage_mb"])
        sys.modules.pop("sandbox", None)
        try:
            from awslambdaric.__main__ import main as run  # type: ignore[import-untyped]
        except ImportError:  # no wheel for this platform
            from lambda_runner import main as run  # type: ignore[import-not-found]
        run(sys.argv)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code & 0xFF)


if __name__ == "__main__":
    main(sys.argv[1:])
