"""Event source mappings: what a function gets of streams and queues, and what happens to what it does not take."""

import base64
import json
import time

import pytest
from botocore.exceptions import ClientError
from lambda_functions import function
from polling import until

# keeps what it got in a bucket: one object a call; says no to records with "poison", by exception or by number
KEEPER = """
import base64, boto3, json, os, time, uuid
s3 = boto3.client("s3")

def handler(event, context):
    s3.put_object(Bucket=os.environ["BUCKET"], Key=f"{time.time_ns()}-{uuid.uuid4()}", Body=json.dumps(event))
    failed = []
    for record in event["Records"]:
        text = base64.b64decode(record["kinesis"]["data"]).decode() if "kinesis" in record else record["body"]
        if "poison" in text:
            if not os.environ.get("REPORT"):
                raise ValueError(text)
            failed.append({"itemIdentifier": record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["messageId"]})
    if "window" in event:
        return {"state": {"count": event["state"].get("count", 0) + len(event["Records"])}}
    return {"batchItemFailures": failed}
"""


@pytest.fixture
def lab(client, account):
    return Lab(client, account)


class Lab:
    """A function that keeps what it gets, a stream and a queue."""

    def __init__(self, client, account):
        self.client, self.account = client, account
        self.bucket = f"kept-{account}-{time.time_ns() % 10**9}"
        client("s3").create_bucket(Bucket=self.bucket)
        self.kinesis, self.sqs, self.aws = client("kinesis"), client("sqs"), client("lambda")

    def function(self, report=False, seconds=20, **settings):
        variables = {"BUCKET": self.bucket, **({"REPORT": "1"} if report else {})}
        function(self.client, KEEPER, Timeout=seconds, Environment={"Variables": variables}, **settings)

    def stream(self, shards=1):
        self.kinesis.create_stream(StreamName="s", ShardCount=shards)
        self.kinesis.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
        return self.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]

    def put(self, *texts, key="k"):
        for first in range(0, len(texts), 500):
            entries = [{"Data": text.encode(), "PartitionKey": key} for text in texts[first : first + 500]]
            self.kinesis.put_records(StreamName="s", Records=entries)

    def map(self, source, **settings):
        if ":kinesis:" in source:
            settings = {"StartingPosition": "TRIM_HORIZON", **settings}
        return self.aws.create_event_source_mapping(EventSourceArn=source, FunctionName="f", **settings)

    def events(self):
        s3 = self.client("s3")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
        return [json.loads(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()) for key in sorted(keys)]

    def texts(self):
        return [texts_of(event) for event in self.events()]

    def queue(self, name="q", **attributes):
        url = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "20", **attributes})["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def received(self, url):
        messages = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return messages[0] if messages else None


def texts_of(event):
    return [
        base64.b64decode(record["kinesis"]["data"]).decode() if "kinesis" in record else record["body"]
        for record in event["Records"]
    ]


def test_a_stream_is_read_in_batches_in_order(lab):
    lab.function()
    arn = lab.stream()
    lab.put(*[f"r{number}" for number in range(25)])
    made = lab.map(arn, BatchSize=10)
    assert (made["State"], made["StateTransitionReason"], made["LastProcessingResult"]) == (
        "Creating",
        "User action",
        "No records processed",
    )
    assert made["MaximumRetryAttempts"] == -1 and made["DestinationConfig"] == {"OnFailure": {}}
    until(lambda: sum(map(len, lab.texts())) == 25, "all records", seconds=240)
    assert lab.texts() == [[f"r{n}" for n in range(start, min(start + 10, 25))] for start in (0, 10, 20)]
    record = lab.events()[0]["Records"][0]
    stored = lab.kinesis.get_records(
        ShardIterator=lab.kinesis.get_shard_iterator(
            StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
    )["Records"][0]
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": stored["SequenceNumber"],
            "data": base64.b64encode(b"r0").decode(),
            "approximateArrivalTimestamp": pytest.approx(stored["ApproximateArrivalTimestamp"].timestamp(), abs=0.002),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{stored['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{lab.account}:role/function",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    state = lab.aws.get_event_source_mapping(UUID=made["UUID"])
    assert (state["State"], state["LastProcessingResult"]) == ("Enabled", "OK")


def test_latest_reads_what_comes_after_the_mapping(lab):
    lab.function()
    arn = lab.stream()
    lab.put("before")
    time.sleep(0.01)  # arrival times are milliseconds
    lab.map(arn, StartingPosition="LATEST")
    lab.put("after")
    until(lambda: lab.texts(), "the record")
    assert lab.texts() == [["after"]]


def test_a_poison_record_is_bisected_out_and_told_to_the_destination(lab):
    lab.function()
    arn, (url, queue) = lab.stream(), lab.queue()
    lab.put("a", "b", "poison", "d")
    lab.map(
        arn,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    message = until(lambda: lab.received(url), "the message of the failure")
    until(lambda: ["d"] in lab.texts(), "the record behind")
    told = json.loads(message["Body"])
    assert list(told) == ["requestContext", "responseContext", "version", "timestamp", "KinesisBatchInfo"]
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    sequence = next(
        r for e in lab.events() for r in e["Records"] if base64.b64decode(r["kinesis"]["data"]) == b"poison"
    )["kinesis"]["sequenceNumber"]
    info = told["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (sequence, sequence, 1)
    assert info["shardId"] == "shardId-000000000000" and info["streamArn"] == arn
    tries = lab.texts()
    assert (
        tries[0] == ["a", "b", "poison", "d"] and tries[1] == ["a", "b"] and tries[-1] == ["d"] and ["poison"] in tries
    )


def test_without_a_way_out_a_poison_record_blocks_its_shard(lab):
    lab.function()
    arn = lab.stream()
    lab.put("poison", "good")
    made = lab.map(arn, BatchSize=1)
    until(lambda: len(lab.texts()) >= 3, "retries")
    assert all(texts == ["poison"] for texts in lab.texts())
    assert (
        lab.aws.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"] == "PROBLEM: Function call failed"
    )


def test_a_partial_answer_is_retried_from_the_lowest_number(lab):
    lab.function(report=True)
    arn = lab.stream()
    lab.put("a", "poison", "c")
    lab.map(arn, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1)
    until(lambda: lab.texts(), "the first call")
    lab.put("next")
    until(lambda: ["next"] in lab.texts(), "the record behind")
    assert lab.texts() == [["a", "poison", "c"], ["poison", "c"], ["next"]]


def test_a_tumbling_window_sums_over_batches_and_ends_with_a_last_call(lab):
    lab.function()
    arn = lab.stream()
    lab.map(arn, TumblingWindowInSeconds=2, BatchSize=5)
    for first in range(0, 30, 3):
        lab.put(*[f"r{n}" for n in range(first, first + 3)])
        time.sleep(0.3)  # over several windows, by arrival
    finals = until(
        lambda: (
            (f := [e for e in lab.events() if e["isFinalInvokeForWindow"]])
            and sum(e["state"]["count"] for e in f) == 30
            and f
        ),
        "all windows",
    )
    assert len(finals) >= 2 and all(event["Records"] == [] for event in finals)
    for event in lab.events():
        start, end = event["window"]["start"], event["window"]["end"]
        assert start < end and int(start[-3:-1]) % 2 == 0 and event["shardId"] == "shardId-000000000000"
        for record in event["Records"]:
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record["kinesis"]["approximateArrivalTimestamp"]))
            assert start[:-1] <= moment < end[:-1]


def test_filters_leave_records_out(lab):
    lab.function()
    arn = lab.stream()
    lab.put('{"kind": "a", "n": 1}', '{"kind": "b", "n": 2}', "no json", '{"kind": "a", "n": 3}')
    lab.map(arn, FilterCriteria={"Filters": [{"Pattern": '{"data": {"kind": ["a"]}}'}]})
    until(lambda: lab.texts(), "the batch")
    assert lab.texts() == [['{"kind": "a", "n": 1}', '{"kind": "a", "n": 3}']]


def test_a_stream_that_is_split_is_read_in_order_of_its_keys(lab):
    lab.function()
    arn = lab.stream()
    lab.map(arn, BatchSize=10)
    keys = [f"key{number}" for number in range(8)]
    for number in range(30):
        if number == 15:
            lab.kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
            until(
                lambda: (
                    lab.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"]
                    == "ACTIVE"
                )
            )
        entries = [{"Data": f"{key}:{number}".encode(), "PartitionKey": key} for key in keys]
        assert lab.kinesis.put_records(StreamName="s", Records=entries)["FailedRecordCount"] == 0
    until(lambda: sum(map(len, lab.texts())) >= 240, "all records")
    found = [text for texts in lab.texts() for text in texts]
    for key in keys:
        numbers = [int(text.partition(":")[2]) for text in found if text.startswith(f"{key}:")]
        assert numbers == list(range(30))


def test_parallel_calls_of_a_shard_keep_the_order_of_each_key(lab):
    lab.function()
    arn = lab.stream()
    for number in range(10):
        lab.kinesis.put_records(
            StreamName="s", Records=[{"Data": f"{k}:{number}".encode(), "PartitionKey": k} for k in "abcdef"]
        )
    lab.map(arn, ParallelizationFactor=3, BatchSize=5)
    until(lambda: sum(map(len, lab.texts())) >= 60, "all records")
    found = [text for texts in lab.texts() for text in texts]
    for key in "abcdef":
        assert [int(text[2:]) for text in found if text[0] == key] == list(range(10))
    assert all(len(texts) <= 15 for texts in lab.texts())


def test_a_queue_is_emptied_and_what_fails_comes_again(lab):
    lab.function(report=True, seconds=8)  # no longer than the queue hides a message, which is waited for twice
    dead_url, dead = lab.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    url, arn = lab.queue(VisibilityTimeout="20", RedrivePolicy=redrive)
    lab.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "8"})
    for text in ("one", "poison", "two"):
        lab.sqs.send_message(
            QueueUrl=url, MessageBody=text, MessageAttributes={"kind": {"DataType": "String", "StringValue": text}}
        )
    made = lab.map(arn, FunctionResponseTypes=["ReportBatchItemFailures"])
    assert (
        made["StateTransitionReason"] == "USER_INITIATED" and made["BatchSize"] == 10 and "StartingPosition" not in made
    )
    until(lambda: {text for texts in lab.texts() for text in texts} == {"one", "two", "poison"}, "all messages")
    record = next(r for e in lab.events() for r in e["Records"] if r["body"] == "one")
    assert (
        record["eventSource"] == "aws:sqs"
        and record["eventSourceARN"] == arn
        and record["attributes"]["ApproximateReceiveCount"] == "1"
    )
    assert record["messageAttributes"]["kind"] == {
        "stringValue": "one",
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    }

    def left():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return {int(n) for n in lab.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()}

    until(lambda: left() == {0, 1}, "the deletion of what was handled")
    message = until(lambda: lab.received(dead_url), "the message in the dead-letter queue")
    assert message["Body"] == "poison"


def test_bad_mappings(lab):
    lab.function()
    arn, (_, queue) = lab.stream(), lab.queue()
    account = lab.account
    refusals = [
        ({"EventSourceArn": arn}, "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."),
        ({"EventSourceArn": f"{arn}x", "StartingPosition": "LATEST"}, f"Stream not found: {arn}x"),
        ({"EventSourceArn": arn, "StartingPosition": "LATEST", "FunctionName": "g"}, "Function does not exist"),
        ({"EventSourceArn": arn, "StartingPosition": "LATEST", "TumblingWindowInSeconds": 10, "ParallelizationFactor": 2}, "ParallelizationFactor of 1"),
        ({"EventSourceArn": arn, "StartingPosition": "LATEST", "FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"EventSourceArn": arn, "StartingPosition": "LATEST", "BatchSize": 10001}, "Member must have value less than or equal to 10000"),
        ({"EventSourceArn": f"arn:aws:sqs:us-east-1:{account}:nope"}, "NonExistentQueue"),
        ({"EventSourceArn": queue, "BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"EventSourceArn": queue, "BisectBatchOnFunctionError": True}, "Unsupported parameter"),
    ]  # fmt: skip
    for given, said in refusals:
        with pytest.raises(ClientError) as refused:
            lab.aws.create_event_source_mapping(**{"FunctionName": "f", **given})
        assert said in refused.value.response["Error"]["Message"], given
    made = lab.map(arn)
    with pytest.raises(
        ClientError,
        match=f"provided mapping already exists. Please update or delete the existing mapping with UUID {made['UUID']}",
    ) as refused:
        lab.map(arn)
    assert refused.value.response["Error"]["Code"] == "ResourceConflictException"
    until(lambda: lab.aws.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled")
    assert lab.aws.update_event_source_mapping(UUID=made["UUID"], Enabled=False)["State"] == "Disabling"
    until(lambda: lab.aws.get_event_source_mapping(UUID=made["UUID"])["State"] == "Disabled")
    assert lab.aws.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"
    assert lab.aws.list_event_source_mappings(FunctionName="f")["EventSourceMappings"] == []


def test_positions_and_windows_survive_kill_9(own_server, account):
    lab = Lab(lambda service: own_server.client(service, account), account)
    lab.function()
    arn = lab.stream(2)
    lab.map(arn, BatchSize=5, TumblingWindowInSeconds=5)
    sent = 0
    for _ in range(3):
        for _ in range(4):
            lab.kinesis.put_records(
                StreamName="s",
                Records=[{"Data": f"r{sent + n}".encode(), "PartitionKey": f"p{n % 3}"} for n in range(10)],
            )
            sent += 10
            time.sleep(0.1)
        own_server.kill()
        own_server.restart()
    wanted = {f"r{number}" for number in range(sent)}
    until(lambda: {text for texts in lab.texts() for text in texts} == wanted, "every record, at least once")
    counted = until(
        lambda: (
            (n := sum(e["state"].get("count", 0) for e in lab.events() if e["isFinalInvokeForWindow"])) >= sent and n
        ),
        "the windows",
    )
    assert counted >= sent


def test_a_throttled_function_uses_up_no_retries_and_loses_no_record(lab):
    lab.function()
    arn, (url, queue) = lab.stream(), lab.queue()
    lab.aws.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    lab.put("a", "b")
    destination = {"OnFailure": {"Destination": queue}}
    made = lab.map(arn, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True, DestinationConfig=destination)

    def last():
        return lab.aws.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"]

    until(lambda: last() == "PROBLEM: Function call failed", "a call that was refused")
    lab.aws.delete_function_concurrency(FunctionName="f")
    until(lambda: ["a", "b"] in lab.texts(), "the whole batch")
    assert lab.received(url) is None
