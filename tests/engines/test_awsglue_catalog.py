"""awsglue on the local AWS: tables of the Data Catalog, sinks that keep them up to date, bookmarks, purging."""

import json
import re
import sys

import boto3
import pytest
from botocore.exceptions import ClientError
from pyspark.errors import AnalysisException

from tests.engines.awsglue_spark import glue_context

ACCOUNT = "300000000001"
BUCKET = "glue-tests"
DATABASE = "analyticsworkshopdb"
TEXT = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
RAW_COLUMNS = {"uuid": "string", "device_id": "int", "track_id": "int", "activity_type": "string"}


@pytest.fixture(scope="module")
def glue(server, tmp_path_factory):
    with glue_context(server.endpoint, ACCOUNT, tmp_path_factory.mktemp("spark")) as context:
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        boto3.client("glue").create_database(DatabaseInput={"Name": DATABASE})
        yield context


@pytest.fixture
def api(glue):
    return boto3.client("glue")


def put(key: str, body: str) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())


def json_lines(*records: dict) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def make_table(api, name, columns, location, keys=(), serde="org.openx.data.jsonserde.JsonSerDe", **more) -> None:
    parameters = more.pop("parameters", {"paths": ",".join(columns)})
    storage = {
        "Columns": [{"Name": column, "Type": kind} for column, kind in columns.items()],
        "Location": location,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
        **TEXT,
    }
    api.create_table(
        DatabaseName=DATABASE,
        TableInput={
            "Name": name,
            "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
            "Parameters": more.pop("table_parameters", {"classification": "json"}),
            "TableType": "EXTERNAL_TABLE",
        },
    )


def add_partition(api, table, values, location) -> None:
    described = api.get_table(DatabaseName=DATABASE, Name=table)["Table"]["StorageDescriptor"]
    given = {"Values": values, "StorageDescriptor": described | {"Location": location}}
    api.create_partition(DatabaseName=DATABASE, TableName=table, PartitionInput=given)


def keys_below(prefix: str) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def raw(glue):
    """The workshop's table: Firehose folders as partition_0 …, one record a folder and hour."""
    api = boto3.client("glue")
    make_table(api, "raw", RAW_COLUMNS, f"s3://{BUCKET}/data/raw/", ["partition_0", "partition_1"])
    for hour in ("05", "06", "07"):
        record = {"uuid": f"u{hour}", "device_id": int(hour), "track_id": int(hour) % 3, "activity_type": "Running"}
        put(f"data/raw/2026/{hour}/file", json_lines(record, record))
        add_partition(api, "raw", ["2026", hour], f"s3://{BUCKET}/data/raw/2026/{hour}/")
    return "raw"


def test_schema_and_records_of_a_table(glue, raw, capsys):
    frame = glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name=raw)
    frame.printSchema()
    assert capsys.readouterr().out == (
        "root\n|-- uuid: string\n|-- device_id: int\n|-- track_id: int\n|-- activity_type: string\n"
        "|-- partition_0: string\n|-- partition_1: string\n"
    )
    assert frame.count() == 6
    first = frame.toDF().orderBy("uuid").first()
    assert (first["uuid"], first["partition_0"], first["partition_1"]) == ("u05", "2026", "05")


def test_push_down_predicate_reads_only_those_partitions(glue, raw):
    read = glue.create_dynamic_frame.from_catalog
    frame = read(database=DATABASE, table_name=raw, push_down_predicate="partition_1 >= '06' and partition_0 == '2026'")
    assert frame.count() == 4
    assert sorted(path.split("/raw/")[1] for path in frame.toDF().inputFiles()) == ["2026/06/file", "2026/07/file"]
    with pytest.raises(AnalysisException, match="User's pushdown predicate: device_id > 5 can not be resolved"):
        read(database=DATABASE, table_name=raw, push_down_predicate="device_id > 5")


def test_missing_table_and_database_are_awss_errors(glue):
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name="nothing")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.create_dynamic_frame.from_catalog(database="nothing", table_name="nothing")


