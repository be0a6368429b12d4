"""What CloudFormation calls for each resource type: a few calls of the service's own API, so all checks are the service's own.

The types themselves are in a file a service beside this one; here is what they share.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import random
import re
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, ClassVar, NamedTuple

from botocore.exceptions import ClientError

from infra.local.cloudformation import schema
from infra.local.core import roles

MODULES = (
    "athena",
    "budgets",
    "cloudwatch",
    "databrew",
    "dynamodb",
    "events",
    "firehose",
    "flink",
    "glue",
    "iam_policies",
    "iam_roles",
    "iam_users",
    "kinesis",
    "kms",
    "lambda_",
    "logs",
    "nested",
    "s3",
    "scheduler",
    "secretsmanager",
    "signalled",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
)
WAIT_SECONDS = 120.0
POLL_SECONDS = 0.05
MISSING = {
    "404",
    "EntityNotFoundException",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ParameterNotFound",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
}


class ResourceFailure(Exception):
    """A resource could not be made, changed or deleted; the message is the reason in the stack's events."""


class Told(ResourceFailure):
    """A failure whose message is the reason as CloudFormation words it."""


class Stopped(Exception):
    """The server is stopping: the operation goes on after the next start."""


@dataclass
class Context:
    """What a resource type knows of its surroundings."""

    account: str
    region: str
    stack_name: str
    stack_id: str
    logical_id: str
    resource_type: str
    stopping: threading.Event
    made: Callable[[str], None]  # a type's `create` tells the physical id as soon as there is something to delete
    tags: dict[str, str] = field(default_factory=dict)  # of the stack; its resources get them too
    old_tags: dict[str, str] = field(default_factory=dict)  # of the stack before an update
    role_arn: str = ""
    caller: str = ""  # the access key that asked for the operation
    is_cancelled: Callable[[], bool] = lambda: False
    memory: dict[str, Any] = field(default_factory=dict)  # of the resource: survives a restart
    remember: Callable[..., None] = lambda **values: None  # stores values in the memory
    stack: Any = None  # for types that look at the other resources of their stack

    def client(self, service: str) -> Any:
        """Return a client that acts as the stack's role, or as who asked for the operation. Raises ResourceFailure."""
        return acting_client(self.account, self.region, self.role_arn, self.caller, service)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def wait(self, is_done: Callable[[], bool], seconds: float = WAIT_SECONDS, late: str = "") -> None:
        """Poll until `is_done`.

        Parameters
        ----------
        seconds: the longest wait
        late: what is said when it is over

        Raises ResourceFailure when it is over or the operation was cancelled, Stopped when the server stops.
        """
        deadline = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > deadline:
                raise Told(late) if late else ResourceFailure(f"{self.resource_type} did not stabilize.")
            if self.is_cancelled():
                raise Told("Resource creation cancelled")
            if self.stopping.wait(POLL_SECONDS):
                raise Stopped

    def already_exists(self, identifier: str) -> ResourceFailure:
        return ResourceFailure(
            f"Resource of type '{self.resource_type}' with identifier '{identifier}' already exists."
        )


def acting_client(account: str, region: str, role_arn: str, caller: str, service: str) -> Any:
    """Return a client that acts as a role, or where there is none as an access key. Raises ResourceFailure."""
    if not role_arn:
        return _client_of(caller, account, region, service)
    try:
        return roles.session(account, role_arn, "cloudformation", "AWSCloudFormation").client(region, service)
    except roles.CannotAssume:
        raise ResourceFailure(f"Role {role_arn} is invalid or cannot be assumed") from None


@lru_cache(maxsize=64)
def _client_of(access_key: str, account: str, region: str, service: str) -> Any:
    """Return a client that acts as an access key; to make one costs more than its calls."""
    return roles.client(access_key, account, region, service)


