"""Glue's glob patterns, which leave out files: of crawlers (Exclusions) and of sources of a job (`exclusions`)."""

from __future__ import annotations

import re


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Return an exclude pattern as a regular expression over a path: of a crawler, the one below the include path.

    `*` is any text within a level, `**` crosses levels, `?` one character, `[a-z]` and `[!a]` sets, `{a,b}` choices, `\\` takes the next as it is.
    Raises ValueError when brackets do not match.
    Source: https://docs.aws.amazon.com/glue/latest/dg/define-crawler.html#crawler-data-stores-exclude
    """
    out = []
    depth = at = 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            crosses = glob[at : at + 1] == "*"
            at += crosses
            out.append(".*" if crosses else "[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and at < len(glob):
            out.append(re.escape(glob[at]))
            at += 1
        elif char == "[":
            end = glob.find("]", at + 1)
            if end < 0:
                raise ValueError(f"The exclude pattern {glob} has an open bracket.")
            inside = re.sub(
                r"[\\\[\^&|~]", r"\\\g<0>", glob[at:end]
            )  # signs of Python's sets, which a glob takes as they are
            out.append(f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]")
            at = end + 1
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        else:
            out.append(re.escape(char))
    if depth:
        raise ValueError(f"The exclude pattern {glob} has an open brace.")
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        raise ValueError(f"The exclude pattern {glob} is not valid.") from None
