"""The states of a stream. While the pace is off a stream is always ACTIVE; with it, a change lasts its time.

Source: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescription.html
"""

from __future__ import annotations

from moto.kinesis.exceptions import ResourceInUseError
from moto.kinesis.models import Stream

from infra.local.core import pace

READABLE = ("ACTIVE", "UPDATING")


class StreamWithStates(Stream):
    """A stream with the change that is under way: its state, and when it is ACTIVE again (seconds since 1970)."""

    change: tuple[str, float] = ("ACTIVE", 0.0)

    @property
    def status(self) -> str:
        name, until = self.change
        return name if name == "DELETING" or not pace.reached(until) else "ACTIVE"

    @status.setter
    def status(self, name: str) -> None:  # moto sets it once
        self.change = (name, 0.0)

    def begin(self, name: str, step: str) -> None:
        """Begin a change that lasts as long as a step of the pace."""
        self.change = (name, pace.deadline(step))

    def must_be_active(self) -> None:
        """Raises ResourceInUseError while a change is under way."""
        if self.status != "ACTIVE":
            raise ResourceInUseError(
                f"Stream {self.stream_name} under account {self.account_id} not ACTIVE, instead in state {self.status}"
            )
