"""Damaged state, full and read-only disks: the rest goes on, and one sentence says what is wrong."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import resource
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import server_process
from infra.local.core import files
from infra.local.core.roles import recorder
from tests.conftest import Server

TRUST = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}


def make_delivery_stream(firehose: Any) -> None:
    """A delivery stream, and the role that it needs."""
    keys = firehose._get_credentials()
    iam = boto3.client(
        "iam",
        region_name="us-east-1",
        endpoint_url=firehose.meta.endpoint_url,
        aws_access_key_id=keys.access_key,
        aws_secret_access_key=keys.secret_key,
    )
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy)
    role = iam.get_role(RoleName="r")["Role"]["Arn"]
    destination = {"RoleARN": role, "BucketARN": "arn:aws:s3:::lake"}
    firehose.create_delivery_stream(DeliveryStreamName="f", S3DestinationConfiguration=destination)


MAKE = {
    "events": lambda c: c.put_rule(Name="r", ScheduleExpression="rate(1 hour)"),
    "iam": lambda c: c.create_user(UserName="u"),
    "s3": lambda c: c.create_bucket(Bucket="lake"),
    "cloudformation": lambda c: c.create_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    ),
    "kinesis": lambda c: c.create_stream(StreamName="k", ShardCount=1),
    "firehose": lambda c: make_delivery_stream(c),
    "ssm": lambda c: c.put_parameter(Name="p", Value="v", Type="String"),
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


class Gone:
    """A class whose module a later version does not have."""

    def __reduce__(self) -> Any:
        return (__import__, ("a_module_of_another_version",))


def rename(path: Path) -> None:
    path.write_bytes(pickle.dumps(Gone()))


@pytest.mark.parametrize("service", MAKE)
def test_one_damaged_part_is_set_aside_and_the_rest_starts(own_server: Server, account: str, service: str) -> None:
    for name in dict.fromkeys(["ssm", "s3", service]):
        with contextlib.suppress(ClientError):
            MAKE[name](own_server.client(name, account))
    own_server.stop()
    (path,) = (own_server.home / "state").glob(f"{account}/*/{service}.pickle")
    {"iam": empty, "events": rename}.get(service, cut)(path)
    own_server.restart()
    (aside,) = path.parent.glob(f"{path.name}.*.set-aside")
    with urllib.request.urlopen(f"{own_server.endpoint}/_workshop/health") as answer:
        (note,) = [note for note in json.load(answer)["notes"] if str(path) in note]
    assert aside.name in note and f"the state of {service} in account {account} cannot be read" in note
    if service != "ssm":
        assert own_server.client("ssm", account).get_parameter(Name="p")["Parameter"]["Value"] == "v"
    MAKE[service](own_server.client(service, account))


def test_files_beside_the_pickles_are_set_aside_too(own_server: Server, account: str) -> None:
    """Rows of SQLite, what roles asked for, a bucket's settings of which a part can be read, and an object's file."""
    sqs, s3, iam = (own_server.client(name, account) for name in ("sqs", "s3", "iam"))
    sqs.send_message(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"], MessageBody="m")
    s3.create_bucket(Bucket="lake")
    for key in ("cut", "whole"):
        s3.put_object(Bucket="lake", Key=key, Body=key.encode() * 10)
    iam.create_user(UserName="u")
    keys = iam.create_access_key(UserName="u")["AccessKey"]
    user = boto3.client(
        "sqs",
        region_name="us-east-1",
        endpoint_url=own_server.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        user.list_queues()  # which is recorded
    own_server.stop()
    root = own_server.home / "state"
    messages, asked, bucket = (
        root / account / "us-east-1/sqs/messages.sqlite",
        root / recorder.FILE,
        root / account / "aws/s3.pickle",
    )
    messages.write_bytes(os.urandom(5000))
    cut(asked)
    cut(bucket)
    (stored,) = [path for path in bucket.parent.glob("s3/objects/*/*") if path.read_bytes() == b"cut" * 10]
    cut(stored)
    own_server.restart()
    assert s3.get_object(Bucket="lake", Key="whole")["Body"].read() == b"whole" * 10
    with pytest.raises(ClientError, match="InternalError") as error:
        s3.get_object(Bucket="lake", Key="cut")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="n")
    own_server.kill()
    own_server.restart()
    assert [each["Body"] for each in sqs.receive_message(QueueUrl=url)["Messages"]] == ["n"]
    for path in (messages, asked, bucket):
        assert len(list(path.parent.glob(f"{path.name}.*.set-aside"))) == 1


def test_temporary_files_of_a_kill_are_swept(own_server: Server, account: str) -> None:
    MAKE["ssm"](own_server.client("ssm", account))
    own_server.kill()
    folder = own_server.home / "state" / account / "us-east-1"
    (folder / ".ssm.pickle.abcd1234.tmp").write_bytes(b"half")
    (folder / ".ssm.pickle.abcd1234").write_bytes(b"half, of an older version")
    own_server.restart()
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_state_of_a_newer_version_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "version").write_text("99\n")
    with pytest.raises(server_process.LocalAwsError, match="was written by a newer version of the workshop") as caught:
        server_process.start(tmp_path)
    assert "Traceback" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(server_process.LocalAwsError, match="cannot write to its folder .*: Not a directory"):
        server_process.start(tmp_path / "file" / "home")


def test_a_full_disk_at_the_start_is_one_sentence(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(
            server_process.LocalAwsError, match="cannot write to its folder .*: File too large. Make room"
        ):
            server_process.start(tmp_path / "home")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """No file of the server can grow meanwhile."""
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


def test_a_change_that_was_refused_for_a_full_disk_is_not_seen(own_server: Server, account: str) -> None:
    ssm, s3, iam = (own_server.client(name, account) for name in ("ssm", "s3", "iam"))
    ssm.put_parameter(Name="p", Value="old", Type="String")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="k", Body=b"old")
    with full_disk(own_server):
        for refused in (
            lambda: ssm.put_parameter(Name="p", Value="new", Type="String", Overwrite=True),
            lambda: ssm.put_parameter(Name="q", Value="new", Type="String"),
            lambda: iam.create_user(UserName="u"),
            lambda: s3.put_object(Bucket="lake", Key="k", Body=b"new"),
            lambda: s3.put_object(Bucket="lake", Key="other", Body=b"new"),
            lambda: s3.delete_object(Bucket="lake", Key="k"),
            lambda: s3.delete_objects(Bucket="lake", Delete={"Objects": [{"Key": "k"}]}),
            lambda: s3.put_object_tagging(Bucket="lake", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}),
            lambda: s3.create_bucket(Bucket="other"),
        ):
            with pytest.raises(ClientError, match="could not write to its disk"):
                refused()
    for _ in range(2):
        assert ssm.get_parameter(Name="p")["Parameter"]["Value"] == "old"
        assert [each["Name"] for each in ssm.describe_parameters()["Parameters"]] == ["p"]
        assert iam.list_users()["Users"] == []
        assert [each["Key"] for each in s3.list_objects_v2(Bucket="lake")["Contents"]] == ["k"]
        assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"old"
        assert s3.get_object_tagging(Bucket="lake", Key="k")["TagSet"] == []
        assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["lake"]
        own_server.kill()
        own_server.restart()
    s3.put_object(Bucket="lake", Key="k", Body=b"new")
    assert s3.get_object(Bucket="lake", Key="k")["Body"].read() == b"new"


def test_a_name_of_this_process_only_is_not_swept(tmp_path: Path) -> None:
    """What sweeps at start looks only at names that `write_atomically` makes."""
    kept = tmp_path / "1" / "us-east-1" / "kinesis" / "s-1" / "data"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"records")
    (kept.parent / ".hidden").write_bytes(b"")
    files.sweep(tmp_path)
    assert sorted(os.listdir(kept.parent)) == [".hidden", "data"]
