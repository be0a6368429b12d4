"""A notebook kernel under measurement, run by nbclient as papermill runs it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient

from infra import profile
from tests.bench.doubles import Double


class Client(NotebookClient):
    """nbclient that tells each change of a widget, as a front end would draw it."""

    on_change: Callable[[dict[str, Any]], None] = staticmethod(lambda state: None)

    def handle_comm_msg(self, outs: list, msg: dict[str, Any], cell_index: int) -> None:
        data = msg["content"].get("data", {})
        if data.get("method") == "update":
            self.on_change(data["state"])
        super().handle_comm_msg(outs, msg, cell_index)


class Kernel:
    """A running kernel on a server; close it.

    Args:
        name: the kernelspec.
        home: the server's home folder.
    """

    def __init__(self, name: str, double: Double, home: Path):
        profile.write(home, f"http://127.0.0.1:{double.port}")
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self.client = Client(nbformat.v4.new_notebook(), kernel_name=name, timeout=600)
        self._running = self.client.setup_kernel(env=kept | {"WORKSHOP_HOME": str(home)}, cwd=str(home))
        self._running.__enter__()

    def run(self, source: str) -> tuple[float, str]:
        """Run a cell; returns its seconds and its plain outputs. Raises nbclient's CellExecutionError when it fails."""
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        started = time.perf_counter()
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        seconds = time.perf_counter() - started
        texts = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)
        return seconds, "".join(texts)

    def resident_mb(self) -> float:
        """Memory of the kernel's process and all its children now."""
        return resident_mb(self.client.km.provisioner.pid)

    def close(self) -> None:
        self._running.__exit__(None, None, None)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *problem: Any) -> None:
        self.close()


def resident_mb(pid: int) -> float:
    """Memory of a process and all its children now."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in [process, *process.children(recursive=True)]) / 2**20
