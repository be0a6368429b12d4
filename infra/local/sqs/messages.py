"""The messages of one account and region, a row each: sending, receiving and deleting cost the same however many wait.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html,
sqs-dead-letter-queues.html, FIFO-queues-exactly-once-processing.html
"""

from __future__ import annotations

import base64
import binascii
import secrets
import sqlite3
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from infra.local.core.rows import Rows

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, message_id TEXT, body TEXT, "
    "attributes BLOB, system BLOB, group_id TEXT, deduplication_id TEXT, sent INTEGER, first_received INTEGER, "
    "received INTEGER, visible_at INTEGER, source TEXT)",
    "CREATE INDEX IF NOT EXISTS by_visibility ON messages (queue, visible_at, id, received)",
    "CREATE INDEX IF NOT EXISTS by_age ON messages (queue, sent)",
    "CREATE INDEX IF NOT EXISTS by_group ON messages (queue, group_id, visible_at)",
    "CREATE TABLE IF NOT EXISTS sent_lately "
    "(queue TEXT, deduplication TEXT, sent INTEGER, id INTEGER, message_id TEXT, PRIMARY KEY (queue, deduplication)) WITHOUT ROWID",
)
DEDUPLICATION_MS = 300_000
FIRST_SEQUENCE_NUMBER = 18_870_000_000_000_000_000
COLUMNS = (
    "id, message_id, body, attributes, system, group_id, deduplication_id, sent, first_received, received, visible_at"
)


class BadReceipt(Exception):
    """A text that is no receipt handle of the queue."""


@dataclass
class Stored:
    """A message as it is stored. Times are milliseconds since 1970; `received` counts how often it was."""

    id: int
    message_id: str
    body: str
    attributes: dict[str, Any]
    system: dict[str, Any]
    group_id: str | None
    deduplication_id: str | None
    sent: int
    first_received: int | None
    received: int
    visible_at: int

    @property
    def sequence_number(self) -> str:
        return str(FIRST_SEQUENCE_NUMBER + self.id)


@dataclass(frozen=True)
class Redrive:
    """Where a message goes that was received so often."""

    queue: str
    most_receives: int


def now_ms() -> int:
    return int(time.time() * 1000)