def test_csv_with_values_that_do_not_fit_is_a_choice(glue, api, capsys):
    put("csv/a.csv", "provider id,state\n10001,AL\nINC,WI\n,CA\n")
    columns = {"provider id": "bigint", "state": "string"}
    serde = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    parameters = {"classification": "csv", "skip.header.line.count": "1"}
    location = f"s3://{BUCKET}/csv/"
    make_table(
        api, "medicare", columns, location, serde=serde, parameters={"field.delim": ","}, table_parameters=parameters
    )
    frame = glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name="medicare")
    frame.printSchema()
    assert capsys.readouterr().out == (
        "root\n|-- provider id: choice\n|    |-- long\n|    |-- string\n|-- state: string\n"
    )
    resolved = frame.resolveChoice(specs=[("provider id", "cast:long")]).toDF().orderBy("state")
    assert [tuple(row) for row in resolved.collect()] == [(10001, "AL"), (None, "CA"), (None, "WI")]
    matched = frame.resolveChoice(choice="match_catalog", database=DATABASE, table_name="medicare")
    assert matched.toDF().dtypes == [("provider id", "bigint"), ("state", "string")]


def test_broken_json_line_is_an_error_record(glue, api):
    put("broken/file", '{"A": 1, "b": "x"}\n{"A": 2, "b"\n\n{"A": 3, "b": "y"}\n')
    make_table(api, "broken", {"a": "int", "b": "string"}, f"s3://{BUCKET}/broken/", parameters={"paths": "A,b"})
    frame = glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name="broken")
    assert [tuple(row) for row in frame.toDF().orderBy("b").collect()] == [(1, "x"), (3, "y")]
    assert frame.errorsCount() == 1
    error = frame.errorsAsDynamicFrame().toDF().first()["error"]
    assert (error["msg"], error["input"]) == ("error in jackson reader", '{"A": 2, "b"')


def test_broken_json_line_in_a_partition(glue, api):
    put("cracked/p=a/file", '{"n": 1}\n{"n": 2\n')
    make_table(api, "cracked", {"n": "int"}, f"s3://{BUCKET}/cracked/", ["p"])
    add_partition(api, "cracked", ["a"], f"s3://{BUCKET}/cracked/p=a/")
    frame = glue.create_dynamic_frame.from_catalog(DATABASE, "cracked")
    assert [tuple(row) for row in frame.toDF().collect()] == [(1, "a")]
    assert frame.errorsCount() == 1


def test_json_values_of_another_type_are_a_choice(glue, api, capsys):
    """The workshop's own clash: `track_id` as a number and as a text; the catalog's type is one of them."""
    lines = (
        '{"track_id": 7, "name": "x", "big": 1, "at": {"n": 1}}\n{"track_id": "INC", "name": 5, "big": 3000000000}\n'
    )
    put("clash/partition=a/file", lines + "broken\n")
    put("clash/partition=b/file", '{"track_id": "z", "at": {"n": "two"}}\n')
    columns = {"track_id": "int", "name": "string", "big": "int", "missing": "double", "at": "struct<n:int>"}
    make_table(api, "clash", columns, f"s3://{BUCKET}/clash/", ["partition"])
    for value in "ab":
        add_partition(api, "clash", [value], f"s3://{BUCKET}/clash/partition={value}/")
    frame = glue.create_dynamic_frame.from_catalog(DATABASE, "clash", push_down_predicate="partition == 'a'")
    frame.printSchema()
    assert capsys.readouterr().out == (
        "root\n|-- track_id: choice\n|    |-- int\n|    |-- string\n|-- name: string\n|-- big: long\n"
        "|-- missing: double\n|-- at: struct\n|    |-- n: int\n|-- partition: string\n"
    )
    resolved = (
        frame.resolveChoice(specs=[("track_id", "cast:int")]).toDF().select("track_id", "name", "big", "partition")
    )
    assert sorted(map(tuple, resolved.collect()), key=str) == [(7, "x", 1, "a"), (None, "5", 3000000000, "a")]
    assert frame.errorsCount() == 1
    both = glue.create_dynamic_frame.from_catalog(DATABASE, "clash")
    matched = both.resolveChoice(choice="match_catalog", database=DATABASE, table_name="clash")
    assert [row["track_id"] for row in matched.toDF().orderBy("track_id").collect()] == [None, None, 7]
    assert sorted(row["partition"] for row in both.toDF().collect()) == ["a", "a", "b"]
    columns = {field.name: field.dataType for field in both.resolveChoice(choice="make_cols").schema()}
    assert "track_id_int" in columns
    assert {inner.name for inner in columns["at"].fields} == {"n_int", "n_string"}


