"""What services tell about themselves: CloudWatch metrics, log lines and EventBridge events, and the client for service-to-service calls.

Metrics are added up in memory and handed to moto's CloudWatch once a minute and before anybody reads them: a put must not pay for a metric.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from infra.local.core import clients, members, pace, state

Series = tuple[
    str, str, str, tuple[tuple[str, str], ...], str, str, int
]  # account, region, namespace, dimensions, name, unit, minute

_pending: dict[Series, list[float]] = {}  # → [sum, minimum, maximum, samples]
_pending_lock = threading.Lock()
_endpoint = ""


def set_endpoint(url: str) -> None:
    """Tell `client` where this server listens.

    Parameters
    ----------
    url: http, with its port
    """
    global _endpoint
    _endpoint = url


def endpoint() -> str:
    """Return the URL of this server, for engines that reach data through the public API."""
    return _endpoint


def _backends(service: str) -> Any:
    """Return the backends of a service, known to state.py from now on: what is put there is saved also where nobody called the service yet."""
    from infra.local.core import registry

    return registry.get(service).backends


def metric(
    account: str, region: str, namespace: str, dimensions: dict[str, str], values: dict[str, tuple[float, str]]
) -> None:
    """Add one sample to each metric.

    Parameters
    ----------
    values: metric name → (value, CloudWatch unit such as `Count`, `Bytes`, `Seconds`)
    """
    minute = int(time.time() // 60) * 60
    pairs = tuple(sorted(dimensions.items()))
    with _pending_lock:
        for name, (value, unit) in values.items():
            series = (account, region, namespace, pairs, name, unit, minute)
            total = _pending.get(series)
            if total is None:
                _pending[series] = [value, value, value, 1]
            else:
                total[0] += value
                total[1] = min(total[1], value)
                total[2] = max(total[2], value)
                total[3] += 1


def flush_metrics(all_of_them: bool = False) -> None:
    """Hand the samples so far to CloudWatch, at a pace those that can be seen by now. Called before a read and by the server's clock.

    Parameters
    ----------
    all_of_them: at a pace, too: at the server's end
    """
    with _pending_lock:
        pending = {
            series: total
            for series, total in _pending.items()
            if all_of_them or pace.reached(series[-1] + 60 * min(1.0, pace.factor) + pace.seconds("metric"))
        }
        for series in pending:
            del _pending[series]
    if not pending:
        return
    backends = _backends("monitoring")
    touched = set()
    for (account, region, namespace, pairs, name, unit, minute), (total, low, high, samples) in pending.items():
        with state.lock("monitoring", account):
            backends[account][region].put_metric_data(
                namespace,
                [
                    {
                        "MetricName": name,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
                        "Timestamp": datetime.fromtimestamp(minute, UTC).replace(tzinfo=None),  # as moto keeps them
                        "Unit": unit,
                        "StatisticValues": {"Sum": total, "Minimum": low, "Maximum": high, "SampleCount": samples},
                    }
                ],
            )
            touched.add((account, region))
    for account, region in touched:
        state.save("monitoring", account, region)


def log(account: str, region: str, group: str, stream: str, lines: list[str]) -> None:
    """Append lines to a log stream; group and stream are made if they are not there.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    group: the log group's name
    stream: the log stream's name
    lines: one entry each, without line ends; all get the time of now
    """
    if not lines:
        return
    now = int(time.time() * 1000)
    backends = _backends("logs")
    with state.lock("logs", account):
        backend = backends[account][region]
        backend.ensure_log_group(group)
        backend.ensure_log_stream(group, stream)
        backend.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines])
    state.save("logs", account, region)


def event(
    account: str, region: str, source: str, detail_type: str, detail: dict[str, Any], resources: list[str] | None = None
) -> None:
    """Put one event on the account's default bus, as the service itself would: it is on disk for its targets when this returns.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    source: for example aws.glue
    detail_type: for example Glue Crawler State Change
    detail: what is told, as AWS's page of the service's events has it
    resources: ARNs of what it is about

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html
    """
    _backends("events")[account][region].put_service_event(source, detail_type, detail, resources or [])


@lru_cache(maxsize=256)
def client(account: str, region: str, service: str) -> Any:
    """Return a boto3 client on this very server in an account, as its root. Only for background threads: the server must be free to answer.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    service: its name in boto3

    Returns
    -------
    The client

    What a service does for a user it does as a role: `roles.session(…).client(region, service)`.
    """
    return new_client(region, service, account, members.KEY)


def new_client(region: str, service: str, access_key: str, secret_key: str, token: str | None = None) -> Any:
    """Return a boto3 client on this very server with these credentials, see clients.py.

    Parameters
    ----------
    region: for example us-east-1
    service: its name in boto3
    access_key: the access key id: twelve digits are an account's root
    secret_key: its secret
    token: of a session, if it is one

    Returns
    -------
    The client
    """
    return clients.client(_endpoint, region, service, access_key, secret_key, token)
