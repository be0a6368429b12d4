"""What changes nothing is not saved: a Scan of a table wrote all of it, and failed on a full disk."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.core import moto_call


@pytest.mark.parametrize(
    ("operation", "is_read"),
    [
        ("Scan", True),
        ("Query", True),
        ("TransactGetItems", True),
        ("SimulatePrincipalPolicy", True),
        ("GetItem", True),
        ("PutItem", False),
        ("TransactWriteItems", False),
        ("GetSessionToken", False),
        ("ReceiveMessage", False),
    ],
)
def test_reads_are_told_by_their_names(operation: str, is_read: bool) -> None:
    request: Any = SimpleNamespace(operation=operation, method="POST")
    assert moto_call.is_read(request) is is_read
