"""AWS Lambda: functions that run, in processes of AWS's own runtime client.

Other services call a function by `invoke`, which waits for its end, or `invoke_async`, which has it stored when it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.core.service import Service
from infra.local.lambda_.api import UNLOCKED, UNSAVED, URLS, operation
from infra.local.lambda_.backend import BACKENDS
from infra.local.lambda_.errors import LambdaError

if TYPE_CHECKING:
    from infra.local.lambda_.running import Result

__all__ = ["SERVICE", "LambdaError", "invoke", "invoke_async", "resource_policy"]


def invoke(account: str, region: str, function: str, payload: bytes, qualifier: str | None = None) -> Result:
    """Run a function and wait for its answer.

    Parameters
    ----------
    function: name or ARN, with a qualifier or without
    payload: the event, as JSON

    Raises LambdaError, with AWS's code and message, when the function is not there or its concurrency is used up.
    """
    from infra.local.lambda_ import backend, running

    return running.run(backend.of(account, region), function, qualifier, payload)


def invoke_async(account: str, region: str, function: str, payload: bytes, qualifier: str | None = None) -> str:
    """Accept an event for a function and return its request id; Lambda runs it, tries again and tells its destinations.

    Raises LambdaError when the function is not there.
    """
    from infra.local.lambda_ import asynchronous, backend

    return asynchronous.accept(backend.of(account, region), function, qualifier, payload)


def resource_policy(account: str, region: str, function: str, qualifier: str | None = None) -> str | None:
    """Return the resource policy of a function (or its qualifier) as text; None when it has none. Raises LambdaError."""
    from infra.local.lambda_ import backend
    from infra.local.lambda_.policy import document

    found, asked = backend.of(account, region).function(function, qualifier)
    statements = found.policies.get(asked)
    return document(statements) if statements else None


def _resume() -> None:
    from infra.local.lambda_ import asynchronous

    asynchronous.resume()


def _stop() -> None:
    import sys

    if "infra.local.lambda_.pool" in sys.modules:
        from infra.local.lambda_ import asynchronous, pool

        asynchronous.QUEUE.stop()
        pool.POOL.stop()


SERVICE = Service(
    "lambda",
    BACKENDS,
    urls=URLS,
    operation=operation,
    unlocked=UNLOCKED,
    unsaved=UNSAVED,
    resume=_resume,
    stop=_stop,
)
