"""The policies that AWS manages, as moto carries them: each is read when it is asked for, since all together are 5 MB of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

PREFIX = "arn:aws:iam::aws:policy/"
_ENTRY = re.compile(r'^ "([^"]+)":(?=\{)', re.MULTILINE)


def _text() -> str:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return aws_managed_policies_data


@lru_cache(maxsize=64)
def find(arn: str) -> tuple[str, dict[str, Any]] | None:
    """Return name and content of an AWS-managed policy, None when AWS has none of this ARN."""
    path, _, name = arn.removeprefix(PREFIX).rpartition("/")
    if not arn.startswith(PREFIX) or not re.fullmatch(r"[\w+=,.@-]+", name):
        return None
    start = _text().find(f'\n "{name}":{{')
    if start < 0:
        return None
    content, _ = json.JSONDecoder().raw_decode(_text(), start + len(f'\n "{name}":'))
    return (name, content) if content["Path"].strip("/") == path else None


def every() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and content of all of them."""
    yield from json.loads(_text()).items()
