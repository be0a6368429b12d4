"""Chapter 07: where a query begins, a reserved word, which time, when a window is final, which state comes first."""

from __future__ import annotations

from typing import Any

from infra.teaching.exercise import Exercise, Names, Wrong


def start_position(answer: Any, names: Names) -> str:
    word = str(answer).strip().upper()
    if word == "TRIM_HORIZON":
        raise Wrong("From there it would have found all that the stream still has.")
    if word != "LATEST":
        raise Wrong("It is the position that is not TRIM_HORIZON.")
    return "LATEST: only what is put after the query has started. Without a generator nothing comes."


def reserved_word(answer: Any, names: Names) -> str:
    if '"' in answer:
        raise Wrong("Double quotes are Athena's. Flink's message says which sign it wants.")
    run = names["bt_env"].execute_sql
    events = list(run(answer).collect())[0][0]
    if events != list(run("SELECT count(*) FROM `raw`").collect())[0][0]:
        raise Wrong("It runs, but that is not the number of rows in raw.")
    return "Backticks. RAW is a word of Flink's own (a data type); the original workshop calls its stream table raw_stream."


def which_time(answer: Any, names: Names) -> str:
    word = str(answer).strip("` ").lower()
    if word in ("seen", "proctime"):
        raise Wrong(
            "That one is made anew each time that somebody reads the stream: the auditor would get other windows."
        )
    if word != "device_ts":
        raise Wrong("One of the two time columns of `known` travels with the event.")
    return (
        "device_ts: it travels with the event. By `seen` the auditor would find all plays in the minute of the audit."
    )


def closing_event(answer: Any, names: Names) -> str:
    time = str(answer).strip()
    if time == "09:03:00":
        raise Wrong("At that event the watermark stands at 09:02:55: five seconds behind.")
    if time not in ("09:03:05", "09:03:05.000"):
        raise Wrong("Event time minus five seconds must reach 09:03:00.")
    return "09:03:05 minus five seconds is 09:03:00."


def final_minute(answer: Any, names: Names) -> str:
    time = str(answer).strip()
    if time == "09:02":
        raise Wrong("09:02 ends at 09:03:00, and the watermark has not come so far.")
    if time in ("09:08", "09:09"):
        raise Wrong("The watermark of all is the smallest, not the largest.")
    if time not in ("09:01", "09:01:00"):
        raise Wrong("Take the shard that is behind, and subtract five seconds.")
    return "09:02:30 minus 5 s is 09:02:25, so 09:01 is final and 09:02 is not. One idle shard holds all windows back."


def state_of_a_stop(answer: Any, names: Names) -> str:
    word = str(answer).strip().upper()
    if word == "READY":
        raise Wrong("READY is the end of the stop. Another state comes before it.")
    if word != "STOPPING":
        raise Wrong("The states of a stop are two; the second is READY.")
    return "STOPPING. Wait for READY: only then is the snapshot there."


EXERCISES = [
    Exercise(
        "7.1",
        start_position,
        hints=("Nobody was sending at that moment.", "It is the position that is not TRIM_HORIZON."),
        solution='answer_7_1 = "LATEST"',
    ),
    Exercise(
        "7.2",
        reserved_word,
        hints=("Athena would want double quotes. Flink wants something else.", "The message above says it."),
        solution='answer_7_2 = "SELECT count(*) AS events FROM `raw`"',
    ),
    Exercise(
        "7.3",
        which_time,
        hints=(
            "Both counts must give the same windows.",
            "One column is made anew at each reading, the other is in the event.",
        ),
        solution='answer_7_3 = "device_ts"',
    ),
    Exercise(
        "7.4",
        closing_event,
        hints=("The watermark runs five seconds behind.", "Event time minus five seconds must reach 09:03:00."),
        solution='answer_7_4 = "09:03:05"',
    ),
    Exercise(
        "7.5",
        final_minute,
        hints=("Whose clock counts?", "Take the shard that is behind, and subtract five seconds."),
        solution='answer_7_5 = "09:01"',
    ),
    Exercise(
        "7.6",
        state_of_a_stop,
        hints=("The stop takes time.", "The states of a stop are two; the second is READY."),
        solution='answer_7_6 = "STOPPING"',
    ),
]

CHECK_YOURSELF = (
    "The newest event was from 09:02:59.94, so the watermark stood at 09:02:54.94: it had not passed the end of the window, and the minute might still have got more.",
    "Flink drops it, without an error. (By how much the watermark has passed depends on when it is read; late is not a property of the event.)",
    "The application goes on behind the last event of the snapshot, with its counts as they were. The loop goes on where its position says, but its memory is empty, so the counts begin at nothing.",
)
