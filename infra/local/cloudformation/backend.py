"""AWS CloudFormation: the operations on stacks and change sets; the work itself is in `cloudformation_engine`.

moto's core gives the wire protocol. Its own CloudFormation keeps live objects of all services, which can neither be saved nor rolled
back, and costs 170 MB when imported; so nothing of it is used.
"""

from __future__ import annotations

import re
import threading
import uuid
from typing import Any
from urllib.parse import unquote, urlparse

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse, EmptyResult

from infra.local import s3
from infra.local.cloudformation import engine
from infra.local.cloudformation.engine import Change, ChangeSet, Definition, Operation, Resource, Stack, now
from infra.local.cloudformation.template import UNKNOWN, Evaluation, Template, TemplateError, parameter_values
from infra.local.core import roles
from infra.local.core.records import RecordDict, RecordList

NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
TEMPLATE_BYTES = 51_200  # of TemplateBody; a template in S3 may have 1 MB
TEMPLATE_URL_BYTES = 1_048_576
UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
NOT_SUPPORTED = (
    "DeploymentMode",
    "ImportExistingResources",
    "NotificationARNs",
    "ResourcesToImport",
    "ResourceTypes",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
)
DELETED_STACKS = 100  # that are remembered in an account and region; AWS forgets them after 90 days
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
PAGE = 100

_threads: list[threading.Thread] = []


class CloudFormationError(ServiceException):
    """An error of the service, with AWS's code and message."""


def _invalid(message: str) -> CloudFormationError:
    return CloudFormationError("ValidationError", message)


class CloudFormationBackend(BaseBackend):
    """The stacks of one account and region, by stack id; deleted ones stay, as AWS keeps them for 90 days."""

    def __init__(self, region_name: str, account_id: str):
        super().__init__(region_name, account_id)
        self.stacks = RecordDict()
        self._settled: set[str] = set()  # deleted stacks that are saved as such

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_settled"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        if not isinstance(self.stacks, RecordDict):  # plain in lakes of before
            self.stacks = RecordDict(self.stacks)
        for stack in self.stacks.values():
            if not isinstance(stack.events, RecordList):
                stack.events = RecordList(stack.events)
        self._settled = {stack.id for stack in self.stacks.values() if stack.status == "DELETE_COMPLETE"}

    def note_changes(self) -> None:
        """Tell which stacks may have changed since they were saved: a deleted one never does."""
        for stack in self.stacks.values():
            if stack.id not in self._settled:
                self.stacks.note(stack.id)
                if stack.status == "DELETE_COMPLETE":
                    self._settled.add(stack.id)

    def find(self, name_or_id: str) -> Stack | None:
        """Return a stack by id, or the one that now has this name."""
        if name_or_id in self.stacks:
            return self.stacks[name_or_id]
        return next((s for s in self.stacks.values() if s.name == name_or_id and s.status != "DELETE_COMPLETE"), None)

    def start(self, stack: Stack, operation: str) -> None:
        """Begin an operation that is written down in the stack already."""
        stack.operation, stack.started = operation, now()
        self.run(stack)

    def run(self, stack: Stack) -> None:
        _threads[:] = [thread for thread in _threads if thread.is_alive()]
        _threads.append(Operation(stack, self.stacks).start())

    def import_value(self, name: str) -> str:
        exports = engine.exports_of(self.stacks)
        if name not in exports:
            raise TemplateError(f"No export named {name} found.")
        return exports[name][0]


BACKENDS = BackendDict(CloudFormationBackend, "cloudformation")


def flush(account: str) -> None:
    """Note which stacks of an account have to be saved."""
    for backend in BACKENDS[account].values():
        backend.note_changes()


def resume() -> None:
    """Go on with the operations that a stop of the server interrupted."""
    for _, _, backend in list(BACKENDS.iter_backends()):
        for stack in backend.stacks.values():
            if stack.is_busy:
                backend.run(stack)


def stop() -> None:
    engine.stopping.set()
    engine.wait_for_threads(_threads, seconds=5)


