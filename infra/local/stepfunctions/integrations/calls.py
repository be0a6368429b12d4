"""A task's calls: its start, what becomes of it, its end from outside, and what became of it while the server was down.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.local.core import lineage, roles
from infra.local.stepfunctions import resources
from infra.local.stepfunctions.clock import log
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.record import Execution
from infra.local.stepfunctions.scope import compact
from infra.local.stepfunctions.store import Store


class Started(NamedTuple):
    """What a start gave.

    Parameters
    ----------
    output: the answer of the call
    is_submitted: the task goes on after the call: it is watched, or a worker tells its end
    handle: by which a job is watched and stopped; None for one that nobody watches
    resource: the ARN of the integration
    """

    output: Any
    is_submitted: bool = False
    handle: dict[str, Any] | None = None
    resource: str = ""


class Result(NamedTuple):
    """The end of a job that went well."""

    output: Any


@dataclass
class Call:
    """One try of a task, for the module of its integration."""

    execution: Execution
    task: dict[str, Any]

    @cached_property
    def resource(self) -> resources.Resource:
        return resources.parse(self.task["resource"])

    @property
    def arguments(self) -> Any:
        return self.task["arguments"]

    @property
    def token(self) -> str:
        """A text that is the same whenever this try is started again: by it a service knows the call."""
        return hashlib.sha256(f"{self.execution.arn}|{self.task['id']}".encode()).hexdigest()[:32]

    def client(self, service: str, region: str | None = None) -> Any:
        """Return boto3's client of a service, as the state machine's role. Raises StateFailure if the role may not be assumed."""
        execution = self.execution
        name = hashlib.sha256(execution.machine_arn.encode()).hexdigest()[:32]
        try:
            session = roles.session(execution.account, execution.role, "states", name, execution.machine_arn)
        except roles.CannotAssume as error:
            raise StateFailure("States.TaskFailed", str(error)) from None
        return session.client(region or execution.region, service)


def start(call: Call) -> Started:
    """Make the call of a task. Raises StateFailure."""
    with lineage.caused_by(call.execution.hops):
        started: Started = _module(call).start(call)
    return started._replace(resource=call.resource.arn)


def poll(call: Call) -> Result | None:
    """Look at a job that was started; None while it runs. Raises StateFailure if it has failed."""
    result: Result | None = _module(call).poll(call)
    return result


def cancel(call: Call) -> None:
    """Stop a job that is no longer wanted; a job that is over is left alone."""
    try:
        _module(call).cancel(call)
    except (ClientError, StateFailure) as error:
        # the execution's end does not depend on it: on AWS too, stopping the job is tried, no more
        log.info("%s: the job was not stopped: %s", call.execution.arn, error)


def recover(call: Call, store: Store) -> Started:
    """Find out what became of a call that was under way when the server ended. Raises StateFailure where that cannot be known.

    Calls that only read are made again; so are those that a service knows by a token. A job's run is looked for.
    """
    module = _module(call)
    if hasattr(module, "recover"):
        found: Started | None = module.recover(call, store)
        if found is not None:
            return found._replace(resource=call.resource.arn)
    elif module.is_repeatable(call):
        return start(call)
    name = module.error_prefix(call)
    raise StateFailure(
        f"{name}.SdkClientException",
        "The local AWS was stopped while the call was under way: whether the service has done it is not known.",
    )


def text(value: Any) -> str:
    """Return the JSON text of a task's input."""
    return compact(value)


def _module(call: Call) -> Any:
    from infra.local.stepfunctions.integrations import functions, jobs, messages, nested, sdk

    resource = call.resource
    if resource.kind == "sdk":
        return sdk
    if resource.service == "lambda":
        return functions
    if resource.service == "states":
        return nested
    if resource.service in ("sqs", "sns", "events"):
        return messages
    return jobs
