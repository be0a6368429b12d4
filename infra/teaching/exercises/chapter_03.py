"""Chapter 03: the field with the dot, what an inner join loses, writes that add."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong

FOLDERS = {f"partition_{number}" for number in range(4)}


def fields_to_drop(answer: Any, names: Names) -> str:
    """Drop what the answer names from the joined frame, as Glue does it, and look at what is left."""
    given = forms.plain(answer)
    if not isinstance(given, str | list | Set) or not all(isinstance(name, str) for name in given):
        raise Wrong("Give the names of the fields as texts in a list.")
    paths = [name.strip() for name in ([given] if isinstance(given, str) else given)]
    left = set(names["DropFields"].apply(frame=names["joined"], paths=paths).toDF().columns)
    if FOLDERS & left:
        raise Wrong(f"A folder is still there: {', '.join(sorted(FOLDERS & left))}.")
    if "track_id" not in left:
        raise Wrong("track_id, without the dot, is the event's own key: it stays.")
    if ".track_id" in left and ".track_id" in paths:
        raise Wrong(
            ".track_id is still there: a name with a dot stands in backticks; without them Glue looks for a field inside a field."
        )
    if ".track_id" in left:
        raise Wrong("One of the two keys is not needed: the one that came with the tracks is still there.")
    if gone := set(names["joined"].toDF().columns) - left - FOLDERS - {".track_id"}:
        raise Wrong(f"{', '.join(sorted(gone))} is gone too: a fact about the event. Five names are enough.")
    return f"The folders and the second key are gone; {len(left)} fields stay."


def lost_track(answer: Any, names: Names) -> str:
    lost = {row["track_id"] for row in names["lost"].select("track_id").distinct().collect()}
    if forms.number(answer) not in lost:
        raise Wrong('Ask the frame itself: lost.groupBy("track_id").count().show()')
    share = names["lost"].count() / names["raw"].count()
    return (
        "Track 0: the template draws from 0 to 30, both included, and the tracks begin at 1. "
        f"One number of 31 has no track, 3.2 % of the events; here it is {share:.1%}."
    )


def each_event_once(_: Any, names: Names) -> str:
    expected = names["clean"].count()
    try:
        found = names["spark"].read.parquet(names["doubled"]).select("uuid")
        rows, different = found.count(), found.distinct().count()
    except Exception as error:
        if type(error).__name__ not in ("AnalysisException", "Py4JJavaError"):
            raise
        raise Wrong(
            "No files are there any more. Who overwrites the path that they read has deleted it before Spark reads. Run the cell that makes "
            "the doubles, and write from `clean`."
        ) from None
    if different < expected:
        raise Wrong(
            f"{expected - different:,} events are gone: two events may have the same device and second, only uuid tells them apart."
        )
    if rows == 2 * different:
        raise Open
    if rows != different:
        raise Wrong(f"{rows / different:.2g} times each: a write adds to what lies there. Clear the path first.")
    return f"{rows:,} events, each once. A write that clears its path first may be run any number of times."


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
        each_event_once,
        hints=(
            "What does a write need in front of it, so that it does not add?",
            "purge_s3_path(doubled, …), and then write(clean, doubled), once.",
        ),
        solution="""glue_context.purge_s3_path(doubled, {"retentionPeriod": 0})
write(clean, doubled)""",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "Because nothing else tells how many records were lost: the join has no error and no warning for records without a partner.",
    "The files that were written so far stay, and nothing marks them as unfinished; the next run adds its own. Purge first, or write to a new folder and point to it at the end.",
    "uuid: it is random, so no two values are alike and nothing can be left out. device_ts comes second, for it is different in each event too.",
)
