"""kill -9 in a session, a recipe job and a profile job: nothing acknowledged is lost, nothing half is left."""

import bz2
import json
import sqlite3
import time
from contextlib import closing

import pytest

from tests.local.databrew.brew_lab import JOIN, UPPER, BrewLab
from tests.polling import until

ACCOUNT = "300000000001"
PARTS, ROWS = 4, 150_000


@pytest.fixture
def lab(own_server):
    return BrewLab(lambda service: own_server.client(service, ACCOUNT))


def big(lab):
    part = "\n".join(json.dumps({"n": n, "text": f"row {n} " * 8}) for n in range(ROWS))
    for number in range(PARTS):
        lab.put(f"big/{number}.json", part)
    lab.new_table("big", "big/", {"n": "int", "text": "string"})
    lab.new_table_dataset("big", "big")


def killed_while_running(server, lab, job):
    run = lab.brew.start_job_run(Name=job)["RunId"]
    until(lambda: lab.brew.describe_job_run(Name=job, RunId=run)["State"] == "RUNNING", "the run")
    server.kill()
    server.restart()
    return lab.ended(job, run)


def test_a_session_goes_on(own_server, lab):
    session = lab.open_project("p")
    joined = lab.act("p", ClientSessionId=session, RecipeStep=JOIN)
    own_server.kill()
    own_server.restart()
    assert lab.session_ready("p") == "READY"
    assert lab.act("p", ClientSessionId=session, Preview=True)["rows"] == joined["rows"]
    lab.act("p", ClientSessionId=session, RecipeStep=UPPER)
    own_server.kill()
    own_server.restart()
    recipe = lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")
    assert recipe["Steps"] == [JOIN, UPPER]


def test_a_recipe_job_begins_again(own_server, lab):
    big(lab)
    lab.new_recipe("nothing")
    lab.new_job("j", lab.output(Format="CSV", CompressionFormat="BZIP2"), dataset="big", recipe="nothing")
    run = killed_while_running(own_server, lab, "j")
    assert run["State"] == "SUCCEEDED", run
    keys = lab.keys("out/")
    assert len(keys) == 2  # 600,000 rows: two parts, once

    assert sum(bz2.decompress(lab.read(key)).count(b"\n") - 1 for key in keys) == PARTS * ROWS


def test_a_profile_job_begins_again(own_server, lab):
    big(lab)
    lab.brew.create_profile_job(
        Name="p", DatasetName="big", RoleArn=lab.role, OutputLocation={"Bucket": lab.bucket, "Key": "profile/"},
        JobSample={"Mode": "FULL_DATASET"},
    )  # fmt: skip
    run = killed_while_running(own_server, lab, "p")
    assert run["State"] == "SUCCEEDED", run
    (key,) = lab.keys("profile/")
    assert json.loads(lab.read(key))["sampleSize"] == PARTS * ROWS


def test_definitions_survive(own_server, lab):
    lab.new_recipe("steps", JOIN)
    lab.new_job("j", lab.output(Format="CSV"))
    lab.brew.create_schedule(Name="s", CronExpression="Cron(0 3 * * ? *)", JobNames=["j"])
    finished = lab.run("j")
    own_server.kill()
    own_server.restart()
    assert lab.brew.describe_schedule(Name="s")["JobNames"] == ["j"]
    assert lab.brew.describe_job_run(Name="j", RunId=finished["RunId"])["State"] == "SUCCEEDED"
    assert lab.run("j")["State"] == "SUCCEEDED"


def test_a_schedule_fires_and_is_planned_again(own_server, lab):
    """Its time is in the timetable's file: it is moved to now while the server is down."""
    lab.new_recipe("steps", JOIN)
    lab.new_job("j", lab.output(Format="CSV"))
    lab.brew.create_schedule(Name="s", CronExpression="Cron(0 3 * * ? *)", JobNames=["j"])
    own_server.kill()
    (path,) = own_server.home.glob("**/databrew_schedules.sqlite")
    with closing(sqlite3.connect(path)) as times, times:
        assert times.execute("UPDATE times SET due = ?", (time.time(),)).rowcount == 1
    own_server.restart()
    runs = until(lambda: lab.brew.list_job_runs(Name="j")["JobRuns"], "a run by the schedule")
    assert lab.ended("j", runs[0]["RunId"])["State"] == "SUCCEEDED"
    with closing(sqlite3.connect(path)) as times:
        (due,) = until(
            lambda: times.execute("SELECT due FROM times WHERE due > ?", (time.time(),)).fetchone(), "a plan"
        )
    assert time.gmtime(due).tm_hour == 3
    assert len(lab.brew.list_job_runs(Name="j")["JobRuns"]) == 1
    lab.brew.delete_schedule(Name="s")
    with closing(sqlite3.connect(path)) as times:
        assert times.execute("SELECT count(*) FROM times").fetchone() == (0,)
