"""The lake, live: what it sees comes from AWS's own APIs, and the picture tells it in words too."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from base64 import b64decode

import boto3

from helpers import prices
from helpers.live_lake import Observer, Seen
from helpers.live_lake.svg import describe, draw
from helpers.pictures import ARROWS, BOXES


def test_an_empty_account_has_nothing(cloud):
    seen = Observer(boto3.Session()).look()
    assert set(seen.states.values()) == {"off"}
    assert seen.usd_hour == 0
    assert describe(seen) == "The lake now. Nothing of it is there yet."


def test_what_flows_and_lies_there(cloud, account):
    kinesis, s3 = cloud("kinesis"), cloud("s3")
    kinesis.create_stream(StreamName="analytics-workshop-stream", ShardCount=2)
    kinesis.create_stream(StreamName="sales", ShardCount=4)
    bucket = f"aw-{account}-analytics-workshop-bucket"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="data/raw/a.json", Body=b"x" * 2_000_000)
    s3.put_object(Bucket=bucket, Key="elsewhere/b.json", Body=b"x")
    observer = Observer(boto3.Session())
    first = observer.look()
    assert (first.states["stream"], first.lines["stream"], first.rates["stream"]) == (
        "ready",
        ["1 stream, 2 shards"],
        0,
    )
    assert first.lines["raw"] == ["1 file", "2.0 MB"]
    assert first.usd_hour == 2 * prices.SHARD_HOUR
    records = [{"Data": b"{}", "PartitionKey": str(number)} for number in range(100)]
    kinesis.put_records(StreamName="analytics-workshop-stream", Records=records)
    kinesis.put_records(StreamName="sales", Records=records)
    second = observer.look()
    assert second.states["stream"] == "busy"
    assert 0 < second.rates["stream"] <= 200  # 100 records, and half a second at least between two looks


def test_the_picture_is_well_formed_and_has_every_box():
    seen = Seen()
    for place, name in enumerate(BOXES):
        seen.put(name, ("off", "ready", "busy", "failed")[place % 4], "a < b & c")
    seen.rates = {end: 1234.0 for _, end in ARROWS}
    image = ElementTree.fromstring(draw(seen, "The lake, live").replace(">", "/>"))
    assert (
        image.tag == "img" and "1,234 a second" in image.attrib["alt"]
    )  # an element <svg> would be gone in an untrusted notebook
    root = ElementTree.fromstring(b64decode(image.attrib["src"].removeprefix("data:image/svg+xml;base64,")))
    assert len(root.findall(".//{*}rect")) == len(BOXES)
    assert len(root.findall(".//{*}line")) == len(ARROWS)


def test_a_service_that_refuses_is_shown_as_failed(cloud, monkeypatch):
    observer = Observer(boto3.Session())
    cloud("sts")

    def refuse(seen):
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListStreams")

    monkeypatch.setattr(observer, "_streams", refuse)
    seen = observer.look()
    assert (seen.states["stream"], seen.lines["stream"]) == ("failed", ["AccessDeniedException"])
