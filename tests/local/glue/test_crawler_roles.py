"""A crawler acts as its role: without a right it ends FAILED and says which, a file that may not be read is passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.polling import until
from tests.service_roles import policy, put_rights, service_role

LOGS = {"Action": "logs:*", "Resource": "*"}
CATALOG = ["GetDatabase", "GetTables", "CreateTable", "UpdateTable", "BatchCreatePartition", "GetTable"]


class Crawl:
    """A bucket with a partitioned table's files, a crawler and its role."""

    def __init__(self, client: Callable[..., Any], account: str):
        self.client, self.account, self.glue = client, account, client("glue")
        self.bucket = f"crawled-{account}"
        client("s3").create_bucket(Bucket=self.bucket)
        for key in ("data/raw/day=1/a.json", "data/raw/day=2/b.json"):
            client("s3").put_object(Bucket=self.bucket, Key=key, Body=b'{"id": 1, "name": "a"}\n')
        self.role = service_role(client, "glue", "worker", may=())
        self.glue.create_database(DatabaseInput={"Name": "lake"})
        self.glue.create_crawler(
            Name="c",
            Role="worker",
            DatabaseName="lake",
            Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/data/raw/"}]},
        )

    def rights(self, without: str = "") -> list[dict[str, Any]]:
        prefix = f"arn:aws:glue:us-east-1:{self.account}:"
        given = [
            {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{self.bucket}"},
            {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{self.bucket}/data/*"},
            *(
                {
                    "Action": f"glue:{each}",
                    "Resource": [prefix + on for on in ("catalog", "database/lake", "table/lake/*")],
                }
                for each in CATALOG
            ),
            LOGS,
        ]
        return [each for each in given if each["Action"] != without]

    def run(self, *rights: dict[str, Any]) -> dict[str, Any]:
        put_rights(self.client, "worker", *rights)
        self.glue.start_crawler(Name="c")
        ready = until(lambda: (found := self.glue.get_crawler(Name="c")["Crawler"])["State"] == "READY" and found)
        last: dict[str, Any] = ready["LastCrawl"]
        return last

    def lines(self, crawl: dict[str, Any]) -> list[str]:
        events = self.client("logs").get_log_events(logGroupName="/aws-glue/crawlers", logStreamName="c")["events"]
        return [each["message"] for each in events if crawl["MessagePrefix"] in each["message"]]


@pytest.fixture
def crawl(client: Callable[..., Any], account: str) -> Crawl:
    return Crawl(client, account)


def test_the_least_rights_are_enough(crawl: Crawl) -> None:
    assert crawl.run(*crawl.rights())["Status"] == "SUCCEEDED"
    table = crawl.glue.get_table(DatabaseName="lake", Name="raw")["Table"]
    assert table["CreatedBy"] == f"arn:aws:sts::{crawl.account}:assumed-role/worker/AWS-Crawler"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ListBucket", '"arn:aws:s3:::crawled-A"'),
        ("glue:GetDatabase", "arn:aws:glue:us-east-1:A:catalog"),
        ("glue:GetTables", "arn:aws:glue:us-east-1:A:catalog"),
        ("glue:CreateTable", "arn:aws:glue:us-east-1:A:catalog"),
        ("glue:BatchCreatePartition", "arn:aws:glue:us-east-1:A:catalog"),
    ],
)
def test_without_one_right(crawl: Crawl, action: str, resource: str) -> None:
    last = crawl.run(*crawl.rights(without=action))
    told = (
        f"User: arn:aws:sts::{crawl.account}:assumed-role/worker/AWS-Crawler is not authorized to perform: {action} on resource: "
        f"{resource.replace('-A', '-' + crawl.account).replace(':A:', f':{crawl.account}:')} "
        f"because no identity-based policy allows the {action} action"
    )
    assert (last["Status"], last["ErrorMessage"]) == ("FAILED", told)
    (line,) = [each for each in crawl.lines(last) if "ERROR" in each]
    assert (
        line.startswith(f"[{last['MessagePrefix']}] ERROR : {told} (Service: A") and "Error Code: AccessDenied" in line
    )
    assert crawl.run(*crawl.rights())["Status"] == "SUCCEEDED"


def test_a_file_that_may_not_be_read_is_passed_over(crawl: Crawl) -> None:
    some = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{crawl.bucket}/data/raw/day=1/*"}
    last = crawl.run(some, *crawl.rights(without="s3:GetObject"))
    assert last["Status"] == "SUCCEEDED"
    (line,) = [each for each in crawl.lines(last) if "ERROR" in each]
    assert "Error Access Denied (Service: Amazon S3; Status Code: 403;" in line
    assert f"retrieving file at s3://{crawl.bucket}/data/raw/day=2/b.json." in line
    partitions = crawl.glue.get_partitions(DatabaseName="lake", TableName="raw")["Partitions"]
    assert [each["Values"] for each in partitions] == [["1"]]


def test_without_the_right_to_log_the_crawl_runs(crawl: Crawl) -> None:
    last = crawl.run(*[each for each in crawl.rights() if each is not LOGS])
    assert last["Status"] == "SUCCEEDED"
    assert crawl.client("logs").describe_log_groups()["logGroups"] == []


def test_a_trust_that_is_taken_back(crawl: Crawl) -> None:
    trust = {"Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    crawl.client("iam").update_assume_role_policy(RoleName="worker", PolicyDocument=policy(trust))
    message = "Service is unable to assume provided role. Please verify role's TrustPolicy"
    last = crawl.run(*crawl.rights())
    assert (last["Status"], last["ErrorMessage"]) == ("FAILED", message)
    with pytest.raises(ClientError, match=message):
        crawl.glue.update_crawler(Name="c", Role="worker")
