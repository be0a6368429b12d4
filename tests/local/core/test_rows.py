"""Files of SQLite that are damaged: set aside and named, and what can be read of their rows is there; files that somebody removed are told."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.core import contents, files, notes, state
from infra.local.core.rows import Rows
from infra.local.s3.store import Store
from tests.conftest import Server

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY, body BLOB)",
    "CREATE TABLE IF NOT EXISTS two (name TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID",
)
MANY = 500


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sentences: list[str] = []
    monkeypatch.setattr(notes, "notes", sentences)
    return sentences


def filled(path: Path) -> Rows:
    rows = Rows(path, SCHEMA)
    with rows.change() as connection:
        for number in range(MANY):
            connection.execute("INSERT INTO one VALUES (?, ?)", (number, b"x" * 200))
            connection.execute("INSERT INTO two VALUES (?, ?)", (f"{number:05d}", b"y" * 200))
    rows.close()
    return rows


def count(rows: Rows) -> tuple[int, int]:
    return tuple(rows.read(f"SELECT count(*) FROM {name}")[0][0] for name in ("one", "two"))  # type: ignore[return-value]


def last_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garbage_in_the_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[10 * 4096 : 11 * 4096] = b"\xff" * 4096
    path.write_bytes(data)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "least"),
    [(last_page, MANY - 40), (half, MANY // 8), (garbage_in_the_middle, MANY - 40), (folder, 0)],
)
def test_a_damaged_file_is_set_aside_and_its_rows_are_rescued(
    tmp_path: Path, told: list[str], damage: Callable[[Path], None], least: int
) -> None:
    path = tmp_path / "rows.sqlite"
    filled(path)
    damage(path)
    rows = Rows(path, SCHEMA)
    (note,) = told
    (aside,) = tmp_path.glob("rows.sqlite.*.set-aside")
    assert str(path) in note and aside.name in note
    there = count(rows)
    assert least <= sum(there) // 2 <= MANY and max(there) <= MANY
    with rows.change() as connection:
        connection.execute("INSERT INTO one VALUES (?, ?)", (10 * MANY, b"new"))
    rows.close()
    again = Rows(path, SCHEMA)
    assert count(again) == (there[0] + 1, there[1]) and len(told) == 1
    again.close()


def test_a_file_that_was_cut_is_found_though_it_is_too_large_to_be_looked_through(
    tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.core.rows.LARGEST_CHECKED", 0)
    path = tmp_path / "rows.sqlite"
    filled(path)
    last_page(path)
    rows = Rows(path, SCHEMA)
    assert len(told) == 1 and "bytes" in told[0]
    rows.close()


def test_an_index_of_s3_whose_last_page_is_cut_is_made_anew(tmp_path: Path, told: list[str]) -> None:
    store = Store(tmp_path)
    for number in range(MANY):
        store.write(("b", f"{number:05d}"), b"x" * 200)
    store.close()
    last_page(tmp_path / "index.sqlite")
    store = Store(tmp_path)
    assert len(told) == 1 and "the index is made anew" in told[0]
    assert [name for name, _ in store.rows("b")] == [f"{number:05d}" for number in range(MANY)]
    store.close()


def test_a_log_that_is_not_copied_yet_is_no_damage(tmp_path: Path, told: list[str]) -> None:
    """As a kill leaves it: the file is shorter than what its log will make of it."""
    path = tmp_path / "rows.sqlite"
    filled(path)
    rows = Rows(path, SCHEMA)
    with rows.change() as connection:
        connection.execute("INSERT INTO one VALUES (?, ?)", (MANY, b"z" * 100_000))
    copy = tmp_path / "copy.sqlite"
    for suffix in ("", "-wal"):
        copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    again = Rows(copy, SCHEMA)
    assert count(again) == (MANY + 1, MANY) and told == []
    again.close()
    rows.close()


def test_a_file_that_is_missing_is_told_once_and_its_rows_are_kept(
    tmp_path: Path, told: list[str], monkeypatch: Any
) -> None:
    monkeypatch.setattr(contents, "_root", None)
    monkeypatch.setattr(contents, "_known", set())
    place = tmp_path / "1" / "us-east-1"
    place.mkdir(parents=True)
    contents.open(tmp_path)
    pickle, records = place / "glue.pickle", place / "glue.records"
    for path in (pickle, records, tmp_path / "events.sqlite"):
        path.write_text("")
        contents.made(path)
    contents.close()
    contents.open(tmp_path)
    assert told == []
    pickle.unlink()
    (tmp_path / "events.sqlite").unlink()
    contents.close()
    contents.open(tmp_path)
    assert sorted(note.partition(" ")[0] for note in told) == sorted(
        str(path) for path in (pickle, records, tmp_path / "events.sqlite")
    )
    assert len(list(place.glob("glue.records.*.set-aside"))) == 1
    told.clear()
    contents.close()
    contents.open(tmp_path)
    contents.gone(place)
    assert told == []


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.write_bytes(b""), "it cannot be read"),
        (lambda path: path.write_bytes(b'{"a": 1'), "it cannot be read"),
        (lambda path: path.write_bytes(b"[1]"), "it holds no object"),
        (folder, "it cannot be read (Is a directory)"),
    ],
)
def test_a_small_file_that_is_damaged_is_set_aside(
    tmp_path: Path, told: list[str], damage: Callable[[Path], Any], why: str
) -> None:
    path = tmp_path / "place.json"
    assert files.read_json(path, "lost") is None and told == []
    path.write_bytes(b'{"a": 1}')
    assert files.read_json(path, "lost") == {"a": 1} and told == []
    damage(path)
    assert files.read_json(path, "all is read again") is None
    assert len(told) == 1 and str(path) in told[0] and why in told[0] and told[0].endswith("all is read again.")
    assert files.read_json(path, "lost") is None and len(told) == 1


@pytest.mark.parametrize("name", ["version", "contents"])
def test_a_folder_in_the_place_of_a_file_of_the_state_is_set_aside(
    tmp_path: Path, told: list[str], monkeypatch: Any, name: str
) -> None:
    for attribute in ("_root", "_known"):
        monkeypatch.setattr(contents, attribute, getattr(contents, attribute))
    monkeypatch.setattr(state, "_root", None)
    (tmp_path / name).mkdir()
    state.open(tmp_path)
    assert (tmp_path / name).is_file() and len(told) == 1 and str(tmp_path / name) in told[0]


@pytest.mark.parametrize("damage", [folder, lambda path: path.unlink()])
def test_a_journal_of_s3_that_is_lost_is_told_and_made_anew(
    tmp_path: Path, told: list[str], damage: Callable[[Path], Any]
) -> None:
    store = Store(tmp_path)
    store.write(("b", "k"), b"versions")
    store.close()
    damage(tmp_path / "objects" / "journal")
    store = Store(tmp_path)
    assert store.read(("b", "k")) == b"versions" and "is missing: it is made anew from the index" in told[-1]
    store.close()
    (tmp_path / "index.sqlite").unlink()
    again = Store(tmp_path)
    assert again.read(("b", "k")) == b"versions"
    again.close()


def test_a_home_that_was_copied_without_its_logs_is_told(own_server: Any, account: str, tmp_path: Path) -> None:
    """From under a running server; with them, and after a stop, nothing is missing."""
    own_server.client("sns", account).create_topic(Name="t")
    told = {}
    for name, patterns in (("without", ("*-wal", "*-shm", "server.*")), ("with", ("server.*",))):
        shutil.copytree(own_server.home, tmp_path / name, ignore=shutil.ignore_patterns(*patterns))
    own_server.stop()
    shutil.copytree(own_server.home, tmp_path / "stopped", ignore=shutil.ignore_patterns("*-wal", "server.*"))
    for name in ("without", "with", "stopped"):
        server = Server(tmp_path / name)
        with urllib.request.urlopen(f"{server.endpoint}/_workshop/health") as answer:
            told[name] = " ".join(json.load(answer)["notes"])
        found = server.client("sns", account).list_topics()["Topics"]
        server.stop()
        assert len(found) == (name != "without"), name
    assert "was copied while a server used it" in told.pop("without") and told == {"with": "", "stopped": ""}
    own_server.start()
