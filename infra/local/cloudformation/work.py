"""What every operation on a stack needs: notes that are saved, values, and one resource made or deleted.

An operation runs in a thread of its own through the public APIs of the services. It takes the lock of its account only to write down what it
did, and each note is stored before the next step: after a restart it goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from infra.local.cloudformation import schema
from infra.local.cloudformation.reasons import Reasons, stopping
from infra.local.cloudformation.resources.types import Context, ResourceFailure, ResourceType, Stopped, acting_client
from infra.local.cloudformation.stack import (
    Definition,
    Resource,
    Stack,
    add_event,
    exports_of,
    importers_of,
    now,
    resource_type,
)
from infra.local.cloudformation.templates import dynamic_references
from infra.local.cloudformation.templates.evaluation import Evaluation, Lookup
from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import UNKNOWN
from infra.local.core import pace, state
from infra.local.core.records import RecordDict

log = logging.getLogger("workshop.cloudformation")
REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
FULL_DISK_PAUSE_SECONDS = 1.0


class Failed(Exception):
    """The operation cannot go on; the message is the reason for the stack."""


class Cancelled(Exception):
    """Somebody asked for another operation on the stack, which goes on instead of this one."""


class Work:
    """One operation on a stack.

    Parameters
    ----------
    operation: its name in the stack; when the stack has another, this one was cancelled
    stacks: all of the stack's account and region
    """

    def __init__(self, stack: Stack, operation: str, stacks: RecordDict):
        self.stack = stack
        self.operation = operation
        self._stacks = stacks
        self.has_ended = False
        self._imported: set[str] = set()

    # notes

    @contextmanager
    def change(self) -> Iterator[None]:
        """Change the stack; it is stored when this ends. While the disk is full that waits, without the lock. Raises Stopped."""
        with self._lock():
            yield
            if self._save():
                return
        while not stopping.wait(FULL_DISK_PAUSE_SECONDS):
            with self._lock():
                if self._save():
                    return
        raise Stopped

    def _lock(self) -> Any:
        return state.lock("cloudformation", self.stack.account)

    def _save(self) -> bool:
        self._stacks.note(self.stack.id)
        try:
            state.save("cloudformation", self.stack.account, self.stack.region)
        except OSError:
            log.exception("stack %s cannot be stored", self.stack.name)
            return False
        return True

    def note(self, status: str, reason: str | None = None, resource: Resource | None = None) -> None:
        with self.change():
            add_event(self.stack, status, reason, resource)

    def turn(self, operation: str, status: str, reason: str | None = None) -> None:
        """Go over to another operation. Raises Cancelled."""
        with self.change():
            self._still()
            self.stack.operation = operation
            add_event(self.stack, status, reason)

    def end(self, status: str, reason: str | None = None) -> None:
        """End the operation in a state of rest. Raises Cancelled."""
        with self.change():
            self._still()
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
        self.has_ended = True

    def is_cancelled(self) -> bool:
        return self.stack.operation != self.operation

    def _still(self) -> None:
        if self.is_cancelled():
            raise Cancelled

    def check_going(self) -> None:
        """Raises Stopped, Cancelled."""
        if stopping.is_set():
            raise Stopped
        self._still()

    # values

    def _import_value(self, name: str) -> str:
        with self._lock():
            exports = exports_of(self._stacks)
        if name not in exports:
            raise TemplateError(f"No export named {name} found.")
        self._imported.add(name)
        return exports[name][0]

    def _lookup(self, logical_id: str, attribute: str | None) -> Any:
        resource = self.stack.resources[logical_id]
        if attribute is None:
            return resource.physical_id
        found = resource_type(resource.type).attribute(resource.attributes, attribute)
        if found is None:
            raise TemplateError(
                f"Template error: resource {logical_id} does not support attribute type {attribute} in Fn::GetAtt"
                if not resource_type(resource.type).has_any_attribute
                else f"CustomResource attribute error: Vendor response doesn't contain {attribute} attribute in object "
                f"{self.stack.id}|{logical_id}|{resource.memory.get('RequestId', '')}"
            )
        return found

    def evaluation(self, definition: Definition, lookup: Lookup | None = None) -> Evaluation:
        return Evaluation(
            definition.made(), definition.values(), self.stack.pseudo(), lookup or self._lookup, self._import_value
        )

    def check_all(self) -> list[str]:
        """Resolve everything that can be resolved before anything is made; return the active resources in order. Raises Failed."""
        try:
            evaluation = self.evaluation(self.stack.definition, lambda *_: UNKNOWN)
            active = evaluation.active()
            for logical_id in active:
                evaluation.properties(logical_id)
        except TemplateError as error:
            raise Failed(str(error)) from None
        return active

    def client(self, service: str) -> Any:
        """Return a client that acts as the stack's role, or as who asked for the operation. Raises ResourceFailure."""
        stack = self.stack
        return acting_client(stack.account, stack.region, stack.role_arn or "", stack.caller, service)

    def context(self, resource: Resource) -> Context:
        stack = self.stack

        def made(physical_id: str) -> None:
            if resource.physical_id == physical_id:
                return  # noted before a restart
            resource.physical_id = physical_id
            status = "UPDATE_IN_PROGRESS" if resource.is_replacement else "CREATE_IN_PROGRESS"
            self.note(status, "Resource creation Initiated", resource)

        def remember(**values: Any) -> None:
            with self.change():
                resource.memory.update(values)

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
            self.is_cancelled,
            resource.memory,
            remember,
            stack,
        )

    def properties(self, evaluation: Evaluation, logical_id: str, kind: str) -> dict[str, Any]:
        """Return the checked properties; secrets are left as references. Raises ResourceFailure."""
        references = dict(self.stack.definition.references)
        try:
            properties = evaluation.properties(logical_id)
            dynamic_references.check(kind, properties)
            late = [each for each in dynamic_references.find(properties) if each.text not in references]
            references |= dynamic_references.Reader(self.client).plain(late)  # those that name a resource of the stack
        except TemplateError as error:
            raise ResourceFailure(str(error)) from None
        properties, problem = schema.check(kind, logical_id, dynamic_references.replaced(properties, references))
        if problem:
            raise ResourceFailure(problem)
        supported = resource_type(kind).supported
        strange = sorted(set(properties) - supported) if supported is not None else []
        if strange:
            raise ResourceFailure(f"The local AWS does not support the property {strange[0]} of {kind}.")
        return properties

    def with_secrets(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Return properties with the secrets that they refer to, to be used and not kept. Raises ResourceFailure."""
        try:
            found = dynamic_references.Reader(self.client).secure(list(dynamic_references.find(properties)))
        except TemplateError as error:
            raise ResourceFailure(str(error)) from None
        return dynamic_references.replaced(properties, found) if found else properties

    def publish(self, evaluation: Evaluation) -> None:
        """Work out the outputs and let other stacks see the exports. Raises Failed, Cancelled."""
        try:
            outputs = evaluation.outputs()
            late = [each for each in dynamic_references.find(outputs) if each.service == "ssm"]
            found = {**self.stack.definition.references, **dynamic_references.Reader(self.client).plain(late)}
        except (TemplateError, ResourceFailure) as error:
            raise Failed(str(error)) from None
        outputs = dynamic_references.replaced(outputs, found)
        with self.change():
            self._still()
            self._check_exports(outputs)
            self.stack.outputs, self.stack.imports = outputs, self._imported

    def _check_exports(self, outputs: dict[str, dict[str, Any]]) -> None:
        exports = exports_of(self._stacks)
        for output in outputs.values():
            owner = exports.get(output["Export"], ("", self.stack.id))[1]
            if output["Export"] and owner != self.stack.id:
                other = owner.split("/")[1]
                raise Failed(f"Export with name {output['Export']} is already exported by stack {other}.")
        before = {output["Export"]: output["Value"] for output in self.stack.outputs.values() if output["Export"]}
        after = {output["Export"]: output["Value"] for output in outputs.values() if output["Export"]}
        for name, value in before.items():
            users = importers_of(self._stacks, name)
            if users and name not in after:
                raise Failed(f"Export {name} cannot be deleted as it is in use by {' and '.join(users)}")
            if users and after[name] != value:
                raise Failed(f"Export {name} cannot be updated as it is in use by {' and '.join(users)}")

    # one resource

    def attempt(self, resource: Resource, word: str, step: Callable[[], None]) -> None:
        """Do one step; its failure is noted and ends the operation. Raises Failed, Cancelled."""
        try:
            step()
        except ResourceFailure as error:
            if self.is_cancelled():
                noun = "creation" if word == "create" else "update"
                self.note(f"{word.upper()}_FAILED", f"Resource {noun} cancelled", resource)
                raise Cancelled from None
            self.note(f"{word.upper()}_FAILED", str(error), resource)
            raise Failed(f"The following resource(s) failed to {word}: [{resource.logical_id}].") from None

    def make(self, evaluation: Evaluation, resource: Resource, in_progress: str, complete: str) -> None:
        """Create a resource; it is in the stack already. Raises ResourceFailure."""
        definition = evaluation.template.resources[resource.logical_id]
        handler: ResourceType = resource_type(resource.type)
        if not resource.name:
            self.note(in_progress, REPLACING if resource.is_replacement else None, resource)
        elif not handler.goes_on:  # the server was stopped in the middle: away with what may be there, and once more
            self._delete_leftover(resource)
        properties = self.properties(evaluation, resource.logical_id, resource.type)
        context = self.context(resource)
        with self.change():
            resource.name = resource.name or handler.name(context, properties)
            resource.properties = properties
            resource.deletion_policy = definition.get("DeletionPolicy", "Delete")
            resource.replace_policy = definition.get("UpdateReplacePolicy", "Delete")
            resource.metadata = definition.get("Metadata")
        full = self.with_secrets(properties)
        until = pace.of_stack(resource.type)
        with Reasons(resource):
            handler.create(context, resource.name, full)
            resource.attributes = handler.attributes(context, str(resource.physical_id), full)
        pace.pause(until, lambda: stopping.is_set() or self.is_cancelled())
        self.note(complete, None, resource)

    def _delete_leftover(self, resource: Resource) -> None:
        physical_id = resource.physical_id or self.leftover_id(resource)
        if physical_id is not None:
            self._delete_physical(resource, physical_id)
        resource.physical_id = None

    def leftover_id(self, resource: Resource) -> str | None:
        """Return the id of what a killed server may have made without having noted it."""
        with Reasons(resource):
            return resource_type(resource.type).physical_id(self.context(resource), resource.name, resource.properties)
        return None

    def _delete_physical(self, resource: Resource, physical_id: str) -> None:
        until = pace.of_stack(resource.type, deleting=True)
        with Reasons(resource, missing_is_fine=True):
            resource_type(resource.type).delete(self.context(resource), physical_id, resource.properties)
        pace.pause(until, stopping.is_set)

    def remove(self, resource: Resource, policy: str) -> bool:
        """Delete a resource, or leave it as its policy says; return whether that worked."""
        if resource.physical_id is None:
            return True
        if policy.startswith("Retain"):
            self.note("DELETE_SKIPPED", None, resource)
            return True
        if resource.status != "DELETE_IN_PROGRESS":
            self.note("DELETE_IN_PROGRESS", None, resource)
        try:
            self._delete_physical(resource, resource.physical_id)
        except ResourceFailure as error:
            self.note("DELETE_FAILED", str(error), resource)
            return False
        self.note("DELETE_COMPLETE", None, resource)
        return True
