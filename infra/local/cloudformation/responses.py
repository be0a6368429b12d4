"""AWS CloudFormation: the operations on stacks; the work itself is done by `operation`."""

from __future__ import annotations

import json

from moto.core.responses import ActionResult, EmptyResult

from infra.local.cloudformation import answers
from infra.local.cloudformation.change_sets import ChangeSets
from infra.local.cloudformation.changes import find_changes
from infra.local.cloudformation.requests import CloudFormationError, invalid
from infra.local.cloudformation.stack import Resource, Stack, exports_of, importers_of
from infra.local.cloudformation.templates.reading import TemplateError


class CloudFormationResponse(ChangeSets):
    """The operations on stacks and templates."""

    def create_stack(self) -> ActionResult:
        name = self._new_name("StackName")
        self._check_free(name)
        on_failure = self._get_param("OnFailure")
        if on_failure and self._get_param("DisableRollback") is not None:
            raise invalid("You can only specify one of DisableRollback and OnFailure.")
        stack = self._new_stack(name, self._definition())
        with self._operating(stack, "create", "CREATE_IN_PROGRESS"):
            self._check_free(name)
            self._keep(stack)
            stack.on_failure = on_failure or self._rollback_choice()
            stack.timeout_minutes = self._get_param("TimeoutInMinutes")
            stack.is_protected = self._get_bool_param("EnableTerminationProtection", False)
        return ActionResult({"StackId": stack.id})

    def _check_free(self, name: str) -> None:
        if self.backend.find(name) is not None:
            raise CloudFormationError("AlreadyExistsException", f"Stack [{name}] already exists")

    def update_stack(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        self._check_updatable(stack)
        definition = self._definition(stack)
        self._refuse_disable_rollback()
        with self._operating(stack, "update", "UPDATE_IN_PROGRESS"):
            self._check_updatable(stack)
            try:
                changes, other = find_changes(stack, definition, self.backend.import_value)
            except TemplateError as error:
                raise invalid(str(error)) from None
            if not changes and not other:
                raise invalid("No updates are to be performed.")
            self._take(stack, definition)
        return ActionResult({"StackId": stack.id})

    def cancel_update_stack(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        if stack.operation != "update":
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        with self._operating(stack, "update_rollback", "UPDATE_ROLLBACK_IN_PROGRESS"):
            pass
        return EmptyResult()

    def delete_stack(self) -> ActionResult:
        stack = self.backend.find(self._name())
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return EmptyResult()
        if stack.is_protected:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.is_busy and stack.operation != "create":  # a creation is cancelled
            raise invalid(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
        retained = self._get_param("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise invalid(
                f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain only "
                "when the stack is in the DELETE_FAILED state."
            )
        strange = [name for name in retained if name not in stack.resources]
        if strange:
            raise invalid(f"The specified resources to retain must be in a valid state. [{', '.join(strange)}]")
        with self._operating(stack, "delete", "DELETE_IN_PROGRESS"):
            stack.retained = retained
            stack.is_forced = self._get_param("DeletionMode") == "FORCE_DELETE_STACK"
            stack.resting_status = stack.status
        return EmptyResult()

    def continue_update_rollback(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback.")
        with self._operating(stack, "update_rollback", "UPDATE_ROLLBACK_IN_PROGRESS"):
            stack.retained = self._get_param("ResourcesToSkip", [])
        return EmptyResult()

    def update_termination_protection(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        with self.backend.change(stack):
            stack.is_protected = self._get_bool_param("EnableTerminationProtection", False)
        return ActionResult({"StackId": stack.id})

    def describe_stacks(self) -> ActionResult:
        if self._get_param("StackName"):
            found = [self._stack()]
        else:
            found = [stack for stack in self.backend.stacks.values() if stack.status != "DELETE_COMPLETE"][::-1]
        page, token = self._page(found)
        return ActionResult({"Stacks": [answers.stack_answer(stack) for stack in page], "NextToken": token})

    def list_stacks(self) -> ActionResult:
        wanted = self._get_param("StackStatusFilter", [])
        found = [stack for stack in self.backend.stacks.values() if not wanted or stack.status in wanted][::-1]
        page, token = self._page(found)
        return ActionResult({"StackSummaries": [answers.stack_summary(stack) for stack in page], "NextToken": token})

    def describe_stack_events(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        page, token = self._page(stack.events[::-1])
        return ActionResult({"StackEvents": page, "NextToken": token})

    def describe_stack_resource(self) -> ActionResult:
        stack = self._stack("Stack '{}' does not exist")
        resource = self._resource(stack, self._name("LogicalResourceId"))
        answer = {
            **answers.resource_answer(stack, resource),
            "LastUpdatedTimestamp": resource.changed,
            "Metadata": None if resource.metadata is None else json.dumps(resource.metadata),
        }
        return ActionResult({"StackResourceDetail": answer})

    def _resource(self, stack: Stack, logical_id: str) -> Resource:
        if logical_id not in stack.resources:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        return stack.resources[logical_id]

    def describe_stack_resources(self) -> ActionResult:
        physical_id = self._get_param("PhysicalResourceId")
        if physical_id and self._get_param("StackName"):
            raise invalid("Only one of StackName and PhysicalResourceId may be specified.")
        if physical_id:
            stack = next((s for s in self.backend.stacks.values() if physical_id in answers.physical_ids(s)), None)
            if stack is None:
                raise invalid(f"Stack for {physical_id} does not exist")
        else:
            stack = self._stack()
        logical_id = self._get_param("LogicalResourceId")
        found = [self._resource(stack, logical_id)] if logical_id else list(stack.resources.values())
        listed = [{**answers.resource_answer(stack, resource), "Timestamp": resource.changed} for resource in found]
        return ActionResult({"StackResources": listed})

    def list_stack_resources(self) -> ActionResult:
        stack = self._stack()
        page, token = self._page(list(stack.resources.values()))
        listed = [
            {**answers.resource_answer(stack, resource), "LastUpdatedTimestamp": resource.changed} for resource in page
        ]
        return ActionResult({"StackResourceSummaries": listed, "NextToken": token})

    def list_exports(self) -> ActionResult:
        exports = exports_of(self.backend.stacks)
        found = [
            {"ExportingStackId": stack_id, "Name": name, "Value": value} for name, (value, stack_id) in exports.items()
        ]
        page, token = self._page(found)
        return ActionResult({"Exports": page, "NextToken": token})

    def list_imports(self) -> ActionResult:
        name = self._name("ExportName")
        users = importers_of(self.backend.stacks, name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        page, token = self._page(users)
        return ActionResult({"Imports": page, "NextToken": token})

    # --- templates ---

    def get_template(self) -> ActionResult:
        change_set = self._get_param("ChangeSetName")
        stack = None if change_set and change_set.startswith("arn:") else self._stack()
        definition = self._change_set(stack).definition if change_set else stack.definition if stack else None
        text = ""
        if definition is not None:
            is_processed = self._get_param("TemplateStage") == "Processed" and definition.processed
            text = definition.processed if is_processed else definition.template
        return ActionResult({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]})

    def validate_template(self) -> ActionResult:
        return ActionResult(answers.described(self._checked(self._template_text())))

    def get_template_summary(self) -> ActionResult:
        definition = self._stack().definition if self._get_param("StackName") else None
        template = self._checked(self._template_text()) if definition is None else definition.made()
        answer = answers.described(template)
        for parameter, declared in zip(answer["Parameters"], template.parameters.values(), strict=True):
            parameter["ParameterType"] = declared["Type"]
            allowed = [str(value) for value in declared.get("AllowedValues", [])]
            parameter["ParameterConstraints"] = {"AllowedValues": allowed}
        answer["ResourceTypes"] = list(dict.fromkeys(resource["Type"] for resource in template.resources.values()))
        answer["Version"] = template.body.get("AWSTemplateFormatVersion")
        if "Metadata" in template.body:
            answer["Metadata"] = json.dumps(template.body["Metadata"])
        return ActionResult(answer)


STACK_SETS = (
    "create_stack_instances",
    "create_stack_set",
    "delete_stack_instances",
    "delete_stack_set",
    "describe_stack_instance",
    "describe_stack_set",
    "describe_stack_set_operation",
    "detect_stack_set_drift",
    "import_stacks_to_stack_set",
    "list_stack_instances",
    "list_stack_set_operation_results",
    "list_stack_set_operations",
    "list_stack_sets",
    "stop_stack_set_operation",
    "update_stack_instances",
    "update_stack_set",
)


def _no_stack_sets(self: CloudFormationResponse) -> ActionResult:
    raise invalid(
        "The local AWS does not support StackSets: they deploy into other accounts and regions by roles of an organization, "
        "which is not there. Deploy the template as a stack in each account and region."
    )


for _name in STACK_SETS:
    setattr(CloudFormationResponse, _name, _no_stack_sets)

RESPONSE = CloudFormationResponse
URLS = [(r"https?://cloudformation\.(.+)\.amazonaws\.com/$", CloudFormationResponse.dispatch)]
