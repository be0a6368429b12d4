"""Making a stack, taking back what was made, and deleting it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from infra.local.cloudformation.reasons import stopping
from infra.local.cloudformation.resources.types import ResourceFailure, Stopped
from infra.local.cloudformation.stack import Resource, importers_of, now
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.work import Failed, Work


class Creation(Work):
    """The operations create, rollback and delete."""

    def create(self) -> None:
        stack = self.stack
        try:
            active = self.check_all()
            evaluation = self.evaluation(stack.definition)
            for logical_id in active:
                self.check_going()
                self._check_time()
                self._create_one(evaluation, logical_id)
            self.publish(evaluation)
        except Failed as failure:
            self._failed(str(failure))
            return
        self.end("CREATE_COMPLETE")

    def _create_one(self, evaluation: Evaluation, logical_id: str) -> None:
        resource = self.stack.resources.get(logical_id)
        if resource is None:
            kind = evaluation.template.resources[logical_id]["Type"]
            resource = Resource(logical_id, kind, "CREATE_IN_PROGRESS", now())
            with self.change():
                self.stack.resources[logical_id] = resource
        if resource.status != "CREATE_COMPLETE":
            made = resource
            self.attempt(made, "create", lambda: self.make(evaluation, made, "CREATE_IN_PROGRESS", "CREATE_COMPLETE"))

    def _check_time(self) -> None:
        stack = self.stack
        limit = stack.timeout_minutes
        if limit and stack.started and (now() - stack.started).total_seconds() > 60 * limit:
            raise Failed(f"Stack creation time exceeded the specified timeout of {limit} minutes.")

    def _failed(self, reason: str) -> None:
        if self.stack.on_failure == "DO_NOTHING":
            self.end("CREATE_FAILED", reason)
        elif self.stack.on_failure == "DELETE":
            self.turn("delete", "DELETE_IN_PROGRESS", f"{reason} Delete requested by user.")
        else:
            self.turn("rollback", "ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")

    def rollback(self) -> None:
        failed = self._remove_all(is_creation=True)
        if failed:
            self.end("ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self.end("ROLLBACK_COMPLETE")

    def _remove_all(self, is_creation: bool) -> list[str]:
        """Delete the resources, last made first; return those that could not be deleted."""
        stack = self.stack
        needs = self._needs()
        failed: list[str] = []
        order = [name for name in needs if name in stack.resources]
        order += [name for name in stack.resources if name not in order]
        for logical_id in reversed(order):
            if stopping.is_set():
                raise Stopped
            resource = stack.resources[logical_id]
            if resource.status in ("DELETE_COMPLETE", "DELETE_SKIPPED"):
                continue
            if any(logical_id in needs.get(name, ()) for name in failed):
                failed.append(logical_id)  # still in use by one that could not be deleted
                continue
            policy = resource.deletion_policy
            if is_creation and (policy == "RetainExceptOnCreate" or stack.retain_except_on_create):
                policy = "Delete"
            if logical_id in stack.retained:
                policy = "Retain"
            if not (self._find_leftover(resource) and self.remove(resource, policy)):
                if stack.is_forced:
                    self.note("DELETE_SKIPPED", None, resource)
                else:
                    failed.append(logical_id)
        return [name for name in failed if stack.resources[name].status == "DELETE_FAILED"]

    def _needs(self) -> dict[str, set[str]]:
        """Return which resources each one needs, in the order of creation; nothing of a template that is not valid any more."""
        try:
            template = self.stack.definition.made()
        except TemplateError:
            return {}
        return {name: template.needs(name) for name in template.order}

    def _find_leftover(self, resource: Resource) -> bool:
        """Find out what was made without having been noted; return whether that could be found out."""
        if resource.name and resource.physical_id is None and resource.status == "CREATE_IN_PROGRESS":
            try:
                resource.physical_id = self.leftover_id(resource)
            except ResourceFailure as error:
                self.note("DELETE_FAILED", str(error), resource)
                return False
        return True

    def delete(self) -> None:
        in_use = self._exports_in_use()
        if in_use:
            self.end(self.stack.resting_status, in_use)
            return
        failed = self._remove_all(is_creation=False)
        for resource in list(self.stack.cleanup):  # left by an update that could not be rolled back
            if self.remove(resource, "Delete"):
                self.stack.cleanup.remove(resource)
            else:
                failed.append(resource.logical_id)
        if failed:
            self.end("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self.end("DELETE_COMPLETE")

    def _exports_in_use(self) -> str | None:
        with self._lock():
            for output in self.stack.outputs.values():
                users = importers_of(self._stacks, output["Export"]) if output["Export"] else []
                if users:
                    return f"Export {output['Export']} cannot be deleted as it is in use by {' and '.join(users)}"
        return None
