"""awsglue with bad sources, leftovers of killed writers, and two sessions that write the same path at once."""

import gzip
import io
import json
import uuid

import boto3
import pyarrow.parquet
import pytest
from pyspark.errors import AnalysisException

from infra.engines.spark.client import SparkDriver
from infra.engines.spark.options import Settings
from tests.engines.awsglue_spark import glue_context
from tests.polling import until

ACCOUNT = "300000000002"
BUCKET = "glue-bad-input"
DATABASE = "bad_input"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SECONDS = 120  # on a busy machine


@pytest.fixture(scope="module")
def glue(server, tmp_path_factory):
    with glue_context(server.endpoint, ACCOUNT, tmp_path_factory.mktemp("spark")) as context:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        yield context


@pytest.fixture
def start(server, glue):
    """Start Spark drivers of sessions of their own, beside the one in this process."""
    started = []

    def run(number: int) -> list[SparkDriver]:
        settings = Settings(server.endpoint, "us-east-1", ACCOUNT, "test", cores=1)
        started.extend(SparkDriver(settings) for _ in range(number))
        for driver in started:
            driver.ready.result(SECONDS)
        return started

    yield run
    for driver in started:
        driver.stop()


def put(key: str, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def keys_below(prefix: str) -> list[str]:
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def json_lines(*records: dict) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def read(glue, folder: str, kind="json", **options):
    return glue.create_dynamic_frame.from_options("s3", {"paths": [f"s3://{BUCKET}/{folder}"], **options}, kind)


# bad sources


def test_damaged_gzip_fails_and_is_never_half_read(glue):
    whole = gzip.compress(json_lines(*({"n": number, "text": uuid.uuid4().hex} for number in range(5000))))
    put("cut/good.json.gz", gzip.compress(json_lines({"n": 1, "text": "x"})))
    put("cut/cut.json.gz", whole[: len(whole) // 2])
    with pytest.raises(Exception, match="Unexpected end of input stream|EOFException"):
        read(glue, "cut/").count()
    put("no-gzip/file.json.gz", json_lines({"n": 1}))
    with pytest.raises(Exception, match="Unexpected end of input stream|EOFException"):
        read(glue, "no-gzip/").count()
    with pytest.raises(Exception, match="is not a Parquet file"):
        put("no-parquet/file", b"PAR1 but nothing else that is right")
        read(glue, "no-parquet/", "parquet").count()


def test_file_that_vanishes_between_listing_and_reading(glue):
    put("vanishing/one.json", json_lines({"n": 1}))
    put("vanishing/two.json", json_lines({"n": 2}))
    frame = read(glue, "vanishing/")
    assert frame.toDF().columns == ["n"]
    boto3.client("s3").delete_object(Bucket=BUCKET, Key="vanishing/two.json")
    with pytest.raises(Exception, match=r"vanishing/two\.json does not exist|No such file or directory"):
        frame.toDF().collect()
    assert read(glue, "vanishing/").count() == 1


def test_lines_that_are_no_records(glue):
    text = b'{"n": 1}\nnull\n[1, 2]\n"text"\n7\n\n   \n{"n": 2\n{"n": 3} trailing\n\xff\xfe\n{"n": 4}\n'
    put("lines/file", text)
    frame = read(glue, "lines/")
    assert sorted(row["n"] for row in frame.toDF().collect()) == [1, 3, 4]
    errors = [row["error"]["input"] for row in frame.errorsAsDynamicFrame().toDF().collect()]
    assert errors[:5] == ["null", "[1, 2]", '"text"', "7", '{"n": 2']  # blank lines are no errors
    assert frame.errorsCount() == len(errors) == 6
    with pytest.raises(RuntimeError, match="errors reached the threshold of 2"):
        frame.map(lambda record: record, totalThreshold=2).toDF()


# what writers leave


def test_leftovers_of_a_killed_writer_are_no_data(glue, start):
    """A driver killed with -9 while it writes, and files that others leave; Spark, the crawler and Athena pass them over."""
    put("left/part-done.json", json_lines({"n": 1}, {"n": 2}, {"n": 3}))
    slow = f"""
import time
from pyspark.sql import functions as F
rows = spark.range(0, 4, 1, 4).select(F.udf(lambda n: time.sleep(600) or "x")("id").alias("n"))
rows.write.mode("append").json("s3://{BUCKET}/left/")
"""
    (driver,) = start(1)
    driver.run(1, slow)
    until(lambda: any("_temporary" in key for key in keys_below("left/")), "the driver writes")
    driver.kill()
    driver.exited.result(SECONDS)
    put("left/_temporary/0/_temporary/attempt_1/part-00000.json", json_lines({"n": 99}))
    put("left/_SUCCESS", b"")
    put("left/.part-1.crc", b"crc")
    put("left/_started/file", json_lines({"n": 98}))

    assert sorted(row["n"] for row in read(glue, "left/", recurse=True).toDF().collect()) == [1, 2, 3]
    assert glue.spark_session.read.json(f"s3://{BUCKET}/left/").count() == 3

    api = boto3.client("glue")
    boto3.client("iam").create_role(RoleName="Crawler", AssumeRolePolicyDocument=json.dumps(TRUST))
    rights = {"Effect": "Allow", "Action": ["s3:*", "glue:*", "logs:*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    boto3.client("iam").put_role_policy(RoleName="Crawler", PolicyName="lake", PolicyDocument=policy)
    targets = {"S3Targets": [{"Path": f"s3://{BUCKET}/left/"}]}
    role = f"arn:aws:iam::{ACCOUNT}:role/Crawler"
    api.create_crawler(Name="left", Role=role, DatabaseName=DATABASE, Targets=targets)
    api.start_crawler(Name="left")
    until(lambda: api.get_crawler(Name="left")["Crawler"]["State"] == "READY", "the crawler is ready")
    tables = api.get_tables(DatabaseName=DATABASE)["TableList"]
    assert [(table["Name"], table["Parameters"]["objectCount"]) for table in tables] == [("left", "1")]
    assert glue.create_dynamic_frame.from_catalog(DATABASE, "left").count() == 3

    athena = boto3.client("athena")
    query = athena.start_query_execution(
        QueryString=f'SELECT count(*), sum(n) FROM "{DATABASE}"."left"',
        ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"},
    )["QueryExecutionId"]
    state = lambda: athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]  # noqa: E731
    until(lambda: state()["State"] not in ("QUEUED", "RUNNING"), "the query ends")
    assert state()["State"] == "SUCCEEDED", state()
    data = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1]["Data"]
    assert [cell["VarCharValue"] for cell in data] == ["3", "6"]


# two writers

ROUNDS, RECORDS, PARTS = 4, 400, 4
WRITE = f"""
from pyspark import SparkContext
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
context = GlueContext(SparkContext.getOrCreate())
for round in range({ROUNDS}):
    df = spark.range(0, {RECORDS}, 1, {PARTS}).selectExpr("id", "'WRITER' AS writer", f"{{round}} AS round", "'p' AS part")
    sink = context.getSink("s3", path="s3://{BUCKET}/both/", enableUpdateCatalog=True, partitionKeys=["part"])
    sink.setFormat("glueparquet")
    sink.setCatalogInfo(catalogDatabase="{DATABASE}", catalogTableName="both")
    sink.writeFrame(DynamicFrame.fromDF(df, context, "rows"))
"""


def test_two_sessions_write_the_same_path_at_once(glue, start):
    """Every file that a reader sees is whole at any moment, and in the end all records of both are there, once."""
    results = [driver.run(1, WRITE.replace("WRITER", f"w{number}")) for number, driver in enumerate(start(2))]
    s3, seen = boto3.client("s3"), set()

    def look() -> bool:
        over = all(result.done() for result in results)
        for key in set(keys_below("both/")) - seen:
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            assert pyarrow.parquet.read_table(io.BytesIO(body)).num_rows == RECORDS // PARTS, key
            seen.add(key)
        return over

    until(look, "both sessions have written")
    assert [result.result()["status"] for result in results] == ["ok", "ok"], [result.result() for result in results]
    assert len(seen) == 2 * ROUNDS * PARTS
    assert all("/part=p/run-" in key for key in seen)
    counted = glue.create_dynamic_frame.from_catalog(DATABASE, "both").toDF().groupBy("writer", "round").count()
    assert sorted(map(tuple, counted.collect())) == [(w, r, RECORDS) for w in ("w0", "w1") for r in range(ROUNDS)]


def test_two_sessions_append_to_one_path_with_plain_spark(start):
    """Their committers use one folder `_temporary/0`, so they take turns."""
    append = f"""
for round in range({ROUNDS}):
    spark.range(0, {RECORDS}, 1, {PARTS}).write.mode("append").parquet("s3://{BUCKET}/plain/")"""
    drivers = start(2)
    results = [driver.run(1, append) for driver in drivers]
    until(lambda: all(result.done() for result in results), "both sessions have written")
    assert [result.result()["status"] for result in results] == ["ok", "ok"], [result.result() for result in results]
    files = [key for key in keys_below("plain/") if key.endswith(".parquet")]
    assert len(files) == 2 * ROUNDS * PARTS
    assert not [key for key in files if "_temporary" in key]
    counted = drivers[0].run(2, f"spark.read.parquet('s3://{BUCKET}/plain/').count()").result(SECONDS)
    assert counted["text"] == str(2 * ROUNDS * RECORDS), counted


def test_a_write_that_fails_in_one_task_shows_no_file_of_the_others(start):
    broken = f"""
rows = spark.range(0, {RECORDS}, 1, {PARTS}).selectExpr("if(id = {RECORDS - 1}, raise_error('broken'), id) AS id")
rows.write.parquet("s3://{BUCKET}/partly/")"""
    (driver,) = start(1)
    assert driver.run(1, broken).result(SECONDS)["status"] == "error"
    assert [key for key in keys_below("partly/") if "_temporary" not in key and key.endswith(".parquet")] == []


def test_table_that_another_writer_made_meanwhile(glue, monkeypatch):
    from awsglue.data_sink import DataSink
    from awsglue.dynamicframe import DynamicFrame

    df = glue.spark_session.createDataFrame([(1, "a")], "n int, p string")

    def write():
        sink = glue.getSink("s3", path=f"s3://{BUCKET}/race/", enableUpdateCatalog=True, partitionKeys=["p"])
        sink.setFormat("json")
        sink.setCatalogInfo(catalogDatabase=DATABASE, catalogTableName="race")
        sink.writeFrame(DynamicFrame.fromDF(df, glue, "rows"))

    write()
    real, calls = DataSink._catalog_table, []

    def too_early(sink, kind):
        calls.append(kind)
        return None if len(calls) == 1 else real(sink, kind)

    monkeypatch.setattr(DataSink, "_catalog_table", too_early)
    write()
    assert calls == ["json", "json"]
    assert glue.create_dynamic_frame.from_catalog(DATABASE, "race").count() == 2


def test_a_writer_that_fails_leaves_nothing(glue):
    from awsglue.dynamicframe import DynamicFrame

    df = glue.spark_session.range(0, 100, 1, 4).selectExpr("id", "IF(id = 99, raise_error('bad record'), 'x') AS text")
    with pytest.raises(Exception, match="bad record"):
        glue.write_dynamic_frame.from_options(
            DynamicFrame.fromDF(df, glue, "rows"), "s3", {"path": f"s3://{BUCKET}/failed/"}, "parquet"
        )
    assert keys_below("failed/") == []
    with pytest.raises(AnalysisException):
        glue.spark_session.read.parquet(f"s3://{BUCKET}/failed/")
