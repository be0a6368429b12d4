"""Chapter 01: shards, buffering hints; a prefix without its slash, a put that fails in part, a role renamed under Firehose."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from infra.teaching import forms, look
from infra.teaching.exercise import Exercise, Names, Open, Wrong

EVENTS_A_SECOND, EVENT_BYTES = 5000, 178
SHARD_RECORDS, SHARD_BYTES = 1000, 2**20
AGAIN = 'deploy("01_trial")'
WITH_SLASH, WITHOUT_SLASH = "trials/raw/", "trials/raw"
HOUR = re.compile(r"trials/raw\d{4}/\d\d/\d\d/\d\d/")
ROLE, DELIVERY = "AnalyticsWorkshopTrialRole", "analytics-workshop-trial"  # the defaults of the stack


def shards(answer: Any, names: Names) -> str:
    answer = forms.number(answer)
    by_records = math.ceil(EVENTS_A_SECOND / SHARD_RECORDS)
    by_bytes = math.ceil(EVENTS_A_SECOND * EVENT_BYTES / SHARD_BYTES)
    if answer == by_bytes:
        raise Wrong("That is enough for the bytes. A shard has a second limit.")
    if answer != max(by_records, by_bytes):
        raise Wrong("Two limits, so two divisions; the larger result counts.")
    return "Five: small events run into the limit of records long before the limit of bytes."


def first_hint(answer: Any, names: Names) -> str:
    seconds = 2**20 / (50 * EVENT_BYTES)
    word = forms.word(answer)
    if word == "size":
        raise Wrong(f"At this rate 1 MiB needs {seconds:.0f} seconds, and the clock stands at 60.")
    if word != "time":
        raise Wrong('Say "size" or "time".')
    return f"Time: 1 MiB needs {seconds:.0f} seconds at this rate. At 100 events a second both fire together, after 59 seconds."


def _stack(names: Names) -> dict[str, Any]:
    cloudformation = names["aws"].client("cloudformation")
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName="analytics-workshop-01-trial")["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise Wrong(f"The trial's stack is not there: run the cell with {AGAIN} first.") from None
    return stack


def _delivery(names: Names) -> dict[str, Any]:
    outputs = {output["OutputKey"]: output["OutputValue"] for output in _stack(names).get("Outputs", [])}
    described = names["firehose"].describe_delivery_stream(DeliveryStreamName=outputs["DeliveryStreamName"])
    found: dict[str, Any] = described["DeliveryStreamDescription"]
    return found


def key_without_slash(_: Any, names: Names) -> str:
    prefix = _delivery(names)["Destinations"][0]["ExtendedS3DestinationDescription"]["Prefix"]
    placed = [key for key in look.keys(names["s3"], names["bucket"], WITHOUT_SLASH) if HOUR.match(key)]
    delivered = [key for key in placed if key.split("/")[-1].startswith(DELIVERY)]
    if delivered:
        return (
            f"{delivered[0].rsplit('/', 1)[0]}/… : Firehose puts nothing between prefix and year. No crawler of trials/raw/ ever sees "
            "this folder, and one of trials/ makes a table of its own of it. The most common mistake of this lab."
        )
    if placed:
        raise Wrong(
            "An object lies at the right place, but Firehose has not written it: it gives its own name to a file."
        )
    if prefix == WITH_SLASH:
        raise Open
    if prefix != WITHOUT_SLASH:
        raise Wrong(f"The prefix is now {prefix!r}. Leave only the slash at the end away: {WITHOUT_SLASH!r}.")
    raise Wrong(
        "The prefix is changed, and no event has come since: put one into the trial's stream, and wait a moment."
    )


def each_once(_: Any, names: Names) -> str:
    burst = {record["Data"] for record in names["burst"]}
    there = Counter(
        data for data in look.records(names["kinesis"], names["trial"]["StreamName"], AGAIN) if data in burst
    )
    if not there:
        raise Open
    twice, missing = sum(count > 1 for count in there.values()), len(burst) - len(there)
    if twice:
        raise Wrong(
            f"{twice:,} events are there more than once: only what was refused is sent again, not the whole batch. "
            "Run the cell with `burst` once more, it makes new events."
        )
    if missing:
        raise Wrong(
            f"{missing:,} of {len(burst):,} are missing, though put_records has raised no error: it tells in FailedRecordCount how many it "
            "has refused. Run the cell with `burst` once more, it makes new events."
        )
    return f"{len(burst):,} events, each of them once. A put that is answered without an error may still have failed in part."


def renamed_role(_: Any, names: Names) -> str:
    stack, delivery = _stack(names), _delivery(names)
    role = delivery["Source"]["KinesisStreamSourceDescription"]["RoleARN"].rpartition("/")[2]
    if role == ROLE and "ROLLBACK" in stack["StackStatus"]:
        raise Wrong(
            "CloudFormation has tried and put everything back, so Firehose still has the old role. Its message names what stands in the "
            "way: a resource that must be replaced, and has a name of its own. Which parameter gives it that name?"
        )
    if role == ROLE:
        raise Open
    if delivery["DeliveryStreamName"] == DELIVERY:
        raise Wrong(
            "The role is new, and Firehose has its old name: so it was deleted in between, with all that it had not delivered yet. "
            f"Delete the stack, run the cell with {AGAIN}, and get there by an update."
        )
    return (
        f"{delivery['DeliveryStreamName']} delivers as {role}. The role of a Kinesis source cannot be changed in place, so a new Firehose is "
        "made before the old one goes, and two cannot have one name. Never rename a role that Firehose uses, or leave the Firehose unnamed."
    )


EXERCISES = [
    Exercise(
        "1.1",
        shards,
        hints=(
            "How many shards for the records, and how many for the bytes?",
            "5,000 records a second against 1,000 a shard, and 0.85 MiB a second against 1 MiB a shard.",
        ),
        solution="answer_1_1 = max(-(-5000 // 1000), -(-5000 * 178 // 2**20))",
    ),
    Exercise(
        "1.2",
        first_hint,
        hints=(
            "How many seconds do 1,048,576 bytes take at this rate?",
            "50 events a second of 178 bytes are 8,900 bytes a second; divide.",
        ),
        solution='answer_1_2 = "size" if 2**20 / (50 * 178) < 60 else "time"',
    ),
    Exercise(
        "1.3",
        key_without_slash,
        hints=(
            'deploy("01_trial", Prefix="trials/raw") changes the stack; then kinesis.put_record, as above.',
            's3.list_objects_v2(Bucket=bucket, Prefix="trials/")["Contents"] shows what has come; ask again after a moment.',
        ),
        solution="""deploy("01_trial", Prefix="trials/raw")
