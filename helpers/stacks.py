"""Deploy and delete the workshop's CloudFormation stacks from a notebook, and watch them being made."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Set
from html import escape
from typing import Any

import boto3
from botocore.exceptions import ClientError

from helpers import money
from helpers.showing import live_line
from infra.teaching import cost

FOLDER = money.FOLDER
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
TO_DELETE_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
FIRST_WAIT, LONGEST_WAIT = 0.05, 2.0  # seconds between two looks; AWS limits how often one may ask
SHOWN_EVENTS = 8


class StackFailed(RuntimeError):
    """A stack could not be made, changed or deleted. Shown as its one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def stack_name(template: str) -> str:
    """Return the name of a template's stack: `01_ingest` is deployed as `analytics-workshop-01-ingest`."""
    return f"analytics-workshop-{template.replace('_', '-')}"


def deploy(template: str, **parameters: Any) -> dict[str, str]:
    """Make the stack of a template in infra/stacks what the template says, and return its outputs.

    A stack that is not there is created, one that differs is changed, one that is the same is left alone; so a cell with this
    call can be run again and again.

    Parameters
    ----------
    template: file name without its ending, for example `01_ingest`
    parameters: the template's parameters; those not given have the template's default

    Raises StackFailed with the reason of the first resource that failed, LimitReached on real AWS where it would pass the limit in USD.
    """
    client, name = boto3.client("cloudformation"), stack_name(template)
    body = (FOLDER / f"{template}.yaml").read_text()
    price = cost.of_template(body, client.meta.region_name)
    money.check(price.hourly)
    status = _resting_status(client, name)
    if status in TO_DELETE_FIRST:
        delete_named(client, name)
        status = None
    change_set = _change_set(
        client, name, body, parameters, "CREATE" if status in (None, "REVIEW_IN_PROGRESS") else "UPDATE"
    )
    if change_set is not None:
        stack_id = change_set["StackId"]
        seen = {event["EventId"] for event in _events(client, stack_id)}
        client.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
        _watch(client, stack_id, name, seen, ("CREATE_COMPLETE", "UPDATE_COMPLETE"), "deployed")
    stack = client.describe_stacks(StackName=name)["Stacks"][0]
    _show_resources(client, name)
    money.say(price)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def delete(template: str) -> None:
    """Delete the stack of a template with all that it made; a stack that is not there is fine.

    Raises StackFailed with the reason, for example a bucket that still holds objects.
    """
    client, name = boto3.client("cloudformation"), stack_name(template)
    if _resting_status(client, name) is None:
        print(f"Stack {name} is not there: nothing to delete.")
        return
    delete_named(client, name)
    print(f"Stack {name} and everything in it is deleted.")


def delete_named(client: Any, name: str) -> None:
    """Delete a stack that is there, and show its events meanwhile.

    Parameters
    ----------
    client: boto3 client of CloudFormation
    name: the stack's whole name

    Raises StackFailed with the reason, also where the stack is left as it was (an export that another stack uses).
    """
    stack_id = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    seen = {event["EventId"] for event in _events(client, stack_id)}
    client.delete_stack(StackName=name)
    _watch(client, stack_id, name, seen, ("DELETE_COMPLETE",), "deleted")


def _status(client: Any, name: str) -> str | None:
    try:
        return client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError" and "does not exist" in str(error):
            return None
        raise


def _resting_status(client: Any, name: str) -> str | None:
    """Return a stack's status once nothing is going on with it; None when it is not there."""
    for _ in _looks():
        status = _status(client, name)
        if status is None or status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return None if status == "DELETE_COMPLETE" else status
    return None


def _looks() -> Iterator[None]:
    """Come back for ever, at once at first and then less and less often."""
    wait = FIRST_WAIT
    while True:
        yield
        time.sleep(wait)
        wait = min(1.5 * wait, LONGEST_WAIT)


