"""The part of the set-up that follows the Python environment: kernels, profile, Java, jars; and the doctor that checks it all."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from infra import profile, project, server_process
from infra.engines import jars
from infra.engines.spark import options
from infra.kernels import glue, install
from infra.kernels.flink import install as flink
from infra.local import server

FREE_BYTES = 2_000_000_000
FREE_MEMORY_BYTES = 2_000_000_000


class Step(NamedTuple):
    name: str
    run: Callable[[], object]


def _steps() -> list[list[Step]]:
    """Return the steps in their order; those of a group are done beside each other."""
    return [
        [Step("kernel Python (Analytics Workshop)", install.install_python_kernel)],
        [Step("JupyterLab's settings", install.write_lab_settings)],
        [Step("kernel Glue PySpark", glue.install_glue_kernel)],
        [Step("Spark's S3 connector (5 MB)", lambda: jars.fetch(jars.SPARK))],
        [
            Step("Java class archive, so that Spark starts faster (about 30 s, once)", _make_class_archive),
            Step(
                "kernel Flink (Studio), with an environment and class archive of its own (1 to 2 minutes, once)",
                flink.install,
            ),
        ],
        [
            Step(
                "AWS profile workshop-local",
                lambda: profile.write(project.home(), f"http://{server.HOST}:{server.FIRST_PORT}"),
            )
        ],
    ]


def _make_class_archive() -> None:
    try:
        options.make_archive()
    except RuntimeError as error:  # Spark works without
        print(error, end=" ")


def run() -> None:
    """Do every step of the set-up, with one line each. Safe to repeat.

    Raises RuntimeError when there is no Java, or something cannot be downloaded.
    """
    for group in _steps():
        with ThreadPoolExecutor(len(group)) as beside:
            for step, seconds in [(step, beside.submit(_seconds, step)) for step in group]:
                print(f"  {step.name} …", end=" ", flush=True)
                print(f"{seconds.result():.1f} s")


def _seconds(step: Step) -> float:
    """Do a step and return how long it took."""
    started = time.monotonic()
    step.run()
    return time.monotonic() - started


class Finding(NamedTuple):
    """One line of the doctor: what was looked at, whether it is fine, what was seen, and what to type if not."""

    what: str
    fine: bool
    seen: str
    remedy: str


def examine() -> list[Finding]:
    """Look at everything the workshop needs on this machine."""
    return [
        _python(),
        _kernel(install.PYTHON_KERNEL),
        _kernel(glue.KERNEL),
        _kernel(flink.NAME),
        _java(),
        _memory(),
        _disk(),
        _root(),
        _ports(),
        _profile(),
        _server(),
        _browser(),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python 3.11", sys.version_info[:2] == (3, 11), version, "make clean && make setup PYTHON=python3.11"
    )


def _kernel(name: str) -> Finding:
    spec = install.kernelspec_folder(name) / "kernel.json"
    return Finding(
        f"Jupyter kernel {name}", spec.exists(), "installed" if spec.exists() else "missing", "workshop setup"
    )


def _java() -> Finding:
    from infra.engines.java import java_home

    try:
        return Finding("Java 17", True, str(java_home()), "")
    except RuntimeError as error:
        return Finding("Java 17", False, str(error), "rm .venv/.ready && make setup")


def _disk() -> Finding:
    free = shutil.disk_usage(project.ROOT).free
    return Finding(
        "2 GB of free disk",
        free > FREE_BYTES,
        f"{free / 1e9:.1f} GB",
        "workshop reset (removes the data of the local AWS)",
    )


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    return Finding(
        "2 GB of free memory",
        memory.available > FREE_MEMORY_BYTES,
        f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB; a Spark session takes 0.6, a Flink kernel 0.8",
        "workshop stop (ends Spark and Flink too), or close other programs",
    )


def _root() -> Finding:
    if os.geteuid() != 0:
        return Finding("a user of your own", True, f"user {os.geteuid()}", "")
    return Finding("a user of your own", True, "root: it works; what a notebook does, it does as root", "")


def _ports() -> Finding:
    last = server.FIRST_PORT + server.PORTS - 1
    what = f"a port of {server.FIRST_PORT} to {last}"
    running = server_process.find(project.home())
    if running is not None:
        return Finding(what, True, f"taken by this local AWS: {running.endpoint.rpartition(':')[2]}", "")
    try:
        with server.listen(None) as listener:
            return Finding(what, True, f"free: {listener.getsockname()[1]}", "")
    except OSError as error:
        return Finding(what, False, str(error.strerror), "workshop start --port NUMBER")


def _profile() -> Finding:
    written = all(path.exists() for path in profile.files(project.home()))
    return Finding("AWS profile workshop-local", written, "written" if written else "missing", "workshop setup")


def _server() -> Finding:
    running = server_process.find(project.home())
    return Finding("local AWS", True, running.endpoint if running else "not running (the first notebook starts it)", "")


def browser() -> Path | None:
    """Return an installed Chromium or Chrome, for the browser test."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return Path(found)
    return None


def _browser() -> Finding:
    found = browser()
    return Finding(
        "Chromium or Chrome (browser test only)", True, str(found) if found else "not found: that test is skipped", ""
    )
