"""Pattern 2: one function between the rules and what they cannot start themselves.

A rule of EventBridge can neither start a crawler nor a job, so each rule of the chain asks this function, and its target's Input says what to do.
"""

from __future__ import annotations

import os
from typing import Any

import boto3

glue, sns = boto3.client("glue"), boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> str:
    """Do the next step: `event` is {"do": "start_crawler", "name": …}, {"do": "start_job", …} or {"do": "tell", "text": …}."""
    step = event["do"]
    print(step, event.get("name") or event.get("text"))
    if step == "start_crawler":
        return start_crawler(event["name"])
    if step == "start_job":
        return str(glue.start_job_run(JobName=event["name"])["JobRunId"])
    if step == "tell":
        return str(sns.publish(TopicArn=os.environ["TOPIC_ARN"], Message=event["text"])["MessageId"])
    raise ValueError(f"unknown step {step}")


def start_crawler(name: str) -> str:
    """Start a crawler; many objects raise many events, and one crawl is enough for them."""
    try:
        glue.start_crawler(Name=name)
    except glue.exceptions.CrawlerRunningException:
        return f"{name} is running already"
    return f"{name} started"
