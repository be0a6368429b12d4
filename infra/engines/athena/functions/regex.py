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


_PART = re.compile(r"\\(?P<kept>.)|\$\{(?P<name>[a-zA-Z]\w*)\}|\$(?P<group>[0-9]+)|(?P<plain>[^\\$]+)", re.DOTALL)


def py_regexp_replace(text: str, pattern: str, replacement: str) -> str:
    compiled = _python_regex(pattern)
    parts = replacement_parts(replacement, compiled)
    return compiled.sub(lambda m: "".join(p if isinstance(p, str) else m[p[0]] or "" for p in parts), text)


def replacement_parts(replacement: str, pattern: re.Pattern) -> list[str | tuple[int | str]]:
    """The texts and groups of a replacement: `$1`, `$12` where there are so many groups, `${name}`, `\\$`. Raises Refused."""
    parts: list[str | tuple[int | str]] = []
    at = 0
    while at < len(replacement):
        match = _PART.match(replacement, at)
        if match is None:
            raise bad_argument(f"Illegal replacement sequence: {replacement}")
        if match["name"]:
            if match["name"] not in pattern.groupindex:
                raise bad_argument(f"Illegal replacement sequence: unknown group {{ {match['name']} }}")
            parts.append((match["name"],))
        elif match["group"]:
            number, at = _group_number(match["group"], pattern.groups), match.start("group")
            parts.append((number[0],))
            at += number[1]
            continue
        else:
            parts.append(match["kept"] or match["plain"])
        at = match.end()
    return parts


def _group_number(digits: str, groups: int) -> tuple[int, int]:
    """The group that digits mean, and how many of them are its number: as many as make a group that there is."""
    if int(digits[0]) > groups:
        raise bad_argument(f"Illegal replacement sequence: unknown group {digits[0]}")
    size = 1
    while size < len(digits) and int(digits[: size + 1]) <= groups:
        size += 1
    return int(digits[:size]), size


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