kinesis.put_record(StreamName=trial["StreamName"], PartitionKey="device-1", Data=event.encode())
wait_for(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="trials/raw2")["KeyCount"], bool, "file")""",
        answer=False,
    ),
    Exercise(
        "1.4",
        each_once,
        hints=(
            "The entries of the answer's Records stand in the order of what you sent; one that was refused has an ErrorCode.",
            "In a loop: put what is `left`, and make `left` of those that were refused; wait a little before the next call.",
        ),
        solution="""import time

left = list(burst)
while left:
    answers = kinesis.put_records(StreamName=trial["StreamName"], Records=left)["Records"]
    left = [record for record, answer in zip(left, answers) if "ErrorCode" in answer]
    time.sleep(0.2)""",
        answer=False,
    ),
    Exercise(
        "1.5",
        renamed_role,
        hints=(
            'deploy("01_trial", RoleName="AnalyticsWorkshopRenamedRole") fails, and its last line says why.',
            "Replacing means: the new one is made before the old one is deleted. Two of one name cannot be, so give another DeliveryName.",
        ),
        solution="""deploy("01_trial", RoleName="AnalyticsWorkshopRenamedRole", DeliveryName="analytics-workshop-trial-2")""",
        answer=False,
    ),
]

CHECK_YOURSELF = (
    "The device's id. The same key has the same hash, so all its events go to one shard, and order is kept within a shard.",
    "Each file is a request with a price and a waiting time of its own, when it is written and each time that it is read. A reader spends its time on opening, not on reading.",
    "Whether somebody has changed the delivery stream since: it begins at 1 and goes up with each change of the destination, for example after exercise 1.3.",
)
