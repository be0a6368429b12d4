"""Chapter 07: where a query begins, a reserved word, which time, when a window is final, a stop that is waited for to its end."""

from __future__ import annotations

from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong


def start_position(answer: Any, names: Names) -> str:
    word = forms.word(answer).upper().replace(" ", "_")
    if word == "TRIM_HORIZON":
        raise Wrong("From there it would have found all that the stream still has.")
    if word != "LATEST":
        raise Wrong("It is the position that is not TRIM_HORIZON.")
    return "LATEST: only what is put after the query has started. Without a generator nothing comes."


def reserved_word(answer: Any, names: Names) -> str:
    answer = forms.sql(answer)
    if '"' in answer:
        raise Wrong("Double quotes are Athena's. Flink's message says which sign it wants.")
    run = names["bt_env"].execute_sql
    rows = list(run(answer).collect())
    if not rows:
        raise Wrong("It runs, and answers with no row. Ask for one number: count(*).")
    events = rows[0][0]
    if events != list(run("SELECT count(*) FROM `raw`").collect())[0][0]:
        raise Wrong("It runs, but that is not the number of rows in raw.")
    return "Backticks. RAW is a word of Flink's own (a data type); the original workshop calls its stream table raw_stream."


def which_time(answer: Any, names: Names) -> str:
    word = forms.word(answer).removeprefix("known.")
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
    moment = forms.clock(answer)
    time = f"{moment:%H:%M:%S}"
    if time == "09:03:00":
        raise Wrong("At that event the watermark stands at 09:02:55: five seconds behind.")
    if moment.microsecond == 999_000 and time == "09:03:04":
        return "To the millisecond, yes: a window ends with its last millisecond, 09:02:59.999. In whole seconds it is 09:03:05."
    if time != "09:03:05":
        raise Wrong("Event time minus five seconds must reach 09:03:00.")
    return "09:03:05 minus five seconds is 09:03:00."


def final_minute(answer: Any, names: Names) -> str:
    time = f"{forms.clock(answer):%H:%M}"
    if time == "09:02":
        raise Wrong("09:02 ends at 09:03:00, and the watermark has not come so far.")
    if time in ("09:08", "09:09"):
        raise Wrong("The watermark of all is the smallest, not the largest.")
    if time != "09:01":
        raise Wrong("Take the shard that is behind, and subtract five seconds.")
    return "09:02:30 minus 5 s is 09:02:25, so 09:01 is final and 09:02 is not. One idle shard holds all windows back."


def stopped_and_started(_: Any, names: Names) -> str:
    """Look at the application and its snapshots: the stop of the text has left the first, the learner's stop leaves another."""
    flink, name = names["flink"], names["name"]
    detail = flink.describe_application(ApplicationName=name)["ApplicationDetail"]
    status = detail["ApplicationStatus"]
    if status in ("STOPPING", "FORCE_STOPPING"):
        raise Wrong(
            f"It is {status}: no longer RUNNING, and a start is refused all the same. What does it become in the end?"
        )
    if status == "READY":
        raise Wrong("It has stopped. Now start it again.")
    if status != "RUNNING":
        raise Wrong(f"It is {status}. Run the check again when it is RUNNING.")
    restored = detail["ApplicationConfigurationDescription"].get("RunConfigurationDescription", {})
    how = restored.get("ApplicationRestoreConfigurationDescription", {}).get("ApplicationRestoreType")
    if how == "SKIP_RESTORE_FROM_SNAPSHOT":
        raise Wrong("It runs, but without what it had counted: the start has skipped the snapshot.")
    snapshots = flink.list_application_snapshots(ApplicationName=name)["SnapshotSummaries"]
    if len([each for each in snapshots if each["SnapshotStatus"] == "READY"]) < 2:
        raise Open  # and with Force there is none: nothing tells such a stop from no stop
    return (
        "STOPPING lasts as long as the snapshot is being taken; only READY says that a start is accepted. "
        "It runs again, with all that it had counted."
    )


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
        stopped_and_started,
        hints=(
            "At the moment at which it is no longer RUNNING, a start answers ResourceInUseException. Which state comes after STOPPING?",
            'flink.stop_application, wait_until("READY"), flink.start_application, wait_until("RUNNING").',
        ),
        solution="""flink.stop_application(ApplicationName=name)
wait_until("READY")
flink.start_application(ApplicationName=name)
wait_until("RUNNING")""",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "The newest event was from 09:02:59.94, so the watermark stood at 09:02:54.94: it had not passed the end of the window, and the minute might still have got more.",
    "Flink drops it, without an error. (By how much the watermark has passed depends on when it is read; late is not a property of the event.)",
    "The application goes on behind the last event of the snapshot, with its counts as they were. The loop goes on where its position says, but its memory is empty, so the counts begin at nothing.",
)
