"""Limits, odd requests, and what is found out about a call that was cut off."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from moto.core.utils import get_service_model

from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations import calls, jobs
from infra.local.stepfunctions.simulation import Simulation
from infra.local.stepfunctions.validation import diagnose
from tests.local.stepfunctions.flows import machine
from tests.local.stepfunctions.test_states_cases import cases, definition

JUNK = [
    None,
    True,
    -1,
    1.5,
    "",
    "$",
    "$..",
    "{% ( %}",
    "States.X(",
    [],
    {},
    [1],
    {"a": 1},
    "x" * 90,
    "é\u0000",
    10**30,
    ["States.ALL"],
]
ENDLESS = machine(("Again", {"Type": "Pass", "Next": "Choose"}), ("Choose", {"Type": "Choice", "Choices": [{"Variable": "$", "IsPresent": True, "Next": "Again"}]}))  # fmt: skip


@pytest.mark.unit
def test_an_execution_has_at_most_25000_events():
    execution = Simulation(ENDLESS).run()
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.cause == "The execution reached the maximum number of history events (25000)."
    assert len(execution.events) == 25_000


def _places(value: Any, way: tuple = ()) -> list[tuple]:
    found = [way]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*way, key))
    return found


@pytest.mark.unit
def test_no_definition_makes_the_check_fail():
    """Every definition of the list, changed at random in one place: a diagnosis, never an exception."""
    dice = random.Random(1)
    wrong = 0
    for case in cases():
        for _ in range(8):
            changed = json.loads(json.dumps(definition(case.values[0])))
            *way, last = dice.choice(_places(changed)[1:])
            inner = changed
            for key in way:
                inner = inner[key]
            inner[last] = dice.choice(JUNK)
            wrong += bool(diagnose(json.dumps(changed)))
    assert wrong > 1000


@pytest.mark.parametrize("operation", get_service_model("stepfunctions").operation_names)
def test_no_request_makes_an_internal_failure(server, account, operation):
    shape = get_service_model("stepfunctions").operation_model(operation).input_shape
    arn = f"arn:aws:states:us-east-1:{account}:stateMachine:none:1"
    texts = [
        "x",
        arn,
        arn[:-2],
        arn.replace("stateMachine", "execution"),
        arn.replace(":stateMachine:none:1", ":activity:a"),
        "{",
    ]
    credential = f"Credential={account}/20260101/us-east-1/states/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=x",
        "X-Amz-Target": f"AWSStepFunctions.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
    }
    bodies: list[Any] = [{}, [], "text", {name: 1 for name in shape.members}]
    bodies += [
        {name: text if member.type_name == "string" else [] for name, member in shape.members.items()} for text in texts
    ]
    bodies += [{name: text for name in shape.required_members} for text in texts]
    for body in bodies:
        answer = requests.post(server.endpoint, json.dumps(body), headers=headers, timeout=90)
        assert answer.status_code < 500, (body, answer.text)


# --- a call that was under way when the server ended ------------------------------------------------------------------


class Glue:
    def __init__(self, runs: list[dict[str, Any]]):
        self.runs = runs
        self.started: list[dict[str, Any]] = []

    def get_job_runs(self, JobName: str) -> dict[str, Any]:
        return {"JobRuns": self.runs}

    def start_job_run(self, **given: Any) -> dict[str, Any]:
        self.started.append(given)
        return {"JobRunId": "jr_new"}


def call_of(glue: Glue, monkeypatch: pytest.MonkeyPatch) -> calls.Call:
    execution = Simulation(machine(("Only", {"Type": "Pass"}))).execution
    scheduled = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    task = {
        "id": "t",
        "resource": "arn:aws:states:::glue:startJobRun.sync",
        "arguments": {"JobName": "j", "Arguments": {"--day": "1"}},
        "scheduled": scheduled,
    }
    monkeypatch.setattr(calls.Call, "client", lambda self, service, region=None: glue)
    return calls.Call(execution, task)


def run(number: str, hour: int, day: str = "1") -> dict[str, Any]:
    return {"Id": number, "StartedOn": datetime(2026, 1, 1, hour, tzinfo=UTC), "Arguments": {"--day": day}}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("runs", "taken", "expected"),
    [
        ([], [], "jr_new"),
        ([run("jr_old", 11)], [], "jr_new"),
        ([run("jr_other", 13, "2")], [], "jr_new"),
        ([run("jr_taken", 13)], ["jr_taken"], "jr_new"),
        ([run("jr_mine", 13), run("jr_old", 11)], [], "jr_mine"),
        ([run("jr_a", 13), run("jr_b", 13)], [], None),
    ],
)
def test_a_job_run_that_was_started_is_found_again(monkeypatch, runs, taken, expected):
    glue = Glue(runs)
    call = call_of(glue, monkeypatch)
    store: Any = SimpleNamespace(has_output=lambda service, part: part in taken)
    found = jobs.recover(call, store)
    if expected is None:
        assert found is None
        with pytest.raises(StateFailure) as failure:
            calls.recover(call, store)
        assert failure.value.error == "Glue.SdkClientException"
    else:
        assert found is not None and found.output == {"JobName": "j", "JobRunId": expected}
        assert found.handle == {"JobName": "j", "RunId": expected}
    assert len(glue.started) == (expected == "jr_new")
