"""Amazon EventBridge: buses and rules are moto's records; patterns, what is refused, schedules and delivery are made real here.

Sources: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html, API_PutRule.html, API_PutTargets.html
"""

from __future__ import annotations

import json
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events import models
from moto.events.exceptions import InvalidEventPatternException, ResourceNotFoundException, ValidationException
from moto.events.models import EventPattern, EventsBackend, Rule, events_backends
from moto.events.responses import EventsHandler

from infra.local.core import lineage, strict_json
from infra.local.core.service_principal import NotAllowed
from infra.local.events import buses, delivery, patterns, schedules, targets, transform
from infra.local.events.archives import LocalArchive, LocalReplay

BACKENDS = events_backends

MOST_ENTRIES = 10
MOST_BYTES = 1_048_576
TIME_BYTES = 14
MOST_TARGETS = 5
MOST_RULES = 300  # of a bus; https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MOST_PATTERN = 2048  # characters
TOO_MANY = "The requested resource exceeds the maximum number allowed."
RESERVED = {
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
}


class LocalPattern(EventPattern):
    @classmethod
    def load(cls, raw_pattern: str | None) -> LocalPattern:
        """Raises InvalidEventPatternException."""
        if not raw_pattern:
            return cls(None, {})
        try:
            return cls(raw_pattern, patterns.parse(raw_pattern))
        except patterns.InvalidPattern as error:
            raise InvalidEventPatternException(reason=str(error)) from None

    def matches_event(self, event: Any) -> bool:
        return bool(self._pattern) and patterns.matches(self._pattern, event)


class LocalRule(Rule):
    def takes(self, event: dict[str, Any]) -> bool:
        """Whether the rule is on and its pattern matches an event."""
        return self.state != "DISABLED" and self.event_pattern.matches_event(event)  # type: ignore[arg-type]


