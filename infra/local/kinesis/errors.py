"""Errors of Kinesis that moto has not, with AWS's codes."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


class KinesisError(Exception):
    """An AWS error of the hot operations: `code` is the exception's name, `str()` the message."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class LimitExceeded(JsonRESTError):
    """More than a stream or an account may have."""

    def __init__(self, message: str):
        super().__init__("LimitExceededException", message)


class OnDemand(JsonRESTError):
    """A stream on demand has no shards to change. Source: API_UpdateShardCount."""

    def __init__(self, name: str, account: str):
        message = f"Request is invalid. Stream {name} under account {account} is in On-Demand mode."
        super().__init__("ValidationException", message)
