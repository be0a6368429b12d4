"""What only we do, so the peer is the bare engine or a goal in seconds: Athena, the crawler, growth."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import hot
from tests.bench.doubles import Double

ACTIVITIES = ["Running", "Working", "Walking", "Traveling", "Sitting"]
SQL = "SELECT activity_type, count(*) FROM raw GROUP BY activity_type ORDER BY activity_type"
COLUMNS = [
    "uuid string",
    "device_ts string",
    "device_id int",
    "device_temp int",
    "track_id int",
    "activity_type string",
]


def _lines(count: int, seed: int) -> bytes:
    rng = random.Random(seed)
    rows = (
        {
            "uuid": f"{rng.getrandbits(128):032x}",
            "device_ts": "2026-11-24 05:00:00.000",
            "device_id": rng.randint(0, 50),
            "device_temp": rng.choice([28, 32, 34, 40]),
            "track_id": rng.randint(0, 30),
            "activity_type": rng.choice(ACTIVITIES),
        }
        for _ in range(count)
    )
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def athena(double: Double) -> tuple[float, float]:
    """Seconds of a GROUP BY over 10,000 JSON records in 2 objects: Athena's own run time, and bare DuckDB on the same files (medians of 9)."""
    import duckdb

    s3, client = double.client("s3"), double.client("athena")
    s3.create_bucket(Bucket="bench-athena")
    bodies = [_lines(5000, seed) for seed in (1, 2)]
    for number, body in enumerate(bodies):
        s3.put_object(Bucket="bench-athena", Key=f"raw/{number}.json", Body=body)
    _query(client, "CREATE DATABASE bench")
    _query(
        client,
        f"CREATE EXTERNAL TABLE bench.raw ({', '.join(COLUMNS)}) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' "
        "LOCATION 's3://bench-athena/raw/'",
    )
    ours = [_query(client, SQL, "bench")["Statistics"]["TotalExecutionTimeInMillis"] / 1000 for _ in range(9)]
    bare = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number, body in enumerate(bodies):
            (Path(folder) / f"{number}.json").write_bytes(body)
        connection = duckdb.connect()
        text = f"SELECT activity_type, count(*) FROM read_json('{folder}/*.json') GROUP BY 1 ORDER BY 1"
        for _ in range(9):
            started = time.perf_counter()
            connection.execute(text).fetchall()
            bare.append(time.perf_counter() - started)
    return statistics.median(ours), statistics.median(bare)


def _query(client: Any, sql: str, database: str = "default") -> dict[str, Any]:
    started = client.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": "s3://bench-athena/results/"},
    )["QueryExecutionId"]
    while True:
        execution = client.get_query_execution(QueryExecutionId=started)["QueryExecution"]
        if execution["Status"]["State"] == "SUCCEEDED":
            return execution
        if execution["Status"]["State"] in ("FAILED", "CANCELLED"):
            raise RuntimeError(execution["Status"]["StateChangeReason"])
        time.sleep(0.005)


def crawl(double: Double, objects: int = 1000) -> float:
    """Seconds of a crawl of 1,000 JSON objects in 10 partitions, from StartCrawler to READY."""
    s3, glue = double.client("s3"), double.client("glue")
    s3.create_bucket(Bucket="bench-crawl")
    body = _lines(20, 3)
    for number in range(objects):
        s3.put_object(Bucket="bench-crawl", Key=f"raw/2026/11/24/{number % 10:02d}/part-{number}.json", Body=body)
    double.client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))
    glue.create_database(DatabaseInput={"Name": "bench_crawl"})
    glue.create_crawler(
        Name="bench",
        Role="bench",
        DatabaseName="bench_crawl",
        Targets={"S3Targets": [{"Path": "s3://bench-crawl/raw/"}]},
    )
    started = time.perf_counter()
    glue.start_crawler(Name="bench")
    while glue.get_crawler(Name="bench")["Crawler"]["State"] != "READY":
        time.sleep(0.01)
    seconds = time.perf_counter() - started
    assert glue.get_table(DatabaseName="bench_crawl", Name="raw")
    return seconds


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def growth(double: Double, small: int, large: int) -> tuple[float, float]:
    """Records a second over the first `small` and then over `large` records put into one stream."""
    kinesis = hot._stream(double, "growth")
    rates = []
    for count in (small, large):
        started = time.perf_counter()
        for _ in range(count // 500):
            kinesis.put_records(StreamName="growth", Records=hot.BATCH)
        rates.append(count / (time.perf_counter() - started))
    return rates[0], rates[1]


def listing(double: Double, keys: int) -> float:
    """Seconds to list a bucket of so many keys, 1,000 a page."""
    s3 = double.client("s3")
    s3.create_bucket(Bucket="bench-listing")
    for number in range(keys):
        s3.put_object(Bucket="bench-listing", Key=f"k/{number:06d}", Body=b"")
    started = time.perf_counter()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="bench-listing")
    assert sum(len(page["Contents"]) for page in pages) == keys
    return time.perf_counter() - started
