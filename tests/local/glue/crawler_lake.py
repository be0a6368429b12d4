"""A bucket, a role and a crawler for tests of crawlers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

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
