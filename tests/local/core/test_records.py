"""Collections whose records are rows: what is saved is what is there, and a change costs the change."""

from __future__ import annotations

import json
import random
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import records, state
from infra.local.core.records import RecordDict, RecordList
from tests.conftest import Server

TABLE = {
    "Name": "t",
    "PartitionKeys": [{"Name": "n", "Type": "int"}],
    "StorageDescriptor": {"Columns": [{"Name": "c", "Type": "string"}], "Location": "s3://b/t/"},
}


def saved(value: Any, file: records.File) -> bytes:
    with records.meeting() as met:
        data = state.dumps(value)
        file.write(met, state.dumps)
    return data


def read(data: bytes, file: records.File) -> Any:
    with records.reading(lambda: file, state.loads):
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
    choose, file = random.Random(7), records.File(tmp_path / "r")
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
    file = records.File(tmp_path / "r")
    kept, lost = RecordDict({"a": 1}), RecordList([1, 2])
    saved([kept, lost], file)
    data = saved([kept], file)
    with records.reading(lambda: file, state.loads) as met:
        state.loads(data)
    file.forget_others(met)
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
