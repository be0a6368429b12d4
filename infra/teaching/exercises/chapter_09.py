"""Chapter 09: S3's own message, a pattern that leaves markers out, the fault that nobody hears, what an execution costs."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.teaching import forms
from infra.teaching.exercise import Exercise, Names, Open, Wrong

FAILED_RULE = "automation-failed"


def messages(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    files = names["files"]
    if answer == files:
        raise Wrong("S3 has sent one more: look at what it says when a queue is connected.")
    if answer != files + 1:
        raise Wrong("One message an object, and one from S3 itself.")
    return f"{files} files and S3's test event, which it sends when the queue is connected. The crawler passes over it."


def _event(names: Names, key: str, kind: str = "Object Created") -> str:
    detail = {"bucket": {"name": names["bucket"]}, "object": {"key": key}}
    common = {"id": "1", "account": "1", "time": "2026-01-05T09:00:00Z", "region": "us-east-1", "resources": []}
    return json.dumps({**common, "source": "aws.s3", "detail-type": kind, "detail": detail})


def only_data(answer: Any, names: Names) -> str:
    answer = answer if isinstance(answer, dict) else forms.single(answer)
    try:
        pattern = answer if isinstance(answer, str) else json.dumps(answer, default=list)
    except TypeError as error:
        raise Wrong(f"A pattern is JSON: dictionaries, lists and texts. {error}.") from None

    def matches(key: str, kind: str = "Object Created") -> bool:
        event = _event(names, key, kind)
        try:
            return bool(names["events"].test_event_pattern(EventPattern=pattern, Event=event)["Result"])
        except ClientError as error:
            raise Wrong(f"EventBridge does not take it: {error.response['Error']['Message']}") from None

    if not matches("automation/arrivals/2026-01-05/1.json"):
        raise Wrong(
            "It does not match automation/arrivals/2026-01-05/1.json. The event's shape is source, detail-type, detail."
        )
    if matches("automation/arrivals/2026-01-05/_SUCCESS"):
        raise Wrong("It also matches the marker _SUCCESS. Two conditions in one list mean: one of them is enough.")
    if matches("automation/arrivals/2026-01-05/1.csv"):
        raise Wrong("It also matches a file that is no .json: say how the key ends, not only how it does not end.")
    if matches("automation/summary/plays.json"):
        raise Wrong("It also matches what the job writes: the rule would trigger itself.")
    if matches("automation/arrivals/2026-01-05/1.json", "Object Deleted"):
        raise Wrong("It also matches Object Deleted of the same key: detail-type belongs into the pattern.")
    return "Conditions in one list are alternatives, so both ends of the key must stand in one wildcard."


def fault_is_heard(answer: Any, names: Names) -> str:
    events = names["events"]
    found = [rule for rule in events.list_rules(NamePrefix=FAILED_RULE)["Rules"] if rule["Name"] == FAILED_RULE]
    if not found:
        raise Open
    if found[0]["State"] != "ENABLED":
        raise Wrong("The rule is there, and switched off.")
    job = {"jobName": names["job"], "state": "FAILED"}
    common = {"id": "1", "account": "1", "time": "2026-01-05T09:00:00Z", "region": "us-east-1", "resources": []}

    def matches(detail: dict[str, str]) -> bool:
        event = {**common, "source": "aws.glue", "detail-type": "Glue Job State Change", "detail": detail}
        asked = {"EventPattern": found[0].get("EventPattern", ""), "Event": json.dumps(event)}
        return bool(events.test_event_pattern(**asked)["Result"])

    if not matches(job):
        raise Wrong("The rule's pattern does not match a Glue Job State Change of our job with the state FAILED.")
    if matches({**job, "state": "SUCCEEDED"}):
        raise Wrong("The rule also matches a job that has succeeded.")
    targets = events.list_targets_by_rule(Rule=FAILED_RULE)["Targets"]
    if not any(target["Arn"] == names["chain"] for target in targets):
        raise Wrong("The rule has no target that is the function of the chain.")
    if not any('"tell"' in target.get("Input", "") for target in targets):
        raise Wrong("The function does what its event asks for: give the target an Input with do and text.")
    return "Now a failed job is told like a good one. A chain needs such a rule for each of its links."


def transitions(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    pages = names["machines"].get_paginator("get_execution_history").paginate(executionArn=names["execution"])
    entered = sum(event["type"].endswith("StateEntered") for page in pages for event in page["events"])
    if answer == len(names["definition"]["States"]) != entered:
        raise Wrong("That is how many states there are. Some were entered twice or more, some never.")
    if answer != entered:
        raise Wrong("Count the events in the history whose type ends in StateEntered.")
    return f"{entered} transitions, {entered / 1000 * names['prices'].STATE_TRANSITIONS_1000:.5f} USD. Waiting costs nothing; looking does."


EXERCISES = [
    Exercise(
        "9.1",
        messages,
        hints=("Receive them all and look at the first.", "S3 sends an s3:TestEvent when a queue is connected."),
        solution="answer_9_1 = files + 1",
    ),
    Exercise(
        "9.2",
        only_data,
        hints=(
            "Two conditions in one list are alternatives, so prefix and suffix do not help together.",
            "A wildcard says how a text begins and ends.",
        ),
        solution="""answer_9_2 = {
    "source": ["aws.s3"],
    "detail-type": ["Object Created"],
    "detail": {"object": {"key": [{"wildcard": "automation/arrivals/*.json"}]}},
}""",
    ),
    Exercise(
        "9.3",
        fault_is_heard,
        hints=(
            "put_rule with a pattern for Glue Job State Change, jobName and state, then put_targets.",
            'The target is the function, its Input is \'{"do": "tell", "text": "…"}\'.',
        ),
        solution="""pattern = {
    "source": ["aws.glue"],
    "detail-type": ["Glue Job State Change"],
    "detail": {"jobName": [job], "state": ["FAILED"]},
}
events.put_rule(Name="automation-failed", EventPattern=json.dumps(pattern))
step = '{"do": "tell", "text": "The job has failed."}'
_ = events.put_targets(Rule="automation-failed", Targets=[{"Id": "chain", "Arn": chain, "Input": step}])""",
        answer=False,
    ),
    Exercise(
        "9.4",
        transitions,
        hints=(
            "Each state that is entered is one transition, also the second and third time.",
            'sum(event["type"].endswith("StateEntered") for event in history)',
        ),
        solution="""answer_9_4 = sum(
    event["type"].endswith("StateEntered")
    for page in machines.get_paginator("get_execution_history").paginate(executionArn=execution)
    for event in page["events"]
)""",
    ),
]

CHECK_YOURSELF = (
    "A queue starts no crawler. It only says where to look; a schedule, a rule with a function, or a state machine must start it.",
    "Nothing arrived or the rule did not match (test_event_pattern, the metric MatchedEvents); a step failed (the service: job run, LastCrawl, log); the target did not take the event (dead-letter queue, FailedInvocations).",
    "READY says that the crawler is at rest, not how its crawl ended: one that has failed is READY too.",
)
