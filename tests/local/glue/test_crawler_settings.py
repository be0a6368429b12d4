"""What a crawler is told: configuration, classifiers, policies, event mode; what is refused."""

from __future__ import annotations

import gzip
import json

from infra.local.glue.crawler.events import changed_objects
from tests.local.events.event_lab import queue_policy
from tests.local.glue.crawler_lake import TRACKS, Lake, records
from tests.polling import until
from tests.refusals import refusal


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
    levels = {
        "Name": "levels", "Classification": "shoplog", "CustomPatterns": "SHOP S[0-9]+",
        "GrokPattern": "%{SHOP:Shop} %{LOGLEVEL:level} %{NUMBER:took:int} %{GREEDYDATA:said}",
    }  # fmt: skip
    glue.create_classifier(GrokClassifier=levels)
    lake.put("data/logs/a.log", b"S1 INFO 7 it was sold\nS22 WARN 80 slow\n  and why\n")
    lake.put("data/array/a.json", b'[{"Id": 1}, {"Id": 2}]')
    lake.put("data/tracks/a.csv", b"1|'a|b'\n2|c\n")
    lake.put("data/plain/a.csv", b"id,price\n1,2.5\n")
    lake.put("data/packed/a.json.gz", gzip.compress(records(1, 2)))
    lake.put("data/pictures/a.png", b"\x89PNG\r\n\x1a\n\x00\x00")
    lake.create(Classifiers=["rows", "tracks", "levels"])
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
    columns = {"shop": "string", "level": "string", "took": "int", "said": "string"}
    assert described("logs") == ("shoplog", "none", columns)
    assert tables["logs"]["StorageDescriptor"]["SerdeInfo"] == {
        "SerializationLibrary": "com.amazonaws.glue.serde.GrokSerDe",
        "Parameters": {"input.format": levels["GrokPattern"], "input.grokCustomPatterns": "SHOP S[0-9]+"},
    }
    assert described("packed")[:2] == ("json", "gzip")
    assert tables["packed"]["StorageDescriptor"]["Compressed"] is True
    assert described("plain") == ("csv", "none", {"id": "bigint", "price": "double"})
    assert tables["plain"]["Parameters"]["skip.header.line.count"] == "1"
    assert tables["plain"]["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    assert described("pictures") == ("UNKNOWN", "none", {})

    bad = "InvalidInputException"
    for pattern in ("%{NOSUCH:w}", "%{WORD:w:money}", "%{WORD}", "(%{WORD:w}"):
        assert refusal(glue.create_classifier, GrokClassifier={**levels, "Name": "g", "GrokPattern": pattern})[0] == bad
    assert refusal(glue.create_classifier, XMLClassifier={"Name": "x", "Classification": "xml"})[0] == bad
    assert refusal(glue.create_classifier, JsonClassifier={"Name": "j", "JsonPath": "nix"})[0] == bad
    assert (
        refusal(glue.create_classifier, JsonClassifier={"Name": "rows", "JsonPath": "$"})[0] == "AlreadyExistsException"
    )
    glue.update_classifier(JsonClassifier={"Name": "rows", "JsonPath": "$.rows[*]"})
    assert glue.get_classifier(Name="rows")["Classifier"]["JsonClassifier"]["Version"] == 2
    assert len(glue.get_classifiers()["Classifiers"]) == 3
    glue.delete_classifier(Name="rows")
    assert refusal(glue.get_classifier, Name="rows")[0] == "EntityNotFoundException"
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
    assert refusal(lake.glue.update_crawler, Name="crawler", Targets=targets)[0] == "InvalidInputException"


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


def test_what_is_refused(lake: Lake) -> None:
    glue = lake.glue
    missing, bad = "EntityNotFoundException", "InvalidInputException"
    assert refusal(glue.start_crawler, Name="nix") == (missing, "Crawler with name nix does not exist")
    assert refusal(glue.get_crawler, Name="nix") == (missing, "Crawler entry with name nix does not exist")
    assert refusal(glue.list_crawls, CrawlerName="nix") == (missing, "Crawler entry with name nix does not exist")
    for call in (glue.stop_crawler, glue.delete_crawler, glue.update_crawler):
        assert refusal(call, Name="nix")[0] == missing
    assert glue.batch_get_crawlers(CrawlerNames=["nix"])["CrawlersNotFound"] == ["nix"]
    target = {"S3Targets": [{"Path": f"s3://{lake.bucket}/data/"}]}
    good = {"Name": "c", "Role": "CrawlerRole", "DatabaseName": "workshop", "Targets": target}
    assert refusal(glue.create_crawler, **{**good, "Role": "nobody"}) == (
        bad,
        "Service is unable to assume provided role. Please verify role's TrustPolicy",
    )
    other = "arn:aws:iam::000000000000:role/CrawlerRole"
    assert refusal(glue.create_crawler, **{**good, "Role": other}) == (
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
        assert refusal(glue.create_crawler, **{**good, **wrong})[0] == bad, wrong
    queue = f"arn:aws:sqs:us-east-1:{lake.account}:nix"
    event_mode = {
        "Targets": {"S3Targets": [{"Path": f"s3://{lake.bucket}/", "EventQueueArn": queue}]},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVENT_MODE"},
    }
    assert refusal(glue.create_crawler, **{**good, **event_mode}) == (
        bad,
        f"SQS queue {queue} does not exist or the role provided does not have access to it.",
    )
    policy = {"SchemaChangePolicy": {"UpdateBehavior": "PERHAPS"}}
    assert refusal(glue.create_crawler, **{**good, **policy})[0] == "ValidationException"
    glue.create_crawler(**good, Tags={"project": "workshop"})
    assert refusal(glue.create_crawler, **good)[0] == "AlreadyExistsException"
    assert glue.list_crawlers(Tags={"project": "workshop"})["CrawlerNames"] == ["c"]
    assert glue.list_crawlers(Tags={"project": "other"})["CrawlerNames"] == []
    glue.update_crawler(Name="c", TablePrefix="x_")
    crawler = glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["Version"], crawler["TablePrefix"], crawler["DatabaseName"]) == (2, "x_", "workshop")
