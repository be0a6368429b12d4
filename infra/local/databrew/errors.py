"""The errors of DataBrew's API, with the HTTP status that the service's model gives each."""

from __future__ import annotations


class BrewError(Exception):
    """An error that a request is answered with: AWS's code, the HTTP status and the message."""

    def __init__(self, code: str, status: int, message: str):
        super().__init__(message)
        self.code, self.status = code, status


def invalid(message: str) -> BrewError:
    return BrewError("ValidationException", 400, message)


def not_found(message: str) -> BrewError:
    return BrewError("ResourceNotFoundException", 404, message)


def conflict(message: str) -> BrewError:
    return BrewError("ConflictException", 409, message)


def over_quota(message: str) -> BrewError:
    return BrewError("ServiceQuotaExceededException", 402, message)
