"""Crawlers through boto3 on a real server: tables and partitions, policies, states, history, schedules, events, errors."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.core.cron import Cron
from infra.local.glue import backend as glue
from infra.local.glue.crawler import schedule as crawler
from infra.local.glue.crawler.events import changed_objects
from infra.local.glue.crawler.record import Crawler
from tests.local.events.event_lab import queue_policy
from tests.polling import until
from tests.service_roles import service_role

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
BUCKETS = iter(f"crawled-{number}" for number in range(1000))


def records(*numbers: int) -> bytes:
    lines = [
        {
            "uuid": f"u{number}",
            "device_ts": "2022-11-24T05:00:00Z",
            "device_id": number,
            "device_temp": 1.5,
            "track_id": number,
            "activity_type": "Running",
        }
        for number in numbers
    ]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


TRACKS = b"".join(b'{"track_id": "%d", "track_name": "n", "artist_name": "a"}\n' % number for number in range(3))


class Lake:
    """A bucket, a role and a database in an account of the test's own."""

    def __init__(self, client: Callable[..., Any], account: str):
        self.client, self.account = client, account
        self.glue, self.s3 = client("glue"), client("s3")
        self.bucket = next(BUCKETS)
        self.s3.create_bucket(Bucket=self.bucket)
        service_role(client, "glue", "CrawlerRole")
        self.glue.create_database(DatabaseInput={"Name": "workshop"})

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def create(self, name: str = "crawler", path: str = "data/", **settings: Any) -> None:
        target = settings.pop("Target", {})
        self.glue.create_crawler(
            Name=name,
            Role=f"arn:aws:iam::{self.account}:role/CrawlerRole",
            DatabaseName="workshop",
            Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/{path}", **target}]},
            **settings,
        )

    def crawl(self, name: str = "crawler") -> dict[str, Any]:
        """Run a crawler; return its LastCrawl."""
        self.glue.start_crawler(Name=name)
        crawler = until(lambda: self.ready(name))
        return crawler["LastCrawl"]

    def ready(self, name: str = "crawler") -> dict[str, Any] | None:
        crawler = self.glue.get_crawler(Name=name)["Crawler"]
        return crawler if crawler["State"] == "READY" else None

    def tables(self) -> dict[str, dict[str, Any]]:
        return {table["Name"]: table for table in self.glue.get_tables(DatabaseName="workshop")["TableList"]}

    def partitions(self, table: str) -> list[dict[str, Any]]:
        return self.glue.get_partitions(DatabaseName="workshop", TableName=table)["Partitions"]

    def values(self, table: str) -> list[list[str]]:
        return [partition["Values"] for partition in self.partitions(table)]

    def summary(self, name: str = "crawler") -> dict[str, Any]:
        """Return {TABLE: {ADD: names}} of the newest crawl."""
        crawl = self.glue.list_crawls(CrawlerName=name)["Crawls"][0]
        parts = {what: json.loads(text) for what, text in json.loads(crawl["Summary"]).items()}
        return {
            what: {action: json.loads(told["Details"])["names"] for action, told in actions.items()}
            for what, actions in parts.items()
        }

    def log_lines(self, name: str = "crawler") -> list[str]:
        events = self.client("logs").get_log_events(
            logGroupName="/aws-glue/crawlers", logStreamName=name, startFromHead=True
        )
        return [event["message"].partition("] ")[2] for event in events["events"]]


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)


