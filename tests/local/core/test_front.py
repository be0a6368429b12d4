"""The front and the process around it: bad input, unknown services, accounts, start and restart."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from infra import server_process


def post(server, body, headers, method="POST", path="/"):
    request = urllib.request.Request(server.endpoint + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def signature(account, service):
    return f"AWS4-HMAC-SHA256 Credential={account}/20261124/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"


def test_twelve_digits_are_the_account(server):
    assert server.client("sts", "111122223333").get_caller_identity()["Account"] == "111122223333"
    assert server.client("sts", "AKIAIOSFODNN7EXAMPLE").get_caller_identity()["Account"] == "123456789012"


def test_accounts_do_not_see_each_other(server):
    server.client("sqs", "111122223334").create_queue(QueueName="mine")
    assert "QueueUrls" not in server.client("sqs", "111122223335").list_queues()


def test_iam_user_key_belongs_to_its_account(server, account, client):
    iam = client("iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"]
    assert server.client("sts", key).get_caller_identity()["Account"] == account


def test_malformed_xml(server, client, account):
    client("s3").create_bucket(Bucket=f"xml-{account}")
    status, body = post(
        server, b"<not-closed", {"Authorization": signature(account, "s3")}, "PUT", f"/xml-{account}?tagging"
    )
    assert status == 400
    assert b"<Code>MalformedXML</Code>" in body


def test_broken_chunked_upload_stores_nothing(server, client, account):
    s3 = client("s3")
    s3.create_bucket(Bucket=f"chunk-{account}")
    headers = {
        "Authorization": signature(account, "s3"),
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "10",
    }
    status, body = post(server, b"a\r\n01234", headers, "PUT", f"/chunk-{account}/k")
    assert (status, b"IncompleteBody" in body) == (400, True)
    status, body = post(server, b"zz\r\n01234\r\n", headers, "PUT", f"/chunk-{account}/k")
    assert (status, b"InvalidChunkSizeError" in body) == (400, True)
    assert "Contents" not in s3.list_objects_v2(Bucket=f"chunk-{account}")


def test_chunked_upload_with_trailer(server, client, account):
    s3 = client("s3")
    s3.create_bucket(Bucket=f"trailer-{account}")
    headers = {
        "Authorization": signature(account, "s3"),
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    assert post(server, body, headers, "PUT", f"/trailer-{account}/k")[0] == 200
    answer = s3.get_object(Bucket=f"trailer-{account}", Key="k", ChecksumMode="ENABLED")
    assert (answer["Body"].read(), answer["ChecksumCRC32"]) == (b"hello", "NhCmhg==")


def test_unknown_service_is_refused_with_a_way_out(server, account):
    status, body = post(
        server, b"{}", {"Authorization": signature(account, "nosuchservice"), "X-Amz-Target": "Nope.Do"}
    )
    assert (status, json.loads(body)["__type"]) == (501, "NotImplemented")


def test_server_goes_on_after_bad_input(server, client):
    post(server, b"\x00\xff", {"Authorization": "AWS4-HMAC-SHA256 nonsense"})
    assert client("sts").get_caller_identity()["Account"]


def test_second_start_finds_the_first(server):
    assert server_process.start(server.home).pid == server.pid


def test_taken_port_is_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(server_process.LocalAwsError, match=f"Port {port} is taken by another program"):
            server_process.start(tmp_path / "home", port)


def test_listens_on_loopback_only(server):
    hexadecimal = f"{server.port:04X}"
    with open("/proc/net/tcp") as table:
        listening = [
            line.split()[1] for line in table if line.split()[3] == "0A" and line.split()[1].endswith(hexadecimal)
        ]
    assert listening == [f"0100007F:{hexadecimal}"]


@pytest.mark.parametrize("service", ["sqs", "logs", "iam", "glue", "athena", "events", "cloudwatch"])
def test_control_plane_changes_survive_kill(own_server, account, service):
    made = own_server.client(service, account)
    make = {
        "sqs": lambda: made.create_queue(QueueName="q"),
        "logs": lambda: made.create_log_group(logGroupName="g"),
        "iam": lambda: made.create_user(UserName="u"),
        "glue": lambda: made.create_database(DatabaseInput={"Name": "d"}),
        "athena": lambda: made.create_work_group(Name="w"),
        "events": lambda: made.put_rule(Name="r", EventPattern='{"source": ["aws.s3"]}'),
        "cloudwatch": lambda: made.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}]),
    }[service]
    make()
    own_server.kill()
    own_server.restart()
    told = {
        "sqs": lambda: made.list_queues()["QueueUrls"][0].rsplit("/")[-1],
        "logs": lambda: made.describe_log_groups()["logGroups"][0]["logGroupName"],
        "iam": lambda: made.list_users()["Users"][0]["UserName"],
        "glue": lambda: made.get_databases()["DatabaseList"][0]["Name"],
        "athena": lambda: made.get_work_group(WorkGroup="w")["WorkGroup"]["Name"],
        "events": lambda: made.list_rules()["Rules"][0]["Name"],
        "cloudwatch": lambda: made.list_metrics(Namespace="N")["Metrics"][0]["MetricName"],
    }[service]
    assert (
        told()
        == {"sqs": "q", "logs": "g", "iam": "u", "glue": "d", "athena": "w", "events": "r", "cloudwatch": "m"}[service]
    )


def test_local_profile_wins_over_keys_in_the_environment(tmp_path):
    """With real-looking keys in the environment, connect() must still reach the local AWS."""
    code = "from helpers import connect; s = connect(); print(s.client('s3').meta.endpoint_url, s.get_credentials().access_key)"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "WORKSHOP_HOME": str(tmp_path / "home"),
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    try:
        output = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
        )
        assert output.returncode == 0, output.stderr
        assert (
            output.stdout.splitlines()[0]
            == "Local AWS · account 123456789012 · us-east-1 · free, nothing leaves this computer"
        )
        endpoint, key = output.stdout.split()[-2:]
        assert endpoint.startswith("http://127.0.0.1:")
        assert key == "123456789012"
    finally:
        server_process.stop(tmp_path / "home")
