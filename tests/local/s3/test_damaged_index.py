"""A row of the index that is damaged comes from the journal again."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.core import state
from infra.local.s3.buckets import StoredKeys
from infra.local.s3.objects import PARTITION, open_stores, store

ACCOUNT = "777777777777"


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Path]:
    before = state._root
    state.open(tmp_path)
    yield tmp_path / ACCOUNT / PARTITION / "s3" / "index.sqlite"
    if (opened := open_stores.pop(ACCOUNT, None)) is not None:
        opened.close()
    state._root = before


def reopened() -> StoredKeys:
    open_stores.pop(ACCOUNT).close()
    keys = StoredKeys(ACCOUNT, "lake")
    keys.load()
    return keys


def test_a_damaged_row_is_read_from_the_journal(lake: Path) -> None:
    stored = store(ACCOUNT)
    for name in ("a", "b", "c"):
        stored.write(("lake", name), pickle.dumps([f"{name} of before"]))
        stored.write(("lake", name), pickle.dumps([name]))
    assert dict(reopened()) == {"a": ["a"], "b": ["b"], "c": ["c"]}
    open_stores.pop(ACCOUNT).close()
    with sqlite3.connect(lake) as index:
        index.execute("UPDATE objects SET versions = zeroblob(30) WHERE name = 'b'")
    index.close()
    keys = StoredKeys(ACCOUNT, "lake")
    keys.load()
    assert dict(keys) == {"a": ["a"], "b": ["b"], "c": ["c"]}
    assert dict(reopened()) == {"a": ["a"], "b": ["b"], "c": ["c"]}
