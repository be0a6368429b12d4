"""Runs of jobs: files, names and formats of the output, the profile and its report, and what happens when something is wrong."""

import bz2
import gzip
import io
import json
import re
import zlib

import fastavro
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.local.databrew.brew_lab import ALLOWED, JOIN, BrewLab
from tests.polling import until

JOINED = [("a", 1, 10, True, "One"), ("b", 2, 20, False, "Two, too"), ("d", 1, None, None, "One")]
COLUMNS = ["uuid", "track_id", "intensity", "moved", "track_name"]


@pytest.fixture
def lab(client):
    lab = BrewLab(client)
    lab.new_recipe("steps", JOIN)
    return lab


def rows(table):
    assert table.column_names == COLUMNS
    return [tuple(row.values()) for row in table.to_pylist()]


def test_glueparquet_has_awss_name_and_is_parquet(lab):
    lab.new_job("AnalyticsOnAWS-GlueDataBrew-Job", {"Location": {"Bucket": lab.bucket}, "Format": "GLUEPARQUET"})
    run = lab.run("AnalyticsOnAWS-GlueDataBrew-Job")
    assert run["State"] == "SUCCEEDED", run
    assert run["RecipeReference"] == {"Name": "steps", "RecipeVersion": "1.0"}
    assert re.fullmatch(r"db_[0-9a-f]{64}", run["RunId"])
    (key,) = lab.keys("AnalyticsOnAWS")
    name = r"AnalyticsOnAWS-GlueDataBrew-Job_\d\d[A-Z][a-z]{2}\d{4}_\d{13}"
    assert re.fullmatch(rf"({name})/\1_part00000\.glue\.parquet\.snappy", key)
    file = pq.ParquetFile(io.BytesIO(lab.read(key)))
    assert rows(file.read()) == JOINED
    assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
    again = lab.run("AnalyticsOnAWS-GlueDataBrew-Job")  # no bookmark: all rows again, in a folder of its own
    assert again["State"] == "SUCCEEDED"
    assert len(lab.keys("AnalyticsOnAWS")) == 2


def test_every_format(lab):
    formats = ("CSV", "JSON", "PARQUET", "AVRO", "ORC")
    lab.new_job("j", *[lab.output(Format=name, Overwrite=True) for name in formats])
    assert lab.run("j")["State"] == "SUCCEEDED"
    assert lab.keys("out/") == [f"out/j_part00000.{ending}" for ending in ("avro", "csv", "json", "orc", "parquet")]
    text = lab.read("out/j_part00000.csv").decode()
    assert text.splitlines() == [
        ",".join(COLUMNS),
        "a,1,10,true,One",
        'b,2,20,false,"Two, too"',
        "d,1,,,One",
    ]
    lines = [json.loads(line) for line in lab.read("out/j_part00000.json").splitlines()]
    assert [tuple(line.get(name) for name in COLUMNS) for line in lines] == JOINED
    assert rows(pq.read_table(io.BytesIO(lab.read("out/j_part00000.parquet")))) == JOINED
    assert rows(orc.ORCFile(io.BytesIO(lab.read("out/j_part00000.orc"))).read()) == JOINED
    records = list(fastavro.reader(io.BytesIO(lab.read("out/j_part00000.avro"))))
    assert [tuple(record.values()) for record in records] == JOINED


def test_every_compression_of_text(lab):
    codecs = {"GZIP": "gz", "BZIP2": "bz2", "BROTLI": "br", "DEFLATE": "deflate", "ZSTD": "zstd"}
    lab.new_job("j", *[lab.output(Format="CSV", CompressionFormat=codec, Overwrite=True) for codec in codecs])
    assert lab.run("j")["State"] == "SUCCEEDED"
    found = {ending: lab.read(f"out/j_part00000.csv.{ending}") for ending in codecs.values()}
    brotli = pa.CompressedInputStream(pa.BufferReader(found["br"]), "brotli").read()
    zstd = pa.CompressedInputStream(pa.BufferReader(found["zstd"]), "zstd").read()
    texts = {
        gzip.decompress(found["gz"]),
        bz2.decompress(found["bz2"]),
        zlib.decompress(found["deflate"]),
        brotli,
        zstd,
    }
    assert [text.splitlines()[1] for text in texts] == [b"a,1,10,true,One"]


