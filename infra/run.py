"""Run notebooks headless with papermill: one line each, executed copies in build/, a closing table."""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from infra import project

CELL_SECONDS = 300
ERROR_LINE = re.compile(r"\w+(Error|Exception|Exit|Interrupt)\b")  # the first of several that an error of Spark has
PYTHON_KERNELS = ("glue_pyspark", "flink-studio")


class Result(NamedTuple):
    """How one notebook ended: `reason` is empty when all went well, else one line."""

    notebook: Path
    seconds: float
    reason: str


def find(chapters: list[str]) -> list[Path]:
    """Return the notebooks of the named chapters (`01`, `1` or a file's name), all if none is named.

    Raises ValueError for a chapter that does not exist.
    """
    notebooks = project.chapters()
    if not chapters:
        return notebooks
    chosen = []
    for chapter in chapters:
        number = chapter.zfill(2) if chapter.isdigit() else Path(chapter).stem
        matches = [path for path in notebooks if path.stem == number or path.stem.startswith(f"{number}_")]
        if not matches:
            known = ", ".join(path.stem[:2] for path in notebooks)
            raise ValueError(f"There is no chapter '{chapter}'. Chapters: {known}.")
        chosen += matches
    return chosen


def run(
    notebooks: list[Path],
    output: Path,
    parameters: dict[str, Any] | None = None,
    solutions: bool = False,
    cell_seconds: int = CELL_SECONDS,
) -> list[Result]:
    """Execute notebooks in order and stop at the first that fails.

    Parameters
    ----------
    output: folder for the executed copies
    parameters: values for cells tagged `parameters`; a name that a notebook does not have is not passed to it
    solutions: solve the open exercises; a solution that is not right fails the run
    cell_seconds: how long a cell may take
    """
    output.mkdir(parents=True, exist_ok=True)
    results = []
    for notebook in notebooks:
        print(f"{notebook.stem:<28}", end=" ", flush=True)
        results.append(execute(notebook, output / notebook.name, parameters or {}, solutions, cell_seconds))
        last = results[-1]
        print(f"{'failed' if last.reason else 'ok':<7}{last.seconds:6.1f} s", flush=True)
        if last.reason:
            print(f"  {last.reason}\n  The executed copy: {output / notebook.name}")
            break
    return results


def execute(
    notebook: Path,
    target: Path,
    parameters: dict[str, Any],
    solutions: bool = False,
    cell_seconds: int = CELL_SECONDS,
) -> Result:
    """Execute one notebook from its own folder, as JupyterLab would, and write the copy to `target`."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.translators import PythonTranslator, papermill_translators

    from infra import notebook_engine

    for (
        kernel
    ) in PYTHON_KERNELS:  # they call their language by names of their own, and parameters are Python all the same
        papermill_translators.register(kernel, PythonTranslator)
    known = papermill.inspect_notebook(str(notebook))
    passed = {name: value for name, value in parameters.items() if name in known}
    if solutions:
        passed["run_solutions"] = True  # check() looks for it; papermill need not warn that no cell names it
        logging.getLogger("papermill").setLevel(logging.ERROR)
    started = time.monotonic()
    reason = ""
    try:
        papermill.execute_notebook(
            str(notebook),
            str(target),
            parameters=passed,
            cwd=str(project.NOTEBOOKS),
            progress_bar=False,
            log_output=False,
            engine_name=notebook_engine.NAME,
            execution_timeout=cell_seconds,
        )
    except PapermillExecutionError as error:
        told = f"{error.ename}: {error.evalue}" if error.evalue else _last_words(target)
        reason = f"Cell {error.cell_index}: {told}"
    except (DeadKernelError, TimeoutError) as error:
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return Result(notebook, time.monotonic() - started, reason or unfinished(target))


def unfinished(executed: Path) -> str:
    """Return why an executed copy is not a whole success, "" if it is.

    AWS's Glue kernel reports a failed cell as plain text, so papermill stops there without an error: the cells that never ran tell.
    A session that it cannot start or has lost it reports on stderr only, and goes on.
    """
    book = json.loads(executed.read_text())
    is_glue = book["metadata"].get("kernelspec", {}).get("name") == "glue_pyspark"
    for number, cell in enumerate(book["cells"]):
        told = cell.get("metadata", {}).get("papermill", {})
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        said = [output for output in cell["outputs"] if is_glue and output.get("name") == "stderr"]
        if told.get("exception") or told.get("status") not in ("completed", None):
            return f"Cell {number} {told.get('status', 'failed')}: {''.join(cell['source']).splitlines()[0]}"
        if said:
            return f"Cell {number}: {_first_line(said)}"
    return ""


def _last_words(executed: Path) -> str:
    """Return the line in which the failed cell tells its error, else its last: AWS's Glue kernel tells errors as plain text."""
    for cell in json.loads(executed.read_text())["cells"]:
        if cell.get("metadata", {}).get("papermill", {}).get("exception"):
            lines = "".join("".join(output.get("text", "")) for output in cell["outputs"]).strip().splitlines()
            return next(filter(ERROR_LINE.match, lines), lines[-1] if lines else "failed without a word")
    return "failed without a word"


def _first_line(outputs: list[dict[str, Any]]) -> str:
    text = "".join("".join(output["text"]) for output in outputs).strip()
    return text.splitlines()[0] if text else "the kernel reported an error without words"


def table(results: list[Result]) -> str:
    """Return the closing table."""
    lines = ["", f"{'notebook':<28} {'result':<7} {'seconds':>8}", "-" * 45]
    lines += [f"{r.notebook.stem:<28} {'failed' if r.reason else 'ok':<7} {r.seconds:8.1f}" for r in results]
    lines.append(
        f"{'all':<28} {'failed' if any(r.reason for r in results) else 'ok':<7} {sum(r.seconds for r in results):8.1f}"
    )
    return "\n".join(lines)
