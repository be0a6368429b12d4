"""The run that the AppCDS archive is made from: what every session and job needs, once, against an S3 that has nothing.

`python -m infra.engines.spark.warmup <command of the JVM …>`
"""

import http.server
import sys
import tempfile
import threading
from pathlib import Path

from infra.engines.spark.gateway import Gateway


class EmptyS3(http.server.BaseHTTPRequestHandler):
    """Answers every S3 call as if nothing were there; S3A's and the SDK's classes are loaded all the same."""

    def do_GET(self):
        body = b"<?xml version='1.0'?><Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"
        self.send_response(404)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def log_message(self, *arguments):
        pass


def main(command: list[str]) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyS3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    jvm = Gateway([*command[:-1], f"-Dspark.hadoop.fs.s3a.endpoint={endpoint}", command[-1]])
    jvm.connect()
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    spark = SparkSession.builder.getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.json"
        lines.write_text("".join(f'{{"key": {i}, "name": "n{i}", "nested": {{"a": [{i}]}}}}\n' for i in range(100)))
        (Path(folder) / "lines.csv").write_text("a,b\n1,x\n2,y\n")
        frame = spark.read.json(str(lines))
        frame.printSchema()
        frame.show(2)
        assert frame.count() == 100
        spark.read.option("header", True).csv(f"{folder}/lines.csv").show()
        grouped = frame.groupBy("name").agg(F.count("*").alias("n"), F.sum("key").alias("s")).orderBy("n")
        joined = frame.join(grouped, "name").withColumn("part", F.lit("p")).drop("nested")
        joined.write.partitionBy("part").parquet(f"{folder}/parquet")
        spark.read.parquet(f"{folder}/parquet").createOrReplaceTempView("written")
        spark.sql("SELECT part, count(*) FROM written WHERE key > 3 GROUP BY part").collect()
        frame.write.json(f"{folder}/json")
    try:
        spark.read.parquet("s3://nothing/there/")
    except PySparkException:
        pass  # as intended: there is nothing
    jvm.close()


if __name__ == "__main__":
    main(sys.argv[1:])
