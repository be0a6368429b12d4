"""Dynamic references: `{{resolve:ssm:…}}`, `{{resolve:ssm-secure:…}}` and `{{resolve:secretsmanager:…}}`.

What `ssm` names is read when a stack operation is asked for, and kept with it. Secrets are read when a resource is made, and kept nowhere.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.local.cloudformation.templates.reading import TemplateError
from infra.local.cloudformation.templates.references import UNKNOWN

REFERENCE = re.compile(r"\{\{resolve:([^:{}]*):?([^{}]*)\}\}")
PARAMETER = re.compile(r"[a-zA-Z0-9_.\-/]+(:\d+)?")
MOST = 60  # in a template
PAGE = 10  # names in a call of GetParameters
SECURE = {"ssm-secure", "secretsmanager"}
SECURE_PARAMETERS = {
    ("AWS::IAM::User", "LoginProfile/Password"),
    ("AWS::KinesisFirehose::DeliveryStream", "RedshiftDestinationConfiguration/Password"),
}  # of the places that AWS lists, those of types that are here


class Reference(NamedTuple):
    """One dynamic reference: its text, its service and the rest."""

    text: str
    service: str
    rest: str


class Secret(NamedTuple):
    """What a reference to Secrets Manager asks for; "" where it does not say."""

    id: str
    key: str
    stage: str
    version: str


def find(value: Any) -> Iterator[Reference]:
    """Give the references in the texts of a value, those that are not known yet left out."""
    if isinstance(value, str):
        for match in REFERENCE.finditer(value):
            if UNKNOWN not in match[0]:
                yield Reference(match[0], match[1], match[2])
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from find(item)


def replaced(value: Any, values: Mapping[str, str]) -> Any:
    """Return a value with the references of which the values are given replaced."""
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: values.get(match[0], match[0]), value) if "{{resolve:" in value else value
    if isinstance(value, dict):
        return {key: replaced(item, values) for key, item in value.items()}
    return [replaced(item, values) for item in value] if isinstance(value, list) else value


def check(kind: str, properties: dict[str, Any]) -> None:
    """Check the references in the properties of a resource. Raises TemplateError.

    Parameters
    ----------
    kind: the resource's type
    """
    is_custom = kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource"
    for path, reference in _with_paths(properties, ""):
        if reference.service == "secretsmanager":
            secret(reference)
            if is_custom:
                raise TemplateError(
                    f"Dynamic references to secure values are not supported in custom resources: [{kind}/Properties{path}]"
                )
        elif reference.service in ("ssm", "ssm-secure"):
            if not PARAMETER.fullmatch(reference.rest):
                raise TemplateError(f"Incorrect format is used in the following SSM reference: [{reference.text}]")
            if reference.service == "ssm-secure" and (kind, path.lstrip("/")) not in SECURE_PARAMETERS:
                raise TemplateError(f"SSM Secure reference is not supported in: [{kind}/Properties{path}]")
        else:
            raise TemplateError(f"Incorrect format is used in the following dynamic reference: [{reference.text}]")


def check_number(values: list[Any]) -> None:
    """Check how many references a template has. Raises TemplateError."""
    found = {reference.text for value in values for reference in find(value)}
    if len(found) > MOST:
        raise TemplateError(
            f"Template error: a template can have up to {MOST} dynamic references, this one has {len(found)}."
        )


def _with_paths(value: Any, path: str) -> Iterator[tuple[str, Reference]]:
    if isinstance(value, str):
        for reference in find(value):
            yield path, reference
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _with_paths(item, f"{path}/{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _with_paths(item, path)


def secret(reference: Reference) -> Secret:
    """Return what a reference to Secrets Manager asks for. Raises TemplateError."""
    parts = reference.rest.split(":")
    length = 7 if parts[0] == "arn" else 1
    name, rest = ":".join(parts[:length]), parts[length:]
    rest += [""] * (4 - len(rest))
    kind, key, stage, version = (*rest[:4],)
    if not name or len(rest) > 4 or kind not in ("", "SecretString") or stage and version:
        raise TemplateError(f"Incorrect format is used in the following Secrets Manager reference: [{reference.text}]")
    return Secret(name, key, stage, version)


class Reader:
    """Reads what references name, with the rights of whom a stack acts for.

    Parameters
    ----------
    client: service name → boto3 client
    """

    def __init__(self, client: Callable[[str], Any]):
        self._client = client

    def parameters(self, names: list[str], secure: bool = False) -> dict[str, Any]:
        """Return name → GetParameters' answer for the parameters that are there. Raises TemplateError."""
        found: dict[str, Any] = {}
        names = list(dict.fromkeys(names))
        for start in range(0, len(names), PAGE):
            try:
                answer = self._client("ssm").get_parameters(Names=names[start : start + PAGE], WithDecryption=secure)
            except ClientError as error:
                raise TemplateError(_words(error, "AWSSimpleSystemsManagement")) from None
            for name in names[start : start + PAGE]:
                bare, _, version = name.partition(":")
                same = [each for each in answer["Parameters"] if each["Name"] == bare]
                fitting = [each for each in same if not version or str(each["Version"]) == version]
                if fitting:
                    found[name] = max(fitting, key=lambda each: each["Version"])
        return found

    def stored_values(self, names: list[str]) -> dict[str, str]:
        """Return name → value of what parameters of the types AWS::SSM::Parameter::… name. Raises TemplateError."""
        found = self.parameters(names)
        missing = [name for name in dict.fromkeys(names) if name not in found]
        if missing:
            raise TemplateError(
                f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this account."
            )
        _refuse_secure(found)
        return {name: each["Value"] for name, each in found.items()}

    def plain(self, references: list[Reference]) -> dict[str, str]:
        """Return text → value of references to `ssm`. Raises TemplateError."""
        wanted = {reference.text: reference.rest for reference in references if reference.service == "ssm"}
        found = self.parameters(list(wanted.values()))
        missing = [f"ssm:{name}" for name in dict.fromkeys(wanted.values()) if name not in found]
        if missing:
            raise TemplateError(f"Parameters: [{', '.join(missing)}] cannot be found.")
        _refuse_secure(found)
        return {words: found[name]["Value"] for words, name in wanted.items()}

    def secure(self, references: list[Reference]) -> dict[str, str]:
        """Return text → value of references to secrets and secure parameters. Raises TemplateError."""
        values: dict[str, str] = {}
        for reference in references:
            if reference.service == "secretsmanager":
                values[reference.text] = self._secret(secret(reference))
            elif reference.service == "ssm-secure":
                found = self.parameters([reference.rest], secure=True)
                if reference.rest not in found:
                    raise TemplateError(f"Parameters: [ssm-secure:{reference.rest}] cannot be found.")
                values[reference.text] = found[reference.rest]["Value"]
        return values

    def _secret(self, wanted: Secret) -> str:
        which = {"VersionStage": wanted.stage, "VersionId": wanted.version}
        try:
            answer = self._client("secretsmanager").get_secret_value(
                SecretId=wanted.id, **{name: value for name, value in which.items() if value}
            )
        except ClientError as error:
            raise TemplateError(_words(error, "AWSSecretsManager")) from None
        if "SecretString" not in answer:
            raise TemplateError("Secrets Manager dynamic reference has no SecretString.")
        whole = str(answer["SecretString"])
        if not wanted.key:
            return whole
        try:
            fields = json.loads(whole)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise TemplateError("Could not parse SecretString JSON")
        if wanted.key not in fields:
            raise TemplateError("Could not find a value associated with JSONKey in SecretString")
        value = fields[wanted.key]
        return value if isinstance(value, str) else json.dumps(value)


def _refuse_secure(found: dict[str, Any]) -> None:
    secure = [name for name, each in found.items() if each["Type"] == "SecureString"]
    if secure:
        raise TemplateError(
            f"Parameters [{','.join(secure)}] referenced by template have types not supported by CloudFormation."
        )


def _words(error: ClientError, service: str) -> str:
    """Return a service's error as CloudFormation tells it."""
    about, metadata = error.response["Error"], error.response.get("ResponseMetadata", {})
    return (
        f"{about.get('Message', about['Code'])} (Service: {service}; Status Code: {metadata.get('HTTPStatusCode', 400)}; "
        f"Error Code: {about['Code']}; Request ID: {metadata.get('RequestId', '')}; Proxy: null)"
    )
