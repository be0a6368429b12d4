"""The list of definitions with what must come out of them, by feature: see the files in cases/.

They are run by the interpreter alone, without a server; tasks are answered from the case, time is not waited for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.simulation import Simulation
from infra.local.stepfunctions.validation import diagnose

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parent / "cases"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
RESOURCES = {"TASK": LAMBDA, "TOKEN": "arn:aws:states:::lambda:invoke.waitForTaskToken"}
BIG = "x" * 262_144


def cases() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        for case in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader):
            found.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return found


def definition(case: dict[str, Any]) -> dict[str, Any]:
    """Return the whole definition of a case that gives only a state, a call, an expression or a rule."""
    if "machine" in case:
        return case["machine"]
    if "rule" in case:
        choice = {"Type": "Choice", "Choices": [{**case["rule"], "Next": "Yes"}], "Default": "No"}
        ends = {name: {"Type": "Pass", "Result": name == "Yes", "End": True} for name in ("Yes", "No")}
        return {"StartAt": "State", "States": {"State": choice, **ends}}
    if "call" in case:
        state = {"Type": "Pass", "Parameters": {"value.$": case["call"]}, "OutputPath": "$.value"}
    elif "expression" in case:
        state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% {case['expression']} %}}"}
    else:
        state = case["state"]
    ends = {} if state["Type"] in ("Succeed", "Fail") or "Next" in state else {"End": True}
    states = {"State": {**state, **ends}}
    if "Caught" in json.dumps(state):
        states["Caught"] = {"Type": "Pass", "End": True}
    return {"StartAt": "State", "States": states}


class Answers:
    """Answers the tasks of a case, one after the other; the last one again and again."""

    def __init__(self, answers: list[Any]):
        self.answers = answers
        self.asked = 0

    def __call__(self, task: dict[str, Any], arguments: Any) -> Any:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if answer == "never":
            return None
        if answer == "echo":
            return arguments
        if answer == "big":
            return BIG
        if "error" in answer:
            raise StateFailure(answer["error"], answer.get("cause"))
        return answer["result"]


@pytest.mark.parametrize("case", cases())
def test_case(case):
    text = json.dumps(definition(case))
    for name, arn in RESOURCES.items():
        text = text.replace(f'"{name}"', f'"{arn}"')
    given = {name: case[name] for name in ("v", "w") if name in case} if "rule" in case else case.get("input", {})
    faults = [fault.text() for fault in diagnose(text)]
    assert bool(faults) == case.get("invalid", False), faults
    if faults:
        return
    answers = Answers(case.get("answers", []))
    simulation = Simulation(text, json.dumps(given), answers)
    execution = simulation.run()
    if "error" in case:
        assert (execution.status, execution.error) == ("FAILED", case["error"]), (execution.output, execution.cause)
        assert "cause" not in case or execution.cause == case["cause"]
    else:
        status = case.get("status", "SUCCEEDED")
        assert execution.status == status, (execution.error, execution.cause)
        if status == "SUCCEEDED":
            expected = next(case[name] for name in ("output", "value", "holds") if name in case)
            assert json.loads(execution.output) == expected
            assert type(json.loads(execution.output)) is type(expected)
    assert "slept" not in case or simulation.slept == pytest.approx(case["slept"])
    assert simulation.slept <= case.get("slept_at_most", float("inf"))
    assert "tried" not in case or answers.asked == case["tried"]


def test_the_list_is_long_enough():
    assert len(cases()) >= 150
