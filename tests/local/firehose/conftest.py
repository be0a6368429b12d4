"""A bucket, a role that may do all, and clients for tests of delivery streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.local.firehose.firehose_lab import ROLE
from tests.service_roles import service_role


@pytest.fixture
def role(client: Callable[..., Any]) -> None:
    ROLE["arn"] = service_role(client, "firehose")


@pytest.fixture
def s3(client: Callable[..., Any]) -> Any:
    return client("s3")


@pytest.fixture
def firehose(client: Callable[..., Any]) -> Any:
    return client("firehose")


@pytest.fixture
def bucket(s3: Any, account: str) -> str:
    s3.create_bucket(Bucket=f"lake-{account}")
    return f"lake-{account}"
