"""Chapters 04 and 05: the judges that look at runs of a job and at the files of a folder; untouched, each typical mistake, done."""

from datetime import UTC, datetime, timedelta

import awswrangler as wr
import pandas as pd
import pytest

from infra.teaching.exercise import Open, Wrong, find

SCRIPT = 'job.init(a)\nevents = read(["events/"], transformation_ctx="events")\njob.commit()'


class Runs:
    """Runs of the bookmarked job, newest first, and what each has printed: what Glue and CloudWatch Logs would answer."""

    def __init__(self):
        self.printed = {}
        self.runs = []

    def ran(self, events=None, state="SUCCEEDED", minutes=1):
        name = f"jr_{len(self.runs)}"
        started = datetime.now(UTC) + timedelta(minutes=minutes)
        self.runs.insert(0, {"Id": name, "JobRunState": state, "StartedOn": started, "ErrorMessage": "NameError: read"})
        self.printed[name] = [{"message": f"{events} new events\n"}] if events is not None else []

    def get_job_runs(self, JobName):
        return {"JobRuns": self.runs}

    def get_log_events(self, logGroupName, logStreamName):
        return {"events": self.printed[logStreamName]}


@pytest.fixture
def names(cloud, account):
    s3, bucket = cloud("s3"), f"lake-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="deliveries/events/monday.json", Body=b"{}\n{}")
    s3.put_object(Bucket=bucket, Key="deliveries/events/tuesday.json", Body=b"{}")
    runs = Runs()
    return {"s3": s3, "bucket": bucket, "glue": runs, "logs": runs, "bookmarked": "job", "wr": wr, "job": "brew-job"}


def said(number, names):
    with pytest.raises(Wrong) as told:
        find(number).judge(None, names)
    return str(told.value)


def script(names, text):
    names["s3"].put_object(Bucket=names["bucket"], Key="scripts/bookmarked.py", Body=text.encode())


def test_a_job_without_its_bookmark_s_name(names):
    runs, judge = names["glue"], find("4.3").judge
    script(names, SCRIPT)
    runs.ran(3, minutes=-10)
    with pytest.raises(Open):
        judge(None, names)
    script(names, SCRIPT.replace(', transformation_ctx="events"', "").replace("job.commit()", ""))
    assert "More is gone than the name" in said("4.3", names)
    script(names, SCRIPT.replace(', transformation_ctx="events"', ""))
    assert "has not been run since" in said("4.3", names)
    runs.ran(3)
    assert "Run it once more" in said("4.3", names)
    runs.ran(2)
    assert "The runs have printed [2, 3], and 3 events lie there" in said("4.3", names)
    runs.runs.pop(0)
    runs.ran(3)
    assert judge(None, names).startswith("3 new events in each of 2 runs")
    runs.ran(state="FAILED")
    assert "A run with the new script has failed: NameError: read" in said("4.3", names)


def test_two_writers_in_one_folder(names):
    s3, judge = names["s3"], find("5.3").judge
    put = lambda key, rows: wr.s3.to_parquet(pd.DataFrame({"uuid": rows}), f"s3://{names['bucket']}/{key}")  # noqa: E731
    brewed = "trap/processed-data/brew-job_29Nov2026_1/part00000.parquet"
    assert "Nothing is left" in said("5.3", names)
    for folder in ("data", "trap"):
        put(f"{folder}/processed-data/part-0.parquet", ["a", "b"])
        put(f"{folder}/processed-data/part-1.parquet", ["c"])
    put(brewed, ["a", "b", "c"])
    with pytest.raises(Open):
        judge(None, names)
    names["trap"] = f"s3://{names['bucket']}/trap/processed-data/"
    exec(find("5.3").solution, names)
    assert judge(None, names).startswith("3 rows, each event once.")
    s3.delete_object(Bucket=names["bucket"], Key="trap/processed-data/part-1.parquet")
    assert "1 events are missing: a file of Spark's is gone" in said("5.3", names)
    put(brewed, ["a", "b", "c"])
    s3.delete_object(Bucket=names["bucket"], Key="trap/processed-data/part-0.parquet")
    assert "What is left is DataBrew's" in said("5.3", names)
