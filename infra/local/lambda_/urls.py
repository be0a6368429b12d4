"""Function URLs: a function behind a host name of its own, on loopback only.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import time
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local.core import telemetry
from infra.local.lambda_ import backend as backends
from infra.local.lambda_ import pages, running, url_callers
from infra.local.lambda_.backend import LocalLambdaBackend
from infra.local.lambda_.errors import LambdaError, conflict, invalid, missing, refused
from infra.local.lambda_.records import LATEST, Function, Json
from infra.local.lambda_.url_callers import Asked

BODY_LIMIT = 6_291_456  # bytes
CORS_DAY = 86400
Answer = tuple[int, list[tuple[str, str]], bytes]
NO_ANSWER: Answer = (502, [("content-type", "application/json")], b"Internal Server Error")
OURS = ("content-length", "transfer-encoding", "connection")  # headers that only the server can know
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
TEXT = ("text/", "application/json", "application/xml", "application/javascript", "application/x-www-form-urlencoded")


# --- the operations -------------------------------------------------------------------------------------------------


def _place(backend: LocalLambdaBackend, given: Json) -> tuple[Function, str]:
    function, version, asked = backend.version(given["FunctionName"], given.get("Qualifier"))
    if asked == LATEST or asked in function.versions:
        raise invalid("Function URL can be attached to a function or to an alias.")
    return function, asked


def _found(backend: LocalLambdaBackend, given: Json) -> tuple[Function, str]:
    function, qualifier = _place(backend, given)
    if qualifier not in function.urls:
        raise missing("The resource you requested does not exist.")
    return function, qualifier


def _url_id(arn: str) -> str:
    """Return the first part of a URL's host: 32 lower case letters and digits, the same for the same function."""
    signs = string.ascii_lowercase + string.digits
    number = int.from_bytes(hashlib.sha256(arn.encode()).digest(), "big")
    made = ""
    for _ in range(32):
        number, rest = divmod(number, len(signs))
        made += signs[rest]
    return made


