"""Errors of the service's API."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


class StatesError(JsonRESTError):
    """An error with one of the service's codes."""

    code = 400

    def __init__(self, code: str, message: str):
        super().__init__(code, message)


def invalid(message: str) -> StatesError:
    return StatesError("ValidationException", message)


def invalid_arn(arn: str) -> StatesError:
    return StatesError("InvalidArn", f"Invalid Arn: '{arn}'")


def no_machine(arn: str) -> StatesError:
    return StatesError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def no_execution(arn: str) -> StatesError:
    return StatesError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def no_resource(arn: str) -> StatesError:
    return StatesError("ResourceNotFound", f"Resource not found: '{arn}'")
