"""The lake, live: its picture with what flows, lies and runs in it at this moment, and what all of it would cost an hour on real AWS."""

from helpers.live_lake.live import LiveLake, live_lake
from helpers.live_lake.observe import Observer, Seen

__all__ = ["LiveLake", "Observer", "Seen", "live_lake"]