class Messages:
    def __init__(self, path: Path):
        self._rows = Rows(path, SCHEMA)

    def close(self) -> None:
        self._rows.close()

    def send(
        self,
        queue: str,
        body: str,
        attributes: dict[str, Any],
        system: dict[str, Any],
        delay_ms: int = 0,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        scope: str = "",
    ) -> Stored:
        """Store a message: it is on disk when this returns. One that was sent in the last five minutes is not stored again.

        Parameters
        ----------
        scope: within which a deduplication id is looked for: the group, or "" for the queue
        """
        now = now_ms()
        made = Stored(
            0, str(uuid.uuid4()), body, attributes, system, group_id, deduplication_id, now, None, 0, now + delay_ms
        )
        key = f"{scope}\n{deduplication_id}"
        with self._rows.change() as change:
            if deduplication_id is not None:
                old = now - DEDUPLICATION_MS
                change.execute("DELETE FROM sent_lately WHERE queue = ? AND sent < ?", (queue, old))
                known = change.execute(
                    "SELECT id, message_id FROM sent_lately WHERE queue = ? AND deduplication = ?", (queue, key)
                ).fetchone()
                if known:
                    made.id, made.message_id = known
                    return made
            made.id = _insert(change, queue, made)
            if deduplication_id is not None:
                change.execute(
                    "INSERT INTO sent_lately VALUES (?, ?, ?, ?, ?)", (queue, key, now, made.id, made.message_id)
                )
        return made

    def receive(
        self, queue: str, count: int, visibility_ms: int, is_fifo: bool, redrive: Redrive | None, oldest: int
    ) -> list[Stored]:
        """Return up to `count` messages, hidden from others for a time; those received too often go where `redrive` says.

        Parameters
        ----------
        oldest: messages sent before (milliseconds since 1970) are deleted
        """
        now = now_ms()
        found: list[Stored] = []
        with self._rows.change() as change:
            change.execute("DELETE FROM messages WHERE queue = ? AND sent < ?", (queue, oldest))
            while len(found) < count:
                rows = self._visible(change, queue, count - len(found), is_fifo, now)
                if not rows:
                    break
                for message in rows:
                    if redrive and message.received >= redrive.most_receives:
                        change.execute(
                            "UPDATE messages SET queue = ?, source = ? WHERE id = ?", (redrive.queue, queue, message.id)
                        )
                        continue
                    message.received += 1
                    message.first_received = message.first_received or now
                    message.visible_at = now + visibility_ms
                    change.execute(
                        "UPDATE messages SET received = ?, first_received = ?, visible_at = ? WHERE id = ?",
                        (message.received, message.first_received, message.visible_at, message.id),
                    )
                    found.append(message)
                if visibility_ms == 0:
                    break  # they are visible still, and would be found again
        return found

    def _visible(self, change: sqlite3.Connection, queue: str, count: int, is_fifo: bool, now: int) -> list[Stored]:
        if is_fifo:  # in order; a group whose message is being worked on waits
            statement = (
                f"SELECT {COLUMNS} FROM messages m WHERE queue = ?1 AND visible_at <= ?2 AND NOT EXISTS (SELECT 1 FROM messages "
                "WHERE queue = ?1 AND group_id = m.group_id AND visible_at > ?2 AND received > 0) ORDER BY id LIMIT ?3"
            )
        else:
            statement = (
                f"SELECT {COLUMNS} FROM messages WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, id LIMIT ?3"
            )
        return [_stored(row) for row in change.execute(statement, (queue, now, count))]

    def delete(self, queue: str, receipt: str) -> None:
        """Delete a message; one that is gone is gone. Raises BadReceipt."""
        number = receipt_id(queue, receipt)
        with self._rows.change() as change:
            change.execute("DELETE FROM messages WHERE id = ? AND queue = ?", (number, queue))

    def hide(self, queue: str, receipt: str, milliseconds: int) -> Stored | None:
        """Change for how long a received message is hidden from now on; return it, None when it is not in flight. Raises BadReceipt."""
        number, now = receipt_id(queue, receipt), now_ms()
        with self._rows.change() as change:
            row = change.execute(
                f"SELECT {COLUMNS} FROM messages WHERE id = ? AND queue = ? AND visible_at > ? AND received > 0",
                (number, queue, now),
            ).fetchone()
            if row is None:
                return None
            change.execute("UPDATE messages SET visible_at = ? WHERE id = ?", (now + milliseconds, number))
        return _stored(row)

    def purge(self, queue: str) -> None:
        with self._rows.change() as change:
            change.execute("DELETE FROM messages WHERE queue = ?", (queue,))

    def forget(self, queue: str) -> None:
        """Delete all that is known of a queue."""
        self.purge(queue)
        with self._rows.change() as change:
            change.execute("DELETE FROM sent_lately WHERE queue = ?", (queue,))

    def move(self, queue: str, to: str | None) -> dict[str, int]:
        """Move all messages that are visible to another queue, None: back to where each came from; return how many went where."""
        with self._rows.change() as change:
            moved = change.execute(
                "SELECT COALESCE(?1, source) AS target, COUNT(*) FROM messages "
                "WHERE queue = ?2 AND visible_at <= ?3 AND target IS NOT NULL GROUP BY target",
                (to, queue, now := now_ms()),
            ).fetchall()
            change.execute(
                "UPDATE messages SET queue = COALESCE(?1, source), source = NULL, received = 0 "
                "WHERE queue = ?2 AND visible_at <= ?3 AND COALESCE(?1, source) IS NOT NULL",
                (to, queue, now),
            )
        return dict(moved)

    def counts(self, queue: str) -> tuple[int, int, int]:
        """Return how many messages are visible, in flight and delayed."""
        (row,) = self._rows.read(
            "SELECT COUNT(*), SUM(visible_at > ?2 AND received > 0), SUM(visible_at > ?2 AND received = 0) "
            "FROM messages WHERE queue = ?1",
            queue,
            now_ms(),
        )
        total, hidden, delayed = row[0], row[1] or 0, row[2] or 0
        return total - hidden - delayed, hidden, delayed

    def next_visible(self, queue: str) -> int | None:
        """Return when (milliseconds since 1970) the next hidden message shows; None when none is hidden."""
        found = self._rows.read(
            "SELECT MIN(visible_at) FROM messages WHERE queue = ? AND visible_at > ?", queue, now_ms()
        )
        return int(found[0][0]) if found[0][0] is not None else None

    def take_over(self, queue: str, messages: list[Stored]) -> None:
        """Store messages of a lake of an older version."""
        with self._rows.change() as change:
            for message in messages:
                _insert(change, queue, message)


def _insert(change: sqlite3.Connection, queue: str, message: Stored) -> int:
    cursor = change.execute(
        "INSERT INTO messages (queue, message_id, body, attributes, system, group_id, deduplication_id, sent, first_received, "
        "received, visible_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            queue,
            message.message_id,
            message.body,
            _packed(message.attributes),
            _packed(message.system),
            message.group_id,
            message.deduplication_id,
            message.sent,
            message.first_received,
            message.received,
            message.visible_at,
        ),
    )
    return int(cursor.lastrowid or 0)


def _stored(row: tuple[Any, ...]) -> Stored:
    id, message_id, body, attributes, system, *rest = row
    return Stored(id, message_id, body, _unpacked(attributes), _unpacked(system), *rest)


def _packed(attributes: dict[str, Any]) -> bytes:
    return orjson.dumps(attributes, default=lambda value: {"base64": base64.b64encode(value).decode()})


def _unpacked(packed: bytes) -> dict[str, Any]:
    attributes: dict[str, Any] = orjson.loads(packed)
    for value in attributes.values():
        if isinstance(value.get("BinaryValue"), dict):
            value["BinaryValue"] = base64.b64decode(value["BinaryValue"]["base64"])
    return attributes


def receipt(queue: str, message: Stored) -> str:
    """Return a receipt handle: another one each time that a message is received."""
    return base64.b64encode(f"{queue} {message.id} {message.received} {secrets.token_hex(48)}".encode()).decode()


def receipt_id(queue: str, handle: str) -> int:
    """Return the row of a receipt handle. Raises BadReceipt."""
    try:
        name, number, _, _ = base64.b64decode(handle, validate=True).decode().split(" ")
        if name != queue:
            raise BadReceipt
        return int(number)
    except (binascii.Error, ValueError):
        raise BadReceipt from None
