"""AWS's pace: off nothing waits; on, states last, what is too early is refused, and who asks too often is throttled."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra import cli, server_process
from infra.local.core import pace, rates
from infra.local.core.roles import identities
from tests.conftest import REGION, Server
from tests.polling import until as _until
from tests.service_roles import policy

PACE = 0.1  # a stream is CREATING for two seconds
BUCKET, ROLE = "lake", "firehose"


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("paced"), pace=PACE)
    yield running
    running.stop()


THROTTLED = {"LimitExceededException", "ThrottlingException", "Throttling", "TooManyRequestsException"}


def until(ask: Callable[[], Any]) -> None:
    """Ask until it is so; who is throttled meanwhile goes on asking."""

    def calm() -> Any:
        try:
            return ask()
        except ClientError as error:
            if error.response["Error"]["Code"] not in THROTTLED:
                raise
            return False

    _until(calm, seconds=30)


def asked(ask: Callable[[], Any]) -> Any:
    """Return the answer of a call that may be throttled at first."""
    found: list[Any] = []
    until(lambda: found.append(ask()) or found)
    return found[0]


def code_of(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**given)
    return error.value.response["Error"]["Code"]


def test_every_step_has_a_source_and_a_time() -> None:
    for name, step in pace.STEPS.items():
        assert 0 < step.seconds <= 600 and "http" in step.source or "terraform" in step.source, name


def test_off_nothing_lasts() -> None:
    assert pace.seconds("stream creating") == 0.0 and pace.deadline("stream creating") == 0.0
    assert pace.reached(time.time() + 60)  # a deadline of before a restart without the pace
    with pytest.raises(ValueError, match="from 0"):
        pace.set_factor(-1)


def test_a_bucket_fills_by_time() -> None:
    bucket = rates.Bucket(5, 5, now=0.0)
    assert [bucket.takes(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert bucket.takes(0.2) and not bucket.takes(0.3)
    bucket.fill(60.0)
    assert bucket.left == 5


def test_limits_name_operations_that_there_are() -> None:
    names = {"monitoring": "cloudwatch", "states": "stepfunctions"}
    for service, (_, _, limits) in rates.LIMITS.items():
        known = boto3.client(names.get(service, service), region_name=REGION).meta.service_model.operation_names
        for limit in limits:
            assert set(limit.operations.split()) <= set(known), (service, set(limit.operations.split()) - set(known))
            assert limit.source.startswith("https://") and limit.a_second <= limit.burst


def is_active(kinesis: Any) -> bool:
    return kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"


def test_a_stream_is_creating_then_active_and_deleting_then_gone(paced: Server, account: str) -> None:
    kinesis = paced.client("kinesis", account)
    kinesis.create_stream(StreamName="s", ShardCount=1)
    state = lambda: kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"]  # noqa: E731
    assert asked(state) == "CREATING"
    assert code_of(kinesis.put_record, StreamName="s", Data=b"x", PartitionKey="k") == "ResourceNotFoundException"
    assert code_of(kinesis.create_stream, StreamName="s", ShardCount=1) == "ResourceInUseException"
    with pytest.raises(ClientError, match="not ACTIVE, instead in state CREATING"):
        kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    until(lambda: asked(state) == "ACTIVE")
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    kinesis.update_shard_count(StreamName="s", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    assert asked(state) == "UPDATING"
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")  # goes on meanwhile
    kinesis.delete_stream(StreamName="s")
    assert asked(state) == "DELETING"
    until(lambda: kinesis.list_streams()["StreamNames"] == [])
    kinesis.create_stream(StreamName="s", ShardCount=1)


def test_reads_of_a_shard_are_five_a_second(paced: Server, account: str) -> None:
    kinesis = paced.client("kinesis", account)
    kinesis.create_stream(StreamName="s", ShardCount=1)
    where = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    until(lambda: kinesis.get_shard_iterator(**where) if is_active(kinesis) else None)
    iterator = kinesis.get_shard_iterator(**where)["ShardIterator"]
    with pytest.raises(ClientError) as error:
        for _ in range(12):
            kinesis.get_records(ShardIterator=iterator)
    told = error.value.response["Error"]
    assert told["Code"] == "ProvisionedThroughputExceededException"
    assert told["Message"] == f"Rate exceeded for shard shardId-000000000000 in stream s under account {account}."
    patient = boto3.client(
        "kinesis",
        endpoint_url=paced.endpoint,
        region_name=REGION,
        aws_access_key_id=account,
        aws_secret_access_key="x",
        config=Config(retries={"mode": "standard", "total_max_attempts": 10}),
    )
    assert [patient.get_records(ShardIterator=iterator)["Records"] for _ in range(8)] == [[]] * 8  # boto3 tries again


def test_control_calls_are_throttled_with_their_own_errors(paced: Server, account: str) -> None:
    calls = {
        ("kinesis", "describe_limits"): ({}, "LimitExceededException", 400),
        ("logs", "describe_log_groups"): ({}, "ThrottlingException", 400),
        ("cloudformation", "describe_stacks"): ({}, "Throttling", 400),
        ("lambda", "list_functions"): ({}, "TooManyRequestsException", 429),
        ("athena", "list_query_executions"): ({}, "ThrottlingException", 400),
    }
    for (service, operation), (given, code, status) in calls.items():
        client = paced.client(service, account)
        with pytest.raises(ClientError) as error:
            for _ in range(200):
                getattr(client, operation)(**given)
        told = error.value.response
        assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), service
        other = paced.client(service, str(int(account) + 7_000_000))  # another account is not slowed
        getattr(other, operation)(**given)


def _firehose(server: Server, account: str) -> Any:
    server.client("s3", account).create_bucket(Bucket=f"{BUCKET}-{account}")
    iam = server.client("iam", account)
    trust = policy({"Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName=ROLE, PolicyName="all", PolicyDocument=policy({"Action": "*", "Resource": "*"}))
    return server.client("firehose", account)


def _create(firehose: Any, account: str) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="d",
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::{account}:role/{ROLE}",
            "BucketARN": f"arn:aws:s3:::{BUCKET}-{account}",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
    )


def test_a_new_role_cannot_be_assumed_at_once_and_a_delivery_stream_is_creating(paced: Server, account: str) -> None:
    firehose = _firehose(paced, account)
    with pytest.raises(ClientError, match="Firehose is unable to assume role"):
        _create(firehose, account)
    until(lambda: _is_created(firehose, account))
    state = lambda: firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"][  # noqa: E731
        "DeliveryStreamStatus"
    ]
    assert state() == "CREATING"
    assert code_of(firehose.put_record, DeliveryStreamName="d", Record={"Data": b"x"}) == "ResourceNotFoundException"
    until(lambda: state() == "ACTIVE")
    firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x"})
    firehose.delete_delivery_stream(DeliveryStreamName="d")
    assert asked(state) == "DELETING"
    until(lambda: firehose.list_delivery_streams()["DeliveryStreamNames"] == [])


def _is_created(firehose: Any, account: str) -> bool:
    try:
        _create(firehose, account)
    except ClientError:
        return False
    return True


def test_a_changed_policy_acts_later(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.iam.models import iam_backends

    trust = policy({"Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam_backends[account]["aws"].create_role("r", trust, "/", None, "", [], 3600)
    monkeypatch.setattr(pace, "factor", 1.0)
    identities.changing(role)
    role.put_policy("p", policy({"Action": "kinesis:DescribeLimits", "Resource": "*"}))
    assert identities.role_policies(account, role.id).identity == ()
    moment = time.time() + pace.STEPS["policy"].seconds
    monkeypatch.setattr(pace.time, "time", lambda: moment)
    assert len(identities.role_policies(account, role.id).identity) == 1


def test_a_deletion_goes_on_after_a_kill_and_a_state_outlives_it(tmp_path: Path, account: str) -> None:
    server = Server(tmp_path / "w", pace=0.5)
    try:
        kinesis = server.client("kinesis", account)
        kinesis.create_stream(StreamName="gone", ShardCount=1)
        kinesis.create_stream(StreamName="new", ShardCount=1)
        kinesis.delete_stream(StreamName="gone")
        server.kill()
        server.restart()
        assert kinesis.list_streams()["StreamNames"] == ["new"]
        found = kinesis.describe_stream_summary(StreamName="new")["StreamDescriptionSummary"]
        assert found["StreamStatus"] == "CREATING"
        server.stop()
        server.pace = 0.0
        server.restart()
        found = kinesis.describe_stream_summary(StreamName="new")["StreamDescriptionSummary"]
        assert found["StreamStatus"] == "ACTIVE"  # without a pace nothing lasts
    finally:
        server.stop()


def test_functions_mappings_and_log_lines(paced: Server, account: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("main.py", "def handler(event, context):\n    return event\n")
    iam, functions = paced.client("iam", account), paced.client("lambda", account)
    trust = policy({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="f", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="f", PolicyName="p", PolicyDocument=policy({"Action": "*", "Resource": "*"}))
    queue = paced.client("sqs", account).create_queue(QueueName="q")["QueueUrl"]
    source = f"arn:aws:sqs:{REGION}:{account}:q"
    given = {"FunctionName": "f", "Runtime": "python3.11", "Role": arn, "Handler": "main.handler"}
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        functions.create_function(**given, Code={"ZipFile": packed.getvalue()})
    until(lambda: _made(functions, given, packed.getvalue()))
    functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    made = functions.create_event_source_mapping(FunctionName="f", EventSourceArn=source, BatchSize=1)
    state = lambda: functions.get_event_source_mapping(UUID=made["UUID"])["State"]  # noqa: E731
    assert made["State"] == state() == "Creating"
    until(lambda: state() == "Enabled")
    assert asked(lambda: functions.delete_event_source_mapping(UUID=made["UUID"]))["State"] == "Deleting"
    assert asked(state) == "Deleting"
    with pytest.raises(ClientError, match="not in the correct state"):
        asked(lambda: functions.update_event_source_mapping(UUID=made["UUID"], BatchSize=2))
    until(lambda: functions.list_event_source_mappings()["EventSourceMappings"] == [])
    assert queue
    logs = paced.client("logs", account)
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    line = {"timestamp": int(time.time() * 1000), "message": "hello"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[line])
    read = lambda: logs.get_log_events(logGroupName="g", logStreamName="s")["events"]  # noqa: E731
    assert read() == []  # half a second at this pace
    until(lambda: [each["message"] for each in read()] == ["hello"])


def _made(functions: Any, given: dict[str, Any], code: bytes) -> bool:
    try:
        functions.create_function(**given, Code={"ZipFile": code})
    except ClientError:
        return False
    return True


def test_a_stack_is_done_when_what_it_made_can_be_used(paced: Server, account: str) -> None:
    template = {"Resources": {"S": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "s", "ShardCount": 1}}}}
    stacks, kinesis = paced.client("cloudformation", account), paced.client("kinesis", account)
    began = time.monotonic()
    stacks.create_stack(StackName="one", TemplateBody=json.dumps(template))
    state = lambda: stacks.describe_stacks(StackName="one")["Stacks"][0]["StackStatus"]  # noqa: E731
    assert state() == "CREATE_IN_PROGRESS"
    until(lambda: state() == "CREATE_COMPLETE")
    assert time.monotonic() - began >= PACE * 23
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="k")


def test_the_pace_is_told(paced: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert server_process.pace(paced.endpoint) == PACE
    monkeypatch.setenv("WORKSHOP_HOME", str(paced.home))
    assert cli.main(["start", "--pace", "1"]) == 1
    assert "runs at the pace 0.1. To start it at 1, first: workshop stop" in capsys.readouterr().err
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    from helpers import connect

    connect()
    assert "At 0.1 of AWS's pace: what takes a minute there takes 6 s here" in capsys.readouterr().out
