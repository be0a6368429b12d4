"""Crawlers through boto3 on a real server: the workshop's crawl, states, history, events, failures, kill -9."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from tests.local.events.event_lab import queue_policy
from tests.local.glue.crawler_lake import TRACKS, Lake, records
from tests.polling import until
from tests.refusals import refusal


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
    assert refusal(lake.glue.start_crawler, Name="crawler") == (
        "CrawlerRunningException",
        "Crawler with name crawler has already started",
    )
    assert refusal(lake.glue.delete_crawler, Name="crawler") == (
        "CrawlerRunningException",
        "Cannot delete crawlercrawler while it's running",
    )
    assert refusal(lake.glue.update_crawler, Name="crawler", Description="x") == (
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
    assert 0.8 < time.monotonic() - started < 20  # long enough for who looks once a second
    order = [each for number, each in enumerate(seen) if number == 0 or seen[number - 1] != each]
    assert order in (["RUNNING", "STOPPING", "READY"], ["STOPPING", "READY"])

    assert refusal(lake.glue.stop_crawler, Name="crawler")[0] == "CrawlerNotRunningException"
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
