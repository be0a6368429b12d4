"""`python -m …archive FILE`: compile the Java files of this folder, then run what a first paragraph runs, and let Java write its classes
to an archive at its end (AppCDS).

The compiler is the one that Flink's planner uses, because a Java without javac must do.
"""

import contextlib
import os
import sys
import time
import zipfile
from pathlib import Path

from . import session
from .cluster import Cluster
from .jvm import Jvm

DUMP_SECONDS = 120
JAR = "00-flink-studio.jar"  # first on the class path
FACTORIES = (
    "META-INF/services/org.apache.flink.table.factories.Factory",
    "org.apache.flink.formats.csv.CsvWithHeaderFormatFactory\n",
)
# Nothing listens there: the connector's classes are loaded all the same.
STREAM = """CREATE TEMPORARY TABLE warm (a INT, b STRING, c TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR c AS c) WITH (
  'connector' = 'kinesis', 'stream' = 'warm', 'aws.region' = 'us-east-1', 'aws.endpoint' = 'http://127.0.0.1:9', 'format' = 'json')"""
QUERIES = (
    "SELECT b, COUNT(*) FROM warm GROUP BY b",
    "SELECT b, COUNT(*) FROM warm GROUP BY b, HOP(c, INTERVAL '1' SECOND, INTERVAL '2' SECOND)",
    "SELECT warm.a, t.b FROM warm INNER JOIN (VALUES (1, 'x')) AS t(a, b) ON warm.a = t.a",
)


def compile_java(jar: Path) -> None:
    """Compile java/*.java into a jar."""
    jvm = Jvm()
    java = jvm.connect().jvm
    with zipfile.ZipFile(jar, "w") as classes:
        for source in sorted((Path(__file__).parent / "java").glob("*.java")):
            compiler = java.org.codehaus.janino.SimpleCompiler()
            compiler.setParentClassLoader(java.Thread.currentThread().getContextClassLoader())
            compiler.cook(source.read_text())
            for name, code in sorted(dict(compiler.getBytecodes()).items()):
                classes.writestr(f"{name.replace('.', '/')}.class", bytes(code))
        classes.writestr(*FACTORIES)
    jvm.stop()


def write_archive(archive: str) -> None:
    """Run a first paragraph and let Java write its classes."""
    os.environ.pop(session.CLUSTER, None)
    jvm = Jvm((f"-XX:ArchiveClassesAtExit={archive}", "-Xlog:disable", "-Xlog:all=off"))
    cluster = Cluster(jvm, {})
    cluster.set_properties({"aws.accessKeyId": "x", "aws.secretKey": "x", "aws.secretAccessKey": "x"})
    cluster.warm_up()
    cluster.bt_env.execute_sql("SELECT COUNT(*) FROM (VALUES (1), (2)) AS t(a)").wait()
    cluster.st_env.execute_sql(STREAM)
    for query in QUERIES:
        result = cluster.st_env.execute_sql(query)
        changes = cluster.collect(result)
        end = time.monotonic() + 3
        while not changes.finished and time.monotonic() < end:
            changes.take(100)
        if not changes.finished:
            with contextlib.suppress(
                Exception
            ):  # it may have failed by itself meanwhile: nothing listens where it reads
                result.get_job_client().cancel().result()
    jvm.stop(DUMP_SECONDS)


if __name__ == "__main__":
    compile_java(Path(os.environ["FLINK_HOME"]) / "lib" / JAR)
    write_archive(sys.argv[1])
