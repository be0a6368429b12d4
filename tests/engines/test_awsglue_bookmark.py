"""What a bookmark takes for new: after the last run, between two runs, and after it was rewound."""

import json
from pathlib import Path

import pytest

from infra.engines.spark.options import PYTHON_FOLDER

QUARTER = 15 * 60 * 1000  # the band, in milliseconds
CONTEXT = "source"


@pytest.fixture
def awsglue(monkeypatch):
    monkeypatch.syspath_prepend(str(PYTHON_FOLDER))
    import awsglue.bookmark
    import awsglue.storage

    return awsglue


class Runs:
    """Runs of a job, each with its own entry as the server names it."""

    def __init__(self, awsglue, monkeypatch, folder: Path):
        self._awsglue, self._monkeypatch, self._folder = awsglue, monkeypatch, folder
        (folder / "runs").mkdir()

    def entry(self, run: str) -> Path:
        return self._folder / "runs" / f"{run}.json"

    def read(self, run: str, files: dict[str, int], save: bool = True, between: tuple[str, str] | None = None):
        """Names that a run finds new among files and their times, in quarters of an hour."""
        self._monkeypatch.setenv("GLUE_JOB_BOOKMARK_FILE", str(self._folder / "bookmark.json"))
        self._monkeypatch.setenv("GLUE_JOB_BOOKMARK_ENTRY", str(self.entry(run)))
        for name, end in zip(("FROM", "TO"), between or (), strict=False):
            self._monkeypatch.setenv(f"GLUE_JOB_BOOKMARK_{name}", str(self.entry(end)) if end else "")
        mark = self._awsglue.bookmark.Bookmark("job", run, save, between is not None)
        stored = [self._awsglue.storage.StoredFile(name, quarter * QUARTER, 1) for name, quarter in files.items()]
        found = [file.uri for file in mark.new_files(CONTEXT, stored)]
        mark.commit()
        return found


@pytest.fixture
def runs(awsglue, monkeypatch, tmp_path):
    return Runs(awsglue, monkeypatch, tmp_path)


def test_a_range_of_runs_is_what_came_after_the_one_until_the_other(runs):
    files = {"a": 1}
    assert runs.read("one", files) == ["a"]
    files |= {"b": 1, "c": 5}
    assert runs.read("two", files) == ["b", "c"]
    files |= {"d": 5, "e": 9}
    assert runs.read("three", files) == ["d", "e"]
    files |= {"f": 9}
    for between, expected in {
        ("one", "two"): ["b", "c"],
        ("one", "three"): ["b", "c", "d", "e"],
        ("two", "three"): ["d", "e"],
        ("", "one"): ["a"],
        ("", "three"): ["a", "b", "c", "d", "e"],
        ("two", "two"): [],
        ("two", "one"): [],
        ("", ""): [],
    }.items():
        assert runs.read("pause", files, save=False, between=between) == expected, between
    # none of them moved the bookmark, and a file that was written again since is later than every run
    assert runs.read("pause", files | {"c": 10}, save=False, between=("one", "three")) == ["b", "d", "e"]
    assert runs.read("four", files) == ["f"]


def test_a_bookmark_that_was_taken_back_goes_on_from_there(runs, tmp_path):
    files = {"a": 1}
    runs.read("one", files)
    files |= {"b": 5}
    runs.read("two", files)
    assert json.loads(runs.entry("two").read_text()) == json.loads((tmp_path / "bookmark.json").read_text())
    (tmp_path / "bookmark.json").write_bytes(runs.entry("one").read_bytes())
    files |= {"c": 9}
    assert runs.read("three", files) == ["b", "c"]
    assert runs.read("four", files) == []
