"""The commands of whoever leads: help, goto, status, reset of one account."""

from __future__ import annotations

import json

import pytest

from infra import cli, goto, inventory, project, reset, server_process

MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_without_a_command_the_help_is_shown(capsys):
    assert cli.main([]) == 0
    assert "goto" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("status --account x", "'x' is no account: 12 digits"),
        ("goto 06 --account 7", "'7' is no account"),
        ("reset --account ٠٠٠٠٠٠٠٠٠٠٠٧", "is no account"),
        ("class --learners 0", "'0' is no number from 1 on"),
        ("class --learners -3", "'-3' is no number from 1 on"),
        ("class --learners 3 --spark-sessions two", "'two' is no number"),
        ("class --learners 3 --port 99999", "'99999' is no port: 1 to 65535"),
        ("start --port 0", "'0' is no port"),
    ],
)
def test_what_was_typed_wrong_is_told_before_anything_happens(typed, told, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(typed.split())
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["reset", "reset --account 000000000007"])
def test_nothing_is_deleted_where_nobody_answers(typed, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: (_ for _ in ()).throw(EOFError))
    assert cli.main(typed.split()) == 1
    assert "nothing was done. --yes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "chapter, before", [("01", []), ("06", ["01", "02", "03"]), ("07", ["01", "02"]), ("10", ["01"])]
)
def test_what_a_chapter_needs_stands_in_its_own_table(chapter, before):
    assert [notebook.stem[:2] for notebook in goto.needed(chapter)] == before


def test_an_unknown_chapter_is_named():
    with pytest.raises(ValueError, match="no chapter '77'"):
        goto.needed("77")


def test_chapters_that_were_run_are_not_run_again(client, account, monkeypatch):
    """What they leave is on the lake: a bucket with events, and the crawler's tables."""
    client("cloudformation").create_stack(
        StackName=goto.INGEST,
        TemplateBody=json.dumps(
            {
                "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
                "Outputs": {"BucketName": {"Value": {"Ref": "Bucket"}}},
            }
        ),
    )
    client("cloudformation").get_waiter("stack_create_complete").wait(StackName=goto.INGEST)
    bucket = client("cloudformation").describe_stacks(StackName=goto.INGEST)["Stacks"][0]["Outputs"][0]["OutputValue"]
    client("s3").put_object(Bucket=bucket, Key="data/reference_data/tracks_list.json", Body=b"{}")
    ran: list[str] = []
    monkeypatch.setattr(
        goto.runner, "run", lambda books, folder: ran.extend(b.stem[:2] for b in books) or [Done("")] * len(books)
    )
    told: list[str] = []
    assert goto.go("02", client, told.append)
    assert ran == ["01"]  # reference data alone is not the whole of chapter 01
    client("s3").put_object(Bucket=bucket, Key="data/raw/2026/01/05/09/a", Body=b"{}")
    ran.clear()
    assert goto.go("03", client, told.append)
    assert ran == ["02"]
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": goto.DATABASE})
    for name in ("raw", "reference_data"):
        glue.create_table(DatabaseName=goto.DATABASE, TableInput={"Name": name})
    ran.clear()
    assert goto.go("03", client, told.append)
    assert ran == []
    assert "there already" in told[-2] and "03_transform_with_glue begins" in told[-1]
    ran.clear()
    monkeypatch.setattr(goto.runner, "run", lambda books, folder: [Done("Cell 3: no")])
    assert not goto.go("06", client, told.append)


class Done:
    def __init__(self, reason: str):
        self.reason = reason


def test_status_tells_what_there_is_and_its_price(client, account):
    client("kinesis").create_stream(StreamName="told", ShardCount=2)
    client("kinesis").put_records(StreamName="told", Records=[{"Data": b"1", "PartitionKey": str(n)} for n in range(7)])
    client("cloudwatch").put_metric_alarm(
        AlarmName="told", MetricName="m", Namespace="n", ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1, Period=60, Statistic="Sum", Threshold=1,
    )  # fmt: skip
    lines = {line.kind: line for line in inventory.look(client, "us-east-1")}
    assert lines["stream"].detail == "7 records in 24 hours, 2 shards"
    assert lines["stream"].hourly == pytest.approx(0.03)
    assert inventory.total(list(lines.values())) == pytest.approx(0.03 + 0.1 / 730)


