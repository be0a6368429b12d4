"""A standalone Spark cluster on loopback: a master and workers, each a Java process of its own.

`python -m tests.engines.spark_cluster [WORKERS]` keeps one until it is interrupted and prints its URL: for runs by hand.
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

import pyspark

from infra.engines.java import java_home
from infra.engines.spark.options import OPENED, _archive_flags, class_path
from tests.polling import until


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    java = [
        str(java_home() / "bin" / "java"),
        "-cp",
        class_path(),
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    ]
    environment = os.environ | {
        "SPARK_HOME": str(
            Path(pyspark.__file__).parent
        ),  # whose jars the executors run; those of S3A are served by the driver
        "SPARK_SCALA_VERSION": "2.12",  # as Spark's own start scripts find it out
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_WORKER_DIR": str(folder),
        "SPARK_CONF_DIR": str(folder),
        "JAVA_HOME": str(java_home()),
    }
    log = (folder / f"{arguments[0].rpartition('.')[2]}-{len(list(folder.iterdir()))}.log").open("wb")
    command = [*java, *opens, *_archive_flags(), *arguments]
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder)


class SparkCluster:
    """Attributes: `url` of the master, `processes`: the master first."""

    def __init__(self, url: str, web: str, processes: list[subprocess.Popen[bytes]]):
        self.url, self._web, self.processes = url, web, processes

    def state(self) -> dict[str, Any]:
        """What the master tells of itself: `workers`, `activeapps`, `completedapps`; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(self._web, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return {"workers": []}

    def alive(self) -> int:
        return sum(worker["state"] == "ALIVE" for worker in self.state()["workers"])


@contextmanager
def spark_cluster(folder: Path, workers: int = 2, memory: str = "600m") -> Iterator[SparkCluster]:
    """A master and workers with one core each; all is ended afterwards."""
    port, web = _free_port(), _free_port()
    deploy = "org.apache.spark.deploy"
    host = ("--host", "127.0.0.1")
    master = _start(folder, f"{deploy}.master.Master", *host, "--port", str(port), "--webui-port", str(web))
    cluster = SparkCluster(f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{web}/json/", [master])
    try:
        until(lambda: "url" in cluster.state(), "the Spark master")
        for number in range(workers):
            size = (
                "--cores",
                "1",
                "--memory",
                memory,
                "--webui-port",
                "0",
                "--work-dir",
                str(folder / f"worker-{number}"),
            )
            cluster.processes.append(_start(folder, f"{deploy}.worker.Worker", *host, *size, cluster.url))
        until(lambda: cluster.alive() == workers, "a worker")
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="spark-cluster-") as name:
        with spark_cluster(Path(name), int(sys.argv[1]) if sys.argv[1:] else 2, "1g") as running:
            print(running.url, flush=True)
            signal.pause()