def create(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _place(backend, given)
    if qualifier in function.urls:
        raise conflict(
            f"Failed to create function url config for [functionArn = {backend.arn(function.name, qualifier)}]. "
            f"Error message:  FunctionUrlConfig exists for this Lambda function"
        )
    if given.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise refused("response streaming")
    port = urlsplit(telemetry.endpoint()).port
    arn = backend.arn(function.name, qualifier)
    now = _now()
    made = {
        "FunctionUrl": f"http://{_url_id(arn)}.lambda-url.{backend.region_name}.localhost:{port}/",
        "FunctionArn": arn,
        "AuthType": given["AuthType"],
        "InvokeMode": "BUFFERED",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    if given.get("Cors"):
        made["Cors"] = given["Cors"]
    function.urls[qualifier] = made
    return _shown(made)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shown(config: Json) -> Json:
    """Return a URL's configuration with the port at which the server listens now."""
    port = urlsplit(telemetry.endpoint()).port
    return {**config, "FunctionUrl": f"http://{urlsplit(config['FunctionUrl']).hostname}:{port}/"}


def update(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _found(backend, given)
    if given.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise refused("response streaming")
    config = function.urls[qualifier]
    config.update({member: given[member] for member in ("AuthType", "Cors") if member in given})
    config["LastModifiedTime"] = _now()
    return _shown(config)


def get(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _found(backend, given)
    return {key: value for key, value in _shown(function.urls[qualifier]).items()}


def delete(backend: LocalLambdaBackend, given: Json) -> Json:
    function, qualifier = _found(backend, given)
    del function.urls[qualifier]
    return {}


def list_all(backend: LocalLambdaBackend, given: Json) -> Json:
    function, _ = backend.function(given["FunctionName"])
    found = [_shown(function.urls[qualifier]) for qualifier in sorted(function.urls)]
    return pages.page(found, given, "FunctionUrlConfigs", 50)


# --- requests -------------------------------------------------------------------------------------------------------


def answer(asked: Asked) -> Answer:
    """Run the function behind a URL: what it answers as HTTP."""
    found = _of_host(asked.host)
    if found is None:
        return _said(404, {"Message": "Not Found"})
    backend, function, qualifier = found
    config = function.urls[qualifier]
    cors = _cors(config.get("Cors") or {}, asked)
    if asked.method == "OPTIONS" and "access-control-request-method" in asked.headers and config.get("Cors"):
        return 200, cors, b""
    if len(asked.body) > BODY_LIMIT:
        return _said(413, {"Message": "Request Entity Too Large"})
    try:
        caller = url_callers.account_of(backend, function, qualifier, config, asked)
    except url_callers.Forbidden as error:
        denied = [("content-type", "application/json"), ("x-amzn-errortype", "AccessDeniedException")]
        return 403, [*denied, *cors], str(error).encode()
    request_id = str(uuid.uuid4())
    event = json.dumps(_event(asked, caller, request_id)).encode()
    try:
        result = running.run(backend, function.name, qualifier or None, event, request_id)
    except LambdaError as error:
        return _said(error.status if error.status == 429 else 502, {"Message": str(error)})
    added = [("x-amzn-requestid", request_id), *cors]
    status, headers, body = NO_ANSWER if result.function_error else _http(result.payload)
    names = {name for name, _ in added}
    return status, [*((name, value) for name, value in headers if name not in names), *added], body


def _of_host(host: str) -> tuple[LocalLambdaBackend, Function, str] | None:
    """Return the function of a host name, whoever has it."""
    wanted = host.partition(":")[0].lower()
    for _, _, backend in list(backends.BACKENDS.iter_backends()):
        for function in list(backend.functions.values()):  # type: ignore[attr-defined]
            for qualifier, config in function.urls.items():
                if urlsplit(config["FunctionUrl"]).hostname == wanted:
                    return backend, function, qualifier  # type: ignore[return-value]
    return None


def _event(asked: Asked, caller: str, request_id: str) -> Json:
    """Return the event of a request: API Gateway's payload format 2.0."""
    domain = asked.host.partition(":")[0]
    headers = {name: value for name, value in asked.headers.items() if name != "cookie"}
    _, _, port = asked.host.partition(":")
    forwarded = {"x-forwarded-for": "127.0.0.1", "x-forwarded-port": port or "80", "x-forwarded-proto": "http"}
    headers = {**forwarded, **headers}
    now = time.time()
    moment = datetime.fromtimestamp(now, UTC)
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(asked.query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    kind = asked.headers.get("content-type", "")
    as_text = not asked.body or not kind or kind.startswith(TEXT)
    event: Json = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(asked.path) or "/",
        "rawQueryString": asked.query,
        "headers": headers,
        "requestContext": {
            "accountId": caller,
            "apiId": domain.partition(".")[0],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": asked.method,
                "path": unquote(asked.path) or "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": asked.headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": moment.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": not as_text,
    }
    if asked.headers.get("cookie"):
        event["cookies"] = [part.strip() for part in asked.headers["cookie"].split(";")]
    if parameters:
        event["queryStringParameters"] = parameters
    if asked.body:
        event["body"] = _as_text(asked.body) if as_text else base64.b64encode(asked.body).decode()
    return event


def _as_text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _http(payload: bytes) -> Answer:
    """Return a function's answer as HTTP: an object with a statusCode says all itself, anything else is the body."""
    try:
        said: Any = json.loads(payload)
    except ValueError:
        return 200, [("content-type", "application/json")], payload
    if not isinstance(said, dict) or "statusCode" not in said:
        text = said if isinstance(said, str) else _compact(said)
        return 200, [("content-type", "application/json")], text.encode()
    status, given, cookies = str(said["statusCode"]), said.get("headers") or {}, said.get("cookies") or []
    if (
        not status.isdigit()
        or not 200 <= int(status) <= 599
        or not isinstance(given, dict)
        or not isinstance(cookies, list)
    ):
        return NO_ANSWER
    headers = [(str(name).lower(), str(value)) for name, value in given.items() if str(name).lower() not in OURS]
    headers += [("set-cookie", str(cookie)) for cookie in cookies]
    if not all(HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value) for name, value in headers):
        return NO_ANSWER
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    body = said.get("body")
    text = "" if body is None else body if isinstance(body, str) else _compact(body)
    try:
        content = base64.b64decode(text) if said.get("isBase64Encoded") else text.encode()
    except ValueError:
        return NO_ANSWER
    return int(status), headers, content[:BODY_LIMIT]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _said(status: int, message: Json) -> Answer:
    return status, [("content-type", "application/json")], json.dumps(message).encode()


def _cors(settings: Json, asked: Asked) -> list[tuple[str, str]]:
    """Return the headers that a browser of another origin needs."""
    origin, origins = asked.headers.get("origin"), settings.get("AllowOrigins", [])
    if not origin or not ("*" in origins or origin in origins):
        return []
    headers = [("access-control-allow-origin", "*" if "*" in origins else origin), ("vary", "Origin")]
    if settings.get("AllowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    for member, name in (
        ("AllowMethods", "access-control-allow-methods"),
        ("AllowHeaders", "access-control-allow-headers"),
        ("ExposeHeaders", "access-control-expose-headers"),
    ):
        if settings.get(member):
            headers.append((name, ",".join(settings[member])))
    if settings.get("MaxAge") is not None:
        headers.append(("access-control-max-age", str(min(settings["MaxAge"], CORS_DAY))))
    return headers


OPERATIONS: dict[str, Any] = {
    "CreateFunctionUrlConfig": create,
    "DeleteFunctionUrlConfig": delete,
    "GetFunctionUrlConfig": get,
    "ListFunctionUrlConfigs": list_all,
    "UpdateFunctionUrlConfig": update,
}
