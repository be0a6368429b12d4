"""Chapter 05: what an inner join keeps, a step that deletes folders, two writers in one folder, the price of an open session."""

from __future__ import annotations

import json
from typing import Any

from infra.teaching import forms, look
from infra.teaching.exercise import Exercise, Names, Open, Wrong

HOURS = 8
TRAP = "trap/processed-data/"


def kept_by_the_join(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    profile, track = names["profile"], names["track"]
    rows, unknown = profile["sampleSize"], track["zerosCount"]
    if answer == rows - unknown:
        return f"{rows:,} less {unknown}: the profile knew it before the join was run on all rows."
    if answer == unknown:
        raise Wrong("Those are the rows that are lost.")
    if answer == rows:
        raise Wrong("Not all: track 0 is in no list.")
    if answer == names["preview"]["rowCount"]:
        raise Wrong("That is what the join keeps of the sample. The profile has read all rows.")
    raise Wrong("An inner join keeps the rows that find a partner, and all tracks but 0 are in the list.")


def deletes_the_folders(answer: Any, names: Names) -> str:
    brew, recipe = names["brew"], names["recipe"]
    steps = brew.describe_recipe(Name=recipe)["Steps"]
    working = brew.describe_recipe(Name=recipe, RecipeVersion="LATEST_WORKING")["Steps"]
    deleting = [step for step in steps if step["Action"]["Operation"] == "DELETE"]
    if not deleting:
        if any(step["Action"]["Operation"] == "DELETE" for step in working):
            raise Wrong("The step is in the working version. Publish it: jobs see what is published.")
        raise Open
    parameters = [step["Action"].get("Parameters", {}) for step in deleting]
    try:
        gone = {name for each in parameters for name in json.loads(each.get("sourceColumns", "[]"))}
    except ValueError:
        raise Wrong("sourceColumns is a list as JSON inside a text; the function step writes it so.") from None
    gone |= {each["sourceColumn"] for each in parameters if "sourceColumn" in each}
    left = [name for name in names["parts"] if name not in gone]
    if left:
        raise Wrong(f"{left[0]} is still there.")
    if gone - set(names["parts"]):
        raise Wrong(f"{sorted(gone - set(names['parts']))[0]} is a fact: keep it.")
    if any(step["Action"]["Operation"] == "REMOVE_VALUES" for step in steps):
        raise Wrong("The step that takes warm devices out is in it again: begin with the steps of version 1.0.")
    version = brew.describe_recipe(Name=recipe)["RecipeVersion"]
    return f"Version {version} deletes four columns. The job still runs 1.0, until you make it with another."


def one_writer(_: Any, names: Names) -> str:
    there = look.keys(names["s3"], names["bucket"], TRAP)
    if not there:
        raise Wrong("Nothing is left: Spark's files were in the same folder. Run the cell that makes the trap again.")
    brewed = [key for key in there if names["job"] in key]
    if brewed and len(brewed) < len(there):
        raise Open
    if brewed:
        raise Wrong("What is left is DataBrew's. Spark was there first; run the cell that makes the trap again.")
    read = names["wr"].s3.read_parquet
    found = read(f"s3://{names['bucket']}/{TRAP}", columns=["uuid"])["uuid"]
    expected = len(read(f"s3://{names['bucket']}/data/processed-data/", columns=["uuid"]))
    if len(found) < expected:
        raise Wrong(
            f"{expected - len(found):,} events are missing: a file of Spark's is gone, too. Run the cell that makes the trap again."
        )
    return f"{len(found):,} rows, each event once. Only the names of the files told who wrote what; next time, a folder for each writer."


def price_of_a_day(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    half_hours = 2 * HOURS
    dollars = half_hours * names["prices"].DATABREW_SESSION
    if abs(answer - dollars / 2) < 0.005:
        raise Wrong("A session is half an hour, not an hour.")
    if abs(answer - names["prices"].DATABREW_SESSION) < 0.005:
        raise Wrong("That is the first half hour.")
    if abs(answer - dollars) >= 0.005:
        raise Wrong("From nine to five there are eight hours. How many half hours?")
    return f"{dollars:.2f} USD for {half_hours} half hours, and hardly any of it for work: close what you do not use."


EXERCISES = [
    Exercise(
        "5.1",
        kept_by_the_join,
        hints=("Which events find no partner?", 'profile["sampleSize"] less track["zerosCount"]'),
        solution='answer_5_1 = profile["sampleSize"] - track["zerosCount"]',
    ),
    Exercise(
        "5.2",
        deletes_the_folders,
        hints=(
            'step("DELETE", sourceColumns=list(parts)) makes the step.',
            "brew.update_recipe(Name=recipe, Steps=[*before, the step]), and then brew.publish_recipe(Name=recipe).",
        ),
        solution=(
            'brew.update_recipe(Name=recipe, Steps=[*before, step("DELETE", sourceColumns=list(parts))])\n'
            "brew.publish_recipe(Name=recipe)"
        ),
        answer=False,
    ),
    Exercise(
        "5.3",
        one_writer,
        hints=(
            "wr.s3.list_objects(trap) lists the files. Whose names are whose?",
            "DataBrew's keys have the job's name in them: wr.s3.delete_objects takes a list of paths.",
        ),
        solution="wr.s3.delete_objects([path for path in wr.s3.list_objects(trap) if job in path])",
        answer=False,
    ),
    Exercise(
        "5.4",
        price_of_a_day,
        hints=("Count half hours, each begun one is billed.", "16 × prices.DATABREW_SESSION"),
        solution="answer_5_4 = 16 * prices.DATABREW_SESSION",
    ),
]

CHECK_YOURSELF = (
    "The preview joins the sample, 500 rows; the job joins all rows. The share is about the same, the number is not.",
    "The run has done what it was asked for: it has measured and judged. Whether the data is good is its result, in the validation report and in an event, and not its state.",
    "One job would have to write everything in that folder. Overwrite keeps one result instead of many; it does not bring the results of two tools together.",
)
