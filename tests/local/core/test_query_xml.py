"""Our writer of the query protocol beside moto's: botocore reads the same from both."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.parsers import QueryParser
from moto.core.serialize import QuerySerializer, XFormedAttributePicker
from moto.core.utils import get_service_model

from infra.local.core import query_xml

WHEN = datetime(2026, 1, 5, 9, 0, 0, 120_000, tzinfo=UTC)
CASES = {
    ("cloudformation", "DescribeStacks"): {
        "Stacks": [
            {
                "StackName": "a",
                "StackId": "arn:a",
                "CreationTime": WHEN,
                "LastUpdatedTime": WHEN.replace(microsecond=0),
                "DeletionTime": None,
                "StackStatus": "CREATE_COMPLETE",
                "Description": "less < more & 'quoted' \"twice\" ü",
                "DisableRollback": False,
                "TimeoutInMinutes": 5,
                "RollbackConfiguration": {},
                "Outputs": [{"OutputKey": "K", "OutputValue": "v", "Description": None}],
                "NotificationARNs": [],
                "Capabilities": ["CAPABILITY_IAM"],
            },
            {"StackName": "b", "CreationTime": WHEN, "StackStatus": "CREATE_FAILED", "DisableRollback": True},
        ],
        "NextToken": None,
    },
    ("cloudformation", "DescribeChangeSet"): {
        "Changes": [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Modify",
                    "Scope": ["Properties", "Tags"],
                    "Details": [{"Target": {"Attribute": "Tags", "RequiresRecreation": "Never"}}],
                },
            }
        ],
        "Tags": [{"Key": "k", "Value": ""}],
    },
    ("cloudformation", "DeleteStack"): None,
    ("sqs", "GetQueueAttributes"): {"Attributes": {"QueueArn": "arn", "VisibilityTimeout": "30"}},
    ("iam", "GetAccountSummary"): {"SummaryMap": {"Users": 3}},
    ("cloudwatch", "GetMetricStatistics"): {"Label": "x", "Datapoints": [{"Sum": 1.5, "ExtendedStatistics": {"p9": 2.0}}]},
}  # fmt: skip


def _read(operation: Any, body: str) -> Any:
    answer = {"headers": {}, "status_code": 200, "body": body.encode()}
    read = QueryParser().parse(answer, operation.output_shape)
    read.pop("ResponseMetadata", None)
    return read


@pytest.mark.parametrize(("service", "name"), CASES)
def test_what_botocore_reads_is_what_it_reads_of_motos(service: str, name: str) -> None:
    operation, result = get_service_model(service).operation_model(name), CASES[service, name]
    picker = XFormedAttributePicker(response_transformers=None)
    theirs = QuerySerializer(operation_model=operation, value_picker=picker).serialize(result)["body"]
    ours = query_xml.answer(operation, result)
    assert _read(operation, ours) == _read(operation, theirs)
    if result is not None:
        assert _read(operation, ours)


def test_a_shape_that_holds_itself() -> None:
    node = SimpleNamespace(name="Node", type_name="structure", serialization={}, members={})
    text = SimpleNamespace(name="Text", type_name="string", serialization={})
    node.members = {
        "Name": text,
        "Next": SimpleNamespace(**{**vars(node), "serialization": {"name": "next"}, "members": node.members}),
    }
    output = SimpleNamespace(name="Output", type_name="structure", serialization={}, members={"Node": node})
    operation = SimpleNamespace(name="Get", metadata={}, output_shape=output)

    class Hashed(SimpleNamespace):
        __hash__ = object.__hash__

    body = query_xml.answer(Hashed(**vars(operation)), {"Node": {"Name": "a", "Next": {"Name": "b"}}})
    assert "<Node><Name>a</Name><next><Name>b</Name></next></Node>" in body