def test_tabs_parts_and_partitions(lab):
    lab.put("many/part.json", "\n".join(json.dumps({"n": n, "k": ["x", "y/z", None][n % 3]}) for n in range(9)))
    lab.new_table("many", "many/", {"n": "int", "k": "string"})
    lab.new_table_dataset("many", "many")
    lab.new_recipe("nothing")
    tabs = {"FormatOptions": {"Csv": {"Delimiter": "\t"}}, "Format": "CSV", "CompressionFormat": "GZIP"}
    lab.new_job("j", lab.output("tabs", Overwrite=True, **tabs), lab.output("folders", Overwrite=True, Format="CSV", PartitionColumns=["k"]), dataset="many", recipe="nothing")  # fmt: skip
    assert lab.run("j")["State"] == "SUCCEEDED"
    assert gzip.decompress(lab.read("tabs/j_part00000.tsv.gz")).splitlines()[:2] == [b"n\tk", b"0\tx"]
    assert lab.keys("folders/") == [
        "folders/k=__HIVE_DEFAULT_PARTITION__/j_part00000.csv",
        "folders/k=x/j_part00000.csv",
        "folders/k=y%2Fz/j_part00000.csv",
    ]
    assert lab.read("folders/k=x/j_part00000.csv").split() == [b"n", b"0", b"3", b"6"]


def test_overwriting_takes_only_what_the_job_wrote(lab):
    lab.put("out/mine.csv", "keep")
    lab.put("out/k=old/j_part00000.csv", "old")
    lab.new_job("j", lab.output("out", Format="CSV", Overwrite=True))
    for _ in range(2):
        assert lab.run("j")["State"] == "SUCCEEDED"
    assert lab.keys("out/") == ["out/j_part00000.csv", "out/mine.csv"]


def test_outputs_to_tables_of_the_catalog(lab):
    columns = {name: "string" for name in COLUMNS}
    lab.new_table("target", "target/", columns, "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe")
    table = {"DatabaseName": "lake", "TableName": "target"}
    lab.put("target/old.parquet", "old")
    lab.new_job("j", DataCatalogOutputs=[{**table, "Overwrite": True}])
    assert lab.run("j")["State"] == "SUCCEEDED"
    (key,) = lab.keys("target/")
    assert rows(pq.read_table(io.BytesIO(lab.read(key)))) == JOINED
    lab.new_job("none", DataCatalogOutputs=[{"DatabaseName": "lake", "TableName": "nowhere"}])
    run = lab.run("none")
    assert (run["State"], "nowhere" in run["ErrorMessage"]) == ("FAILED", True)


def test_a_profile_and_its_report(lab, client):
    brew = lab.brew
    rule = {"CheckExpression": ":c > :v", "SubstitutionMap": {":c": "`track_id`", ":v": "0"}}
    rules = [
        {"Name": "all known", **rule},
        {"Name": "half known", **rule, "Threshold": {"Value": 50, "Unit": "PERCENTAGE"}},
    ]
    arn = brew.describe_dataset(Name="raw-dataset")["ResourceArn"]
    brew.create_ruleset(Name="rs", TargetArn=arn, Rules=rules)
    brew.create_profile_job(
        Name="raw-dataset profile job",
        DatasetName="raw-dataset",
        RoleArn=lab.role,
        OutputLocation={"Bucket": lab.bucket, "Key": "profile/"},
        ValidationConfigurations=[{"RulesetArn": brew.describe_ruleset(Name="rs")["ResourceArn"]}],
    )
    events = Events(client)
    run = lab.run("raw-dataset profile job")
    assert run["State"] == "SUCCEEDED", run
    keys = [output["Location"]["Key"] for output in run["Outputs"]]
    stem = f"profile/raw-dataset_{run['RunId'].removeprefix('db_')}"
    assert keys == [f"{stem}.json", f"{stem}_dq-validation-report.json"]
    profile, report = (json.loads(lab.read(key)) for key in keys)
    assert {name: profile[name] for name in ("sampleSize", "duplicateRowsCount", "jobName", "jobRunId", "location", "version")} == {
        "sampleSize": 4,
        "duplicateRowsCount": 0,
        "jobName": "raw-dataset profile job",
        "jobRunId": run["RunId"],
        "location": f"s3://{lab.bucket}/{keys[0]}",
        "version": "1.0",
    }  # fmt: skip
    assert [column["name"] for column in profile["columns"]] == ["uuid", "track_id", "intensity", "moved"]
    assert profile["columns"][2]["missingValuesCount"] == 1
    (ruleset,) = report["rulesetResults"]
    assert [(one["name"], one["status"], one["failedCount"]) for one in ruleset["ruleResults"]] == [
        ("all known", "FAILED", 1),
        ("half known", "SUCCEEDED", 1),
    ]
    told = events.until(2)
    assert told["DataBrew Job State Change"]["state"] == "SUCCEEDED"
    assert told["DataBrew Ruleset Validation Result"] == {
        "datasetName": "raw-dataset",
        "jobName": "raw-dataset profile job",
        "jobRunId": run["RunId"],
        "rulesetName": "rs",
        "validationState": "FAILED",
        "validationReportLocation": f"s3://{lab.bucket}/{keys[1]}",
    }


