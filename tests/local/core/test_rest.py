"""Requests of REST-JSON services are read by AWS's model; expected values are botocore's own serialiser's."""

import json

import boto3
import pytest
from botocore.config import Config

from infra.local.core import rest
from infra.local.core.shapes import Malformed

SENT = [
    ("create_function", {"FunctionName": "f", "Role": "r", "Code": {"ZipFile": b"x"}, "MemorySize": 128, "Tags": {"a": "b"}}),
    ("invoke", {"FunctionName": "arn:aws:lambda:us-east-1:1:function:f", "Qualifier": "2", "LogType": "Tail", "Payload": b'{"a": 1}'}),
    ("get_layer_version_by_arn", {"Arn": "arn:aws:lambda:us-east-1:123456789012:layer:l:1"}),
    ("list_layers", {"MaxItems": 3}),
    ("list_provisioned_concurrency_configs", {"FunctionName": "f"}),
    ("untag_resource", {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "TagKeys": ["a", "b"]}),
    ("update_event_source_mapping", {"UUID": "u", "Enabled": False, "BatchSize": 3}),
    ("delete_layer_version", {"LayerName": "l", "VersionNumber": 12}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "given"), SENT, ids=[name for name, _ in SENT])
def test_what_boto3_sends_is_read_back(method, given):
    client = boto3.client(
        "lambda",
        region_name="us-east-1",
        aws_access_key_id="1",
        aws_secret_access_key="1",
        config=Config(parameter_validation=False),
    )
    name = client.meta.method_to_api_mapping[method]
    sent = {}

    def keep(request, **_):
        path, _, query = request.url.partition("amazonaws.com")[2].partition("?")
        sent.update(method=request.method, path=path, query=query, headers=dict(request.headers), body=request.body)
        raise KeyboardInterrupt

    client.meta.events.register("before-send", keep)
    with pytest.raises(KeyboardInterrupt):
        getattr(client, method)(**given)
    assert rest.operation("lambda", sent["method"], sent["path"], sent["query"]) == name
    body = sent["body"] or b""
    body = body if isinstance(body, bytes) else body.read()
    headers = {key: value.decode() if isinstance(value, bytes) else value for key, value in sent["headers"].items()}
    read = rest.parameters("lambda", name, sent["path"], sent["query"], headers, body)
    expected = json.loads(json.dumps(given, default=lambda value: {b"x": "eA=="}.get(value, value.decode())))
    if isinstance(read.get("Payload"), bytes):
        read["Payload"] = read["Payload"].decode()
    assert read == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "Start of structure or map found where not expected"),
        (b'{"MemorySize": "128"}', "STRING_VALUE can not be converted to an Integer at 'memorySize'"),
        (b'{"Layers": "one"}', "STRING_VALUE can not be converted to a List at 'layers'"),
        (b'{"Environment": {"Variables": {"A": 1}}}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"Timeout": true}', "TRUE_VALUE can not be converted to an Integer"),
    ],
)
def test_a_body_of_another_form_is_refused(body, said):
    with pytest.raises(Malformed, match=said):
        rest.parameters("lambda", "CreateFunction", "/2015-03-31/functions", "", {}, body)
