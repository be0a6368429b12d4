"""The errors of Athena's API."""

from __future__ import annotations

import json

from moto.core.exceptions import JsonRESTError


class InvalidRequest(JsonRESTError):
    """InvalidRequestException with Athena's own code."""

    code = 400
    kind = "InvalidRequestException"

    def __init__(self, message: str, athena_code: str = "INVALID_INPUT"):
        super().__init__(self.kind, message)
        self.description = json.dumps(
            {
                "__type": self.kind,
                "AthenaErrorCode": athena_code,
                "ErrorCode": athena_code,
                "Message": message,
            }
        )


class ResourceNotFound(InvalidRequest):
    """ResourceNotFoundException: there is no such prepared statement or tagged resource."""

    kind = "ResourceNotFoundException"

    def __init__(self, message: str):
        super().__init__(message, "RESOURCE_NOT_FOUND")
