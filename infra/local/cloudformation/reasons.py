"""Why a resource could not be made, changed or deleted, in CloudFormation's words."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

from infra.local.cloudformation.resources import types
from infra.local.cloudformation.resources.types import ResourceFailure, Stopped, Told
from infra.local.cloudformation.stack import Resource

log = logging.getLogger("workshop.cloudformation")
stopping = threading.Event()
STOP_SECONDS = 10.0  # from the last answer of a stopping server to the end of its services, at most


class Reasons:
    """Turns what services and botocore raise into ResourceFailure with the reason as AWS words it."""

    def __init__(self, resource: Resource, missing_is_fine: bool = False):
        self._service = resource.type.split("::")[1]
        self._missing_is_fine = missing_is_fine

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None or isinstance(error, (Stopped, Told, KeyboardInterrupt)):
            return False
        if isinstance(error, ClientError):
            if self._missing_is_fine and types.is_missing(error):
                return True
            raise ResourceFailure(_service_reason(self._service, error)) from None
        if isinstance(error, (HTTPClientError, ConnectionError)) and stopping.wait(STOP_SECONDS):
            raise Stopped from None  # the server takes no calls any more; it stops its services a little later
        if isinstance(error, BotoCoreError):
            raise ResourceFailure(_handler_reason(str(error), "InvalidRequest")) from None
        if isinstance(error, ResourceFailure):
            kind_of = "AlreadyExists" if str(error).endswith("already exists.") else "GeneralServiceException"
            raise ResourceFailure(_handler_reason(str(error), kind_of)) from None
        log.error("resource of %s", self._service, exc_info=error)
        raise ResourceFailure("Internal Failure") from None


def _service_reason(service: str, error: ClientError) -> str:
    code, metadata = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {})
    status, request = metadata.get("HTTPStatusCode", 400), metadata.get("RequestId", uuid.uuid4())
    message = error.response["Error"].get("Message", code)
    if "AlreadyExists" in code or code in ("ResourceInUseException", "BucketAlreadyOwnedByYou"):
        kind = "AlreadyExists"
    elif types.is_missing(error):
        kind = "NotFound"
    elif code in ("AccessDenied", "AccessDeniedException"):
        kind = "AccessDenied"
    elif code == "BucketNotEmpty" or status >= 500:
        kind = "GeneralServiceException"
    else:
        kind = "InvalidRequest"
    return _handler_reason(f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})", kind)


def _handler_reason(message: str, code: str) -> str:
    return f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
