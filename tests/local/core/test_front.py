"""The front and the process around it: bad input, unknown services, accounts, start and restart."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

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


FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"Host": "evil.example"}, "/"),
        ({"Host": "127.0.0.1.evil.example"}, "/"),
        ({"Host": "x.lambda-url.us-east-1.evil.example"}, "/"),
        ({"Origin": "http://evil.example"}, "/"),
        ({"Origin": "null"}, "/"),
        ({"Sec-Fetch-Site": "cross-site"}, "/?Action=ListUsers"),
    ],
)
def test_pages_of_others_are_refused(server, account, headers, path):
    status, _ = post(server, b"", {"Authorization": signature(account, "iam"), **headers}, "GET", path)
    assert status == 403


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:4566", "LOCALHOST"])
def test_names_of_this_computer_are_answered(server, account, host):
    headers = {"Authorization": signature(account, "sts"), "Host": host, "Origin": "http://localhost:8888", **FORM}
    assert post(server, b"Action=GetCallerIdentity&Version=2011-06-15", headers)[0] == 200


@pytest.mark.parametrize(
    ("body", "headers", "path", "status", "code"),
    [
        (b"Action=CreateUser&UserName=u", FORM, "/", 403, "MissingAuthenticationToken"),
        (b"Action=GetCallerIdentity", FORM, "/", 403, "MissingAuthenticationToken"),
        (b"{}", {"X-Amz-Target": "AWSGlue.GetDatabases", "content-type": "application/x-amz-json-1.1"}, "/", 400,
         "MissingAuthenticationTokenException"),
        (b"<Delete><Object><Key>k</Key></Object></Delete>", {"content-type": "text/plain"}, "/kept-{}?delete", 403,
         "AccessDenied"),
        (b"", {"content-type": "text/plain"}, "/", 403, "AccessDenied"),
    ],
)  # fmt: skip
def test_unsigned_requests_change_nothing(server, account, client, body, headers, path, status, code):
    """Also of a bucket that everybody may read. Who has given WRITE to everybody has asked for it, as on AWS."""
    s3 = client("s3")
    s3.create_bucket(Bucket=f"kept-{account}", ACL="public-read")
    s3.put_object(Bucket=f"kept-{account}", Key="k", Body=b"1")
    answered, text = post(server, body, headers, path=path.format(account))
    assert (answered, code.encode() in text) == (status, True)
    assert s3.list_objects_v2(Bucket=f"kept-{account}")["KeyCount"] == 1


def test_a_role_for_a_token_of_another_is_asked_for_without_signature(server, account, client):
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Federated": "idp"}, "Action": "sts:AssumeRoleWithWebIdentity"}]
    }
    role = client("iam").create_role(
        RoleName="web", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust})
    )
    sts = server.client("sts", account, signature_version=UNSIGNED)
    answer = sts.assume_role_with_web_identity(
        RoleArn=role["Role"]["Arn"], RoleSessionName="session", WebIdentityToken="t" * 20
    )
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/web/session"


def test_json_services_want_their_header(server, account):
    status, body = post(server, b"{}", {"Authorization": signature(account, "glue")}, path="/?Action=GetDatabases")
    assert (status, b"UnknownOperationException" in body) == (400, True)


def test_a_url_that_is_signed_in_its_query_may_only_read(server, account):
    query = f"&X-Amz-Credential={account}/20261128/us-east-1/iam/aws4_request&X-Amz-Signature=0"
    assert post(server, b"", {}, "GET", "/?Action=ListUsers&Version=2010-05-08" + query)[0] == 200
    assert post(server, b"", {}, "GET", "/?Action=CreateUser&UserName=u&Version=2010-05-08" + query)[0] == 403


def test_a_change_that_is_asked_for_with_get_survives_kill(own_server, account):
    headers = {"Authorization": signature(account, "iam")}
    assert post(own_server, b"", headers, "GET", "/?Action=CreateUser&UserName=u&Version=2010-05-08")[0] == 200
    own_server.kill()
    own_server.restart()
    assert own_server.client("iam", account).get_user(UserName="u")["User"]["UserName"] == "u"


def test_anybody_reads_what_is_public_in_s3(server, account, client):
    s3, anybody = client("s3"), server.client("s3", account, signature_version=UNSIGNED)
    bucket = f"public-{account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="open", Body=b"open", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"closed")
    assert anybody.get_object(Bucket=bucket, Key="open")["Body"].read() == b"open"
    for call in (
        lambda: anybody.get_object(Bucket=bucket, Key="closed"),
        lambda: anybody.list_objects_v2(Bucket=bucket),
        lambda: anybody.put_object(Bucket=bucket, Key="open", Body=b"x"),
        lambda: anybody.delete_object(Bucket=bucket, Key="open"),
        lambda: anybody.list_buckets(),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert anybody.get_object(Bucket=bucket, Key="closed")["Body"].read() == b"closed"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls_and_forms_belong_to_the_account_that_signed(server, account, version):
    s3 = server.client("s3", account, signature_version=version)
    bucket = f"signed-{account}"
    s3.create_bucket(Bucket=bucket)
    path = urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}))
    assert post(server, b"put", {}, "PUT", f"{path.path}?{path.query}")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"put"
    late = urlsplit(s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=-5))
    status, body = post(server, b"late", {}, "PUT", f"{late.path}?{late.query}")
    assert (status, s3.get_object(Bucket=bucket, Key="k")["Body"].read()) in ((403, b"put"), (400, b"put")), body
    form = s3.generate_presigned_post(bucket, "of-a-form")
    fields = {**form["fields"], "file": "form"}
    lines = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    sent = post(
        server, f"{lines}--b--\r\n".encode(), {"content-type": "multipart/form-data; boundary=b"}, path=f"/{bucket}"
    )
    assert sent[0] in (200, 204), sent
    assert s3.get_object(Bucket=bucket, Key="of-a-form")["Body"].read() == b"form"


def test_buckets_have_host_names(server, account, client):
    client("s3").create_bucket(Bucket=f"host-{account}")
    headers = {
        "Authorization": signature(account, "s3"),
        "Host": f"host-{account}.s3.us-east-1.localhost:{server.port}",
    }
    assert post(server, b"v", headers, "PUT", "/k")[0] == 200
    assert client("s3").get_object(Bucket=f"host-{account}", Key="k")["Body"].read() == b"v"


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


def test_pipes_are_refused_with_a_reason(client):
    with pytest.raises(ClientError, match="The service 'pipes' is not part of the local AWS") as error:
        client("pipes").list_pipes()
    assert error.value.response["Error"]["Code"] == "NotImplemented"
