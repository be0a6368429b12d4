"""Prices are one table; a stack says its price by the hour, and on real AWS nothing passes the limit."""

from __future__ import annotations

import inspect
from pathlib import Path

import boto3
import pytest

from helpers import prices as constants
from helpers import stacks
from infra import project
from infra.teaching import cost, prices


def test_every_price_has_two_regions_and_a_source() -> None:
    for name, price in prices.TABLE.items():
        assert len(price.usd) == len(price.unsure) == len(prices.REGIONS) and min(price.usd) > 0, name
        assert price.source.startswith("https://aws.amazon.com/"), name
    assert prices.usd("kinesis shard", "ap-northeast-1") == 0.0195 and prices.usd("kinesis shard", "eu-west-3") == 0.015


def test_notebooks_have_their_figures_from_the_table() -> None:
    source = inspect.getsource(constants)
    assert constants.SHARD_HOUR == prices.usd("kinesis shard") and source.count("usd(") >= 14


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("01_ingest", "0.030 USD an hour (2 Kinesis shards)"),
        ("02_catalog", "nothing by the hour"),
        ("07_flink", "0.060 USD an hour (4 Kinesis shards)"),
    ],
)
def test_what_a_stack_costs_by_the_hour(template: str, told: str) -> None:
    assert str(cost.of_template((stacks.FOLDER / f"{template}.yaml").read_text())) == told


def test_modes_and_alarms() -> None:
    text = """
Resources:
  A:
    Type: AWS::Kinesis::Stream
    Properties:
      StreamModeDetails:
        StreamMode: ON_DEMAND
  B:
    Type: AWS::Kinesis::Stream
    Properties:
      ShardCount: !Ref Many
  C:
    Type: AWS::CloudWatch::Alarm
"""
    found = cost.of_template(text)
    assert found.parts == ("1 Kinesis shard", "1 on-demand stream", "1 alarm")
    assert found.hourly == pytest.approx(0.015 + 0.04 + 0.10 / 730)


def test_on_another_profile_a_limit_is_asked_once_and_holds(
    cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "0.02")
    monkeypatch.setattr(project, "home", lambda: tmp_path)
    monkeypatch.setattr(project, "is_local", lambda profile: False)
    with pytest.raises(cost.LimitReached, match=r"would come to 0.03 USD. The limit is 0.02 USD"):
        stacks.deploy("01_ingest")
    with pytest.raises(cost.LimitReached):
        stacks.deploy("01_ingest")
    assert len(asked) == 1 and cloud("cloudformation").list_stacks()["StackSummaries"] == []
    (tmp_path / "limits.json").write_text('{"default": 5}')
    stacks.deploy("01_ingest")
    assert "\nIt costs 0.030 USD an hour (2 Kinesis shards) while it exists." in capsys.readouterr().out
    now = cost.running(boto3.Session(), stacks.FOLDER)
    assert now.stacks == ("analytics-workshop-01-ingest",) and now.hourly == pytest.approx(0.03)
    assert 0 <= now.total < 0.03


def test_a_limit_that_is_no_number(tmp_path: Path) -> None:
    with pytest.raises(cost.LimitReached, match="'much' is no amount"):
        cost.limit(tmp_path / "limits.json", "p", lambda _: "much")
    assert not (tmp_path / "limits.json").exists()
