"""The errors of AWS Lambda: code, HTTP status and the text that AWS gives."""

from __future__ import annotations

from typing import Any

from infra.local.core.refused import Refused

STATUS = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "EC2UnexpectedException": 502,
    "InvalidParameterValueException": 400,
    "InvalidRequestContentException": 400,
    "NotImplemented": 501,
    "PreconditionFailedException": 412,
    "RecursiveInvocationException": 400,
    "RequestEntityTooLargeException": 413,
    "RequestTooLargeException": 413,
    "ResourceConflictException": 409,
    "ResourceInUseException": 400,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "TooManyRequestsException": 429,
    "UnknownOperationException": 404,
    "UnsupportedMediaTypeException": 415,
    "ValidationException": 400,
}


class LambdaError(Refused):
    """An error that a caller gets.

    Parameters
    ----------
    extra: further members of the answer, as `Reason`
    """

    def __init__(self, code: str, message: str, **extra: Any):
        super().__init__(STATUS[code], code, message)
        self.extra = extra

    def body(self) -> dict[str, Any]:
        if self.code == "ValidationException":
            return {"message": str(self)}
        return {"Type": "User", "Message": str(self), **self.extra}


def invalid(message: str) -> LambdaError:
    return LambdaError("InvalidParameterValueException", message)


def missing(message: str) -> LambdaError:
    return LambdaError("ResourceNotFoundException", message)


def conflict(message: str) -> LambdaError:
    return LambdaError("ResourceConflictException", message)


def constraint(value: Any, member: str, problem: str) -> LambdaError:
    """Return the ValidationException of one member: `problem` is what comes after `constraint: `."""
    return LambdaError(
        "ValidationException",
        f"1 validation error detected: Value {value!r} at '{member}' failed to satisfy constraint: {problem}"
        if isinstance(value, str)
        else f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {problem}",
    )


def refused(what: str) -> LambdaError:
    """Return the error for what the local AWS does not do."""
    return LambdaError("NotImplemented", f"The local AWS does not have {what}. Choose a real AWS profile to use it.")
