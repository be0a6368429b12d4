"""What Firehose does with records before it delivers them: functions, partitions, other formats, and what a kill must not undo."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from infra.engines import jq
from infra.local.firehose import objects
from infra.local.firehose.aggregated import UserRecord, taken_apart
from infra.local.firehose.processing import documents
from infra.local.firehose.processors import query_keys
from infra.local.firehose.records import Record
from infra.local.firehose.stage import Group, Stage
from tests.conftest import Server
from tests.lambda_functions import function
from tests.polling import until
from tests.service_roles import put_rights, service_role

PACE = "0.005"  # of the intervals: 60 seconds are 0.3


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose buffering intervals are short."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKSHOP_FIREHOSE_PACE", PACE)
        running = Server(tmp_path_factory.mktemp("quick"))
    yield running
    running.stop()


class Hose:
    """A bucket, a role, and delivery streams into it."""

    def __init__(self, server: Server, account: str):
        self.server, self.account, self.bucket = server, account, f"lake-{account}"
        self.client("s3").create_bucket(Bucket=self.bucket)
        self.role = service_role(self.client, "firehose")

    def client(self, service: str) -> Any:
        return self.server.client(service, self.account)

    def settings(self, size: int = 64, interval: int = 60, **more: Any) -> dict[str, Any]:
        return {
            "RoleARN": self.role,
            "BucketARN": f"arn:aws:s3:::{self.bucket}",
            "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": interval},
            "ErrorOutputPrefix": "bad/!{firehose:error-output-type}/",
            **more,
        }

    def create(self, name: str = "d", source: dict[str, Any] | None = None, **settings: Any) -> None:
        self.client("firehose").create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=self.settings(**settings), **(source or {})
        )

    def put(self, *records: bytes | str | dict[str, Any], name: str = "d") -> None:
        data = [
            each if isinstance(each, bytes) else each.encode() if isinstance(each, str) else json.dumps(each).encode()
            for each in records
        ]
        answer = self.client("firehose").put_record_batch(
            DeliveryStreamName=name, Records=[{"Data": each} for each in data]
        )
        assert answer["FailedPutCount"] == 0

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        s3 = self.client("s3")
        listing = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [each["Key"] for page in listing for each in page.get("Contents", ())]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def errors(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(line) for body in self.objects(f"bad/{kind}/").values() for line in body.splitlines()]

    def table(self, columns: dict[str, str], name: str = "t") -> None:
        glue = self.client("glue")
        if name == "t":
            glue.create_database(DatabaseInput={"Name": "lake"})
        listed = [{"Name": column, "Type": kind} for column, kind in columns.items()]
        glue.create_table(DatabaseName="lake", TableInput={"Name": name, "StorageDescriptor": {"Columns": listed}})

    def conversion(self, deserializer: Any = None, serializer: Any = None, **schema: Any) -> dict[str, Any]:
        named = {"RoleARN": self.role, "DatabaseName": "lake", "TableName": "t", **schema}
        return {
            "Enabled": True,
            "SchemaConfiguration": {name: value for name, value in named.items() if value},
            "InputFormatConfiguration": {"Deserializer": deserializer or {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": serializer or {"ParquetSerDe": {}}},
        }


@pytest.fixture
def hose(quick: Server, account: str) -> Hose:
    return Hose(quick, account)


def processing(*processors: tuple[str, dict[str, str]]) -> dict[str, Any]:
    listed = [
        {
            "Type": kind,
            "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in given.items()],
        }
        for kind, given in processors
    ]
    return {"Enabled": True, "Processors": listed}


def extraction(query: str) -> tuple[str, dict[str, str]]:
    return "MetadataExtraction", {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}


# --- format conversion ----------------------------------------------------------------------------------------------

COLUMNS = {"ticker": "string", "price": "double", "qty": "int", "ok": "boolean", "at": "timestamp", "day": "date", "cost": "decimal(6,2)", "tags": "array<string>", "who": "struct<name:string,age:int>", "more": "map<string,int>"}  # fmt: skip


def test_records_become_parquet_by_a_table_and_what_does_not_fit_is_told(hose: Hose) -> None:
    hose.table(COLUMNS)
    hose.create(Prefix="data/", DataFormatConversionConfiguration=hose.conversion())
    whole = {"Ticker": "AAA", "price": 1.5, "qty": 10, "ok": True, "at": "2026-09-07T12:00:00.25Z", "day": "2026-09-07", "cost": 12.345, "tags": ["x", "y"], "who": {"Name": "Zoe", "age": 9}, "more": {"k": 1}}  # fmt: skip
    hose.put(whole, '{"ticker": "B"}{"ticker": "C", "qty": 3}', {"price": "oops"}, "no json", '[{"qty": 1}]', "  ", "7")
    ((key, body),) = until(lambda: hose.objects("data/")).items()
    assert re.search(r"^data/\d{4}/\d\d/\d\d/\d\d/d-1-[-0-9]{19}-[-0-9a-f]{36}\.parquet$", key)
    table = pa.parquet.read_table(io.BytesIO(body))
    rows = table.to_pylist()
    assert [row["ticker"] for row in rows] == ["AAA", "B", "C"]
    first = rows[0]
    assert (str(first["at"])[:22], str(first["day"]), str(first["cost"])) == (
        "2026-09-07 12:00:00.25",
        "2026-09-07",
        "12.35",
    )
    assert (first["tags"], first["who"], first["more"]) == (["x", "y"], {"name": "Zoe", "age": 9}, [("k", 1)])
    assert (rows[2]["qty"], rows[2]["price"]) == (3, None)
    assert pa.parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression == "SNAPPY"
    lines = until(lambda: hose.errors("format-conversion-failed"))
    told = {
        base64.b64decode(line["rawData"]).decode(): (line["lastErrorCode"], line["lastErrorMessage"]) for line in lines
    }
    malformed, mismatch = "DataFormatConversion.ParseError", "DataFormatConversion.MalformedData"
    assert told == {
        '{"price": "oops"}': (mismatch, 'Data does not match the schema. For input string: "oops"'),
        "no json": (malformed, "Encountered malformed JSON."),
        '[{"qty": 1}]': (malformed, "Encountered malformed JSON. An array of JSON documents is not a valid input."),
        "  ": (mismatch, "The record was empty or contained only whitespace."),
        "7": (
            mismatch,
            "The input JSON contained a primitive at the top level. The top level must be an object or array.",
        ),
    }
    assert lines[0]["attemptsMade"] == 1 and lines[0]["arrivalTimestamp"] <= lines[0]["attemptEndingTimestamp"]
    assert lines[0]["dataCatalogTable"] == {
        "catalogId": hose.account,
        "databaseName": "lake",
        "tableName": "t",
        "region": "us-east-1",
        "versionId": "LATEST",
        "catalogArn": f"arn:aws:glue:us-east-1:{hose.account}:catalog",
    }


def test_orc_and_the_options_of_deserializers_and_serializers(hose: Hose) -> None:
    hose.table({"a_b": "int", "when": "timestamp", "who": "string"})
    openx = {"OpenXJsonSerDe": {"CaseInsensitive": False, "ConvertDotsInJsonKeysToUnderscores": True, "ColumnToJsonKeyMappings": {"who": "Name"}}}  # fmt: skip
    hive = {"HiveJsonSerDe": {"TimestampFormats": ["yyyy/MM/dd HH:mm", "millis"]}}
    orc = {"OrcSerDe": {"Compression": "ZLIB", "BloomFilterColumns": ["who"], "RowIndexStride": 1000}}
    hose.create("x", Prefix="x/", DataFormatConversionConfiguration=hose.conversion(openx, orc))
    hose.create(
        "h",
        Prefix="h/",
        DataFormatConversionConfiguration=hose.conversion(hive, {"ParquetSerDe": {"Compression": "GZIP"}}),
    )
    hose.put({"a.b": 7, "Name": "Ann", "name": "no", "WHEN": "2026-01-01 00:00:00"}, name="x")
    hose.put({"a_b": 1, "When": "2026/02/03 04:05"}, {"when": "1770091500000"}, name="h")
    ((key, body),) = until(lambda: hose.objects("x/")).items()
    assert key.endswith(".orc") and pa.orc.ORCFile(io.BytesIO(body)).compression == "ZLIB"
    assert pa.orc.ORCFile(io.BytesIO(body)).read().to_pylist() == [{"a_b": 7, "when": None, "who": "Ann"}]
    ((key, body),) = until(lambda: hose.objects("h/")).items()
    assert pa.parquet.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression == "GZIP"
    assert [str(row["when"])[:16] for row in pa.parquet.read_table(io.BytesIO(body)).to_pylist()] == [
        "2026-02-03 04:05"
    ] * 2


def test_records_wait_for_a_table_that_the_role_may_read(hose: Hose) -> None:
    group = {"Enabled": True, "LogGroupName": "g", "LogStreamName": "s"}
    hose.create(Prefix="data/", DataFormatConversionConfiguration=hose.conversion(), CloudWatchLoggingOptions=group)
    hose.put({"a": 1})

    def codes() -> list[str]:
        try:
            events = hose.client("logs").get_log_events(logGroupName="g", logStreamName="s")["events"]
        except ClientError:
            return []
        return [json.loads(event["message"])["errorCode"] for event in events]

    assert until(codes)[0] == "DataFormatConversion.EntityNotFound"
    rest = {"Action": ["s3:*", "logs:*"], "Resource": "*"}
    put_rights(hose.client, "firehose", rest)
    hose.table({"a": "int"})
    until(lambda: "DataFormatConversion.AccessDenied" in codes())
    assert hose.objects() == {}
    put_rights(hose.client, "firehose", rest, {"Action": ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], "Resource": "*"})  # fmt: skip
    ((_, body),) = until(lambda: hose.objects("data/")).items()
    assert pa.parquet.read_table(io.BytesIO(body)).to_pylist() == [{"a": 1}]


# --- dynamic partitioning -------------------------------------------------------------------------------------------


def test_partitions_by_a_query_of_records_that_are_taken_apart(hose: Hose) -> None:
    prefix = "c=!{partitionKeyFromQuery:customer}/y=!{partitionKeyFromQuery:year}/"
    query = '{customer: .id, "year": .ts|strftime("%Y")}'
    steps = processing(
        ("RecordDeAggregation", {"SubRecordType": "JSON"}), extraction(query), ("AppendDelimiterToRecord", {})
    )
    hose.create(Prefix=prefix, DynamicPartitioningConfiguration={"Enabled": True}, ProcessingConfiguration=steps)
    hose.put(
        '{"id":"a","ts":1565382027}{"id":7,"ts":1565382027}',
        '{"id":"a","ts":1565382028}',
        '{"id":"","ts":0}',
        "no json",
    )
    found = until(lambda: len(hose.objects("c=")) == 2 and hose.objects("c="))
    assert {key.rpartition("/")[0]: body for key, body in found.items()} == {
        "c=a/y=2019": b'{"id":"a","ts":1565382027}\n{"id":"a","ts":1565382028}\n',
        "c=7/y=2019": b'{"id":7,"ts":1565382027}\n',
    }
    lines = until(
        lambda: len(hose.errors("metadata-extraction-failed")) == 2 and hose.errors("metadata-extraction-failed")
    )
    assert {line["errorCode"] for line in lines} == {"DynamicPartitioning.MetadataExtractionFailed"}
    assert {base64.b64decode(line["rawData"]): line["errorMessage"] for line in lines}[b'{"id":"","ts":0}'] == (
        "partitionKeys values must not be null or empty"
    )


def test_partitions_by_a_function_and_a_query_and_a_delimiter(hose: Hose) -> None:
    arn = function(
        hose.client,
        "import base64, json\n"
        "def handler(event, context):\n"
        "    found = []\n"
        "    for record in event['records']:\n"
        "        keys = {'kind': json.loads(base64.b64decode(record['data']).decode().split('|')[0])['k']}\n"
        "        found.append({**record, 'result': 'Ok', 'metadata': {'partitionKeys': keys}})\n"
        "    return {'records': found}\n",
    )
    steps = processing(
        ("Lambda", {"LambdaArn": arn}),
        ("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": base64.b64encode(b"|").decode()}),
        extraction("{n: .n}"),
    )
    prefix = "k=!{partitionKeyFromLambda:kind}/n=!{partitionKeyFromQuery:n}/"
    hose.create(Prefix=prefix, DynamicPartitioningConfiguration={"Enabled": True}, ProcessingConfiguration=steps)
    hose.put('{"k":"x","n":1}|{"k":"y","n":2}', '{"k":"z","n":true}')
    found = until(lambda: len(hose.objects("k=")) == 3 and hose.objects("k="))
    assert {key.rpartition("/")[0]: body for key, body in found.items()} == {
        "k=x/n=1": b'{"k":"x","n":1}',
        "k=x/n=2": b'{"k":"y","n":2}',
        "k=z/n=true": b'{"k":"z","n":true}',
    }


def test_a_query_without_an_end_fails_its_record_and_reads_nothing_of_the_server(hose: Hose) -> None:
    query = '{a: (if .a == "loop" then (def f: f; f) else .a end), home: ($ENV.HOME // "none")}'
    prefix = "a=!{partitionKeyFromQuery:a}/h=!{partitionKeyFromQuery:home}/"
    hose.create(
        Prefix=prefix,
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=processing(extraction(query)),
    )
    hose.put({"a": "loop"}, {"a": "fine"})
    (key,) = until(lambda: hose.objects("a="))
    assert key.startswith("a=fine/h=none/")
    (line,) = until(lambda: hose.errors("metadata-extraction-failed"))
    assert line["errorMessage"] == "the query took longer than 5 seconds"


@pytest.mark.parametrize(
    "query",
    [
        'import "{folder}/data" as $d; {{a: $d}}',
        'import "data" as $d {{search: "{folder}"}}; {{a: $d}}',
        'include "{folder}/code"; {{a: leaked}}',
        'include "code" {{search: "{folder}"}}; {{a: leaked}}',
    ],
)
def test_a_query_imports_no_file_of_this_computer(tmp_path: Path, query: str) -> None:
    (tmp_path / "data.json").write_text('"secret"')
    (tmp_path / "code.jq").write_text('def leaked: "secret";')
    said = jq.problem(query.format(folder=tmp_path))
    assert "Could not open" in said and "secret" not in said


# --- functions ------------------------------------------------------------------------------------------------------

RESULTS = (
    "import base64\n"
    "def handler(event, context):\n"
    "    print(event)\n"
    "    found = []\n"
    "    for record in event['records']:\n"
    "        data = base64.b64decode(record['data']).decode()\n"
    "        result = {'drop': 'Dropped', 'fail': 'ProcessingFailed'}.get(data, 'Ok')\n"
    "        if data == 'twice':\n"
    "            found.append({'recordId': record['recordId'], 'result': 'Ok', 'data': ''})\n"
    "        if data != 'lose':\n"
    "            found.append({'recordId': record['recordId'], 'result': result, 'data': None if data == 'none' else\n"
    "                          base64.b64encode(data.upper().encode()).decode()})\n"
    "    return {'records': found}\n"
)


def test_a_function_transforms_drops_and_fails_records(hose: Hose) -> None:
    arn = function(hose.client, RESULTS)
    hose.create(
        Prefix="data/", CompressionFormat="GZIP", ProcessingConfiguration=processing(("Lambda", {"LambdaArn": arn}))
    )
    hose.put("one ", "drop", "fail", "two", "lose", "twice", "none")
    ((_, body),) = until(lambda: hose.objects("data/")).items()
    import gzip

    assert gzip.decompress(body) == b"ONE TWO"
    lines = until(lambda: hose.errors("processing-failed"))
    assert {base64.b64decode(line["rawData"]).decode(): line["errorCode"] for line in lines} == {
        "fail": "Lambda.ProcessingFailedStatus",
        "lose": "Lambda.MissingRecordId",
        "twice": "Lambda.DuplicatedRecordId",
        "none": "Lambda.InvalidReturnFormat",
    }
    assert {line["lambdaArn"] for line in lines} == {arn} and {line["attemptsMade"] for line in lines} == {1}


def test_a_function_that_fails_is_asked_again_and_its_rights_are_the_roles(hose: Hose) -> None:
    arn = function(hose.client, "def handler(event, context):\n    raise ValueError('no')\n")
    steps = processing(("Lambda", {"LambdaArn": arn, "NumberOfRetries": "1"}))
    hose.create(Prefix="data/", ProcessingConfiguration=steps)
    hose.put("x")
    (line,) = until(lambda: hose.errors("processing-failed"))
    assert (line["errorCode"], line["attemptsMade"]) == ("Lambda.FunctionError", 2)
    assert line["errorMessage"] == "The Lambda function was successfully invoked but it returned an error result."
    put_rights(hose.client, "firehose", {"Action": "s3:*", "Resource": "*"})
    hose.put("y")
    lines = until(lambda: len(hose.errors("processing-failed")) == 2 and hose.errors("processing-failed"))
    assert {line["errorCode"] for line in lines} == {"Lambda.FunctionError", "Lambda.InvokeAccessDenied"}
    assert hose.objects("data/") == {}


# --- Kinesis's aggregated records -----------------------------------------------------------------------------------


def _number(n: int) -> bytes:
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + _number(n >> 7)


def _field(n: int, data: bytes) -> bytes:
    return _number(n << 3 | 2) + _number(len(data)) + data


def aggregated(*users: tuple[str, bytes]) -> bytes:
    """Records as the Kinesis Producer Library packs them: magic, protobuf, MD5."""
    body = b"".join(_field(1, key.encode()) for key, _ in users)
    body += b"".join(_field(3, _number(1 << 3) + _number(n) + _field(3, data)) for n, (_, data) in enumerate(users))
    return b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body).digest()


def test_aggregated_records_are_taken_apart() -> None:
    users = [("k1", b"x" * 300), ("k2", b"")]
    packed = aggregated(*users)
    assert taken_apart("p", packed) == [UserRecord(*user) for user in users]
    for broken in (packed[:-1], packed[:-1] + b"?", b"\xf3\x89\x9a\xc2", b"plain", b""):
        assert taken_apart("p", broken) == [UserRecord("p", broken)]


def test_a_function_gets_the_records_of_a_producers_library_one_by_one(hose: Hose) -> None:
    kinesis = hose.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    stream = f"arn:aws:kinesis:us-east-1:{hose.account}:stream/s"
    arn = function(
        hose.client,
        "import base64, json\n"
        "def handler(event, context):\n"
        "    told = {'source': event['sourceKinesisStreamArn'], 'stream': event['deliveryStreamArn'], 'region': event['region']}\n"
        "    return {'records': [{'recordId': r['recordId'], 'result': 'Ok', 'data': base64.b64encode(json.dumps({**told,\n"
        "        **r['kinesisRecordMetadata'], 'id': r['recordId'], 'data': r['data']}).encode() + b'\\n').decode()} for r in event['records']]}\n",
    )
    source = {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream, "RoleARN": hose.role}}  # fmt: skip
    hose.create(source=source, ProcessingConfiguration=processing(("Lambda", {"LambdaArn": arn})))
    sequence = kinesis.put_record(StreamName="s", Data=aggregated(("k1", b"1"), ("k2", b"2")), PartitionKey="p")[
        "SequenceNumber"
    ]
    body = until(lambda: b"".join(hose.objects().values()))
    told = [json.loads(line) for line in body.splitlines()]
    assert [(each["partitionKey"], base64.b64decode(each["data"]), each["subsequenceNumber"]) for each in told] == [
        ("k1", b"1", 0),
        ("k2", b"2", 1),
    ]
    assert {(each["source"], each["sequenceNumber"], each["shardId"]) for each in told} == {
        (stream, sequence, "shardId-000000000000")
    }
    assert len({each["id"] for each in told}) == 2


# --- compression ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 5, 400_000])
def test_snappy_in_both_framings(tmp_path: Path, size: int) -> None:
    codec, plain = pa.Codec("snappy"), bytes(n % 251 for n in range(size))
    (tmp_path / "in").write_bytes(plain)
    for compression, head, prefixed in (("Snappy", 16, False), ("HADOOP_SNAPPY", 0, True)):
        objects.write_object(tmp_path / "in", tmp_path / "out", compression, "k")
        packed, found = (tmp_path / "out").read_bytes(), b""
        assert head == 0 or packed[:8] == b"\x82SNAPPY\x00"
        at = head
        while at < len(packed):
            block = int.from_bytes(packed[at : at + 4], "big") if prefixed else min(32 * 1024, size - len(found))
            at += 4 * prefixed
            length = int.from_bytes(packed[at : at + 4], "big")
            found += codec.decompress(packed[at + 4 : at + 4 + length], block, asbytes=True)
            at += 4 + length
        assert found == plain


# --- rules ----------------------------------------------------------------------------------------------------------

PARTITIONED: dict[str, Any] = {"DynamicPartitioningConfiguration": {"Enabled": True}}
LAMBDA = ("Lambda", {"LambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f"})
ONLY = "class com.amazonaws.services.firehose.internal.model.{}Processor can only be present when Dynamic Partitioning is enabled."


def rules(hose: Hose) -> list[tuple[dict[str, Any], str]]:
    keyed = {"Prefix": "c=!{partitionKeyFromQuery:c}/", **PARTITIONED}
    conversion = hose.conversion()

    def with_lambda(**more: str) -> dict[str, Any]:
        return {"ProcessingConfiguration": processing(("Lambda", {**LAMBDA[1], **more}))}

    def query(text: str, **more: Any) -> dict[str, Any]:
        return {**keyed, "ProcessingConfiguration": processing(extraction(text)), **more}

    return [
        ({"ProcessingConfiguration": processing()}, "A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled."),
        ({"ProcessingConfiguration": processing(LAMBDA, LAMBDA)}, "Cannot have more than 1 Lambda processor."),
        ({"ProcessingConfiguration": processing(("Lambda", {}))}, "LambdaArn is required when Lambda processor is used."),
        (with_lambda(NumberOfRetries="301"), "Number of retries for lambda must be between 0 and 300."),
        (with_lambda(BufferSizeInMBs="4", BufferIntervalInSeconds="60"), "BufferSizeInMBs for lambda processor must be between 0.2 and 3."),
        (with_lambda(BufferSizeInMBs="1", BufferIntervalInSeconds="901"), "BufferIntervalInSeconds for lambda processor must be between 0 and 900."),
        (with_lambda(BufferSizeInMBs="1"), "Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda processor."),
        ({"ProcessingConfiguration": processing(extraction("{c: .c}"))}, ONLY.format("MetadataExtraction")),
        ({"ProcessingConfiguration": processing(("RecordDeAggregation", {"SubRecordType": "JSON"}))}, ONLY.format("RecordDeAggregation")),
        ({**keyed, "ProcessingConfiguration": processing(("RecordDeAggregation", {"SubRecordType": "CSV"}))}, "SubRecordType has to be one of JSON, DELIMITED"),
        ({**keyed, "ProcessingConfiguration": processing(("RecordDeAggregation", {"SubRecordType": "DELIMITED"}))}, "Delimiter should be present for DELIMITED"),
        ({**keyed, "ProcessingConfiguration": processing(("MetadataExtraction", {"MetadataExtractionQuery": "{c: .c}"}))}, "MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6"),
        (query("{c: .c, d: .d}"), "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression"),
        ({**PARTITIONED, "Prefix": "c/"}, "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled"),
        (query("{c: .c}", size=63), "BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled."),
        (query("{c: .c}", interval=59), "BufferingHints.IntervalInSeconds must be at least 60 seconds when Dynamic Partitioning is enabled."),
        ({"Prefix": "c=!{partitionKeyFromQuery:c}/"}, "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled."),
        ({"CompressionFormat": "GZIP", "DataFormatConversionConfiguration": conversion}, "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is enabled. To enable compression within the converted output format, set the appropriate serialization option in the output format configuration."),
        ({"size": 63, "DataFormatConversionConfiguration": conversion}, "BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled."),
        ({"DataFormatConversionConfiguration": {"Enabled": True}}, "InputFormatConfiguration must not be null"),
        ({"DataFormatConversionConfiguration": {**conversion, "OutputFormatConfiguration": {"Serializer": {}}}}, "Serializer must not be null"),
        ({"DataFormatConversionConfiguration": hose.conversion({"OpenXJsonSerDe": {}, "HiveJsonSerDe": {}})}, "More than one deserializer specified. Only one may be chosen."),
        ({"DataFormatConversionConfiguration": hose.conversion(TableName=None)}, "SchemaConfiguration.TableName must not be null or empty"),
        ({"ProcessingConfiguration": processing(("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}))}, "CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor"),
        ({"ProcessingConfiguration": processing(("Decompression", {"CompressionFormat": "GZIP"}))}, "ProcessingConfiguration: the processor Decompression is not supported by the local AWS."),
    ]  # fmt: skip


def test_what_aws_refuses_is_refused_in_its_words(hose: Hose) -> None:
    for settings, message in rules(hose):
        with pytest.raises(ClientError) as error:
            hose.create(**settings)
        told = error.value.response["Error"]
        assert (told["Code"], told["Message"]) == ("InvalidArgumentException", message), settings
    with pytest.raises(ClientError, match="MetaDataExtraction JQ Query is not valid: .*syntax error"):
        hose.create(
            Prefix="c=!{partitionKeyFromQuery:c}/",
            ProcessingConfiguration=processing(extraction("{c: ")),
            **PARTITIONED,
        )
    assert hose.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (
            '{customer_id: .customer_id, device: .type.device, year: .ts|strftime("%Y")}',
            ["customer_id", "device", "year"],
        ),
        (
            '{ "a b" : .x[0,1], c, d: {e: .f, g: [1,2]}, "h,i": (.j | if . then "k:l" else "{m" end) }',
            ["a b", "c", "d", "h,i"],
        ),
        (".x", []),
    ],
)
def test_keys_of_a_query(query: str, keys: list[str]) -> None:
    assert list(query_keys(query)) == keys


def test_documents_that_follow_each_other() -> None:
    assert documents('{"a":1} {"b":"}{"}\n[1]\n') == ['{"a":1}', '{"b":"}{"}', "[1]"]
    assert documents('{"a":1} x') is None


# --- kill -9 --------------------------------------------------------------------------------------------------------


def test_the_stage_keeps_what_was_not_delivered(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    one, two = Group("", ((("q", "c"), "1"),)), Group("bad")
    stage.add(3, {one: [Record(b"a", 10), Record(b"bb", 5)], two: [Record(b"x", 7)]})
    stage.add(4, {one: [Record(b"c", 20)]})
    assert stage.next(100, 60, 0) == [] and stage.due(4, 60) == 0
    pieces = stage.next(4, 60, 0)
    assert [record.data for record in stage.records(pieces)] == [b"a", b"bb", b"c"]
    stage.done(pieces)
    again = Stage(tmp_path)
    assert list(again.waiting) == [two] and again.has(3) and not again.has(4)
    again.done(again.waiting[two][:])
    assert list(tmp_path.iterdir()) == [] and Stage(tmp_path).due(1, 0) is None


def test_kill_loses_and_doubles_no_processed_record(
    tmp_path: Path, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKSHOP_FIREHOSE_PACE", PACE)
    server = Server(tmp_path / "killed")
    try:
        hose = Hose(server, account)
        hose.table({"id": "string", "c": "int"})
        settings = {"Prefix": "c=!{partitionKeyFromQuery:c}/", **PARTITIONED}
        steps = processing(extraction("{c: .c}"))
        hose.create(ProcessingConfiguration=steps, DataFormatConversionConfiguration=hose.conversion(), **settings)
        acknowledged: list[str] = []

        def produce() -> None:
            for number in range(100_000):
                names = [f"{number}-{n}" for n in range(100)]
                try:
                    hose.put(*({"id": name, "c": 1 if n % 10 else "bad"} for n, name in enumerate(names)))
                except Exception:
                    return
                acknowledged.extend(names)

        producer = threading.Thread(target=produce)
        producer.start()
        until(lambda: len(acknowledged) > 800)
        server.kill()
        producer.join()
        server.restart()

        def delivered() -> Counter[str]:
            found: Counter[str] = Counter()
            for body in hose.objects("c=").values():
                found.update(pa.parquet.read_table(io.BytesIO(body), columns=["id"])["id"].to_pylist())
            for line in hose.errors("format-conversion-failed"):
                found[json.loads(base64.b64decode(line["rawData"]))["id"]] += 1
            return found

        until(lambda: set(acknowledged) <= set(delivered()))
        assert max(delivered().values()) == 1
    finally:
        server.stop()


# --- backup of source records ---------------------------------------------------------------------------------------


def backup(hose: Hose, bucket: str = "", **more: Any) -> dict[str, Any]:
    given = {
        "RoleARN": hose.role,
        "BucketARN": f"arn:aws:s3:::{bucket or hose.bucket}",
        "Prefix": "source/",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "CompressionFormat": "GZIP",
        **more,
    }
    return {"S3BackupMode": "Enabled", "S3BackupConfiguration": given}


def test_records_are_backed_up_as_they_came(hose: Hose) -> None:
    """Without the delimiter, also those that the query fails for."""
    steps = processing(extraction("{k: .k}"), ("AppendDelimiterToRecord", {"Delimiter": "\\n"}))
    hose.create(
        Prefix="data/!{partitionKeyFromQuery:k}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=steps,
        **backup(hose),
    )
    hose.put({"k": "a"}, "no json", {"k": "b"})
    ((key, body),) = until(lambda: hose.objects("source/")).items()
    assert re.search(r"^source/\d{4}/\d\d/\d\d/\d\d/d-1-[-0-9]{19}-[-0-9a-f]{36}\.gz$", key)
    assert gzip.decompress(body) == b'{"k": "a"}no json{"k": "b"}'
    assert until(lambda: len(hose.objects("data/")) == 2)
    assert [base64.b64decode(each["rawData"]) for each in until(lambda: hose.errors("metadata-extraction-failed"))] == [
        b"no json"
    ]
    found = hose.client("firehose").describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    told = found["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert told["S3BackupMode"] == "Enabled"
    assert told["S3BackupDescription"] == {
        **backup(hose)["S3BackupConfiguration"],
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }


def test_a_backup_is_begun_later_and_never_ended(hose: Hose) -> None:
    """A bucket that is not there holds up the backup only, and nothing is lost."""
    hose.create(Prefix="data/", interval=60)
    firehose, version = hose.client("firehose"), iter("123")

    def update(**given: Any) -> None:
        given = {name.replace("S3BackupConfiguration", "S3BackupUpdate"): value for name, value in given.items()}
        firehose.update_destination(
            DeliveryStreamName="d",
            CurrentDeliveryStreamVersionId=next(version),
            DestinationId="destinationId-000000000001",
            ExtendedS3DestinationUpdate=given,
        )

    update(**backup(hose, f"later-{hose.account}"))
    hose.put("one")
    assert list(until(lambda: hose.objects("data/")).values()) == [b"one"]
    hose.client("s3").create_bucket(Bucket=f"later-{hose.account}")
    update(S3BackupUpdate={"CompressionFormat": "UNCOMPRESSED"})  # tried at once, and the rest stays
    hose.bucket, data = f"later-{hose.account}", hose.bucket
    assert list(until(lambda: hose.objects("source/")).values()) == [b"one"]
    assert data != hose.bucket
    with pytest.raises(ClientError, match="InvalidArgumentException.*cannot be disabled"):
        update(S3BackupMode="Disabled")