def is_missing(error: ClientError) -> bool:
    """Return whether a service said that the resource is not there."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code in MISSING or (
        code in ("InvalidRequestException", "ValidationError", "InvalidParameter", "InvalidArgumentException")
        and bool(re.search(r"not found|does(n't| not) exist", message))
    )


def exists(call: Callable[..., Any], **parameters: Any) -> bool:
    """Return whether a describe call finds something."""
    try:
        call(**parameters)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


class ResourceType:
    """One resource type. Subclasses make, change and delete; the engine has checked the properties against AWS's schema.

    `create` calls `context.made` with the physical id, which is what Ref gives, right after the call that made something.
    `delete` of something that is gone may raise the service's error: the engine takes it for done.
    """

    #: Properties that are understood here; others are refused. None: all that the service's own API takes.
    supported: ClassVar[frozenset[str] | None] = None
    lower_case_name: ClassVar[bool] = False
    name_length: ClassVar[int] = 64
    #: `create` finds in the context's memory what a stopped server had begun, and goes on with that.
    goes_on: ClassVar[bool] = False
    #: Fn::GetAtt takes any name; whether there is a value is known when the resource was made.
    has_any_attribute: ClassVar[bool] = False
    #: An update of the stack updates it, whether its properties change or not: it holds more than they tell.
    looks_again: ClassVar[bool] = False

    def own_name(self, context: Context, properties: dict[str, Any]) -> str | None:
        """Return the name that the template gives, or None."""
        key = schema.name_property(context.resource_type)
        return properties.get(key) if key else None

    def name(self, context: Context, properties: dict[str, Any]) -> str:
        """Return the template's name, or one made from stack and logical id, as CloudFormation does."""
        own = self.own_name(context, properties)
        if own:
            return own
        tail = "".join(random.choices(string.ascii_letters + string.digits, k=12))
        length = (self.name_length - len(tail) - 2) // 2
        made = f"{context.stack_name[:length]}-{context.logical_id[:length]}-{tail}"
        return made.lower() if self.lower_case_name else made

    def physical_id(self, context: Context, name: str, properties: dict[str, Any]) -> str | None:
        """Return the physical id that `create` gives, to find what a killed server left; None when only the service knows."""
        return name

    def create(self, context: Context, name: str, properties: dict[str, Any]) -> None:
        raise NotImplementedError

    def update(self, context: Context, physical_id: str, properties: dict[str, Any], old: dict[str, Any]) -> None:
        raise NotImplementedError

    def change(self, context: Context, physical_id: str, properties: dict[str, Any], old: dict[str, Any]) -> str:
        """Update, and return the physical id that the resource has then: another one where the old is to be deleted."""
        self.update(context, physical_id, properties, old)
        return physical_id

    def delete(self, context: Context, physical_id: str, properties: dict[str, Any]) -> None:
        raise NotImplementedError

    def attribute(self, attributes: dict[str, Any], name: str) -> Any:
        """Return what Fn::GetAtt gives of a made resource, None where it has no such attribute."""
        return attributes.get(name)

    def attributes(self, context: Context, physical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Return what Fn::GetAtt gives."""
        return {}


def tag_map(properties: dict[str, Any], context: Context) -> dict[str, str]:
    """Return stack tags and the resource's own tags (a list of Key and Value, or a map) as one map."""
    return {**context.tags, **_own_tags(properties)}


def _own_tags(properties: dict[str, Any]) -> dict[str, str]:
    own = properties.get("Tags") or {}
    return {tag["Key"]: tag["Value"] for tag in own} if isinstance(own, list) else own


def tags_changed(properties: dict[str, Any], old: dict[str, Any], context: Context) -> tuple[list[str], dict[str, str]]:
    """Return the tag keys that an update takes away, and the tags that it adds or changes."""
    before, after = {**context.old_tags, **_own_tags(old)}, tag_map(properties, context)
    gone = [key for key in before if key not in after]
    return gone, {key: value for key, value in after.items() if before.get(key) != value}


def as_tag_list(tags: dict[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


class Tagging(NamedTuple):
    """How a service takes tags: its two calls, their parameters, the parameter of calls that create, and the form of the tags."""

    resource: str = "ResourceArn"
    untag: str = "untag_resource"
    keys: str = "TagKeys"
    tag: str = "tag_resource"
    tags: str = "Tags"
    created: str = "Tags"
    form: Callable[[dict[str, str]], Any] = as_tag_list


TAGGING = {
    "athena": Tagging("ResourceARN"),
    "budgets": Tagging("ResourceARN", keys="ResourceTagKeys", tags="ResourceTags", created="ResourceTags"),
    "cloudwatch": Tagging("ResourceARN"),
    "databrew": Tagging(form=dict),
    "dynamodb": Tagging(),
    "events": Tagging("ResourceARN"),
    "firehose": Tagging("DeliveryStreamName", "untag_delivery_stream", "TagKeys", "tag_delivery_stream"),
    "glue": Tagging(keys="TagsToRemove", tags="TagsToAdd", form=dict),
    "iam": Tagging("RoleName", "untag_role", "TagKeys", "tag_role"),
    "kinesis": Tagging("StreamName", "remove_tags_from_stream", "TagKeys", "add_tags_to_stream", form=dict),
    "kinesisanalyticsv2": Tagging("ResourceARN"),
    "kms": Tagging("KeyId", form=partial(as_tag_list, key="TagKey", value="TagValue")),
    "lambda": Tagging("Resource", form=dict),
    "logs": Tagging("resourceArn", keys="tagKeys", tags="tags", created="tags", form=dict),
    "secretsmanager": Tagging("SecretId"),
    "sns": Tagging(),
    "ssm": Tagging("ResourceId", "remove_tags_from_resource", "TagKeys", "add_tags_to_resource"),
    "sqs": Tagging("QueueUrl", "untag_queue", "TagKeys", "tag_queue", created="tags", form=dict),
    "stepfunctions": Tagging(
        "resourceArn", keys="tagKeys", tags="tags", created="tags", form=partial(as_tag_list, key="key", value="value")
    ),
}


def created_tags(service: str, properties: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return the tags as the parameter of a call that creates; nothing where there are none."""
    tags = tag_map(properties, context)
    return {TAGGING[service].created: TAGGING[service].form(tags)} if tags else {}


def retag(service: str, resource: str, properties: dict[str, Any], old: dict[str, Any], context: Context) -> None:
    """Take away and add the tags that an update changes. resource: what the service's calls want, its ARN or name."""
    client, how = context.client(service), TAGGING[service]
    gone, added = tags_changed(properties, old, context)
    if gone:
        getattr(client, how.untag)(**{how.resource: resource, how.keys: gone})
    if added:
        getattr(client, how.tag)(**{how.resource: resource, how.tags: how.form(added)})


def picked(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the named properties that are set."""
    return {name: properties[name] for name in names if name in properties}


def without(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}


def lower_camel(value: Any) -> Any:
    """Return a structure with the first letter of all its keys in lower case, as some APIs want them."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lower_camel(item) for key, item in value.items()}
    return [lower_camel(item) for item in value] if isinstance(value, list) else value


def document(value: Any) -> str:
    """Return a policy or pattern as the text that APIs take."""
    return value if isinstance(value, str) else json.dumps(value)


@contextlib.contextmanager
def missing_is_fine() -> Any:
    """Pass over a service's error that says that the resource is not there."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def text_attributes(properties: dict[str, Any], *left_out: str) -> dict[str, str]:
    """Return properties as the text attributes of SQS and SNS."""
    result = {}
    for key, value in without(properties, "Tags", *left_out).items():
        result[key] = (
            str(value).lower()
            if isinstance(value, bool)
            else document(value)
            if isinstance(value, (dict, list))
            else str(value)
        )
    return result


def types() -> dict[str, ResourceType]:
    """Return every resource type that stacks can hold here."""
    modules = (importlib.import_module(f"infra.local.cloudformation.resources.{name}") for name in MODULES)
    return {name: made for module in modules for name, made in module.TYPES.items()}
