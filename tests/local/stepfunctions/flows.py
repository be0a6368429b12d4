"""What tests of Step Functions share: a role, a state machine, an execution that is waited for."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.polling import until

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com", "glue.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    ],
}  # fmt: skip
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def make_role(iam: Any, name: str = "flow", policy: dict[str, Any] = ALL) -> str:
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return arn


def machine(*states: tuple[str, dict[str, Any]], **more: Any) -> str:
    """Return a definition of these states in a row: each leads to the next unless it says where."""
    row: dict[str, Any] = {}
    for number, (name, state) in enumerate(states):
        ends = state["Type"] in ("Choice", "Succeed", "Fail") or "Next" in state or state.get("End")
        following = {} if ends else {"Next": states[number + 1][0]} if number + 1 < len(states) else {"End": True}
        row[name] = {**state, **following}
    return json.dumps({"StartAt": states[0][0], "States": row, **more})


class Flows:
    """Step Functions in one account, with a role that may do everything."""

    def __init__(self, client: Callable[..., Any], role: str | None = None):
        self.client = client
        self.sfn = client("stepfunctions")
        self.role = role or make_role(client("iam"))

    def create(self, name: str, definition: str, **more: Any) -> str:
        made = self.sfn.create_state_machine(
            name=name, definition=definition, roleArn=more.pop("role", self.role), **more
        )
        arn: str = made["stateMachineArn"]
        return arn

    def start(self, machine: str, given: Any = None, **more: Any) -> str:
        text = json.dumps({} if given is None else given)
        arn: str = self.sfn.start_execution(stateMachineArn=machine, input=text, **more)["executionArn"]
        return arn

    def ended(self, execution: str, seconds: float = 60) -> dict[str, Any]:
        def over() -> Any:
            found = self.sfn.describe_execution(executionArn=execution)
            return found if found["status"] != "RUNNING" else None

        found: dict[str, Any] = until(over, "the end of the execution", seconds)
        return found

    def run(self, definition: str, given: Any = None, name: str = "flow") -> dict[str, Any]:
        """Run a new state machine once and return its execution when it is over."""
        return self.ended(self.start(self.create(name, definition), given))

    def history(self, execution: str) -> list[dict[str, Any]]:
        pages = self.sfn.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def kinds(self, execution: str) -> list[str]:
        return [event["type"] for event in self.history(execution)]


def make_function(functions: Any, role: str, source: str) -> str:
    """Return the ARN of a function `f` that is ready."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", source)
    code = {"ZipFile": packed.getvalue()}
    made = functions.create_function(
        FunctionName="f", Runtime="python3.11", Role=role, Handler="app.handler", Code=code, Timeout=900
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="f")
    arn: str = made["FunctionArn"]
    return arn


def make_job(flows: Flows, name: str, script: str) -> None:
    s3 = flows.client("s3")
    bucket = f"jobs-{name}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="job.py", Body=script.encode())
    command = {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": f"s3://{bucket}/job.py"}
    flows.client("glue").create_job(Name=name, Role=flows.role, Command=command, MaxCapacity=0.0625)
