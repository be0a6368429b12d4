"""An existing Spark cluster in place of threads in the driver: WORKSHOP_SPARK_MASTER=spark://host:7077.

The driver stays where it is (client mode); the tasks run in executors of the cluster, which get the S3A jars and the package awsglue from
the driver, and the credentials of the role in their environment. docs/beyond_one_machine.md says what to set.

Sources: https://spark.apache.org/docs/3.5.6/spark-standalone.html, https://spark.apache.org/docs/3.5.6/configuration.html
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.engines import jars

if TYPE_CHECKING:
    from infra.engines.spark.options import Settings

MASTER, PYTHON, CONF = "WORKSHOP_SPARK_MASTER", "WORKSHOP_SPARK_PYTHON", "WORKSHOP_SPARK_CONF"
CONNECT_SECONDS = 5.0
EXECUTOR_SECONDS = 120.0
EXECUTOR_MEMORY = "512m"
_FORM = re.compile(r"spark://([^:/,\s]+):(\d+)")


class ClusterError(RuntimeError):
    """The cluster cannot be used; the message says why and what to do."""


def chosen() -> str:
    """Return the master that the environment names, "" for none."""
    return os.environ.get(MASTER, "").strip()


def python() -> str:
    """Return the Python of the executors: this one's path, unless WORKSHOP_SPARK_PYTHON says where it is there."""
    return os.environ.get(PYTHON) or sys.executable


def address(master: str) -> tuple[str, int]:
    """Return host and port of a master. Raises ClusterError."""
    match = _FORM.fullmatch(master)
    if not match:
        raise ClusterError(f"{MASTER} is '{master}'; it must be of the form spark://host:7077.")
    return match[1], int(match[2])


def conf(settings: Settings) -> dict[str, str]:
    """Return the settings of a driver whose tasks run on `settings.master`: an executor with one core for each worker.

    Raises ClusterError: the master does not answer, or WORKSHOP_SPARK_CONF cannot be read.
    """
    here = _own_address(settings.master)
    given = {
        "spark.master": settings.master,
        "spark.driver.bindAddress": here,
        "spark.driver.host": here,
        "spark.executor.memory": EXECUTOR_MEMORY,
        "spark.executor.cores": "1",
        "spark.cores.max": str(settings.executors),
        "spark.jars": ",".join(map(str, [*jars.fetch(jars.SPARK), *settings.extra_jars])),
    }
    return given | _more()


def _own_address(master: str) -> str:
    """Return the address of this computer that the master sees. Raises ClusterError."""
    try:
        with socket.create_connection(address(master), CONNECT_SECONDS) as connection:
            return connection.getsockname()[0]
    except OSError as error:
        raise ClusterError(f"The Spark master {master} ({MASTER}) does not answer: {error}.") from None


def _more() -> dict[str, str]:
    """Return the settings of WORKSHOP_SPARK_CONF, `spark.a=1 spark.b=2`. Raises ClusterError."""
    found = {}
    for word in shlex.split(os.environ.get(CONF, "")):
        name, equals, value = word.partition("=")
        if not equals or not name.startswith("spark."):
            raise ClusterError(f"'{word}' in {CONF} is no Spark setting of the form spark.name=value.")
        found[name] = value
    return found


def executor_environment() -> dict[str, str]:
    """Return what executors must know of the AWS in the driver's environment, as Spark's settings.

    They are told after Java has started: keys do not belong on a command line.
    """
    return {
        f"spark.executorEnv.{name}": value
        for name, value in os.environ.items()
        if name.startswith("AWS_") and not name.endswith(("_FILE", "AWS_PROFILE"))
    }


def prepare(context: Any, packages: Path, py_files: tuple[str, ...], folder: Path) -> None:
    """Wait for an executor, and give all executors our Python packages and the user's files.

    Raises ClusterError: no worker had room within EXECUTOR_SECONDS.
    """
    deadline = time.monotonic() + EXECUTOR_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > deadline:
            wanted = context.getConf().get("spark.executor.memory")
            raise ClusterError(
                f"No worker of {context.master} has given a core and {wanted} of memory within {EXECUTOR_SECONDS:.0f} s: add workers, end other "
                f"applications, or ask for less by {CONF}=spark.executor.memory=…"
            )
        time.sleep(0.05)
    for path in (packages, *map(Path, py_files)):
        if path.is_dir():
            path = Path(shutil.make_archive(str(folder / path.name), "zip", path))
        context.addPyFile(str(path))
