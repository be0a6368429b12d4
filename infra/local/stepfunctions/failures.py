"""How a state fails: an error name with a cause, and which Retry or Catch takes it.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
RUNTIME = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
QUERY_EVALUATION = "States.QueryEvaluationError"
INTRINSIC = "States.IntrinsicFailure"
NO_CHOICE = "States.NoChoiceMatched"

TERMINAL = {RUNTIME}  # neither retried nor caught
NOT_IN_ALL = {RUNTIME, DATA_LIMIT}
CAUSE_LIMIT = 32768  # characters of a cause in the history
ERROR_LIMIT = 256


class StateFailure(Exception):
    """What a state fails with.

    Parameters
    ----------
    error: the error name, such as `States.Timeout`; None where a worker gave none
    cause: what went wrong, in words or as JSON text
    location: the field of the state whose JSONata failed; makes the history's EvaluationFailed event
    is_evaluation: the failure is one of JSONata's
    also: another name by which a Retry or Catch may take it
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None = None,
        location: str | None = None,
        is_evaluation: bool = False,
        also: str | None = None,
    ):
        super().__init__(f"{error}: {cause}")
        self.error = error if error is None else error[:ERROR_LIMIT]
        self.cause = cause if cause is None else cause[:CAUSE_LIMIT]
        self.location = location
        self.is_evaluation = is_evaluation
        self.also = also


def matches(failure: StateFailure, names: list[str]) -> bool:
    """Whether one of the names of an ErrorEquals stands for this failure."""
    error = failure.error
    if error in TERMINAL:
        return False
    for name in names:
        if name in (error, failure.also) or (name == ALL and error not in NOT_IN_ALL):
            return True
        if name == TASK_FAILED and error not in {TIMEOUT, *NOT_IN_ALL}:
            return True
    return False
