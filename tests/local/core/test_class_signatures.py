"""In a class the secret key is checked: in headers, in URLs of both versions, in forms; and progress is kept apart."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.iam.utils import generate_access_key_id_from_account_id

from infra import reset, server_process
from tests.conftest import REGION, free_port
from tests.polling import until

ANN, BOB = "000000000001", "000000000002"


def key_of(account: str) -> str:
    return generate_access_key_id_from_account_id(account, prefix="AKIA", total_length=20)


MEMBERS = [
    {"name": name, "account": account, "access_key": key_of(account), "secret_key": f"secret+of/{name}"}
    for name, account in (("Ann", ANN), ("Bob", BOB))
]


class Class:
    def __init__(self, folder, settings=None):
        self.settings = settings or {}
        self.home, self.port = folder / "home", free_port()
        self.members = folder / "members.json"
        self.members.write_text(json.dumps(MEMBERS))
        self.start()

    def start(self):
        self.running = server_process.start(self.home, self.port, settings={"members": self.members, **self.settings})

    def client(self, service, key, secret, **settings):
        return boto3.client(
            service, endpoint_url=self.running.endpoint, region_name=REGION, aws_access_key_id=key,
            aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}, **settings),
        )  # fmt: skip

    def of(self, number, service, **settings):
        member = MEMBERS[number]
        return self.client(service, member["access_key"], member["secret_key"], **settings)

    def ask(self, number, method, told):
        member = MEMBERS[number]
        request = AWSRequest(method, f"{self.running.endpoint}/_workshop/places", data=json.dumps(told))
        SigV4Auth(Credentials(member["access_key"], member["secret_key"]), "workshop", REGION).add_auth(request)
        sent = urllib.request.Request(request.url, request.data.encode(), dict(request.headers.items()), method=method)
        return json.loads(urllib.request.urlopen(sent, timeout=30).read())

    def report(self, number, told, secret=None):
        member = MEMBERS[number]
        request = AWSRequest("POST", f"{self.running.endpoint}/_workshop/progress", data=json.dumps(told))
        credentials = Credentials(member["access_key"], secret or member["secret_key"])
        SigV4Auth(credentials, "workshop", REGION).add_auth(request)
        sent = urllib.request.Request(request.url, request.data.encode(), dict(request.headers.items()), method="POST")
        return urllib.request.urlopen(sent, timeout=30).status


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    made = Class(tmp_path_factory.mktemp("class"))
    yield made
    server_process.stop(made.home)


SERVICES = {  # one of each protocol
    "kinesis": ("list_streams", "InvalidSignatureException"),
    "sqs": ("list_queues", "InvalidSignatureException"),
    "s3": ("list_buckets", "SignatureDoesNotMatch"),
    "lambda": ("list_functions", "InvalidSignatureException"),
    "cloudformation": ("describe_stacks", "SignatureDoesNotMatch"),
    "sts": ("get_caller_identity", "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_the_right_secret_opens_and_a_wrong_one_does_not(room, service):
    operation, code = SERVICES[service]
    getattr(room.of(0, service), operation)()
    with pytest.raises(ClientError) as refused:
        getattr(room.client(service, MEMBERS[0]["access_key"], MEMBERS[1]["secret_key"]), operation)()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@pytest.mark.parametrize("key", [ANN, "123456789012", "AKIAIOSFODNN7EXAMPLE", "nobody"])
def test_an_account_is_no_password(room, key):
    for service, operation in (("s3", "list_buckets"), ("kinesis", "list_streams"), ("sts", "get_caller_identity")):
        with pytest.raises(ClientError) as refused:
            getattr(room.client(service, key, "not-a-secret"), operation)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


def test_each_has_an_account_of_its_own(room):
    assert room.of(0, "sts").get_caller_identity() | {"ResponseMetadata": 0} == {
        "UserId": ANN, "Account": ANN, "Arn": f"arn:aws:iam::{ANN}:root", "ResponseMetadata": 0,
    }  # fmt: skip
    room.of(0, "s3").create_bucket(Bucket="of-ann")
    assert room.of(1, "s3").list_buckets()["Buckets"] == []


def test_odd_names_and_bodies_are_signed_as_aws_signs_them(room):
    s3 = room.of(0, "s3")
    s3.create_bucket(Bucket="odd-names")
    for key in ("a b+c/ü=1&x", "plain", "tilde~/(x)"):
        s3.put_object(Bucket="odd-names", Key=key, Body=b"1" * 100_000)
        assert s3.get_object(Bucket="odd-names", Key=key)["Body"].read() == b"1" * 100_000
    assert s3.list_objects_v2(Bucket="odd-names", Prefix="a b+")["KeyCount"] == 1
    functions = room.of(0, "lambda")
    with pytest.raises(ClientError, match="not found"):
        functions.get_function(
            FunctionName="arn:aws:lambda:us-east-1:000000000001:function:there is:1".replace(" ", "-")
        )


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_urls_that_were_signed_before(room, version):
    s3 = room.of(0, "s3", signature_version=version)
    s3.create_bucket(Bucket=f"shared-{version}")
    s3.put_object(Bucket=f"shared-{version}", Key="a b", Body=b"told")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": f"shared-{version}", "Key": "a b"})
    assert urllib.request.urlopen(url, timeout=30).read() == b"told"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": f"shared-{version}", "Key": "new"})
    urllib.request.urlopen(urllib.request.Request(put, b"2", method="PUT", headers={"Content-Type": ""}), timeout=30)
    for changed in (url.replace("a%20b", "new"), put.replace("/new", "/other")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(changed, timeout=30)
        assert refused.value.code == 403 and b"SignatureDoesNotMatch" in refused.value.read()


def test_sessions_of_roles_need_their_secret_too(room):
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ANN}, "Action": "sts:AssumeRole"}]}
    role = room.of(0, "iam").create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps(trust | {"Version": "2012-10-17"})
    )
    given = room.of(0, "sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="lesson")["Credentials"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_session_token": given["SessionToken"]}
    for secret, works in ((given["SecretAccessKey"], True), ("wrong", False)):
        sts = boto3.client(
            "sts", endpoint_url=room.running.endpoint, region_name=REGION, **keys, aws_secret_access_key=secret
        )
        if works:
            assert ":assumed-role/r/lesson" in sts.get_caller_identity()["Arn"]
        else:
            with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
                sts.get_caller_identity()


def test_an_old_signature_is_not_taken(room, monkeypatch):
    from datetime import UTC, datetime, timedelta

    import botocore.auth

    monkeypatch.setattr(
        botocore.auth,
        "get_current_datetime",
        lambda **_: (datetime.now(UTC) - timedelta(minutes=20)).replace(tzinfo=None),
    )
    with pytest.raises(ClientError, match="InvalidSignatureException.*expired"):
        room.of(0, "kinesis").list_streams()
    with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
        room.of(0, "s3").list_buckets()


def test_services_still_work_for_a_learner(room):
    """A stack makes things through this very server, which signs with its own key."""
    cloudformation = room.of(0, "cloudformation")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Bucket": {"Type": "AWS::S3::Bucket"}}}
    cloudformation.create_stack(StackName="made", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="made", WaiterConfig={"Delay": 0.2})


def test_progress_is_of_who_has_signed_and_survives_kill_9(room):
    assert room.report(0, {"exercise": "1.1", "state": "wrong"}) == 200
    room.report(0, {"exercise": "1.1", "state": "solved"})
    room.report(0, {"exercise": "1.1", "state": "wrong"})
    room.report(1, {"exercise": "1.1", "state": "open", "account": ANN})
    for told, secret in (
        ({"exercise": "1.1", "state": "solved"}, "guessed"),
        ({"exercise": "x", "state": "solved"}, None),
    ):
        with pytest.raises(urllib.error.HTTPError):
            room.report(1, told, secret)
    with pytest.raises(urllib.error.HTTPError, match="403"):  # no learner reads the board
        urllib.request.urlopen(f"{room.running.endpoint}/_workshop/progress", timeout=30)
    os.kill(room.running.pid, signal.SIGKILL)
    os.waitpid(room.running.pid, 0)
    room.start()
    told = server_process.ask(room.running, "GET", "/_workshop/progress")
    rows = {row["account"]: row for row in told["rows"]}
    assert rows[ANN]["state"] == "solved" and rows[ANN]["tries"] == 3
    assert rows[BOB]["state"] == "open" and rows[BOB]["tries"] == 0
    assert told["names"] == {ANN: "Ann", BOB: "Bob"}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{room.running.endpoint}/_workshop/permissions/{ANN}", timeout=30)


def test_who_comes_late_gets_in(room):
    late = {"name": "Cy", "account": "000000000003", "access_key": key_of("000000000003"), "secret_key": "late"}
    room.members.write_text(json.dumps([*MEMBERS, late]))
    assert room.client("sts", late["access_key"], "late").get_caller_identity()["Account"] == late["account"]


def test_places_for_flink_kernels_go_to_who_came_first_and_are_freed_with_the_notebook_server(tmp_path):
    import subprocess
    import sys

    made = Class(tmp_path, {"flink-kernels": 1})
    servers = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
    try:
        assert made.ask(0, "POST", {"pid": servers[0].pid}) == {"place": 0}
        assert made.ask(0, "POST", {"pid": servers[0].pid}) == {"place": 0}
        assert made.ask(1, "POST", {"pid": servers[1].pid}) == {"place": 1}
        servers[0].communicate(b"\n")
        assert made.ask(1, "POST", {"pid": servers[1].pid}) == {"place": 0}
        made.ask(1, "DELETE", {})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            made.ask(0, "POST", {"pid": servers[0].pid})
    finally:
        for server in servers:
            server.kill()
            server.wait()
        server_process.stop(made.home)


def test_a_session_that_finds_no_place_says_which_it_has_in_the_queue_and_can_be_stopped(tmp_path):
    made = Class(tmp_path, {"spark-sessions": 0})
    trust = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
    try:
        for number in (0, 1):
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            role = made.of(number, "iam").create_role(RoleName="g", AssumeRolePolicyDocument=document)["Role"]["Arn"]
            command = {"Name": "glueetl", "PythonVersion": "3"}
            made.of(number, "glue").create_session(Id="s", Role=role, Command=command, IdleTimeout=600)
        first, second = (made.of(number, "glue").list_sessions()["Sessions"][0] for number in (0, 1))
        assert first["Status"] == second["Status"] == "PROVISIONING"
        assert first["ErrorMessage"].startswith("queue place 1:") and second["ErrorMessage"].startswith(
            "queue place 2:"
        )
        assert first["IdleTimeout"] == 30  # others wait for the place
        reset.empty(made.running, ANN, lambda line: None)
        assert made.of(0, "glue").list_sessions()["Ids"] == []
        until(lambda: "queue place 1:" in made.of(1, "glue").list_sessions()["Sessions"][0]["ErrorMessage"])
    finally:
        server_process.stop(made.home)


def test_who_leads_acts_in_every_account_by_the_servers_key(room):
    """`workshop goto 06 --account …` runs a learner's chapters from the folder that has server.json."""
    import configparser

    from infra import profile

    profile.write(room.home, room.running.endpoint, BOB)
    written = configparser.ConfigParser()
    written.read(profile.files(room.home)[1])
    keys = dict(written["workshop-local"])
    sts = room.client("sts", keys["aws_access_key_id"], keys["aws_secret_access_key"])
    assert sts.get_caller_identity()["Account"] == BOB