def test_json_values_of_another_type_in_a_large_table_are_never_lost(glue, api, monkeypatch):
    from awsglue import data_source

    put("large/day=a/file", '{"n": 1, "t": "x"}\n{"n": 2\n')
    put("large/day=b/file", '{"n": "INC", "t": "y"}\n')
    make_table(api, "large", {"n": "int", "t": "string"}, f"s3://{BUCKET}/large/", ["day"])
    for day in "ab":
        add_partition(api, "large", [day], f"s3://{BUCKET}/large/day={day}/")
    monkeypatch.setattr(data_source, "CHECKED_BYTES", 30)  # what the partition b has, but not both
    small = glue.create_dynamic_frame.from_catalog(DATABASE, "large", push_down_predicate="day == 'b'")
    assert small.toDF().dtypes == [("n", "string"), ("t", "string"), ("day", "string")]
    good = glue.create_dynamic_frame.from_catalog(DATABASE, "large", push_down_predicate="day == 'a'")
    monkeypatch.setattr(data_source, "CHECKED_BYTES", 0)
    assert (good.count(), good.errorsCount()) == (1, 1)
    every = glue.create_dynamic_frame.from_catalog(DATABASE, "large")
    with pytest.raises(Exception, match=f"The table {DATABASE}.large has values of another type"):
        every.toDF().collect()


def test_nothing_at_a_path_is_an_empty_frame(glue, api, capsys):
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [f"s3://{BUCKET}/not/there/"]}, "json")
    frame.printSchema()
    assert (capsys.readouterr().out, frame.count(), frame.toDF().columns) == ("root\n", 0, [])
    put("half/file", json_lines({"n": 1}))
    paths = [f"s3://{BUCKET}/half/", f"s3://{BUCKET}/not/there/"]
    assert glue.create_dynamic_frame.from_options("s3", {"paths": paths}, "json").count() == 1
    make_table(api, "nowhere", {"n": "int"}, f"s3://{BUCKET}/nowhere/")
    table = glue.create_dynamic_frame.from_catalog(DATABASE, "nowhere")
    assert (table.count(), table.toDF().columns) == (0, ["n"])
    with pytest.raises(Exception, match="NoSuchBucket|UnknownStore"):
        glue.create_dynamic_frame.from_options("s3", {"paths": ["s3://no-such-bucket-at-all/x/"]}, "json").count()


def test_sample_frames_and_storage_classes(glue, api):
    for hour in range(3):
        for number in range(3):
            put(f"sample/{hour}/f{number}", json_lines({"n": hour * 10 + number}, {"n": -1}))
    boto3.client("s3").put_object(Bucket=BUCKET, Key="sample/0/cold", Body=b'{"n": 99}', StorageClass="GLACIER")
    options = {"paths": [f"s3://{BUCKET}/sample/"], "recurse": True, "excludeStorageClasses": ["GLACIER"]}
    assert glue.create_dynamic_frame.from_options("s3", options, "json").count() == 18
    few = glue.create_sample_dynamic_frame_from_options("s3", options, num=5, format="json")
    assert few.count() == 5
    limits = {"maxSamplePartitions": 2, "maxSampleFilesPerPartition": 1}
    sample = glue.create_sample_dynamic_frame_from_options("s3", options, 100, limits, "json")
    assert sorted(row["n"] for row in sample.toDF().collect()) == [-1, -1, 0, 10]
    make_table(api, "sampled", {"n": "int"}, f"s3://{BUCKET}/sample/", ["hour"])
    for hour in range(3):
        add_partition(api, "sampled", [str(hour)], f"s3://{BUCKET}/sample/{hour}/")
    picked = glue.create_sample_dynamic_frame_from_catalog(
        DATABASE, "sampled", 100, additional_options={"excludeStorageClasses": ["GLACIER"]}, sample_options=limits
    )
    assert sorted(row["n"] for row in picked.toDF().collect()) == [-1, -1, 0, 10]


def test_recurse_reads_folders_below_an_unpartitioned_table(glue, api):
    put("nested/top", json_lines({"n": 1}))
    put("nested/2026/11/file", json_lines({"n": 2}))
    make_table(api, "nested", {"n": "int"}, f"s3://{BUCKET}/nested/")
    assert glue.create_dynamic_frame.from_catalog(DATABASE, "nested").count() == 1
    options = {"recurse": True}
    assert glue.create_dynamic_frame.from_catalog(DATABASE, "nested", additional_options=options).count() == 2


def sink_of(glue, path, **options):
    sink = glue.getSink(connection_type="s3", path=path, enableUpdateCatalog=True, **options)
    sink.setFormat("glueparquet")
    return sink