class CloudFormationResponse(BaseResponse):
    """The operations; each takes its parameters from the request and answers in the words of AWS's model."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> CloudFormationBackend:
        return BACKENDS[self.current_account][self.region]

    # --- parameters ---

    def _name(self, key: str = "StackName") -> str:
        value = self._get_param(key)
        member = key[0].lower() + key[1:]
        if not value:
            raise _invalid(
                f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            )
        return value

    def _new_name(self, key: str) -> str:
        value = self._name(key)
        member = key[0].lower() + key[1:]
        problem = None
        if len(value) > 128:
            problem = "Member must have length less than or equal to 128"
        elif not NAME.fullmatch(value):
            problem = f"Member must satisfy regular expression pattern: {NAME.pattern}"
        if problem:
            raise _invalid(
                f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {problem}"
            )
        return value

    def _stack(self, message: str = "Stack with id {} does not exist") -> Stack:
        name = self._name()
        stack = self.backend.find(name)
        if stack is None:
            raise _invalid(message.format(name))
        return stack

    def _template_text(self, previous: Stack | None = None) -> str:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        use_previous = self._get_bool_param("UsePreviousTemplate", False)
        if use_previous and (body or url):
            raise _invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        if use_previous and previous is not None:
            return previous.definition.template
        if body and url:
            raise _invalid("Template URL and Template Body cannot both be specified.")
        if url:
            return self._template_at(url)
        if not body:
            raise _invalid("Either Template URL or Template Body must be specified.")
        if len(body.encode()) > TEMPLATE_BYTES:
            raise _invalid(
                f"1 validation error detected: Value '{body[:50]}...' at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {TEMPLATE_BYTES}"
            )
        return body

    def _template_at(self, url: str) -> str:
        parts = urlparse(url)
        host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
        virtual = re.fullmatch(r"(.+)\.s3[.-].*amazonaws\.com", host)
        if virtual:
            bucket, key = virtual[1], path
        elif re.fullmatch(r"s3[.-].*amazonaws\.com", host) or host in ("127.0.0.1", "localhost"):
            bucket, _, key = path.partition("/")
        else:
            raise _invalid("TemplateURL must be a supported URL.")
        try:
            stored = s3.get(self.current_account, bucket, key)
        except (s3.MissingBucket, s3.MissingKey) as error:
            what = "bucket" if isinstance(error, s3.MissingBucket) else "key"
            raise _invalid(
                f"S3 error: The specified {what} does not exist.\nFor more information check "
                "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
            ) from None
        if stored.size > TEMPLATE_URL_BYTES:
            raise _invalid(f"Template may not exceed {TEMPLATE_URL_BYTES} bytes in size.")
        return stored.path.read_text(encoding="utf-8", errors="replace")

    def _template(self, text: str) -> Template:
        try:
            return engine.template_of(text)
        except TemplateError as error:
            raise _invalid(str(error)) from None

    def _refuse_unsupported(self) -> None:
        for name in NOT_SUPPORTED:
            if self._get_param(name):
                raise _invalid(f"The local AWS does not support {name}.")
        if (self._get_param("RollbackConfiguration") or {}).get("RollbackTriggers"):
            raise _invalid("The local AWS does not support RollbackConfiguration.")

    def _definition(self, previous: Stack | None = None) -> Definition:
        """Return what the request asks a stack to be, checked as far as it can be without making anything."""
        self._refuse_unsupported()
        text = self._template_text(previous)
        template = self._template(text)
        before = previous.definition.parameters if previous else None
        try:
            values = parameter_values(template, self._get_param("Parameters", []), before)
            name = previous.name if previous else self._name()
            pseudo = Stack("", name, self.current_account, self.region, Definition("", {}, {}, []), now()).pseudo()
            evaluation = Evaluation(template, values, pseudo, lambda *_: UNKNOWN, lambda _: UNKNOWN)
            for logical_id in evaluation.active():
                evaluation.properties(logical_id)
            evaluation.outputs()
        except TemplateError as error:
            raise _invalid(str(error)) from None
        tags = self._get_param("Tags")
        if tags is None and previous is not None:
            tag_map = previous.definition.tags
        else:
            tag_map = {tag["Key"]: tag["Value"] for tag in tags or []}
        reserved = next((key for key in tag_map if key.lower().startswith("aws:")), None)
        if reserved:
            raise _invalid(f"aws: prefixed tag key names are not allowed for external use. ({reserved})")
        return Definition(text, values, tag_map, self._get_param("Capabilities", []))

    def _check_capabilities(self, definition: Definition) -> None:
        needed, _ = engine.template_of(definition.template).capabilities()
        given = set(definition.capabilities)
        if "CAPABILITY_NAMED_IAM" in given:
            given.add("CAPABILITY_IAM")
        missing = [name for name in needed if name not in given]
        if missing:
            raise CloudFormationError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
            )

    def _page(self, items: list[Any], size: int = PAGE) -> tuple[list[Any], str | None]:
        token = self._get_param("NextToken") or "0"
        if not token.isdigit():
            raise _invalid("Invalid NextToken.")
        end = int(token) + size
        return items[int(token) : end], str(end) if end < len(items) else None

    # --- stacks ---

    def create_stack(self) -> ActionResult:
        name = self._new_name("StackName")
        if self.backend.find(name) is not None:
            raise CloudFormationError("AlreadyExistsException", f"Stack [{name}] already exists")
        definition = self._definition()
        self._check_capabilities(definition)
        self._check_role(self._get_param("RoleARN"))
        stack = self._new_stack(name, definition)
        on_failure = self._get_param("OnFailure")
        if on_failure and self._get_param("DisableRollback") is not None:
            raise _invalid("You can only specify one of DisableRollback and OnFailure.")
        stack.on_failure = on_failure or self._rollback_choice()
        stack.timeout_minutes = self._get_param("TimeoutInMinutes")
        stack.is_protected = self._get_bool_param("EnableTerminationProtection", False)
        self._begin(stack, "create", "CREATE_IN_PROGRESS")
        return ActionResult({"StackId": stack.id})

    def _rollback_choice(self) -> str:
        return "DO_NOTHING" if self._get_bool_param("DisableRollback", False) else "ROLLBACK"

    def _new_stack(self, name: str, definition: Definition) -> Stack:
        stack_id = f"arn:aws:cloudformation:{self.region}:{self.current_account}:stack/{name}/{uuid.uuid4()}"
        stack = Stack(stack_id, name, self.current_account, self.region, definition, now())
        stacks = self.backend.stacks
        deleted = [other for other, found in stacks.items() if found.status == "DELETE_COMPLETE"]
        for other in deleted[: max(0, len(deleted) - DELETED_STACKS)]:
            del stacks[other]
        stacks[stack_id] = stack
        return stack

    def _begin(self, stack: Stack, operation: str, status: str) -> None:
        stack.token = self._get_param("ClientRequestToken")
        stack.role_arn = self._get_param("RoleARN") or stack.role_arn
        stack.caller = self.get_access_key()
        stack.retain_except_on_create = self._get_bool_param("RetainExceptOnCreate", False)
        engine.add_event(stack, status, "User Initiated")
        self.backend.start(stack, operation)

    def _check_role(self, arn: str | None) -> None:
        """Raises CloudFormationError unless CloudFormation can assume the role that the stack is to act as."""
        try:
            if arn:
                roles.session(self.current_account, arn, "cloudformation", "AWSCloudFormation")
        except roles.CannotAssume:
            raise _invalid(f"Role {arn} is invalid or cannot be assumed") from None

    def update_stack(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        self._check_updatable(stack)
        definition = self._definition(stack)
        self._check_capabilities(definition)
        self._check_role(self._get_param("RoleARN") or stack.role_arn)
        try:
            changes, other = engine.find_changes(stack, definition, self.backend.import_value)
        except TemplateError as error:
            raise _invalid(str(error)) from None
        if not changes and not other:
            raise _invalid("No updates are to be performed.")
        self._refuse_disable_rollback()
        self._begin_update(stack, definition)
        return ActionResult({"StackId": stack.id})

    def _refuse_disable_rollback(self) -> None:
        if self._get_bool_param("DisableRollback", False):
            raise _invalid("The local AWS does not support DisableRollback for an update.")

    def _begin_update(self, stack: Stack, definition: Definition) -> None:
        for change_set in stack.change_sets.values():
            if change_set.execution_status == "AVAILABLE":
                change_set.execution_status = "OBSOLETE"
        stack.previous, stack.definition, stack.updated = stack.definition, definition, now()
        stack.undo, stack.cleanup = {}, []
        self._begin(stack, "update", "UPDATE_IN_PROGRESS")

    def _check_updatable(self, stack: Stack) -> None:
        if stack.is_busy or stack.status not in UPDATABLE:
            raise _invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    def delete_stack(self) -> ActionResult:
        stack = self.backend.find(self._name())
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return EmptyResult()
        if stack.is_protected:
            raise _invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.is_busy:
            raise _invalid(f"Stack [{stack.name}] cannot be deleted while in status {stack.status}")
        retained = self._get_param("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise _invalid(
                f"Invalid operation on stack [{stack.id}]. When you delete a stack, specify which resources to retain only "
                "when the stack is in the DELETE_FAILED state."
            )
        strange = [name for name in retained if name not in stack.resources]
        if strange:
            raise _invalid(f"The specified resources to retain must be in a valid state. [{', '.join(strange)}]")
        stack.retained = retained
        stack.is_forced = self._get_param("DeletionMode") == "FORCE_DELETE_STACK"
        stack.resting_status = stack.status
        self._begin(stack, "delete", "DELETE_IN_PROGRESS")
        return EmptyResult()

    def continue_update_rollback(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise _invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback.")
        stack.retained = self._get_param("ResourcesToSkip", [])
        self._begin(stack, "update_rollback", "UPDATE_ROLLBACK_IN_PROGRESS")
        return EmptyResult()

    def update_termination_protection(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        stack.is_protected = self._get_bool_param("EnableTerminationProtection", False)
        return ActionResult({"StackId": stack.id})

    def describe_stacks(self) -> ActionResult:
        if self._get_param("StackName"):
            found = [self._stack()]
        else:
            found = [stack for stack in self.backend.stacks.values() if stack.status != "DELETE_COMPLETE"][::-1]
        page, token = self._page(found)
        return ActionResult({"Stacks": [_stack_answer(stack) for stack in page], "NextToken": token})

    def list_stacks(self) -> ActionResult:
        wanted = self._get_param("StackStatusFilter", [])
        found = [stack for stack in self.backend.stacks.values() if not wanted or stack.status in wanted][::-1]
        page, token = self._page(found)
        return ActionResult({"StackSummaries": [_stack_summary(stack) for stack in page], "NextToken": token})

    def describe_stack_events(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        page, token = self._page(stack.events[::-1])
        return ActionResult({"StackEvents": page, "NextToken": token})

    def describe_stack_resource(self) -> ActionResult:
        stack = self._stack("Stack '{}' does not exist")
        resource = self._resource(stack, self._name("LogicalResourceId"))
        answer = {
            **_resource_answer(stack, resource),
            "LastUpdatedTimestamp": resource.changed,
            "Metadata": None if resource.metadata is None else engine.json.dumps(resource.metadata),
        }
        return ActionResult({"StackResourceDetail": answer})

    def _resource(self, stack: Stack, logical_id: str) -> Resource:
        if logical_id not in stack.resources:
            raise _invalid(f"Resource {logical_id} does not exist for stack {stack.name}")
        return stack.resources[logical_id]

    def describe_stack_resources(self) -> ActionResult:
        physical_id = self._get_param("PhysicalResourceId")
        if physical_id and self._get_param("StackName"):
            raise _invalid("Only one of StackName and PhysicalResourceId may be specified.")
        if physical_id:
            stack = next((s for s in self.backend.stacks.values() if physical_id in _physical_ids(s)), None)
            if stack is None:
                raise _invalid(f"Stack for {physical_id} does not exist")
        else:
            stack = self._stack()
        logical_id = self._get_param("LogicalResourceId")
        found = [self._resource(stack, logical_id)] if logical_id else list(stack.resources.values())
        answers = [{**_resource_answer(stack, resource), "Timestamp": resource.changed} for resource in found]
        return ActionResult({"StackResources": answers})

    def list_stack_resources(self) -> ActionResult:
        stack = self._stack()
        page, token = self._page(list(stack.resources.values()))
        answers = [{**_resource_answer(stack, resource), "LastUpdatedTimestamp": resource.changed} for resource in page]
        return ActionResult({"StackResourceSummaries": answers, "NextToken": token})

    def list_exports(self) -> ActionResult:
        exports = engine.exports_of(self.backend.stacks)
        found = [
            {"ExportingStackId": stack_id, "Name": name, "Value": value} for name, (value, stack_id) in exports.items()
        ]
        page, token = self._page(found)
        return ActionResult({"Exports": page, "NextToken": token})

    def list_imports(self) -> ActionResult:
        name = self._name("ExportName")
        users = engine.importers_of(self.backend.stacks, name)
        if not users:
            raise _invalid(f"Export '{name}' is not imported by any stack.")
        page, token = self._page(users)
        return ActionResult({"Imports": page, "NextToken": token})

    # --- templates ---

    def get_template(self) -> ActionResult:
        change_set = self._get_param("ChangeSetName")
        stack = None if change_set and change_set.startswith("arn:") else self._stack()
        text = self._change_set(stack).definition.template if change_set else stack.definition.template if stack else ""
        return ActionResult({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]})

    def validate_template(self) -> ActionResult:
        return ActionResult(_described(self._template(self._template_text())))

    def get_template_summary(self) -> ActionResult:
        text = self._stack().definition.template if self._get_param("StackName") else self._template_text()
        template = self._template(text)
        answer = _described(template)
        for parameter, definition in zip(answer["Parameters"], template.parameters.values(), strict=True):
            parameter["ParameterType"] = definition["Type"]
            allowed = [str(value) for value in definition.get("AllowedValues", [])]
            parameter["ParameterConstraints"] = {"AllowedValues": allowed}
        answer["ResourceTypes"] = list(dict.fromkeys(resource["Type"] for resource in template.resources.values()))
        answer["Version"] = template.body.get("AWSTemplateFormatVersion")
        if "Metadata" in template.body:
            answer["Metadata"] = engine.json.dumps(template.body["Metadata"])
        return ActionResult(answer)

    # --- change sets ---

    def create_change_set(self) -> ActionResult:
        name, stack_name = self._new_name("ChangeSetName"), self._name()
        kind = self._get_param("ChangeSetType", "UPDATE")
        stack = self.backend.find(stack_name)
        if kind == "IMPORT":
            raise _invalid("The local AWS does not support the change set type IMPORT.")
        if kind == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                raise _invalid(
                    f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}]."
                )
            definition = self._definition()
        else:
            if stack is None:
                raise _invalid(f"Stack [{stack_name}] does not exist")
            self._check_updatable(stack)
            definition = self._definition(stack)
        on_failure = self._get_param("OnStackFailure")
        if on_failure not in (None, "ROLLBACK") and kind != "CREATE":
            raise _invalid(f"The local AWS does not support OnStackFailure {on_failure} for an update.")
        if stack is not None and any(each.name == name for each in stack.change_sets.values()):
            raise CloudFormationError("AlreadyExistsException", f"ChangeSet {name} already exists")
        self._check_capabilities(definition)
        if stack is None:
            stack = self._new_stack(self._new_name("StackName"), definition)
            engine.add_event(stack, "REVIEW_IN_PROGRESS", "User Initiated")
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
        try:
            change_set.changes, other = engine.find_changes(stack, definition, self.backend.import_value)
            if not change_set.changes and not other:
                change_set.reason = NO_CHANGES
        except TemplateError as error:
            change_set.reason = str(error)
        if change_set.reason:
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        stack.change_sets[change_set.id] = change_set
        return ActionResult({"Id": change_set.id, "StackId": stack.id})

    def _change_set(self, stack: Stack | None = None) -> ChangeSet:
        return self._stack_and_change_set(stack)[1]

    def _stack_and_change_set(self, stack: Stack | None = None) -> tuple[Stack, ChangeSet]:
        name = self._name("ChangeSetName")
        if name.startswith("arn:"):
            stacks = list(self.backend.stacks.values())
        elif not self._get_param("StackName"):
            raise _invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
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
                **_change_set_summary(stack, change_set),
                "Parameters": _parameters_answer(change_set.definition),
                "Tags": [{"Key": key, "Value": value} for key, value in change_set.definition.tags.items()],
                "Capabilities": change_set.definition.capabilities,
                "NotificationARNs": [],
                "RollbackConfiguration": {},
                "Changes": [_change_answer(change) for change in page],
                "NextToken": token,
            }
        )

    def list_change_sets(self) -> ActionResult:
        stack = self._stack("Stack [{}] does not exist")
        found = [item for item in stack.change_sets.values() if not item.execution_status.startswith("EXECUTE")]
        page, token = self._page([_change_set_summary(stack, item) for item in found])
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
            raise _invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
        is_creation = stack.status == "REVIEW_IN_PROGRESS"
        if not is_creation:
            self._refuse_disable_rollback()
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        stack.change_set_id = change_set.id
        if is_creation:
            stack.definition = change_set.definition
            stack.on_failure = change_set.on_failure or self._rollback_choice()
            self._begin(stack, "create", "CREATE_IN_PROGRESS")
        else:
            self._begin_update(stack, change_set.definition)
        return EmptyResult()


RESPONSE = CloudFormationResponse
URLS = [(r"https?://cloudformation\.(.+)\.amazonaws\.com/$", CloudFormationResponse.dispatch)]


# --- answers --------------------------------------------------------------------------------------------------------


def _is_secret(definition: dict[str, Any]) -> bool:
    return str(definition.get("NoEcho", False)).lower() == "true"


def _described(template: Template) -> dict[str, Any]:
    """Return what both ValidateTemplate and GetTemplateSummary say of a template."""
    capabilities, types = template.capabilities()
    answer: dict[str, Any] = {
        "Description": template.description,
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": _default(definition),
                "NoEcho": _is_secret(definition),
                "Description": definition.get("Description"),
            }
            for name, definition in template.parameters.items()
        ],
        "Capabilities": capabilities,
        "DeclaredTransforms": [],
    }
    if types:
        answer["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return answer


def _default(definition: dict[str, Any]) -> str | None:
    value = definition.get("Default")
    return value if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _parameters_answer(definition: Definition) -> list[dict[str, str]]:
    declared = engine.template_of(definition.template).parameters
    return [
        {"ParameterKey": name, "ParameterValue": "****" if _is_secret(declared[name]) else value}
        for name, value in definition.parameters.items()
    ]


def _stack_answer(stack: Stack) -> dict[str, Any]:
    definition = stack.definition
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "Description": engine.template_of(definition.template).description or None,
        "Parameters": _parameters_answer(definition),
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "NotificationARNs": [],
        "TimeoutInMinutes": stack.timeout_minutes,
        "Capabilities": definition.capabilities,
        "Outputs": [
            {
                "OutputKey": name,
                "OutputValue": output["Value"],
                "Description": output["Description"],
                "ExportName": output["Export"],
            }
            for name, output in stack.outputs.items()
        ],
        "RoleARN": stack.role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in definition.tags.items()],
        "EnableTerminationProtection": stack.is_protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _stack_summary(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "TemplateDescription": engine.template_of(stack.definition.template).description or None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _physical_ids(stack: Stack) -> set[str | None]:
    return {resource.physical_id for resource in stack.resources.values()}


def _resource_answer(stack: Stack, resource: Resource) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _change_set_summary(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    return {
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "StackId": stack.id,
        "StackName": stack.name,
        "Description": change_set.description,
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "IncludeNestedStacks": False,
    }


def _change_answer(change: Change) -> dict[str, Any]:
    answer = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Scope": change.scope,
        "Details": change.details,
    }
    if change.replacement is not None:
        answer["Replacement"] = change.replacement
    return {"Type": "Resource", "ResourceChange": answer}
