"""What an instructor limits for a class.

How much may be written to a stream in a second (off otherwise; a stream's tag switches it on for that stream),
and how many Spark drivers and Flink applications run at once.
"""

from __future__ import annotations

from collections.abc import Mapping

TAG = ("write-limits", "on")  # on AWS it is a tag like any other, and the limits are always on
enforced = False
drivers: int | None = None  # None: as many as the memory allows
flink_kernels: int | None = None  # None: nobody counts them
flink_applications: int | None = None  # None: nobody counts them


def enforce(on: bool) -> None:
    """Switch the limits of Kinesis shards and of delivery streams with Direct PUT on or off.

    Parameters
    ----------
    on: for all streams; else only those with the tag `write-limits: on`
    """
    global enforced
    enforced = on


def apply_to(tags: Mapping[str, str]) -> bool:
    """Tell whether the write limits apply to a stream with these tags.

    Parameters
    ----------
    tags: key → value
    """
    return enforced or tags.get(TAG[0]) == TAG[1]


class Allowance:
    """What one second allows, in as many measures as given (for example records and bytes); the next second allows it again."""

    def __init__(self, *a_second: int):
        self._a_second = self._left = a_second
        self._second = 0

    def takes(self, *amounts: int, now: float) -> bool:
        """Take the amounts from what this second (epoch seconds `now`) has left; False, and nothing is taken, where it has less.

        Parameters
        ----------
        now: seconds since 1970
        amounts: one for each rate of the allowance, in its unit
        """
        if int(now) != self._second:
            self._second, self._left = int(now), self._a_second
        left = tuple(has - amount for has, amount in zip(self._left, amounts, strict=True))
        if min(left) < 0:
            return False
        self._left = left
        return True
