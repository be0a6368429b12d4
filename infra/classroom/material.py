"""The notebooks of a class: one git repository made of the project's, of which each learner has a clone.

Updates come by nbgitpuller, so by its rules: what a learner has changed wins, a file that a learner has deleted comes back, one that is in the way is renamed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra import project

FOLDERS = ("notebooks", "data", "docs", "infra/stacks", "infra/apps")  # what notebooks show and link to
FILES = ("README.md", "LICENSE")
BRANCH = "main"
SETTINGS = "gitconfig"  # of the pull, beside the repository
OWN = ("-c", "user.name=workshop", "-c", "user.email=workshop@localhost", "-c", "commit.gpgsign=false")


def publish(folder: Path) -> Path:
    """Put the project's notebooks as they are now into the class's repository, and return it. Raises RuntimeError without git."""
    if shutil.which("git") is None:
        raise RuntimeError(
            "A class needs git, which brings new material to learners: install it, then repeat the command."
        )
    repository = folder / "material"
    if not (repository / ".git").is_dir():
        repository.mkdir(exist_ok=True)
        _git(repository, "init", "--quiet", f"--initial-branch={BRANCH}")
    settings = folder / SETTINGS  # a file: git gives settings of the environment not on to the git that it pulls from
    settings.write_text("[safe]\n\tdirectory = *\n")  # the repository is not the learner's own
    settings.chmod(0o644)
    for name in FOLDERS:
        shutil.rmtree(repository / name, ignore_errors=True)
        shutil.copytree(
            project.ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    for name in FILES:
        shutil.copy(project.ROOT / name, repository / name)
    _git(repository, "add", "--all")
    _git(repository, *OWN, "commit", "--quiet", "--allow-empty", "-m", "The material of the class")
    return repository


def pull(repository: Path, work: Path, user: int | None = None) -> None:
    """Bring the material into a learner's folder. Raises RuntimeError with what git says.

    Parameters
    ----------
    user: the number of the learner's own Unix user; None is the one that runs this
    """
    command = [sys.executable, "-m", "nbgitpuller.pull", str(repository), BRANCH, str(work)]
    variables = {**os.environ, "GIT_CONFIG_GLOBAL": str(repository.parent / SETTINGS), "HOME": str(work.parent)}
    variables["NBGITPULLER_DEPTH"] = "0"
    done = subprocess.run(
        command,
        env=variables,
        cwd=work.parent,
        capture_output=True,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if done.returncode:
        raise RuntimeError(f"The material could not be brought to {work}: {(done.stderr or done.stdout)[-500:]}")


def _git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(repository), *arguments], check=True, capture_output=True)
