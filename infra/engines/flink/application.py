"""`python -m infra.engines.flink.application SETTINGS`: run one PyFlink application until the local AWS ends it.

It runs in the Flink environment (`.venv-flink`). The cluster's web address is written to `web` in the run's folder once the program has submitted
its job. A program finds its property groups where AWS puts them, at /etc/flink/application_properties.json, and its connectors find the local AWS.

Source: https://docs.aws.amazon.com/managed-flink/latest/java/how-python-creating.html
"""

import builtins
import io
import json
import os
import re
import runpy
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import boto3

from infra.kernels.flink.flink_studio.aws import Aws
from infra.kernels.flink.flink_studio.cluster import OPTIONS, Cluster, _configuration
from infra.kernels.flink.flink_studio.jvm import Jvm, archive_option

PROPERTIES = "/etc/flink/application_properties.json"
CREATES_TABLE = re.compile(r"\s*CREATE\s+(TEMPORARY\s+)?TABLE\b", re.IGNORECASE)


def main(path: str) -> None:
    settings = json.loads(Path(path).read_text())
    threading.Thread(target=_end_with_server, daemon=True).start()
    folder = Path(settings["folder"])
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    aws = Aws(boto3.Session(), os.environ["AWS_REGION"], endpoint, endpoint)
    options = settings["options"] | aws.flink_options()
    jvm = Jvm(archive_option())
    try:
        cluster = Cluster(jvm, options)
        cluster.set_properties(aws.key_properties())
        _become_context(cluster, OPTIONS | options)
        _complete_connectors(aws)
        _redirect_properties(str(folder / "application_properties.json"))
        code = folder / "code"
        sys.path[:0] = [str(code), *(str(code / name) for name in settings["python_files"])]
        os.chdir(code)
        sys.argv = [str(code / settings["main"])]
        runpy.run_path(sys.argv[0], run_name="__main__")
        sys.stdout.flush()
        told = folder / "web.new"
        told.write_text(cluster.web)
        told.rename(folder / "web")
        while jvm.alive:
            time.sleep(0.2)
        print(f"Flink's Java process ended with code {jvm.exit_code}.", file=sys.stderr)
    except BaseException:  # SystemExit of the program too: it ends without a job
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    jvm.stop(1)
    os._exit(
        1
    )  # pyflink's own exit handlers would call the Java process that is gone, and their errors hide the reason


def _end_with_server() -> None:
    """The server holds the other end of standard input; Java ends with this process (see flink_studio/jvm.py)."""
    os.read(0, 1)  # not sys.stdin, whose lock Python wants at its end
    os.kill(os.getpid(), signal.SIGKILL)


def _become_context(cluster: Cluster, options: dict[str, str]) -> None:
    """Give the program's environments this cluster and the application's options, as Flink's own client does."""
    java = cluster.java
    remote = {"execution.target": "remote", "rest.port": cluster.web.rsplit(":", 1)[1]}
    conf = _configuration(java, options | remote | {"python.executable": sys.executable})
    loader = java.Thread.currentThread().getContextClassLoader()
    executors = java.org.apache.flink.core.execution.DefaultExecutorServiceLoader()
    java.org.apache.flink.client.program.StreamContextEnvironment.setAsContext(executors, conf, loader, False, False)


def _complete_connectors(aws: Aws) -> None:
    """Kinesis connectors that name no endpoint get that of this AWS, so that a program has no word of it."""
    from pyflink.datastream.connectors import kinesis
    from pyflink.table import TableEnvironment

    options = aws.kinesis_options()
    execute = TableEnvironment.execute_sql

    def execute_sql(environment, statement):
        result = execute(environment, statement)
        if CREATES_TABLE.match(statement):
            _complete_tables(environment, execute, options)
        return result

    def create(original):
        def made(environment, *arguments, **named):
            result = original(environment, *arguments, **named)
            _complete_tables(environment, execute, options)
            return result

        return made

    TableEnvironment.execute_sql = execute_sql
    TableEnvironment.create_table = create(TableEnvironment.create_table)
    TableEnvironment.create_temporary_table = create(TableEnvironment.create_temporary_table)

    consume = kinesis.FlinkKinesisConsumer.__init__

    def consumer(self, streams, schema, config):
        consume(self, streams, schema, options | config)

    kinesis.FlinkKinesisConsumer.__init__ = consumer
    with_properties = kinesis.KinesisStreamsSinkBuilder.set_kinesis_client_properties
    kinesis.KinesisStreamsSinkBuilder.set_kinesis_client_properties = lambda self, given: with_properties(
        self, options | given
    )


def _complete_tables(environment, execute, options: dict[str, str]) -> None:
    from pyflink.java_gateway import get_gateway

    manager = environment._j_tenv.getCatalogManager()
    identifier = get_gateway().jvm.org.apache.flink.table.catalog.ObjectIdentifier
    for name in environment.list_tables():
        path = identifier.of(environment.get_current_catalog(), environment.get_current_database(), name)
        found = manager.getTable(path)
        if not found.isPresent() or found.get().getTable().getTableKind().toString() != "TABLE":
            continue
        table = found.get().getTable()
        given = dict(table.getOptions())
        missing = {key: value for key, value in options.items() if key not in given}
        if given.get("connector") != "kinesis" or not missing:
            continue
        if found.get().isTemporary():
            manager.dropTemporaryTable(path, True)
            manager.createTemporaryTable(table.copy(given | missing), path, False)
        else:
            pairs = ", ".join(f"'{key}' = '{value}'" for key, value in missing.items())
            execute(environment, f"ALTER TABLE `{name}` SET ({pairs})")


def _redirect_properties(file: str) -> None:
    """Let Python's open and os.stat find the property groups at AWS's path, where an ordinary user may not write."""
    opened, stat = builtins.open, os.stat

    def at(name):
        return file if isinstance(name, str | os.PathLike) and os.fspath(name) == PROPERTIES else name

    builtins.open = io.open = lambda name, *rest, **named: opened(at(name), *rest, **named)
    os.stat = lambda name, *rest, **named: stat(at(name), *rest, **named)


if __name__ == "__main__":
    main(sys.argv[1])
