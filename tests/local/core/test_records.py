"""Collections whose records are rows: what is saved is what is there, and a change costs the change."""

from __future__ import annotations

import json
import random
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import record_rows, records, state
from infra.local.core.records import RecordDict, RecordList
from tests.conftest import Server

TABLE = {
    "Name": "t",
    "PartitionKeys": [{"Name": "n", "Type": "int"}],
    "StorageDescriptor": {"Columns": [{"Name": "c", "Type": "string"}], "Location": "s3://b/t/"},
}


def saved(value: Any, file: record_rows.File) -> bytes:
    with record_rows.meeting(lambda: file) as met:
        data = state.dumps(value)
        file.write(met, state.dumps)
    return data


def read(data: bytes, file: record_rows.File) -> Any:
    with record_rows.reading(lambda: file, state.loads):
        return state.loads(data)


def change_something(value: dict[str, Any], choose: random.Random, step: int) -> None:
    d, items = value["d"], value["l"]
    name = f"k{choose.randrange(20)}"
    match choose.randrange(9):
        case 0 | 1:
            d[name] = {"step": step, "inner": RecordList([step])}
        case 2:
            d.pop(name, None)
        case 3:
            if name in d:
                d[name]["step"] = -step
                d[name]["inner"].append(step)
                d.note(name)
        case 4 | 5:
            items.append({"at": step})
        case 6:
            items += [{"at": step}, {"at": step}]
        case 7:
            if items:
                items[-1]["at"] = -step
                items.note(items[-1])
        case 8:
            if len(items) > 5 and choose.random() < 0.2:
                del items[:3]


def test_a_random_history_is_read_as_it_was(tmp_path: Path) -> None:
    choose, file = random.Random(7), record_rows.File(tmp_path / "r")
    value: dict[str, Any] = {"d": RecordDict(), "l": RecordList(), "plain": [1]}
    for step in range(400):
        change_something(value, choose, step)
        if choose.random() < 0.4:
            data = saved(value, file)
            assert read(data, file) == value
            if choose.random() < 0.2:
                value = read(data, file)
    assert list(read(saved(value, file), file)["d"]) == list(value["d"])


def test_rows_that_no_collection_names_go_away(tmp_path: Path) -> None:
    file = record_rows.File(tmp_path / "r")
    kept, lost = RecordDict({"a": 1}), RecordList([1, 2])
    saved([kept, lost], file)
    data = saved([kept], file)
    with record_rows.reading(lambda: file, state.loads) as met:
        state.loads(data)
    file.forget_others(set(met))
    assert file._rows.read("SELECT DISTINCT collection FROM records") == [(kept.collection,)]


def test_a_collection_is_pickled_whole_by_others() -> None:
    import copy
    import pickle

    for value in (RecordDict({"a": [1]}), RecordList([{"a": 1}])):
        assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value)


def test_partitions_versions_lines_metrics_and_events_survive_kill(own_server: Server, account: str) -> None:
    glue, logs, metrics, stacks = (
        own_server.client(n, account) for n in ("glue", "logs", "cloudwatch", "cloudformation")
    )
    glue.create_database(DatabaseInput={"Name": "d"})
    glue.create_table(DatabaseName="d", TableInput=TABLE)
    parts = [{"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://b/t/n={n}/"}} for n in range(120)]
    for at in (0, 60):
        glue.batch_create_partition(DatabaseName="d", TableName="t", PartitionInputList=parts[at : at + 60])
    glue.delete_partition(DatabaseName="d", TableName="t", PartitionValues=["5"])
    moved = {"Values": ["7"], "StorageDescriptor": {"Location": "s3://b/elsewhere/"}}
    glue.update_partition(DatabaseName="d", TableName="t", PartitionValueList=["7"], PartitionInput=moved)
    glue.update_table(DatabaseName="d", TableInput={**TABLE, "Description": "second"})
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(time.time() * 1000)
    for batch in range(3):
        lines = [{"timestamp": now + batch, "message": f"{batch}-{n}"} for n in range(50)]
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=lines)
    for number in range(3):
        metrics.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": float(number)}])
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    stacks.create_stack(StackName="s", TemplateBody=template)
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    events = stacks.describe_stack_events(StackName="s")["StackEvents"]
    for _ in range(2):
        own_server.kill()
        own_server.restart()
        found = [
            p
            for page in glue.get_paginator("get_partitions").paginate(DatabaseName="d", TableName="t")
            for p in page["Partitions"]
        ]
        assert sorted(int(p["Values"][0]) for p in found) == [n for n in range(120) if n != 5]
        assert {p["Values"][0]: p["StorageDescriptor"]["Location"] for p in found}["7"] == "s3://b/elsewhere/"
        versions = glue.get_table_versions(DatabaseName="d", TableName="t")["TableVersions"]
        assert [v["Table"].get("Description") for v in versions] == ["second", None]
        told = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]
        assert [e["message"] for e in told] == [f"{b}-{n}" for b in range(3) for n in range(50)]
        assert stacks.describe_stack_events(StackName="s")["StackEvents"] == events
        window = {"StartTime": time.time() - 3600, "EndTime": time.time() + 60, "Period": 7200}
        (point,) = metrics.get_metric_statistics(Namespace="Own", MetricName="m", Statistics=["SampleCount"], **window)[
            "Datapoints"
        ]
        assert point["SampleCount"] == 3.0
    glue.delete_table(DatabaseName="d", Name="t")
    glue.create_table(DatabaseName="d", TableInput=TABLE)
    own_server.kill()
    own_server.restart()
    assert glue.get_partitions(DatabaseName="d", TableName="t")["Partitions"] == []


