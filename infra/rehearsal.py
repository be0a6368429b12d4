"""The participant of a rehearsal: a lake in which everything is done with a learner's rights."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator

PARTICIPANT = "AnalyticsWorkshopParticipant"  # of infra/stacks/00_participant.yaml


@contextlib.contextmanager
def participant() -> Iterator[None]:
    """Make the learner's role in the lake of WORKSHOP_HOME, and work as it: every profile that is written meanwhile is its session.

    Raises helpers.stacks.StackFailed.
    """
    from helpers import connect, stacks

    with contextlib.redirect_stdout(io.StringIO()):
        connect()
        stacks.deploy("00_participant")
    os.environ["WORKSHOP_ROLE"] = PARTICIPANT
    try:
        yield
    finally:
        del os.environ["WORKSHOP_ROLE"]
