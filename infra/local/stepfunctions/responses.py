"""The service's operations by name, and how a request reaches them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.stepfunctions.responses import StepFunctionResponse

from infra.local.stepfunctions import activities, executions, machines, mapruns, teststate, versions
from infra.local.stepfunctions.api import Ask, Operation, check
from infra.local.stepfunctions.backend import BACKENDS

OPERATIONS: dict[str, Operation] = {
    "CreateActivity": activities.create,
    "CreateStateMachine": machines.create,
    "CreateStateMachineAlias": versions.create_alias,
    "DeleteActivity": activities.delete,
    "DeleteStateMachine": machines.delete,
    "DeleteStateMachineAlias": versions.delete_alias,
    "DeleteStateMachineVersion": versions.delete_version,
    "DescribeActivity": activities.describe,
    "DescribeExecution": executions.describe,
    "DescribeMapRun": mapruns.describe,
    "DescribeStateMachine": machines.describe,
    "DescribeStateMachineAlias": versions.describe_alias,
    "DescribeStateMachineForExecution": executions.machine_of,
    "GetActivityTask": activities.get_task,
    "GetExecutionHistory": executions.get_history,
    "ListActivities": activities.list_,
    "ListExecutions": executions.list_,
    "ListMapRuns": mapruns.list_,
    "ListStateMachineAliases": versions.list_aliases,
    "ListStateMachineVersions": versions.list_versions,
    "ListStateMachines": machines.list_,
    "ListTagsForResource": machines.list_tags,
    "PublishStateMachineVersion": versions.publish,
    "RedriveExecution": executions.redrive,
    "SendTaskFailure": executions.send_failure,
    "SendTaskHeartbeat": executions.send_heartbeat,
    "SendTaskSuccess": executions.send_success,
    "StartExecution": executions.start,
    "StartSyncExecution": executions.start_sync,
    "StopExecution": executions.stop,
    "TagResource": machines.tag,
    "TestState": teststate.test_state,
    "UntagResource": machines.untag,
    "UpdateMapRun": mapruns.describe,
    "UpdateStateMachine": machines.update,
    "UpdateStateMachineAlias": versions.update_alias,
    "ValidateStateMachineDefinition": machines.validate,
}
OF_EXECUTIONS = {  # what they change is in the store of executions, not in the backend
    "DescribeExecution",
    "DescribeStateMachineForExecution",
    "GetActivityTask",
    "GetExecutionHistory",
    "ListExecutions",
    "RedriveExecution",
    "SendTaskFailure",
    "SendTaskHeartbeat",
    "SendTaskSuccess",
    "StartExecution",
    "StartSyncExecution",
    "StopExecution",
    "TestState",
}


class StatesResponse(StepFunctionResponse):
    """Moto's dispatcher with our operations."""


def _method(name: str, operation: Operation) -> Callable[[StatesResponse], Any]:
    def method(self: StatesResponse) -> str:
        given = {member: value for member, value in json.loads(self.body or "{}").items() if value is not None}
        check(name, given)
        backend = BACKENDS[self.current_account][self.region]
        return json.dumps(operation(Ask(self.current_account, self.region, backend, given)))

    return method


for _name, _operation in OPERATIONS.items():
    setattr(StatesResponse, camelcase_to_underscores(_name), _method(_name, _operation))
