"""Amazon EventBridge Scheduler: schedules and groups are moto's records; here they are checked, and fire.

Sources: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html,
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from pathlib import Path
from typing import Any

from moto.scheduler.exceptions import ScheduleExists, ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, ScheduleGroup, scheduler_backends
from moto.scheduler.responses import EventBridgeSchedulerResponse

from infra.local import events
from infra.local.core import roles, state, telemetry
from infra.local.core.outbox import Again, Item, Outbox
from infra.local.core.records import as_records
from infra.local.core.service_principal import Caller, split_arn
from infra.local.core.timetable import Timetable
from infra.local.scheduler import calls, times

log = logging.getLogger("workshop.scheduler")

BACKENDS = scheduler_backends
RESPONSE = EventBridgeSchedulerResponse
PRINCIPAL = "scheduler.amazonaws.com"
MISSED_SECONDS = 60.0  # a time of a recurring schedule that passed while the server was stopped is left out


def group_arn(schedule_arn: str) -> str:
    """Return the ARN of a schedule's group: what Scheduler gives as aws:SourceArn."""
    head, _, name = schedule_arn.rpartition("/")
    return head.replace(":schedule/", ":schedule-group/") if name else schedule_arn


class LocalSchedulerBackend(EventBridgeSchedulerBackend):
    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.keep_rows()

    def keep_rows(self) -> None:
        """Let groups and their schedules be rows; they were plain in lakes of before."""
        as_records(self, "schedule_groups")
        for group in self.schedule_groups.values():
            as_records(group, "schedules")

    def create_schedule(self, group_name: str, name: str, **given: Any) -> Schedule:  # type: ignore[override]
        group = self.get_schedule_group(group_name)
        if name in group.schedules:
            raise ScheduleExists(name)
        self._check(group.arn, given)
        schedule = super().create_schedule(group_name=group_name, name=name, **given)
        _plan(schedule)
        return schedule

    def update_schedule(self, group_name: str, name: str, **given: Any) -> Schedule:  # type: ignore[override]
        known = self.get_schedule(group_name, name)
        self._check(group_arn(known.arn), given)
        given["state"] = given.get("state") or "ENABLED"
        schedule = super().update_schedule(group_name=group_name, name=name, **given)
        _plan(schedule)
        return schedule

    def delete_schedule(self, group_name: str | None, name: str) -> None:
        arn = self.get_schedule(group_name, name).arn
        super().delete_schedule(group_name, name)
        state.afterwards(lambda: table.set(arn, None))

    def create_schedule_group(self, name: str, tags: list[dict[str, str]]) -> ScheduleGroup:
        if name in self.schedule_groups:
            exists = ScheduleExists(name)
            exists.message = f"Schedule group {name} already exists."
            raise exists
        group = super().create_schedule_group(name, tags or [])
        as_records(group, "schedules")
        return group

    def delete_schedule_group(self, name: str | None) -> None:
        if name == "default":
            raise ValidationException("The default schedule group cannot be deleted.")
        group = self.get_schedule_group(name)
        for schedule in list(group.schedules.values()):
            self.delete_schedule(group.name, schedule.name)
        super().delete_schedule_group(group.name)

    def _check(self, source: str, given: dict[str, Any]) -> None:
        """Raises ValidationException."""
        target, window = given["target"], given["flexible_time_window"]
        try:
            times.check(given["schedule_expression"], given.get("schedule_expression_timezone") or "UTC")
            calls.check(target)
        except (times.InvalidSchedule, calls.InvalidTarget) as error:
            raise ValidationException(str(error)) from None
        if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
            raise ValidationException(
                "MaximumWindowInMinutes must be specified if, and only if, the mode of FlexibleTimeWindow is FLEXIBLE."
            )
        try:
            roles.session(self.account_id, target["RoleArn"], "scheduler", source_arn=source)
        except roles.CannotAssume:
            raise ValidationException(
                "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            ) from None


def _plan(schedule: Any) -> None:
    table.set(schedule.arn, _spread(schedule, times.next_time(schedule, time.time() - 1)))


def _spread(schedule: Any, due: float | None) -> float | None:
    """Return a time in the schedule's flexible window."""
    minutes = schedule.flexible_time_window.get("MaximumWindowInMinutes", 0)
    return None if due is None else due + random.uniform(0, minutes * 60)


def _fire(arn: str, due: float) -> float | None:
    _, region, account, resource = split_arn(arn)
    _, group_name, name = resource.split("/")
    backend, now = scheduler_backends[account][region], time.time()
    with state.lock("scheduler", account):
        group = backend.schedule_groups.get(group_name)
        schedule = group.schedules.get(name) if group else None
        if schedule is None or schedule.state != "ENABLED":
            return None
        if now - due < MISSED_SECONDS or times.is_once(schedule.schedule_expression):
            execution = str(uuid.uuid4())
            body = {"arn": arn, "target": schedule.target, "due": due, "execution": execution}
            outbox.add([(arn, body)])
        window = schedule.flexible_time_window.get("MaximumWindowInMinutes", 0) * 60
        following = times.next_time(schedule, max(now, due + window if window else due))
        if following is None and schedule.action_after_completion == "DELETE":
            backend.delete_schedule(group_name, name)
            state.save("scheduler", account, region)
        return _spread(schedule, following)


# --- delivery -------------------------------------------------------------------------------------------------------


def _deliver(items: list[Item]) -> list[Again | None]:
    return [_deliver_one(item) for item in items]


def _deliver_one(item: Item) -> Again | None:
    body = item.body
    arn, target = body["arn"], body["target"]
    _, region, account, resource = split_arn(arn)
    caller = Caller(PRINCIPAL, account, region, group_arn(arn))
    text = calls.filled(
        target.get("Input") or calls.default_input(account, region, arn, body["due"]),
        arn,
        body["due"],
        body["execution"],
        item.attempts + 1,
    )
    dimensions = {"ScheduleGroup": resource.split("/")[1]}
    telemetry.metric(account, region, "AWS/Scheduler", dimensions, {"InvocationAttemptCount": (1.0, "Count")})
    failure = calls.call(caller, target, text, body["execution"])
    if failure is None:
        return None
    decided = events.again(target.get("RetryPolicy", {}), item, failure)
    if isinstance(decided, Again):
        return decided
    log.warning("schedule %s to %s: %s: %s", arn, target["Arn"], failure.code, failure.message)
    counts = {"TargetErrorCount": (1.0, "Count"), "InvocationDroppedCount": (1.0, "Count")}
    dead = target.get("DeadLetterConfig", {}).get("Arn")
    if dead:
        attributes = {
            "SCHEDULE_ARN": arn,
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message or failure.code,
            "RETRY_ATTEMPTS": str(item.attempts),
            "EXHAUSTED_RETRY_CONDITION": decided,
        }
        sent = events.bury(caller, {"Arn": dead, "RoleArn": target["RoleArn"]}, text, attributes)
        name = "InvocationsSentToDeadLetterCount" if sent else "InvocationsFailedToBeSentToDeadLetterCount"
        counts[name] = (1.0, "Count")
    telemetry.metric(account, region, "AWS/Scheduler", dimensions, counts)
    return None


def _times_path() -> Path:
    return state.root() / "schedules.sqlite"


def _outbox_path() -> Path:
    return state.root() / "scheduler.sqlite"


table = Timetable("scheduler", _times_path, _fire)
outbox = Outbox("scheduler", _outbox_path, _deliver)
scheduler_backends.backend = LocalSchedulerBackend


def resume() -> None:
    """Go on after a restart; schedules of a lake of an older version are planned."""
    table.resume()
    for _, _, backend in list(scheduler_backends.iter_backends()):
        backend.__class__ = LocalSchedulerBackend
        backend.keep_rows()
        for group in backend.schedule_groups.values():
            for schedule in group.schedules.values():
                if table.due(schedule.arn) is None:
                    _plan(schedule)
    outbox.resume()


def stop() -> None:
    table.stop()
    outbox.stop()