def error_of(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


# --- the workshop's crawl -------------------------------------------------------------------------------------------


def test_workshop_crawl(lake: Lake) -> None:
    lake.put("data/raw/2022/11/24/05/a", records(1, 2))
    lake.put("data/raw/2022/11/24/06/b", records(3))
    lake.create(name="AnalyticsworkshopCrawler", Description="lake")
    last = lake.crawl("AnalyticsworkshopCrawler")
    assert last["Status"] == "SUCCEEDED"
    assert (last["LogGroup"], last["LogStream"]) == ("/aws-glue/crawlers", "AnalyticsworkshopCrawler")
    assert list(lake.tables()) == ["data"]  # only raw is there
    assert lake.values("data") == [["raw", "2022", "11", "24", "05"], ["raw", "2022", "11", "24", "06"]]

    lake.put("data/reference_data/tracks.json", TRACKS)
    last = lake.crawl("AnalyticsworkshopCrawler")
    tables = lake.tables()
    assert list(tables) == ["data", "raw", "reference_data"]
    assert "DEPRECATED_BY_CRAWLER" in tables["data"]["Parameters"]
    assert lake.summary("AnalyticsworkshopCrawler") == {
        "TABLE": {"ADD": ["raw", "reference_data"], "UPDATE": ["data"]},
        "PARTITION": {"ADD": ["raw[2022, 11, 24, 05]", "raw[2022, 11, 24, 06]"]},
    }
    raw = tables["raw"]
    expected = {
        "CRAWL_RUN_ID": last["MessagePrefix"],
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": "AnalyticsworkshopCrawler",
        "averageRecordSize": "131",
        "classification": "json",
        "compressionType": "none",
        "objectCount": "2",
        "recordCount": "3",
        "sizeKey": "393",
        "typeOfData": "file",
    }
    assert raw["Parameters"] == expected
    assert raw["StorageDescriptor"] == {
        "Columns": [
            {"Name": "uuid", "Type": "string"},
            {"Name": "device_ts", "Type": "string"},
            {"Name": "device_id", "Type": "int"},
            {"Name": "device_temp", "Type": "double"},
            {"Name": "track_id", "Type": "int"},
            {"Name": "activity_type", "Type": "string"},
        ],
        "Location": f"s3://{lake.bucket}/data/raw/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
            "Parameters": {"paths": "activity_type,device_id,device_temp,device_ts,track_id,uuid"},
        },
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": expected,
        "StoredAsSubDirectories": False,
    }
    assert raw["PartitionKeys"] == [{"Name": f"partition_{number}", "Type": "string"} for number in range(4)]
    assert (raw["Owner"], raw["Retention"], raw["TableType"], raw["VersionId"]) == ("owner", 0, "EXTERNAL_TABLE", "0")
    assert raw["CreatedBy"] == f"arn:aws:sts::{lake.account}:assumed-role/CrawlerRole/AWS-Crawler"
    first = lake.partitions("raw")[0]
    assert first["StorageDescriptor"]["Location"] == f"s3://{lake.bucket}/data/raw/2022/11/24/05/"
    assert (first["Parameters"]["recordCount"], first["Parameters"]["objectCount"]) == ("2", "1")
    assert {column["Name"]: column["Type"] for column in tables["reference_data"]["StorageDescriptor"]["Columns"]} == {
        "track_id": "string",
        "track_name": "string",
        "artist_name": "string",
    }


def test_states_history_metrics_and_log(lake: Lake) -> None:
    lake.put("data/a.json", records(1))
    lake.create()
    crawler = lake.glue.get_crawler(Name="crawler")["Crawler"]
    assert (crawler["State"], crawler["Version"], crawler["Role"]) == ("READY", 1, "CrawlerRole")
    assert "LastCrawl" not in crawler
    assert crawler["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    assert crawler["SchemaChangePolicy"] == {
        "UpdateBehavior": "UPDATE_IN_DATABASE",
        "DeleteBehavior": "DEPRECATE_IN_DATABASE",
    }
    seen = []
    lake.glue.start_crawler(Name="crawler")
    assert error_of(lake.glue.start_crawler, Name="crawler") == (
        "CrawlerRunningException",
        "Crawler with name crawler has already started",
    )
    assert error_of(lake.glue.delete_crawler, Name="crawler") == (
        "CrawlerRunningException",
        "Cannot delete crawlercrawler while it's running",
    )
    assert error_of(lake.glue.update_crawler, Name="crawler", Description="x") == (
        "CrawlerRunningException",
        "Cannot update Crawler while running. Please stop crawl or wait until it completes to update.",
    )
    assert lake.glue.list_crawls(CrawlerName="crawler")["Crawls"][0]["State"] == "RUNNING"

    def state() -> str:
        seen.append(lake.glue.get_crawler(Name="crawler")["Crawler"]["State"])
        return seen[-1]

    until(lambda: state() == "STOPPING")
    started = time.monotonic()
    assert list(lake.tables()) == ["data"]  # written before it is STOPPING
    until(lambda: state() == "READY")
    assert 0.8 < time.monotonic() - started < 3  # long enough for who looks once a second
    order = [each for number, each in enumerate(seen) if number == 0 or seen[number - 1] != each]
    assert order in (["RUNNING", "STOPPING", "READY"], ["STOPPING", "READY"])

    assert error_of(lake.glue.stop_crawler, Name="crawler")[0] == "CrawlerNotRunningException"
    crawl = lake.glue.list_crawls(CrawlerName="crawler")["Crawls"][0]
    assert crawl["State"] == "COMPLETED"
    assert crawl["EndTime"] > crawl["StartTime"]
    assert json.loads(crawl["Summary"]) == {"TABLE": '{"ADD": {"Details": "{\\"names\\": [\\"data\\"]}", "Count": 1}}'}
    passed = {"FieldName": "STATE", "FilterOperator": "EQ", "FieldValue": "FAILED"}
    assert lake.glue.list_crawls(CrawlerName="crawler", Filters=[passed])["Crawls"] == []
    metrics = lake.glue.get_crawler_metrics(CrawlerNameList=["crawler"])["CrawlerMetricsList"][0]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"], metrics["TablesDeleted"]) == (1, 0, 0)
    assert metrics["LastRuntimeSeconds"] == metrics["MedianRuntimeSeconds"] > 1
    assert lake.log_lines() == [
        "BENCHMARK : Running Start Crawl for Crawler crawler",
        "BENCHMARK : Classification complete, writing results to database workshop",
        'INFO : Crawler configured with SchemaChangePolicy {"UpdateBehavior":"UPDATE_IN_DATABASE",'
        '"DeleteBehavior":"DEPRECATE_IN_DATABASE"}.',
        "INFO : Created table data in database workshop",
        "BENCHMARK : Finished writing to Catalog",
        "INFO : Run Summary For TABLE:",
        "INFO : ADD: 1",
        "BENCHMARK : Crawler has finished running and is in state READY",
    ]
    lake.glue.delete_crawler(Name="crawler")
    assert lake.glue.list_crawlers()["CrawlerNames"] == []