def envelope(
    account: str,
    region: str,
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    resources: list[str],
    seconds: float | None = None,
) -> dict[str, Any]:
    """Return an event as targets get it. seconds: its time, since 1970; now when None."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


class LocalEventsBackend(EventsBackend):
    def list_rules(self, prefix: str | None = None, **given: Any) -> Any:
        """Return the rules whose names begin so; moto takes the text for a regular expression."""
        return super().list_rules(prefix=re.escape(prefix) if prefix else None, **given)

    # --- events ---

    def put_service_event(
        self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str], seconds: float | None = None
    ) -> None:
        """Put an event of an AWS service on the default bus: it is on disk for all targets when this returns."""
        event = envelope(self.account_id, self.region_name, source, detail_type, detail, resources, seconds)
        buses.put(self._bus_arn("default"), event, self.account_id, lineage.current())

    def put_events(self, events: list[dict[str, Any]], hops: int = 0) -> list[dict[str, Any]]:
        """Put up to ten events; those that are not valid are answered by an error each.

        Parameters
        ----------
        hops: how many times the event behind the call has come round

        Raises
        ------
        ValidationException: too many, or too large together
        AccessDeniedException: the policy of another account's bus does not let this account
        """
        if len(events) > MOST_ENTRIES:
            raise ValidationException(
                "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed to satisfy "
                "constraint: Member must have length less than or equal to 10"
            )
        if sum(_size(entry) for entry in events) >= MOST_BYTES:
            raise ValidationException("Total size of the entries in the request is over the limit.")
        answers, accepted = [], []
        for entry in events:
            problem = _problem(entry)
            if problem:
                answers.append({"ErrorCode": problem[0], "ErrorMessage": problem[1]})
                continue
            event = self._event(entry)
            try:
                accepted += buses.items(self._bus_arn(entry.get("EventBusName")), event, self.account_id, hops)
            except buses.NoBus:
                pass  # EventBridge takes the event and drops it
            except NotAllowed as error:
                raise JsonRESTError("AccessDeniedException", str(error)) from None
            answers.append({"EventId": event["id"]})
        delivery.outbox.add(accepted)
        return answers

    def _event(self, entry: dict[str, Any]) -> dict[str, Any]:
        return envelope(
            self.account_id,
            self.region_name,
            entry["Source"],
            entry["DetailType"],
            json.loads(entry["Detail"]),
            entry.get("Resources") or [],
            entry.get("Time"),
        )

    def _bus_arn(self, bus: str | None) -> str:
        if bus and bus.startswith("arn:"):
            return bus
        return f"arn:aws:events:{self.region_name}:{self.account_id}:event-bus/{bus or 'default'}"

    # --- rules ---

    def put_rule(self, name: str, **given: Any) -> Rule:  # type: ignore[override]
        expression = given.get("scheduled_expression")
        if expression and not schedules.is_valid(expression):
            bus = self._normalize_event_bus_arn(given.get("event_bus_arn"))
            if bus == "default":
                raise ValidationException("Parameter ScheduleExpression is not valid.")
        self._check_quotas(name, given)
        rule = super().put_rule(name, **given)
        schedules.plan(rule)
        return rule

    def _check_quotas(self, name: str, given: dict[str, Any]) -> None:
        bus = self.event_buses.get(self._normalize_event_bus_arn(given.get("event_bus_arn")))
        too_many = bus is not None and name not in bus.rules and len(bus.rules) >= MOST_RULES
        if too_many or len(given.get("event_pattern") or "") > MOST_PATTERN:
            raise JsonRESTError("LimitExceededException", TOO_MANY)

    def describe_rule(self, name: str, event_bus_arn: str | None) -> Rule:
        bus = self._get_event_bus(self._normalize_event_bus_arn(event_bus_arn))
        if name not in bus.rules:
            raise ResourceNotFoundException(f"Rule {name} does not exist on EventBus {bus.name}.")
        return bus.rules[name]

    def enable_rule(self, name: str, event_bus_arn: str | None) -> bool:
        rule = self.describe_rule(name, event_bus_arn)
        rule.enable()
        schedules.plan(rule)
        return True

    def disable_rule(self, name: str, event_bus_arn: str | None) -> bool:
        rule = self.describe_rule(name, event_bus_arn)
        rule.disable()
        schedules.plan(rule)
        return True

    def delete_rule(self, name: str, event_bus_arn: str | None) -> None:
        super().delete_rule(name, event_bus_arn)
        if self._normalize_event_bus_arn(event_bus_arn) == "default":
            schedules.forget(f"arn:aws:events:{self.region_name}:{self.account_id}:rule/{name}")

    # --- targets ---

    def put_targets(self, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        rule = self.describe_rule(name, event_bus_arn)
        for target in targets:
            if not rule.managed_by and not name.startswith("Events-Archive-"):
                _check_target(target, self.account_id, self.region_name)
        if len({target["Id"] for target in (*rule.targets, *targets)}) > MOST_TARGETS:
            raise JsonRESTError("LimitExceededException", TOO_MANY)
        super().put_targets(name, event_bus_arn, targets)

    # --- archives ---

    def update_archive(self, name: str, description: Any, event_pattern: Any, retention: Any) -> dict[str, Any]:
        if description is None and event_pattern is None and retention is None:
            raise ValidationException("At least one of EventPattern, RetentionDays or Description must be provided.")
        answer = super().update_archive(name, description, event_pattern, retention)
        if event_pattern is not None:  # moto leaves the rule that fills the archive as it was
            pattern = {**json.loads(event_pattern), "replay-name": [{"exists": False}]}
            self.archives[name].rule.event_pattern = LocalPattern.load(json.dumps(pattern))
        return answer

    def start_replay(
        self, name: str, description: str, source_arn: str, start_time: str, end_time: str, destination: dict[str, Any]
    ) -> dict[str, Any]:
        if float(start_time) == float(end_time):
            raise ValidationException(
                "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
            )
        return super().start_replay(name, description, source_arn, start_time, end_time, destination)

    def list_archives(self, name_prefix: str | None, source_arn: str | None, state: str | None) -> list[dict[str, Any]]:
        if source_arn:
            self._get_event_bus(source_arn)
        return super().list_archives(name_prefix, source_arn, state)

    # --- what is not there, and permissions ---

    def create_api_destination(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise ValidationException(NO_API_DESTINATIONS)

    def _put_permission_from_params(
        self, event_bus: Any, action: Any, principal: Any, statement_id: Any, condition: Any
    ) -> None:
        super()._put_permission_from_params(event_bus, action, principal, statement_id, condition)
        if principal == "*":  # moto writes the root of an account "*"
            event_bus._statements[statement_id].principal = "*"


# --- what PutEvents refuses -----------------------------------------------------------------------------------------


def _size(entry: dict[str, Any]) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or ())]
    return (TIME_BYTES if entry.get("Time") is not None else 0) + sum(len(text.encode()) for text in texts if text)


def _problem(entry: dict[str, Any]) -> tuple[str, str] | None:
    """Return code and message of what is wrong with an entry of PutEvents."""
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        detail = strict_json.loads(entry["Detail"])
    except ValueError:
        detail = None
    return None if isinstance(detail, dict) else ("MalformedDetail", "Detail is malformed.")


# --- what PutTargets refuses ----------------------------------------------------------------------------------------

ARN = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12})?:\S+")
NO_API_DESTINATIONS = "The local AWS does not call API destinations: it sends nothing to other machines. Let a Lambda function make the call."


def _check_target(target: dict[str, Any], account: str, region: str) -> None:
    """Raises ValidationException."""
    arn, identifier = target["Arn"], target["Id"]
    if not ARN.fullmatch(arn):
        raise ValidationException(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    if sum(name in target for name in ("Input", "InputPath", "InputTransformer")) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {identifier}."
        )
    _check_input(target, identifier)
    if ":api-destination/" in arn:
        raise ValidationException(NO_API_DESTINATIONS)
    is_bus, kind = ":event-bus/" in arn, targets.kind(arn)
    if not is_bus and kind is None:
        service = arn.split(":")[2]
        hint = " EventBridge cannot start crawlers and jobs either." if service == "glue" else ""
        raise ValidationException(f"The local AWS sends no events to targets of this kind: {arn}.{hint}")
    elsewhere = is_bus and targets.split_arn(arn)[1:3] != (region, account)
    if not target.get("RoleArn") and (elsewhere or kind is not None and targets.KINDS[kind].needs_role):
        raise ValidationException(f"RoleArn is required for target {arn}.")


def _check_input(target: dict[str, Any], identifier: str) -> None:
    if "Input" in target:
        try:
            strict_json.loads(target["Input"])
        except ValueError:
            raise ValidationException(f"JSON syntax error in input for target {identifier}.") from None
    transformer = target.get("InputTransformer", {})
    paths = transformer.get("InputPathsMap", {})
    for path in [*paths.values(), *([target["InputPath"]] if "InputPath" in target else [])]:
        try:
            transform.steps(path)
        except transform.InvalidPath:
            raise ValidationException(f"Invalid JSON path {path} for target {identifier}.") from None
    for placeholder in transform.PLACEHOLDER.findall(transformer.get("InputTemplate", "")):
        if placeholder not in paths and placeholder not in RESERVED:
            raise ValidationException(
                f"InputTemplate for target {identifier} contains invalid placeholder {placeholder}."
            )


# --- answers --------------------------------------------------------------------------------------------------------

EVENT_FIELDS = ("id", "account", "source", "time", "region", "resources", "detail-type")


def _page(text: str, headers: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a page of a list; the last one has no NextToken (moto says null)."""
    page = json.loads(text)
    return json.dumps({name: value for name, value in page.items() if value is not None}), headers


