"""Requests and answers of services in the form that Step Functions has for them: names in PascalCase, times as text, AWS's SDK error names."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from infra.local.core import strict_json
from infra.local.stepfunctions import resources
from infra.local.stepfunctions.failures import RUNTIME, StateFailure
from infra.local.stepfunctions.scope import compact

SERVICE_NAMES = {  # of the SDK behind the optimised integrations, and the prefix of its errors
    "athena": ("AmazonAthena", "Athena"),
    "databrew": ("AWSGlueDataBrew", "DataBrew"),
    "events": ("AmazonEventBridge", "EventBridge"),
    "glue": ("AWSGlue", "Glue"),
    "lambda": ("AWSLambda", "Lambda"),
    "sns": ("AmazonSNS", "SNS"),
    "sqs": ("AmazonSQS", "SQS"),
    "states": ("AWSStepFunctions", "StepFunctions"),
}


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def parameters(given: Any, shape: Any) -> dict[str, Any]:
    """Return a task's parameters as boto3 takes them. Raises StateFailure for what the API does not take."""
    if shape is None:
        return {}
    if not isinstance(given, dict):
        raise _unusable(given, "the Parameters must be an object")
    known = {pascal(name): name for name in shape.members}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise _unusable(given, f"The field '{unknown[0]}' is not supported by Step Functions")
    for name in shape.required_members:
        if pascal(name) not in given:
            raise _unusable(given, f"The field '{pascal(name)}' is required but was missing")
    return {known[name]: _value(value, shape.members[known[name]]) for name, value in given.items()}


def check_parameters(resource: resources.Resource, given: Any) -> None:
    """Raise StateFailure for parameters with which the task could not be started."""
    operation = resources.operation(resource)
    if operation is not None:
        parameters(given, operation.input_shape)


def _unusable(given: Any, why: str) -> StateFailure:
    return StateFailure(RUNTIME, f"The Parameters '{compact(given)}' could not be used to start the Task: [{why}]")


def _value(value: Any, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        known = {pascal(name): name for name in shape.members}
        return {known.get(name, name): _value(item, shape.members[known[name]]) if name in known else item
                for name, item in value.items()}  # fmt: skip
    if kind == "list" and isinstance(value, list):
        return [_value(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _value(item, shape.value) for name, item in value.items()}
    if kind == "blob":
        return (value if isinstance(value, str) else compact(value)).encode()
    if kind == "string" and not isinstance(value, str) and value is not None:
        # an object where the API wants a text: Step Functions writes it as JSON
        return compact(value) if isinstance(value, dict | list) else str(value)
    return value


def answer(given: Any, shape: Any) -> Any:
    """Return boto3's answer as Step Functions shows it: without its metadata, names in PascalCase, times as text."""
    if shape is None:
        return {}
    return _shown({name: value for name, value in given.items() if name != "ResponseMetadata"}, shape)


def _shown(value: Any, shape: Any) -> Any:
    kind = shape.type_name if shape is not None else ""
    if isinstance(value, dict) and kind == "structure":
        return {pascal(name): _shown(item, shape.members.get(name)) for name, item in value.items()}
    if isinstance(value, dict):
        return {name: _shown(item, getattr(shape, "value", None)) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item, getattr(shape, "member", None)) for item in value]
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes | bytearray) or hasattr(value, "read"):
        return _text(value.read() if hasattr(value, "read") else bytes(value))
    return value


def moment(value: datetime) -> str:
    """Return a time as the SDK writes it: ISO 8601 in UTC, milliseconds only where there are some."""
    value = value.astimezone(UTC)
    shown = value.isoformat(timespec="milliseconds" if value.microsecond // 1000 else "seconds")
    return shown.replace("+00:00", "Z")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def metadata(given: dict[str, Any]) -> dict[str, Any]:
    """Return what optimised integrations add about the HTTP answer."""
    about = given.get("ResponseMetadata", {})
    headers = {name: str(value) for name, value in about.get("HTTPHeaders", {}).items()}
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": about.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": about.get("RequestId", "")},
    }


def failure(error: Exception, resource: resources.Resource) -> StateFailure:
    """Return an error of boto3 with the name and the words that Step Functions gives it."""
    if not isinstance(error, ClientError):
        return _unsent(error, resource)
    about, http = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code, message = about.get("Code", "Unknown"), about.get("Message") or str(error)
    status, request = http.get("HTTPStatusCode", 400), http.get("RequestId", "")
    code = code.rpartition("#")[2].rpartition(".")[2]
    if resource.kind == "sdk":
        client = resources.client_name(resource.service)
        name = f"{resources.prefix(client)}.{_exception(code, resource, resources.prefix(client))}"
        extended = http.get("HostId")
        ids = f"Request ID: {request}" + (f", Extended Request ID: {extended}" if extended else "")
        words = f"{message} (Service: {resources.prefix(client)}, Status Code: {status}, {ids}) (SDK Attempt Count: 1)"
        return StateFailure(name, words)
    service, prefix = SERVICE_NAMES[resource.service]
    words = (
        f"{message} (Service: {service}; Status Code: {status}; Error Code: {code}; Request ID: {request}; Proxy: null)"
    )
    return StateFailure(f"{prefix}.{_exception(code, resource, service)}", words)


def _exception(code: str, resource: resources.Resource, base: str) -> str:
    """Return the class of Java's SDK for an error code; a code that the API's model does not have is the service's general one."""
    operation = resources.operation(resource)
    if operation is None:
        return code if code.endswith("Exception") else f"{code}Exception"
    known = {shape.name: shape for shape in operation.service_model.error_shapes}
    codes = {shape.error_code: name for name, shape in known.items()}
    name = code if code in known else codes.get(code)
    if name is None and re.fullmatch(r"[A-Za-z]*AccessDenied[A-Za-z]*", code):
        return "AccessDeniedException"
    if name is None:
        return f"{base}Exception"
    return name if name.endswith("Exception") else f"{name}Exception"


def _unsent(error: Exception, resource: resources.Resource) -> StateFailure:
    if isinstance(error, ParamValidationError):
        return StateFailure(RUNTIME, f"The Parameters could not be used to start the Task: [{error}]")
    prefix = error_prefix(resource)
    return StateFailure(f"{prefix}.SdkClientException", f"Unable to execute HTTP request: {error}")


def error_prefix(resource: resources.Resource) -> str:
    """Return what stands before the dot in a service's error names."""
    if resource.kind == "sdk":
        return resources.prefix(resources.client_name(resource.service))
    return SERVICE_NAMES[resource.service][1]


def as_json(data: bytes | str) -> Any:
    """Return JSON text as its value, other text as it is."""
    try:
        return strict_json.loads(data if isinstance(data, str) else data.decode())
    except ValueError:
        return data if isinstance(data, str) else data.decode("utf-8", "replace")


ERRORS = (ClientError, BotoCoreError)
