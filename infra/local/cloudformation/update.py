"""Updating a stack, and taking an update back.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

import copy
from typing import Any

from infra.local.cloudformation import schema
from infra.local.cloudformation.changes import policies
from infra.local.cloudformation.reasons import Reasons, stopping
from infra.local.cloudformation.resources.types import ResourceFailure, Stopped
from infra.local.cloudformation.stack import Resource, add_event, now, resource_type
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.work import Failed, Work


class Update(Work):
    """The operations update and update_rollback, each with the cleanup that follows it."""

    def update(self) -> None:
        stack = self.stack
        try:
            active = self.check_all()
            evaluation = self.evaluation(stack.definition)
            for logical_id in active:
                self.check_going()
                self._update_one(evaluation, logical_id)
            self.publish(evaluation)
        except Failed as failure:
            self.turn("update_rollback", "UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            return
        with self.change():
            self._still()
            for logical_id in [name for name in stack.resources if name not in active]:
                gone = stack.resources.pop(logical_id)
                stack.cleanup.append(gone)
            stack.cleanup.reverse()
            stack.operation = "cleanup"
            add_event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _update_one(self, evaluation: Evaluation, logical_id: str) -> None:
        stack, definition = self.stack, evaluation.template.resources[logical_id]
        resource = stack.resources.get(logical_id)
        if resource is not None and not (logical_id in stack.undo and stack.undo[logical_id] is None):
            self.attempt(resource, "update", lambda: self._modify(evaluation, resource, definition))
            return
        new = resource or Resource(logical_id, definition["Type"], "CREATE_IN_PROGRESS", now())
        if resource is None:
            with self.change():
                stack.resources[logical_id], stack.undo[logical_id] = new, None
        if new.status != "CREATE_COMPLETE":
            self.attempt(new, "create", lambda: self.make(evaluation, new, "CREATE_IN_PROGRESS", "CREATE_COMPLETE"))

    def _modify(self, evaluation: Evaluation, resource: Resource, definition: dict[str, Any]) -> None:
        """Change a resource in place or replace it. Raises ResourceFailure."""
        stack, logical_id = self.stack, resource.logical_id
        before = stack.undo.get(logical_id)
        if resource.is_replacement and before is not None:
            self._replace(evaluation, before, resource)  # the server was stopped in the middle of it
            return
        try:
            properties = self.properties(evaluation, logical_id, definition["Type"])
        except ResourceFailure:
            self.note("UPDATE_IN_PROGRESS", None, resource)
            self._remember(resource)
            raise
        tags_change = (
            schema.is_taggable(resource.type)
            and stack.previous is not None
            and stack.previous.tags != stack.definition.tags
        )
        same = properties == resource.properties and definition["Type"] == resource.type
        if same and not tags_change and not resource_type(resource.type).looks_again:
            if any(old != new for _, old, new in policies(resource, definition)):
                self._remember(resource)
                self._take_policies(resource, definition)
            return
        if same and resource.status == "UPDATE_COMPLETE" and before is not None:
            return  # done before a restart
        replacing = schema.replacing(resource.type, resource.properties, properties)
        if definition["Type"] != resource.type or replacing:
            own_name = resource_type(resource.type).own_name(self.context(resource), properties)
            if definition["Type"] == resource.type and own_name and own_name == resource.name:
                self.note("UPDATE_IN_PROGRESS", None, resource)
                self._remember(resource)
                raise ResourceFailure(
                    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                    f"Rename {own_name} and update the stack again."
                )
            old = self._remember(resource)
            new = Resource(logical_id, definition["Type"], "UPDATE_IN_PROGRESS", now(), is_replacement=True)
            with self.change():
                stack.resources[logical_id] = new
            self._replace(evaluation, old, new)
            return
        self._remember(resource)
        resource.attempted = properties
        self.note("UPDATE_IN_PROGRESS", None, resource)
        self._change_in_place(resource, properties)
        self._take_policies(resource, definition)

    def _remember(self, resource: Resource) -> Resource:
        """Keep the resource as it was before this update; return that."""
        with self.change():
            kept = self.stack.undo.setdefault(resource.logical_id, copy.deepcopy(resource))
        return kept or resource

    def _take_policies(self, resource: Resource, definition: dict[str, Any]) -> None:
        with self.change():
            resource.deletion_policy = definition.get("DeletionPolicy", "Delete")
            resource.replace_policy = definition.get("UpdateReplacePolicy", "Delete")
            resource.metadata = definition.get("Metadata")

    def _replace(self, evaluation: Evaluation, old: Resource, new: Resource) -> None:
        if new.status != "UPDATE_COMPLETE":
            self.make(evaluation, new, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
        with self.change():
            if old not in self.stack.cleanup:
                self.stack.cleanup.append(old)

    def _change_in_place(self, resource: Resource, properties: dict[str, Any]) -> None:
        handler, context = resource_type(resource.type), self.context(resource)
        full = self.with_secrets(properties)
        with Reasons(resource):
            physical_id = handler.change(context, str(resource.physical_id), full, resource.properties)
            attributes = handler.attributes(context, physical_id, full)
        with self.change():
            if physical_id != resource.physical_id:  # the type itself has made another in its place
                self.stack.cleanup.append(copy.deepcopy(resource))
                resource.physical_id = physical_id
            resource.properties, resource.attributes, resource.attempted = properties, attributes, None
            add_event(self.stack, "UPDATE_COMPLETE", None, resource)

    def update_rollback(self) -> None:
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
            with self.change():
                del stack.undo[logical_id]
        if failed:
            self._pause_rollback(failed)
            return
        with self.change():
            if stack.previous is not None:
                stack.definition = stack.previous
            stack.operation = "rollback_cleanup"
            add_event(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")

    def _put_back(self, logical_id: str, old: Resource | None, resource: Resource | None) -> None:
        """Take a new resource out of the stack, to be deleted, and the old one back in."""
        stack = self.stack
        with self.change():
            if old is not None:
                stack.cleanup = [item for item in stack.cleanup if item.physical_id != old.physical_id]
                stack.resources[logical_id] = old
                add_event(stack, "UPDATE_COMPLETE", None, old)
            else:
                stack.resources.pop(logical_id, None)
            if resource is not None and resource.physical_id is not None:
                resource.deletion_policy = resource.replace_policy = "Delete"
                stack.cleanup.append(resource)

    def _undo_change(self, resource: Resource, old: Resource) -> bool:
        attempted = resource.attempted
        tags_change = self.stack.previous is not None and self.stack.previous.tags != self.stack.definition.tags
        if attempted is not None or tags_change or resource.properties != old.properties:
            resource.properties, resource.attempted = attempted or resource.properties, old.properties
            self.note("UPDATE_IN_PROGRESS", None, resource)
            try:
                self._change_in_place(resource, old.properties)
            except ResourceFailure as error:
                self.note("UPDATE_FAILED", str(error), resource)
                return False
        else:
            self.note("UPDATE_COMPLETE", None, resource)
        with self.change():
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
        with self.change():
            self.end("UPDATE_ROLLBACK_FAILED", reason)
            self.stack.undo, self.stack.previous = undo, previous

    def cleanup(self) -> None:
        self._clean("UPDATE_COMPLETE")

    def rollback_cleanup(self) -> None:
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
            has_failed |= not self.remove(
                resource, resource.replace_policy if is_replaced else resource.deletion_policy
            )
            with self.change():
                stack.cleanup.pop(0)
        self.end(end, "One or more resources could not be deleted." if has_failed else None)