def seconds_a_line(logs: Any, stream: str) -> float:
    """The median time of a batch of ten lines."""
    taken = []
    for _ in range(15):
        lines = [{"timestamp": int(time.time() * 1000), "message": "m"} for _ in range(10)]
        started = time.perf_counter()
        logs.put_log_events(logGroupName="g", logStreamName=stream, logEvents=lines)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


@pytest.mark.timeout(200)
def test_a_change_costs_the_change(server: Server, account: str, client: Any) -> None:
    """Loosely, for a busy machine: with all of them written each time, ten lines beside 60,000 took 30 times as long."""
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    few = seconds_a_line(logs, "s")
    many = [{"timestamp": int(time.time() * 1000), "message": f"line {n}"} for n in range(10_000)]
    for _ in range(6):
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=many)
    assert seconds_a_line(logs, "s") < 5 * few + 0.01


def make_things(clients: Any) -> None:
    """Something of each service whose backend moto keeps in plain dictionaries, changed in place after it was made."""
    iam, sns, sqs, ssm, dynamodb = (clients(name) for name in ("iam", "sns", "sqs", "ssm", "dynamodb"))
    for name in ("kept", "renamed"):
        iam.create_user(UserName=name)
    iam.create_group(GroupName="g")
    for name in ("kept", "renamed"):
        iam.add_user_to_group(GroupName="g", UserName=name)
    iam.update_user(UserName="renamed", NewUserName="new")
    key = iam.create_access_key(UserName="kept")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="kept", AccessKeyId=key, Status="Inactive")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    policy = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    for _ in range(2):  # the second time changes nothing
        iam.attach_user_policy(UserName="kept", PolicyArn=policy)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(document), SetAsDefault=True)
    dead, live = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("dead", "live"))
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.set_queue_attributes(QueueUrl=live, Attributes={"RedrivePolicy": redrive})
    topic = sns.create_topic(Name="t")["TopicArn"]
    told = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="News")
    sns.set_subscription_attributes(SubscriptionArn=told, AttributeName="RawMessageDelivery", AttributeValue="true")
    for value in ("old", "new"):
        ssm.put_parameter(Name="/a/b", Value=value, Type="String", Overwrite=True)
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/a/b", Tags=[{"Key": "k", "Value": "v"}])
    ssm.put_parameter(Name="gone", Value="v", Type="String")
    ssm.delete_parameter(Name="gone")
    for name, keys in (("plain", "k"), ("ranged", "kr")):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": k, "KeyType": t} for k, t in zip(keys, ("HASH", "RANGE"), strict=False)],
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "N"} for k in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in ("1", "2", "3"):
            dynamodb.put_item(TableName=name, Item={**{k: {"N": number} for k in keys}, "v": {"S": number}})
        first, second = ({k: {"N": number} for k in keys} for number in ("1.0", "2"))
        values = {":v": {"S": "changed"}}
        dynamodb.update_item(TableName=name, Key=first, UpdateExpression="SET v = :v", ExpressionAttributeValues=values)
        dynamodb.delete_item(TableName=name, Key=second)
        put = {"TableName": name, "Item": {k: {"N": "4"} for k in keys}}
        check = {"TableName": name, "Key": second, "ConditionExpression": "attribute_exists(v)"}
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])


