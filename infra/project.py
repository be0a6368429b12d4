"""Where things are: the project's folder, and the home of everything that is not in git."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILD = ROOT / "build"
LOCAL_PROFILE = "workshop-local"


def home() -> Path:
    """Return the home folder of this project's local AWS: `.workshop`, or what WORKSHOP_HOME says."""
    return Path(os.environ.get("WORKSHOP_HOME", ROOT / ".workshop")).resolve()


def is_local(profile: str | None) -> bool:
    """Tell whether an AWS profile means the local AWS; no profile does."""
    return profile in (None, "", LOCAL_PROFILE)


def chapters() -> list[Path]:
    """Return all notebooks in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def environment_prefix() -> Path:
    """Return the folder of the Python environment that runs this."""
    return Path(sys.prefix)
