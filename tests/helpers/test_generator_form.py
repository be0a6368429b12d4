"""The form and the bar, without a browser: what a press of a button does, and what a stored notebook keeps."""

import json
import uuid
from collections.abc import Callable
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import nbformat
import pytest
from botocore.exceptions import EndpointConnectionError
from nbclient import NotebookClient

from helpers.generator_form import GeneratorForm
from tests.polling import until

TEMPLATE = '{"n": {{random.number(9)}}}'


@pytest.fixture
def session(cloud: Callable[[str], Any]) -> boto3.Session:
    """A session with one data stream and one Firehose stream."""
    role = make_role(cloud("iam"), "firehose")
    cloud("s3").create_bucket(Bucket=(bucket := f"b-{uuid.uuid4()}"))
    cloud("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    destination = {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}"}
    cloud("firehose").create_delivery_stream(
        DeliveryStreamName="delivery", ExtendedS3DestinationConfiguration=destination
    )
    return boto3.Session()


def make_role(iam: Any, service: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=document)["Role"]["Arn"]


def complaint(form: GeneratorForm) -> str:
    return unescape(form.error.value).partition(">")[2].removesuffix("</span>")


def stored(session: boto3.Session) -> list[bytes]:
    client = session.client("kinesis")
    shard = client.list_shards(StreamName="clicks")["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return [record["Data"] for record in client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]]


def test_streams_are_listed_and_one_is_chosen(session):
    form = GeneratorForm(TEMPLATE, delivery_stream_name="delivery", session=session)
    assert [label for label, _ in form.stream.options] == ["Kinesis: clicks", "Firehose: delivery"]
    assert form.stream.value == ("delivery_stream_name", "delivery")
    session.client("kinesis").create_stream(StreamName="later", ShardCount=1)
    form.refresh.click()
    assert [label for label, _ in form.stream.options] == ["Kinesis: clicks", "Kinesis: later", "Firehose: delivery"]
    assert form.stream.value == ("delivery_stream_name", "delivery")


def test_send_sends_and_counts(session):
    form = GeneratorForm(TEMPLATE, stream_name="clicks", rate=200, seed=1, session=session)
    form.limit.value = 150
    form.send.click()
    until(lambda: not form.send.disabled)
    assert form.counters.value == "150 sent · 0 failed · 0 retried · 0 records/s"
    assert (form.stop.disabled, form.test.disabled, form.error.value) == (True, False, "")
    assert len(stored(session)) == 150
    assert stored(session)[0].startswith(b'{"n": ') and stored(session)[0].endswith(b"}\n")


def test_stop_ends_the_sending(session):
    form = GeneratorForm(TEMPLATE, stream_name="clicks", rate=10, session=session)
    form.send.click()
    assert (form.send.disabled, form.test.disabled, form.stop.disabled) == (True, True, False)
    until(lambda: len(stored(session)) == 10)
    form.stop.click()
    until(lambda: form.stop.disabled)
    assert form.counters.value.startswith(f"{len(stored(session))} sent · 0 failed")


def test_test_template_shows_five_records_and_sends_none(session):
    form = GeneratorForm("{{random.number(0)}}<b>", stream_name="clicks", session=session)
    form.test.click()
    assert form.samples.value == "<pre>0&lt;b&gt;</pre>" * 5
    assert stored(session) == []


def test_a_wrong_template_is_told_in_one_sentence_and_nothing_is_sent(session):
    form = GeneratorForm("a\n{{random.number()}}", stream_name="clicks", session=session)
    form.test.click()
    assert complaint(form) == "Line 2, column 1: KDG allows no empty parentheses. Type {{random.number}}"
    form.send.click()
    assert complaint(form) == "Line 2, column 1: KDG allows no empty parentheses. Type {{random.number}}"
    assert not form.send.disabled and stored(session) == []
    form.template.value = "{{random.number}}"
    form.test.click()
    assert complaint(form) == "" and form.samples.value.count("<pre>") == 5


def test_an_error_of_aws_is_told_with_its_code(session, account):
    form = GeneratorForm(TEMPLATE, stream_name="clicks", session=session)
    session.client("kinesis").delete_stream(StreamName="clicks")
    form.send.click()
    until(lambda: not form.send.disabled)
    assert complaint(form) == (
        f"AWS answers ResourceNotFoundException: Stream clicks under account {account} not found."
    )


def test_a_stream_that_is_not_there_is_told(session):
    form = GeneratorForm(TEMPLATE, stream_name="nowhere", session=session)
    assert complaint(form) == "There is no stream nowhere. Deploy the stack that makes it, then press Refresh streams."


def test_no_stream_and_no_aws_are_told(cloud):
    form = GeneratorForm(TEMPLATE, session=boto3.Session())
    form.send.click()
    assert complaint(form).startswith("No stream is chosen.")

    def unreachable(_: str) -> object:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")

    form = GeneratorForm(TEMPLATE, stream_name="clicks", session=SimpleNamespace(client=unreachable))
    assert complaint(form) == (
        'AWS cannot be reached: Could not connect to the endpoint URL: "http://127.0.0.1:1/" '
        "Run connect() at the top of the notebook."
    )
    form.send.click()
    assert complaint(form).startswith("No stream is chosen.")


def test_a_stored_notebook_keeps_one_line_for_the_bar_and_one_for_the_form(cloud, tmp_path: Path):
    setup = "\n".join(
        [
            "import boto3",
            "from helpers.generator import Generator",
            "from helpers.generator_form import GeneratorForm",
            "boto3.client('kinesis').create_stream(StreamName='clicks', ShardCount=1)",
            "None",
        ]
    )
    cells = [setup, "Generator('{{random.uuid}}').send(stream_name='clicks', records=3000)", "GeneratorForm('plain')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": tmp_path}}).execute()
    bar, counts = notebook.cells[1].outputs
    assert dict(bar.data) == {"text/plain": "Sending 3,000 records to clicks"}
    assert counts.data["text/plain"] == "3,000 records (111,000 bytes) sent · 0 failed · 0 retried"
    (form,) = notebook.cells[2].outputs
    assert form.data["text/plain"] == "Data generator: a form in JupyterLab. Run this cell there to use it."
