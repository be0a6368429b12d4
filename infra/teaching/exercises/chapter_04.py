"""Chapter 04: what a run costs, a name with a hyphen, a bookmark without its name."""

from __future__ import annotations

from typing import Any

from infra.teaching.exercise import Exercise, Names, Wrong


def price_of_ten_workers(answer: Any, names: Names) -> str:
    hour = names["prices"].DPU_HOUR
    dollars = 10 * hour / 60
    if abs(answer - 10 * hour * 20 / 3600) < 0.004:
        raise Wrong("A run of seconds is billed as a whole minute.")
    if abs(answer - hour / 60) < 0.004:
        raise Wrong("That is one worker. Ten are running.")
    if abs(answer - dollars) >= 0.005:
        raise Wrong("Ten DPUs for one minute, which is a sixtieth of the price of an hour.")
    month = dollars * 24 * 365 / 12
    return f"{dollars:.2f} USD for 20 seconds; once an hour, that is {month:.0f} USD a month. With two workers it is a fifth of it."


def hyphen(answer: Any, names: Names) -> str:
    sql = str(answer)
    if "`" in sql:
        raise Wrong("Backticks are for DDL such as DROP TABLE; a query wants the quotes of the SQL standard.")
    if "'processed-data2'" in sql:
        raise Wrong("Single quotes make a text, not a name.")
    rows = names["ask"](sql)
    if list(rows.columns) != ["events"]:
        raise Wrong("It runs. Now call the column events, with AS.")
    there = int(names["ask"]('SELECT count(*) AS n FROM "processed-data2"')["n"][0])
    if rows["events"].tolist() != [there]:
        raise Wrong("It runs, but that is not the number of rows in the table.")
    return "Double quotes in queries: single quotes make a text, and backticks are for DDL such as DROP TABLE."


def without_context(answer: Any, names: Names) -> str:
    files = names["s3"].list_objects_v2(Bucket=names["bucket"], Prefix="deliveries/events/").get("Contents", [])
    bodies = [names["s3"].get_object(Bucket=names["bucket"], Key=file["Key"])["Body"].read() for file in files]
    events = sum(len(body.splitlines()) for body in bodies)
    if answer == 0:
        raise Wrong("Nothing is new only if something is remembered, and under which name would it be?")
    if answer != events:
        raise Wrong("The bookmark is kept by transformation_ctx. Without one there is no bookmark for this source.")
    return f"All {events:,}, again and again: without the name nothing is remembered. No error tells you."


EXERCISES = [
    Exercise(
        "4.1",
        price_of_ten_workers,
        hints=("Ten DPUs for the shortest time that is billed.", "10 × 1/60 hour × prices.DPU_HOUR"),
        solution="answer_4_1 = round(10 * 1 / 60 * prices.DPU_HOUR, 2)",
    ),
    Exercise(
        "4.2",
        hyphen,
        hints=(
            "Names that are no plain words stand in quotes. Which quotes?",
            'A name that is no plain word stands in double quotes, "…"; and call the column events.',
        ),
        solution="answer_4_2 = 'SELECT count(*) AS events FROM \"processed-data2\"'",
    ),
    Exercise(
        "4.3",
        without_context,
        hints=("Under which name would the bookmark look?", "Without a name all files of the source are new."),
        solution="answer_4_3 = 5000",
    ),
]