def test_crawled_again(lake: Lake) -> None:
    lake.put("data/year=2021/a.json", b'{"a": 1, "b": "x", "c": 1, "d": 1}\n')
    lake.create()
    lake.crawl()
    first = lake.tables()["data"]
    assert first["PartitionKeys"] == [{"Name": "year", "Type": "string"}]
    lake.crawl()
    assert lake.tables()["data"]["VersionId"] == "0"  # nothing changed
    assert lake.summary() == {}

    mine = {name: first[name] for name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")}
    mine["StorageDescriptor"]["Columns"][0]["Comment"] = "mine"
    mine["Parameters"]["owner_team"] = "lake"
    lake.glue.update_table(DatabaseName="workshop", TableInput=mine)
    lake.put("data/year=2022/b.json", gzip.compress(b'{"a": 1.5, "b": "x", "c": 1, "d": 1, "e": 1}\n'))
    lake.s3.delete_object(Bucket=lake.bucket, Key="data/year=2022/b.json")
    lake.put("data/year=2022/b.json", b'{"a": 1.5, "b": "x", "c": 1, "d": 1, "e": 1}\n')
    lake.crawl()
    again = lake.tables()["data"]
    assert again["VersionId"] == "2"
    assert again["Parameters"]["owner_team"] == "lake"
    assert again["StorageDescriptor"]["Columns"] == [
        {"Name": "a", "Type": "double", "Comment": "mine"},
        {"Name": "b", "Type": "string"},
        {"Name": "c", "Type": "int"},
        {"Name": "d", "Type": "int"},
        {"Name": "e", "Type": "int"},
    ]
    parts = {part["Values"][0]: part["StorageDescriptor"]["Columns"] for part in lake.partitions("data")}
    assert parts["2021"][0] == {"Name": "a", "Type": "int"}  # each partition has its own schema
    assert len(parts["2022"]) == 5


def test_policies(lake: Lake) -> None:
    """Update LOG keeps tables but adds partitions; delete DELETE_FROM_DATABASE removes what is gone."""
    lake.put("data/one/2021/a.json", records(1))
    lake.put("data/two/b.json", TRACKS)
    lake.create(SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "DELETE_FROM_DATABASE"})
    lake.crawl()
    assert sorted(lake.tables()) == ["one", "two"]
    lake.put("data/one/2021/a.json", records(1).replace(b'"device_id": 1', b'"device_id": "x"'))
    lake.put("data/one/2022/a.json", records(2))
    lake.s3.delete_object(Bucket=lake.bucket, Key="data/two/b.json")
    lake.put("data/three/c.json", TRACKS)
    lake.crawl()
    tables = lake.tables()
    assert sorted(tables) == ["one", "three"]
    assert tables["one"]["VersionId"] == "0"
    assert tables["one"]["StorageDescriptor"]["Columns"][2] == {"Name": "device_id", "Type": "int"}
    assert lake.values("one") == [["2021"], ["2022"]]
    assert any(line.startswith("INFO : The schema of table one differs") for line in lake.log_lines())
    lake.s3.delete_object(Bucket=lake.bucket, Key="data/one/2021/a.json")
    lake.crawl()
    assert lake.values("one") == [["2022"]]
    assert lake.summary() == {"PARTITION": {"DELETE": ["one[2021]"]}}


