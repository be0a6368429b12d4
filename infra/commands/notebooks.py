"""Notebooks: open them, run them, store their outputs, make pages of them."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from infra import profile, project
from infra.commands import cloud, local_aws


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with the local AWS behind it."""
    if project.is_local(cloud()):
        local_aws.start(options)
    profile.activate(project.home(), cloud())
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--ServerApp.ip=127.0.0.1",
        f"--notebook-dir={project.ROOT}",  # so that links to docs/ and infra/ lead somewhere
    ]
    if os.geteuid() == 0:  # JupyterLab wants to be told so
        command.append("--allow-root")
    first = f"{project.NOTEBOOKS.name}/{project.chapters()[0].name}"
    command.append("--no-browser" if options.no_browser else f"--LabApp.default_url=/lab/tree/{first}")
    return subprocess.call(command, cwd=project.ROOT)


def run(options: argparse.Namespace) -> int:
    """Run notebooks headless, into build/; 1 where one fails."""
    from infra import run as runner

    notebooks = runner.find(options.chapters)
    parameters = {name: _literal(value) for name, value in options.parameter}
    profile.activate(project.home(), cloud())
    results = runner.run(notebooks, project.BUILD, parameters, options.solutions)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def _literal(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def refresh(options: argparse.Namespace) -> int:
    """Run notebooks in a fresh lake and store their outputs."""
    from infra import refresh as refresher
    from infra import run as runner

    results = refresher.refresh(options.chapters)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def rehearse(options: argparse.Namespace) -> int:
    """Run notebooks as a learner's role, at a share of AWS's pace."""
    from infra import rehearsal
    from infra import run as runner

    results = rehearsal.rehearse(options.chapters, options.pace)
    print(runner.table(results))
    return 1 if any(result.reason for result in results) else 0


def handout(options: argparse.Namespace) -> int:
    """Write one page a chapter."""
    from infra import handout as sheets

    for path in sheets.write(project.BUILD / "handout"):
        print(path)
    return 0
