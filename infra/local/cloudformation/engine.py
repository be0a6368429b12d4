"""What a stack is, and the operations that change one: create, update, delete, and back again when something fails.

A stack is plain data and saved after every step. An operation runs in a thread of its own through the public APIs of the services,
and takes the lock of CloudFormation only to write down what it did. After a restart it goes on where it was.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (states),
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

import copy
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from infra.local.cloudformation import schema
from infra.local.cloudformation.resources import types as cloudformation_types
from infra.local.cloudformation.resources.types import Context, ResourceFailure, ResourceType, Stopped
from infra.local.cloudformation.template import UNKNOWN, Evaluation, Template, TemplateError
from infra.local.core import state
from infra.local.core.records import RecordList

log = logging.getLogger("workshop.cloudformation")
stopping = threading.Event()
STOP_SECONDS = 10.0  # from the last answer of a stopping server to the end of its services, at most


@lru_cache(maxsize=1)
def resource_types() -> dict[str, ResourceType]:
    return cloudformation_types.types()


@lru_cache(maxsize=64)
def template_of(text: str) -> Template:
    """Return the checked template. Raises TemplateError."""
    return Template(text, resource_types())


def now() -> datetime:
    return datetime.now(UTC)


# --- data -----------------------------------------------------------------------------------------------------------


@dataclass
class Definition:
    """What a stack was asked to be."""

    template: str
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: list[str]


@dataclass
class Resource:
    """A resource of a stack; without a physical id nothing was made yet."""

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
class ChangeSet:
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
class Stack:
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
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
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


# --- what would change ----------------------------------------------------------------------------------------------


def find_changes(stack: Stack, target: Definition, import_value: Callable[[str], Any]) -> tuple[list[Change], bool]:
    """Return the changes that bring a stack to `target`, and whether outputs or tags change too. Raises TemplateError."""
    template = template_of(target.template)
    replaced: dict[str, bool] = {}  # logical id → whether it gets a new physical id for certain

    def lookup(logical_id: str, attribute: str | None) -> Any:
        resource = stack.resources.get(logical_id)
        if resource is None or resource.physical_id is None or logical_id in replaced:
            return UNKNOWN
        return resource.physical_id if attribute is None else resource.attributes.get(attribute, UNKNOWN)

    evaluation = Evaluation(template, target.parameters, stack.pseudo(), lookup, import_value)
    changes = []
    active = evaluation.active()
    for logical_id in active:
        definition, resource = template.resources[logical_id], stack.resources.get(logical_id)
        if resource is None:
            replaced[logical_id] = True
            changes.append(Change("Add", logical_id, definition["Type"]))
            continue
        change = _modification(resource, definition, evaluation, target.tags != stack.definition.tags)
        if change is not None:
            changes.append(change)
            if change.replacement in ("True", "Conditional"):
                replaced[logical_id] = change.replacement == "True"
    for logical_id, resource in stack.resources.items():
        if logical_id not in active:
            changes.append(Change("Remove", logical_id, resource.type, resource.physical_id))
    outputs_change = evaluation.outputs() != stack.outputs
    return changes, outputs_change or target.tags != stack.definition.tags


def _modification(
    resource: Resource, definition: dict[str, Any], evaluation: Evaluation, tags_change: bool
) -> Change | None:
    change = Change("Modify", resource.logical_id, resource.type, resource.physical_id, "False")
    properties = evaluation.properties(resource.logical_id)
    properties, problem = schema.check(definition["Type"], resource.logical_id, properties)
    if definition["Type"] != resource.type:
        change.replacement, change.scope, change.type = "True", ["Properties"], definition["Type"]
        return change
    replacing = set() if problem else schema.replacing(resource.type, resource.properties, properties)
    template_text = json.dumps(definition.get("Properties", {}))
    for name in sorted({*properties, *resource.properties}):
        if properties.get(name) == resource.properties.get(name):
            continue
        is_unknown = UNKNOWN in json.dumps(properties.get(name))
        recreation = "Never" if name not in replacing else "Conditionally" if is_unknown else "Always"
        attribute = "Tags" if name == "Tags" else "Properties"
        target = {"Attribute": attribute, "RequiresRecreation": recreation}
        if attribute == "Properties":
            target["Name"] = name
        source = "DirectModification"
        if is_unknown:
            source = "ResourceReference" if "Fn::GetAtt" not in template_text else "ResourceAttribute"
        change.details.append(
            {"Target": target, "Evaluation": "Dynamic" if is_unknown else "Static", "ChangeSource": source}
        )
        if attribute not in change.scope:
            change.scope.append(attribute)
        if recreation == "Always":
            change.replacement = "True"
        elif recreation == "Conditionally" and change.replacement == "False":
            change.replacement = "Conditional"
    for scope, old, new in _policies(resource, definition):
        if old != new:
            change.scope.append(scope)
            change.details.append(
                {
                    "Target": {"Attribute": scope, "RequiresRecreation": "Never"},
                    "Evaluation": "Static",
                    "ChangeSource": "DirectModification",
                }
            )
    if tags_change and schema.is_taggable(resource.type) and "Tags" not in change.scope:
        change.scope.append("Tags")
        change.details.append(
            {
                "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
        )
    return change if change.scope else None


def _policies(resource: Resource, definition: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    yield "DeletionPolicy", resource.deletion_policy, definition.get("DeletionPolicy", "Delete")
    yield "UpdateReplacePolicy", resource.replace_policy, definition.get("UpdateReplacePolicy", "Delete")
    yield "Metadata", resource.metadata, definition.get("Metadata")


# --- an operation ---------------------------------------------------------------------------------------------------


class _Failed(Exception):
    """The operation cannot go on; the message is the reason for the stack."""


class Operation:
    """Runs what a stack's `operation` says, in a thread; `stacks` are all of its account and region."""

    def __init__(self, stack: Stack, stacks: dict[str, Stack]):
        self.stack = stack
        self._stacks = stacks
        self._imported: set[str] = set()

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._run, name=f"stack {self.stack.name}", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        try:
            while self.stack.operation is not None:
                getattr(self, f"_{self.stack.operation}")()
        except Stopped:
            log.info("stack %s goes on after the next start", self.stack.name)
        except Exception:
            log.exception("stack %s", self.stack.name)
            ends = {"create": "CREATE_FAILED", "rollback": "ROLLBACK_FAILED", "delete": "DELETE_FAILED"}
            self._end(ends.get(self.stack.operation or "", "UPDATE_ROLLBACK_FAILED"), "Internal Failure")

    # notes, each saved before the next step

    def _save(self) -> None:
        state.save("cloudformation", self.stack.account, self.stack.region)

    def _note(self, status: str, reason: str | None = None, resource: Resource | None = None) -> None:
        with state.lock("cloudformation"):
            add_event(self.stack, status, reason, resource)
            self._save()

    def _turn(self, operation: str, status: str, reason: str | None) -> None:
        """Go over to another operation."""
        with state.lock("cloudformation"):
            self.stack.operation = operation
            add_event(self.stack, status, reason)
            self._save()

    def _end(self, status: str, reason: str | None = None) -> None:
        with state.lock("cloudformation"):
            stack = self.stack
            stack.operation, stack.started, stack.previous = None, None, None
            stack.undo, stack.retained, stack.is_forced = {}, [], False
            if status == "DELETE_COMPLETE":
                stack.deleted = now()
                stack.outputs, stack.imports = {}, set()
            for change_set in stack.change_sets.values():
                if change_set.execution_status == "EXECUTE_IN_PROGRESS":
                    done = status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
                    change_set.execution_status = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"
            add_event(stack, status, reason)
            self._save()

    # values

    def _import_value(self, name: str) -> str:
        with state.lock("cloudformation"):
            exports = exports_of(self._stacks)
        if name not in exports:
            raise TemplateError(f"No export named {name} found.")
        self._imported.add(name)
        return exports[name][0]

    def _lookup(self, logical_id: str, attribute: str | None) -> Any:
        resource = self.stack.resources[logical_id]
        if attribute is None:
            return resource.physical_id
        if attribute not in resource.attributes:
            raise TemplateError(
                f"Template error: resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
            )
        return resource.attributes[attribute]

    def _evaluation(self, definition: Definition, lookup: Callable[[str, str | None], Any] | None = None) -> Evaluation:
        return Evaluation(
            template_of(definition.template),
            definition.parameters,
            self.stack.pseudo(),
            lookup or self._lookup,
            self._import_value,
        )

    def _check_all(self) -> list[str]:
        """Resolve everything that can be resolved before anything is made; return the active resources in order."""
        evaluation = self._evaluation(self.stack.definition, lambda *_: UNKNOWN)
        try:
            active = evaluation.active()
            for logical_id in active:
                evaluation.properties(logical_id)
        except TemplateError as error:
            raise _Failed(str(error)) from None
        return active

    def _context(self, resource: Resource) -> Context:
        stack = self.stack

        def made(physical_id: str) -> None:
            resource.physical_id = physical_id
            status = "UPDATE_IN_PROGRESS" if resource.is_replacement else "CREATE_IN_PROGRESS"
            self._note(status, "Resource creation Initiated", resource)

        tags, old_tags = stack.definition.tags, stack.previous.tags if stack.previous else {}
        if stack.operation == "update_rollback":
            tags, old_tags = old_tags, tags
        if not schema.is_taggable(resource.type):
            tags, old_tags = {}, {}
        return Context(
            stack.account,
            stack.region,
            stack.name,
            stack.id,
            resource.logical_id,
            resource.type,
            stopping,
            made,
            tags,
            old_tags,
            stack.role_arn or "",
            stack.caller,
        )

    def _properties(self, evaluation: Evaluation, logical_id: str, kind: str) -> dict[str, Any]:
        """Return the checked properties. Raises ResourceFailure."""
        try:
            properties = evaluation.properties(logical_id)
        except TemplateError as error:
            raise ResourceFailure(str(error)) from None
        properties, problem = schema.check(kind, logical_id, properties)
        if problem:
            raise ResourceFailure(problem)
        supported = resource_types()[kind].supported
        strange = sorted(set(properties) - supported) if supported is not None else []
        if strange:
            raise ResourceFailure(f"The local AWS does not support the property {strange[0]} of {kind}.")
        return properties

    def _check_time(self) -> None:
        stack = self.stack
        if stopping.is_set():
            raise Stopped
        limit = stack.timeout_minutes if stack.operation == "create" else None
        if limit and stack.started and (now() - stack.started).total_seconds() > 60 * limit:
            raise _Failed(f"Stack creation time exceeded the specified timeout of {limit} minutes.")

    # one resource

    def _make(self, evaluation: Evaluation, resource: Resource, in_progress: str, complete: str) -> None:
        """Create a resource; it is in the stack already. Raises ResourceFailure."""
        definition = evaluation.template.resources[resource.logical_id]
        handler = resource_types()[resource.type]
        if resource.name:  # the server was stopped in the middle: away with what may be there, and once more
            self._delete_leftover(resource)
        else:
            self._note(in_progress, REPLACING if resource.is_replacement else None, resource)
        properties = self._properties(evaluation, resource.logical_id, resource.type)
        context = self._context(resource)
        with state.lock("cloudformation"):
            resource.name = resource.name or handler.name(context, properties)
            resource.properties = properties
            resource.deletion_policy = definition.get("DeletionPolicy", "Delete")
            resource.replace_policy = definition.get("UpdateReplacePolicy", "Delete")
            resource.metadata = definition.get("Metadata")
            self._save()
        with _reasons(resource):
            handler.create(context, resource.name, properties)
            resource.attributes = handler.attributes(context, str(resource.physical_id), properties)
        self._note(complete, None, resource)

    def _delete_leftover(self, resource: Resource) -> None:
        physical_id = resource.physical_id or self._leftover_id(resource)
        if physical_id is not None:
            self._delete_physical(resource, physical_id)
        resource.physical_id = None

    def _leftover_id(self, resource: Resource) -> str | None:
        """Return the id of what a killed server may have made without having noted it."""
        with _reasons(resource):
            handler = resource_types()[resource.type]
            return handler.physical_id(self._context(resource), resource.name, resource.properties)

    def _delete_physical(self, resource: Resource, physical_id: str) -> None:
        with _reasons(resource, missing_is_fine=True):
            resource_types()[resource.type].delete(self._context(resource), physical_id, resource.properties)

    def _remove(self, resource: Resource, policy: str) -> bool:
        """Delete a resource, or leave it as its policy says; return whether that worked."""
        if resource.physical_id is None:
            return True
        if policy.startswith("Retain"):
            self._note("DELETE_SKIPPED", None, resource)
            return True
        self._note("DELETE_IN_PROGRESS", None, resource)
        try:
            self._delete_physical(resource, resource.physical_id)
        except ResourceFailure as error:
            self._note("DELETE_FAILED", str(error), resource)
            return False
        self._note("DELETE_COMPLETE", None, resource)
        return True

    # create

    def _create(self) -> None:
        stack = self.stack
        try:
            active = self._check_all()
            evaluation = self._evaluation(stack.definition)
            for logical_id in active:
                self._check_time()
                resource = stack.resources.get(logical_id)
                if resource is None:
                    kind = evaluation.template.resources[logical_id]["Type"]
                    resource = Resource(logical_id, kind, "CREATE_IN_PROGRESS", now())
                    with state.lock("cloudformation"):
                        stack.resources[logical_id] = resource
                if resource.status != "CREATE_COMPLETE":
                    self._try(
                        resource,
                        "create",
                        lambda r=resource: self._make(evaluation, r, "CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
                    )
            self._publish(evaluation)
        except _Failed as failure:
            self._create_failed(str(failure))
            return
        self._end("CREATE_COMPLETE")

    def _try(self, resource: Resource, word: str, step: Callable[[], None]) -> None:
        """Do one step; its failure is noted and ends the operation."""
        try:
            step()
        except ResourceFailure as error:
            self._note(f"{word.upper()}_FAILED", str(error), resource)
            raise _Failed(f"The following resource(s) failed to {word}: [{resource.logical_id}].") from None

    def _publish(self, evaluation: Evaluation) -> None:
        """Work out the outputs and let other stacks see the exports. Raises _Failed."""
        try:
            outputs = evaluation.outputs()
        except TemplateError as error:
            raise _Failed(str(error)) from None
        with state.lock("cloudformation"):
            exports = exports_of(self._stacks)
            for output in outputs.values():
                owner = exports.get(output["Export"], ("", self.stack.id))[1]
                if output["Export"] and owner != self.stack.id:
                    other = owner.split("/")[1]
                    raise _Failed(f"Export with name {output['Export']} is already exported by stack {other}.")
            before = {output["Export"]: output["Value"] for output in self.stack.outputs.values() if output["Export"]}
            after = {output["Export"]: output["Value"] for output in outputs.values() if output["Export"]}
            for name, value in before.items():
                users = importers_of(self._stacks, name)
                if users and name not in after:
                    raise _Failed(f"Export {name} cannot be deleted as it is in use by {' and '.join(users)}")
                if users and after[name] != value:
                    raise _Failed(f"Export {name} cannot be updated as it is in use by {' and '.join(users)}")
            self.stack.outputs, self.stack.imports = outputs, self._imported
            self._save()

    def _create_failed(self, reason: str) -> None:
        if self.stack.on_failure == "DO_NOTHING":
            self._end("CREATE_FAILED", reason)
        elif self.stack.on_failure == "DELETE":
            self._turn("delete", "DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
        else:
            self._turn("rollback", "ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")

    def _rollback(self) -> None:
        failed = self._remove_all(is_creation=True)
        if failed:
            self._end("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self._end("ROLLBACK_COMPLETE")

    def _remove_all(self, is_creation: bool) -> list[str]:
        """Delete the resources, last made first; return those that could not be deleted."""
        stack = self.stack
        template = template_of(stack.definition.template)
        failed: list[str] = []
        order = [name for name in template.order if name in stack.resources]
        order += [name for name in stack.resources if name not in order]
        for logical_id in reversed(order):
            if stopping.is_set():
                raise Stopped
            resource = stack.resources[logical_id]
            if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
                continue
            if any(name in template.resources and logical_id in template.needs(name) for name in failed):
                failed.append(logical_id)  # still in use by one that could not be deleted
                continue
            policy = resource.deletion_policy
            if is_creation and (policy == "RetainExceptOnCreate" or stack.retain_except_on_create):
                policy = "Delete"
            if logical_id in stack.retained:
                policy = "Retain"
            if resource.name and resource.physical_id is None and resource.status == "CREATE_IN_PROGRESS":
                resource.physical_id = self._leftover_id(resource)
            if not self._remove(resource, policy):
                if stack.is_forced:
                    self._note("DELETE_SKIPPED", None, resource)
                else:
                    failed.append(logical_id)
        return [name for name in failed if stack.resources[name].status == "DELETE_FAILED"]

    # delete

    def _delete(self) -> None:
        in_use = self._exports_in_use()
        if in_use:
            self._end(self.stack.resting_status, in_use)
            return
        failed = self._remove_all(is_creation=False)
        for resource in list(self.stack.cleanup):  # left by an update that could not be rolled back
            if self._remove(resource, "Delete"):
                self.stack.cleanup.remove(resource)
            else:
                failed.append(resource.logical_id)
        if failed:
            self._end("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self._end("DELETE_COMPLETE")

    def _exports_in_use(self) -> str | None:
        with state.lock("cloudformation"):
            for output in self.stack.outputs.values():
                users = importers_of(self._stacks, output["Export"]) if output["Export"] else []
                if users:
                    return f"Export {output['Export']} cannot be deleted as it is in use by {' and '.join(users)}"
        return None

    # update

    def _update(self) -> None:
        stack = self.stack
        try:
            active = self._check_all()
            evaluation = self._evaluation(stack.definition)
            for logical_id in active:
                self._check_time()
                self._update_one(evaluation, logical_id)
            self._publish(evaluation)
        except _Failed as failure:
            self._turn("update_rollback", "UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            return
        with state.lock("cloudformation"):
            for logical_id in [name for name in stack.resources if name not in active]:
                gone = stack.resources.pop(logical_id)
                stack.cleanup.append(gone)
            stack.cleanup.reverse()
            stack.operation = "cleanup"
            add_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._save()

    def _update_one(self, evaluation: Evaluation, logical_id: str) -> None:
        stack, definition = self.stack, evaluation.template.resources[logical_id]
        resource = stack.resources.get(logical_id)
        if resource is None or logical_id in stack.undo and stack.undo[logical_id] is None:
            if resource is None:
                with state.lock("cloudformation"):
                    resource = Resource(logical_id, definition["Type"], "CREATE_IN_PROGRESS", now())
                    stack.resources[logical_id], stack.undo[logical_id] = resource, None
                    self._save()
            if resource.status != "CREATE_COMPLETE":
                self._try(
                    resource,
                    "create",
                    lambda: self._make(evaluation, resource, "CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
                )
            return
        self._try(resource, "update", lambda: self._modify(evaluation, resource, definition))

    def _modify(self, evaluation: Evaluation, resource: Resource, definition: dict[str, Any]) -> None:
        """Change a resource in place or replace it. Raises ResourceFailure."""
        stack, logical_id = self.stack, resource.logical_id
        before = stack.undo.get(logical_id)
        if resource.is_replacement and before is not None:
            self._replace(evaluation, before, resource)  # the server was stopped in the middle of it
            return
        try:
            properties = self._properties(evaluation, logical_id, definition["Type"])
        except ResourceFailure:
            self._note("UPDATE_IN_PROGRESS", None, resource)
            self._remember(resource)
            raise
        tags_change = (
            schema.is_taggable(resource.type)
            and stack.previous is not None
            and stack.previous.tags != stack.definition.tags
        )
        same = properties == resource.properties and definition["Type"] == resource.type
        if same and not tags_change:
            if any(old != new for _, old, new in _policies(resource, definition)):
                self._remember(resource)
                self._take_policies(resource, definition)
            return
        if same and resource.status == "UPDATE_COMPLETE" and before is not None:
            return  # done before a restart
        replacing = schema.replacing(resource.type, resource.properties, properties)
        if definition["Type"] != resource.type or replacing:
            own_name = resource_types()[resource.type].own_name(self._context(resource), properties)
            if definition["Type"] == resource.type and own_name and own_name == resource.name:
                self._note("UPDATE_IN_PROGRESS", None, resource)
                self._remember(resource)
                raise ResourceFailure(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {own_name} and update the stack again."
                )
            old = self._remember(resource)
            new = Resource(logical_id, definition["Type"], "UPDATE_IN_PROGRESS", now(), is_replacement=True)
            with state.lock("cloudformation"):
                stack.resources[logical_id] = new
                self._save()
            self._replace(evaluation, old, new)
            return
        self._remember(resource)
        resource.attempted = properties
        self._note("UPDATE_IN_PROGRESS", None, resource)
        self._change_in_place(resource, properties)
        self._take_policies(resource, definition)

    def _remember(self, resource: Resource) -> Resource:
        """Keep the resource as it was before this update; return that."""
        with state.lock("cloudformation"):
            kept = self.stack.undo.setdefault(resource.logical_id, copy.deepcopy(resource))
            self._save()
        return kept or resource

    def _take_policies(self, resource: Resource, definition: dict[str, Any]) -> None:
        with state.lock("cloudformation"):
            resource.deletion_policy = definition.get("DeletionPolicy", "Delete")
            resource.replace_policy = definition.get("UpdateReplacePolicy", "Delete")
            resource.metadata = definition.get("Metadata")
            self._save()

    def _replace(self, evaluation: Evaluation, old: Resource, new: Resource) -> None:
        if new.status != "UPDATE_COMPLETE":
            self._make(evaluation, new, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
        with state.lock("cloudformation"):
            if old not in self.stack.cleanup:
                self.stack.cleanup.append(old)
            self._save()

    def _change_in_place(self, resource: Resource, properties: dict[str, Any]) -> None:
        handler, context = resource_types()[resource.type], self._context(resource)
        physical_id = str(resource.physical_id)
        with _reasons(resource):
            handler.update(context, physical_id, properties, resource.properties)
            attributes = handler.attributes(context, physical_id, properties)
        with state.lock("cloudformation"):
            resource.properties, resource.attributes, resource.attempted = properties, attributes, None
            add_event(self.stack, "UPDATE_COMPLETE", None, resource)
            self._save()

    def _update_rollback(self) -> None:
        stack = self.stack
        failed = []
        for logical_id, old in reversed(list(stack.undo.items())):
            if stopping.is_set():
                raise Stopped
            resource = stack.resources.get(logical_id)
            if old is None or resource is None or resource.physical_id != old.physical_id:
                self._put_back(logical_id, old, resource)
            elif logical_id in stack.retained or not self._undo_change(resource, old):
                if logical_id not in stack.retained:
                    failed.append(logical_id)
                    continue
            with state.lock("cloudformation"):
                del stack.undo[logical_id]
                self._save()
        if failed:
            self._pause_rollback(failed)
            return
        with state.lock("cloudformation"):
            if stack.previous is not None:
                stack.definition = stack.previous
            stack.operation = "rollback_cleanup"
            add_event(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            self._save()

    def _put_back(self, logical_id: str, old: Resource | None, resource: Resource | None) -> None:
        """Take a new resource out of the stack, to be deleted, and the old one back in."""
        stack = self.stack
        with state.lock("cloudformation"):
            if old is not None:
                stack.cleanup = [item for item in stack.cleanup if item.physical_id != old.physical_id]
                stack.resources[logical_id] = old
                add_event(stack, "UPDATE_COMPLETE", None, old)
            else:
                stack.resources.pop(logical_id, None)
            if resource is not None and resource.physical_id is not None:
                resource.deletion_policy = resource.replace_policy = "Delete"
                stack.cleanup.append(resource)
            self._save()

    def _undo_change(self, resource: Resource, old: Resource) -> bool:
        attempted = resource.attempted
        tags_change = self.stack.previous is not None and self.stack.previous.tags != self.stack.definition.tags
        if attempted is not None or tags_change or resource.properties != old.properties:
            resource.properties, resource.attempted = attempted or resource.properties, old.properties
            self._note("UPDATE_IN_PROGRESS", None, resource)
            try:
                self._change_in_place(resource, old.properties)
            except ResourceFailure as error:
                self._note("UPDATE_FAILED", str(error), resource)
                return False
        else:
            self._note("UPDATE_COMPLETE", None, resource)
        with state.lock("cloudformation"):
            resource.metadata, resource.deletion_policy, resource.replace_policy = (
                old.metadata,
                old.deletion_policy,
                old.replace_policy,
            )
        return True

    def _pause_rollback(self, failed: list[str]) -> None:
        """End the rollback in a state from which ContinueUpdateRollback goes on: what to undo is kept."""
        undo, previous = dict(self.stack.undo), self.stack.previous
        reason = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
        with state.lock("cloudformation"):
            self._end("UPDATE_ROLLBACK_FAILED", reason)
            self.stack.undo, self.stack.previous = undo, previous
            self._save()

    def _cleanup(self) -> None:
        self._clean("UPDATE_COMPLETE")

    def _rollback_cleanup(self) -> None:
        self._clean("UPDATE_ROLLBACK_COMPLETE")

    def _clean(self, end: str) -> None:
        """Delete what an update left behind; what cannot be deleted is told but does not fail the update."""
        stack = self.stack
        has_failed = False
        while stack.cleanup:
            if stopping.is_set():
                raise Stopped
            resource = stack.cleanup[0]
            is_replaced = resource.logical_id in stack.resources
            has_failed |= not self._remove(
                resource, resource.replace_policy if is_replaced else resource.deletion_policy
            )
            with state.lock("cloudformation"):
                stack.cleanup.pop(0)
                self._save()
        self._end(end, "One or more resources could not be deleted." if has_failed else None)


REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


class _reasons:
    """Turns what services and botocore raise into ResourceFailure with the reason as AWS words it."""

    def __init__(self, resource: Resource, missing_is_fine: bool = False):
        self._service = resource.type.split("::")[1]
        self._missing_is_fine = missing_is_fine

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None or isinstance(error, (Stopped, KeyboardInterrupt)):
            return False
        if isinstance(error, ClientError):
            if self._missing_is_fine and cloudformation_types.is_missing(error):
                return True
            raise ResourceFailure(_service_reason(self._service, error)) from None
        if isinstance(error, (HTTPClientError, ConnectionError)) and stopping.wait(STOP_SECONDS):
            raise Stopped from None  # the server takes no calls any more; it stops its services a little later
        if isinstance(error, BotoCoreError):
            raise ResourceFailure(_handler_reason(str(error), "InvalidRequest")) from None
        if isinstance(error, ResourceFailure):
            kind_of = "AlreadyExists" if str(error).endswith("already exists.") else "GeneralServiceException"
            raise ResourceFailure(_handler_reason(str(error), kind_of)) from None
        log.error("resource of %s", self._service, exc_info=error)
        raise ResourceFailure("Internal Failure") from None


def _service_reason(service: str, error: ClientError) -> str:
    code, metadata = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {})
    status, request = metadata.get("HTTPStatusCode", 400), metadata.get("RequestId", uuid.uuid4())
    message = error.response["Error"].get("Message", code)
    if "AlreadyExists" in code or code in ("ResourceInUseException", "BucketAlreadyOwnedByYou"):
        kind = "AlreadyExists"
    elif cloudformation_types.is_missing(error):
        kind = "NotFound"
    elif code in ("AccessDenied", "AccessDeniedException"):
        kind = "AccessDenied"
    elif code == "BucketNotEmpty" or status >= 500:
        kind = "GeneralServiceException"
    else:
        kind = "InvalidRequest"
    return _handler_reason(f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})", kind)


def _handler_reason(message: str, code: str) -> str:
    return f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'


def wait_for_threads(threads: list[threading.Thread], seconds: float) -> None:
    """Wait until the operations have noticed that the server stops."""
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
