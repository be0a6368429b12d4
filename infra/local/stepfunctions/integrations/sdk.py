"""SDK integrations (`arn:aws:states:::aws-sdk:glue:getCrawler`): any operation of any service that the local AWS has.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import re
from typing import Any

from botocore import xform_name

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.integrations import answers
from infra.local.stepfunctions.integrations.calls import Call, Started

READS = re.compile(r"(BatchGet|Describe|Get|Head|List|Lookup|Query|Scan|Search|Select)[A-Z]?")


def start(call: Call) -> Started:
    """Make the call. Raises StateFailure."""
    operation = resources.operation(call.resource)
    given = answers.parameters(call.arguments, operation.input_shape)
    if operation.input_shape is not None:
        for name, shape in operation.input_shape.members.items():
            if shape.metadata.get("idempotencyToken") or name == "ClientRequestToken":
                given.setdefault(name, call.token)
    output = send(call, resources.client_name(call.resource.service), operation.name, given)
    shown = answers.answer(output, operation.output_shape)
    return Started(shown, is_submitted=call.resource.pattern == resources.TOKEN)


def send(call: Call, client: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Send a request with boto3. Raises StateFailure with the error's name for Step Functions."""
    try:
        answer: dict[str, Any] = getattr(call.client(client), xform_name(operation))(**given)
    except answers.ERRORS as error:
        raise answers.failure(error, call.resource) from None
    return answer


def is_repeatable(call: Call) -> bool:
    """Whether the same call once more changes nothing more."""
    operation = resources.operation(call.resource)
    shape = operation.input_shape
    known = shape is not None and any(member.metadata.get("idempotencyToken") for member in shape.members.values())
    return READS.match(operation.name) is not None or known


def error_prefix(call: Call) -> str:
    return answers.error_prefix(call.resource)
