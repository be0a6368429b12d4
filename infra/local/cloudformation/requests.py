"""What requests ask for: names, templates, parameters, checked as far as that goes without making anything.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import json
import re
from typing import Any, cast
from urllib.parse import unquote, urlparse

from botocore.exceptions import ClientError, ParamValidationError
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

from infra.local.cloudformation import stack as stacks
from infra.local.cloudformation.backend import BACKENDS, CloudFormationBackend
from infra.local.cloudformation.resources.types import ResourceFailure, acting_client
from infra.local.cloudformation.stack import Definition, Stack, now
from infra.local.cloudformation.templates import dynamic_references, extensions
from infra.local.cloudformation.templates.evaluation import Evaluation
from infra.local.cloudformation.templates.parameters import SSM_NAME, declared_parameters, kind_of, parameter_values
from infra.local.cloudformation.templates.reading import TemplateError, read
from infra.local.cloudformation.templates.references import UNKNOWN
from infra.local.cloudformation.templates.template import Template
from infra.local.core import pages, query_xml, roles

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


class CloudFormationError(ServiceException):
    """An error of the service, with AWS's code and message."""


def invalid(message: str) -> CloudFormationError:
    return CloudFormationError("ValidationError", message)


class Requests(BaseResponse):
    """What the operations have in common; each takes its parameters from the request."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    def serialized(self, action_result: ActionResult) -> Any:
        """Return status, headers and body of an answer; moto words the errors."""
        if isinstance(action_result.result, Exception):
            return super().serialized(action_result)
        model = get_service_model("cloudformation").operation_model(self._get_action())
        body = query_xml.answer(model, cast("dict[str, Any] | None", action_result.result))
        return 200, {**self.response_headers, "Content-Type": "text/xml"}, body

    @property
    def expands_at_once(self) -> bool:
        """Whether the operation makes a stack of the template without a change set that shows what the template becomes."""
        return "ChangeSet" not in self._get_action()

    @property
    def backend(self) -> CloudFormationBackend:
        return BACKENDS[self.current_account][self.region]

    def _name(self, key: str = "StackName") -> str:
        value = self._get_param(key)
        member = key[0].lower() + key[1:]
        if not value:
            raise invalid(
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
            raise invalid(
                f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {problem}"
            )
        return value

    def _stack(self, message: str = "Stack with id {} does not exist") -> Stack:
        name = self._name()
        stack = self.backend.find(name)
        if stack is None:
            raise invalid(message.format(name))
        return stack

    def _template_text(self, previous: Stack | None = None) -> str:
        body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
        use_previous = self._get_bool_param("UsePreviousTemplate", False)
        if use_previous and (body or url):
            raise invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
        if use_previous and previous is not None:
            return previous.definition.template
        if body and url:
            raise invalid("Template URL and Template Body cannot both be specified.")
        if url:
            return self._template_at(url)
        if not body:
            raise invalid("Either Template URL or Template Body must be specified.")
        if len(body.encode()) > TEMPLATE_BYTES:
            raise invalid(
                f"1 validation error detected: Value '{body[:50]}...' at 'templateBody' failed to satisfy constraint: "
                f"Member must have length less than or equal to {TEMPLATE_BYTES}"
            )
        return body

    def _template_at(self, url: str) -> str:
        try:
            parts = urlparse(url)
        except ValueError:  # half an address of IPv6
            raise invalid("TemplateURL must be a supported URL.") from None
        host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
        virtual = re.fullmatch(r"(.+)\.s3[.-].*amazonaws\.com", host)
        if virtual:
            bucket, key = virtual[1], path
        elif re.fullmatch(r"s3[.-].*amazonaws\.com", host) or host in ("127.0.0.1", "localhost"):
            bucket, _, key = path.partition("/")
        else:
            raise invalid("TemplateURL must be a supported URL.")
        client = acting_client(self.current_account, self.region, "", self.get_access_key(), "s3")
        try:
            stored = client.get_object(Bucket=bucket, Key=key)
        except (ClientError, ParamValidationError) as error:
            told = error.response["Error"]["Message"] if isinstance(error, ClientError) else "Access Denied"
            raise invalid(
                f"S3 error: {told}\nFor more information check "
                "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
            ) from None
        if stored["ContentLength"] > TEMPLATE_URL_BYTES:
            raise invalid(f"Template may not exceed {TEMPLATE_URL_BYTES} bytes in size.")
        return str(stored["Body"].read().decode("utf-8", "replace"))

    def _checked(self, text: str) -> Template:
        """Return a template of which no stack is made, its loops as the defaults of its parameters have them. Raises CloudFormationError."""
        try:
            body = read(text)
            if not extensions.has_loops(body):
                return stacks.template_of(text)
            values = {name: str(each.get("Default", "")) for name, each in declared_parameters(body).items()}
            return stacks.template_of(json.dumps(extensions.written_out(body, values)))
        except TemplateError as error:
            raise invalid(str(error)) from None

    def _refuse_unsupported(self) -> None:
        for name in NOT_SUPPORTED:
            if self._get_param(name):
                raise invalid(f"The local AWS does not support {name}.")
        if (self._get_param("RollbackConfiguration") or {}).get("RollbackTriggers"):
            raise invalid("The local AWS does not support RollbackConfiguration.")

    def _definition(self, previous: Stack | None = None) -> Definition:
        """Return what the request asks a stack to be, with the values that its template names elsewhere. Raises CloudFormationError."""
        self._refuse_unsupported()
        text = self._template_text(previous)
        tags = self._tags(previous)
        role = self._get_param("RoleARN") or (previous.role_arn if previous else None)
        self._check_role(role)
        try:
            definition = self._processed(text, previous, tags)
            self._check_capabilities(definition)
            self._read_stored(definition, previous.name if previous else self._name(), role or "")
        except (TemplateError, ResourceFailure) as error:
            raise invalid(str(error)) from None
        return definition

    def _processed(self, text: str, previous: Stack | None, tags: dict[str, str]) -> Definition:
        """Return the definition with its parameters, and its loops written out. Raises TemplateError."""
        before = previous.definition.parameters if previous else None
        given, capabilities = self._get_param("Parameters", []), self._get_param("Capabilities", [])
        body = read(text)
        if not extensions.has_loops(body):
            values = parameter_values(stacks.template_of(text).parameters, given, before)
            return Definition(text, values, tags, capabilities)
        values = parameter_values(declared_parameters(body), given, before)
        processed = json.dumps(extensions.written_out(body, values))
        stacks.template_of(processed)
        return Definition(text, values, tags, capabilities, processed)

    def _read_stored(self, definition: Definition, name: str, role: str) -> None:
        """Read what the parameters and dynamic references of a definition name in Systems Manager. Raises TemplateError, ResourceFailure."""
        template, caller = definition.made(), self.get_access_key()
        reader = dynamic_references.Reader(
            lambda service: acting_client(self.current_account, self.region, role, caller, service)
        )
        kinds = {key: kind_of(each["Type"]) for key, each in template.parameters.items()}
        stored = [definition.parameters[key] for key, kind in kinds.items() if kind.is_stored or kind.item == SSM_NAME]
        found = reader.stored_values(stored) if stored else {}
        definition.stored = {key: found[definition.parameters[key]] for key, kind in kinds.items() if kind.is_stored}
        pseudo = Stack("", name, self.current_account, self.region, Definition("", {}, {}, []), now()).pseudo()
        evaluation = Evaluation(template, definition.values(), pseudo, lambda *_: UNKNOWN, lambda _: UNKNOWN)
        values: list[Any] = []
        for logical_id in evaluation.active():
            properties = evaluation.properties(logical_id)
            dynamic_references.check(template.resources[logical_id]["Type"], properties)
            values.append(properties)
        values.append(evaluation.outputs())
        dynamic_references.check_number(values)
        references = [each for each in dynamic_references.find(values) if each.service == "ssm"]
        definition.references = reader.plain(references) if references else {}

    def _tags(self, previous: Stack | None) -> dict[str, str]:
        tags = self._get_param("Tags")
        if tags is None and previous is not None:
            return previous.definition.tags
        found = {tag["Key"]: tag["Value"] for tag in tags or []}
        reserved = next((key for key in found if key.lower().startswith("aws:")), None)
        if reserved:
            raise invalid(f"aws: prefixed tag key names are not allowed for external use. ({reserved})")
        return found

    def _check_role(self, arn: str | None) -> None:
        """Raises CloudFormationError unless CloudFormation can assume the role that the stack is to act as."""
        try:
            if arn:
                roles.session(self.current_account, arn, "cloudformation", "AWSCloudFormation")
        except roles.CannotAssume:
            raise invalid(f"Role {arn} is invalid or cannot be assumed") from None

    def _check_capabilities(self, definition: Definition) -> None:
        template = definition.made()
        needed, _ = template.capabilities()
        given = set(definition.capabilities)
        if "CAPABILITY_NAMED_IAM" in given:
            given.add("CAPABILITY_IAM")
        if template.is_extended and self.expands_at_once:
            needed = [*needed, "CAPABILITY_AUTO_EXPAND"]
        missing = [name for name in needed if name not in given]
        if missing:
            raise CloudFormationError(
                "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
            )

    def _page(self, items: list[Any], size: int = PAGE) -> tuple[list[Any], str | None]:
        try:
            found, token = pages.page(items, self._get_param("NextToken"), size)
        except ValueError:
            raise invalid("Invalid NextToken.") from None
        return list(found), token
