"""Install the workshop's kernelspecs into the project's environment, so that JupyterLab, papermill and nbval find them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra import project

PYTHON_KERNEL = "analytics-workshop"
# Kernels that start at once spoil each other's history file ("attempt to write a readonly database" in a cell's output): each keeps its own, in memory.
OWN_HISTORY = "--HistoryManager.hist_file=:memory:"


def kernelspec_folder(name: str) -> Path:
    """Return where the kernelspec of this name lies."""
    return project.environment_prefix() / "share" / "jupyter" / "kernels" / name


def write_kernelspec(
    name: str, display_name: str, argv: list[str], env: dict[str, str] | None = None, debugger: bool = True
) -> Path:
    """Write one kernelspec and return its folder."""
    folder = kernelspec_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [*argv, OWN_HISTORY],
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": debugger},
        "env": env or {},
    }
    (folder / "kernel.json").write_text(json.dumps(spec, indent=1) + "\n")
    return folder


def install_python_kernel() -> Path:
    """Install `Python (Analytics Workshop)`: ipykernel in the project's environment."""
    argv = [
        sys.executable,
        "-Xfrozen_modules=off",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
        "--log-level=ERROR",
    ]
    return write_kernelspec(PYTHON_KERNEL, "Python (Analytics Workshop)", argv)


LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},  # find in page reaches every cell
}


def write_lab_settings() -> Path:
    """Write this environment's JupyterLab defaults: nothing is fetched from outside, and all cells are on the page."""
    path = project.environment_prefix() / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(LAB_SETTINGS, indent=1) + "\n")
    return path
