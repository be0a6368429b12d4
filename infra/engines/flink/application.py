"""`python -m infra.engines.flink.application SETTINGS`: run one PyFlink application until the local AWS ends it.

It runs in the Flink environment (`.venv-flink`). Flink's web address is written to `web` in the run's folder once it is up, `submitted` when the program
came to its end. Its exit code is 1, or 128 and the signal that ended Java, as a shell says it. A program finds its property groups where AWS puts them, at /etc/flink/application_properties.json, and its connectors find the local AWS.

Source: https://docs.aws.amazon.com/managed-flink/latest/java/how-python-creating.html
"""

import builtins
import contextlib
import io
import json
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import boto3

from infra.engines.flink import FlinkError, connectors, session
from infra.engines.flink.aws import Aws
from infra.engines.flink.cluster import OPTIONS, Cluster, _configuration
from infra.engines.flink.jvm import Jvm, archive_option
from infra.engines.startup import aws_names

JOB_ID = "$internal.pipeline.job-id"  # Flink's own name of the option
PROPERTIES = "/etc/flink/application_properties.json"


def main(path: str) -> None:
    settings = json.loads(Path(path).read_text())
    threading.Thread(target=_end_with_server, args=(settings["job"],), daemon=True).start()
    aws_names.refuse()
    folder = Path(settings["folder"])
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    aws = Aws(boto3.Session(), os.environ["AWS_REGION"], endpoint, endpoint)
    options = settings["options"] | {JOB_ID: settings["job"]} | aws.flink_options() | _file_options(settings)
    jvm = Jvm(archive_option())
    try:
        cluster = Cluster(jvm, options)
        cluster.work_as(aws)
        _log_to(cluster, folder / "flink.log", settings["log_level"])
        _become_context(cluster, OPTIONS | options, settings["jars"])
        _tell(folder / "web", cluster.web)
        connectors.complete(lambda: cluster.kinesis_options(aws))
        _redirect_properties(str(folder / "application_properties.json"))
        _run_program(folder / "code", settings)
        _tell(folder / "submitted", "")
        while jvm.alive:
            time.sleep(0.2)
        print(f"Flink's Java process ended with code {jvm.exit_code}.", file=sys.stderr)
    except BaseException:  # SystemExit of the program too: it ends without a job
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    jvm.wait(0.2)  # a program gets its error a moment before the Java process that was killed is gone
    ended = jvm.exit_code
    code = 1 if jvm.alive or ended is None or ended >= 0 else 128 - ended
    jvm.stop(1)
    # not sys.exit: pyflink's own exit handlers would call the Java process that is gone, and their errors hide the reason
    os._exit(code)


def _run_program(code: Path, settings: dict) -> None:
    """Run the program as `python main.py` does; `exit(0)` is a good end too."""
    sys.path[:0] = [str(code), *(_import_path(Path(name)) for name in settings["python_files"])]
    os.chdir(code)
    sys.argv = settings["main"]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    sys.stdout.flush()


def _import_path(file: Path) -> str:
    """Where Python looks for the modules of one of pyFiles: a folder or zip itself, a module's folder."""
    return str(file.parent if file.suffix == ".py" else file)


def _file_options(settings: dict) -> dict[str, str]:
    """Flink's options for the files of the run options: what its own client makes of --pyFiles, --pyArchives and --jarfile."""
    options = {
        "python.files": ",".join(settings["python_files"]),
        "python.archives": ",".join(settings["python_archives"]),
        "pipeline.jars": ";".join(f"file://{jar}" for jar in settings["jars"]),
    }
    return {name: value for name, value in options.items() if value}


def _log_to(cluster: Cluster, file: Path, level: str) -> None:
    """Let Flink's log4j write to a file of the run with the application's LogLevel."""
    cluster.set_properties({"workshop.log.file": str(file), "workshop.log.level": level})
    configuration = cluster.java.java.io.File(str(Path(__file__).with_name("application_log4j.properties")))
    cluster.java.org.apache.logging.log4j.core.config.Configurator.reconfigure(configuration.toURI())


def _tell(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)


def _end_with_server(job: str) -> None:
    """The server holds the other end of standard input; Java and Flink's Python workers are in this process group, a session cluster's job is not."""
    os.read(0, 1)  # not sys.stdin, whose lock Python wants at its end
    if web := session.chosen():
        with contextlib.suppress(FlinkError):  # the server's next start cancels it (process.py)
            session.cancel(web, job)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _become_context(cluster: Cluster, options: dict[str, str], jars: list[str]) -> None:
    """Give the program's environments this cluster, the application's options and the classes of its jars, as Flink's own client does.

    As on AWS a program may submit one job: Flink refuses a second with its own message.
    """
    java = cluster.java
    conf = _configuration(java, options | cluster.client_options | {"python.executable": session.python()})
    thread = java.Thread.currentThread()
    urls = java.java.util.ArrayList()
    for jar in jars:
        urls.add(java.java.io.File(jar).toURI().toURL())
    client = java.org.apache.flink.client
    loader = client.ClientUtils.buildUserCodeClassLoader(
        urls, java.java.util.ArrayList(), thread.getContextClassLoader(), conf
    )
    thread.setContextClassLoader(loader)
    executors = java.org.apache.flink.core.execution.DefaultExecutorServiceLoader()
    client.program.StreamContextEnvironment.setAsContext(executors, conf, loader, True, False)


def _redirect_properties(file: str) -> None:
    """Let Python's open and os.stat find the property groups at AWS's path, where an ordinary user may not write."""
    opened, stat = builtins.open, os.stat

    def at(name):
        return file if isinstance(name, str | os.PathLike) and os.fspath(name) == PROPERTIES else name

    def open_at(name: Any, *rest: Any, **named: Any) -> Any:
        return opened(at(name), *rest, **named)

    vars(builtins)["open"] = vars(io)["open"] = open_at
    os.stat = lambda name, *rest, **named: stat(at(name), *rest, **named)


if __name__ == "__main__":
    main(sys.argv[1])
