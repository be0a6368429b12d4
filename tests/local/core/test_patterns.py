"""Regular expressions of users, and texts that make one go back and back: nothing stands still."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.core import patterns, validation
from infra.local.core.patterns import Pattern, TooSlow


@pytest.mark.parametrize(
    ("source", "text", "fits"),
    [
        ("[a-z]+", "a" * 100, True),
        ("(a+)+b*", "a" * 12 + "!", False),
        ("[A-Z][a-z]+[0-9]*", "Abcdefghijklmnopqrstuvw12", True),
        ("(?=.*[0-9]).{20,}", "abcdefghijklmnopqrst5", True),
    ],
)
def test_patterns_match_whole_texts(source: str, text: str, fits: bool) -> None:
    assert Pattern(source).matches(text) is fits


def test_a_pattern_that_goes_back_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.5)
    with pytest.raises(TooSlow):
        Pattern("(a|aa)+$").matches("a" * 400 + "!")


def test_what_is_no_pattern() -> None:
    with pytest.raises(ValueError, match="unterminated"):
        Pattern("[")


def test_patterns_of_a_model_that_go_back_are_left_to_the_service() -> None:
    began = time.process_time()
    headers = [{"Key": "k", "Value": " " * 500 + "\u0000"}] * 50
    errors = validation.request_errors(
        "events", "CreateConnection", {"AuthParameters": {"InvocationHttpParameters": {"HeaderParameters": headers}}}
    )
    assert time.process_time() - began < 5 and not any("HeaderParameters" in each for each in errors)


def test_a_template_and_a_query_cannot_stop_the_server(client: Any) -> None:
    template = '{"Parameters": {"P": {"Type": "String", "AllowedPattern": "(a|aa)+"}}, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    given = [{"ParameterKey": "P", "ParameterValue": "a" * 400 + "!"}]
    with pytest.raises(ClientError, match="takes too long"):
        client("cloudformation").create_stack(StackName="s", TemplateBody=template, Parameters=given)


def test_a_prefix_is_no_pattern(client: Any) -> None:
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="a_b")["QueueUrl"]
    events.put_rule(Name="a.b", EventPattern='{"source": ["s"]}')
    events.put_rule(Name="a_b", EventPattern='{"source": ["s"]}')
    assert sqs.list_queues(QueueNamePrefix="a_")["QueueUrls"] == [url]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="a.") and "QueueUrls" not in sqs.list_queues(
        QueueNamePrefix="("
    )
    assert [rule["Name"] for rule in events.list_rules(NamePrefix="a.")["Rules"]] == ["a.b"]
