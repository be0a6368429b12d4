"""History events as GetExecutionHistory shows them.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from typing import Any

DATA = ("input", "output", "parameters", "assignedVariables")
STATE_DETAILS = (("StateEntered", "stateEnteredEventDetails"), ("StateExited", "stateExitedEventDetails"))


def shown(event: dict[str, Any], with_data: bool) -> dict[str, Any]:
    """Return an event of the API. with_data: with input and output."""
    out = {name: event[name] for name in ("timestamp", "type", "id", "previousEventId")}
    details = event.get("details")
    if details is None:
        if event["type"] in (
            "ExecutionFailed",
            "ExecutionAborted",
            "ExecutionTimedOut",
            "TaskFailed",
            "ActivityFailed",
        ):
            out[_member(event["type"])] = {}
        return out
    if not with_data:
        details = {name: value for name, value in details.items() if name not in DATA}
    out[_member(event["type"])] = details
    return out


def _member(kind: str) -> str:
    for ending, member in STATE_DETAILS:
        if kind.endswith(ending):
            return member
    return kind[0].lower() + kind[1:] + "EventDetails"