def test_configuration(lake: Lake) -> None:
    """Table level, new columns only, partitions like their table, an index; exclude patterns, prefix, sample size."""
    lake.put("data/One/2021/a.json", b'{"a": 1, "b": 1, "c": 1, "d": 1}\n')
    lake.put("data/One/2022/a.json", b'{"a": "x", "b": 1, "c": 1, "d": 1, "e": 1}\n')
    lake.put("data/One/2022/z.json", b'{"not": "looked at"}\n')
    lake.put("data/two/2022/a.json", b'{"a": 1, "b": 1, "c": 1, "d": 1}\n')
    lake.put("data/two/2022/a.csv", b"a,b\n1,2\n")
    lake.put("data/two/_temporary/a.json", TRACKS)
    lake.put("data/two/2022/empty.json", b"")
    configuration = {
        "Version": 1.0,
        "CrawlerOutput": {
            "Tables": {"AddOrUpdateBehavior": "MergeNewColumns"},
            "Partitions": {"AddOrUpdateBehavior": "InheritFromTable"},
        },
        "Grouping": {"TableLevelConfiguration": 3},
        "CreatePartitionIndex": True,
    }
    lake.create(
        Target={"Exclusions": ["**.csv"], "SampleSize": 1}, TablePrefix="ws_", Configuration=json.dumps(configuration)
    )
    lake.crawl()
    tables = lake.tables()
    assert sorted(tables) == ["ws_one", "ws_two"]
    assert tables["ws_one"]["Parameters"]["partition_filtering.enabled"] == "true"
    assert json.loads(tables["ws_two"]["Parameters"]["exclusions"]) == [f"s3://{lake.bucket}/data/**.csv"]
    columns = tables["ws_one"]["StorageDescriptor"]["Columns"]
    assert columns[0] == {"Name": "a", "Type": "string"}
    assert [column["Name"] for column in columns] == ["a", "b", "c", "d", "e"]
    assert all(part["StorageDescriptor"]["Columns"] == columns for part in lake.partitions("ws_one"))
    indexes = lake.glue.get_partition_indexes(DatabaseName="workshop", TableName="ws_one")
    assert [index["Keys"][0]["Name"] for index in indexes["PartitionIndexDescriptorList"]] == ["partition_0"]
    lake.put("data/two/2022/a.json", b'{"b": "x", "c": 1, "d": 1, "f": 1}\n')
    lake.crawl()
    assert [(column["Name"], column["Type"]) for column in lake.tables()["ws_two"]["StorageDescriptor"]["Columns"]] == [
        ("a", "int"),
        ("b", "int"),
        ("c", "int"),
        ("d", "int"),
        ("f", "int"),
    ]


