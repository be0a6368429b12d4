"""Chapter 01: shards, buffering hints, a prefix without its slash."""

from __future__ import annotations

import math
from typing import Any

from infra.teaching.exercise import Exercise, Names, Wrong

EVENTS_A_SECOND, EVENT_BYTES = 5000, 178
SHARD_RECORDS, SHARD_BYTES = 1000, 2**20
KEY = "data/raw2026/01/05/09/"


def shards(answer: Any, names: Names) -> str:
    by_records = math.ceil(EVENTS_A_SECOND / SHARD_RECORDS)
    by_bytes = math.ceil(EVENTS_A_SECOND * EVENT_BYTES / SHARD_BYTES)
    if answer == by_bytes:
        raise Wrong("That is enough for the bytes. A shard has a second limit.")
    if answer != max(by_records, by_bytes):
        raise Wrong("Two limits, so two divisions; the larger result counts.")
    return "Five: small events run into the limit of records long before the limit of bytes."


def first_hint(answer: Any, names: Names) -> str:
    seconds = 2**20 / (50 * EVENT_BYTES)
    if answer == "size":
        raise Wrong(f"At this rate 1 MiB needs {seconds:.0f} seconds, and the clock stands at 60.")
    if answer != "time":
        raise Wrong('Say "size" or "time".')
    return f"Time: 1 MiB needs {seconds:.0f} seconds at this rate. At 100 events a second both fire together, after 59 seconds."


def key_without_slash(answer: Any, names: Names) -> str:
    given = str(answer)
    if given == "data/raw/2026/01/05/09/":
        raise Wrong("That is the key with the slash. Firehose adds nothing between the prefix and the year.")
    if given.rstrip("/") != KEY.rstrip("/"):
        raise Wrong("Write the prefix, then the hour as yyyy/MM/dd/HH/, with nothing in between.")
    return (
        "Right: a folder data/raw2026. No crawler of data/raw/ ever sees it; a crawler of data/, as in the next chapter, "
        "makes a table raw2026 of it, beside raw. The most common mistake of this lab."
    )


EXERCISES = [
    Exercise(
        "1.1",
        shards,
        hints=(
            "How many shards for the records, and how many for the bytes?",
            "5,000 records a second against 1,000 a shard, and 0.85 MiB a second against 1 MiB a shard.",
        ),
        solution="answer_1_1 = max(-(-5000 // 1000), -(-5000 * 178 // 2**20))",
    ),
    Exercise(
        "1.2",
        first_hint,
        hints=(
            "How many seconds do 1,048,576 bytes take at this rate?",
            "50 events a second of 178 bytes are 8,900 bytes a second; divide.",
        ),
        solution='answer_1_2 = "size" if 2**20 / (50 * 178) < 60 else "time"',
    ),
    Exercise(
        "1.3",
        key_without_slash,
        hints=(
            "Firehose puts the hour's folders behind the prefix, and adds nothing in between.",
            "data/raw and 2026/01/05/09/, one behind the other.",
        ),
        solution='answer_1_3 = "data/raw" + "2026/01/05/09/"',
    ),
]
