"""Malformed requests of all protocols: AWS's error, and never a 500."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model

from infra.local.core import registry
from tests.conftest import Server

JSON_SERVICES = {  # name in the signature → operations; what would start an engine is left out
    "glue": ["CreateDatabase", "CreateTable", "GetTable", "GetTables", "GetPartitions", "BatchCreatePartition", "CreateCrawler", "GetJobRuns"],
    "athena": ["StartQueryExecution", "GetQueryResults", "CreateWorkGroup", "ListQueryExecutions", "CreateNamedQuery"],
    "kinesis": ["CreateStream", "DescribeStream", "ListShards", "PutRecord", "PutRecords", "GetRecords", "GetShardIterator", "SplitShard", "AddTagsToStream"],
    "firehose": ["CreateDeliveryStream", "PutRecord", "PutRecordBatch", "DescribeDeliveryStream", "UpdateDestination"],
    "kinesisanalytics": ["CreateApplication", "DescribeApplication", "UpdateApplication"],
    "events": ["PutRule", "PutTargets", "PutEvents", "ListRules", "CreateEventBus", "CreateArchive"],
    "states": ["CreateStateMachine", "StartExecution", "DescribeExecution", "ListExecutions", "GetExecutionHistory"],
    "logs": ["CreateLogGroup", "PutLogEvents", "GetLogEvents", "FilterLogEvents", "DescribeLogStreams", "PutRetentionPolicy"],
    "sqs": ["CreateQueue", "SendMessage", "ReceiveMessage", "SendMessageBatch", "SetQueueAttributes", "DeleteMessage"],
    "ssm": ["PutParameter", "GetParameter", "GetParametersByPath"],
    "secretsmanager": ["CreateSecret", "GetSecretValue"],
    "kms": ["Encrypt", "Decrypt", "GenerateDataKey", "ScheduleKeyDeletion"],
}  # fmt: skip
QUERY_SERVICES = {
    "iam": ["CreateRole", "CreateUser", "AttachRolePolicy", "ListRoles", "PutRolePolicy", "CreatePolicy"],
    "sts": ["AssumeRole", "GetSessionToken", "AssumeRoleWithWebIdentity", "GetFederationToken"],
    "cloudformation": ["CreateStack", "DescribeStacks", "CreateChangeSet", "ListStackResources"],
    "sns": ["CreateTopic", "Subscribe", "Publish", "SetTopicAttributes"],
    "monitoring": ["PutMetricData", "GetMetricStatistics", "PutMetricAlarm", "ListMetrics"],
}
REST_SERVICES = {
    "lambda": ["CreateFunction", "GetFunction", "ListFunctions", "CreateAlias", "CreateEventSourceMapping", "UpdateFunctionConfiguration"],
    "databrew": ["CreateDataset", "CreateRecipe", "CreateProfileJob", "DescribeRecipe", "ListRecipes", "BatchDeleteRecipeVersion"],
}  # fmt: skip
S3_OPERATIONS = [
    "ListObjectsV2", "ListObjects", "ListObjectVersions", "ListMultipartUploads", "ListParts", "PutObject", "GetObject", "UploadPart", "CopyObject",
    "PutObjectTagging", "PutBucketAcl", "PutObjectAcl", "DeleteObjects", "PutBucketVersioning", "PutBucketLifecycleConfiguration", "PutBucketCors",
    "PutBucketTagging", "PutBucketNotificationConfiguration", "PutBucketEncryption", "CompleteMultipartUpload", "CreateBucket", "HeadObject",
    "GetObjectAttributes", "RestoreObject", "PutPublicAccessBlock", "PutBucketOwnershipControls", "PutObjectLockConfiguration", "UploadPartCopy",
    "CreateMultipartUpload", "PutBucketWebsite", "PutBucketLogging", "PutBucketReplication", "PutBucketPolicy", "SelectObjectContent",
]  # fmt: skip
WRONG = [
    None,
    True,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "é\u0000",
    "a" * 5000,
    "nonsense/with:signs",
    [],
    ["x"],
    [[]],
    {},
    {"x": "y"},
    [None],
]


def good(shape: Any, choose: random.Random, depth: int = 0) -> Any:
    """A value that the model allows, more or less."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        names = [n for n in shape.members if n in shape.required_members or (depth < 3 and choose.random() < 0.4)]
        return {n: good(shape.members[n], choose, depth + 1) for n in names if depth < 6}
    if kind == "list":
        return [good(shape.member, choose, depth + 1)] if depth < 5 else []
    if kind == "map":
        return {"key": good(shape.value, choose, depth + 1)} if depth < 5 else {}
    if kind in ("integer", "long"):
        return limits.get("min", 1)
    if kind in ("float", "double"):
        return 1.0
    if kind == "boolean":
        return choose.random() < 0.5
    if kind == "timestamp":
        return 1_700_000_000
    if kind == "blob":
        return "eA=="
    if limits.get("enum"):
        return choose.choice(limits["enum"])
    return choose.choice(["name", "a" * limits.get("min", 1), "arn:aws:iam::123456789012:role/r", "{}"])


