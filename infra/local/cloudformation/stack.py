"""What a stack is: plain data, saved after every step.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (states)
"""

from __future__ import annotations

import json
import uuid
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from infra.local.cloudformation import schema
from infra.local.cloudformation.resources import types
from infra.local.cloudformation.resources.types import ResourceType
from infra.local.cloudformation.templates.reading import read
from infra.local.cloudformation.templates.template import Template
from infra.local.core.records import RecordList
from infra.local.core.times import iso


@lru_cache(maxsize=1)
def resource_types() -> dict[str, ResourceType]:
    """Return the resource types that stacks can hold here, by name."""
    return types.types()


def resource_type(name: str) -> ResourceType:
    """Return a resource type; all that begin with Custom:: are one."""
    return resource_types()[schema.CUSTOM if schema.is_custom(name) else name]


@lru_cache(maxsize=64)
def template_of(text: str) -> Template:
    """Return the checked template. Raises TemplateError."""
    return Template(text, resource_types())


@lru_cache(maxsize=64)
def _body(text: str) -> dict[str, Any]:
    return read(text)


def now() -> datetime:
    return datetime.now(UTC)


class Saved:
    """A dataclass that may have been saved before it had all its fields: they get their defaults."""

    def __setstate__(self, values: dict[str, Any]) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            if each.name not in values and each.default_factory is not MISSING:
                values[each.name] = each.default_factory()
        self.__dict__.update(values)


@dataclass
class Definition(Saved):
    """What a stack was asked to be.

    Attributes
    ----------
    template: as it was given
    processed: with its loops written out; "" where it has none
    stored: parameter → value of those that name a parameter of Systems Manager
    references: dynamic reference → value of those that are no secret
    """

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]
    processed: str = ""
    stored: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)

    def made(self) -> Template:
        """Return the checked template that resources are made from. Raises TemplateError."""
        return template_of(self.processed or self.template)

    def head(self) -> dict[str, Any]:
        """Return the template's body as it was given, for what is shown of it: nothing is checked, for rules may have changed since."""
        return _body(self.template)

    def values(self) -> dict[str, str]:
        """Return what Ref gives for each parameter, as text."""
        return {**self.parameters, **self.stored}


@dataclass
class Resource(Saved):
    """A resource of a stack; without a physical id nothing was made yet. `memory` is what its type has to know after a restart."""

    logical_id: str
    type: str
    status: str
    changed: datetime
    name: str = ""
    physical_id: str | None = None
    reason: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    attempted: dict[str, Any] | None = None  # properties of an update that is under way or failed
    attributes: dict[str, Any] = field(default_factory=dict)
    metadata: Any = None
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    is_replacement: bool = False  # made by the update under way in place of an older one
    memory: dict[str, Any] = field(default_factory=dict)


@dataclass
class Change:
    """One line of a change set."""

    action: str  # Add, Modify, Remove
    logical_id: str
    type: str
    physical_id: str | None = None
    replacement: str | None = None  # True, False, Conditional
    scope: list[str] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class ChangeSet(Saved):
    id: str
    name: str
    type: str
    definition: Definition
    created: datetime
    status: str
    execution_status: str
    description: str | None = None
    reason: str | None = None
    on_failure: str | None = None
    changes: list[Change] = field(default_factory=list)


@dataclass
class Stack(Saved):
    id: str
    name: str
    account: str
    region: str
    definition: Definition
    created: datetime
    status: str = ""
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    role_arn: str | None = None
    caller: str = ""  # the access key that asked for the operation under way: without a role it acts with its rights
    on_failure: str = "ROLLBACK"
    timeout_minutes: int | None = None
    is_protected: bool = False
    retain_except_on_create: bool = False
    change_set_id: str | None = None
    token: str | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    events: RecordList = field(default_factory=RecordList)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    # the operation under way
    operation: str | None = None  # create, rollback, update, update_rollback, cleanup, rollback_cleanup, delete
    started: datetime | None = None
    previous: Definition | None = None
    undo: dict[str, Resource | None] = field(default_factory=dict)
    cleanup: list[Resource] = field(default_factory=list)
    retained: list[str] = field(default_factory=list)  # asked for by RetainResources or ResourcesToSkip
    is_forced: bool = False  # deletion goes on past resources that cannot be deleted
    resting_status: str = ""  # the state to go back to when a deletion is refused

    @property
    def is_busy(self) -> bool:
        return self.operation is not None

    def pseudo(self) -> dict[str, Any]:
        return {
            "AWS::AccountId": self.account,
            "AWS::NotificationARNs": [],
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
        }


def add_event(stack: Stack, status: str, reason: str | None = None, resource: Resource | None = None) -> None:
    """Set the status of a stack or one of its resources and note it as an event."""
    moment = now()
    target: Stack | Resource = resource or stack
    target.status, target.reason = status, reason
    stamp = iso(moment)
    event = {
        "StackId": stack.id,
        "EventId": f"{resource.logical_id}-{status}-{stamp}-{uuid.uuid4().hex[:6]}" if resource else str(uuid.uuid4()),
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id if resource else stack.name,
        "PhysicalResourceId": (resource.physical_id or "") if resource else stack.id,
        "ResourceType": resource.type if resource else "AWS::CloudFormation::Stack",
        "Timestamp": moment,
        "ResourceStatus": status,
    }
    if reason:
        event["ResourceStatusReason"] = reason
    if resource is not None:
        resource.changed = moment
        event["ResourceProperties"] = json.dumps(resource.attempted or resource.properties)
    if stack.token:
        event["ClientRequestToken"] = stack.token
    stack.events.append(event)


def exports_of(stacks: dict[str, Stack]) -> dict[str, tuple[str, str]]:
    """Return export name → (value, id of the exporting stack)."""
    return {
        output["Export"]: (output["Value"], stack.id)
        for stack in stacks.values()
        for output in stack.outputs.values()
        if output["Export"]
    }


def importers_of(stacks: dict[str, Stack], export: str) -> list[str]:
    """Return the names of the stacks that import a value."""
    return [stack.name for stack in stacks.values() if export in stack.imports]