def test_classifiers_and_formats(lake: Lake) -> None:
    glue = lake.glue
    glue.create_classifier(JsonClassifier={"Name": "rows", "JsonPath": "$[*]"})
    glue.create_classifier(
        CsvClassifier={
            "Name": "tracks",
            "Delimiter": "|",
            "QuoteSymbol": "'",
            "Header": ["id", "title"],
            "ContainsHeader": "ABSENT",
            "Serde": "OpenCSVSerDe",
        }
    )
    lake.put("data/array/a.json", b'[{"Id": 1}, {"Id": 2}]')
    lake.put("data/tracks/a.csv", b"1|'a|b'\n2|c\n")
    lake.put("data/plain/a.csv", b"id,price\n1,2.5\n")
    lake.put("data/packed/a.json.gz", gzip.compress(records(1, 2)))
    lake.put("data/pictures/a.png", b"\x89PNG\r\n\x1a\n\x00\x00")
    lake.create(Classifiers=["rows", "tracks"])
    lake.crawl()
    tables = lake.tables()

    def described(name: str) -> tuple[str, str, dict[str, str]]:
        columns = tables[name]["StorageDescriptor"]["Columns"]
        parameters = tables[name]["Parameters"]
        return parameters["classification"], parameters["compressionType"], {c["Name"]: c["Type"] for c in columns}

    assert described("array") == ("json", "none", {"id": "int"})
    assert described("tracks") == ("csv", "none", {"id": "bigint", "title": "string"})
    assert tables["tracks"]["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": "|", "quoteChar": "'", "escapeChar": "\\"},
    }
    assert described("packed")[:2] == ("json", "gzip")
    assert tables["packed"]["StorageDescriptor"]["Compressed"] is True
    assert described("plain") == ("csv", "none", {"id": "bigint", "price": "double"})
    assert tables["plain"]["Parameters"]["skip.header.line.count"] == "1"
    assert tables["plain"]["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    assert described("pictures") == ("UNKNOWN", "none", {})

    bad = "InvalidInputException"
    grok = {"Name": "g", "Classification": "log", "GrokPattern": "%{WORD:w}"}
    assert error_of(glue.create_classifier, GrokClassifier=grok)[0] == bad
    assert error_of(glue.create_classifier, XMLClassifier={"Name": "x", "Classification": "xml"})[0] == bad
    assert error_of(glue.create_classifier, JsonClassifier={"Name": "j", "JsonPath": "nix"})[0] == bad
    assert (
        error_of(glue.create_classifier, JsonClassifier={"Name": "rows", "JsonPath": "$"})[0]
        == "AlreadyExistsException"
    )
    glue.update_classifier(JsonClassifier={"Name": "rows", "JsonPath": "$.rows[*]"})
    assert glue.get_classifier(Name="rows")["Classifier"]["JsonClassifier"]["Version"] == 2
    assert len(glue.get_classifiers()["Classifiers"]) == 2
    glue.delete_classifier(Name="rows")
    assert error_of(glue.get_classifier, Name="rows")[0] == "EntityNotFoundException"
    lake.glue.start_crawler(Name="crawler")  # its classifier is gone
    assert until(lake.ready)["LastCrawl"]["Status"] == "FAILED"


def test_names_that_are_taken(lake: Lake) -> None:
    lake.put("one/raw/a.json", records(1))
    lake.put("two/raw/a.json", TRACKS)
    lake.glue.create_crawler(
        Name="crawler",
        Role="CrawlerRole",
        DatabaseName="made_by_the_crawler",
        Targets={
            "S3Targets": [{"Path": f"s3://{lake.bucket}/{path}"} for path in ("one/raw", "two/raw/", "one/raw/a.json")]
        },
    )
    lake.crawl()
    tables = lake.glue.get_tables(DatabaseName="made_by_the_crawler")["TableList"]
    names = sorted(table["Name"] for table in tables)
    assert names[:2] == ["a_json", "raw"]
    assert names[2].startswith("raw_")
    assert len(names[2]) == len("raw_") + 32


def test_only_new_folders(lake: Lake) -> None:
    lake.put("data/2021/a.json", records(1))
    lake.create(RecrawlPolicy={"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"})
    assert lake.glue.get_crawler(Name="crawler")["Crawler"]["SchemaChangePolicy"] == {
        "UpdateBehavior": "LOG",
        "DeleteBehavior": "LOG",
    }
    lake.crawl()
    lake.put("data/2021/more.json", records(2, 3))  # in a known folder: not looked at
    lake.put("data/2022/a.json", records(4))
    lake.put("data/2023/a.json", TRACKS)  # another schema: ignored
    lake.put("data/deep/er/a.json", records(5))  # another depth: no new tables
    lake.crawl()
    assert list(lake.tables()) == ["data"]
    assert lake.values("data") == [["2021"], ["2022"]]
    assert lake.partitions("data")[0]["Parameters"]["recordCount"] == "1"
    assert lake.tables()["data"]["VersionId"] == "0"
    assert any("data/2023/ does not match table data" in line for line in lake.log_lines())
    targets = {"S3Targets": [{"Path": f"s3://{lake.bucket}/other/"}]}
    assert error_of(lake.glue.update_crawler, Name="crawler", Targets=targets)[0] == "InvalidInputException"


def test_event_mode(lake: Lake) -> None:
    sqs = lake.client("sqs")
    url = sqs.create_queue(QueueName="raw-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = queue_policy(arn, "s3.amazonaws.com", f"arn:aws:s3:::{lake.bucket}")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    lake.s3.put_bucket_notification_configuration(
        Bucket=lake.bucket,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": events}]},
    )

    def queued(number: int) -> None:
        until(lambda: int(attributes()["ApproximateNumberOfMessages"]) >= number)

    def attributes() -> dict[str, str]:
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    lake.put("data/2021/a.json", records(1))
    queued(2)  # S3's test event and the put
    changes = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}
    event_mode = {"RecrawlBehavior": "CRAWL_EVENT_MODE"}
    lake.create(Target={"EventQueueArn": arn}, RecrawlPolicy=event_mode, SchemaChangePolicy=changes)
    lake.crawl()
    assert lake.values("data") == [["2021"]]
    assert "INFO : Crawl is not running in S3 event mode." in lake.log_lines()
    lake.put("data/2022/a b.json", records(2))
    lake.put("data/2021/more.json", records(3))
    lake.put("elsewhere/a.json", TRACKS)
    queued(3)
    lake.crawl()
    assert "INFO : The crawl is running by consuming Amazon S3 events." in lake.log_lines()
    assert [(part["Values"], part["Parameters"]["recordCount"]) for part in lake.partitions("data")] == [
        (["2021"], "2"),
        (["2022"], "1"),
    ]
    left = attributes()
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")
    lake.s3.delete_object(Bucket=lake.bucket, Key="data/2022/a b.json")
    queued(1)
    lake.crawl()
    assert lake.values("data") == [["2021"]]
    lake.crawl()  # an empty queue: a run that does nothing
    assert lake.summary() == {}