class Events:
    """What DataBrew puts on the default bus, caught in a queue."""

    def __init__(self, client):
        self.sqs, events = client("sqs"), client("events")
        self.queue = self.sqs.create_queue(QueueName="caught")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}  # fmt: skip
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)})
        events.put_rule(Name="all", EventPattern='{"source": ["aws.databrew"]}')
        events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])
        self.found = {}

    def until(self, count):
        """The details of so many events by their type."""

        def enough():
            for message in self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                event = json.loads(message["Body"])
                self.found[event["detail-type"]] = event["detail"]
            return len(self.found) >= count

        until(enough, f"{count} events")
        return self.found


def test_a_sample_of_the_profile_and_its_configuration(lab):
    lab.brew.create_profile_job(
        Name="p", DatasetName="raw-dataset", RoleArn=lab.role, OutputLocation={"Bucket": lab.bucket},
        JobSample={"Mode": "CUSTOM_ROWS", "Size": 2}, Configuration={"ProfileColumns": [{"Name": "intensity"}]},
    )  # fmt: skip
    run = lab.run("p")
    assert run["JobSample"] == {"Mode": "CUSTOM_ROWS", "Size": 2}
    profile = json.loads(lab.read(run["Outputs"][0]["Location"]["Key"]))
    assert [(one["name"], one["max"]) for one in profile["columns"]] == [("intensity", 20)]


def test_log_lines_on_demand(lab, client):
    lab.new_job("quiet", lab.output(Format="CSV"))
    lab.new_job("loud", lab.output(Format="CSV"), LogSubscription="ENABLE")
    run = {name: lab.run(name) for name in ("quiet", "loud")}["loud"]
    assert run["LogGroupName"] == "/aws-glue-databrew/jobs/loud"
    logs = client("logs")
    groups = [
        one["logGroupName"] for one in logs.describe_log_groups(logGroupNamePrefix="/aws-glue-databrew")["logGroups"]
    ]
    assert groups == ["/aws-glue-databrew/jobs/loud"]
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=groups[0])["events"]]
    assert "SUCCEEDED" in lines[-1]


@pytest.mark.parametrize(
    ("allowed", "denied"),
    [
        (["glue:*", "s3:ListBucket", "s3:PutObject"], "s3:GetObject"),
        (["glue:*", "s3:ListBucket", "s3:GetObject"], "s3:PutObject"),
        (["s3:*"], "glue:GetTable"),
    ],
)
def test_the_roles_permissions_count(lab, allowed, denied):
    role = lab.new_role("small", {"Effect": "Allow", "Action": allowed, "Resource": "*"})
    lab.new_job("j", lab.output(Format="CSV"), role=role)
    run = lab.run("j")
    assert run["State"] == "FAILED"
    assert f"is not authorized to perform: {denied} on resource" in run["ErrorMessage"]
    assert lab.keys("out/") == []


def test_a_role_that_is_gone_starts_nothing(lab):
    role = lab.new_role("short", ALLOWED)
    lab.new_job("j", lab.output(Format="CSV"), role=role)
    lab.iam.delete_role_policy(RoleName="short", PolicyName="data")
    lab.iam.delete_role(RoleName="short")
    with pytest.raises(lab.brew.exceptions.ClientError, match="short"):
        lab.brew.start_job_run(Name="j")


@pytest.mark.parametrize(
    ("body", "text"), [(None, "has no files"), ('{"uuid": "a"\n{"uuid"', "raw/2026/part.json"), ("", "has no files")]
)
def test_data_that_is_gone_broken_or_empty(lab, body, text):
    lab.s3.delete_object(Bucket=lab.bucket, Key="data/raw/2026/part.json")
    if body is not None:
        lab.put("data/raw/2026/part.json", body)
    lab.new_job("j", lab.output(Format="CSV"), MaxRetries=1)
    run = lab.run("j")
    assert (run["State"], run["Attempt"]) == ("FAILED", 1)
    assert text in run["ErrorMessage"]
    assert lab.keys("out/") == []


