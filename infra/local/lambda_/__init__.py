"""AWS Lambda: functions that run, in processes of AWS's own runtime client.

Other services call a function by `invoke`, which waits for its end, or `invoke_async`, which has it stored when it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.core.service import Service
from infra.local.lambda_.api import UNLOCKED, UNSAVED, URLS, operation
from infra.local.lambda_.backend import BACKENDS
from infra.local.lambda_.errors import LambdaError
from infra.local.lambda_.web import answer as hosted

if TYPE_CHECKING:
    from infra.local.lambda_.running import Result

__all__ = ["SERVICE", "LambdaError", "invoke", "invoke_async", "resource_policy"]


def invoke(account: str, region: str, function: str, payload: bytes, qualifier: str | None = None) -> Result:
    """Run a function and wait for its answer.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    function: name or ARN, with a qualifier or without
    payload: the event, as JSON
    qualifier: a version or an alias

    Returns
    -------
    What the function gave back, or the error that it ended with

    Raises
    ------
    LambdaError: with AWS's code and message: the function is not there, or its concurrency is used up

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    from infra.local.lambda_ import backend, running

    return running.run(backend.of(account, region), function, qualifier, payload)


def invoke_async(account: str, region: str, function: str, payload: bytes, qualifier: str | None = None) -> str:
    """Accept an event for a function: Lambda runs it, tries again and tells its destinations.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    function: name or ARN, with a qualifier or without
    payload: the event, as JSON
    qualifier: a version or an alias

    Returns
    -------
    The request id

    Raises
    ------
    LambdaError: the function is not there

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
    """
    from infra.local.lambda_ import asynchronous, backend

    return asynchronous.accept(backend.of(account, region), function, qualifier, payload)


def resource_policy(account: str, region: str, name: str) -> str | None:
    """Return the resource policy of a function.

    Parameters
    ----------
    account: its twelve digits
    region: for example us-east-1
    name: the last part of its ARN: `function:NAME`, with a qualifier or without

    Returns
    -------
    A policy document; None when it has none

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html
    """
    from infra.local.lambda_ import backend
    from infra.local.lambda_.policy import document

    kind, _, rest = name.partition(":")
    function, _, qualifier = rest.partition(":")
    found = backend.of(account, region).functions.get(function) if kind == "function" else None
    statements = found.policies.get(qualifier) if found else None
    return document(statements) if statements else None


def _resume() -> None:
    from infra.local.lambda_ import asynchronous, pool
    from infra.local.lambda_.mappings import pollers

    pool.forget_folders()
    asynchronous.resume()
    pollers.resume()


def _stop() -> None:
    import sys

    if "infra.local.lambda_.pool" in sys.modules:
        from infra.local.lambda_ import asynchronous, pool
        from infra.local.lambda_.mappings import pollers

        pollers.stop_all()
        asynchronous.QUEUE.stop()
        pool.POOL.stop()


SERVICE = Service(
    "lambda",
    BACKENDS,
    urls=URLS,
    operation=operation,
    hosted=hosted,
    resource_policy=resource_policy,
    unlocked=UNLOCKED,
    unsaved=UNSAVED,
    checks=False,
    resume=_resume,
    stop=_stop,
)
