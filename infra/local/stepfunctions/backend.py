"""What is kept of state machines, their versions and aliases, and of activities. Executions are in store.py.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-cd-aliasing-versioning.html
"""

from __future__ import annotations

import random
import re
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from moto.stepfunctions.models import StepFunctionBackend, stepfunctions_backends

from infra.local.stepfunctions.errors import StatesError, invalid_arn, no_machine

MACHINE = re.compile(r"(arn:aws[\w-]*:states:[\w-]+:\d{12}:stateMachine:[^:]+)(?::([^:]+))?")
EXECUTION = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:execution:[^:]+:[^:]+")
EXPRESS = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:express:[^:]+:[^:]+:[^:]+")
ACTIVITY = re.compile(r"arn:aws[\w-]*:states:[\w-]+:\d{12}:activity:[^:]+")
BAD_NAME = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


@dataclass
class Settings:
    """What a version freezes of a state machine."""

    definition: str
    role: str
    logging: dict[str, Any]
    tracing: dict[str, Any]
    encryption: dict[str, Any]
    revision: str = ""  # "" until the first update


@dataclass
class Version:
    """A published version of a state machine."""

    arn: str
    settings: Settings
    description: str | None
    created: float


@dataclass
class Alias:
    """A name for one or two versions, with weights."""

    arn: str
    name: str
    routing: list[dict[str, Any]]
    description: str | None
    created: float
    updated: float

    def pick(self) -> str:
        """Return a version's ARN by the weights."""
        arns = [each["stateMachineVersionArn"] for each in self.routing]
        return random.choices(arns, [each["weight"] for each in self.routing])[0]


@dataclass
class Machine:
    """A state machine."""

    arn: str
    name: str
    kind: str
    settings: Settings
    created: float
    updated: float
    versions: dict[int, Version] = field(default_factory=dict)
    last_version: int = 0
    aliases: dict[str, Alias] = field(default_factory=dict)

    def publish(self, description: str | None) -> Version:
        """Return the version of the machine as it is; the same one if nothing has changed since."""
        newest = self.versions.get(self.last_version)
        if newest is not None and newest.settings == self.settings and newest.description == (description or None):
            return newest
        self.last_version += 1
        arn = f"{self.arn}:{self.last_version}"
        version = Version(arn, replace(self.settings), description or None, time.time())
        self.versions[self.last_version] = version
        return version

    def update(self, changes: dict[str, Any]) -> None:
        changed = replace(self.settings, **changes)
        if changed != self.settings:
            changed.revision = str(uuid.uuid4())
        self.settings = changed
        self.updated = time.time()


@dataclass
class Activity:
    """Work that is done outside of AWS by workers that ask for it."""

    arn: str
    name: str
    created: float
    encryption: dict[str, Any]


class LocalStatesBackend(StepFunctionBackend):
    """State machines and activities of one account and region."""

    state_machines: list[Machine]
    activities: dict[str, Activity]

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:states:{self.region_name}:{self.account_id}:{kind}:{name}"

    def find(self, arn: str) -> Machine | None:
        """Return a state machine by its ARN, None if there is none."""
        return next((machine for machine in self.state_machines if machine.arn == arn), None)

    def machine(self, arn: str) -> Machine:
        """Return a state machine by its own ARN. Raises InvalidArn, StateMachineDoesNotExist."""
        machine, qualifier = self.qualified(arn)
        if qualifier:
            raise no_machine(arn)
        return machine

    def qualified(self, arn: str) -> tuple[Machine, str]:
        """Return the state machine of an ARN that may end in a version or an alias, and that end."""
        match = MACHINE.fullmatch(arn)
        if not match:
            raise invalid_arn(arn)
        machine = self.find(match[1])
        if machine is None:
            raise no_machine(arn)
        return machine, match[2] or ""

    def resolve(self, arn: str) -> tuple[Machine, Settings, Version | None, Alias | None]:
        """Return what an ARN of a machine, a version or an alias stands for; an alias picks a version."""
        machine, qualifier = self.qualified(arn)
        if not qualifier:
            return machine, machine.settings, None, None
        alias = machine.aliases.get(qualifier)
        number = alias.pick().rpartition(":")[2] if alias else qualifier
        version = machine.versions.get(int(number)) if number.isdigit() else None
        if version is None:
            raise no_machine(arn)
        return machine, version.settings, version, alias


def check_name(name: str) -> None:
    """Raise InvalidName for a name that AWS does not take."""
    if BAD_NAME.search(name):
        raise StatesError("InvalidName", f"Invalid Name: '{name}'")


def upgrade(old: StepFunctionBackend) -> LocalStatesBackend:
    """Return a backend of an older lake, which was moto's, as ours."""
    backend = LocalStatesBackend(old.region_name, old.account_id)
    backend.tagger = old.tagger
    for machine in old.state_machines:
        settings = Settings(
            machine.definition, machine.roleArn, {"level": "OFF"}, {"enabled": False}, {"type": "AWS_OWNED_KEY"}
        )
        created = machine.creation_date.timestamp()
        backend.state_machines.append(Machine(machine.arn, machine.name, machine.type, settings, created, created))
    return backend


stepfunctions_backends.backend = LocalStatesBackend
BACKENDS = stepfunctions_backends
