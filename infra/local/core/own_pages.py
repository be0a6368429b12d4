"""What the server answers about itself below `/_workshop/`: its health, what roles asked for, the emptying of an account.

What only the one who leads may ask for needs the server's key in the header `x-workshop-key`. The key is new at each start and stands in
`server.json`, which only the owner of the folder can read.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from infra.local.core import kernel_places, members, pace, progress, rates, registry, signature, state
from infra.local.core.answers import Answer
from infra.local.core.refused import Refused
from infra.local.core.request import Request
from infra.local.core.roles import recorder

KEY_HEADER = "x-workshop-key"
Page = Callable[[Request, str], Awaitable[Any]]


async def answer(request: Request) -> Answer:
    """Answer a request to a page of the server's own. Raises Refused.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    for method, pattern, needs_key, page in _PAGES:
        if request.method == method and (match := pattern.fullmatch(request.raw_path)):
            if needs_key and not holds_key(request):
                raise Refused(403, "AccessDenied", "This page needs the key of the server, which is in server.json.")
            told = await page(request, match[1] if match.lastindex else "")
            return Answer(200, {"content-type": "application/json"}, orjson.dumps(told))
    raise Refused(404, "NotFound", f"The local AWS has no page {request.raw_path}.")


def holds_key(request: Request) -> bool:
    """Tell whether a request comes from whoever can read server.json.

    Parameters
    ----------
    request: as it came, with its credential and operation
    """
    return hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), members.KEY.encode())


async def _health(request: Request, _: str) -> Any:
    return {"status": "running", "notes": state.notes, "pace": pace.factor}


async def _pace(request: Request, _: str) -> Any:
    """Tell what lasted as on AWS since the start, and which calls were throttled: for the report of a rehearsal."""
    return {"pace": pace.factor, "begun": list(pace.begun), "throttled": rates.throttled}


async def _permissions(request: Request, account: str) -> Any:
    if members.enforced() and not holds_key(request):
        raise Refused(403, "AccessDenied", "In a class only who leads it may see what roles ask for.")
    return recorder.asked(account)


async def _note(request: Request, _: str) -> Any:
    await asyncio.to_thread(progress.note, request.account, await _signed(request))
    return {}


async def _place(request: Request, _: str) -> Any:
    return await asyncio.to_thread(kernel_places.ask, request.account, await _signed(request))


async def _leave(request: Request, _: str) -> Any:
    await _signed(request)
    await asyncio.to_thread(kernel_places.leave, request.account)
    return {}


async def _signed(request: Request) -> Any:
    """Return what a signed request tells, and know its account. Raises Refused."""
    if not request.signed:
        raise Refused(403, "AccessDenied", "This page must be asked with a signature.")
    if members.enforced():
        await signature.check(request)
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(400, "SerializationException", "The request body is not valid JSON.") from None


async def _progress(request: Request, _: str) -> Any:
    return await asyncio.to_thread(progress.all_rows)


async def _regions(request: Request, account: str) -> Any:
    found = {path.parent.name for path in state.root().glob(f"{account}/*/*.pickle")} - {"aws"}
    return {"account": account, "regions": sorted(found)}


async def _empty(request: Request, account: str) -> Any:
    await asyncio.to_thread(forget, account)
    return {"account": account, "status": "empty"}


def forget(account: str) -> None:
    """Drop all that an account has: what is left when everything that AWS's API can delete is gone. Others are not touched.

    Parameters
    ----------
    account: its twelve digits
    """
    for service in registry.loaded():
        service.forget(account)
        with state.lock(service.name, account):
            state.forget(service.name, account)
    progress.forget(account)


_PAGES: list[tuple[str, re.Pattern[str], bool, Page]] = [
    ("GET", re.compile(r"/_workshop/health"), False, _health),
    ("GET", re.compile(r"/_workshop/pace"), False, _pace),
    ("GET", re.compile(r"/_workshop/permissions/(\d{12})"), False, _permissions),
    ("POST", re.compile(r"/_workshop/progress"), False, _note),
    ("GET", re.compile(r"/_workshop/progress"), True, _progress),
    ("POST", re.compile(r"/_workshop/places"), False, _place),
    ("DELETE", re.compile(r"/_workshop/places"), False, _leave),
    ("GET", re.compile(r"/_workshop/accounts/(\d{12})"), True, _regions),
    ("DELETE", re.compile(r"/_workshop/accounts/(\d{12})"), True, _empty),
]
