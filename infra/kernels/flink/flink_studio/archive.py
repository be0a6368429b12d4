"""`python -m …archive FILE`: run what a first paragraph runs, and let Java write its classes to an archive (AppCDS) at its end."""

import sys
import time

from .cluster import Cluster
from .jvm import Jvm

DUMP_SECONDS = 120
# Nothing listens there: the connector's classes are loaded all the same.
STREAM = """CREATE TEMPORARY TABLE warm (a INT, b STRING, c TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR c AS c) WITH (
  'connector' = 'kinesis', 'stream' = 'warm', 'aws.region' = 'us-east-1', 'aws.endpoint' = 'http://127.0.0.1:9', 'format' = 'json')"""
QUERIES = (
    "SELECT b, COUNT(*) FROM warm GROUP BY b",
    "SELECT b, COUNT(*) FROM warm GROUP BY b, HOP(c, INTERVAL '1' SECOND, INTERVAL '2' SECOND)",
    "SELECT warm.a, t.b FROM warm INNER JOIN (VALUES (1, 'x')) AS t(a, b) ON warm.a = t.a",
)


def main(archive: str) -> None:
    """Write the archive.

    Args:
        archive: the file to write.
    """
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
            result.get_job_client().cancel().result()
    jvm.stop(DUMP_SECONDS)


main(sys.argv[1])
