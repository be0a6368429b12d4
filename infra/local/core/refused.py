"""The exception for what is answered with an error of AWS before any service sees it."""

from __future__ import annotations


class Refused(Exception):
    """A request that is refused: HTTP status, AWS's code, and the message."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code = status, code
