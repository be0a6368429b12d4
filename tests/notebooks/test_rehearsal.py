"""The rehearsal: chapters at a share of AWS's pace, as a learner's role, and its report."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from infra import rehearsal
from infra.run import Result

pytestmark = pytest.mark.timeout(900)


def test_chapters_01_and_02_at_a_twentieth_of_the_pace(tmp_path: Path) -> None:
    """They wait for states and do not lean on a quick cloud; a learner's rights are enough."""
    report = tmp_path / "rehearsal.md"
    results = rehearsal.rehearse(["01", "02"], 0.05, report)
    assert [(result.notebook.stem, result.reason) for result in results] == [
        ("01_ingest_and_store", ""),
        ("02_catalog_data", ""),
    ]
    told = report.read_text()
    assert "| 02_catalog_data | ok |" in told and "crawler running" in told


def _copy(path: Path, *cells: tuple[str, str, str]) -> Path:
    code = [
        {
            "cell_type": "code",
            "source": source,
            "metadata": {
                "papermill": {"start_time": f"2026-11-29T00:00:{start}", "end_time": f"2026-11-29T00:00:{end}"}
            },
        }
        for source, start, end in cells
    ]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "# x", "metadata": {}}, *code]}))
    return path


def test_a_step_belongs_to_the_cell_in_which_it_began(tmp_path: Path) -> None:
    executed = _copy(
        tmp_path / "02_catalog_data.ipynb",
        ("# why\nglue.start_crawler(Name=crawler)\n", "00+00:00", "20+00:00"),
        ("1 + 1", "20+00:00", "21+00:00"),
    )
    midnight = 1795910400.0  # 2026-11-29T00:00:00Z
    begun = [
        (midnight + 1, "crawler running", 10.0),
        (midnight + 11, "crawler stopping", 6.0),
        (midnight + 20.5, "event", 0.1),
    ]
    (found,) = rehearsal.waits(executed, begun)
    assert (found.number, found.line, found.seconds, found.waited) == (
        1,
        "glue.start_crawler(Name=crawler)",
        20.0,
        16.0,
    )
    told = rehearsal.text(
        0.2,
        [Result(Path("02_catalog_data.ipynb"), 21.0, "")],
        [found],
        {"02_catalog_data": Counter({"kinesis GetRecords": 3})},
    )
    assert "| 02_catalog_data | ok | 21 | kinesis GetRecords 3 |" in told
    assert "| 02 | 1 | `glue.start_crawler(Name=crawler)` | 20 | 16 | crawler running, crawler stopping |" in told
    failed = rehearsal.text(1, [Result(Path("01_x.ipynb"), 2.0, "Cell 3: no")], [], {})
    assert "01_x failed: Cell 3: no" in failed and "| 01_x | failed | 2 | - |" in failed
