"""Clients of this server with the keys of a function's role: what Lambda does for a function it does as that role.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.local.core import telemetry
from infra.local.lambda_.errors import LambdaError

SESSION_SECONDS = 3600
RENEW_SECONDS = 300.0  # a session that is given away lives at least as long as LIFE_SECONDS of the pool

_lock = threading.Lock()
_sessions: dict[tuple[str, str, str], tuple[float, Keys]] = {}
_clients: dict[tuple[str, str, str], Any] = {}


class Keys(NamedTuple):
    """The keys of a session."""

    access_key: str
    secret_key: str
    token: str


def keys(account: str, region: str, role: str, name: str) -> Keys:
    """Return the keys of a session of a role; `name` is the session's. Raises LambdaError when the role is gone."""
    asked = (account, role, name)
    with _lock:
        found = _sessions.get(asked)
        if found and time.monotonic() - found[0] < RENEW_SECONDS:
            return found[1]
    sts = telemetry.client(account, region, "sts")
    try:
        made = sts.assume_role(RoleArn=role, RoleSessionName=name[:64], DurationSeconds=SESSION_SECONDS)["Credentials"]
    except ClientError:
        raise LambdaError(
            "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda."
        ) from None
    session = Keys(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    with _lock:
        _sessions[asked] = (time.monotonic(), session)
    return session


def client(account: str, region: str, role: str, name: str, service: str) -> Any:
    """Return a boto3 client on this server with the keys of a session of a role."""
    import boto3
    from botocore.config import Config

    session = keys(account, region, role, name)
    asked = (session.access_key, region, service)
    with _lock:
        if asked in _clients:
            return _clients[asked]
    made = boto3.client(
        service,
        endpoint_url=telemetry.endpoint(),
        region_name=region,
        aws_access_key_id=session.access_key,
        aws_secret_access_key=session.secret_key,
        aws_session_token=session.token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with _lock:
        if len(_clients) > 256:
            _clients.clear()
        _clients[asked] = made
    return made
