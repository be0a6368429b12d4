"""Operations on activities: work that is done by workers outside, who ask for it.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
"""

from __future__ import annotations

import time

from infra.local.stepfunctions.api import Answer, Ask, page
from infra.local.stepfunctions.backend import ACTIVITY, Activity, check_name
from infra.local.stepfunctions.engine import ENGINE
from infra.local.stepfunctions.errors import StatesError, invalid_arn

POLL_SECONDS = 60.0
LOOK_SECONDS = 0.1


def create(ask: Ask) -> Answer:
    check_name(ask["name"])
    encryption = ask.get("encryptionConfiguration") or {"type": "AWS_OWNED_KEY"}
    if encryption.get("type") != "AWS_OWNED_KEY":
        raise StatesError(
            "InvalidEncryptionConfiguration",
            "Invalid Encryption Configuration: the local AWS has no customer managed keys.",
        )
    arn = ask.backend.arn("activity", ask["name"])
    activity = ask.backend.activities.get(arn)
    if activity is None:
        activity = Activity(arn, ask["name"], time.time(), encryption)
        ask.backend.activities[arn] = activity
        if ask.get("tags"):
            ask.backend.tagger.tag_resource(arn, ask["tags"])
    return {"activityArn": arn, "creationDate": activity.created}


def _find(ask: Ask) -> Activity:
    arn = ask["activityArn"]
    if not ACTIVITY.fullmatch(arn):
        raise invalid_arn(arn)
    if arn not in ask.backend.activities:
        raise StatesError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return ask.backend.activities[arn]


def delete(ask: Ask) -> Answer:
    if not ACTIVITY.fullmatch(ask["activityArn"]):
        raise invalid_arn(ask["activityArn"])
    ask.backend.activities.pop(ask["activityArn"], None)
    return {}


def describe(ask: Ask) -> Answer:
    activity = _find(ask)
    return {
        "activityArn": activity.arn,
        "name": activity.name,
        "creationDate": activity.created,
        "encryptionConfiguration": activity.encryption,
    }


def list_(ask: Ask) -> Answer:
    activities = sorted(ask.backend.activities.values(), key=lambda activity: activity.name)
    shown, more = page(ask, activities, "activities")
    names = [{"activityArn": each.arn, "name": each.name, "creationDate": each.created} for each in shown]
    return {"activities": names, **more}


def get_task(ask: Ask) -> Answer:
    """Wait up to a minute for a task; without one the answer is empty, as on AWS."""
    arn = _find(ask).arn
    deadline = time.monotonic() + POLL_SECONDS
    while not ENGINE.stopping:
        found = ENGINE.next_activity(arn, ask.get("workerName"))
        if found is not None:
            return {"taskToken": found[0], "input": found[1]}
        if time.monotonic() >= deadline:
            break
        time.sleep(LOOK_SECONDS)
    return {}
