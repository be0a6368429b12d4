"""The lake of tests of crawlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.glue.crawler_lake import Lake


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)
