"""Store fresh outputs in notebooks/: run all of them in order in a new lake, keep outputs and counts, drop timing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat

from infra import project, run, server_process

TIMING = ("papermill", "execution")
WIDGET = "application/vnd.jupyter.widget-view+json"


def refresh(chapters: list[str]) -> list[run.Result]:
    """Run all notebooks up to the last one named in a lake of their own, and store the outputs of the named ones."""
    wanted = run.find(chapters)
    last = max(wanted)
    with tempfile.TemporaryDirectory(prefix="workshop-refresh-") as folder:
        lake, output = Path(folder, "lake"), Path(folder, "executed")
        os.environ["WORKSHOP_HOME"] = str(lake)
        os.environ.pop("AWS_PROFILE", None)
        try:
            results = run.run([path for path in project.chapters() if path <= last], output)
            for result in results:
                if result.notebook in wanted and not result.reason:
                    store(output / result.notebook.name, result.notebook)
        finally:
            server_process.stop(lake)
    return results


def store(executed: Path, notebook: Path) -> None:
    """Write an executed copy over its notebook, without timing and without papermill's own cells."""
    book = nbformat.read(executed, as_version=4)
    book.cells = [cell for cell in book.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):  # what a form shows when nothing answers it
                output["data"].pop(WIDGET, None)
    for holder in (book, *book.cells):
        for name in TIMING:
            holder.metadata.pop(name, None)
    nbformat.write(book, notebook)
