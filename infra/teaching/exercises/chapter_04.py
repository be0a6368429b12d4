"""Chapter 04: what a run costs, a name with a hyphen, a job without its bookmark's name run twice."""

from __future__ import annotations

from typing import Any

from infra.teaching import forms, look
from infra.teaching.exercise import Exercise, Names, Open, Wrong


def price_of_ten_workers(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
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
    sql = forms.sql(answer)
    if "`" in sql:
        raise Wrong("Backticks are for DDL such as DROP TABLE; a query wants the quotes of the SQL standard.")
    if "'processed-data2'" in sql:
        raise Wrong("Single quotes make a text, not a name.")
    if '"processed-data2"' not in sql.lower():
        raise Wrong("Bare, the hyphen is a minus: the table's name, as it is, has to stand in quotes.")
    rows = names["ask"](sql)
    if list(rows.columns) != ["events"]:
        raise Wrong("It runs. Now call the column events, with AS.")
    there = int(names["ask"]('SELECT count(*) AS n FROM "processed-data2"')["n"][0])
    if rows["events"].tolist() != [there]:
        raise Wrong("It runs, but that is not the number of rows in the table.")
    return "Double quotes in queries: single quotes make a text, and backticks are for DDL such as DROP TABLE."


def without_context(_: Any, names: Names) -> str:
    s3, glue, bucket, job = names["s3"], names["glue"], names["bucket"], names["bookmarked"]
    script = s3.get_object(Bucket=bucket, Key="scripts/bookmarked.py")
    text = script["Body"].read().decode()
    if "transformation_ctx" in text:
        raise Open
    if "job.init" not in text or "job.commit" not in text:
        raise Wrong(
            "More is gone than the name: job.init and job.commit belong to a bookmark as well. Take only transformation_ctx away."
        )
    runs = [run for run in glue.get_job_runs(JobName=job)["JobRuns"] if run["StartedOn"] >= script["LastModified"]]
    if failed := [run for run in runs if run["JobRunState"] == "FAILED"]:
        raise Wrong(f"A run with the new script has failed: {failed[0].get('ErrorMessage', 'see its log')}")
    done = [run["Id"] for run in runs if run["JobRunState"] == "SUCCEEDED"]
    if not done:
        raise Wrong("The script is changed, and the job has not been run since: run it twice.")
    if len(done) == 1:
        raise Wrong("One run shows nothing: the first run of any job reads everything. Run it once more.")
    printed = [int(line.split()[0]) for run in done for line in _printed(names, run)]
    files = [
        s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in look.keys(s3, bucket, "deliveries/events/")
    ]
    events = sum(len(file.splitlines()) for file in files)
    if set(printed) != {events}:
        raise Wrong(
            f"The runs have printed {printed}, and {events:,} events lie there: does the script still read all of deliveries/events/?"
        )
    return f"{events:,} new events in each of {len(done)} runs: without the name nothing is remembered, every event is written again, no error tells you."


def _printed(names: Names, run: str) -> list[str]:
    lines = names["logs"].get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run)["events"]
    return [line["message"] for line in lines if "new events" in line["message"]]


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
        hints=(
            'The script is an object: s3.get_object(Bucket=bucket, Key="scripts/bookmarked.py"). Change its text, put it back.',
            'bookmark_script.replace(\', transformation_ctx="events"\', "") is the new text; then run_bookmarked(), twice.',
        ),
        solution="""shorter = bookmark_script.replace(', transformation_ctx="events"', "")
s3.put_object(Bucket=bucket, Key="scripts/bookmarked.py", Body=shorter)
for _ in range(2):
    run_bookmarked()""",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "An error stops the job, and somebody looks. A silent conversion makes NULL or a wrong match out of '7 a', and the result looks like any other.",
    "The bookmark was not moved, so the next run reads the same files again and writes them again: these events are in the result twice, unless the write replaces what is there.",
    "When the script uses nothing of Glue, and runs long or often enough that its start and its smaller price an hour count: no catalog, no bookmarks, no DynamicFrame needed.",
)