def test_sink_creates_and_updates_the_table(glue, api, raw):
    frame = glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name=raw)
    path = f"s3://{BUCKET}/data/processed-data2/"
    sink = sink_of(glue, path, partitionKeys=["partition_1"], compression="snappy")
    sink.setCatalogInfo(catalogDatabase=DATABASE, catalogTableName="processed-data2")
    sink.writeFrame(frame.drop_fields(["partition_0"]))
    table = api.get_table(DatabaseName=DATABASE, Name="processed-data2")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert table["Parameters"]["useGlueParquetWriter"] == "true"
    described = table["StorageDescriptor"]
    assert described["Location"] == path
    assert described["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert {column["Name"]: column["Type"] for column in described["Columns"]} == RAW_COLUMNS
    assert table["PartitionKeys"] == [{"Name": "partition_1", "Type": "string"}]
    partitions = api.get_partitions(DatabaseName=DATABASE, TableName="processed-data2")["Partitions"]
    assert sorted(part["Values"] for part in partitions) == [["05"], ["06"], ["07"]]
    names = keys_below("data/processed-data2/")
    assert len(names) == 3
    assert all("/run-" in name and name.endswith(".snappy.parquet") for name in names)

    again = sink_of(glue, path, partitionKeys=["partition_1"])
    again.setCatalogInfo(catalogDatabase=DATABASE, catalogTableName="processed-data2")
    again.writeFrame(frame.drop_fields(["partition_0", "activity_type"]))
    columns = api.get_table(DatabaseName=DATABASE, Name="processed-data2")["Table"]["StorageDescriptor"]["Columns"]
    assert [column["Name"] for column in columns] == ["uuid", "device_id", "track_id"]
    assert glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name="processed-data2").count() == 12

    other = sink_of(glue, path, partitionKeys=["uuid"])
    other.setCatalogInfo(catalogDatabase=DATABASE, catalogTableName="processed-data2")
    with pytest.raises(ValueError, match="partitionKeys"):
        other.writeFrame(frame)
    unknown = sink_of(glue, path)
    unknown.setCatalogInfo(catalogDatabase="no_such_database", catalogTableName="t")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        unknown.writeFrame(frame)


def test_write_from_catalog_adds_partitions(glue, api, raw):
    make_table(api, "copied", {"uuid": "string"}, f"s3://{BUCKET}/copied/", ["partition_1"])
    frame = glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name=raw)
    glue.write_dynamic_frame.from_catalog(
        frame=frame.select_fields(["uuid", "partition_1"]),
        database=DATABASE,
        table_name="copied",
        additional_options={"enableUpdateCatalog": True, "updateBehavior": "LOG", "partitionKeys": ["partition_1"]},
    )
    assert all(name.startswith("copied/partition_1=0") for name in keys_below("copied/"))
    assert glue.create_dynamic_frame.from_catalog(database=DATABASE, table_name="copied").count() == 6


@pytest.fixture
def run_job(glue, tmp_path, monkeypatch):
    """Run a function as a job run with a bookmark; returns what it returns."""
    from awsglue.job import Job
    from awsglue.utils import getResolvedOptions

    monkeypatch.setenv("GLUE_JOB_BOOKMARK_FILE", str(tmp_path / "bookmark.json"))
    runs = iter(range(100))

    def run(body, option="job-bookmark-enable", commit=True):
        argv = ["script.py", "--JOB_NAME", "copy", "--job-bookmark-option", option, "--JOB_RUN_ID", f"jr_{next(runs)}"]
        monkeypatch.setattr(sys, "argv", argv)
        args = getResolvedOptions(sys.argv, ["JOB_NAME"])
        job = Job(glue)
        job.init(args["JOB_NAME"], args)
        result = body()
        if commit:
            job.commit()
        return result

    yield run
    Job._bookmark = None


