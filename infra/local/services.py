"""Which module answers for which service; everything not named here is moto's alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

from infra.local import state

OURS = {
    "s3": "infra.local.s3",
    "kinesis": "infra.local.kinesis",
    "firehose": "infra.local.firehose",
    "glue": "infra.local.glue",
    "athena": "infra.local.athena",
    "cloudformation": "infra.local.cloudformation",
    "events": "infra.local.events",
    "kinesisanalytics": "infra.local.flink_applications",
    "lambda": "infra.local.awslambda",
    "sqs": "infra.local.sqs",
    "ssm": "infra.local.ssm",
}
ALIASES = {"eventbridge": "events"}  # names in signatures that differ from the service's own
MODEL_NAMES = {
    "elasticmapreduce": "emr",
    "kinesisanalytics": "kinesisanalyticsv2",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}  # botocore's names where the signature's differ
GLOBAL = {"s3", "iam", "sts"}  # moto keeps these under the partition's name
ALSO_CHANGED = {
    "sts": ("iam",),  # moto writes a session's keys into IAM
    "events": ("logs", "sqs"),  # targets of rules
    "sns": ("sqs",),  # subscriptions
}
ORCHESTRATORS = {"states"}  # a change there may change any service

Handler = Callable[[Any, str, Any], tuple[int, dict[str, Any], Any]]


class UnknownService(Exception):
    """No module of ours and none of moto's answers for this name."""


class Service:
    """One AWS service as the front sees it."""

    def __init__(self, name: str):
        self.name = name
        self.lock = state.lock(name)
        self.host = f"{name}.{{region}}.amazonaws.com"
        self.module = importlib.import_module(OURS[name]) if name in OURS else None
        self.backends = self.module.BACKENDS if self.module else _moto_backends(name)
        self.unlocked: set[str] = getattr(self.module, "UNLOCKED", set())
        self.unsaved: set[str] = getattr(self.module, "UNSAVED", set())
        response = getattr(self.module, "RESPONSE", None)
        sample = self.backends["123456789012"]
        backend = sample["aws" if name in GLOBAL else "us-east-1"]
        self.handlers: list[tuple[re.Pattern[str], Handler]] = [
            (re.compile(url), _ours(handler, response))
            for url, handler in getattr(self.module, "URLS", None) or _urls(backend)
        ]
        state.register(name, self)

    @property
    def BACKENDS(self) -> Any:
        return self.backends

    def flush(self) -> None:
        if hasattr(self.module, "flush"):
            self.module.flush()

    def handler(self, url: str) -> Handler | None:
        """Return moto's function for a URL without its query."""
        return next((handler for pattern, handler in self.handlers if pattern.match(url)), None)

    def resume(self) -> None:
        if hasattr(self.module, "resume"):
            self.module.resume()

    def stop(self) -> None:
        if hasattr(self.module, "stop"):
            self.module.stop()


_services: dict[str, Service] = {}


def get(name: str) -> Service:
    """Return a service by the name in a request's signature. Raises UnknownService."""
    name = ALIASES.get(name, name)
    if name not in _services:
        with state.lock("services"):
            if name not in _services:
                _services[name] = Service(name)
    return _services[name]


def loaded() -> list[Service]:
    return list(_services.values())


def _moto_backends(name: str) -> Any:
    from moto import backend_index, backends

    host = f"https://{name}.us-east-1.amazonaws.com"
    for backend, pattern in backend_index.backend_url_patterns:
        if pattern.match(host) or pattern.match(f"https://{name}.amazonaws.com"):
            return backends.get_backend(backend)
    raise UnknownService(name)


def _urls(backend: Any) -> list[tuple[str, Handler]]:
    """Return moto's URL patterns and functions; a backend of ours has those of the moto class that it extends."""
    models = next(cls.__module__ for cls in type(backend).__mro__ if cls.__module__.startswith("moto."))
    urls = importlib.import_module(models.removesuffix("models") + "urls")
    return [(path.format(base), handler) for base in urls.url_bases for path, handler in urls.url_paths.items()]


def _ours(handler: Handler, response: type | None) -> Handler:
    """Bind moto's dispatch method to our response class where there is one."""
    owner = getattr(handler, "__self__", None)
    if response is not None and isinstance(owner, type) and issubclass(response, owner):
        return getattr(response, handler.__name__)
    return handler
