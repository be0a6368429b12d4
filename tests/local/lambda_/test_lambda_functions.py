"""Functions as records: states, versions, aliases, layers, policies, URLs, limits; and what a killed server keeps of them."""

import http.client
import io
import json
import re
import time
import zipfile

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from lambda_functions import ECHO, TRUST, called, function, role, zipped
from polling import until

from infra.local.lambda_ import urls

VERSION = "def handler(event, context):\n    return [WORD, context.function_version, context.invoked_function_arn.split(':', 6)[6]]\nWORD = "


def error_of(call, **given):
    with pytest.raises(ClientError) as refused:
        call(**given)
    said = refused.value.response
    return said["Error"]["Code"], said["Error"]["Message"], said["ResponseMetadata"]["HTTPStatusCode"]


def test_a_new_function_has_the_states_and_members_of_aws(client, account):
    aws, arn = client("lambda"), role(client)
    data = zipped(ECHO)
    made = aws.create_function(
        FunctionName="f", Role=arn, Runtime="python3.11", Handler="app.handler", Code={"ZipFile": data}
    )
    del made["ResponseMetadata"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made.pop("LastModified"))
    revision = made.pop("RevisionId")
    assert made.pop("RuntimeVersionConfig")["RuntimeVersionArn"].startswith("arn:aws:lambda:us-east-1::runtime:")
    import base64
    import hashlib

    assert made == {
        "FunctionName": "f",
        "FunctionArn": f"arn:aws:lambda:us-east-1:{account}:function:f",
        "Runtime": "python3.11",
        "Role": arn,
        "Handler": "app.handler",
        "CodeSize": len(data),
        "CodeSha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
    }
    active = until(lambda: (c := aws.get_function_configuration(FunctionName="f"))["State"] == "Active" and c)
    assert (
        active["LastUpdateStatus"] == "Successful" and "StateReason" not in active and active["RevisionId"] != revision
    )
    changed = aws.update_function_configuration(FunctionName="f", Timeout=7)
    assert (changed["Timeout"], changed["LastUpdateStatus"], changed["LastUpdateStatusReasonCode"]) == (
        7,
        "InProgress",
        "Creating",
    )
    code, message, status = error_of(aws.update_function_configuration, FunctionName="f", Timeout=8)
    assert (code, status) == ("ResourceConflictException", 409) and "An update is in progress for resource" in message
    assert error_of(
        aws.create_function, FunctionName="f", Role=arn, Runtime="python3.11", Handler="a.b", Code={"ZipFile": data}
    ) == (
        "ResourceConflictException",
        "Function already exist: f",
        409,
    )


