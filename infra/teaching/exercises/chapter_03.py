"""Chapter 03: the field with the dot, what an inner join loses, writes that add."""

from __future__ import annotations

from typing import Any

from infra.teaching.exercise import Exercise, Names, Wrong

FOLDERS = {f"partition_{number}" for number in range(4)}


def fields_to_drop(answer: Any, names: Names) -> str:
    given = [str(name) for name in answer]
    plain = {name.strip("`") for name in given}
    if "track_id" in plain:
        raise Wrong("track_id, without the dot, is the event's own key: it stays.")
    if missing := FOLDERS - plain:
        raise Wrong(f"A folder is missing: {', '.join(sorted(missing))}.")
    if ".track_id" not in plain:
        raise Wrong("One of the two keys is not needed: the one that came with the tracks.")
    if "`.track_id`" not in given:
        raise Wrong("A name with a dot stands in backticks; without them Glue looks for a field inside a field.")
    if extra := plain - FOLDERS - {".track_id"}:
        raise Wrong(f"{', '.join(sorted(extra))}: a fact about the event, or no field at all. Five names are enough.")
    return "The folders and the second key go; eight fields stay."


def lost_track(answer: Any, names: Names) -> str:
    lost = {row["track_id"] for row in names["lost"].select("track_id").distinct().collect()}
    if answer not in lost:
        raise Wrong('Ask the frame itself: lost.groupBy("track_id").count().show()')
    share = names["lost"].count() / names["raw"].count()
    return (
        "Track 0: the template draws from 0 to 30, both included, and the tracks begin at 1. "
        f"One number of 31 has no track, 3.2 % of the events; here it is {share:.1%}."
    )


def copies(answer: Any, names: Names) -> str:
    if answer == 1:
        raise Wrong("Each run reads all of raw, also the days that were read before.")
    if answer == 15:
        raise Wrong("That is how many days' worth lie there in all. How often is the first day among them?")
    if answer != 5:
        raise Wrong("The first day's data is read by each of the five runs.")
    return "Five times; the second day's four times, and so on. No sum over this table is right any more."


EXERCISES = [
    Exercise(
        "3.1",
        fields_to_drop,
        hints=(
            "partition_0 to partition_3, and the field with a dot.",
            "A field whose name contains a dot stands in backticks.",
        ),
        solution='answer_3_1 = ["partition_0", "partition_1", "partition_2", "partition_3", "`.track_id`"]',
    ),
    Exercise(
        "3.2",
        lost_track,
        hints=(
            "All of them have the same one. distinct() shows each value once.",
            'lost.groupBy("track_id").count().show()',
        ),
        solution='answer_3_2 = lost.select("track_id").distinct().collect()[0]["track_id"]',
    ),
    Exercise(
        "3.3",
        copies,
        hints=("Each run adds a copy of everything that it read.", "The first day is read by run 1, 2, 3, 4 and 5."),
        solution="answer_3_3 = 5",
    ),
]
