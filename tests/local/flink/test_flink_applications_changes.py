"""Managed Flink applications that change while they run: update, rollback, overtaking, and a server that is killed at each step.

Expected values are counted by hand from what each test puts into its stream.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.local.flink.flink_lab import (
    NAME,
    PROGRAM,
    TABLES,
    Lab,
    needs_flink,
    processes,
    property_groups,
    wait_new_checkpoint,
)
from tests.polling import until

ROLLBACK = {"ApplicationSystemRollbackConfigurationUpdate": {"RollbackEnabledUpdate": True}}
NO_WINDOWS = TABLES + "table.execute_sql('INSERT INTO results SELECT at_time, CAST(n AS BIGINT) FROM source_stream')"
BROKEN = "raise ValueError('a broken version')"


@needs_flink
def test_update_and_rollback_of_a_running_application_keep_its_state(client):
    lab = Lab(client)
    lab.start({"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}})
    lab.begin_second_minute()

    # the new version has other code and properties, and goes on counting in the open window, however the first was started
    lab.upload(PROGRAM.replace("the windows are", "the second version is"))
    answer = lab.update(EnvironmentPropertyUpdates={"PropertyGroups": property_groups(bonus=1000)})
    assert answer["ApplicationDetail"]["ApplicationStatus"] == "UPDATING"
    assert answer["ApplicationDetail"]["ApplicationVersionId"] == 2
    with pytest.raises(ClientError, match="ResourceInUseException"):
        lab.update()
    lab.wait_status("RUNNING")
    assert lab.operation(answer["OperationId"])["OperationStatus"] == "SUCCESSFUL"
    (snapshot,) = lab.snapshots()
    assert (snapshot["SnapshotStatus"], snapshot["ApplicationVersionId"]) == ("READY", 1)
    assert "the second version is submitted" in lab.messages()
    lab.put(minute=1, records=5)
    lab.put(minute=2, records=7)
    lab.wait_result("09:01", 25 + 1000)
    assert ("09:00", 30 + 1000) not in lab.results()

    # back to the first version and its snapshot: it counts the rest of the minute again, without the bonus
    back = lab.flink.rollback_application(ApplicationName=NAME, CurrentApplicationVersionId=2)
    assert back["ApplicationDetail"]["ApplicationStatus"] == "ROLLING_BACK"
    lab.wait_status("RUNNING")
    detail = lab.detail()
    assert (detail["ApplicationVersionId"], detail["ApplicationVersionRolledBackFrom"]) == (3, 2)
    assert detail["ApplicationVersionRolledBackTo"] == 1
    lab.wait_result("09:01", 25)

    # a version that fails goes back by itself when the application asks for it
    lab.upload(BROKEN)
    failed = lab.update(**ROLLBACK)["OperationId"]
    until(lambda: lab.operation(failed)["OperationStatus"] == "FAILED", "the end of the update")
    details = lab.operation(failed)["OperationFailureDetails"]
    assert "a broken version" in details["ErrorInfo"]["ErrorString"]
    lab.wait_status("RUNNING")
    rollback = lab.operation(details["RollbackOperationId"])
    assert (rollback["Operation"], rollback["OperationStatus"]) == ("RollbackApplication", "SUCCESSFUL")
    lab.put(minute=2, records=3)
    lab.put(minute=3, records=1)
    lab.wait_result("09:02", 10)


@needs_flink
def test_a_forced_stop_overtakes_an_update_and_a_start_without_state_counts_anew(client):
    lab = Lab(client)
    lab.start()
    lab.begin_second_minute()
    update = lab.update(EnvironmentPropertyUpdates={"PropertyGroups": property_groups(bonus=1000)})["OperationId"]
    lab.flink.stop_application(ApplicationName=NAME, Force=True)
    lab.wait_status("READY")
    assert lab.operation(update)["OperationStatus"] == "CANCELLED"
    assert lab.detail()["ApplicationVersionId"] == 2

    lab.flink.start_application(
        ApplicationName=NAME,
        RunConfiguration={"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}},
    )
    lab.wait_result("09:00", 30 + 1000)  # read from the beginning of the stream again

    # a version that fails, without the rollback that must be asked for
    lab.wait_status("RUNNING")
    lab.upload(BROKEN)
    failed = lab.update()["OperationId"]
    lab.wait_status("READY")
    assert "a broken version" in lab.operation(failed)["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    with pytest.raises(ClientError, match="ResourceInUseException"):
        lab.flink.rollback_application(ApplicationName=NAME, CurrentApplicationVersionId=3)


@needs_flink
def test_a_server_that_is_killed_while_starting_updating_and_stopping_leaves_nothing_stuck(own_server, account):
    lab = Lab(lambda service: own_server.client(service, account))
    folder = own_server.home

    def kill_and_restart(expected: str) -> None:
        assert lab.status() == expected
        own_server.kill()
        until(lambda: not processes(folder), "the end of the processes")
        own_server.restart()

    started = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    kill_and_restart("STARTING")
    lab.wait_status("RUNNING")
    assert lab.operation(started)["OperationStatus"] == "SUCCESSFUL"
    lab.begin_second_minute()
    wait_new_checkpoint(folder)

    updated = lab.update(EnvironmentPropertyUpdates={"PropertyGroups": property_groups(bonus=1000)})["OperationId"]
    kill_and_restart("UPDATING")
    lab.wait_status("RUNNING")
    assert lab.operation(updated)["OperationStatus"] == "SUCCESSFUL"
    lab.put(minute=1, records=5)
    lab.put(minute=2, records=7)
    lab.wait_result("09:01", 25 + 1000)
    wait_new_checkpoint(folder)

    stopped = lab.flink.stop_application(ApplicationName=NAME)["OperationId"]
    kill_and_restart("STOPPING")  # without its snapshot it would lose its state: it goes on
    if lab.operation(stopped)["OperationStatus"] == "SUCCESSFUL":  # unless the snapshot was there just before the kill
        assert lab.status() == "READY"
        lab.flink.start_application(ApplicationName=NAME)
    else:
        lab.wait_status("RUNNING")
        assert lab.operation(stopped)["OperationStatus"] == "FAILED"
    lab.wait_status("RUNNING")
    until(lambda: len(processes(folder)) == 2, "the application's processes")

    lab.flink.stop_application(ApplicationName=NAME, Force=True)
    own_server.kill()
    until(lambda: not processes(folder), "the end of the processes")
    own_server.restart()
    lab.wait_status("READY")
    assert not list(folder.rglob("kinesisanalytics/*/run"))
    assert {snapshot["SnapshotStatus"] for snapshot in lab.snapshots()} <= {"READY", "FAILED"}


@needs_flink
def test_state_that_the_new_code_does_not_know_must_be_given_up_in_words(client):
    lab = Lab(client)
    lab.start()
    lab.put(minute=0, records=30)
    lab.put(minute=1, records=1)
    lab.wait_result("09:00", 30)
    lab.flink.stop_application(ApplicationName=NAME)
    lab.wait_status("READY")
    lab.upload(NO_WINDOWS)
    lab.update()
    started = lab.flink.start_application(ApplicationName=NAME)["OperationId"]
    lab.wait_status("READY")
    reason = lab.operation(started)["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert "Cannot map checkpoint/savepoint state for operator" in reason
    assert "/kinesisanalytics/" not in reason  # no folder of this computer
    lab.flink.start_application(
        ApplicationName=NAME, RunConfiguration={"FlinkRunConfiguration": {"AllowNonRestoredState": True}}
    )
    lab.wait_status("RUNNING")
