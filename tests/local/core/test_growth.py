"""A change costs the change: what one change writes does not grow with what is there. Work is counted, not time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import state, telemetry
from tests.growing import KINDS, REGION

FEW, MANY = 100, 3_000


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A state folder in this process; nobody hears of changes."""
    before = state._root
    state.open(tmp_path)
    monkeypatch.setattr(telemetry, "event", lambda *given, **more: None)
    yield
    state.close()
    state._root = before


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_change_writes_does_not_grow(
    lake: None, account: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, change = KINDS[kind](account)
    written: list[int] = []
    dumps = state.dumps

    def counted(value: Any) -> bytes:
        data = dumps(value)
        written.append(len(data))
        return data

    monkeypatch.setattr(state, "dumps", counted)

    def cost(number: int) -> int:
        """Bytes that a change and its save make of Python's objects."""
        state.save(service, account, REGION)
        written.clear()
        change(number)
        state.save(service, account, REGION)
        return sum(written)

    for number in range(FEW):
        change(number)
    few = cost(10_000)
    for number in range(FEW, MANY):
        change(number)
    many = cost(20_000)
    assert 0 < many <= 1.1 * few, (few, many)
