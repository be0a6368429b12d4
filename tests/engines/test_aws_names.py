"""While the local AWS is used, engines' processes look up no name of real AWS, and know its profile whatever their parent was given."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra import profile
from infra.engines import startup
from infra.engines.flink import jvm
from infra.engines.spark.options import Settings, environment
from infra.engines.startup import aws_names

AWS = ["kinesis.us-east-1.amazonaws.com", "S3.Amazonaws.COM.", "amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"]
AWS += ["kinesis.us-east-1.api.aws", "id.lambda-url.us-east-1.on.aws", "bucket.s3.amazonaws.com"]
OTHERS = ["localhost", "127.0.0.1", "amazonaws.com.example", "myamazonaws.com", "x.localhost"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the system's own look-up."""
    reached: list[str] = []
    for name in aws_names.LOOKUPS:
        monkeypatch.setattr(socket, name, lambda host, *rest, **named: reached.append(host))
    return reached


def test_names_of_aws_are_not_looked_up_and_others_are(asked: list[str]) -> None:
    is_local = True
    aws_names.refuse(lambda: is_local)
    for host in (*AWS, AWS[0].encode()):
        for name in aws_names.LOOKUPS:
            with pytest.raises(socket.gaierror, match="the local AWS is used, and .* is real AWS: leave endpoint_url"):
                getattr(socket, name)(host, 443) if name == "getaddrinfo" else getattr(socket, name)(host)
    assert asked == []
    for host in OTHERS:
        socket.getaddrinfo(host, 443)
    assert asked == OTHERS
    is_local = False  # connect() to real AWS
    socket.getaddrinfo(AWS[0], 443)
    assert asked[-1] == AWS[0]


CALL = """
import boto3, botocore
try:
    boto3.client("s3", endpoint_url="https://s3.us-east-1.amazonaws.com").list_buckets()
except botocore.exceptions.EndpointConnectionError as error:
    print(error)
"""


def test_each_python_of_a_driver_begins_so(tmp_path: Path) -> None:
    """Workers of Spark, and what a job's script starts, inherit the driver's environment."""
    variables = environment(Settings("http://127.0.0.1:1", "us-east-1", "123456789012", "test"), tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", CALL], env=variables, capture_output=True, text=True, check=True
    ).stdout
    assert 'Could not connect to the endpoint URL: "https://s3.us-east-1.amazonaws.com/"' in said


def test_java_and_its_python_workers_know_the_local_profile_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A function with boto3 inside would else use the keys and endpoints of the user's own set-up."""
    monkeypatch.setenv("WORKSHOP_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "https://kinesis.us-east-1.amazonaws.com")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/home/me/.aws/config")
    monkeypatch.setenv("PYTHONPATH", "/project")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    found = jvm.profile_variables()
    aws = {name: value for name, value in found.items() if name.startswith("AWS_")}
    assert aws == profile.environment(tmp_path, None)
    assert aws["AWS_CONFIG_FILE"] == str(tmp_path / "aws" / "config")
    assert jvm._python_path(found) == {"PYTHONPATH": f"{startup.FOLDER}{os.pathsep}/project"}

    monkeypatch.setenv("AWS_PROFILE", "work")
    found = jvm.profile_variables()
    assert (found["AWS_PROFILE"], found["AWS_CONFIG_FILE"]) == ("work", "/home/me/.aws/config")
    assert "AWS_ACCESS_KEY_ID" not in found  # the connectors get those of the profile
    assert jvm._python_path(found) == {}


def test_no_endpoint_of_the_environment_wins_over_the_local_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
    for name in (*given, *profile.OVERRIDES, *profile.environment(tmp_path, None)):
        monkeypatch.setenv(name, "true")
    profile.activate(tmp_path, None)
    assert not set(given) & set(os.environ)
    assert os.environ["AWS_PROFILE"] == "workshop-local"
