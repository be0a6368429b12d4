"""Functions for tests: a zip from source text, a role that Lambda may take, a function that is ready."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ECHO = "def handler(event, context):\n    return event\n"


def zipped(files: dict[str, str] | str) -> bytes:
    """The zip of files by name; of a text, as app.py."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in ({"app.py": files} if isinstance(files, str) else files).items():
            archive.writestr(name, text)
    return data.getvalue()


def role(client: Any, name: str = "function", policy: dict[str, Any] = ALL) -> str:
    """The ARN of a role that Lambda may take; made when it is not there."""
    iam = client("iam")
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        return iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return arn


def function(client: Any, source: dict[str, str] | str = ECHO, name: str = "f", **settings: Any) -> str:
    """The ARN of a new function, made of its source, that is active."""
    settings = {
        "Role": settings.pop("Role", None) or role(client),
        "Runtime": "python3.11",
        "Handler": "app.handler",
        **settings,
    }
    made = client("lambda").create_function(FunctionName=name, Code={"ZipFile": zipped(source)}, **settings)
    client("lambda").get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    return made["FunctionArn"]


def called(client: Any, name: str = "f", event: Any = None, **settings: Any) -> tuple[Any, str | None]:
    """What a function answers, and its FunctionError."""
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **settings)
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")
