"""Chapter 02: partition keys, the level of tables, types in a join."""

from __future__ import annotations

import re
from typing import Any

from infra.teaching.exercise import Exercise, Names, Wrong

NUMBER_TYPES = "(integer|int|bigint)"
COLUMN = r'"?reference_data"?\."?track_id"?'
CAST = re.compile(rf"\s*(try_)?cast\s*\(\s*{COLUMN}\s+as\s+{NUMBER_TYPES}\s*\)\s*;?\s*", re.IGNORECASE)
HIVE_CAST = re.compile(rf"\s*cast\s*\(\s*{COLUMN}\s+as\s+string\s*\)", re.IGNORECASE)


def hive_keys(answer: Any, names: Names) -> str:
    keys = [answer] if isinstance(answer, str) else list(answer)
    if keys == ["month", "year"]:
        raise Wrong("The order is that of the folders, from the top.")
    if keys and all("=" in str(key) for key in keys):
        raise Wrong("Only the part before the equals sign is the key; behind it stands a value.")
    if keys == ["partition_0", "partition_1"]:
        raise Wrong("Those are the names for folders that say nothing about themselves. These do.")
    if keys != ["year", "month"]:
        raise Wrong("What stands in front of each equals sign?")
    return "year and month: with Hive-style folders the key's name stands in the path."


def name_of_one_table(answer: Any, names: Names) -> str:
    if answer == "raw":
        raise Wrong("The crawler began one folder higher, and nothing there made it go down.")
    if answer == "reference_data":
        raise Wrong("An empty folder makes no table.")
    if answer != "data":
        raise Wrong("If all folders below data/ hold the same kind of file, which folder is the top of the table?")
    return (
        "data, with raw as the value of its first partition key. All that is alike below the target becomes one table."
    )


def table_level(answer: Any, names: Names) -> str:
    if answer == names["level"] - 1:
        raise Wrong("The bucket counts too: it is level 1.")
    if answer != names["level"]:
        raise Wrong("Count down from the bucket, which is 1.")
    return f"Level {names['level']}: bucket, data, raw."


def text_to_number(answer: Any, names: Names) -> str:
    if HIVE_CAST.match(answer) or re.search(r"as\s+varchar", answer, re.IGNORECASE):
        raise Wrong("The other side is a number; text would only move the clash.")
    if "raw.track_id" in answer.replace('"', ""):
        raise Wrong("Write only the right-hand side: the column of reference_data, changed.")
    if not CAST.fullmatch(answer):
        raise Wrong("CAST(… AS …), around reference_data.track_id, to the type of raw.track_id.")
    if "try_" in answer.lower():
        return "TRY_CAST makes NULL of what is no number, so such a track finds no event, silently. CAST would fail and tell you."
    return "CAST says it loud: from text to number, on the side of the small table."


EXERCISES = [
    Exercise(
        "2.1",
        hive_keys,
        hints=("Folders named `key=value` are called Hive style.", "What stands in front of each equals sign?"),
        solution='answer_2_1 = ["year", "month"]',
    ),
    Exercise(
        "2.2",
        name_of_one_table,
        hints=(
            "The crawler starts at its target and goes down as long as everything below looks alike.",
            "The table has the name of the highest folder below which all is alike.",
        ),
        solution='answer_2_2 = "data"',
    ),
    Exercise(
        "2.3",
        table_level,
        hints=("Count down from the bucket.", "The bucket is 1, data is 2."),
        solution="answer_2_3 = 3",
    ),
    Exercise(
        "2.4",
        text_to_number,
        hints=(
            "There is a standard SQL function that changes a type.",
            "CAST(… AS integer), around the column that is text.",
        ),
        solution='answer_2_4 = "CAST(reference_data.track_id AS integer)"',
    ),
]
