"""aws:RequestTag/… and aws:TagKeys: the tags that a request brings, however its service spells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MEMBERS = ("Tags", "tags", "TagList", "ResourceTags", "TagsToAdd")


def keys(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the keys of a request that sets or removes tags.

    Parameters
    ----------
    parameters: of the operation
    """
    found = dict(pair for name in _MEMBERS for pair in _pairs(parameters.get(name)))
    found.update(_flat(parameters))
    removed = [
        value for name in ("TagKeys", "tagKeys") for value in parameters.get(name) or () if isinstance(value, str)
    ]
    keys: dict[str, tuple[str, ...]] = {f"aws:requesttag/{key}".lower(): (value,) for key, value in found.items()}
    if found or removed:
        keys["aws:tagkeys"] = (*found, *removed)
    return keys


def _pairs(tags: Any) -> Iterator[tuple[str, str]]:
    if isinstance(tags, Mapping):
        yield from ((key, str(value)) for key, value in tags.items())
    elif isinstance(tags, list):
        for tag in tags:
            if isinstance(tag, Mapping):
                key = tag.get("Key", tag.get("key", tag.get("TagKey")))
                value = tag.get("Value", tag.get("value", tag.get("TagValue")))
                if isinstance(key, str):
                    yield key, str(value or "")


def _flat(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of the query protocol: Tags.member.1.Key, Tag.1.Key."""
    for name, key in parameters.items():
        if name.startswith(("Tags.", "Tag.")) and name.endswith(".Key") and isinstance(key, str):
            yield key, str(parameters.get(f"{name[:-4]}.Value", ""))
