"""Archives: the events that a rule of EventBridge's own keeps, a row each, and their replay.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import orjson
from moto.core.utils import unix_time
from moto.events.models import Archive, Replay, ReplayState, events_backends

from infra.local.core import state
from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS events (archive TEXT, id TEXT, time REAL, body BLOB, PRIMARY KEY (archive, id)) WITHOUT ROWID",
)
DAY = 86400.0
RULE_PREFIX = "Events-Archive-"


@lru_cache(maxsize=1)
def _rows() -> Rows:
    return Rows(state.root() / "archives.sqlite", SCHEMA)


def is_archive(target: dict[str, Any]) -> bool:
    """Whether a target is that of an archive's own rule: its ARN names nothing."""
    return str(target["Arn"]).endswith(":::")


def keep(rule: Any, event: dict[str, Any]) -> None:
    """Store an event in the archive whose rule matched it."""
    archive = events_backends[rule.account_id][rule.region_name].archives.get(rule.name.removeprefix(RULE_PREFIX))
    if archive is None:
        return
    with _rows().change() as change:
        change.execute(
            "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?)",
            (_key(archive), event["id"], time.time(), orjson.dumps(event)),
        )


def _key(archive: Archive) -> str:
    return f"{archive.arn} {archive.uuid}"


class LocalArchive(Archive):
    def describe_short(self) -> dict[str, Any]:
        self._forget_old()
        count, size = _rows().read("SELECT COUNT(*), SUM(LENGTH(body)) FROM events WHERE archive = ?", _key(self))[0]
        return {**super().describe_short(), "EventCount": count, "SizeBytes": size or 0}

    def delete(self, account_id: str, region_name: str) -> None:
        super().delete(account_id, region_name)
        with _rows().change() as change:
            change.execute("DELETE FROM events WHERE archive = ?", (_key(self),))

    def between(self, start: float, end: float) -> list[dict[str, Any]]:
        """Return the events that came between two times (epoch seconds), in their order."""
        self._forget_old()
        rows = _rows().read(
            "SELECT body FROM events WHERE archive = ? AND time >= ? AND time <= ? ORDER BY time",
            _key(self),
            start,
            end,
        )
        return [orjson.loads(body) for (body,) in rows]

    def _forget_old(self) -> None:
        if not self.retention:
            return
        with _rows().change() as change:
            oldest = time.time() - float(self.retention) * DAY
            change.execute("DELETE FROM events WHERE archive = ? AND time < ?", (_key(self), oldest))


class LocalReplay(Replay):
    def replay_events(self, archive: Archive) -> None:
        """Give the archived events of the time to the rules of the bus once more, marked with the replay's name."""
        from infra.local.events import buses, delivery

        bus = events_backends[self.account_id][self.region].describe_event_bus(self.destination["Arn"].split("/")[-1])
        wanted = self.destination.get("FilterArns")
        rules = [rule for rule in bus.rules.values() if not wanted or rule.arn in wanted]
        assert isinstance(archive, LocalArchive)
        for event in archive.between(float(self.event_start_time), float(self.event_end_time)):
            again = {**event, "replay-name": self.name}
            delivery.outbox.add(buses.for_rules([rule for rule in rules if rule.takes(again)], again))
        self.state = ReplayState.COMPLETED
        self.end_time = unix_time()
