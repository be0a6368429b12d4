"""Chapter 10: overlap and gap, the watermark's edge, a late event of one's own."""

from __future__ import annotations

import math
from typing import Any

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong


def overlap(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    if answer == -30:
        raise Wrong("The window began at 09:00:10, before the batch ended. So is something missing, or there twice?")
    if answer == 60:
        raise Wrong("Not the whole window: only the part that the batch has too.")
    if answer != 30:
        raise Wrong("When did the window begin, and when did the batch end?")
    return "30 seconds: the window began at 09:00:10, and the batch holds everything up to 09:00:40."


def edge(answer: Any, names: Names) -> str:
    time = f"{forms.clock(answer):%H:%M:%S}"
    if time == "10:06:58":
        raise Wrong("That is 45 seconds back, but in the middle of a bucket.")
    if time == "10:07:00":
        raise Wrong("Round down, not up: what happened at 10:06:59 may not be in a file yet.")
    if time == "10:07:40":
        raise Wrong("The files lag behind: take the 45 seconds off first.")
    if time != "10:06:50":
        raise Wrong("Take the lateness off, then go down to a multiple of ten seconds.")
    return "10:06:58 is the newest moment that is surely in a file, and 10:06:50 the edge below it."


def own_late_event(_: Any, names: Names) -> str:
    bucket = f"{names['begin']:%Y-%m-%d %H:%M:%S}"
    sent = min(names["events"], math.ceil(round(10 / names["step"], 6))) + 1  # and the late one of the text
    counted = names["speed_buckets"]().get(bucket, 0)
    if counted < sent:
        raise Wrong("The bucket has fewer events than were sent. Wait a second, and run the check again.")
    if counted == sent:
        raise Open
    return f"{counted - sent} more in a bucket that the batch had closed: the speed layer has raised it, and the answer with it."


EXERCISES = [
    Exercise(
        "10.1",
        overlap,
        hints=("The window began 60 seconds before it ended.", "From 09:00:10 to 09:00:40."),
        solution="answer_10_1 = 40 - 10",
    ),
    Exercise(
        "10.2",
        edge,
        hints=("Take the lateness off first.", "10:06:58, and now down to the edge of its bucket."),
        solution='answer_10_2 = "10:06:50"',
    ),
    Exercise(
        "10.3",
        own_late_event,
        hints=(
            "send_late takes the moment at which the event happened.",
            "send_late(begin), and a second of patience.",
        ),
        solution="""send_late(begin)
wait_for(lambda: served(everything), lambda answer: answer >= events + 4, "answer")""",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "Else one bucket would be half in the batch and half in the speed layer. The speed layer keeps one count for a whole bucket, so the half could not be taken out of it.",
    "Who serves believes the watermark. If it were noted first, a reader would look into a folder that is not there yet, or only half; and if the job failed, for good.",
    "What comes twice would count twice: each batch that Lambda tries again, and all that Flink tells again behind its last checkpoint.",
)
