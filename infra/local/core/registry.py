"""Which package answers for which service; what is not named here is moto's alone."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any

from infra.local.core import model_files, state
from infra.local.core.service import Service

PACKAGES = {
    "budgets": "infra.local.budgets",
    "s3": "infra.local.s3",
    "kinesis": "infra.local.kinesis",
    "firehose": "infra.local.firehose",
    "glue": "infra.local.glue",
    "kms": "infra.local.kms",
    "athena": "infra.local.athena",
    "databrew": "infra.local.databrew",
    "dynamodb": "infra.local.dynamodb",
    "cloudformation": "infra.local.cloudformation",
    "events": "infra.local.events",
    "kinesisanalytics": "infra.local.flink",
    "lambda": "infra.local.lambda_",
    "scheduler": "infra.local.scheduler",
    "sns": "infra.local.sns",
    "sqs": "infra.local.sqs",
    "ssm": "infra.local.ssm",
    "logs": "infra.local.logs",
    "monitoring": "infra.local.cloudwatch",
    "states": "infra.local.stepfunctions",
    "iam": "infra.local.iam",
    "sts": "infra.local.sts",
    "tagging": "infra.local.tagging",
}
HOSTS = {  # names that services hand out; all end with .localhost, which no name server of others can point here
    re.compile(r"[a-z0-9-]+\.lambda-url\.[a-z0-9-]+\.localhost"): "lambda",
    re.compile(r"[a-z0-9.-]+\.s3(\.[a-z0-9-]+)?\.localhost"): "s3",
    re.compile(r"[a-z0-9-]+\.localhost"): "s3",  # SDKs put the bucket before the host of an endpoint
}
PATHS = {
    "/_workshop/cloudformation/": "cloudformation",
    "/_workshop/lambda/": "lambda",
}  # how the paths begin that a service answers without a signature
ALIASES = {"eventbridge": "events"}  # names in signatures that differ from the service's own
MODEL_NAMES = {
    "elasticmapreduce": "emr",
    "kinesisanalytics": "kinesisanalyticsv2",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}  # botocore's names where the signature's differ


IDENTITIES = "iam"  # moto looks there at each call of any service, and would make a backend of its own for the account
NOT_RUN = {"pipes"}  # moto keeps records of them, and nothing would ever flow


class UnknownService(Exception):
    """No package of ours and no backend of moto's answers for this name."""


_services: dict[str, Service] = {}


def get(name: str) -> Service:
    """Return a service by the name in a request's signature. Raises UnknownService.

    Parameters
    ----------
    name: also one of ALIASES
    """
    name = ALIASES.get(name, name)
    if name not in _services:
        with state.lock("services"):
            if name not in _services:
                _services[name] = _made(name)
    return _services[name]


@lru_cache(maxsize=256)
def of_host(name: str) -> str | None:
    """Return the service that hands out a host name (without port), None where none does.

    Parameters
    ----------
    name: in small letters, without its port
    """
    return next((service for pattern, service in HOSTS.items() if pattern.fullmatch(name)), None)


def of_path(path: str) -> str | None:
    """Return the service that answers a path of its own, None where none does.

    Parameters
    ----------
    path: of a request
    """
    return next((service for start, service in PATHS.items() if path.startswith(start)), None)


def _made(name: str) -> Service:
    if name != IDENTITIES:
        get(IDENTITIES)
    if name in PACKAGES:
        return importlib.import_module(PACKAGES[name]).SERVICE
    return Service(name, _moto_backends(name))


def loaded_by_name(name: str) -> Service | None:
    """Return a service that was called before.

    Parameters
    ----------
    name: in a request's signature
    """
    return _services.get(ALIASES.get(name, name))


def model_name(name: str) -> str:
    """Return botocore's name of a service.

    Parameters
    ----------
    name: in a request's signature
    """
    return MODEL_NAMES.get(name, name)


def loaded() -> list[Service]:
    """Return the services that were called since the start, or had saved state."""
    return list(_services.values())


def _moto_backends(name: str) -> Any:
    from moto import backend_index, backends

    if name in NOT_RUN:
        raise UnknownService(name)
    host = f"https://{name}.us-east-1.amazonaws.com"
    if model_name(name) not in model_files.loader().list_available_services("service-2"):
        raise UnknownService(name)
    for backend, pattern in backend_index.backend_url_patterns:
        if pattern.match(host) or pattern.match(f"https://{name}.amazonaws.com"):
            return backends.get_backend(backend)
    raise UnknownService(name)
