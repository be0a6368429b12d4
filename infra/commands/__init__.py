"""The commands of `workshop`, a file a family. Each takes the parsed options and returns the exit status."""

from __future__ import annotations

import os


def cloud() -> str | None:
    """Return the profile that was chosen, None for the local AWS."""
    return os.environ.get("AWS_PROFILE")
