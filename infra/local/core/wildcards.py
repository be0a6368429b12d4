r"""Texts with `*` for any signs, and `\*` and `\\` for a star and a backslash, as patterns of events and rules of states have them.

Not by a regular expression: with many stars that takes longer than anybody waits, and a pattern is a user's.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"\\[*\\]|\*|[^*\\]+|\\")


@lru_cache(maxsize=2048)
def _literals(pattern: str) -> tuple[str, ...]:
    """Return the texts between the stars."""
    found = [""]
    for part in _PARTS.findall(pattern):
        if part == "*":
            found.append("")
        else:
            found[-1] += part[1] if part in (r"\*", r"\\") else part
    return tuple(found)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern with stars says, from its first sign to its last; in a time that grows with the text.

    Parameters
    ----------
    pattern: `*` for any signs
    text: of any length
    """
    first, *others = _literals(pattern)
    if not others:
        return text == first
    *middle, last = others
    at, end = len(first), len(text) - len(last)
    if at > end or not (text.startswith(first) and text.endswith(last)):
        return False
    for literal in middle:
        found = text.find(literal, at, end)
        if found < 0:
            return False
        at = found + len(literal)
    return True
