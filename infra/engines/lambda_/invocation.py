"""What an environment is made of, what it is given, and how that ends: plain data, and Lambda's own errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Spec:
    """What an environment is made of.

    Parameters
    ----------
    handler: module and function, as `app.handler`
    variables: all environment variables but those of the Runtime API
    task: folder of the code
    opt: folder of the layers, None without
    tmp: folder for /tmp where the kernel gives no file system of its own
    memory_mb, storage_mb: in MiB
    """

    handler: str
    variables: dict[str, str]
    task: Path
    opt: Path | None
    tmp: Path
    memory_mb: int
    storage_mb: int


@dataclass(frozen=True)
class Event:
    """What the runtime client gets for one invocation."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout: float  # seconds
    client_context: str = ""


@dataclass
class Outcome:
    """How an invocation, or the first phase of an environment, ended.

    Parameters
    ----------
    fault: "" when it succeeded, else the kind as REPORT tells it: `error` or `timeout`
    error_type: as `Runtime.ExitError`; "" for errors that the handler raised
    usable: whether the environment can take another event
    """

    payload: bytes = b""
    fault: str = ""
    error_type: str = ""
    seconds: float = 0.0
    memory_mb: int = 0
    usable: bool = True
    content_type: str = "application/json"
    lines: list[str] = field(default_factory=list)  # said by the server, after the function's


Told = Callable[[str], None]


def error_body(kind: str, message: str) -> bytes:
    """Return an error as Lambda answers it."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def runtime_error(body: bytes) -> str:
    """Return the error type when the runtime client itself gave it, "" when the handler raised."""
    try:
        kind = json.loads(body).get("errorType", "")
    except (ValueError, AttributeError):
        return ""
    return kind if isinstance(kind, str) and kind.startswith("Runtime.") else ""