def test_bookmark_reads_only_new_objects(glue, api, run_job, tmp_path):
    make_table(api, "stream", {"n": "int"}, f"s3://{BUCKET}/stream/", ["hour"])
    put("stream/05/one", json_lines({"n": 1}))
    add_partition(api, "stream", ["05"], f"s3://{BUCKET}/stream/05/")

    def read(context="source"):
        frame = glue.create_dynamic_frame.from_catalog(DATABASE, "stream", transformation_ctx=context)
        return sorted(row["n"] for row in frame.toDF().collect())

    assert run_job(read, commit=False) == [1]
    assert run_job(read) == [1]
    assert run_job(read) == []
    put("stream/05/two", json_lines({"n": 2}))
    put("stream/06/three", json_lines({"n": 3}))
    add_partition(api, "stream", ["06"], f"s3://{BUCKET}/stream/06/")
    assert run_job(read, option="job-bookmark-pause") == [2, 3]
    assert run_job(read) == [2, 3]
    assert run_job(read) == []
    assert run_job(lambda: read("another")) == [1, 2, 3]
    assert run_job(read, option="job-bookmark-disable") == [1, 2, 3]
    put("stream/05/one", json_lines({"n": 10}))
    assert run_job(read) == [10]
    entry = json.loads((tmp_path / "bookmark.json").read_text())
    assert (entry["JobName"], entry["Version"], entry["RunId"]) == ("copy", 6, "jr_8")
    assert sorted(json.loads(entry["JobBookmark"])) == ["another", "source"]


def test_bookmark_from_options_and_bounds(glue, run_job):
    for number in range(4):
        put(f"files/f{number}.json", json_lines({"n": number}))

    def read():
        options = {
            "paths": [f"s3://{BUCKET}/files/"],
            "recurse": True,
            "boundedFiles": "3",
            "exclusions": '["**f3.json"]',
        }
        frame = glue.create_dynamic_frame.from_options("s3", options, "json", transformation_ctx="files")
        return frame.count()

    assert run_job(read) == 3
    assert run_job(read) == 0


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*.json"], [3]),
        (["**.json"], [3]),
        (["plain/*"], [2, 3]),
        (["f[1-2].json"], [3]),
        (["**{f1,f3}.*"], [2]),
        ([f"s3://{BUCKET}/globs/plain/**"], []),
    ],
)
def test_exclusions_are_glues_globs(glue, patterns, expected):
    for number, key in enumerate(("plain/f1.json", "plain/old/f2.json", "plain/old/f3.txt"), 1):
        put(f"globs/{key}", json_lines({"n": number}))
    options = {"paths": [f"s3://{BUCKET}/globs/"], "recurse": True, "exclusions": json.dumps(patterns)}
    frame = glue.create_dynamic_frame.from_options("s3", options, "json")
    assert sorted(row.n for row in frame.toDF().collect()) == expected


def test_partition_values_and_names_with_special_characters(glue, api, run_job):
    values = ["2026-11-24 05:00", "a/b", "50%", "é=x"]
    df = glue.spark_session.createDataFrame([(i, value) for i, value in enumerate(values)], "n int, t string")
    path = f"s3://{BUCKET}/odd names/"
    sink = glue.getSink("s3", path=path, partitionKeys=["t"], enableUpdateCatalog=True)
    sink.setCatalogInfo(catalogDatabase=DATABASE, catalogTableName="odd")
    sink.setFormat("json")
    from awsglue.dynamicframe import DynamicFrame

    sink.writeFrame(DynamicFrame.fromDF(df, glue, "odd"))
    assert all(
        re.fullmatch(r"run-\d{13}-part-r-\d{5}\.json", key.rsplit("/", 1)[1]) for key in keys_below("odd names/")
    )

    def read():
        frame = glue.create_dynamic_frame.from_catalog(DATABASE, "odd", transformation_ctx="odd")
        return sorted((row["n"], row["t"]) for row in frame.toDF().collect())

    assert run_job(read) == list(enumerate(values))
    assert run_job(read) == []


def test_purge(glue, api):
    for number in range(2):
        put(f"purged/f{number}", "x")
    glue.purge_s3_path(f"s3://{BUCKET}/purged/")
    assert len(keys_below("purged/")) == 2
    glue.purge_s3_path(f"s3://{BUCKET}/purged/", {"retentionPeriod": 0, "manifestFilePath": f"s3://{BUCKET}/manifest/"})
    assert keys_below("purged/") == []
    assert keys_below("manifest/") == ["manifest/Failed.csv", "manifest/Success.csv"]
    make_table(api, "purgeable", {"n": "int"}, f"s3://{BUCKET}/purgeable/", ["p"])
    for value in ("a", "b"):
        put(f"purgeable/{value}/file", json_lines({"n": 1}))
        add_partition(api, "purgeable", [value], f"s3://{BUCKET}/purgeable/{value}/")
    glue.purge_table(DATABASE, "purgeable", {"retentionPeriod": 0, "partitionPredicate": "p == 'a'"})
    partitions = api.get_partitions(DatabaseName=DATABASE, TableName="purgeable")["Partitions"]
    assert [part["Values"] for part in partitions] == [["b"]]
