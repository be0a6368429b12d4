"""Regular expressions that a user wrote: none may stop the server.

Python's `re` goes back as often as a pattern lets it, for hours if it must, and nothing else runs meanwhile. What may take long is therefore asked in a
process of its own, which is ended in time.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache

import orjson

SECONDS = 2.0
SHORT = 16  # signs: below that no pattern takes long
_REPEATED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\)?[*+?{])")
_PROGRAM = "import json, re, sys; s, f, t = json.load(sys.stdin); c = re.compile(s, f); print(json.dumps([c.fullmatch(e) is not None for e in t]))"


class TooSlow(ValueError):
    """A pattern goes back and back on a text."""


class Pattern:
    """A user's regular expression. Raises ValueError for what is none.

    Parameters
    ----------
    source: as the user wrote it
    ignore_case: whether small and capital letters are the same
    """

    def __init__(self, source: str, ignore_case: bool = False):
        self.source, self._flags = source, re.IGNORECASE if ignore_case else re.NOFLAG
        try:
            self._compiled = re.compile(source, self._flags)
        except (re.error, OverflowError, RecursionError, TypeError) as error:
            raise ValueError(str(error)) from None

    def matches(self, text: str) -> bool:
        """Tell whether a whole text is what the pattern says. Raises TooSlow.

        Parameters
        ----------
        text: compared from its first sign to its last
        """
        return bool(self.matching([text]))

    def matching(self, texts: list[str]) -> list[str]:
        """Return the texts that are as a whole what the pattern says. Raises TooSlow.

        Parameters
        ----------
        texts: each compared from its first sign to its last
        """
        if is_harmless(self.source) or all(len(text) <= SHORT for text in texts):
            return [text for text in texts if self._compiled.fullmatch(text)]
        asked = orjson.dumps([self.source, int(self._flags), texts])
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", _PROGRAM],
                input=asked,
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
        except subprocess.TimeoutExpired:
            raise TooSlow(f"The pattern {self.source} takes too long.") from None
        return [text for text, fits in zip(texts, orjson.loads(done.stdout), strict=True) if fits]


@lru_cache(maxsize=1024)
def is_harmless(source: str) -> bool:
    """Tell whether a pattern repeats at one place at most, and no group, so that its time grows with the text.

    Parameters
    ----------
    source: a pattern of re
    """
    repeated = [found for found in _REPEATED.findall(source) if found]
    return len(repeated) < 2 and not any(found.startswith(")") for found in repeated)
