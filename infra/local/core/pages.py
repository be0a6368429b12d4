"""Lists in pages whose token is the number of the entry that the next page begins with, as moto has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
DIGITS = 9  # of a token: no list here is longer


def first(token: str | None) -> int:
    """Return the number of the entry that a page begins with, from 0. Raises ValueError for a token that no page gave.

    Parameters
    ----------
    token: of the page before; None or empty for the first page
    """
    if not token:
        return 0
    if not (token.isascii() and token.isdecimal() and len(token) <= DIGITS):
        raise ValueError(token)
    return int(token)


def page(items: Sequence[T], token: str | None, size: int) -> tuple[Sequence[T], str | None]:
    """Return a page and the token of the next, None after the last. Raises ValueError for a token that no page gave.

    Parameters
    ----------
    items: the whole list
    token: of the page before; None or empty for the first page
    size: entries of a page, at least 1
    """
    start = first(token)
    end = start + size
    return items[start:end], str(end) if end < len(items) else None