class LocalEventsResponse(EventsHandler):
    def put_events(self) -> str:
        answers = self.events_backend.put_events(self._get_param("Entries"), lineage.current())
        failed = sum(1 for answer in answers if "ErrorCode" in answer)
        return json.dumps({"FailedEntryCount": failed, "Entries": answers})

    def list_targets_by_rule(self) -> tuple[str, dict[str, Any]]:
        self.events_backend.describe_rule(self._get_param("Rule"), self._get_param("EventBusName"))
        return _page(*super().list_targets_by_rule())

    def list_rules(self) -> tuple[str, dict[str, Any]]:
        return _page(*super().list_rules())

    def list_rule_names_by_target(self) -> tuple[str, dict[str, Any]]:
        return _page(*super().list_rule_names_by_target())

    def list_event_buses(self) -> tuple[str, dict[str, Any]]:
        return _page(*super().list_event_buses())

    def test_event_pattern(self) -> str:  # type: ignore[override]
        pattern = LocalPattern.load(self._get_param("EventPattern") or "")
        try:
            event = strict_json.loads(self._get_param("Event"))
        except ValueError:
            raise ValidationException("Parameter Event is not valid. Reason: it is not valid JSON.") from None
        missing = [name for name in EVENT_FIELDS if not isinstance(event, dict) or name not in event]
        if missing:
            raise ValidationException(f"Parameter Event is not valid. Reason: it has no {', '.join(missing)}.")
        return json.dumps({"Result": pattern.matches_event(event)})


RESPONSE = LocalEventsResponse

models.EventPattern = LocalPattern  # type: ignore[misc]
models.Rule = LocalRule  # type: ignore[misc]
models.Archive = LocalArchive  # type: ignore[misc]
models.Replay = LocalReplay  # type: ignore[misc]
events_backends.backend = LocalEventsBackend


def bus_policy(account: str, region: str, resource: str) -> str | None:
    """Return the policy of a bus by the last part of its ARN; None where there is none."""
    bus = events_backends[account][region].event_buses.get(resource.removeprefix("event-bus/"))
    return bus.policy if bus is not None else None


# --- start and stop of the server -----------------------------------------------------------------------------------


def resume() -> None:
    """Go on with events that were under way and with schedules; a lake of an older version gets today's classes."""
    for _, _, backend in list(events_backends.iter_backends()):
        backend.__class__ = LocalEventsBackend
        for bus in backend.event_buses.values():
            for rule in bus.rules.values():
                rule.__class__ = LocalRule
                rule.event_pattern = LocalPattern(rule.event_pattern.dump(), rule.event_pattern.get_pattern())
    schedules.resume()
    delivery.outbox.resume()


def stop() -> None:
    schedules.table.stop()
    delivery.outbox.stop()
