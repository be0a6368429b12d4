"""Chapter 02's exercises that are done on the lake: untouched, each typical mistake, the solution; on the real server, with the notebook's own functions."""

import json

import boto3
import nbformat
import pytest

from helpers import stacks, wait_for
from infra import project
from infra.teaching.exercise import Open, Wrong, find

EVENT = b'{"uuid": "a", "device_ts": "2026-01-05 09:00:00.000", "device_id": 1, "device_temp": 32, "track_id": %d, "activity_type": "Running"}\n'


@pytest.fixture
def names(cloud):
    """What the notebook has when it comes to its exercises, and its functions `place` and `crawl` as they stand there."""
    bucket = stacks.deploy("01_ingest")["BucketName"]
    catalog = stacks.deploy("02_catalog")
    cloud("s3").put_object(Bucket=bucket, Key="data/raw/2026/01/05/09/a", Body=b"".join(EVENT % n for n in range(8)))
    cloud("s3").upload_file(
        str(project.ROOT / "data" / "tracks_list.json"), bucket, "data/reference_data/tracks_list.json"
    )
    found = {
        "aws": boto3.Session(),
        "json": json,
        "glue": cloud("glue"),
        "athena": cloud("athena"),
        "bucket": bucket,
        "database": catalog["DatabaseName"],
        "workgroup": catalog["WorkGroupName"],
        "trial": stacks.deploy("02_trial"),
        "deploy": stacks.deploy,
        "wait_for": wait_for,
    }
    book = nbformat.read(project.NOTEBOOKS / "02_catalog_data.ipynb", 4)
    for beginning in ('s3 = aws.client("s3")', "def crawl("):
        exec(next(cell.source for cell in book.cells if cell.source.startswith(beginning)), found)
    return found


def said(number, names, answer=None):
    """The sentence of a judge that is not content."""
    with pytest.raises(Wrong) as told:
        find(number).judge(answer, names)
    return str(told.value)


def untouched(number, names):
    with pytest.raises(Open):
        find(number).judge(None, names)


def solve(number, names):
    exercise = find(number)
    exec(exercise.solution, names)
    return exercise.judge(names.get(exercise.name), names)


def test_folders_and_tables(names):
    place, crawl = names["place"], names["crawl"]
    place("trials/plain/events.json")
    assert crawl("trials/plain/") == {"plain": []}

    untouched("2.1", names)
    place("trials/hive/2026/01/events.json")
    assert 'no table of trials/hive/: crawl("trials/hive/")' in said("2.1", names)
    crawl("trials/hive/")
    assert "partition_0 is there again" in said("2.1", names)

    untouched("2.2", names)
    untouched("2.3", names)
    place("trials/only/raw/2026/01/05/09/events.json")
    assert "The file is there, and no table" in said("2.2", names)
    crawl("trials/only/raw/")
    assert "was told where to begin" in said("2.2", names)
    assert "because the crawler began lower" in said("2.3", names)
    names["glue"].delete_table(DatabaseName=names["trial"]["DatabaseName"], Name="raw")
    assert "One table, only, and `raw` is a value of its first key, partition_0" in solve("2.2", names)
    untouched("2.3", names)
    crawl("trials/only/", level=3)
    assert "Level 3 is higher up: the bucket counts too" in said("2.3", names)
    crawl("trials/only/", level=5)
    assert "Level 5 is too deep" in said("2.3", names)
    assert solve("2.3", names).startswith("Level 4: bucket, trials, only, raw.")
    place("trials/only/reference/events.json")
    assert "Yesterday there was only raw/" in said("2.2", names)

    untouched("2.4", names)
    place("trials/slash/raw/2026/01/04/09/events.json")
    assert "it adds the year at once, raw2026/" in said("2.4", names)
    place("trials/slash/raw2026/01/05/09/events.json")
    assert 'no table of them: crawl("trials/slash/")' in said("2.4", names)
    assert "A table raw2026 beside raw" in solve("2.4", names)
    stacks.delete("02_trial")
    assert 'run the cell with deploy("02_trial") first' in said("2.4", names)


def test_hive_style_by_the_solution_and_a_file_without_folders(names):
    names["place"]("trials/hive/events.json")
    names["crawl"]("trials/hive/")
    assert "without folders there are no partition keys" in said("2.1", names)
    names["s3"].delete_object(Bucket=names["bucket"], Key="trials/hive/events.json")
    names["glue"].delete_table(DatabaseName=names["trial"]["DatabaseName"], Name="hive")
    assert solve("2.1", names).startswith("year, month:")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("READY", "Give a function of one state"),
        (
            lambda state: state != "RUNNING",
            "At STOPPING your function said that it is over; it still writes its tables",
        ),
        (lambda state: True, "At RUNNING your function said that it is over; it still looks at files"),
        (lambda state: state == "DONE", "your function does not see it: it would wait for ever"),
    ],
)
def test_a_poll_that_is_wrong(names, answer, sentence):
    assert sentence in said("2.5", names, answer)


def test_a_poll_that_is_right(names):
    assert solve("2.5", names).startswith("It waited for READY")


def test_a_role_that_lacks_one_right(names):
    names["place"]("incoming/events.json")
    assert names["crawl"]("incoming/") == {}
    untouched("2.6", names)
    for action, folder, sentence in (
        ("s3:*", "incoming/", "is a great deal more than one right"),
        ("s3:PutObject", "incoming/", "that is not what it lacked"),
        ("s3:GetObject", "", "the whole bucket is too much"),
        ("s3:GetObject", "incoming/", "Crawl once more"),
    ):
        stacks.deploy("02_trial", MoreAction=action, MoreFolder=folder)
        assert sentence in said("2.6", names)
    assert solve("2.6", names).startswith("s3:GetObject on incoming/*")


def test_a_join_of_two_types(names):
    names["glue"].start_crawler(Name="AnalyticsworkshopCrawler")
    wait_for(
        lambda: names["glue"].get_crawler(Name="AnalyticsworkshopCrawler")["Crawler"]["State"],
        lambda state: state == "READY",
        "crawler",
    )
    names["s3"].upload_file(
        str(project.ROOT / "data" / "tracks_list_string.json"), names["bucket"], "trials/tracks/tracks_list.json"
    )
    names["crawl"]("trials/tracks/")
    start = "SELECT count(*) AS joined FROM raw"
    join = f"{start} JOIN analyticsworkshop_trials.tracks AS tracks ON raw.track_id"
    for answer, sentence in (
        (f"{join} = tracks.track_id", "Still TYPE_MISMATCH"),
        (f"{join} = CAST(tracks.track_id AS int", "Athena says: line 1:"),
        (
            f"{start} JOIN reference_data AS t ON raw.track_id = t.track_id",
            "does not look into analyticsworkshop_trials.tracks",
        ),
        (f"{join} < CAST(tracks.track_id AS integer)", "7 events find a track"),
        ("SELECT track_name FROM analyticsworkshop_trials.tracks", "Ask for one number"),
    ):
        assert sentence in said("2.7", names, answer)
    judge = find("2.7").judge
    assert "compares text" in judge(f"{join} IS NOT NULL AND CAST(raw.track_id AS varchar) = tracks.track_id", names)
    assert "silently" in judge(f"{join} = TRY_CAST(tracks.track_id AS integer)", names)
    assert solve("2.7", names).startswith("7. CAST says it loud")
