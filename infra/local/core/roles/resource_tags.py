"""The tags of a resource by its ARN, for `aws:ResourceTag/…`: looked up only for policies that speak of them.

Known are those of streams, queues, functions, roles, those of objects of S3 (`s3:ExistingObjectTag/…`), and of every service whose backend keeps tags by ARN (Glue, Firehose, Step Functions, Flink,
EventBridge, Scheduler, alarms, keys). Of the others the key is missing, as for a resource without tags.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourcetag
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.core import registry
from infra.local.core.roles import identities
from infra.local.core.roles.evaluation import Policies

_NAMES = {"cloudwatch": "monitoring"}  # where the signature's name is not the ARN's
_TAGGED = {"glue", "firehose", "states", "kinesisanalytics", "events", "scheduler", "cloudwatch", "kms"}


def are_asked_for(policies: Policies) -> bool:
    """Whether one of these policies looks at a resource's tags.

    Parameters
    ----------
    policies: all that have a say
    """
    layers = (policies.identity, policies.boundary or (), policies.session or (), policies.resource)
    return any(policy.asks_resource_tags for layer in layers for policy in layer)


def keys(account: str, region: str, resource: str) -> dict[str, tuple[str, ...]]:
    """Return `aws:resourcetag/…` for each tag of a resource.

    Parameters
    ----------
    account: of the caller
    region: for example us-east-1
    resource: an ARN
    """
    parts = resource.split(":", 5)
    if len(parts) < 6:
        return {}
    service, owner, place = parts[2], parts[4] or account, parts[3] or region
    if service == "s3":
        return {f"s3:existingobjecttag/{key}".lower(): (value,) for key, value in _object(account, parts[5]).items()}
    if service in _OWN:
        found = _OWN[service](owner, place, parts[5])
    elif service in _TAGGED:
        found = _by_arn(service, owner, place, resource)
    else:
        found = {}
    return {f"aws:resourcetag/{key}".lower(): (value,) for key, value in found.items()}


def _backend(service: str, account: str, region: str) -> Any:
    backends = registry.get(_NAMES.get(service, service)).backends
    return backends[account][region] if account in backends.keys() else None


def _by_arn(service: str, account: str, region: str, arn: str) -> Mapping[str, str]:
    backend = _backend(service, account, region)
    return backend.tagger.get_tag_dict_for_resource(arn) if backend is not None else {}


def _object(account: str, name: str) -> Mapping[str, str]:
    """Return the tags of an object's newest version, of whatever account."""
    from moto.s3.models import s3_backends

    bucket_name, _, key = name.partition("/")
    owner = s3_backends.bucket_accounts.get(bucket_name, ("", account))[1]
    backend = s3_backends[owner]["aws"]
    bucket = backend.buckets.get(bucket_name)
    stored = bucket.keys.get(key) if bucket is not None and key else None
    arn = getattr(stored, "arn", None)  # a delete marker has none
    return backend.tagger.get_tag_dict_for_resource(arn) if arn else {}


def _stream(account: str, region: str, name: str) -> Mapping[str, str]:
    backend = _backend("kinesis", account, region)
    stream = backend.streams.get(name.split("/")[1]) if backend is not None and "/" in name else None
    return stream.tags if stream is not None else {}


def _queue(account: str, region: str, name: str) -> Mapping[str, str]:
    backend = _backend("sqs", account, region)
    queue = backend.queues.get(name) if backend is not None else None
    return queue.tags if queue is not None else {}


def _function(account: str, region: str, name: str) -> Mapping[str, str]:
    backend = _backend("lambda", account, region)
    kind, _, rest = name.partition(":")
    function = backend.functions.get(rest.partition(":")[0]) if backend is not None and kind == "function" else None
    return function.tags if function is not None else {}


def _role(account: str, _: str, name: str) -> Mapping[str, str]:
    kind, _, path = name.partition("/")
    role = identities.find_role(account, path) if kind == "role" else None
    return dict(identities.role_of(role).tags) if role is not None else {}


_OWN: dict[str, Callable[[str, str, str], Mapping[str, str]]] = {
    "kinesis": _stream,
    "sqs": _queue,
    "lambda": _function,
    "iam": _role,
}
