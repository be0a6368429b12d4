"""A Flink session cluster on loopback: a job manager and a task manager, each a Java process of its own, from the kernel's own FLINK_HOME.

`python -m tests.engines.flink_cluster ENDPOINT` keeps one for the local AWS there until it is interrupted and prints its address: for runs by hand.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.engines.flink import environment, jvm
from infra.engines.java import java_home
from tests.polling import until

SLOTS = 8
LOOPBACK = "127.0.0.1"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return listener.getsockname()[1]


def _configuration(rpc: int, web: int, folder: Path) -> dict[str, str]:
    return {
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.rpc.port": str(rpc),
        "jobmanager.bind-host": LOOPBACK,
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.port": str(web),
        "rest.bind-port": str(web),
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "taskmanager.numberOfTaskSlots": str(SLOTS),
        "taskmanager.cpu.cores": "2",
        # all parts of its memory: Flink's start scripts work them out, and the classes ask for each
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.memory.task.heap.size": "256m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "taskmanager.memory.managed.size": "256m",
        "io.tmp.dirs": str(folder),
    }


def _start(main: str, options: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    home = environment.HOME / "home"
    jars = [*sorted((home / "lib").glob("*.jar")), *sorted((home / "opt").glob("flink-python*.jar"))]
    conf = folder / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "config.yaml").touch()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [
        str(java_home() / "bin" / "java"),
        *jvm.FLAGS,
        f"-XX:SharedArchiveFile={environment.HOME / 'flink.jsa'}",
        "-Xlog:disable",
        "-Xlog:all=off",
        "-cp",
        ":".join(map(str, jars)),
        main,
        "--configDir",
        str(conf),
    ]
    command += [part for name, value in options.items() for part in ("-D", f"{name}={value}")]
    log = (folder / f"{main.rpartition('.')[2]}.log").open("wb")
    variables["FLINK_PLUGINS_DIR"] = str(home / "plugins")
    return subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)


def told(web: str, path: str) -> Any:
    """An answer of Flink's REST; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{web}{path}", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return {}


@contextmanager
def flink_cluster(folder: Path, more: dict[str, str] | None = None) -> Iterator[str]:
    """Yield the address of a session cluster that has no keys of its own but those in `more` options; it is ended afterwards."""
    web = f"{LOOPBACK}:{_free_port()}"
    options = _configuration(_free_port(), int(web.rpartition(":")[2]), folder) | (more or {})
    runtime = "org.apache.flink.runtime"
    mains = (f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", f"{runtime}.taskexecutor.TaskManagerRunner")
    processes = [_start(main, options, folder) for main in mains]
    try:
        until(lambda: told(web, "/overview").get("slots-total"), "the task manager", 120)
        yield web
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def files(endpoint: str, account: str) -> dict[str, str]:
    """The options with which a cluster reads and writes the files of a lake, as that account."""
    keys = {"s3.access-key": account, "s3.secret-key": "not-a-secret"}
    return {"s3.endpoint": endpoint, "s3.path.style.access": "true"} | keys


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="flink-cluster-") as name:
        with flink_cluster(Path(name), files(sys.argv[1], "123456789012")) as address:
            print(address, flush=True)
            signal.pause()
