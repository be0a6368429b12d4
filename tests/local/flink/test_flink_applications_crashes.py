"""Managed Flink applications on real Flink: a killed job, a killed server, snapshots; every record counts once in keyed state.

Expected values are counted by hand from what each test puts into its stream.
"""

from __future__ import annotations

import os
import signal

import pytest
from botocore.exceptions import ClientError

from tests.local.flink.flink_lab import NAME, Lab, needs_flink, processes, wait_new_checkpoint
from tests.polling import until


@needs_flink
def test_crash_and_snapshots_and_restart_of_the_server_keep_every_count(own_server, account):
    lab = Lab(lambda service: own_server.client(service, account))
    folder = own_server.home
    lab.flink.start_application(ApplicationName=NAME, RunConfiguration={})
    assert lab.status() == "STARTING"
    with pytest.raises(ClientError, match="ResourceInUseException"):
        lab.flink.stop_application(ApplicationName=NAME)
    (java,) = until(lambda: processes(folder, "PythonGatewayServer"), "Java")
    os.kill(java, signal.SIGKILL)  # a start that is killed is tried again: it is not the program that failed
    lab.wait_status("RUNNING")
    assert "the windows are submitted" in until(lab.messages, "log lines")

    # Java alone is killed in the middle of a window
    lab.put(minute=0, records=30)
    lab.put(minute=1, records=20)
    assert until(lab.results, "the first window") == [("09:00", 30)]
    wait_new_checkpoint(folder)
    killed = processes(folder)
    assert len(killed) == 2
    (java,) = processes(folder, "PythonGatewayServer")
    os.kill(java, signal.SIGKILL)
    until(lambda: not set(killed) & set(processes(folder)), "the end of the killed processes")
    lab.put(minute=1, records=5)
    lab.put(minute=2, records=40)
    until(lambda: len(set(lab.results())) == 2, "the second window")
    assert set(lab.results()) == {("09:00", 30), ("09:01", 25)}
    assert any("It is started again from checkpoint" in message for message in lab.messages())

    # the server is killed too; its applications end with it and go on with it
    wait_new_checkpoint(folder)
    own_server.kill()
    until(lambda: not processes(folder), "the end of the processes")
    own_server.restart()
    assert lab.status() == "RUNNING"
    lab.put(minute=3, records=10)
    until(lambda: len(set(lab.results())) == 3, "the third window")
    assert set(lab.results()) == {("09:00", 30), ("09:01", 25), ("09:02", 40)}

    # stop takes a snapshot, start goes on from it
    lab.flink.stop_application(ApplicationName=NAME)
    lab.wait_status("READY")
    assert not processes(folder)
    assert not list(folder.rglob("kinesisanalytics/*/run"))
    (snapshot,) = lab.snapshots()
    assert snapshot["SnapshotStatus"] == "READY"
    lab.flink.start_application(
        ApplicationName=NAME,
        RunConfiguration={
            "ApplicationRestoreConfiguration": {
                "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT",
                "SnapshotName": snapshot["SnapshotName"],
            }
        },
    )
    lab.wait_status("RUNNING")
    lab.put(minute=3, records=7)
    lab.put(minute=4, records=1)
    until(lambda: len(set(lab.results())) == 4, "the fourth window")
    assert ("09:03", 17) in lab.results()
    assert lab.results().count(("09:03", 17)) == 1

    lab.flink.create_application_snapshot(ApplicationName=NAME, SnapshotName="by-hand")

    def made() -> bool:
        answer = lab.flink.describe_application_snapshot(ApplicationName=NAME, SnapshotName="by-hand")
        return answer["SnapshotDetails"]["SnapshotStatus"] == "READY"

    until(made, "the snapshot")
    lab.flink.delete_application(ApplicationName=NAME, CreateTimestamp=lab.created["CreateTimestamp"])
    until(lambda: not lab.flink.list_applications()["ApplicationSummaries"], "the deletion")
    assert not processes(folder)


@needs_flink
def test_what_was_read_since_the_last_checkpoint_counts_once_after_a_stop(client):
    seldom = {"ConfigurationType": "CUSTOM", "CheckpointInterval": 600_000, "MinPauseBetweenCheckpoints": 0}
    lab = Lab(client, CheckpointConfiguration=seldom)
    lab.start()
    lab.put(minute=0, records=10)
    until(lambda: lab.read() == 10, "ten records are read")
    lab.flink.stop_application(ApplicationName=NAME)
    lab.wait_status("READY")
    lab.start()
    lab.put(minute=0, records=5)
    lab.put(minute=1, records=1)
    until(lab.results, "the first window")
    assert lab.results() == [("09:00", 15)]
