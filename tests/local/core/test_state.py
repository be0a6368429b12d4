"""What services of moto's alone have stored is there after kill -9: one resource of each service that the workshop uses."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from infra.local.core import telemetry
from tests.conftest import Server

ACCOUNT = "300000000001"
ROLE = "arn:aws:iam::{}:role/worker"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }
    ],
}
MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
DAY = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))


def code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n")
    return packed.getvalue()


class Resource(NamedTuple):
    """How one is made with a client and an account, and how it is read again with what came of that."""

    make: Callable[[Any, str], Any]
    read: Callable[[Any, Any], Any]


RESOURCES = {
    "iam": Resource(
        lambda c, _: c.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST)),
        lambda c, _: c.get_role(RoleName="worker")["Role"]["RoleName"],
    ),
    "sts": Resource(
        lambda c, _: c.get_federation_token(Name="guest", DurationSeconds=900)["Credentials"]["AccessKeyId"],
        lambda c, key: c.get_access_key_info(AccessKeyId=key)["Account"],
    ),
    "lambda": Resource(
        lambda c, account: c.create_function(
            FunctionName="f",
            Runtime="python3.11",
            Role=ROLE.format(account),
            Handler="app.handler",
            Code={"ZipFile": code()},
            Tags={"chapter": "8"},
        ),
        lambda c, _: c.get_function(FunctionName="f")["Tags"],
    ),
    "databrew": Resource(
        lambda c, _: c.create_recipe(
            Name="clean", Steps=[{"Action": {"Operation": "UPPER_CASE", "Parameters": {"sourceColumn": "a"}}}]
        ),
        lambda c, _: c.describe_recipe(Name="clean", RecipeVersion="LATEST_WORKING")["Steps"][0]["Action"]["Operation"],
    ),
    "stepfunctions": Resource(
        lambda c, account: c.create_state_machine(
            name="flow", definition=json.dumps(MACHINE), roleArn=ROLE.format(account)
        )["stateMachineArn"],
        lambda c, arn: json.loads(c.describe_state_machine(stateMachineArn=arn)["definition"])["StartAt"],
    ),
    "sns": Resource(
        lambda c, _: c.create_topic(Name="news", Attributes={"DisplayName": "News"})["TopicArn"],
        lambda c, arn: c.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"],
    ),
    "events": Resource(
        lambda c, _: c.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)"),
        lambda c, _: c.describe_rule(Name="hourly")["ScheduleExpression"],
    ),
    "redshift-data": Resource(
        lambda c, _: c.execute_statement(ClusterIdentifier="c", Database="dev", DbUser="u", Sql="SELECT 1")["Id"],
        lambda c, identifier: c.describe_statement(Id=identifier)["QueryString"],
    ),
    "logs": Resource(
        lambda c, _: c.create_log_group(logGroupName="/aws/lambda/f"),
        lambda c, _: c.describe_log_groups()["logGroups"][0]["logGroupName"],
    ),
    "cloudwatch": Resource(
        lambda c, _: c.put_metric_data(
            Namespace="Own", MetricData=[{"MetricName": "m", "Value": 7.0, "Unit": "Count", "Timestamp": DAY[0]}]
        ),
        lambda c, _: c.get_metric_statistics(
            Namespace="Own", MetricName="m", StartTime=DAY[0], EndTime=DAY[1], Period=3600, Statistics=["Sum"]
        )["Datapoints"][0]["Sum"],
    ),
    "secretsmanager": Resource(
        lambda c, _: c.create_secret(Name="password", SecretString="s3cret"),
        lambda c, _: c.get_secret_value(SecretId="password")["SecretString"],
    ),
    "kms": Resource(
        lambda c, _: c.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"],
        lambda c, key: len(c.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]) > 60,
    ),
    "ssm": Resource(
        lambda c, _: c.put_parameter(Name="/lake/bucket", Value="b", Type="String"),
        lambda c, _: c.get_parameter(Name="/lake/bucket")["Parameter"]["Value"],
    ),
}
EXPECTED = {
    "iam": "worker",
    "sts": ACCOUNT,
    "lambda": {"chapter": "8"},
    "databrew": "UPPER_CASE",
    "stepfunctions": "Done",
    "sns": "News",
    "events": "rate(1 hour)",
    "redshift-data": "SELECT 1",
    "logs": "/aws/lambda/f",
    "cloudwatch": 7.0,
    "secretsmanager": "s3cret",
    "kms": True,
    "ssm": "b",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, Any]]]:
    """A server that was killed when it had made one resource of each service, and what they answered."""
    server = Server(tmp_path_factory.mktemp("mortal"))
    answers = {service: each.make(server.client(service, ACCOUNT), ACCOUNT) for service, each in RESOURCES.items()}
    server.kill()
    server.restart()
    yield server, answers
    server.stop()


@pytest.mark.parametrize("service", RESOURCES)
def test_a_resource_survives_kill(made: tuple[Server, dict[str, Any]], service: str) -> None:
    server, answers = made
    assert RESOURCES[service].read(server.client(service, ACCOUNT), answers[service]) == EXPECTED[service]


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("emr", lambda c: c.list_clusters()["Clusters"]),
        ("resourcegroupstaggingapi", lambda c: c.get_resources()["ResourceTagMappingList"]),
        ("service-quotas", lambda c: c.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"]),
    ],
)
def test_services_whose_signature_has_another_name(
    client: Callable[..., Any], service: str, call: Callable[[Any], list[Any]]
) -> None:
    assert isinstance(call(client(service)), list)


def test_what_services_tell_is_saved_before_anybody_asks(tmp_path: Path) -> None:
    """A service that tells something may be the first to use CloudWatch."""
    program = (
        "import pathlib, sys\n"
        "from infra.local.core import state, telemetry\n"
        "state.open(pathlib.Path(sys.argv[1]))\n"
        "telemetry.log('123456789012', 'us-east-1', 'group', 'stream', ['line'])\n"
        "telemetry.metric('123456789012', 'us-east-1', 'Own', {}, {'m': (1.0, 'Count')})\n"
        "telemetry.flush_metrics()\n"
        "print([name for name, _, _ in state.saved()])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "['logs', 'monitoring']\n"


def test_services_call_this_server_on_connections_of_their_own(
    server: Server, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_endpoint", server.endpoint)
    sqs = telemetry.client(account, "us-east-1", "sqs")
    for _ in range(2):
        answer = sqs.list_queues()
        assert answer["ResponseMetadata"]["HTTPHeaders"]["connection"] == "close"
        assert answer["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_lake_of_an_older_layout_opens(tmp_path):
    """Saved by commit 4fdd1d7, before modules moved: chapters 00 to 07 and one resource of other services."""
    archive = Path(__file__).parent / "lakes" / "lake_4fdd1d7.tar.xz"
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    server = Server(tmp_path)
    try:
        client = partial(server.client, account="123456789012")
        versions = client("s3").list_object_versions(Bucket="fixture-bucket")["Versions"]
        assert [version["IsLatest"] for version in versions] == [True, False]
        assert client("s3").get_object(Bucket="fixture-bucket", Key="a/b.txt")["Body"].read() == b"two"
        names = {table["Name"] for table in client("glue").get_tables(DatabaseName="analyticsworkshopdb")["TableList"]}
        assert {"raw", "reference_data"} <= names
        jobs = client("glue").get_jobs()["Jobs"]
        assert client("glue").get_job_runs(JobName=jobs[0]["Name"])["JobRuns"]
        stacks = client("cloudformation").describe_stacks()["Stacks"]
        assert {stack["StackStatus"] for stack in stacks} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"} and len(stacks) >= 5
        url = client("sqs").get_queue_url(QueueName="fixture-queue")["QueueUrl"]
        received = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert [message["Body"] for message in received] == ["m0", "m1", "m2"]
        assert client("ssm").get_parameter(Name="/fixture")["Parameter"]["Value"] == "v"
        assert client("events").list_rules(NamePrefix="fixture")["Rules"]
        assert client("lambda").list_functions()["Functions"] == []  # could not run, and is left out, as the log says
        assert client("stepfunctions").list_state_machines()["stateMachines"][0]["name"] == "fixture-machine"
        assert client("firehose").list_delivery_streams()["DeliveryStreamNames"]
        assert client("kinesis").list_streams()["StreamNames"]
        assert client("athena").list_query_executions(WorkGroup="primary")["QueryExecutionIds"] is not None
    finally:
        server.stop()