def told(clients: Any) -> dict[str, Any]:
    iam, sns, sqs, ssm, dynamodb = (clients(name) for name in ("iam", "sns", "sqs", "ssm", "dynamodb"))
    (policy,) = iam.list_policies(Scope="Local")["Policies"]
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    dead = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    return {
        "group": sorted(user["UserName"] for user in iam.get_group(GroupName="g")["Users"]),
        "keys": [key["Status"] for key in iam.list_access_keys(UserName="kept")["AccessKeyMetadata"]],
        "policy": (policy["DefaultVersionId"], policy["AttachmentCount"]),
        "attached": iam.list_attached_user_policies(UserName="kept")["AttachedPolicies"],
        "sources": sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"],
        "topic": sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"],
        "subscription": attributes["RawMessageDelivery"],
        "parameter": [each["Value"] for each in ssm.get_parameter_history(Name="/a/b")["Parameters"]],
        "parameters": [each["Name"] for each in ssm.describe_parameters()["Parameters"]],
        "tags": ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId="/a/b")["TagList"],
        "plain": sorted(item["v"]["S"] for item in dynamodb.scan(TableName="plain")["Items"]),
        "ranged": sorted(item["v"]["S"] for item in dynamodb.scan(TableName="ranged")["Items"]),
    }


def test_what_moto_changes_in_place_survives_kill(own_server: Server, account: str) -> None:
    """And what two records have in common is one object afterwards: a change through one is seen through the other."""
    clients = {name: own_server.client(name, account) for name in ("iam", "sns", "sqs", "ssm", "dynamodb")}
    make_things(clients.__getitem__)
    before = told(clients.__getitem__)
    assert before["plain"] == before["ranged"] == ["3", "changed"]
    assert before["group"] == ["kept", "new"] and before["keys"] == ["Inactive"] and before["policy"] == ("v2", 1)
    assert before["parameters"] == ["/a/b"] and len(before["sources"]) == 1
    for _ in range(2):
        own_server.kill()
        own_server.restart()
        assert told(clients.__getitem__) == before
        iam = clients["iam"]
        policy = before["attached"][0]["PolicyArn"]
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_policy(PolicyArn=policy)
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_user(UserName="new")  # who is in a group
    iam.detach_user_policy(UserName="kept", PolicyArn=policy)
    iam.delete_policy(PolicyArn=policy)
    assert iam.list_attached_user_policies(UserName="kept")["AttachedPolicies"] == []


def test_a_part_that_changes_brings_the_record_around_it_along(tmp_path: Path) -> None:
    """Though nobody told that record: a table held by a crawler whose partitions change after a save."""
    file = record_rows.File(tmp_path / "r")
    tables = records.LentDict({"t": {"partitions": RecordDict({"a": 1}), "log": RecordList()}})
    data = saved(tables, file)
    held = dict.__getitem__(tables, "t")
    held["partitions"]["b"] = 2
    saved(tables, file)
    held["log"].append("line")
    saved(tables, file)
    assert read(data, file) == {"t": {"partitions": {"a": 1, "b": 2}, "log": ["line"]}}


def test_a_collection_of_one_backend_is_a_copy_in_anothers(tmp_path: Path) -> None:
    first, second = record_rows.File(tmp_path / "1"), record_rows.File(tmp_path / "2")
    collection = RecordDict({"a": 1})
    data = saved(collection, first)
    other = saved({"same": collection}, second)
    collection["b"] = 2
    saved(collection, first)
    assert read(data, first) == {"a": 1, "b": 2} and read(other, second) == {"same": {"a": 1}}


@pytest.mark.parametrize("kind", [RecordDict, RecordList])
def test_a_damaged_row_is_kept_and_told_and_the_others_are_read(tmp_path: Path, kind: Any, monkeypatch: Any) -> None:
    notes: list[str] = []
    monkeypatch.setattr(record_rows.notes, "say", notes.append)
    file = record_rows.File(tmp_path / "r")
    values = kind({"a": 1, "b": 2, "c": 3} if kind is RecordDict else [1, 2, 3])
    data = saved(values, file)
    with file._rows.change() as connection:
        connection.execute("UPDATE records SET value = ? WHERE name IN ('b', 1)", (b"\x80damaged",))
    found = read(data, file)
    assert found == ({"a": 1, "c": 3} if kind is RecordDict else [1, 3])
    assert len(notes) == 1 and "is kept in the table damaged" in notes[0] and str(tmp_path / "r") in notes[0]
    assert file._rows.read("SELECT value FROM damaged") == [(b"\x80damaged",)]
    found.update(d=4) if kind is RecordDict else found.append(4)
    saved(found, file)
    assert read(data, file) == ({"a": 1, "c": 3, "d": 4} if kind is RecordDict else [1, 3, 4])
