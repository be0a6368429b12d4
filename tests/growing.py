"""What grows, each kind with one change of it: for the test that a change costs the change, and for the measurement of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.local.core import registry

REGION = "us-east-1"
Change = Callable[[int], Any]
TABLE = {"Name": "t", "PartitionKeys": [{"Name": "n", "Type": "int"}], "StorageDescriptor": {"Location": "s3://b/t/"}}


def _catalog(account: str) -> Any:
    backend: Any = registry.get("glue").backends[account][REGION]
    backend.create_database("d", {"Name": "d"})
    backend.create_table("d", "t", TABLE)
    return backend


def partitions(account: str) -> tuple[str, Change]:
    backend = _catalog(account)
    return "glue", lambda n: backend.create_partition(
        "d", "t", {"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://b/{n}/"}}
    )


def table_versions(account: str) -> tuple[str, Change]:
    backend = _catalog(account)
    return "glue", lambda n: backend.update_table("d", "t", {**TABLE, "Description": str(n)})


def job_runs(account: str) -> tuple[str, Change]:
    from infra.local.glue.jobs.record import Job, JobRun

    backend: Any = registry.get("glue").backends[account][REGION]
    settings = {"Command": {"Name": "pythonshell"}, "MaxCapacity": 1.0, "JobMode": "SCRIPT"}
    job = backend.jobs["j"] = Job("j", settings, account, REGION)
    return "glue", lambda n: job.runs.append(JobRun(account, REGION, "j", f"jr_{n:08d}", settings, {}, status="FAILED"))


def log_lines(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("logs").backends[account][REGION]
    backend.create_log_group("g", {})
    backend.create_log_stream("g", "s")
    line = {"timestamp": int(time.time() * 1000), "message": "line"}
    return "logs", lambda n: backend.put_log_events("g", "s", [dict(line)])


def log_streams(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("logs").backends[account][REGION]
    backend.create_log_group("many", {})
    return "logs", lambda n: backend.create_log_stream("many", f"s{n}")


def sessions(account: str) -> tuple[str, Change]:
    from infra.local.core.roles.sessions import new_token

    backend: Any = registry.get("sts").backends[account]["aws"]
    return "sts", lambda n: backend.keep(new_token(account, "u", 3600, None, ""))


def samples(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("monitoring").backends[account][REGION]
    return "monitoring", lambda n: backend.put_metric_data("n", [{"MetricName": "m", "Value": 1.0}])


def stack_events(account: str) -> tuple[str, Change]:
    from infra.local.cloudformation.stack import Stack

    backend: Any = registry.get("cloudformation").backends[account][REGION]
    definition: Any = None
    stack = backend.stacks["id"] = Stack("id", "s", account, REGION, definition, datetime.now(UTC))

    def change(number: int) -> None:
        stack.events.append({"EventId": f"{number:08d}"})
        backend.stacks.note("id")

    return "cloudformation", change


def messages(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("sqs").backends[account][REGION]
    backend.create_queue("q", {})
    return "sqs", lambda n: backend.send_message("q", f"message {n}")


def tables(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("glue").backends[account][REGION]
    backend.create_database("many", {"Name": "many"})
    return "glue", lambda n: backend.create_table("many", f"t{n}", TABLE)


def databases(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("glue").backends[account][REGION]
    return "glue", lambda n: backend.create_database(f"d{n}", {"Name": f"d{n}"})


def items(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("dynamodb").backends[account][REGION]
    keys = [{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("k", "r")]
    backend.create_table(
        "t", schema=keys, throughput=None, attr=types, global_indexes=None, indexes=None, streams=None, billing_mode="",
        sse_specification=None, tags=[], deletion_protection_enabled=False, warm_throughput=None,
    )  # fmt: skip
    return "dynamodb", lambda n: backend.put_item("t", {"k": {"S": str(n % 7)}, "r": {"S": str(n)}})


def parameters(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("ssm").backends[account][REGION]
    tags = [{"Key": "a", "Value": "b"}]
    return "ssm", lambda n: backend.put_parameter(
        f"p{n}", "", "v", "String", "", "", False, tags, "text", "Standard", None
    )


def queues(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("sqs").backends[account][REGION]
    return "sqs", lambda n: backend.create_queue(f"q{n}", {})


def topics(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("sns").backends[account][REGION]
    return "sns", lambda n: backend.create_topic(f"t{n}")


def subscriptions(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("sns").backends[account][REGION]
    topic = backend.create_topic("t").arn
    return "sns", lambda n: backend.subscribe(topic, f"arn:aws:lambda:{REGION}:{account}:function:f{n}", "lambda")


def buckets(account: str) -> tuple[str, Change]:
    backend: Any = registry.get("s3").backends[account]["aws"]
    return "s3", lambda n: backend.create_bucket(f"bucket-{account}-{n}", REGION)


def _identities(account: str) -> Any:
    return registry.get("iam").backends[account]["aws"]


def _policy(principal: bool) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    told = {"Principal": {"Service": "lambda.amazonaws.com"}} if principal else {"Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, **told}]})


def roles(account: str) -> tuple[str, Change]:
    backend, trust = _identities(account), _policy(True)
    backend.create_policy("", "/", _policy(False), "p", [])

    def change(number: int) -> None:
        backend.create_role(f"r{number}", trust, "/", None, "", [], 3600)
        backend.attach_role_policy(f"arn:aws:iam::{account}:policy/p", f"r{number}")

    return "iam", change


def users(account: str) -> tuple[str, Change]:
    backend = _identities(account)

    def change(number: int) -> None:
        backend.create_user(REGION, f"u{number}")
        backend.create_access_key(f"u{number}")

    return "iam", change


def policies(account: str) -> tuple[str, Change]:
    backend, document = _identities(account), _policy(False)
    return "iam", lambda n: backend.create_policy("", "/", document, f"p{n}", [])


KINDS = {
    "tables of a database": tables,
    "databases": databases,
    "items of a table of DynamoDB": items,
    "parameters": parameters,
    "queues": queues,
    "topics": topics,
    "subscriptions of a topic": subscriptions,
    "buckets": buckets,
    "roles": roles,
    "users": users,
    "policies": policies,
    "partitions of a table": partitions,
    "versions of a table": table_versions,
    "runs of a job": job_runs,
    "lines of a log stream": log_lines,
    "streams of a log group": log_streams,
    "credentials of STS": sessions,
    "samples of a metric": samples,
    "events of a stack": stack_events,
    "messages of a queue": messages,
}
