"""On another profile than the local one, what costs by use is estimated before it begins and refused beyond the limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from helpers import left_running, money, stacks
from helpers.generator import Constant, Generator
from infra import project
from infra.teaching import cost, guard, prices, units
from tests.local.databrew.brew_lab import BrewLab
from tests.service_roles import policy, put_rights

DPU_HOUR = 0.44


@pytest.fixture
def real(
    cloud: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[float], boto3.Session]:
    """The test's account as a profile that is not the local one: a session with this limit in USD."""
    monkeypatch.setattr(project, "home", lambda: tmp_path)
    monkeypatch.setattr(project, "is_local", lambda profile: False)

    def session(limit: float) -> boto3.Session:
        (tmp_path / "limits.json").write_text(f'{{"default": {limit}}}')
        made = boto3.Session()
        money.watch(made)
        return made

    return session


def _role(client: Callable[..., Any], account: str) -> str:
    trust = policy({"Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"})
    client("iam").create_role(RoleName="AnalyticsRole", AssumeRolePolicyDocument=trust)
    put_rights(client, "AnalyticsRole", {"Action": "*", "Resource": "*"})
    return f"arn:aws:iam::{account}:role/AnalyticsRole"


def _job(client: Callable[..., Any], account: str) -> None:
    client("s3").create_bucket(Bucket=f"scripts-{account}")
    client("s3").put_object(Bucket=f"scripts-{account}", Key="job.py", Body=b"print('hello')\n")
    client("glue").create_job(
        Name="AnalyticsOnAWS-Job",
        Role=_role(client, account),
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Timeout=30,
        Command={"Name": "glueetl", "ScriptLocation": f"s3://scripts-{account}/job.py", "PythonVersion": "3"},
    )


def test_calls_that_cost_are_refused_beyond_the_limit(real: Any, client: Callable[..., Any], account: str) -> None:
    _job(client, account)
    session = real(0.40)  # half an hour of 2 DPU is 0.44 USD
    with pytest.raises(cost.LimitReached, match=r"would come to 0\.44 USD\. The limit is 0\.40 USD"):
        session.client("glue").start_job_run(JobName="AnalyticsOnAWS-Job")
    with pytest.raises(cost.LimitReached, match="would come to 0.88 USD"):
        session.client("glue").create_session(
            Id="s",
            Role=f"arn:aws:iam::{account}:role/AnalyticsRole",
            Command={"Name": "glueetl"},
            NumberOfWorkers=2,
            WorkerType="G.1X",
        )
    assert client("glue").get_job_runs(JobName="AnalyticsOnAWS-Job")["JobRuns"] == []
    assert client("glue").list_sessions()["Ids"] == []
    session.client("glue").get_job(JobName="AnalyticsOnAWS-Job")  # what costs nothing is not looked at


def test_what_was_used_counts_by_its_time(real: Any, client: Callable[..., Any], account: str) -> None:
    session = real(5)
    client("glue").create_database(DatabaseInput={"Name": "analyticsdb"})
    client("s3").create_bucket(Bucket=f"lake-{account}")
    client("glue").create_crawler(
        Name="AnalyticsworkshopCrawler",
        Role=_role(client, account),
        DatabaseName="analyticsdb",
        Targets={"S3Targets": [{"Path": f"s3://lake-{account}/"}]},
    )
    assert guard.used(session) == 0
    session.client("glue").start_crawler(Name="AnalyticsworkshopCrawler")
    assert guard.used(session) == pytest.approx(10 / 60 * 2 * DPU_HOUR, abs=0.001)  # ten minutes at least
    with pytest.raises(cost.LimitReached, match="has cost about 0.15 USD here"):
        real(0.2).client("glue").start_crawler(Name="AnalyticsworkshopCrawler")


def test_deleted_stacks_have_cost_too(real: Any, cloud: Callable[[str], Any]) -> None:
    real(5)
    stacks.deploy("01_ingest")
    stacks.delete("01_ingest")
    now = cost.running(boto3.Session(), stacks.FOLDER)
    assert now.stacks == () and now.hourly == 0 and now.total > 0


def test_the_generator_is_guarded(real: Any, client: Callable[..., Any]) -> None:
    real(0.01)
    client("kinesis").create_stream(StreamName="s", ShardCount=1)
    with pytest.raises(cost.LimitReached, match="Not made"):
        Generator("{}").send(stream_name="s", records=2_000_000)
    with pytest.raises(cost.LimitReached, match="Not made"):
        Generator("{}").start(stream_name="s", rate=Constant(1000))  # an hour of it
    assert Generator("{}").send(stream_name="s", records=10, progress=False).sent == 10


def test_a_limit_is_asked_for_once(real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real(1)
    (tmp_path / "limits.json").unlink()
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "3")
    money.check(0.1)
    money.check(0.1)
    assert len(asked) == 1 and "How many USD may the workshop cost there in all?" in asked[0]


@pytest.mark.parametrize("answer", ["nan", "inf", "-1", "", "many", "1,5"])
def test_what_is_no_amount_is_no_limit(real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    real(1)
    (tmp_path / "limits.json").unlink()
    monkeypatch.setattr("builtins.input", lambda question: answer)
    with pytest.raises(cost.LimitReached, match="is no amount"):
        money.check(0.1)
    assert not (tmp_path / "limits.json").exists()
    (tmp_path / "limits.json").write_text('{"default": NaN}')  # by hand
    with pytest.raises(cost.LimitReached, match="is no amount"):
        money.check(0.1)


@pytest.mark.parametrize(("kind", "dpu"), [("G.16X", 32), ("R.2X", 4.8), ("Q.64X", 32)])
def test_large_workers_are_not_taken_for_small_ones(kind: str, dpu: float) -> None:
    assert units.dpus({"NumberOfWorkers": 2, "WorkerType": kind}) == dpu


def test_what_is_left_running_has_a_price(cloud: Callable[[str], Any], capsys: pytest.CaptureFixture[str]) -> None:
    left_running()
    assert capsys.readouterr().out == "Left running: nothing that is billed by the hour on AWS.\n"
    stacks.deploy("01_ingest")
    assert (
        "\nFree here; on AWS it costs 0.030 USD an hour (2 Kinesis shards) while it exists." in capsys.readouterr().out
    )
    left_running()
    told = "Left running: 01-ingest: 2 Kinesis shards. On AWS that is 0.72 USD a day.\n"
    assert capsys.readouterr().out == told


def test_the_local_aws_is_free(cloud: Callable[[str], Any]) -> None:
    money.check(1e9)


def test_an_open_databrew_project_counts_by_half_hours(real: Any, client: Callable[..., Any]) -> None:
    session, lab = real(5), BrewLab(client)
    assert list(guard.open_projects(session)) == [] and guard.used(session) == 0
    lab.open_project("AnalyticsOnAWS-Brew")
    half = prices.usd("databrew session")
    assert list(guard.open_projects(session)) == [(2 * half, "the DataBrew project AnalyticsOnAWS-Brew")]
    assert guard.used(session) == half  # the first one began
    with pytest.raises(
        cost.LimitReached, match="has cost about 1.00 USD here, and another hour with this one would come"
    ):
        real(3.5).client("databrew").start_project_session(Name="AnalyticsOnAWS-Brew")
