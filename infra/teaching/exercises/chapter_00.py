"""Chapter 00: how many events are in a file, how many devices one shard takes."""

from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Wrong

FILE_BYTES, EVENT_BYTES = 1_048_576, 178


def events_in_a_file(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    events = FILE_BYTES // EVENT_BYTES
    if answer == FILE_BYTES / EVENT_BYTES or answer == round(FILE_BYTES / EVENT_BYTES, 2) or answer == events + 1:
        raise Wrong("The last event does not fit whole: round down.")
    if answer in (1_000_000 // EVENT_BYTES, 1_024_000 // EVENT_BYTES):
        raise Wrong("1 MiB is 1,048,576 bytes, more than a million.")
    if answer != events:
        raise Wrong("Divide the bytes of a file by the bytes of an event, and drop what is left.")
    return f"{events:,} events: at 100 events a second that is a file a minute."


def devices_on_a_shard(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    devices = 1000 * names["track_seconds"]
    if answer == 1000 != devices:
        raise Wrong("A device sends one event in track_seconds seconds, not one a second.")
    if answer != devices:
        raise Wrong("Each device sends one event every track_seconds seconds; the shard takes 1,000 a second.")
    return f"{devices:,} devices on one shard."


EXERCISES = [
    Exercise(
        "0.1",
        events_in_a_file,
        hints=(
            "How often does 178 go into 1,048,576?",
            "Whole events only: `//` divides and drops what is left.",
        ),
        solution="answer_0_1 = 1_048_576 // 178",
    ),
    Exercise(
        "0.2",
        devices_on_a_shard,
        hints=(
            "In one second the shard takes 1,000 events. How many devices sent nothing in that second?",
            "A thousand devices a second, for as many seconds as a track plays.",
        ),
        solution="answer_0_2 = 1000 * track_seconds",
    ),
]

CHECK_YOURSELF = (
    "Both want every event, and neither may wait for the other: Firehose collects for minutes, Flink answers now. One behind the other, the slower would be the pace of both, and its failure the failure of both.",
    "The profile: AWS_PROFILE when JupyterLab is started. It holds the keys and the endpoint, so every boto3 client goes where it says. No cell changes.",
    "The stream, for each shard and hour, and a Flink notebook that was left running, for each KPU and hour.",
)
