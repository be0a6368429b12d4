"""A right taken away from the role of a job and of a function, and what AWS shows then; with it the same work is done.

Crawlers, Firehose, Athena, Step Functions and stacks have theirs beside their own tests (`test_…_roles.py`, test_states_integrations.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.lambda_functions import called, function
from tests.polling import until
from tests.service_roles import put_rights, service_role

READER = """
import boto3
def handler(event, context):
    return boto3.client("s3").get_object(Bucket=event, Key="today.json")["Body"].read().decode()
"""


def test_a_job_whose_role_may_not_read_its_script(client: Callable[..., Any], account: str) -> None:
    bucket, s3, glue = f"job-rights-{account}", client("s3"), client("glue")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="scripts/hello.py", Body=b"print('hello')")
    role = service_role(client, "glue", "job", may=())
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{bucket}/scripts/hello.py"}
    glue.create_job(Name="hello", Role=role, Command=command)

    def run() -> dict[str, Any]:
        given = {"JobName": "hello", "RunId": glue.start_job_run(JobName="hello")["JobRunId"]}
        ended = lambda: glue.get_job_run(**given)["JobRun"]["JobRunState"] in ("SUCCEEDED", "FAILED")  # noqa: E731
        until(ended, "the end of the run", 120)
        return glue.get_job_run(**given)["JobRun"]

    failed = run()
    told = f"LAUNCH ERROR | Error downloading from S3 for bucket: {bucket}, key: scripts/hello.py.Access Denied (Service: Amazon S3; "
    assert failed["JobRunState"] == "FAILED" and failed["ErrorMessage"].startswith(told)
    put_rights(client, "job", {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/scripts/*"})
    assert run()["JobRunState"] == "SUCCEEDED"


def test_a_function_whose_role_may_not_read(client: Callable[..., Any], account: str) -> None:
    bucket = f"function-rights-{account}"
    client("s3").create_bucket(Bucket=bucket)
    client("s3").put_object(Bucket=bucket, Key="today.json", Body=b"[]")
    role = service_role(client, "lambda", "reader", may=())
    function(client, READER, "reader", Role=role, Timeout=30, MemorySize=256)
    failed, error = called(client, "reader", bucket)
    assert (error, failed["errorType"]) == ("Unhandled", "AccessDenied")
    assert failed["errorMessage"] == (
        "An error occurred (AccessDenied) when calling the GetObject operation: "
        f"User: arn:aws:sts::{account}:assumed-role/reader/reader is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::{bucket}/today.json" because no identity-based policy allows the s3:GetObject action'
    )
    put_rights(client, "reader", {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/today.json"})
    assert called(client, "reader", bucket) == ("[]", None)
