"""The contract: what a service package tells the core."""

from __future__ import annotations

import importlib
import re
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infra.local.core import moto_backends as moto_backends  # before any backend is made
from infra.local.core import state

if TYPE_CHECKING:
    from infra.local.core.answers import Answer
    from infra.local.core.request import Request

Handler = Callable[[Any, str, Any], tuple[int, dict[str, Any], Any]]


def _nothing() -> None:
    pass


def _no_flush(account: str) -> None:
    pass


def _no_carry(live: Any, stored: Any) -> None:
    pass


@dataclass(eq=False)
class Service:
    """One AWS service as the core sees it: what its package exports as SERVICE.

    Parameters
    ----------
    name: the service's name in a request's signature
    backends: moto's dictionary of its backends, by account and region; what state.py saves and loads
    response: the class that answers its requests, where it is not moto's
    urls: (pattern, handler), where they are not moto's
    checks: its requests are checked against AWS's model by the core; False where it does that itself, in words of its own
    unlocked: operations that may wait, and so run without the service's lock
    quick: reads of a fraction of a millisecond that touch no file: answered without a change of threads where their account's lock is free
    unsaved: operations that store what they change themselves: no pickle is written after them
    changes: other services whose state an operation of this one may change
    changes_all: an operation may change any service
    operation: for REST, the operation that a method, a path and a query mean
    wire: answers requests itself, in a coroutine: the hot operations, on the service's state without moto's dispatch. Returns None where it sent the
        answer already, and asks front.ordinary for what it leaves to moto
    hosted: answers requests to host names of this service (method, host, path, query, headers, body), see registry.HOSTS
    resource_policy: (account, region, last part of an ARN) → text of the resource's own policy, for resources that have one
    resources: a request (core/roles/requests) → the ARNs of its resources where only the service knows them, None for AWS's table
    restores: a change that could not be saved is undone by reading the backend again; False where the service does it itself
    carry: called before that with the backend and the one that was read: what threads work on follows (state.follow) what is on disk
    flush: called with an account before its backend is saved
    forget: called with an account that is emptied, after all that AWS's API can delete is gone: end what is left, close its files
    resume: called once after a restart, when saved state was loaded: go on, finish or fail what was under way
    stop: called at shutdown: end threads and child processes
    """

    name: str
    backends: Any
    response: type | None = None
    urls: list[tuple[str, Handler]] | None = None
    checks: bool = True
    unlocked: Set[str] = frozenset()
    quick: Set[str] = frozenset()
    unsaved: Set[str] = frozenset()
    changes: tuple[str, ...] = ()
    changes_all: bool = False
    operation: Callable[[str, str, str], str] | None = None
    wire: Callable[[Request], Awaitable[Answer | None]] | None = None
    hosted: Callable[[str, str, str, str, dict[str, str], bytes], tuple[int, list[tuple[str, str]], bytes]] | None = (
        None
    )
    resource_policy: Callable[[str, str, str], str | None] | None = None
    resources: Callable[[Any], list[str] | None] | None = None
    restores: bool = True
    carry: Callable[[Any, Any], None] = _no_carry
    flush: Callable[[str], None] = _no_flush
    forget: Callable[[str], None] = _no_flush
    resume: Callable[[], None] = _nothing
    stop: Callable[[], None] = _nothing

    def __post_init__(self) -> None:
        self.host = f"{self.name}.{{region}}.amazonaws.com"
        sample = self.backends["123456789012"]
        backend = sample[
            "us-east-1" if "us-east-1" in sample.regions else "aws"
        ]  # those without regions are a partition's
        self.handlers: list[tuple[re.Pattern[str], Handler]] = [
            (re.compile(url), _ours(handler, self.response)) for url, handler in self.urls or _urls(backend)
        ]
        state.register(self.name, self)

    @lru_cache(maxsize=512)  # noqa: B019 - a service lasts as long as the process
    def handler(self, url: str) -> Handler | None:
        """Return the function for a URL without its query.

        Parameters
        ----------
        url: with its host
        """
        return next((handler for pattern, handler in self.handlers if pattern.match(url)), None)


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
