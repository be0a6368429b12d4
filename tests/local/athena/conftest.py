from collections.abc import Callable
from typing import Any

import pytest

from tests.local.athena.athena_lake import Lake


@pytest.fixture
def lake(client: Callable[..., Any], account: str) -> Lake:
    return Lake(client, account)