def test_what_is_refused(client):
    aws, arn = client("lambda"), role(client)
    base = {
        "FunctionName": "f",
        "Role": arn,
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Code": {"ZipFile": zipped(ECHO)},
    }
    client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(TRUST).replace("lambda.", "glue."))
    other = client("iam").get_role(RoleName="other")["Role"]["Arn"]
    unassumable = "The role defined for the function cannot be assumed by Lambda."
    for changes, code, said in (
        ({"Role": other}, "InvalidParameterValueException", unassumable),
        ({"Role": f"{arn}x"}, "InvalidParameterValueException", unassumable),
        ({"Runtime": "python3.7"}, "InvalidParameterValueException", "The runtime parameter of python3.7 is no longer supported"),
        ({"Runtime": "cobol1"}, "InvalidParameterValueException", "Value cobol1 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["),
        ({"Runtime": "nodejs22.x"}, "NotImplemented", "it runs python3.11"),
        ({"Timeout": 901}, "ValidationException", "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
        ({"MemorySize": 10241}, "ValidationException", "less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 10241}}, "ValidationException", "'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to 10240"),
        ({"FunctionName": "f" * 65}, "ValidationException", "'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "InvalidParameterValueException", "exceeded the 4KB limit. String measured: {"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        ({"VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}, "NotImplemented", "functions in a VPC"),
        ({"Layers": [f"{arn.replace('iam::', 'lambda:us-east-1:').replace('role/function', 'layer:l:1')}"]}, "InvalidParameterValueException", "does not exist."),
    ):  # fmt: skip
        found = error_of(aws.create_function, **{**base, **changes})
        assert found[0] == code and said in found[1], changes
    assert aws.list_functions()["Functions"] == []


def test_versions_and_aliases(client, account):
    aws = client("lambda")
    function(client, VERSION + "'one'")
    first = aws.publish_version(FunctionName="f", Description="first")
    assert (first["Version"], first["FunctionArn"].rpartition(":")[2], first["Description"]) == ("1", "1", "first")
    assert aws.publish_version(FunctionName="f")["Version"] == "1"  # nothing has changed
    aws.update_function_code(FunctionName="f", ZipFile=zipped(VERSION + "'two'"))
    aws.get_waiter("function_updated_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.05})
    assert aws.publish_version(FunctionName="f")["Version"] == "2"
    made = aws.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    assert made["AliasArn"].endswith(":function:f:live")
    assert called(client, "f:live")[0] == ["one", "1", "f:live"] and called(client)[0] == ["two", "$LATEST", "f"]
    answer = aws.invoke(FunctionName="f", Qualifier="2")
    assert answer["ExecutedVersion"] == "2" and json.loads(answer["Payload"].read())[0] == "two"
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    aws.update_alias(FunctionName="f", Name="live", RoutingConfig=weights)
    versions = {called(client, "f:live")[0][1] for _ in range(60)}
    assert versions == {"1", "2"}
    assert (
        error_of(aws.get_alias, FunctionName="f", Name="no")[1]
        == f"Cannot find alias arn: arn:aws:lambda:us-east-1:{account}:function:f:no"
    )
    assert (
        error_of(aws.create_alias, FunctionName="f", Name="live", FunctionVersion="1")[0] == "ResourceConflictException"
    )
    assert error_of(aws.delete_function, FunctionName="f", Qualifier="1")[0] == "ResourceConflictException"
    assert "cannot be deleted" in error_of(aws.delete_function, FunctionName="f", Qualifier="$LATEST")[1]
    assert [each["Version"] for each in aws.list_versions_by_function(FunctionName="f")["Versions"]] == [
        "$LATEST",
        "1",
        "2",
    ]
    aws.delete_function(FunctionName="f")
    assert error_of(aws.get_function, FunctionName="f")[:2] == (
        "ResourceNotFoundException",
        f"Function not found: arn:aws:lambda:us-east-1:{account}:function:f",
    )


def test_layers_are_found_by_import_and_below_opt(client, account):
    aws = client("lambda")
    content = zipped({"python/mine.py": "WORD = 'layered'", "data.txt": "below opt"})
    layer = aws.publish_layer_version(LayerName="l", Content={"ZipFile": content}, CompatibleRuntimes=["python3.11"])
    assert (layer["Version"], layer["LayerVersionArn"]) == (1, f"arn:aws:lambda:us-east-1:{account}:layer:l:1")
    source = "import mine\ndef handler(e, c): return [mine.WORD, open('/opt/data.txt').read()]"
    function(client, source, Layers=[layer["LayerVersionArn"]])
    assert called(client) == (["layered", "below opt"], None)
    aws.delete_layer_version(LayerName="l", VersionNumber=1)
    aws.update_function_configuration(FunctionName="f", Timeout=5)  # a new process, of a function that keeps its layer
    assert called(client) == (["layered", "below opt"], None)
    second = aws.publish_layer_version(LayerName="l", Content={"ZipFile": content})
    assert second["Version"] == 2 and [
        each["Version"] for each in aws.list_layer_versions(LayerName="l")["LayerVersions"]
    ] == [2]
    arns = [f"arn:aws:lambda:us-east-1:{account}:layer:l{n}:1" for n in range(6)]
    assert (
        error_of(aws.update_function_configuration, FunctionName="f", Layers=arns)[1]
        == "Cannot reference more than 5 layers."
    )


def test_permissions(client, account):
    aws = client("lambda")
    arn = function(client)
    assert error_of(aws.get_policy, FunctionName="f")[:2] == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    given = {
        "FunctionName": "f",
        "StatementId": "s3",
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    }
    made = aws.add_permission(**given, SourceArn="arn:aws:s3:::b", SourceAccount=account)
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceAccount": account}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}},
    }
    assert json.loads(made["Statement"]) == statement
    policy = json.loads(aws.get_policy(FunctionName="f")["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert error_of(aws.add_permission, **given)[:2] == (
        "ResourceConflictException",
        "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.",
    )
    assert (
        "principal was invalid"
        in error_of(aws.add_permission, **{**given, "StatementId": "x", "Principal": "nobody"})[1]
    )
    aws.remove_permission(FunctionName="f", StatementId="s3")
    assert (
        error_of(aws.remove_permission, FunctionName="f", StatementId="s3")[1]
        == "No policy is associated with the given resource."
    )


def asked(server, url, method="GET", body=None, **headers):
    """The answer of a function URL; its host is given by hand, since not every system resolves names below localhost."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(method, f"/{path}", body, {"Host": host, **headers})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_a_function_url(client, server, account):
    aws = client("lambda")
    source = (
        "import json\ndef handler(event, context):\n"
        "  if event['rawPath'] == '/error': raise ValueError\n"
        "  if event['rawPath'] == '/object': return {'plain': True}\n"
        "  return {'statusCode': 201, 'headers': {'X-Mine': 'yes'}, 'cookies': ['a=1', 'b=2'], 'body': json.dumps(event)}"
    )
    function(client, source)
    made = aws.create_function_url_config(FunctionName="f", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
    url = made["FunctionUrl"]
    assert re.fullmatch(rf"http://[a-z0-9]{{32}}\.lambda-url\.us-east-1\.localhost:{server.port}/", url)
    status, _, body = asked(server, url)
    assert status == 403 and json.loads(body)["Message"].startswith("Forbidden. For troubleshooting Function URL")
    aws.add_permission(
        FunctionName="f",
        StatementId="open",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    status, headers, body = asked(
        server,
        f"{url}a/b?x=1&x=2&y=",
        "POST",
        b'{"n": 1}',
        **{"Content-Type": "application/json", "Cookie": "c=3; d=4"},
    )
    event = json.loads(body)
    assert status == 201 and headers["x-mine"] == "yes" and headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert (event["version"], event["routeKey"], event["rawPath"], event["rawQueryString"]) == (
        "2.0",
        "$default",
        "/a/b",
        "x=1&x=2&y=",
    )
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""} and event["cookies"] == ["c=3", "d=4"]
    assert event["body"] == '{"n": 1}' and event["isBase64Encoded"] is False
    http_part = event["requestContext"]["http"]
    assert (http_part["method"], http_part["path"], http_part["sourceIp"]) == ("POST", "/a/b", "127.0.0.1")
    assert event["requestContext"]["accountId"] == "anonymous" and event["requestContext"]["stage"] == "$default"
    status, headers, body = asked(server, f"{url}object")
    assert (status, headers["content-type"], body) == (200, "application/json", b'{"plain":true}')
    assert (
        event["requestContext"]["requestId"] != headers["x-amzn-requestid"] and len(headers["x-amzn-requestid"]) == 36
    )
    assert asked(server, f"{url}error")[::2] == (502, b"Internal Server Error")
    assert asked(server, url.replace("//", "//x"))[0] in (403, 404)
    aws.update_function_url_config(FunctionName="f", AuthType="AWS_IAM")
    assert asked(server, url)[0] == 403
    right = signed(url, Credentials(account, "test"))
    assert asked(server, url, **right)[0] == 201
    aws.delete_function_url_config(FunctionName="f")
    assert asked(server, url, **right)[0] == 404


@pytest.mark.unit
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [  # the first five as AWS answered in LocalStack's snapshots
        ('{"hello": "world"}', 200, b'{"hello":"world"}'),
        ('"hello"', 200, b"hello"),
        ('["hello", 3, true]', 200, b'["hello",3,true]'),
        ("3.1", 200, b"3.1"),
        ('{"statusCode": 200, "body": {"hello": "world"}}', 200, b'{"hello":"world"}'),
        ('{"statusCode": 204, "body": null}', 204, b""),
        ('{"statusCode": "201"}', 201, b""),
        ('{"statusCode": 100}', 502, b"Internal Server Error"),
        ('{"statusCode": true}', 502, b"Internal Server Error"),
        ('{"statusCode": 200, "headers": ["a"]}', 502, b"Internal Server Error"),
        ('{"statusCode": 200, "headers": {"a b": "c"}}', 502, b"Internal Server Error"),
        ('{"statusCode": 200, "headers": {"a": "b\\r\\nSet-Cookie: c"}}', 502, b"Internal Server Error"),
        ('{"statusCode": 200, "cookies": 7}', 502, b"Internal Server Error"),
        ('{"statusCode": 200, "isBase64Encoded": true, "body": "é"}', 502, b"Internal Server Error"),
    ],
)
def test_what_a_url_makes_of_an_answer(answer, status, body):
    assert urls._http(answer.encode())[::2] == (status, body)


def signed(url, credentials, service="lambda", region="us-east-1", method="GET", body=None):
    request = AWSRequest(method, url, data=body)
    SigV4Auth(credentials, service, region).add_auth(request)
    return {name: value for name, value in request.headers.items() if name != "Host"}


def test_the_signature_of_a_call_of_a_function_url(client, server, account):
    function(client, "def handler(event, context):\n  return event['requestContext']['accountId']")
    url = client("lambda").create_function_url_config(FunctionName="f", AuthType="AWS_IAM")["FunctionUrl"]
    iam = client("iam")
    iam.create_user(UserName="caller")
    made = iam.create_access_key(UserName="caller")["AccessKey"]
    caller = Credentials(made["AccessKeyId"], made["SecretAccessKey"])
    assert asked(server, url, **signed(url, caller))[0] == 403  # nothing allows it
    allow = {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="caller", PolicyName="call", PolicyDocument=document)
    body = b'{"n": 1}'
    right = signed(f"{url}a?x=1", caller, method="POST", body=body)
    assert asked(server, f"{url}a?x=1", "POST", body, **right)[::2] == (200, account.encode())
    said = lambda *request, **headers: asked(server, *request, **headers)[::2]  # noqa: E731
    wrong = (403, "The request signature we calculated does not match the signature you provided")
    for status, answer, (expected, text) in (
        (*said(f"{url}a?x=1", "POST", b'{"n": 2}', **right), wrong),  # another body
        (*said(f"{url}a?x=2", "POST", body, **right), wrong),
        (*said(f"{url}b?x=1", "POST", body, **right), wrong),
        (*said(f"{url}a?x=1", "PUT", body, **right), wrong),
        (*said(url, **signed(url, Credentials(made["AccessKeyId"], "guessed"))), wrong),
        (*said(url, **signed(url, Credentials(account, "guessed"))), wrong),
        (*said(url, **signed(url, caller, "execute-api")), (403, "Credential should be scoped to correct service")),
        (*said(url, **signed(url, caller, region="eu-west-1")), (403, "Credential should be scoped to a valid region")),
        (*said(url, Authorization="AWS4-HMAC-SHA256 nonsense"), (403, "Forbidden. For troubleshooting")),
        (*said(url), (403, "Forbidden. For troubleshooting")),
    ):
        assert (status, next(iter(json.loads(answer).values()))[: len(text)]) == (expected, text)


def test_what_a_killed_server_keeps(own_server, account):
    client = lambda service: own_server.client(service, account)  # noqa: E731
    aws = client("lambda")
    function(client, VERSION + "'kept'")
    aws.publish_version(FunctionName="f")
    aws.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    aws.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com"
    )
    url = aws.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    assert called(client, "f:live")[0][0] == "kept"
    own_server.kill()
    own_server.restart()
    assert called(client, "f:live")[0] == ["kept", "1", "f:live"]
    assert json.loads(aws.get_policy(FunctionName="f")["Policy"])["Statement"][0]["Sid"] == "s"
    assert aws.get_function_url_config(FunctionName="f")["FunctionUrl"] == url


def test_a_function_without_the_right_to_log_runs_and_logs_nothing(client):
    nothing = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    arn = role(client, "silent", nothing)
    function(client, "def handler(e, c):\n  print('x')\n  return 1", Role=arn)
    assert called(client) == (1, None)
    function(client, "def handler(e, c): print('x')", name="loud")
    called(client, "loud")
    groups = lambda: [each["logGroupName"] for each in client("logs").describe_log_groups()["logGroups"]]  # noqa: E731
    until(lambda: "/aws/lambda/loud" in groups(), "the other function's log")
    time.sleep(0.3)  # longer than lines wait before they are put
    assert groups() == ["/aws/lambda/loud"]


def test_a_log_in_json(client):
    source = "import logging\ndef handler(e, c):\n  logging.getLogger().warning('careful %s', e)"
    function(client, source, LoggingConfig={"LogFormat": "JSON", "LogGroup": "/mine"})
    answer = client("lambda").invoke(FunctionName="f", Payload=b'"x"', LogType="Tail")
    import base64

    lines = [json.loads(line) for line in base64.b64decode(answer["LogResult"]).decode().splitlines()]
    assert [line.get("type", line.get("level")) for line in lines] == ["platform.start", "WARNING", "platform.report"]
    assert lines[1]["message"] == "careful x" and lines[2]["record"]["status"] == "success"
    assert (
        lines[1]["requestId"]
        == lines[0]["record"]["requestId"]
        == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    )
    groups = lambda: client("logs").describe_log_groups(logGroupNamePrefix="/mine")["logGroups"]  # noqa: E731
    until(groups, "the group that was asked for")
    assert (
        error_of(
            client("lambda").update_function_configuration,
            FunctionName="f",
            LoggingConfig={"LogFormat": "Text", "SystemLogLevel": "WARN"},
        )[0]
        == "InvalidParameterValueException"
    )


def test_zip_bombs_and_wrong_entries_are_refused(client):
    aws, arn = client("lambda"), role(client)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", ECHO)
        archive.writestr("big", bytes(263_000_000))
    base = {"FunctionName": "f", "Role": arn, "Runtime": "python3.11", "Handler": "app.handler"}
    assert (
        error_of(aws.create_function, Code={"ZipFile": data.getvalue()}, **base)[1]
        == "Unzipped size must be smaller than 262144000 bytes"
    )
    both = io.BytesIO()
    with zipfile.ZipFile(both, "w") as archive:
        archive.writestr("a", "file")
        archive.writestr("a/b.py", "below the file")
    assert (
        "Could not unzip uploaded file" in error_of(aws.create_function, Code={"ZipFile": both.getvalue()}, **base)[1]
    )
