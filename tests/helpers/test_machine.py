"""The picture of a state machine: ways, places, and what has become of each state."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt

from helpers.machine import _places, draw_machine, edges, states_of

DEFINITION: dict[str, Any] = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
        "Look": {"Type": "Task", "Next": "Ready?", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fault"}]},
        "Ready?": {"Type": "Choice", "Choices": [{"Next": "Wait"}, {"Next": "End"}], "Default": "Fault"},
        "End": {"Type": "Succeed"},
        "Fault": {"Type": "Fail"},
    },
}


def test_ways_and_places() -> None:
    ways = edges(DEFINITION)
    assert ways == [
        ("Wait", "Look", "next"),
        ("Look", "Ready?", "next"),
        ("Look", "Fault", "catch"),
        ("Ready?", "Wait", "choice"),
        ("Ready?", "End", "choice"),
        ("Ready?", "Fault", "choice"),
    ]
    places = _places(DEFINITION, ways)
    assert places == {"Wait": (0, 0), "Look": (0, -1), "Ready?": (0, -2), "End": (0, -3), "Fault": (1, -3)}


def test_picture_holds_every_state() -> None:
    figure = draw_machine(DEFINITION, "title", {"Wait": "done", "Look": "running"})
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"Wait", "Look", "Ready?", "End", "Fault", "Wait · done", "Task · running"} <= set(texts)
    plt.close(figure)


def test_states_of_a_history() -> None:
    def entered(name: str, kind: str = "Task") -> dict[str, Any]:
        return {"type": f"{kind}StateEntered", "stateEnteredEventDetails": {"name": name}}

    def exited(name: str, kind: str = "Task") -> dict[str, Any]:
        return {"type": f"{kind}StateExited", "stateExitedEventDetails": {"name": name}}

    caught = [
        entered("Look"),
        {"type": "TaskFailed"},
        exited("Look"),
        {"type": "FailStateEntered", "stateEnteredEventDetails": {"name": "Fault"}},
    ]
    assert states_of([entered("Wait", "Wait"), exited("Wait", "Wait"), *caught]) == {
        "Wait": "done", "Look": "caught", "Fault": "failed",
    }  # fmt: skip
    tried_again = [entered("Look"), {"type": "TaskFailed"}, {"type": "TaskSucceeded"}, exited("Look")]
    assert states_of(tried_again) == {"Look": "done"}
    assert states_of([entered("Look"), {"type": "TaskFailed"}, {"type": "ExecutionFailed"}]) == {"Look": "failed"}
    assert states_of([entered("Look")]) == {"Look": "running"}
