"""Wildcards, ARNs and policy variables.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

Context = Mapping[str, tuple[str, ...]]  # key in small letters → values; of most keys there is one

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*,\s*'(.*)'\s*", re.DOTALL)
_LITERALS = {"*", "?", "$"}
_ESCAPES = {"*": "\ue000", "?": "\ue001"}  # wildcards that are meant as themselves, until the pattern is compiled
_ARN_FIELDS = 6


def glob_matches(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether `text` is what the pattern says: `*` any characters, `?` one.

    Parameters
    ----------
    pattern: as a policy has it
    text: compared from its first to its last character
    ignore_case: for actions and operators ending with IgnoreCase
    """
    if pattern == "*":
        return True
    return _compiled(pattern, ignore_case).fullmatch(text) is not None


@lru_cache(maxsize=8192)
def _compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    """Return a regular expression that never goes back: a pattern is a user's, and may have many stars."""
    first, *others = ("".join(map(_part, text)) for text in pattern.split("*"))
    source = first
    if others:
        *middle, last = others
        source += "".join(f"(?>.*?{each})" for each in middle if each) + ".*" + last
    return re.compile(source, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _part(character: str) -> str:
    if character == "?":
        return "."
    meant = next((plain for plain, escape in _ESCAPES.items() if character == escape), character)
    return re.escape(meant)


def unescaped(pattern: str) -> str:
    """Return a text in which variables were replaced, for operators that know no wildcards.

    Parameters
    ----------
    pattern: of `replace_variables`
    """
    for plain, escape in _ESCAPES.items():
        pattern = pattern.replace(escape, plain)
    return pattern


def action_matches(pattern: str, action: str) -> bool:
    """Whether an action is one of those that the pattern names; letters' case does not count.

    Parameters
    ----------
    pattern: as `s3:Get*`
    action: as `s3:GetObject`
    """
    return glob_matches(pattern, action, ignore_case=True)


def arn_matches(pattern: str, arn: str) -> bool:
    """Whether an ARN is what the pattern says, field by field: a wildcard stays in its field, in the last it takes all that follows.

    Parameters
    ----------
    pattern: as a policy has it
    arn: what is asked for
    """
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", _ARN_FIELDS - 1), arn.split(":", _ARN_FIELDS - 1)
    if wanted[-1] == "*":
        wanted += ["*"] * (len(given) - len(wanted))  # arn:aws:s3* and arn:aws:logs:* leave the rest open
    return len(wanted) == len(given) and all(map(glob_matches, wanted, given))


def replace_variables(pattern: str, context: Context) -> str | None:
    """Return a pattern with its variables replaced by the request's values, None when one has neither value nor default.

    A value's own wildcards mean themselves. A key of several values is no value for a variable.

    Parameters
    ----------
    pattern: as a policy has it
    context: condition key, in small letters → values
    """
    if "${" not in pattern:
        return pattern
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name = match[1]
        if name in _LITERALS:
            return _ESCAPES.get(name, name)
        default = _DEFAULT.fullmatch(name)
        values = context.get((default[1] if default else name.strip()).lower(), ())
        if len(values) == 1:
            return _escaped(values[0])
        if default and not values:
            return _escaped(default[2])
        missing = True
        return ""

    replaced = _VARIABLE.sub(value, pattern)
    return None if missing else replaced


def _escaped(value: str) -> str:
    for plain, escape in _ESCAPES.items():
        value = value.replace(plain, escape)
    return value
