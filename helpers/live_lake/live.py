"""Show the lake below a cell and keep the picture fresh while other cells run."""

from __future__ import annotations

import threading
import time
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError
from IPython.display import display

from helpers.live_lake.observe import Observer
from helpers.live_lake.svg import describe, draw

TITLE = "The lake, live"
_shown: LiveLake | None = None


class LiveLake:
    """A picture that is drawn anew in its place until `stop`, or until its time is over."""

    def __init__(self, session: boto3.Session, seconds: float, every: float):
        self._observer, self._every = Observer(session), every
        self._ends = time.monotonic() + seconds
        self._stopped = threading.Event()
        self._handle = display(self._bundle(), raw=True, display_id=True)
        self._thread = threading.Thread(target=self._refresh, name="live lake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the picture as it is now. A second call does no harm."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _refresh(self) -> None:
        while not self._stopped.wait(self._every) and time.monotonic() < self._ends:
            try:
                self._handle.update(self._bundle(), raw=True)
            except BotoCoreError:  # the local AWS was stopped: the last picture stays
                return

    def _bundle(self) -> dict[str, Any]:
        seen = self._observer.look()
        return {"text/plain": describe(seen), "text/html": draw(seen, TITLE)}


def live_lake(seconds: float = 600, every: float = 3.0, session: boto3.Session | None = None) -> LiveLake:
    """Show the lake as it is now, and go on while other cells run; the picture of an earlier call stands still from now on.

    Parameters
    ----------
    seconds: how long the picture is kept fresh
    every: seconds between two looks; each costs some calls of AWS's APIs, and none of them costs money but GetMetricData
    session: the account and region; the default session if it is left out

    Returns the picture: `live_lake().stop()` would end it early. Raises botocore's BotoCoreError when the cloud cannot be reached.
    """
    global _shown
    if _shown is not None:
        _shown.stop()
    _shown = LiveLake(session or boto3.Session(), seconds, every)
    return _shown