def spoilt(value: Any, choose: random.Random) -> Any:
    """A value with something wrong in one place."""
    if isinstance(value, dict) and value and choose.random() < 0.9:
        name = choose.choice(list(value))
        if choose.random() < 0.2:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: spoilt(value[name], choose)}
    if isinstance(value, list) and value and choose.random() < 0.6:
        return [spoilt(value[0], choose)]
    return choose.choice(WRONG)


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat(item, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from flat(item, f"{prefix}.member.{number}")
    else:
        yield prefix, "" if value is None else str(value)


def ask(
    server: Server, service: str, account: str, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, str, bytes]:
    authorization = f"AWS4-HMAC-SHA256 Credential={account}/20261128/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    given = {"Authorization": authorization, **headers}
    request = urllib.request.Request(server.endpoint + path, data=body or None, headers=given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, "", answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-amzn-ErrorType", ""), error.read()


def assert_no_failure(answers: list[tuple[Any, tuple[int, str, bytes]]]) -> None:
    failures = [(what, answer) for what, answer in answers if answer[0] >= 500 and answer[0] != 501]
    assert not failures, f"{len(failures)} of {len(answers)}: {failures[:5]}"


@pytest.mark.parametrize("service", JSON_SERVICES)
def test_malformed_json(server: Server, account: str, service: str) -> None:
    choose, model = random.Random(service), get_service_model(registry.model_name(service))
    answers = []
    for operation in JSON_SERVICES[service]:
        headers = {
            "X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}",
            "content-type": "application/x-amz-json-1.1",
        }
        shape = model.operation_model(operation).input_shape
        for _ in range(6):
            value = spoilt(good(shape, choose), choose)
            answers.append(
                ((operation, value), ask(server, service, account, "POST", "/", headers, json.dumps(value).encode()))
            )
        for body in (b"", b"[]", b"null", b"{", b'{"a":' * 2000, b"\xff\xfe"):
            answers.append(((operation, body[:20]), ask(server, service, account, "POST", "/", headers, body)))
    assert_no_failure(answers)


@pytest.mark.parametrize("service", QUERY_SERVICES)
def test_malformed_queries(server: Server, account: str, service: str) -> None:
    choose, model = random.Random(service), get_service_model(registry.model_name(service))
    answers = []
    for operation in QUERY_SERVICES[service]:
        shape = model.operation_model(operation).input_shape
        for _ in range(7):
            value = spoilt(good(shape, choose), choose)
            fields = dict(flat(value)) if isinstance(value, dict) else {"x": str(value)}
            body = urlencode({"Action": operation, "Version": str(model.api_version), **fields}).encode()
            headers = {"content-type": "application/x-www-form-urlencoded"}
            answers.append(((operation, fields), ask(server, service, account, "POST", "/", headers, body)))
    assert_no_failure(answers)


@pytest.mark.parametrize("service", REST_SERVICES)
def test_malformed_rest(server: Server, account: str, service: str) -> None:
    choose, model = random.Random(service), get_service_model(service)
    answers = []
    for operation in REST_SERVICES[service]:
        answers += [rest_call(server, service, account, model.operation_model(operation), choose) for _ in range(7)]
    assert_no_failure(answers)


def rest_call(server: Server, service: str, account: str, operation: Any, choose: random.Random) -> Any:
    shape, http = operation.input_shape, operation.http
    value = spoilt(good(shape, choose), choose)
    value = value if isinstance(value, dict) else {}
    path, query, headers, rest = http["requestUri"].partition("?")[0], {}, {}, {}
    fixed = http["requestUri"].partition("?")[2]
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        text = quote(str(value.get(name) or "x"), safe="")
        if place == "uri":
            path = path.replace(f"{{{wire}}}", text).replace(f"{{{wire}+}}", text)
        elif name in value and place == "querystring":
            query[wire] = str(value[name])
        elif name in value and place == "header":
            headers[wire] = quote(str(value[name])[:500])
        elif name in value:
            rest[wire] = value[name]
    full = "&".join(part for part in (fixed, urlencode(query)) if part)
    body = json.dumps(rest).encode() if rest and http["method"] != "GET" else b""
    headers["content-type"] = "application/json"
    where = f"{path}?{full}" if full else path
    return (operation.name, where, rest), ask(server, service, account, http["method"], where, headers, body)


def test_malformed_s3(server: Server, account: str, client: Any) -> None:
    choose, model = random.Random("s3"), get_service_model("s3")
    bucket = f"fuzz-{account}"
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    answers = []
    for name in S3_OPERATIONS:
        answers += [s3_call(server, account, bucket, model.operation_model(name), choose) for _ in range(6)]
    assert_no_failure(answers)


def s3_call(server: Server, account: str, bucket: str, operation: Any, choose: random.Random) -> Any:
    shape, http = operation.input_shape, operation.http
    path, _, fixed = http["requestUri"].partition("?")
    path = path.replace("{Bucket}", bucket).replace("{Key+}", choose.choice(["k", "new", "none"]))
    query = [fixed] if fixed else []
    headers: dict[str, str] = {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if place not in ("querystring", "header") or (name not in shape.required_members and choose.random() < 0.8):
            continue
        value = choose.choice([good(member, choose), *WRONG[1:9]])
        text = quote(str(value)[:300])
        if place == "querystring":
            query.append(f"{wire}={text}")
        elif wire.lower() not in ("content-length", "content-type"):
            headers[wire] = text
    payload = shape.serialization.get("payload")
    root = shape.members[payload].serialization.get("name", payload) if payload else "x"
    body = choose.choice([b"", b"<", f"<{root}/>".encode(), f"<{root}><A>x</A></{root}>".encode(),
                          xml(root, spoilt(good(shape.members[payload], choose), choose) if payload else {}).encode(),
                          b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a>" * 500 + b"</a>" * 500])  # fmt: skip
    if http["method"] in ("GET", "HEAD", "DELETE"):
        body = b""
    where = path + ("?" + "&".join(query) if query else "")
    return (operation.name, where, headers, body[:200]), ask(
        server, "s3", account, http["method"], where, headers, body
    )


def xml(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(xml(key, item) for key, item in value.items())}</{name}>"
    if isinstance(value, list):
        return "".join(xml(name, item) for item in value)
    return f"<{name}>{'' if value is None else str(value)[:300].replace('<', '&lt;').replace(chr(0), '')}</{name}>"


@pytest.mark.parametrize(
    ("service", "operation", "given", "code", "message"),
    [
        ("glue", "CreateDatabase", {}, "ValidationException", "Value null at 'databaseInput' failed to satisfy constraint: Member must not be null"),
        ("glue", "CreateDatabase", {"DatabaseInput": {"Name": ""}}, "ValidationException", "Value '' at 'databaseInput.name' failed to satisfy constraint: Member must have length greater than or equal to 1"),
        ("glue", "GetTables", {"DatabaseName": "d", "MaxResults": 101}, "ValidationException", "Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"),
        ("glue", "BatchGetPartition", {"DatabaseName": "d", "TableName": "t", "PartitionsToGet": "abc"}, "SerializationException", "STRING_VALUE can not be converted to a List"),
        ("glue", "GetTable", {"DatabaseName": 5, "Name": "t"}, "SerializationException", "NUMBER_VALUE can not be converted to a String"),
        ("logs", "CreateLogGroup", {"logGroupName": "a b"}, "InvalidParameterException", "regular expression pattern"),
        ("athena", "StartQueryExecution", {}, "InvalidRequestException", "queryString"),
        ("events", "PutRule", {"Name": "r", "State": "ON"}, "ValidationException", "enum value set: [ENABLED, DISABLED"),
        ("kinesis", "CreateStream", {"StreamName": "s", "ShardCount": "two"}, "SerializationException", "STRING_VALUE"),
        ("kinesis", "DescribeStream", {"StreamARN": "no-slash"}, "ValidationException", "streamARN"),
    ],
)  # fmt: skip
def test_codes_of_json(
    server: Server, account: str, service: str, operation: str, given: Any, code: str, message: str
) -> None:
    model = get_service_model(registry.model_name(service))
    headers = {
        "X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}",
        "content-type": "application/x-amz-json-1.1",
    }
    status, kind, body = ask(server, service, account, "POST", "/", headers, json.dumps(given).encode())
    assert (status, kind) == (400, code), body
    assert message in json.loads(body)["message"]


@pytest.mark.parametrize(
    ("service", "fields", "code"),
    [
        ("sts", {"Action": "AssumeRole", "RoleSessionName": "session"}, "ValidationError"),
        ("sts", {"Action": "GetSessionToken", "DurationSeconds": "soon"}, "MalformedInput"),
        ("sts", {"Action": "GetSessionToken", "DurationSeconds": "1"}, "ValidationError"),
        ("iam", {"Action": "CreateUser", "UserName": "a b"}, "ValidationError"),
        ("iam", {"Action": "CreateUser"}, "ValidationError"),
        ("iam", {"Action": "NoSuchAction"}, "InvalidAction"),
        ("iam", {"UserName": "a"}, "MissingAction"),
        ("cloudformation", {"Action": "CreateStack", "StackName": "1-begins-with-a-digit", "TemplateBody": "{}"}, "ValidationError"),
        ("sqs", {"Action": "CreateQueue"}, "MissingParameter"),
    ],
)  # fmt: skip
def test_codes_of_queries(server: Server, account: str, service: str, fields: dict[str, str], code: str) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status, _, body = ask(server, service, account, "POST", "/", headers, urlencode(fields).encode())
    assert (status, f"<Code>{code}</Code>".encode() in body) == (400, True), body


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "code"),
    [
        ("GET", "?list-type=2&max-keys=ten", {}, b"", "InvalidArgument"),
        ("GET", "?max-keys=-1", {}, b"", "InvalidArgument"),
        ("GET", "?versions&max-keys=x", {}, b"", "InvalidArgument"),
        ("GET", "?list-type=2&encoding-type=utf", {}, b"", "InvalidArgument"),
        ("PUT", "/k?partNumber=one&uploadId=u", {}, b"x", "InvalidArgument"),
        ("PUT", "/k?partNumber=0&uploadId=u", {}, b"x", "InvalidArgument"),
        ("PUT", "/k", {"x-amz-acl": "everybody"}, b"x", "InvalidArgument"),
        ("PUT", "?acl", {"x-amz-acl": "everybody"}, b"", "InvalidArgument"),
        ("PUT", "/k", {"x-amz-storage-class": "CELLAR"}, b"x", "InvalidStorageClass"),
        ("PUT", "/k", {"x-amz-server-side-encryption": "ROT13"}, b"x", "InvalidArgument"),
        ("PUT", "/" + "k" * 1025, {}, b"x", "KeyTooLongError"),
        ("PUT", "/k?tagging", {}, b"<Tagging>", "MalformedXML"),
        ("PUT", "?versioning", {}, b"<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>", "MalformedXML"),
        ("POST", "?delete", {}, b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>', "MalformedXML"),
        ("POST", "?delete", {}, b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>", "MalformedXML"),
    ],
)  # fmt: skip
def test_codes_of_s3(
    server: Server, account: str, client: Any, method: str, path: str, headers: dict[str, str], body: bytes, code: str
) -> None:
    client("s3").create_bucket(Bucket=f"codes-{account}")
    status, _, text = ask(server, "s3", account, method, f"/codes-{account}{path}", headers, body)
    assert (status, f"<Code>{code}</Code>".encode() in text) == (400, True), text


def test_services_without_regions_answer(client: Any) -> None:
    """moto keeps them under the name of the partition."""
    period = {"Start": "2026-11-01", "End": "2026-11-02"}
    assert "ResultsByTime" in client("ce").get_cost_and_usage(
        TimePeriod=period, Granularity="DAILY", Metrics=["UnblendedCost"]
    )
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        client("organizations").describe_organization()


def test_a_body_that_an_sdk_has_packed_is_read(client: Any) -> None:
    """Above 10 KiB boto3 sends metrics as gzip."""
    cloudwatch = client("cloudwatch")
    data = [{"MetricName": f"m{n}", "Value": n, "Dimensions": [{"Name": "d", "Value": "v" * 200}]} for n in range(100)]
    cloudwatch.put_metric_data(Namespace="Packed", MetricData=data)
    assert len(list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="Packed").search("Metrics[]"))) == 100


@pytest.mark.parametrize(
    ("service", "headers", "body", "status", "code"),
    [
        ("athena", {"content-encoding": "gzip"}, b"{}", 400, "SerializationException"),
        ("kinesis", {"content-encoding": "gzip"}, b"{}", 400, "ValidationException"),
        ("athena", {"content-type": "application/x-www-form-urlencoded"}, b"{}", 400, "UnknownOperationException"),
        ("athena", {"Authorization": "AWS4-HMAC-SHA256 Credential="}, b"{}", 400, "IncompleteSignatureException"),
        ("athena", {"Authorization": "Bearer x"}, b"{}", 400, "MissingAuthenticationTokenException"),
        ("athena", {"Authorization": "AWS4-HMAC-SHA256 Credential=1/20261129/xx-nowhere-1/athena/aws4_request, SignedHeaders=host, Signature=0"},
         b"{}", 403, "InvalidSignatureException"),
        ("athena", {}, b'{"QueryExecutionIds": [null]}', 400, "InvalidRequestException"),
    ],
)  # fmt: skip
def test_codes_of_what_stands_around_a_body(
    server: Server, account: str, service: str, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    operation = {"athena": "AmazonAthena.BatchGetQueryExecution", "kinesis": "Kinesis_20131202.CreateStream"}[service]
    given = {"X-Amz-Target": operation, "content-type": "application/x-amz-json-1.1", **headers}
    answered, kind, text = ask(server, service, account, "POST", "/", given, body)
    assert (answered, kind) == (status, code), text


def test_a_path_of_another_protocol_is_no_operation(server: Server, account: str) -> None:
    status, code, text = ask(server, "lambda", account, "POST", "/service/lambda/operation/GetFunction", {}, b"")
    assert (status, code) == (404, "UnknownOperationException"), text


def test_an_operation_that_is_not_there_is_checked_first(server: Server, account: str) -> None:
    status, code, text = ask(server, "lambda", account, "POST", "/2020-04-22/code-signing-configs/", {}, b"{}")
    assert (status, code) == (400, "ValidationException"), text


@pytest.mark.parametrize("path", ["?lifecycle", "?cors", "?tagging", "?versioning", "?website"])
def test_a_configuration_without_a_body(server: Server, account: str, client: Any, path: str) -> None:
    client("s3").create_bucket(Bucket=f"empty-{account}")
    status, _, text = ask(server, "s3", account, "PUT", f"/empty-{account}{path}", {}, b"")
    assert (status, b"<Code>MissingRequestBodyError</Code>" in text) == (400, True), text


def test_half_an_address_is_no_address(server: Server, account: str, client: Any) -> None:
    headers = {"X-Amz-Target": "AmazonSQS.ReceiveMessage", "content-type": "application/x-amz-json-1.0"}
    status, code, text = ask(server, "sqs", account, "POST", "/", headers, b'{"QueueUrl": "http://["}')
    assert (status, code) == (404, "InvalidAddress"), text
    with pytest.raises(ClientError, match="TemplateURL must be a supported URL"):
        client("cloudformation").create_stack(StackName="s", TemplateURL="https://[")


def test_a_deep_document_is_given_up(server: Server, account: str, client: Any) -> None:
    client("s3").create_bucket(Bucket=f"deep-{account}")
    status, _, text = ask(server, "s3", account, "PUT", f"/deep-{account}?tagging", {}, b"<a>" * 300_000)
    assert (status, b"<Code>MalformedXML</Code>" in text) == (400, True), text
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$" + "[?(@.a" * 2000, "End": True}}}
    found = client("stepfunctions").validate_state_machine_definition(definition=json.dumps(definition))
    assert found["result"] == "FAIL"


def test_a_rest_service_takes_what_curl_calls_a_form(server: Server, account: str) -> None:
    """Not the whole of a schedule; and a file that moto has not is no full disk."""
    given = {"content-type": "application/x-www-form-urlencoded"}
    body = b'{"ScheduleExpression": "rate(1 day)", "Target": {}, "FlexibleTimeWindow": {"Mode": "OFF"}}'
    status, code, text = ask(server, "scheduler", account, "POST", "/schedules/s", given, body)
    assert (status, code) == (400, "ValidationException"), text
    emr = {"X-Amz-Target": "ElasticMapReduce.ListSupportedInstanceTypes", "content-type": "application/x-amz-json-1.1"}
    status, code, text = ask(server, "elasticmapreduce", account, "POST", "/", emr, b'{"ReleaseLabel": "none"}')
    assert (status, code) == (400, "ValidationException"), text


def test_resources_are_tagged_while_somebody_reads_pages(client: Any, account: str) -> None:
    """A page that is left half read cannot be saved. (What cannot be tagged so is told for each resource.)"""
    sqs, tagging = client("sqs"), client("resourcegroupstaggingapi")
    for name in "ab":
        sqs.create_queue(QueueName=name, tags={"k": name})
    assert tagging.get_resources(ResourcesPerPage=1)["PaginationToken"]
    arn = f"arn:aws:sqs:us-east-1:{account}:none"
    assert list(tagging.tag_resources(ResourceARNList=[arn], Tags={"more": "1"})["FailedResourcesMap"]) == [arn]


def test_tokens_that_no_page_gave(client) -> None:
    """Of every list that can be asked for without anything else."""
    answers = []
    for service in sorted(set(map(registry.model_name, registry.PACKAGES)) - {"s3"}):
        asked = client(service, parameter_validation=False)
        model = asked.meta.service_model
        for operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            token = next((t for t in ("NextToken", "Marker", "nextToken") if shape and t in shape.members), None)
            if token is None or shape.required_members:
                continue
            for value in ("a", "-5", "²", "9" * 20):
                try:
                    asked._make_api_call(operation, {token: value})
                except ClientError as error:
                    answers.append(
                        (
                            (operation, value),
                            (error.response["ResponseMetadata"]["HTTPStatusCode"], "", str(error).encode()),
                        )
                    )
    assert len(answers) > 30
    assert_no_failure(answers)
