"""Glue jobs by boto3: states, results, errors, retries, bookmarks, stops, and what a killed process leaves behind."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "job-tests"
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Lab:
    """A bucket, a role and the clients of one account."""

    def __init__(self, client: Any, account: str):
        self.s3, self.glue, self.logs = client("s3"), client("glue"), client("logs")
        self.bucket = f"{BUCKET}-{account}"
        self.s3.create_bucket(Bucket=self.bucket)
        made = client("iam").create_role(RoleName="jobs", AssumeRolePolicyDocument=json.dumps(TRUST))
        self.role = made["Role"]["Arn"]

    def job(self, name: str, script: str, kind: str = "pythonshell", **settings: Any) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"scripts/{name}.py", Body=script.encode())
        command = {"Name": kind, "ScriptLocation": f"s3://{self.bucket}/scripts/{name}.py"}
        self.glue.create_job(Name=name, Role=self.role, Command=command, **settings)

    def get(self, name: str, run_id: str) -> dict[str, Any]:
        return self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]

    def wait(self, name: str, run_id: str, states: tuple[str, ...] = ENDED) -> dict[str, Any]:
        deadline = time.monotonic() + 90
        while (run := self.get(name, run_id))["JobRunState"] not in states:
            assert time.monotonic() < deadline, f"the run is still {run['JobRunState']}"
            time.sleep(0.1)
        return run

    def run(self, name: str, **given: Any) -> dict[str, Any]:
        return self.wait(name, self.glue.start_job_run(JobName=name, **given)["JobRunId"])

    def printed(self, name: str, group: str = "/aws-glue/python-jobs/output", run_id: str = "") -> list[str]:
        events = self.logs.get_log_events(logGroupName=group, logStreamName=run_id, startFromHead=True)["events"]
        return [event["message"] for event in events]


@pytest.fixture
def lab(client: Any, account: str) -> Lab:
    return Lab(client, account)


def test_python_shell_gets_its_arguments_and_logs(lab: Lab) -> None:
    script = (
        "import sys\nfrom awsglue.utils import getResolvedOptions\nprint(getResolvedOptions(sys.argv, ['who'])['who'])"
    )
    lab.job("hello", script, DefaultArguments={"--who": "nobody"})
    run = lab.run("hello", Arguments={"--who": "you"})
    assert (run["JobRunState"], run["MaxCapacity"], run["Attempt"]) == ("SUCCEEDED", 0.0625, 0)
    assert lab.printed("hello", run_id=run["Id"]) == ["you"]


def test_failed_script_gives_its_error_and_is_tried_again(lab: Lab) -> None:
    lab.job("broken", "raise ValueError('no tracks')", MaxRetries=1)
    first = lab.run("broken")
    assert (first["JobRunState"], first["ErrorMessage"]) == ("FAILED", "ValueError: no tracks")
    second = lab.wait("broken", first["Id"] + "_attempt_1")
    assert (second["JobRunState"], second["Attempt"], second["PreviousRunId"]) == ("FAILED", 1, first["Id"])
    assert len(lab.glue.get_job_runs(JobName="broken")["JobRuns"]) == 2


def test_one_run_at_a_time_and_stop(lab: Lab) -> None:
    lab.job("endless", "while True: pass")
    run_id = lab.glue.start_job_run(JobName="endless")["JobRunId"]
    with pytest.raises(ClientError) as refused:
        lab.glue.start_job_run(JobName="endless")
    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    lab.wait("endless", run_id, ("RUNNING",))
    answer = lab.glue.batch_stop_job_run(JobName="endless", JobRunIds=[run_id, "jr_none"])
    assert answer["SuccessfulSubmissions"] == [{"JobName": "endless", "JobRunId": run_id}]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert lab.wait("endless", run_id)["JobRunState"] == "STOPPED"


def test_missing_script_fails_the_run(lab: Lab) -> None:
    lab.job("gone", "")
    lab.s3.delete_object(Bucket=lab.bucket, Key="scripts/gone.py")
    run = lab.run("gone")
    assert run["JobRunState"] == "FAILED" and "key: scripts/gone.py" in run["ErrorMessage"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Command": {"Name": "glueray", "ScriptLocation": "s3://b/k"}}, "OperationNotSupportedException"),
        ({"Command": {"Name": "glueetl", "ScriptLocation": "/tmp/x.py"}}, "InvalidInputException"),
        ({"Role": "arn:aws:iam::123456789012:role/none"}, "InvalidInputException"),
        ({"MaxRetries": 11}, "InvalidInputException"),
        ({"DefaultArguments": {"--additional-python-modules": "x"}}, "InvalidInputException"),
    ],
)
def test_what_cannot_run_is_refused(lab: Lab, change: dict[str, Any], code: str) -> None:
    given = {"Role": lab.role, "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k.py"}} | change
    with pytest.raises(ClientError) as refused:
        lab.glue.create_job(Name="refused", **given)
    assert refused.value.response["Error"]["Code"] == code


def test_spark_job_with_a_bookmark_reads_each_file_once(lab: Lab) -> None:
    lab.s3.put_object(Bucket=lab.bucket, Key="in/a.json", Body=b'{"track_id": 1}\n{"track_id": 2}\n')
    lab.job(
        "marked",
        f"""
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glue = GlueContext(SparkContext.getOrCreate())
job = Job(glue)
job.init(args["JOB_NAME"], args)
frame = glue.create_dynamic_frame.from_options(
    connection_type="s3", format="json", connection_options={{"paths": ["s3://{lab.bucket}/in/"]}}, transformation_ctx="in"
)
print("read", frame.count())
job.commit()
""",
        kind="glueetl",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        DefaultArguments={"--job-bookmark-option": "job-bookmark-enable"},
    )
    counts = []
    for _ in range(2):
        run = lab.run("marked")
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        counts += [
            line for line in lab.printed("marked", "/aws-glue/jobs/output", run["Id"]) if line.startswith("read")
        ]
    assert counts == ["read 2", "read 0"]
    assert run["MaxCapacity"] == 2 and run["DPUSeconds"] > 0
    assert lab.glue.get_job_bookmark(JobName="marked")["JobBookmarkEntry"]["Version"] == 2
    lab.glue.reset_job_bookmark(JobName="marked")
    with pytest.raises(ClientError) as reset:
        lab.glue.get_job_bookmark(JobName="marked")
    assert reset.value.response["Error"]["Code"] == "EntityNotFoundException"


def test_killed_process_and_killed_server_leave_failed_runs(own_server: Any, account: str) -> None:
    lab = Lab(lambda service: own_server.client(service, account), account)
    lab.job("pid", "import os, time\nprint(os.getpid())\nwhile True: time.sleep(1)")

    def start() -> tuple[str, int]:
        run_id = lab.glue.start_job_run(JobName="pid")["JobRunId"]
        lab.wait("pid", run_id, ("RUNNING",))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                return run_id, int(lab.printed("pid", run_id=run_id)[0])
            except (ClientError, IndexError):
                time.sleep(0.1)
        raise AssertionError("the script wrote nothing")

    run_id, pid = start()
    os.kill(pid, signal.SIGKILL)
    run = lab.wait("pid", run_id)
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        "The Python process was killed by signal 9 (SIGKILL)",
    )
    run_id, pid = start()
    own_server.kill()
    own_server.restart()
    run = lab.wait("pid", run_id)
    assert run["JobRunState"] == "FAILED" and "ended while the job was running" in run["ErrorMessage"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the script outlived the server")


def test_four_spark_runs_at_once_of_which_one_is_killed(lab: Lab) -> None:
    script = "import os, sys, time\nprint('pid', os.getpid())\nwhile '--wait' in sys.argv: time.sleep(0.1)"
    lab.job("four", script, kind="glueetl", ExecutionProperty={"MaxConcurrentRuns": 4})
    killed = lab.glue.start_job_run(JobName="four", Arguments={"--wait": "yes"})["JobRunId"]
    others = [lab.glue.start_job_run(JobName="four")["JobRunId"] for _ in range(3)]
    lab.wait("four", killed, ("RUNNING",))
    assert [lab.wait("four", run_id)["JobRunState"] for run_id in others] == ["SUCCEEDED"] * 3
    pid = int(lab.printed("four", "/aws-glue/jobs/output", killed)[0].removeprefix("pid "))
    os.kill(pid, signal.SIGKILL)
    run = lab.wait("four", killed)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The Spark driver was killed by signal 9 (SIGKILL)"
