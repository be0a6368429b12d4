"""AWS Step Functions: state machines, and an interpreter of the Amazon States Language for their executions."""

from infra.local.core.service import Service
from infra.local.stepfunctions.backend import BACKENDS
from infra.local.stepfunctions.lifecycle import forget, resume, stop
from infra.local.stepfunctions.responses import OF_EXECUTIONS, StatesResponse

SERVICE = Service(
    "states",
    BACKENDS,
    StatesResponse,
    unlocked=OF_EXECUTIONS,
    unsaved=OF_EXECUTIONS,
    forget=forget,
    resume=resume,
    stop=stop,
)
