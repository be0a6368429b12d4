"""Operations on state machines, their tags, and the check of definitions.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""

from __future__ import annotations

import re
import time
from typing import Any

from infra.local.core import registry, roles
from infra.local.stepfunctions.api import Answer, Ask, page, present
from infra.local.stepfunctions.backend import ACTIVITY, MACHINE, Machine, Settings, check_name
from infra.local.stepfunctions.definition import Definition
from infra.local.stepfunctions.engine import ENGINE
from infra.local.stepfunctions.errors import StatesError, invalid, invalid_arn, no_resource
from infra.local.stepfunctions.validation import diagnose
from infra.local.stepfunctions.variables import references

MAX_TAGS = 50
MAX_DIAGNOSTICS = 100
ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
LOG_GROUP = re.compile(r"arn:aws[\w-]*:logs:([\w-]+):(\d{12}):log-group:([^:]+):\*")
UNTRUSTED = "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."
NO_LOG_RIGHTS = "The state machine IAM Role is not authorized to access the Log Destination"
LOG_RIGHTS = (  # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)


def create(ask: Ask) -> Answer:
    name, kind = ask["name"], ask.get("type") or "STANDARD"
    check_name(name)
    if ask.get("versionDescription") and not ask.get("publish"):
        raise invalid("Version description can only be set when publish is true")
    settings = Settings(
        ask["definition"],
        ask["roleArn"],
        _logging(ask, ask.get("loggingConfiguration")),
        {"enabled": bool((ask.get("tracingConfiguration") or {}).get("enabled"))},
        _encryption(ask.get("encryptionConfiguration")),
    )
    _check_definition(settings.definition, kind)
    _check_role(ask, settings.role, settings.logging)
    _check_tags(ask.get("tags") or [])
    arn = ask.backend.arn("stateMachine", name)
    machine = ask.backend.find(arn)
    if machine is None:
        now = time.time()
        machine = Machine(arn, name, kind, settings, now, now)
        ask.backend.state_machines.append(machine)
        if ask.get("tags"):
            ask.backend.tagger.tag_resource(arn, ask["tags"])
    elif machine.kind != kind or _without_revision(machine.settings) != settings:
        raise StatesError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    answer: Answer = {"stateMachineArn": arn, "creationDate": machine.created}
    if ask.get("publish"):
        answer["stateMachineVersionArn"] = machine.publish(ask.get("versionDescription")).arn
    return answer


def _without_revision(settings: Settings) -> Settings:
    return Settings(settings.definition, settings.role, settings.logging, settings.tracing, settings.encryption)


def update(ask: Ask) -> Answer:
    machine = ask.backend.machine(ask["stateMachineArn"])
    names = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
    if not any(ask.get(name) is not None for name in names) and not ask.get("publish"):
        raise StatesError(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
        )
    if ask.get("versionDescription") and not ask.get("publish"):
        raise invalid("Version description can only be set when publish is true")
    changes: dict[str, Any] = {}
    if ask.get("definition") is not None:
        _check_definition(ask["definition"], machine.kind)
        changes["definition"] = ask["definition"]
    if ask.get("roleArn") is not None:
        changes["role"] = ask["roleArn"]
    if ask.get("loggingConfiguration") is not None:
        changes["logging"] = _logging(ask, ask["loggingConfiguration"])
    if ask.get("tracingConfiguration") is not None:
        changes["tracing"] = {"enabled": bool(ask["tracingConfiguration"].get("enabled"))}
    if ask.get("encryptionConfiguration") is not None:
        changes["encryption"] = _encryption(ask["encryptionConfiguration"])
    if changes.keys() & {"role", "logging"}:
        before = machine.settings
        _check_role(ask, changes.get("role", before.role), changes.get("logging", before.logging))
    machine.update(changes)
    answer: Answer = {"updateDate": machine.updated, "revisionId": machine.settings.revision or None}
    if ask.get("publish"):
        answer["stateMachineVersionArn"] = machine.publish(ask.get("versionDescription")).arn
    return present(answer)


def delete(ask: Ask) -> Answer:
    match = MACHINE.fullmatch(ask["stateMachineArn"])
    if not match or match[2]:
        raise invalid_arn(ask["stateMachineArn"])
    machine = ask.backend.find(match[1])
    if machine is not None:
        ask.backend.state_machines.remove(machine)
        ENGINE.stop_all(machine.arn)
        ask.backend.tagger.delete_all_tags_for_resource(machine.arn)
    return {}


def describe(ask: Ask) -> Answer:
    machine, settings, version, _ = ask.backend.resolve(ask["stateMachineArn"])
    answer = description(machine, settings, ask.get("includedData") != "METADATA_ONLY")
    answer |= {"status": "ACTIVE", "type": machine.kind, "creationDate": machine.created}
    if version is not None:
        answer |= {"stateMachineArn": version.arn, "creationDate": version.created}
        answer |= present({"description": version.description})
    return answer


def description(machine: Machine, settings: Settings, with_definition: bool) -> Answer:
    """Return what DescribeStateMachine and DescribeStateMachineForExecution have in common."""
    answer = {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": settings.definition if with_definition else "",
        "roleArn": settings.role,
        "loggingConfiguration": settings.logging,
        "tracingConfiguration": settings.tracing,
        "encryptionConfiguration": settings.encryption,
        "revisionId": settings.revision or None,
    }
    found = references(Definition(settings.definition)) if with_definition else {}
    return present({**answer, "variableReferences": found or None})


def list_(ask: Ask) -> Answer:
    machines = sorted(ask.backend.state_machines, key=lambda machine: machine.name)
    shown, more = page(ask, machines, "machines")
    names = [
        {"stateMachineArn": each.arn, "name": each.name, "type": each.kind, "creationDate": each.created}
        for each in shown
    ]
    return {"stateMachines": names, **more}


def validate(ask: Ask) -> Answer:
    found = diagnose(ask["definition"], ask.get("type") or "STANDARD")
    if ask.get("severity") != "WARNING":
        found = [each for each in found if each.severity == "ERROR"]
    limit = ask.get("maxResults") or MAX_DIAGNOSTICS
    shown = [present({**each._asdict(), "location": each.location or None}) for each in found[:limit]]
    failed = any(each.severity == "ERROR" for each in found)
    return {"result": "FAIL" if failed else "OK", "diagnostics": shown, "truncated": len(found) > limit}


# --- tags ---------------------------------------------------------------------------------------------------------------


def _taggable(ask: Ask) -> str:
    arn: str = ask["resourceArn"]
    match = MACHINE.fullmatch(arn)
    if match and not match[2] and ask.backend.find(arn):
        return arn
    if arn in ask.backend.activities:
        return arn
    if not match and not ACTIVITY.fullmatch(arn):
        raise invalid_arn(arn)
    raise no_resource(arn)


def _check_tags(tags: list[dict[str, str]], known: int = 0) -> None:
    if len(tags) + known > MAX_TAGS:
        raise StatesError("TooManyTags", f"Too many tags: a resource may have {MAX_TAGS}.")
    for tag in tags:
        if "key" not in tag or "value" not in tag or tag["key"].lower().startswith("aws:"):
            raise invalid(f"Invalid tag: {tag}")


def tag(ask: Ask) -> Answer:
    arn = _taggable(ask)
    before = ask.backend.tagger.get_tag_dict_for_resource(arn)
    _check_tags(ask["tags"], len(before.keys() - {tag.get("key") for tag in ask["tags"]}))
    ask.backend.tagger.tag_resource(arn, ask["tags"])
    return {}


def untag(ask: Ask) -> Answer:
    ask.backend.tagger.untag_resource_using_names(_taggable(ask), ask["tagKeys"])
    return {}


def list_tags(ask: Ask) -> Answer:
    tags = ask.backend.tagger.get_tag_dict_for_resource(_taggable(ask))
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


# --- checks -------------------------------------------------------------------------------------------------------------


def _check_definition(text: str, kind: str) -> None:
    faults = [each for each in diagnose(text, kind) if each.severity == "ERROR"]
    if faults:
        words = ", ".join(fault.text() for fault in faults)
        raise StatesError("InvalidDefinition", f"Invalid State Machine Definition: '{words}'")


def _check_role(ask: Ask, role: str, logging: dict[str, Any]) -> None:
    """The role must trust the service and, with logging, have the rights for it."""
    if not ROLE.fullmatch(role):
        raise invalid_arn(role)
    try:
        session = roles.session(ask.account, role, "states")
    except roles.CannotAssume:
        raise StatesError("AccessDeniedException", UNTRUSTED) from None
    if logging["level"] != "OFF" and not all(roles.is_allowed(session, ask.region, right) for right in LOG_RIGHTS):
        raise StatesError("AccessDeniedException", NO_LOG_RIGHTS)


def _logging(ask: Ask, given: dict[str, Any] | None) -> dict[str, Any]:
    configuration = {"level": "OFF", "includeExecutionData": False, **(given or {})}
    destinations = configuration.get("destinations")
    if not destinations and configuration["level"] == "OFF":
        return configuration
    if not destinations or len(destinations) != 1:
        raise _bad_logging("Must specify exactly one Log Destination.")
    arn = (destinations[0].get("cloudWatchLogsLogGroup") or {}).get("logGroupArn") or ""
    match = LOG_GROUP.fullmatch(arn)
    if not match:
        raise _bad_logging("Invalid Log Destination: the ARN of the log group must end in :*.")
    logs = registry.get("logs").backends[match[2]][match[1]]
    if match[2] != ask.account or match[3] not in logs.groups:
        raise _bad_logging("Log Destination not found.")
    return configuration


def _bad_logging(words: str) -> StatesError:
    return StatesError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {words}")


def _encryption(given: dict[str, Any] | None) -> dict[str, Any]:
    if given is not None and given.get("type") != "AWS_OWNED_KEY":
        raise StatesError(
            "InvalidEncryptionConfiguration",
            "Invalid Encryption Configuration: the local AWS has no customer managed keys.",
        )
    return {"type": "AWS_OWNED_KEY"}
