"""Regular expressions that RE2 has no forms for."""

import re

from infra.engines.athena.functions.refusing import bad_argument


def _python_regex(pattern: str) -> re.Pattern:
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern))
    except re.error as error:
        raise ValueError(f"regular expression: {error}") from None


def py_regexp_like(text: str, pattern: str) -> bool:
    return _python_regex(pattern).search(text) is not None


def py_regexp_extract(text: str | None, pattern: str | None, group: int) -> str | None:
    if text is None or pattern is None:
        return None
    match = _python_regex(pattern).search(text)
    return match[group] if match else None


def py_regexp_extract_all(text: str, pattern: str, group: int) -> list[str | None]:
    return [m[group] for m in _python_regex(pattern).finditer(text)]


def py_regexp_replace(text: str, pattern: str, replacement: str) -> str:
    put = re.sub(r"\\(.)", lambda m: "\\\\" if m[1] == "\\" else m[1], replacement)
    put = re.sub(r"\$(\d)", r"\\g<\1>", put)
    put = re.sub(r"\$\{(\w+)\}", r"\\g<\1>", put)
    return _python_regex(pattern).sub(put, text)


def py_regexp_split(text: str, pattern: str) -> list[str]:
    found, last = [], 0
    for match in _python_regex(pattern).finditer(text):
        found.append(text[last : match.start()])
        last = match.end()
    return [*found, text[last:]]


def py_regexp_groups(text: str, pattern: str) -> list[list[str | None]]:
    """For each match, its groups; the text between is what py_regexp_split() gives."""
    return [list(m.groups()) for m in _python_regex(pattern).finditer(text)]


def py_regexp_position(text: str, pattern: str, start: int, occurrence: int) -> int:
    if start < 1:
        raise bad_argument("start position cannot be smaller than 1")
    if occurrence < 1:
        raise bad_argument("occurrence cannot be smaller than 1")
    matches = _python_regex(pattern).finditer(text, start - 1)
    found = next((m for i, m in enumerate(matches, 1) if i == occurrence), None)
    return found.start() + 1 if found else -1
