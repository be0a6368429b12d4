"""The runtime client where AWS's has no wheel (macOS): the same protocol, with the standard library.

Only what functions see is kept: the context object, the error forms, the log lines. On Linux AWS's own client runs.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback
from types import SimpleNamespace
from typing import Any

PREFIX = "/2018-06-01/runtime"
_request_id = ""


class InitFault(Exception):
    """The handler cannot be had; `kind` is AWS's error type."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Context:
    """The context object of a Python handler."""

    def __init__(self, headers: http.client.HTTPMessage):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        given = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = SimpleNamespace(**json.loads(given)) if given else None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message: Any) -> None:
        sys.stdout.write(str(message))


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = _request_id
        sys.stdout.write(self.format(record))
        sys.stdout.flush()


def main(arguments: list[str]) -> None:
    """Run a handler for ever. Exits with 1 when it cannot be had."""
    global _request_id
    sys.stdout.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    _set_up_logging()
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = _handler(arguments[1])
    except InitFault as fault:
        _post(api, "/init/error", _error(str(fault), fault.kind, []))
        sys.exit(1)
    except Exception as error:
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
        _post(api, "/init/error", _error(str(error), type(error).__name__, frames))
        sys.exit(1)
    while True:
        api.request("GET", f"{PREFIX}/invocation/next")
        answer = api.getresponse()
        payload = answer.read()
        _request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        _answer(api, handler, payload, Context(answer.headers))


def _answer(api: http.client.HTTPConnection, handler: Any, payload: bytes, context: Context) -> None:
    place = f"/invocation/{context.aws_request_id}"
    try:
        result = handler(json.loads(payload), context)
    except Exception as error:
        frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
        _post(api, f"{place}/error", _error(str(error), type(error).__name__, frames, context.aws_request_id))
        return
    try:
        body = json.dumps(result, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        _post(api, f"{place}/error", _error(message, "Runtime.MarshalError", [], context.aws_request_id))
        return
    _send(api, f"{place}/response", body, {})


def _handler(name: str) -> Any:
    module_name, dot, function = name.rpartition(".")
    if not dot:
        message = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise InitFault("Runtime.MalformedHandlerName", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise InitFault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        raise InitFault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from None
    if not hasattr(module, function):
        raise InitFault("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'")
    return getattr(module, function)


def _set_up_logging() -> None:
    handler = _Lines()
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    logging.Formatter.converter = time.gmtime
    logging.getLogger().addHandler(handler)


def _error(message: str, kind: str, frames: list[str], request_id: str = "") -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": frames}


def _post(api: http.client.HTTPConnection, place: str, error: dict[str, Any]) -> None:
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        for line in frame.splitlines():
            text = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join(lines) + "\n")
    _send(api, place, json.dumps(error).encode(), {"Lambda-Runtime-Function-Error-Type": error["errorType"]})


def _send(api: http.client.HTTPConnection, place: str, body: bytes, headers: dict[str, str]) -> None:
    api.request("POST", PREFIX + place, body, {"Content-Type": "application/json", **headers})
    api.getresponse().read()
