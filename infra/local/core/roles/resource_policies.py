"""The policies of buckets, queues, topics, functions, buses and keys, by ARN.

A service package tells its own by `Service.resource_policy`; those that are moto's alone are read from moto.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from infra.local.core import registry
from infra.local.core.roles import identities
from infra.local.core.roles.policy import Policy

GLOBAL = "aws"
DECIDE = "arn:aws:kms:"  # a key's policy must allow, itself or by handing over to the account: an identity policy alone never does


def of(account: str, region: str, resource: str) -> tuple[tuple[Policy, ...], str]:
    """Return a resource's own policies, and the account that owns it ("" where that is the caller's).

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    resource: an ARN
    """
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[2] not in _READERS:
        return (), parts[4] if len(parts) == 6 else ""
    text, owner = _READERS[parts[2]](parts[4] or account, parts[3] or region, parts[5])
    return ((identities.stored(text),) if text else ()), owner


def _backend(service: str, account: str, region: str) -> Any:
    backends = registry.get(service).backends
    return backends[account][region] if account in backends.keys() else None


def of_bucket(account: str, name: str) -> tuple[str, str]:
    """Return the text of a bucket's policy, "" where it has none, and the account that owns the bucket, "" where there is none.

    Parameters
    ----------
    account: of the caller
    name: of the bucket
    """
    backends = _s3_backends()
    owner = backends.bucket_accounts.get(name, (GLOBAL, account))[1]
    regions: Any = dict.get(
        backends, owner
    )  # plainly: moto's own look-up checks the region at each request, and a bucket that is looked up is stored again
    backend = dict.get(regions, GLOBAL) if regions is not None else None
    bucket = dict.get(backend.buckets, name) if backend is not None else None
    if bucket is None:
        return "", ""
    policy = bucket.policy
    if not policy:
        return "", owner
    return (policy.decode() if isinstance(policy, bytes) else policy), owner


@cache
def _s3_backends() -> Any:
    from moto.s3.models import s3_backends

    return s3_backends


def _bucket(account: str, region: str, name: str) -> tuple[Any, str]:
    return of_bucket(account, name.partition("/")[0])


def _queue(account: str, region: str, name: str) -> tuple[Any, str]:
    backend = _backend("sqs", account, region)
    queue = backend.queues.get(name) if backend is not None else None
    return (queue.policy if queue is not None else None), account


def _topic(account: str, region: str, name: str) -> tuple[Any, str]:
    backend = _backend("sns", account, region)
    topic = backend.topics.get(f"arn:aws:sns:{region}:{account}:{name}") if backend is not None else None
    return (topic.policy if topic is not None else None), account


def _key(account: str, region: str, name: str) -> tuple[Any, str]:
    kind, _, key_id = name.partition("/")
    backend = _backend("kms", account, region)
    if backend is None:
        return None, account
    if kind == "alias":
        key_id = backend.get_key_id_from_alias(name) or ""
    key = backend.keys.get(key_id)
    return (key.policy if key is not None else None), account


def _own(service: str) -> Callable[[str, str, str], tuple[Any, str]]:
    def read(account: str, region: str, name: str) -> tuple[Any, str]:
        reader = registry.get(service).resource_policy
        return (reader(account, region, name) if reader is not None else None), account

    return read


_READERS: dict[str, Callable[[str, str, str], tuple[Any, str]]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "lambda": _own("lambda"),
    "events": _own("events"),
    "kms": _key,
}
