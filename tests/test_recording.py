"""The recording of a whole run: calls go to the cells that ran then; other roles, and keys that are the same each time, are left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.permissions import recording

ROLE = "arn:aws:iam::123456789012:role/Worker"


def _copy(folder: Path, name: str, *sources: tuple[float, str]) -> Path:
    began = [datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat() for at, _ in sources]
    cells = [
        {"cell_type": "code", "source": source, "metadata": {"papermill": {"start_time": start}}}
        for start, (_, source) in zip(began, sources, strict=True)
    ]
    path = folder / f"{name}.ipynb"
    papermill_s = {"cell_type": "code", "source": "x = 1", "metadata": {"tags": ["injected-parameters"]}}
    title = {"cell_type": "markdown", "source": "# Title", "metadata": {}}
    path.write_text(json.dumps({"cells": [papermill_s, title, *cells]}))
    return path


def _call(at: float, keys: dict[str, Any] | None = None, role: str = ROLE) -> list[Any]:
    return [role, "Read", "s3:GetObject", "arn:aws:s3:::lake/key", keys or {}, at, True]


def test_calls_go_to_the_cells_that_ran_then(tmp_path: Path) -> None:
    copies = [
        _copy(tmp_path, "02_two", (30.0, "# why\ncrawl()")),
        _copy(tmp_path, "01_one", (10.0, "put()"), (20.0, "")),
    ]
    keys = {"s3:prefix": ["data/"], "aws:tagkeys": ["a"], "aws:sourceip": ["127.0.0.1"]}
    record = {
        "calls": [_call(35.5, keys), _call(12.0, role=ROLE.replace("Worker", "Other"))],
        "denied": [[ROLE, "glue:GetTable", "arn:aws:glue:us-east-1:123456789012:catalog", False, 29.0]],
    }
    found = recording.of(record, recording.cells(copies), frozenset({"Worker"}))
    assert found["used"] == {
        "Worker": {
            "Read": {
                "s3:GetObject": {
                    "resource": "arn:aws:s3:::lake/key",
                    "keys": {"s3:prefix": ["data/"], "aws:tagkeys": ["a"]},
                    "alone": True,
                    "chapter": "02_two",
                    "cell": 1,
                    "line": "crawl()",
                }
            }
        }
    }
    assert [(each["chapter"], each["cell"]) for each in found["denied"]["Worker"]] == [("01_one", 2)]


def test_what_is_no_recording_of_a_whole_run_is_refused(tmp_path: Path) -> None:
    ran = recording.cells([_copy(tmp_path, "01_one", (10.0, "put()"))])
    with pytest.raises(ValueError, match="Run all chapters in a fresh lake first"):
        recording.of({"calls": [], "denied": []}, ran, frozenset({"Worker"}))
    with pytest.raises(ValueError, match="the lake is older than the executed copies"):
        recording.of({"calls": [_call(9.0)], "denied": []}, ran, frozenset({"Worker"}))


def test_the_roles_of_the_templates_are_found() -> None:
    from tests import stack_roles

    assert recording.role_names() == stack_roles.roles().keys()
