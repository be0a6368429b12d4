"""Calls moto with a request, and saves what an operation changed before its answer leaves."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from weakref import WeakValueDictionary

from infra.local.core import moto_answer as moto_answer  # before moto answers
from infra.local.core import moto_request, records, registry, state, telemetry
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.service import Service

READS = re.compile(
    r"(Get|List|Describe|Head|BatchGet|Search|Lookup|Check|Estimate|Validate|Filter|Test|Preview|Poll|Scan|Query|TransactGet|Simulate)"
)
CHANGING = {"GetSessionToken", "GetFederationToken"}  # make keys
waiting = ThreadPoolExecutor(100, "waiting")  # operations that may wait must not take the threads of those that answer
answering = ThreadPoolExecutor(64, "answering")
_turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
log = logging.getLogger("workshop.front")
READING_METHODS = ("GET", "HEAD", "OPTIONS")


def _nothing() -> None:
    pass


def is_read(request: Request) -> bool:
    """Tell whether an operation changes nothing; one without a name is judged by its method.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    if not request.operation:
        return request.method in READING_METHODS
    return READS.match(request.operation) is not None and request.operation not in CHANGING


def _same(answered: Answer) -> Answer:
    return answered


async def answer(
    service: Service,
    request: Request,
    body: bytes,
    first: Callable[[], None] = _nothing,
    then: Callable[[Answer], Answer] = _same,
) -> Answer:
    """Let moto answer in a worker thread, while no other operation of the service runs in the account unless it may wait. Raises Refused.

    Parameters
    ----------
    first: done before, under the same lock
    then: done with an answer that is no error, before what has changed is saved; makes the answer that leaves
    """
    loop = asyncio.get_running_loop()
    if request.operation in service.unlocked:
        return await loop.run_in_executor(waiting, copy_context().run, call, service, request, body)
    if request.operation in service.quick:
        lock = state.lock(service.name, request.account)
        if lock.acquire(blocking=False):
            try:
                return call(service, request, body)
            finally:
                lock.release()
    async with _turn(service.name, request.account):
        return await loop.run_in_executor(answering, copy_context().run, _locked, service, request, body, first, then)


def _turn(service: str, account: str) -> asyncio.Lock:
    """Return what lets calls of one account to one service come one after another, so that those who wait take no threads from others."""
    turn = _turns.get((service, account))
    if turn is None:
        turn = _turns[service, account] = asyncio.Lock()
    return turn


def _locked(
    service: Service, request: Request, body: bytes, first: Callable[[], None], then: Callable[[Answer], Answer]
) -> Answer:
    with state.lock(service.name, request.account):
        first()
        return call(service, request, body, then)


def call(service: Service, request: Request, body: bytes, then: Callable[[Answer], Answer] = _same) -> Answer:
    """Let moto answer; what it changed is on disk when this returns. Raises Refused where moto has no such operation.

    Parameters
    ----------
    service: whose backend answers
    request: as it came, with its credential and operation
    body: its bytes, read already
    then: done with an answer that is no error, before what has changed is saved; makes the answer that leaves
    """
    if is_read(request):
        with records.looking():
            return _called(service, request, body, then)
    with state.changing():
        try:
            return _called(service, request, body, then)
        except OSError:  # refused half done
            state.restore(service.name, request.account, request.region)
            raise


def _called(service: Service, request: Request, body: bytes, then: Callable[[Answer], Answer]) -> Answer:
    from moto.core.exceptions import HTTPException

    if service.name == "monitoring":
        telemetry.flush_metrics()
    host = service.host.format(region=request.region)
    handler = service.handler(f"https://{host}{request.raw_path}") or service.handler(
        f"https://{service.name}.amazonaws.com{request.raw_path}"
    )
    if handler is None:
        raise Refused(
            404, "UnknownOperationException", f"No operation of {service.name} has the path {request.raw_path}."
        )
    query = "" if request.target else request.query_string  # moto would take an Action from it
    asked = moto_request.make(
        request.method, host, request.raw_path, query, request.original_headers, request.account, body
    )
    try:
        status, answer_headers, content = handler(asked, asked.raw_url, asked.headers)
    except HTTPException as error:
        status, answer_headers, content = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise Refused(
            501, "NotImplemented", f"The local AWS does not have the operation {request.operation} of {service.name}."
        ) from None
    except Exception as error:
        of_disk = isinstance(error, OSError) and not isinstance(
            error, FileNotFoundError
        )  # moto looks for files by names given
        if of_disk or not _raised_in_moto(error):
            raise
        log.warning("%s %s cannot be read: %s: %s", service.name, request.operation, type(error).__name__, error)
        log.debug("what moto stumbled over", exc_info=True)
        raise Refused(400, *_unreadable(request)) from None
    if isinstance(content, str):
        content = content.encode()
    kept = {name: str(value) for name, value in answer_headers.items() if name.lower() not in ("date", "server")}
    answered = Answer(int(status), kept, content or b"")
    if answered.status < 300:
        answered = then(answered)
    if request.operation not in service.unsaved and not is_read(request):
        _save(service, request)
    return answered


def _raised_in_moto(error: Exception) -> bool:
    """Tell whether moto stumbled over what a request says: nothing of ours was called there."""
    trace = error.__traceback__
    files = []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    ours = [number for number, file in enumerate(files) if "/infra/local/" in file]
    motos = [number for number, file in enumerate(files) if "/moto/" in file]
    return bool(motos) and max(motos) > max(ours)


def _unreadable(request: Request) -> tuple[str, str]:
    """Return code and message for a request that is within the model's limits and makes no sense all the same."""
    if request.service == "s3":
        return "InvalidRequest", "The request has a value that S3 cannot use."
    code = "ValidationException" if request.target or not request.is_form else "ValidationError"
    return code, f"{request.operation} was asked for with a value that it cannot use."


def _save(service: Service, request: Request) -> None:
    if service.changes_all:
        state.save_all()
        return
    for each in service.changes:
        registry.get(each)
    state.keep((service.name, *service.changes), request.account, request.region)