def test_messages() -> None:
    event = {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b/c%3D1"}}}]}
    assert changed_objects(json.dumps(event)) == [("b", "a b/c=1")]
    assert changed_objects(json.dumps({"Type": "Notification", "Message": json.dumps(event)})) == [("b", "a b/c=1")]
    assert changed_objects(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})) == []
    assert changed_objects("no json") == []


def test_stop(lake: Lake) -> None:
    body = records(*range(1000))
    for number in range(200):
        lake.put(f"data/{number}/a.json", body)
    lake.create()
    lake.glue.start_crawler(Name="crawler")
    try:
        lake.glue.stop_crawler(Name="crawler")
    except lake.glue.exceptions.CrawlerStoppingException:
        pytest.fail("The crawl of 200 objects ended before it could be stopped.")
    crawler = until(lake.ready)
    assert crawler["LastCrawl"]["Status"] == "CANCELLED"
    assert lake.glue.list_crawls(CrawlerName="crawler")["Crawls"][0]["State"] == "STOPPED"
    assert lake.tables() == {}


def test_failures(lake: Lake) -> None:
    lake.create(path="data/")
    lake.s3.delete_bucket(Bucket=lake.bucket)
    last = lake.crawl()
    assert last["Status"] == "FAILED"
    assert "does not exist" in last["ErrorMessage"]
    crawl = lake.glue.list_crawls(CrawlerName="crawler")["Crawls"][0]
    assert (crawl["State"], crawl["ErrorMessage"]) == ("FAILED", last["ErrorMessage"])
    lake.s3.create_bucket(Bucket=lake.bucket)
    for name in ("a", "b"):
        lake.put(f"data/{name}/x.json", b'{"%s": 1}\n' % name.encode())
    limit = {"Version": 1.0, "CrawlerOutput": {"Tables": {"TableThreshold": 1}}}
    lake.glue.update_crawler(Name="crawler", Configuration=json.dumps(limit))
    last = lake.crawl()
    assert last["Status"] == "FAILED"
    assert "greater than the table threshold value" in last["ErrorMessage"]
    assert lake.tables() == {}


def test_what_is_refused(lake: Lake) -> None:
    glue = lake.glue
    missing, bad = "EntityNotFoundException", "InvalidInputException"
    assert error_of(glue.start_crawler, Name="nix") == (missing, "Crawler with name nix does not exist")
    assert error_of(glue.get_crawler, Name="nix") == (missing, "Crawler entry with name nix does not exist")
    assert error_of(glue.list_crawls, CrawlerName="nix") == (missing, "Crawler entry with name nix does not exist")
    for call in (glue.stop_crawler, glue.delete_crawler, glue.update_crawler):
        assert error_of(call, Name="nix")[0] == missing
    assert glue.batch_get_crawlers(CrawlerNames=["nix"])["CrawlersNotFound"] == ["nix"]
    target = {"S3Targets": [{"Path": f"s3://{lake.bucket}/data/"}]}
    good = {"Name": "c", "Role": "CrawlerRole", "DatabaseName": "workshop", "Targets": target}
    assert error_of(glue.create_crawler, **{**good, "Role": "nobody"}) == (
        bad,
        "Service is unable to assume provided role. Please verify role's TrustPolicy",
    )
    other = "arn:aws:iam::000000000000:role/CrawlerRole"
    assert error_of(glue.create_crawler, **{**good, "Role": other}) == (
        "AccessDeniedException",
        "Cross-account pass role is not allowed.",
    )
    for wrong in (
        {"Targets": {}},
        {"Targets": {"S3Targets": []}},
        {"Targets": {"S3Targets": [{"Path": "/data"}]}},
        {"Targets": {"JdbcTargets": [{"ConnectionName": "x", "Path": "y"}]}},
        {"Targets": {"S3Targets": [{"Path": f"s3://{lake.bucket}/", "Exclusions": ["a[b"]}]}},
        {"Targets": {"S3Targets": [{"Path": f"s3://{lake.bucket}/", "SampleSize": 250}]}},
        {"Configuration": "{"},
        {"Configuration": '{"Grouping": {}}'},
        {"Configuration": '{"Version": 2.0}'},
        {"Configuration": '{"Version": 1.0, "Groping": {}}'},
        {"Configuration": '{"Version": 1.0, "Grouping": {"TableLevelConfiguration": "2"}}'},
        {"Schedule": "rate(5 minutes)"},
        {"Classifiers": ["nix"]},
        {"RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"}},
        {
            "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
            "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
        },
        {"CrawlerSecurityConfiguration": "kms"},
    ):
        assert error_of(glue.create_crawler, **{**good, **wrong})[0] == bad, wrong
    queue = f"arn:aws:sqs:us-east-1:{lake.account}:nix"
    event_mode = {
        "Targets": {"S3Targets": [{"Path": f"s3://{lake.bucket}/", "EventQueueArn": queue}]},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"},
    }
    assert error_of(glue.create_crawler, **{**good, **event_mode}) == (
        bad,
        f"SQS queue {queue} does not exist or the role provided does not have access to it.",
    )
    policy = {"SchemaChangePolicy": {"UpdateBehavior": "PERHAPS"}}
    assert error_of(glue.create_crawler, **{**good, **policy})[0] == "ValidationException"
    glue.create_crawler(**good, Tags={"project": "workshop"})
    assert error_of(glue.create_crawler, **good)[0] == "AlreadyExistsException"
    assert glue.list_crawlers(Tags={"project": "workshop"})["CrawlerNames"] == ["c"]
    assert glue.list_crawlers(Tags={"project": "other"})["CrawlerNames"] == []
    glue.update_crawler(Name="c", TablePrefix="x_")
    crawler = glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["Version"], crawler["TablePrefix"], crawler["DatabaseName"]) == (2, "x_", "workshop")


