"""Executions at work: their states, and what is told about them to EventBridge and CloudWatch."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from infra.local.athena.api.executions import FINAL, Execution, store
from infra.local.core import telemetry

if TYPE_CHECKING:
    from infra.engines.athena.client import Engine
    from infra.local.athena.statements.parser import Statement

log = logging.getLogger("workshop.athena")


@dataclasses.dataclass
class Limits:
    """What the workgroup says about an execution, taken when it was started."""

    enforced: bool = False
    scan_limit: int | None = None
    metrics: bool = False


class Job:
    """An execution that is queued or running: its statement, the text that holds it, and the values of its parameters."""

    def __init__(self, execution: Execution, statement: Statement, text: str, parameters: list[str], limits: Limits):
        self.execution, self.statement, self.limits = execution, statement, limits
        self.text, self.parameters = text, parameters
        self.cancelled, self.ended = threading.Event(), threading.Event()
        self.engine: Engine | None = None  # while it works
        self.lock = threading.RLock()
        self.events = 0
        self.previous: str | None = None

    def move(self, to: str, reason: str | None = None, error: dict[str, Any] | None = None) -> bool:
        """Go to another state and save it; False when the execution has ended already."""
        with self.lock:
            execution = self.execution
            if execution.state in FINAL:
                return False
            execution.state, execution.reason, execution.error = to, reason, error
            if to in FINAL:
                execution.completed = time.time()
                execution.processing_ms = max(
                    execution.total_ms() - execution.queue_ms - execution.planning_ms - execution.engine_ms, 0
                )
            store(execution.account, execution.region).save(execution)
            self.tell()
        if to in FINAL:
            running_jobs.pop(execution.id, None)
            if self.limits.metrics:
                _metrics(execution)
        return True

    def note(self, target: dict[str, Any]) -> None:
        """Save what the statement is about to make: if the server ends meanwhile, it is taken away again."""
        self.execution.target = target
        store(self.execution.account, self.execution.region).save(self.execution)

    def interrupt(self) -> None:
        """End the work of the engine; it will not begin any."""
        with self.lock:
            self.cancelled.set()
            if self.engine is not None:
                self.engine.stop()

    def tell(self) -> None:
        """Send the EventBridge event of the present state, in the background and in order."""
        execution = self.execution
        self.events += 1
        detail: dict[str, Any] = {
            "versionId": "0",
            "currentState": execution.state,
            "statementType": execution.type,
            "queryExecutionId": execution.id,
            "workgroupName": execution.workgroup,
            "sequenceNumber": str(self.events),
        }
        if self.previous:
            detail["previousState"] = self.previous
        if execution.error:
            detail["athenaError"] = {key[0].lower() + key[1:]: value for key, value in execution.error.items()}
        self.previous = execution.state
        _events.submit(_send_event, execution.account, execution.region, detail)


running_jobs: dict[str, Job] = {}
_events = ThreadPoolExecutor(1, thread_name_prefix="athena-events")


def _send_event(account: str, region: str, detail: dict[str, Any]) -> None:
    try:
        telemetry.event(account, region, "aws.athena", "Athena Query State Change", detail)
    except Exception:
        log.exception("event of query %s", detail["queryExecutionId"])


def _metrics(execution: Execution) -> None:
    statistics = execution.statistics()
    names = {
        "TotalExecutionTime": "TotalExecutionTimeInMillis", "QueryQueueTime": "QueryQueueTimeInMillis",
        "QueryPlanningTime": "QueryPlanningTimeInMillis", "EngineExecutionTime": "EngineExecutionTimeInMillis",
        "ServiceProcessingTime": "ServiceProcessingTimeInMillis",
    }  # fmt: skip
    values: dict[str, tuple[float, str]] = {name: (statistics[key], "Milliseconds") for name, key in names.items()}
    values["ProcessedBytes"] = (execution.scanned, "Bytes")
    dimensions = {"QueryState": execution.state, "QueryType": execution.type, "WorkGroup": execution.workgroup}
    telemetry.metric(execution.account, execution.region, "AWS/Athena", dimensions, values)


def stop() -> None:
    """Send the events that wait."""
    _events.shutdown(wait=True, cancel_futures=True)
