"""Flink's work on a session cluster that runs already: a job manager and a task manager, real ones on loopback, without keys of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engines.flink import FlinkError, process, session
from tests.conftest import Server
from tests.engines.flink_cluster import flink_cluster, told
from tests.kernels.test_flink_kernel import Notebook, kernel_environment
from tests.local.flink.flink_lab import NAME, Lab, needs_flink, processes, wait_new_checkpoint
from tests.polling import until

RESULTS = """%flink.ssql
CREATE TEMPORARY TABLE results (window_start STRING, records INT) WITH (
  'connector' = 'kinesis', 'stream' = 'out', 'scan.stream.initpos' = 'TRIM_HORIZON', 'format' = 'json')"""
FUNCTION = """from pyflink.table import DataTypes
from pyflink.table.udf import udf
st_env.create_temporary_function("doubled", udf(lambda n: 2 * n, result_type=DataTypes.INT()))"""
READ = """%flink.ssql(type=update)
SELECT doubled(SUM(records)) AS twice FROM results"""


def _states(web: str) -> list[str]:
    return [job["state"] for job in sorted(told(web, "/jobs/overview")["jobs"], key=lambda job: job["start-time"])]


@needs_flink
def test_an_application_and_paragraphs_work_on_a_session_cluster(tmp_path, account, monkeypatch) -> None:
    with flink_cluster(tmp_path) as web:
        monkeypatch.setenv(session.CLUSTER, web)
        server = Server(tmp_path / "workshop")
        try:
            lab = Lab(lambda service: server.client(service, account))
            lab.start()
            assert (
                lab.flink.create_application_presigned_url(ApplicationName=NAME, UrlType="FLINK_DASHBOARD_URL")[
                    "AuthorizedUrl"
                ]
                == f"http://{web}"
            )
            lab.begin_second_minute()
            wait_new_checkpoint(server.home)

            # the server is killed: its job ends, and goes on with it, once
            server.kill()
            until(lambda: not processes(server.home), "the end of the processes")
            assert _states(web) == ["CANCELED"]
            server.restart()
            lab.put(minute=1, records=5)
            lab.put(minute=2, records=1)
            lab.wait_result("09:01", 25)
            assert _states(web) == ["CANCELED", "RUNNING"]

            with Notebook(kernel_environment(server.endpoint, account, tmp_path / "home")) as notebook:
                notebook.text(RESULTS)
                notebook.text(FUNCTION)
                notebook.text("z.stop_after(idle=2, seconds=60)")
                shown = notebook.text(READ)
            assert len(_states(web)) == 4  # with the one that warmed the kernel up

            lab.flink.stop_application(ApplicationName=NAME)
            lab.wait_status("READY")
            assert [each["SnapshotStatus"] for each in lab.snapshots()] == ["READY"]
            assert "RUNNING" not in _states(web)
            assert not list(server.home.rglob("kinesisanalytics/*/run"))
        finally:
            server.stop()
    assert ["110"] in [line.split() for line in shown.splitlines()]


def test_addresses(monkeypatch) -> None:
    monkeypatch.delenv(session.CLUSTER, raising=False)
    assert session.chosen() == ""
    monkeypatch.setenv(session.CLUSTER, "127.0.0.1:8081")
    assert session.chosen() == "http://127.0.0.1:8081"
    assert session.client_options(session.chosen())["rest.port"] == "8081"
    for wrong in ("http://flink", "flink", "flink:web", "flink:8081/"):
        monkeypatch.setenv(session.CLUSTER, wrong)
        with pytest.raises(FlinkError, match="must be of the form host:8081"):
            session.chosen()


class _Jobs:
    """A cluster's REST that has these jobs, by their answers one after another; None does not answer."""

    def __init__(self, states: dict[str, list[str]]):
        self.states, self.cancelled = states, []

    def ask(self, url: str, method: str = "GET") -> dict[str, str]:
        job = url.rpartition("/")[2].partition("?")[0]
        if method == "PATCH":
            self.cancelled.append(job)
            return {}
        states = self.states.get(job)
        if states is None:
            return {}
        return {"state": states.pop(0) if len(states) > 1 else states[0]}


def _note(runs: Path, job: str) -> Path:
    folder = runs / job
    folder.mkdir(parents=True)
    (folder / process.NOTE).write_text(f"http://flink:8081 {job}")
    return folder


def test_what_a_killed_server_left_on_the_cluster_is_ended_before_anything_starts(tmp_path, monkeypatch) -> None:
    jobs = _Jobs({"a": ["RUNNING", "CANCELLING", "CANCELED"], "b": ["FINISHED"]})
    monkeypatch.setattr(session, "_ask", jobs.ask)
    monkeypatch.delenv(session.CLUSTER, raising=False)  # the notes say where they are
    for job in ("a", "b", "never-came"):
        _note(tmp_path / "run", job)
    process.clear(tmp_path / "run")
    assert set(jobs.cancelled) == {"a"}
    assert not (tmp_path / "run").exists()


def test_a_client_that_goes_asks_for_the_end_of_its_jobs(monkeypatch) -> None:
    jobs = _Jobs({})
    monkeypatch.setattr(session, "_ask", jobs.ask)
    monkeypatch.delenv(session.CLUSTER, raising=False)
    session.leave(["a"])  # Flink has ended with it
    assert jobs.cancelled == []
    monkeypatch.setenv(session.CLUSTER, "flink:8081")
    session.leave(["a", "b"])
    assert jobs.cancelled == ["a", "b"]


def test_while_the_cluster_does_not_answer_what_is_left_stays_known(tmp_path, monkeypatch) -> None:
    def nobody(url: str, method: str = "GET") -> dict[str, str]:
        raise FlinkError("The Flink cluster does not answer.")

    monkeypatch.setattr(session, "_ask", nobody)
    folder = _note(tmp_path / "run", "a")
    with pytest.raises(FlinkError, match="does not answer"):
        process.clear(tmp_path / "run")
    process.remove(folder)
    assert (folder / process.NOTE).exists()


def test_the_file_of_keys_is_for_its_owner_alone(tmp_path) -> None:
    file = tmp_path / "keys"
    session.write_keys(file, "AKIA", "secret", "token")
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_text().splitlines()[1:] == [
        "aws_access_key_id = AKIA",
        "aws_secret_access_key = secret",
        "aws_session_token = token",
    ]
