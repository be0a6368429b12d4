"""Chapter 01's exercises that are done on the lake: untouched, each typical mistake, the solution; on the real server, in an account of the test's own."""

import boto3
import nbformat
import pytest

from helpers import stacks, wait_for
from infra import project
from infra.teaching.exercise import Open, Wrong, find
from tests.polling import until

NOTEBOOK = project.NOTEBOOKS / "01_ingest_and_store.ipynb"


@pytest.fixture
def names(cloud):
    """What the notebook has when it comes to its exercises."""
    outputs = stacks.deploy("01_ingest", BufferSeconds=0)
    return {
        "aws": boto3.Session(),
        "s3": cloud("s3"),
        "kinesis": cloud("kinesis"),
        "firehose": cloud("firehose"),
        "bucket": outputs["BucketName"],
        "trial": stacks.deploy("01_trial"),
        "event": '{"track_id": 1}',
        "deploy": stacks.deploy,
        "wait_for": wait_for,
    }


def said(number, names):
    """The sentence of a judge that is not content."""
    with pytest.raises(Wrong) as told:
        find(number).judge(None, names)
    return str(told.value)


def solve(number, names):
    exec(find(number).solution, names)
    return find(number).judge(None, names)


def test_a_prefix_without_its_slash(names):
    judge, s3, bucket = find("1.3").judge, names["s3"], names["bucket"]
    names["kinesis"].put_record(StreamName=names["trial"]["StreamName"], PartitionKey="a", Data=b"early\n")
    until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="trials/raw/2")["KeyCount"])
    with pytest.raises(Open):
        judge(None, names)
    stacks.deploy("01_trial", Prefix="trials/other/")
    assert "The prefix is now 'trials/other/'. Leave only the slash" in said("1.3", names)
    stacks.deploy("01_trial", Prefix="trials/raw")
    assert "no event has come since" in said("1.3", names)
    s3.put_object(Bucket=bucket, Key="trials/raw2026/01/05/09/mine.json", Body=b"{}")
    assert "Firehose has not written it" in said("1.3", names)
    s3.delete_object(Bucket=bucket, Key="trials/raw2026/01/05/09/mine.json")
    assert solve("1.3", names).startswith("trials/raw20")
    stacks.delete("01_trial")
    assert 'run the cell with deploy("01_trial") first' in said("1.3", names)


def test_a_put_that_fails_in_part(names):
    kinesis, stream, judge = names["kinesis"], names["trial"]["StreamName"], find("1.4").judge
    make = next(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if "burst = [" in cell.source)
    exec(make, names)
    with pytest.raises(Open):
        judge(None, names)
    refused = kinesis.put_records(StreamName=stream, Records=names["burst"])["FailedRecordCount"]
    assert 0 < refused < 500
    assert f"{refused} of 500 are missing, though put_records has raised no error" in said("1.4", names)
    until(lambda: not kinesis.put_records(StreamName=stream, Records=names["burst"][:100])["FailedRecordCount"])
    assert "more than once: only what was refused is sent again" in said("1.4", names)
    exec(make, names)
    assert solve("1.4", names).startswith("500 events, each of them once.")


def test_a_role_renamed_under_firehose(names):
    with pytest.raises(Open):
        find("1.5").judge(None, names)
    with pytest.raises(stacks.StackFailed, match="custom-named resource requires replacing"):
        stacks.deploy("01_trial", RoleName="AnalyticsWorkshopRenamedRole")
    assert "has tried and put everything back" in said("1.5", names)
    stacks.delete("01_trial")
    stacks.deploy("01_trial", RoleName="AnalyticsWorkshopRenamedRole")
    assert "was deleted in between" in said("1.5", names)
    stacks.delete("01_trial")
    stacks.deploy("01_trial")
    assert "analytics-workshop-trial-2 delivers as AnalyticsWorkshopRenamedRole" in solve("1.5", names)