def test_columns_that_the_data_lacks_fail_with_the_step(lab):
    lab.new_recipe("wrong", {"Action": {"Operation": "DELETE", "Parameters": {"sourceColumn": "nothing"}}})
    lab.new_job("j", lab.output(Format="CSV"), recipe="wrong")
    run = lab.run("j")
    assert run["State"] == "FAILED"
    assert "Step 1 (DELETE)" in run["ErrorMessage"] and "nothing" in run["ErrorMessage"]


def test_an_output_that_cannot_be_written(lab):
    lab.new_job("bucket", {"Location": {"Bucket": "nobody-has-this-one"}, "Format": "CSV"})
    assert "does not exist" in lab.run("bucket")["ErrorMessage"]
    lab.new_job("column", lab.output(Format="CSV", PartitionColumns=["nothing"]))
    assert "Partition column nothing" in lab.run("column")["ErrorMessage"]


def big_lab(lab, rows=400_000):
    """A dataset that takes a second or more: a run can be stopped in its midst."""
    part = "\n".join(json.dumps({"n": n, "text": f"row {n} " * 8}) for n in range(rows // 4))
    for number in range(4):
        lab.put(f"big/{number}.json", part)
    lab.new_table("big", "big/", {"n": "int", "text": "string"})
    lab.new_table_dataset("big", "big")
    lab.new_recipe("nothing")


def test_a_stopped_run_leaves_nothing(lab):
    big_lab(lab)
    lab.new_job("j", lab.output(Format="CSV", CompressionFormat="BZIP2"), dataset="big", recipe="nothing")
    run = lab.brew.start_job_run(Name="j")["RunId"]
    until(lambda: lab.brew.describe_job_run(Name="j", RunId=run)["State"] == "RUNNING", "the run")
    lab.brew.stop_job_run(Name="j", RunId=run)
    assert lab.ended("j", run)["State"] == "STOPPED"
    assert lab.keys("out/") == []
    with pytest.raises(lab.brew.exceptions.ValidationException, match="not running"):
        lab.brew.stop_job_run(Name="j", RunId=run)
    with pytest.raises(lab.brew.exceptions.ResourceNotFoundException):
        lab.brew.stop_job_run(Name="j", RunId="db_0")


def test_a_run_that_waits_its_turn_is_stopped_at_once(lab):
    big_lab(lab)
    lab.new_job("j", lab.output(Format="CSV", CompressionFormat="BZIP2"), dataset="big", recipe="nothing")
    first, second = (lab.brew.start_job_run(Name="j")["RunId"] for _ in range(2))  # one of an account at a time
    lab.brew.stop_job_run(Name="j", RunId=second)
    assert lab.ended("j", second)["State"] == "STOPPED"
    lab.brew.stop_job_run(Name="j", RunId=first)
    assert lab.ended("j", first)["State"] == "STOPPED"
    assert lab.keys("out/") == []


def test_two_outputs_to_one_file_are_refused(lab):
    lab.new_job("j", lab.output(Format="CSV"), lab.output(Format="CSV"))
    assert "the same file" in lab.run("j")["ErrorMessage"]


def test_log_lines_need_the_roles_right(lab, client):
    role = lab.new_role("mute", {"Effect": "Allow", "Action": ["s3:*", "glue:*"], "Resource": "*"})
    lab.new_job("j", lab.output(Format="CSV"), role=role, LogSubscription="ENABLE")
    assert lab.run("j")["State"] == "SUCCEEDED"
    assert client("logs").describe_log_groups(logGroupNamePrefix="/aws-glue-databrew")["logGroups"] == []


def test_runs_are_listed_newest_first(lab):
    lab.new_job("j", lab.output(Format="CSV"))
    runs = [lab.run("j")["RunId"] for _ in range(3)]
    pages = lab.brew.get_paginator("list_job_runs").paginate(Name="j", PaginationConfig={"PageSize": 2})
    assert [[one["RunId"] for one in page["JobRuns"]] for page in pages] == [[runs[2], runs[1]], [runs[0]]]


def excel():
    book = openpyxl.Workbook()
    book.active.append(["id", "name"])
    book.active.append([1, "One"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"id": [1], "name": ["One"]}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "settings"),
    [
        ("a.csv", b"id;name\n1;One\n", {"FormatOptions": {"Csv": {"Delimiter": ";"}}}),
        ("a.csv.gz", gzip.compress(b"id,name\n1,One\n", mtime=0), {}),
        ("a.json", b'{"id": 1, "name": "One"}\n', {}),
        ("a.json", b'[\n{"id": 1,\n"name": "One"}]', {"FormatOptions": {"Json": {"MultiLine": True}}}),
        ("a.parquet", parquet(), {}),
        ("a.xlsx", excel(), {"FormatOptions": {"Excel": {"SheetIndexes": [0], "HeaderRow": True}}}),
    ],
)
def test_datasets_of_files(lab, name, body, settings):
    lab.put(f"in/{name}", body)
    lab.new_file_dataset("files", f"in/{name}", **settings)
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV", Overwrite=True), dataset="files", recipe="nothing")
    run = lab.run("j")
    assert run["State"] == "SUCCEEDED", run
    assert lab.read("out/j_part00000.csv") == b"id,name\n1,One\n"


def test_parameters_of_a_path_become_columns(lab):
    for day in ("2026-01-01", "2026-01-02", "2025-12-31"):
        lab.put(f"in/shop-{day}.csv", f"n\n{day[-1]}\n")
    day = {
        "Name": "day",
        "Type": "Datetime",
        "DatetimeOptions": {"Format": "yyyy-MM-dd"},
        "CreateColumn": True,
        "Filter": {"Expression": "after :start", "ValuesMap": {":start": "2025-12-31T12:00:00Z"}},
    }
    lab.new_file_dataset("files", "in/shop-{day}.csv", Format="CSV", PathOptions={"Parameters": {"day": day}})
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV", Overwrite=True), dataset="files", recipe="nothing")
    assert lab.run("j")["State"] == "SUCCEEDED"
    lines = lab.read("out/j_part00000.csv").decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["n", "1", "2"]
    assert lines[1].split(",")[1].startswith("2026-01-01 00:00:00")


@pytest.mark.parametrize(
    ("name", "body", "text"),
    [
        ("a.parquet", b"no parquet", "a.parquet"),
        ("a.xlsx", b"no excel", "a.xlsx"),
        ("b.json", b'{"a": 1}\n{"a"', "b.json"),
        ("empty.csv", b"", "empty"),
    ],
)
def test_files_that_cannot_be_read(lab, name, body, text):
    lab.put(f"in/{name}", body)
    lab.new_file_dataset("files", f"in/{name}")
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV"), dataset="files", recipe="nothing")
    run = lab.run("j")
    assert (run["State"], text in run["ErrorMessage"]) == ("FAILED", True), run["ErrorMessage"]
    assert str(lab.bucket) in run["ErrorMessage"] or "empty" in run["ErrorMessage"]


def test_a_path_without_files(lab):
    lab.new_file_dataset("files", "nowhere/<[0-9]+>.csv")
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV"), dataset="files", recipe="nothing")
    assert "No files match the path" in lab.run("j")["ErrorMessage"]


def test_files_of_two_formats_in_one_folder(lab):
    lab.put("in/a.json", '{"id": 1}')
    lab.put("in/b.csv", "id\n1\n")
    lab.new_file_dataset("files", "in/", Format="JSON")
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV"), dataset="files", recipe="nothing")
    run = lab.run("j")
    assert (run["State"], "b.csv" in run["ErrorMessage"]) == ("FAILED", True), run["ErrorMessage"]


def test_what_belongs_to_another_account_is_not_reached(lab):
    lab.brew.create_dataset(
        Name="theirs",
        Format="CSV",
        Input={"S3InputDefinition": {"Bucket": lab.bucket, "Key": "x", "BucketOwner": "9" * 12}},
    )
    table = {"DatabaseName": "lake", "TableName": "raw", "CatalogId": "9" * 12}
    lab.brew.create_dataset(Name="their-table", Input={"DataCatalogInputDefinition": table})
    lab.new_recipe("nothing")
    for dataset, text in (("theirs", "not owned by"), ("their-table", "another account")):
        lab.new_job(dataset, lab.output(Format="CSV"), dataset=dataset, recipe="nothing")
        assert text in lab.run(dataset)["ErrorMessage"]


def test_json_lines_leave_out_what_is_missing_and_quote_what_is_no_number(lab):
    file = io.BytesIO()
    numbers = [1.5, None, float("nan"), float("-inf")]
    pq.write_table(pa.table({"n": numbers, "t": ['a "b"\n', "\x01", None, "ü"]}), file)
    lab.put("in/a.parquet", file.getvalue())
    lab.new_file_dataset("files", "in/a.parquet")
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="JSON", Overwrite=True), dataset="files", recipe="nothing")
    assert lab.run("j")["State"] == "SUCCEEDED"
    lines = [json.loads(line) for line in lab.read("out/j_part00000.json").decode().splitlines()]
    assert lines == [{"n": 1.5, "t": 'a "b"\n'}, {"t": "\x01"}, {"n": "NaN"}, {"n": "-Infinity", "t": "ü"}]
