"""Amazon SQS, Amazon SNS and EventBridge.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html, connect-sns.html and connect-eventbridge.html
"""

from __future__ import annotations

from infra.local.stepfunctions import resources
from infra.local.stepfunctions.failures import StateFailure
from infra.local.stepfunctions.integrations import answers, sdk
from infra.local.stepfunctions.integrations.calls import Call, Started
from infra.local.stepfunctions.scope import compact


def start(call: Call) -> Started:
    """Send the message or the events. Raises StateFailure."""
    operation = resources.operation(call.resource)
    given = answers.parameters(call.arguments, operation.input_shape)
    if call.resource.service == "events":
        for entry in given["Entries"]:
            entry.setdefault("Resources", [])
            entry["Resources"] = [*entry["Resources"], call.execution.arn, call.execution.machine_arn]
    output = sdk.send(call, call.resource.service, operation.name, given)
    shown = answers.answer(output, operation.output_shape)
    if call.resource.service == "events":
        if output.get("FailedEntryCount"):
            raise StateFailure("EventBridge.FailedEntry", compact(shown))
    else:
        shown |= answers.metadata(output)
    return Started(shown, is_submitted=call.resource.pattern == resources.TOKEN)


def is_repeatable(call: Call) -> bool:
    """A FIFO queue or topic knows a message by its deduplication id."""
    return "MessageDeduplicationId" in call.arguments


def error_prefix(call: Call) -> str:
    return answers.error_prefix(call.resource)