def test_one_account_is_emptied_and_the_others_are_not_touched(own_server):
    mine, other = "000000000007", "000000000008"
    for account in (mine, other):
        make_some(own_server, account)
    running = server_process.find(own_server.home)
    assert running is not None
    reset.empty(running, mine, tell=lambda line: None)
    for attempt in ("at once", "after kill -9"):
        assert holds(own_server, mine) == {}, attempt
        assert holds(own_server, other) == {
            "buckets": ["kept-000000000008"],
            "object": b"1",
            "streams": ["clicks"],
            "messages": "1",
            "executions": 1,
            "items": 1,
        }, attempt
        own_server.kill()
        own_server.restart()
    make_some(own_server, mine)  # its files can be used again
    own_server.kill()
    own_server.restart()
    assert holds(own_server, mine) == holds(own_server, other) | {"buckets": [f"kept-{mine}"]}


def make_some(server, account: str) -> None:
    server.client("s3", account).create_bucket(Bucket=f"kept-{account}")
    server.client("s3", account).put_object(Bucket=f"kept-{account}", Key="a", Body=b"1")
    server.client("kinesis", account).create_stream(StreamName="clicks", ShardCount=1)
    sqs = server.client("sqs", account)
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="work")["QueueUrl"], MessageBody="1")
    role = server.client("iam", account).create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    states = server.client("stepfunctions", account)
    machine = states.create_state_machine(name="waits", definition=json.dumps(MACHINE), roleArn=role["Arn"])
    states.start_execution(stateMachineArn=machine["stateMachineArn"])
    dynamodb = server.client("dynamodb", account)
    dynamodb.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="t", Item={"k": {"S": "1"}})


def holds(server, account: str) -> dict:
    found: dict = {}
    s3 = server.client("s3", account)
    if buckets := [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        found |= {"buckets": buckets, "object": s3.get_object(Bucket=buckets[0], Key="a")["Body"].read()}
    if streams := server.client("kinesis", account).list_streams()["StreamNames"]:
        found["streams"] = streams
    sqs = server.client("sqs", account)
    for url in sqs.list_queues().get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        found["messages"] = attributes["ApproximateNumberOfMessages"]
    states = server.client("stepfunctions", account)
    for machine in states.list_state_machines()["stateMachines"]:
        found["executions"] = len(states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"])
    for table in server.client("dynamodb", account).list_tables()["TableNames"]:
        found["items"] = server.client("dynamodb", account).scan(TableName=table)["Count"]
    roles = server.client("iam", account).list_roles()["Roles"]
    assert bool(roles) == bool(found)
    return found


def test_only_who_can_read_server_json_empties_an_account(server, account):
    stranger = server_process.Running(0, server.endpoint, "guessed")
    with pytest.raises(server_process.LocalAwsError, match="needs the key"):
        reset.empty(stranger, account)
    assert (server.home / "server.json").stat().st_mode & 0o077 == 0


def test_what_is_no_account_is_refused(server):
    running = server_process.find(server.home)
    with pytest.raises(ValueError, match="12 digits"):
        reset.empty(running, "../..")


def test_a_session_for_the_reset_is_on_the_local_aws_only():
    there = reset.LocalSession(server_process.Running(0, "http://127.0.0.1:9"), "000000000007")
    for service in ("s3", "iam", "cloudformation"):
        assert there.client(service).meta.endpoint_url == "http://127.0.0.1:9"


def test_doctor_sees_memory_disk_root_ports_and_kernels(monkeypatch, tmp_path):
    from infra import setup

    monkeypatch.setattr(project, "home", lambda: tmp_path)
    seen = " ".join(finding.what for finding in setup.examine())
    for word in ("memory", "disk", "user", "port", "kernel"):
        assert word in seen