def _change_set(client: Any, name: str, body: str, parameters: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Return a change set that can be executed, or None when there is nothing to change."""
    try:
        made = client.create_change_set(
            StackName=name,
            ChangeSetName=f"workshop-{uuid.uuid4().hex}",
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise StackFailed(f"The stack {name} was refused: {error.response['Error']['Message']}") from None
    for _ in _looks():
        change_set = client.describe_change_set(ChangeSetName=made["Id"])
        if change_set["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
    if change_set["Status"] == "CREATE_COMPLETE":
        return change_set
    client.delete_change_set(ChangeSetName=made["Id"])
    if any(words in change_set["StatusReason"] for words in NO_CHANGES):
        return None
    raise StackFailed(f"The stack {name} was refused: {change_set['StatusReason']}")


def _events(client: Any, stack_id: str, seen: Set[str] = frozenset()) -> list[dict[str, Any]]:
    """Return a stack's events that were not seen before, oldest first."""
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [event for page in pages for event in page["StackEvents"] if event["EventId"] not in seen][::-1]


def _watch(client: Any, stack_id: str, name: str, seen: Set[str], good: tuple[str, ...], word: str) -> None:
    """Show the events of an operation until it ends. Raises StackFailed when it does not end in a `good` state."""
    show = _display(name)
    for _ in _looks():
        events = _events(client, stack_id, seen)
        status = client.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        show(events, status)
        if events and not status.endswith("_IN_PROGRESS"):
            break
    show([], status)
    if status not in good:
        raise StackFailed(_why(name, _events(client, stack_id, seen), status, word))


def _why(name: str, events: list[dict[str, Any]], status: str, word: str) -> str:
    """Return what failed first, and why, in one sentence."""
    failed = [
        event
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
        and event["PhysicalResourceId"] != event["StackId"]
        and "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    where = ""
    if failed:
        where = f"{failed[0]['LogicalResourceId']} ({failed[0]['ResourceType']}): "
    of_stack = [event for event in events[1:] if event["PhysicalResourceId"] == event["StackId"]]
    reasons = [event["ResourceStatusReason"] for event in failed or of_stack if event.get("ResourceStatusReason")]
    reason = _plain(reasons[0]) if reasons else "no reason given"
    return f"The stack {name} was not {word}: {where}{reason}. It is now in the state {status}."


def _plain(reason: str) -> str:
    """Return the message of a resource's service without the request's numbers around it."""
    inner = re.fullmatch(r'Resource handler returned message: "(.*)" \(RequestToken:.*\)', reason, re.DOTALL)
    message = inner[1] if inner else reason
    return re.sub(r" \(Service: [^()]*\)$", "", message).rstrip(". ")


def _display(name: str) -> Callable[[list[dict[str, Any]], str], None]:
    """Return a function that shows the last events below the present cell; at the end nothing of it is left."""
    update = live_line()

    def show(events: list[dict[str, Any]], status: str) -> None:
        rows = "".join(f"<tr><td>{'</td><td>'.join(map(escape, _cells(e)))}</td></tr>" for e in events[-SHOWN_EVENTS:])
        update(f"<p>{escape(name)}: {escape(status)}</p><table>{rows}</table>" if events else None)

    return show


def _cells(event: dict[str, Any]) -> tuple[str, str, str, str]:
    return (
        event["LogicalResourceId"],
        event["ResourceType"],
        event["ResourceStatus"],
        event.get("ResourceStatusReason", ""),
    )


def _show_resources(client: Any, name: str) -> None:
    """Say what there is. No times and no states, so that a stored output never differs from a new one."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    found = sorted(
        (item["LogicalResourceId"], item["ResourceType"]) for page in pages for item in page["StackResourceSummaries"]
    )
    width = max(len(logical_id) for logical_id, _ in found)
    print(f"Stack {name} is ready:")
    for logical_id, kind in found:
        print(f"  {logical_id:<{width}}  {kind}")
