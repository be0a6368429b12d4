"""The notebooks as they are stored: run in a fresh lake and compared with their stored outputs by nbval; and what learners see when something is missing."""

import json
import os
import subprocess
import sys

import pytest

from infra import project, run

NOTEBOOKS = project.chapters()
pytestmark = pytest.mark.timeout(1800)


def test_stored_outputs_are_what_comes_out(lake):
    """nbval runs every notebook in order, from its own folder, in a fresh lake, and compares each output with the stored one."""
    arguments = [
        "--nbval",
        f"--nbval-sanitize-with={project.ROOT / 'tests' / 'nbval_sanitize.cfg'}",
        "--nbval-cell-timeout=300",
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:timeout",
        "--rootdir",
        str(project.NOTEBOOKS),
        *arguments,
    ]
    result = subprocess.run(
        [*command, *map(str, NOTEBOOKS)], cwd=project.NOTEBOOKS, capture_output=True, text=True, timeout=1700
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


def test_runs_from_any_folder_with_parameters(lake, tmp_path):
    """`workshop run` from elsewhere, with a papermill parameter."""
    command = [sys.executable, "-m", "infra.cli", "run", "00", "--solutions", "-p", "track_seconds", "60"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    book = json.loads((project.BUILD / "00_start_here.ipynb").read_text())
    printed = "".join("".join(o.get("text", "")) for c in book["cells"] for o in c.get("outputs", []))
    assert "60,000 devices on one shard." in printed


def notebook_of(*cells):
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"c{number}",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "analytics-workshop", "display_name": "x", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_a_failing_notebook_fails_the_run_with_one_line(tmp_path, capsys):
    broken = tmp_path / "99_broken.ipynb"
    broken.write_text(json.dumps(notebook_of("a = 1", "1 / 0", "b = 2")))
    results = run.run([broken, broken], tmp_path / "out")
    assert [result.reason for result in results] == ["Cell 1: ZeroDivisionError: division by zero"]
    assert "failed" in capsys.readouterr().out


def test_a_cell_that_failed_in_silence_fails_the_run(tmp_path):
    """AWS's Glue kernel answers a failed cell with plain text and no error output: what papermill wrote into the cells tells."""
    book = notebook_of("a", "b")
    book["cells"][0]["metadata"]["papermill"] = {"exception": False, "status": "completed"}
    book["cells"][1]["metadata"]["papermill"] = {"exception": None, "status": "pending"}
    path = tmp_path / "executed.ipynb"
    path.write_text(json.dumps(book))
    assert run.unfinished(path) == "Cell 1 pending: b"


def test_cells_out_of_order_say_what_to_run_first(lake):
    code = "from helpers import explain_missing_names\nexplain_missing_names()"
    answers = _run_cells(code, "print(bucket)")
    assert "NameError: name 'bucket' is not defined. It is set in a cell further up" in answers


def test_kernels_do_not_share_a_history_file():
    """Of kernels that start at once, some would say in a cell's output that they cannot write it."""
    assert ":memory:" in _run_cells("print(get_ipython().history_manager.hist_file)")


def test_a_stopped_server_says_how_to_get_it_back(lake):
    answers = _run_cells(
        "from helpers import connect, explain_missing_names\nexplain_missing_names()\naws = connect()",
        "from infra import project\nfrom infra import server_process\nserver_process.stop(project.home())",
        "aws.client('s3').list_buckets()",
    )
    assert "run the cell with connect() again" in answers
    assert "Traceback" not in answers


def test_a_missing_chapter_says_which_notebook_to_run(lake, tmp_path):
    os.environ["WORKSHOP_ACCOUNT"] = "210987654321"  # an account in which nothing was ever run
    try:
        answers = _run_cells(
            "from helpers import connect, need_stack\naws = connect()",
            "need_stack('analytics-workshop-01-ingest', '01_ingest_and_store.ipynb')",
        )
    finally:
        del os.environ["WORKSHOP_ACCOUNT"]
    assert "Run 01_ingest_and_store.ipynb first" in answers
    assert "Traceback" not in answers


def _run_cells(*cells):
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.from_dict(notebook_of(*cells))
    NotebookClient(book, kernel_name="analytics-workshop", allow_errors=True, timeout=120).execute()
    return json.dumps(book.cells[-1]["outputs"], ensure_ascii=False)
