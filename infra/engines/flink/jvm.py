"""The Java process that Flink runs in: started before anything slow is imported, ended with the kernel."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infra import profile as profiles
from infra import project
from infra.engines import startup

START_SECONDS = 60.0
OPENS = ("java.lang", "java.net", "java.io", "java.nio", "java.lang.reflect", "java.text", "java.time", "java.util")
FLAGS = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx512m",
    "-XX:MaxMetaspaceSize=256m",
    "-Duser.timezone=UTC",
    "-XX:+IgnoreUnrecognizedVMOptions",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in (*OPENS, "sun.nio.ch", "java.util.concurrent")),
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
]
# What the AWS SDKs in the jars would read: the kernel gives them the keys of the profile instead (see aws.py).
KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def profile_variables() -> dict[str, str]:
    """Return the environment by which Python functions find the AWS of the profile, whatever else this process was given."""
    name = os.environ.get("AWS_PROFILE")
    dropped: Callable[[str], bool] = KEY_VARIABLES.__contains__
    if project.is_local(name):
        dropped = lambda variable: variable.startswith("AWS_")  # noqa: E731
    kept = {variable: value for variable, value in os.environ.items() if not dropped(variable)}
    return kept | profiles.environment(project.home(), name)


def _python_path(variables: Mapping[str, str]) -> dict[str, str]:
    """On the local AWS Flink's Python workers, too, know no name of AWS."""
    if not project.is_local(variables.get("AWS_PROFILE")):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(startup.FOLDER), variables.get("PYTHONPATH"))))}


def _name_options(folder: Path) -> tuple[str, ...]:
    """On the local AWS Java knows no name but this computer's: nothing that a program names can reach real AWS."""
    if not project.is_local(os.environ.get("AWS_PROFILE")):
        return ()
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    return (f"-Djdk.net.hosts.file={hosts}",)


def archive_option() -> tuple[str, ...]:
    """The Java options for the class archive; none when it was not made. An archive of another Java is ignored silently."""
    archive = os.environ.get("FLINK_STUDIO_ARCHIVE", "")
    return (f"-XX:SharedArchiveFile={archive}", "-Xlog:disable", "-Xlog:all=off") if os.path.isfile(archive) else ()


class JvmError(RuntimeError):
    """Flink's Java process did not start or has ended; the message says what to do."""


class Jvm:
    """One Java process with py4j's gateway, on loopback only.

    Args:
        extra: more Java options.
        variables: environment of Java and of the workers of Python functions; by default this process's own.
    """

    def __init__(self, extra: tuple[str, ...] = (), variables: Mapping[str, str] | None = None):
        variables = os.environ if variables is None else variables
        self.folder = _run_folder()
        self._handshake = self.folder / "port"
        self._errors = self.folder / "java.err"
        home = Path(os.environ["FLINK_HOME"])
        jars = [*sorted((home / "lib").glob("*.jar")), *sorted((home / "opt").glob("flink-python*.jar"))]
        command = [
            str(Path(os.environ["JAVA_HOME"]) / "bin" / "java"),
            *FLAGS,
            *extra,
            f"-Dlog.file={self.folder / 'flink.log'}",
            f"-Dlog4j.configurationFile={home / 'conf' / 'log4j.properties'}",
            f"-Djava.io.tmpdir={self.folder}",
            *_name_options(self.folder),
            "-cp",
            ":".join(map(str, jars)),
            "org.apache.flink.client.python.PythonGatewayServer",
        ]
        environment = (
            dict(variables)
            | _python_path(variables)
            | {
                "_PYFLINK_CONN_INFO_PATH": str(self._handshake),
                "FLINK_CONF_DIR": str(home / "conf"),
                "FLINK_PLUGINS_DIR": str(home / "plugins"),
            }
        )
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                env=environment,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads yet at the kernel's start
            )
        self.pid = self._process.pid
        # waited for at once when it ends: ipykernel ends its children at a shutdown and waits until none is left, zombies included
        threading.Thread(target=self._process.wait, daemon=True, name="flink-java").start()
        self.gateway = None

    def connect(self):
        """Wait for the process and return pyflink's gateway to it.

        Raises:
            JvmError: it ended or gave no port within a minute.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._handshake.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._errors.read_text(errors="replace").strip().splitlines()
                raise JvmError(f"Flink's Java process did not start: {said[-1] if said else 'it gave no message'}")
            time.sleep(0.02)
        os.environ["PYFLINK_GATEWAY_PORT"] = str(struct.unpack("!I", self._handshake.read_bytes()[:4])[0])
        os.environ["_python_worker_execution_mode"] = (
            "process"  # pyflink's loopback server would listen on every interface
        )
        from pyflink import java_gateway

        self.gateway = java_gateway.get_gateway()
        _keep_connections(self.gateway._gateway_client)
        return self.gateway

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> None:
        """Wait so long for the process to end by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def stop(self, seconds: float = 5) -> None:
        """End the process, after so many seconds by force, wait until it is gone and remove its folder."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        assert self._process.stdin is not None, "it was started with a pipe"
        self._process.stdin.close()
        self.forget()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self) -> None:
        """Close the Python end of the gateway, so that another process can be connected."""
        if self.gateway is None:
            return
        from pyflink import java_gateway

        with contextlib.suppress(Exception):  # the other end is gone
            self.gateway.shutdown_callback_server()
        self.gateway = None
        java_gateway._gateway = None


def _keep_connections(client) -> None:
    """Give each Python thread a connection, and so a Java thread, of its own.

    py4j takes any free connection, but Flink's planner keeps things in variables of the Java thread.
    """
    take, give_back, own = client._get_connection, client._give_back_connection, threading.local()

    def get():
        if getattr(own, "idle", None) is not None:
            connection, own.idle = own.idle, None
            return connection
        connection = take()
        if not hasattr(own, "connection"):
            own.connection = connection
        return connection

    def give(connection) -> None:
        if connection is getattr(own, "connection", None):
            own.idle = connection
        else:
            give_back(connection)

    client._get_connection, client._give_back_connection = get, give


def _run_folder() -> Path:
    """A folder for this process's log and temporary files; those of kernels that were killed are removed."""
    root = Path(os.environ["FLINK_STUDIO_RUN"])
    root.mkdir(parents=True, exist_ok=True)
    for old in root.iterdir():
        pid = old.name.split("-")[0]
        if pid.isdecimal() and not _runs(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    folder = root / f"{os.getpid()}-{time.time_ns()}"
    folder.mkdir()
    return folder


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _die_with_parent() -> None:
    """In the child: an interrupt of the notebook is not for Java, and Java ends when the kernel is killed.

    Elsewhere than on Linux the gateway's watchdog ends it some seconds later.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
