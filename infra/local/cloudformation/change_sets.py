"""The operations on change sets.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from moto.core.responses import ActionResult, EmptyResult

from infra.local.cloudformation import answers
from infra.local.cloudformation.changes import find_changes
from infra.local.cloudformation.requests import (
    DELETED_STACKS,
    NO_CHANGES,
    UPDATABLE,
    CloudFormationError,
    Requests,
    invalid,
)
from infra.local.cloudformation.stack import ChangeSet, Definition, Stack, add_event, now
from infra.local.cloudformation.templates.reading import TemplateError


class ChangeSets(Requests):
    """The operations on change sets, and what they share with those on stacks."""

    # --- what begins an operation ---

    @contextmanager
    def _operating(self, stack: Stack, operation: str, status: str) -> Iterator[None]:
        """Change a stack and begin an operation on it, when that is stored; one under way gives way to it. Raises OSError."""
        with self.backend.change(stack):
            is_under_way = stack.is_busy
            yield
            stack.token = self._get_param("ClientRequestToken")
            stack.role_arn = self._get_param("RoleARN") or stack.role_arn
            stack.caller = self.get_access_key()
            stack.retain_except_on_create = self._get_bool_param("RetainExceptOnCreate", False)
            stack.operation, stack.started = operation, now()
            add_event(stack, status, "User Initiated")
        if not is_under_way:
            self.backend.run(stack)

    def _new_stack(self, name: str, definition: Definition) -> Stack:
        stack_id = f"arn:aws:cloudformation:{self.region}:{self.current_account}:stack/{name}/{uuid.uuid4()}"
        return Stack(stack_id, name, self.current_account, self.region, definition, now())

    def _keep(self, stack: Stack) -> None:
        """Put a new stack among those of the account; the oldest deleted ones are forgotten."""
        stacks = self.backend.stacks
        deleted = [other for other, found in stacks.items() if found.status == "DELETE_COMPLETE"]
        for other in deleted[: max(0, len(deleted) - DELETED_STACKS)]:
            del stacks[other]
        stacks[stack.id] = stack

    def _take(self, stack: Stack, definition: Definition) -> None:
        """Let an update bring a stack to a definition."""
        for change_set in stack.change_sets.values():
            if change_set.execution_status == "AVAILABLE":
                change_set.execution_status = "OBSOLETE"
        stack.previous, stack.definition, stack.updated = stack.definition, definition, now()
        stack.undo, stack.cleanup = {}, []

    def _rollback_choice(self) -> str:
        return "DO_NOTHING" if self._get_bool_param("DisableRollback", False) else "ROLLBACK"

    def _refuse_disable_rollback(self) -> None:
        if self._get_bool_param("DisableRollback", False):
            raise invalid("The local AWS does not support DisableRollback for an update.")

    def _check_updatable(self, stack: Stack) -> None:
        if stack.is_busy or stack.status not in UPDATABLE:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    # --- change sets ---

    def create_change_set(self) -> ActionResult:
        name, stack_name = self._new_name("ChangeSetName"), self._name()
        kind, on_failure = self._get_param("ChangeSetType", "UPDATE"), self._get_param("OnStackFailure")
        if kind == "IMPORT":
            raise invalid("The local AWS does not support the change set type IMPORT.")
        if on_failure not in (None, "ROLLBACK") and kind != "CREATE":
            raise invalid(f"The local AWS does not support OnStackFailure {on_failure} for an update.")
        stack = self._of_change_set(name, stack_name, kind)
        definition = self._definition(stack if kind == "UPDATE" else None)
        is_new = stack is None
        stack = stack or self._new_stack(self._new_name("StackName"), definition)
        change_set = ChangeSet(
            id=f"arn:aws:cloudformation:{self.region}:{self.current_account}:changeSet/{name}/{uuid.uuid4()}",
            name=name,
            type=kind,
            definition=definition,
            created=now(),
            status="CREATE_COMPLETE",
            execution_status="AVAILABLE",
            description=self._get_param("Description"),
            on_failure=on_failure,
        )
        with self.backend.change(stack):
            found = self._of_change_set(name, stack_name, kind)
            if found is None:
                self._keep(stack)
                add_event(stack, "REVIEW_IN_PROGRESS", "User Initiated")
            elif is_new:
                raise invalid(f"Stack [{stack_name}] is made by another request.")
            self._compare(stack, change_set)
            stack.change_sets[change_set.id] = change_set
        return ActionResult({"Id": change_set.id, "StackId": stack.id})

    def _of_change_set(self, name: str, stack_name: str, kind: str) -> Stack | None:
        """Return the stack for a new change set; None where it is to be made. Raises CloudFormationError."""
        stack = self.backend.find(stack_name)
        if kind == "CREATE" and stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise invalid(
                f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
            )
        if kind == "UPDATE":
            if stack is None:
                raise invalid(f"Stack [{stack_name}] does not exist")
            self._check_updatable(stack)
        if stack is not None and any(each.name == name for each in stack.change_sets.values()):
            raise CloudFormationError("AlreadyExistsException", f"ChangeSet {name} already exists")
        return stack

    def _compare(self, stack: Stack, change_set: ChangeSet) -> None:
        try:
            change_set.changes, other = find_changes(stack, change_set.definition, self.backend.import_value)
            if not change_set.changes and not other:
                change_set.reason = NO_CHANGES
        except TemplateError as error:
            change_set.reason = str(error)
        if change_set.reason:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"

    def _change_set(self, stack: Stack | None = None) -> ChangeSet:
        return self._stack_and_change_set(stack)[1]

    def _stack_and_change_set(self, stack: Stack | None = None) -> tuple[Stack, ChangeSet]:
        name = self._name("ChangeSetName")
        if name.startswith("arn:"):
            stacks = list(self.backend.stacks.values())
        elif not self._get_param("StackName"):
            raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
        else:
            stacks = [stack or self._stack("Stack [{}] does not exist")]
        for owner in stacks:
            for change_set in owner.change_sets.values():
                if name in (change_set.id, change_set.name):
                    return owner, change_set
        raise CloudFormationError("ChangeSetNotFoundException", f"ChangeSet [{name}] does not exist")

    def describe_change_set(self) -> ActionResult:
        stack, change_set = self._stack_and_change_set()
        page, token = self._page(change_set.changes)
        return ActionResult(
            {
                **answers.change_set_summary(stack, change_set),
                "Parameters": answers.parameters_answer(change_set.definition),
                "Tags": [{"Key": key, "Value": value} for key, value in change_set.definition.tags.items()],
                "Capabilities": change_set.definition.capabilities,
                "NotificationARNs": [],
                "RollbackConfiguration": {},
                "Changes": [answers.change_answer(change) for change in page],
                "NextToken": token,
            }
        )

    def list_change_sets(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        found = [item for item in stack.change_sets.values() if not item.execution_status.startswith("EXECUTE")]
        page, token = self._page([answers.change_set_summary(stack, item) for item in found])
        return ActionResult({"Summaries": page, "NextToken": token})

    def delete_change_set(self) -> ActionResult:
        try:
            stack, change_set = self._stack_and_change_set()
        except CloudFormationError as error:
            if error.code == "ChangeSetNotFoundException":
                return EmptyResult()  # as AWS: deleting what is not there is fine
            raise
        if change_set.execution_status == "EXECUTE_IN_PROGRESS":
            raise CloudFormationError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be deleted in its current status of [EXECUTE_IN_PROGRESS]",
            )
        with self.backend.change(stack):
            del stack.change_sets[change_set.id]
        return EmptyResult()

    def execute_change_set(self) -> ActionResult:
        stack, change_set = self._stack_and_change_set()
        if change_set.execution_status != "AVAILABLE":
            status = change_set.status if change_set.status == "FAILED" else change_set.execution_status
            raise CloudFormationError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{status}]",
            )
        if stack.is_busy:
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        is_creation = stack.status == "REVIEW_IN_PROGRESS"
        if not is_creation:
            self._refuse_disable_rollback()
        operation, status = ("create", "CREATE_IN_PROGRESS") if is_creation else ("update", "UPDATE_IN_PROGRESS")
        with self._operating(stack, operation, status):
            if is_creation:
                stack.definition = change_set.definition
                stack.on_failure = change_set.on_failure or self._rollback_choice()
            else:
                self._take(stack, change_set.definition)
            stack.change_sets[change_set.id].execution_status = "EXECUTE_IN_PROGRESS"
            stack.change_set_id = change_set.id
        return EmptyResult()