def test_events_on_eventbridge(lake: Lake) -> None:
    sqs, events = lake.client("sqs"), lake.client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": queue_policy(arn)})
    pattern = {"source": ["aws.glue"], "detail-type": ["Glue Crawler State Change"]}
    events.put_rule(Name="crawls", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="crawls", Targets=[{"Id": "1", "Arn": arn}])
    lake.put("data/2022/a.json", records(1))
    lake.create()
    lake.crawl()
    told: list[dict[str, Any]] = []

    def all_told() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            told.append(json.loads(message["Body"])["detail"])
        return len(told) >= 2

    until(all_told)
    assert [detail["state"] for detail in told] == ["Started", "Succeeded"]
    assert told[1]["tablesCreated"] == "1"
    assert told[1]["partitionsCreated"] == "1"
    assert told[1]["crawlerName"] == "crawler"
    assert told[1]["message"] == "Crawler Succeeded"


def test_killed_crawl_is_not_stuck(own_server: Any) -> None:
    account = "200000000009"
    lake = Lake(lambda service, **settings: own_server.client(service, account, **settings), account)
    body = records(*range(1000))
    for number in range(200):
        lake.put(f"data/{number}/a.json", body)
    lake.create()
    lake.glue.start_crawler(Name="crawler")
    own_server.kill()
    own_server.restart()
    crawler = until(lake.ready)
    assert crawler["LastCrawl"]["Status"] == "FAILED"
    assert "interrupted" in crawler["LastCrawl"]["ErrorMessage"]
    assert lake.tables() == {}
    assert lake.crawl()["Status"] == "SUCCEEDED"
    assert len(lake.values("data")) == 200
    lake.glue.start_crawler(Name="crawler")
    until(lambda: lake.glue.get_crawler(Name="crawler")["Crawler"]["State"] == "STOPPING")
    own_server.kill()
    own_server.restart()
    assert lake.glue.get_crawler(Name="crawler")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"


# --- schedules ------------------------------------------------------------------------------------------------------

THURSDAY = datetime(2022, 11, 24, 5, 0)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(15 12 * * ? *)", datetime(2022, 11, 24, 12, 15)),
        ("cron(0/5 * * * ? *)", datetime(2022, 11, 24, 5, 5)),
        ("cron(0 5 * * ? *)", datetime(2022, 11, 25, 5, 0)),  # after, not at
        ("cron(0 18 ? * SAT-SAT *)", datetime(2022, 11, 26, 18, 0)),
        ("cron(0 18 ? * MON-FRI *)", datetime(2022, 11, 24, 18, 0)),
        ("cron(0 8 1 * ? *)", datetime(2022, 12, 1, 8, 0)),
        ("cron(0 10 L * ? *)", datetime(2022, 11, 30, 10, 0)),
        ("cron(0 10 ? * 6L *)", datetime(2022, 11, 25, 10, 0)),  # the last Friday
        ("cron(0 10 ? * 3#2 *)", datetime(2022, 12, 13, 10, 0)),  # the second Tuesday
        ("cron(0 10 1W JAN ? *)", datetime(2023, 1, 2, 10, 0)),  # the 1st is a Sunday
        ("cron(0 0 29 2 ? *)", datetime(2024, 2, 29)),
        ("cron(0 0 1 1 ? 2021)", None),
    ],
)
def test_cron(expression: str, expected: datetime | None) -> None:
    assert Cron(expression).next_after(THURSDAY) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "rate(5 minutes)",
        "cron(0 0 * * ?)",
        "cron(0 0 * * * *)",
        "cron(0 0 ? * ? *)",
        "cron(60 0 * * ? *)",
        "cron(0 0 XX * ? *)",
        "cron(* * * * ? *)",
        "cron(0/4 * * * ? *)",
    ],
)
def test_bad_cron(expression: str) -> None:
    with pytest.raises(ValueError):
        Cron(expression, shortest_minutes=5)


@pytest.fixture
def scheduled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A crawler that is due at 5:00, in a backend of this process."""
    backend = glue.BACKENDS["123456789012"]["us-east-1"]
    made = Crawler("nightly", {"Schedule": "cron(0 5 * * ? *)"}, "arn")
    made.scheduled_since = datetime(2022, 11, 23)
    monkeypatch.setattr(backend, "crawlers", {"nightly": made})
    return made


def test_what_is_due(scheduled: Any) -> None:
    def names(*times: datetime) -> list[str]:
        return [each.name for _, each in crawler.due(*times)]

    assert names(datetime(2022, 11, 24, 4, 55), datetime(2022, 11, 24, 4, 59)) == []
    assert names(datetime(2022, 11, 24, 4, 59), datetime(2022, 11, 24, 5, 0)) == ["nightly"]
    assert names(datetime(2022, 11, 24, 5, 0), datetime(2022, 11, 24, 5, 1)) == []
    scheduled.scheduled_since = datetime(2022, 11, 24, 5, 0, 30)  # made after 5:00: due tomorrow
    assert names(datetime(2022, 11, 24, 4, 59), datetime(2022, 11, 24, 5, 1)) == []
    scheduled.schedule_state = "NOT_SCHEDULED"
    assert names(datetime(2022, 11, 25, 4, 59), datetime(2022, 11, 25, 5, 1)) == []


def test_clock_starts_what_is_due_when_it_is(scheduled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    began, looks, started = time.monotonic(), [], []

    def now() -> datetime:
        looks.append(time.monotonic())
        return datetime(2022, 11, 24, 4, 59, 59, 500_000) + timedelta(seconds=time.monotonic() - began)

    monkeypatch.setattr(crawler, "utcnow", now)
    monkeypatch.setattr(crawler.Schedule, "_start", lambda self, backend, each: started.append((each.name, now())))
    crawler.Schedule().changed()
    until(lambda: started)
    name, moment = started[0]
    assert name == "nightly"
    assert datetime(2022, 11, 24, 5, 0) <= moment < datetime(2022, 11, 24, 5, 0, 5)
    assert len(looks) < 12  # it sleeps, it does not poll


def test_schedule_api(lake: Lake) -> None:
    glue = lake.glue
    lake.create(Schedule="cron(0 0 1 1 ? 2199)")
    assert glue.get_crawler(Name="crawler")["Crawler"]["Schedule"] == {
        "ScheduleExpression": "cron(0 0 1 1 ? 2199)",
        "State": "SCHEDULED",
    }
    assert error_of(glue.start_crawler_schedule, CrawlerName="crawler")[0] == "SchedulerRunningException"
    glue.stop_crawler_schedule(CrawlerName="crawler")
    assert glue.get_crawler(Name="crawler")["Crawler"]["Schedule"]["State"] == "NOT_SCHEDULED"
    assert error_of(glue.stop_crawler_schedule, CrawlerName="crawler")[0] == "SchedulerNotRunningException"
    bad = {"CrawlerName": "crawler", "Schedule": "cron(nix)"}
    assert error_of(glue.update_crawler_schedule, **bad)[0] == "InvalidInputException"
    glue.update_crawler_schedule(CrawlerName="crawler", Schedule="")
    assert "Schedule" not in glue.get_crawler(Name="crawler")["Crawler"]
    assert error_of(glue.start_crawler_schedule, CrawlerName="crawler")[0] == "NoScheduleException"
