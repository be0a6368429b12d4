"""Glue jobs by boto3: states, results, errors, retries, bookmarks, stops, and what a killed process leaves behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from infra.local.core import state, telemetry
from infra.local.core.roles import sessions
from infra.local.core.roles.identities import Role
from infra.local.glue import drivers as glue_drivers
from tests.local.events.event_lab import queue_policy
from tests.polling import until
from tests.service_roles import service_role

BUCKET = "job-tests"
OTHER = "210000000999"  # an account beside the test's own
TWO_RUNS = {"MaxConcurrentRuns": 2}
ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")


class Lab:
    """A bucket, a role and the clients of one account."""

    def __init__(self, client: Any, account: str):
        self.s3, self.glue, self.logs = client("s3"), client("glue"), client("logs")
        self.bucket = f"{BUCKET}-{account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.role = service_role(client, "glue", "jobs")

    def job(self, name: str, script: str, kind: str = "pythonshell", **settings: Any) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"scripts/{name}.py", Body=script.encode())
        command = {"Name": kind, "ScriptLocation": f"s3://{self.bucket}/scripts/{name}.py"}
        self.glue.create_job(Name=name, Role=self.role, Command=command, **settings)

    def get(self, name: str, run_id: str) -> dict[str, Any]:
        return self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]

    def wait(self, name: str, run_id: str, states: tuple[str, ...] = ENDED) -> dict[str, Any]:
        until(lambda: self.get(name, run_id)["JobRunState"] in states, "the end of the run", 120)
        return self.get(name, run_id)

    def run(self, name: str, **given: Any) -> dict[str, Any]:
        return self.wait(name, self.glue.start_job_run(JobName=name, **given)["JobRunId"])

    def pid(self, run_id: str, group: str) -> int:
        """The number that the script has printed first."""

        def first() -> str:
            try:
                return "".join(self.printed("", group, run_id)[:1])
            except self.logs.exceptions.ResourceNotFoundException:
                return ""

        return int(until(first))

    def printed(self, name: str, group: str = "/aws-glue/python-jobs/output", run_id: str = "") -> list[str]:
        events = self.logs.get_log_events(logGroupName=group, logStreamName=run_id, startFromHead=True)["events"]
        return [event["message"] for event in events]


def has_ended(pid: int) -> bool:
    """Whether a process has ended; nobody may have asked for its exit code."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


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


def test_python_shell_has_no_input_and_what_it_started_ends_with_it(lab: Lab) -> None:
    script = (
        "import subprocess, sys\nprint(repr(sys.stdin.read()))\n"
        "print(subprocess.Popen([sys.executable, '-c', 'while True: pass']).pid)"
    )
    lab.job("started", script, DefaultArguments={"--custom-logGroup-prefix": "/mine", "--custom-logStream-prefix": "a"})
    run = lab.run("started")
    assert (run["JobRunState"], run["LogGroupName"]) == ("SUCCEEDED", "/mine")
    read, pid = lab.printed("started", "/mine/output", "a-driver")
    assert read == "''"
    until(lambda: has_ended(int(pid)))


def test_arguments_that_no_process_takes_fail_the_run(lab: Lab) -> None:
    lab.job("nul", "print(1)")
    run = lab.run("nul", Arguments={"--a": "x\0y"})
    assert run["ErrorMessage"] == "The Python process could not be started: embedded null byte"


def test_script_that_fails_once_succeeds_in_the_second_attempt(lab: Lab) -> None:
    marker = f"Bucket='{lab.bucket}', Key='marker'"
    script = (
        f"import boto3\ns3 = boto3.client('s3')\nif 'Contents' not in s3.list_objects_v2(Bucket='{lab.bucket}', "
        f"Prefix='marker'):\n    s3.put_object({marker})\n    raise ValueError('first')"
    )
    lab.job("once", script, MaxRetries=5)
    first = lab.run("once")
    assert first["JobRunState"] == "FAILED"
    assert lab.wait("once", first["Id"] + "_attempt_1")["JobRunState"] == "SUCCEEDED"
    assert [run["Attempt"] for run in lab.glue.get_job_runs(JobName="once")["JobRuns"]] == [1, 0]


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
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        f"LAUNCH ERROR | Error downloading from S3 for bucket: {lab.bucket}, key: scripts/gone.py. "
        "The specified key does not exist.",
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Command": {"Name": "glueray", "ScriptLocation": "s3://b/k"}}, "OperationNotSupportedException"),
        ({"Command": {"Name": "glueetl", "ScriptLocation": "/tmp/x.py"}}, "InvalidInputException"),
        ({"Role": "arn:aws:iam::123456789012:role/none"}, "InvalidInputException"),
        ({"MaxRetries": 11}, "InvalidInputException"),
        ({"Timeout": 10_081}, "InvalidInputException"),
        ({"AllocatedCapacity": 2, "WorkerType": "G.1X", "NumberOfWorkers": 2}, "InvalidInputException"),
        ({"SecurityConfiguration": "none"}, "OperationNotSupportedException"),
        ({"JobRunQueuingEnabled": True}, "OperationNotSupportedException"),
        ({"ExecutionClass": "SLOW"}, "ValidationException"),
        ({"Description": "x" * 2049}, "ValidationException"),
        ({"DefaultArguments": {"--additional-python-modules": "x"}}, "InvalidInputException"),
        ({"DefaultArguments": {"--job-language": "scala"}}, "InvalidInputException"),
        ({"DefaultArguments": {"--continuous-log-logGroup": "x"}}, "InvalidInputException"),
    ],
)
def test_what_cannot_run_is_refused(lab: Lab, change: dict[str, Any], code: str) -> None:
    given = {"Role": lab.role, "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/k.py"}} | change
    with pytest.raises(ClientError) as refused:
        lab.glue.create_job(Name="refused", **given)
    assert code_of(refused) == code


def test_python_modules_are_refused_with_the_reason(lab: Lab) -> None:
    lab.job("modules", "print(1)")
    with pytest.raises(ClientError, match="--additional-python-modules is refused by the local AWS: .* with uv") as no:
        lab.glue.start_job_run(JobName="modules", Arguments={"--additional-python-modules": "nltk==3.8"})
    assert code_of(no) == "InvalidInputException"
    assert lab.glue.get_job_runs(JobName="modules")["JobRuns"] == []


def test_capacity_and_defaults_of_a_job_and_of_a_run_that_changes_them(lab: Lab) -> None:
    lab.role = "jobs"
    lab.job("sized", "print(1)", kind="glueetl", MaxCapacity=4.0, GlueVersion="4.0", ExecutionProperty=TWO_RUNS)
    job = lab.glue.get_job(JobName="sized")["Job"]
    assert (job["Role"], job["MaxRetries"], job["Timeout"]) == ("jobs", 0, 2880)
    assert (job["AllocatedCapacity"], job["MaxCapacity"]) == (4, 4.0)
    given = {"WorkerType": "G.2X", "NumberOfWorkers": 3, "ExecutionClass": "FLEX"}
    run_id = lab.glue.start_job_run(JobName="sized", **given)["JobRunId"]
    run = lab.get("sized", run_id)
    assert given | {"AllocatedCapacity": 6, "MaxCapacity": 6.0} == {
        name: run[name] for name in (*given, "AllocatedCapacity", "MaxCapacity")
    }
    for change, code in [
        (given | {"MaxCapacity": 4.0}, "InvalidInputException"),
        ({"SecurityConfiguration": "none"}, "OperationNotSupportedException"),
        ({"JobRunQueuingEnabled": True}, "OperationNotSupportedException"),
    ]:
        with pytest.raises(ClientError) as refused:
            lab.glue.start_job_run(JobName="sized", **change)
        assert code_of(refused) == code
    lab.glue.batch_stop_job_run(JobName="sized", JobRunIds=[run_id])
    assert lab.wait("sized", run_id)["JobRunState"] == "STOPPED"
    stopped = lab.glue.batch_stop_job_run(JobName="sized", JobRunIds=[run_id])["Errors"][0]["ErrorDetail"]
    assert stopped["ErrorCode"] == "JobRunInvalidStateTransitionException"


def test_a_role_that_is_deleted_under_a_run_fails_it(lab: Lab, client: Any) -> None:
    """The run's next call is denied: it ends with that reason, nothing is stuck, and a new role lets the next run do its work."""
    script = f"""
import boto3, time
s3 = boto3.client("s3")
s3.put_object(Bucket="{lab.bucket}", Key="begun", Body=b"")
while True:
    names = [each["Key"] for each in s3.list_objects_v2(Bucket="{lab.bucket}")["Contents"]]
    if "go" in names:
        break
    time.sleep(0.05)
s3.put_object(Bucket="{lab.bucket}", Key="done", Body=b"")
"""
    lab.job("orphan", script)
    run_id = lab.glue.start_job_run(JobName="orphan")["JobRunId"]
    keys = lambda: {each["Key"] for each in lab.s3.list_objects_v2(Bucket=lab.bucket)["Contents"]}  # noqa: E731
    until(lambda: "begun" in keys(), "the script's first object")
    client("iam").delete_role_policy(RoleName="jobs", PolicyName="rights")
    client("iam").delete_role(RoleName="jobs")
    ended = lab.wait("orphan", run_id)
    assert ended["JobRunState"] == "FAILED"
    assert "not authorized to perform: s3:ListBucket" in ended["ErrorMessage"]
    lab.s3.put_object(Bucket=lab.bucket, Key="go", Body=b"")
    assert "done" not in keys()
    refused = lab.wait("orphan", lab.glue.start_job_run(JobName="orphan")["JobRunId"])
    assert refused["JobRunState"] == "FAILED" and "assume" in refused["ErrorMessage"].lower()
    service_role(client, "glue", "jobs")
    assert lab.wait("orphan", lab.glue.start_job_run(JobName="orphan")["JobRunId"])["JobRunState"] == "SUCCEEDED"
    assert "done" in keys()


def test_update_replaces_all_settings_and_leaves_a_run_alone(lab: Lab) -> None:
    lab.job("changed", "while True: pass", Description="old", MaxRetries=2, DefaultArguments={"--a": "1"})
    run_id = lab.glue.start_job_run(JobName="changed")["JobRunId"]
    lab.wait("changed", run_id, ("RUNNING",))
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{lab.bucket}/scripts/changed.py"}
    lab.glue.update_job(JobName="changed", JobUpdate={"Role": lab.role, "Command": command, "Timeout": 7})
    job = lab.glue.get_job(JobName="changed")["Job"]
    assert (job["Timeout"], job["MaxRetries"], job["DefaultArguments"]) == (7, 0, {})
    assert "Description" not in job
    run = lab.get("changed", run_id)
    assert (run["JobRunState"], run["Timeout"], run["Arguments"]) == ("RUNNING", 480, {"--a": "1"})
    for name, change, code in [
        ("none", {"Role": lab.role, "Command": command}, "EntityNotFoundException"),
        ("changed", {"Role": lab.role, "Command": command, "MaxRetries": 11}, "InvalidInputException"),
        ("changed", {"Role": f"{lab.role}x", "Command": command}, "InvalidInputException"),
    ]:
        with pytest.raises(ClientError) as refused:
            lab.glue.update_job(JobName=name, JobUpdate=change)
        assert code_of(refused) == code
    assert lab.glue.get_job(JobName="changed")["Job"] == job
    lab.glue.batch_stop_job_run(JobName="changed", JobRunIds=[run_id])
    assert lab.wait("changed", run_id)["JobRunState"] == "STOPPED"


def test_delete_ends_a_run_and_its_process(lab: Lab) -> None:
    lab.job("deleted", "import os\nprint(os.getpid())\nwhile True: pass")
    run_id = lab.glue.start_job_run(JobName="deleted")["JobRunId"]
    pid = lab.pid(run_id, "/aws-glue/python-jobs/output")
    lab.glue.delete_job(JobName="deleted")
    until(lambda: not psutil.pid_exists(pid))
    with pytest.raises(ClientError) as gone:
        lab.get("deleted", run_id)
    assert code_of(gone) == "EntityNotFoundException"
    lab.job("deleted", "print('again')")
    assert lab.run("deleted")["JobRunState"] == "SUCCEEDED"
    assert len(lab.glue.get_job_runs(JobName="deleted")["JobRuns"]) == 1


def test_events_reach_a_queue(lab: Lab, client: Any) -> None:
    sqs, events = client("sqs"), client("events")
    queue = sqs.create_queue(QueueName="job-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": queue_policy(arn)})
    pattern = {"source": ["aws.glue"], "detail-type": ["Glue Job State Change"], "detail": {"state": ["FAILED"]}}
    events.put_rule(Name="jobs", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="jobs", Targets=[{"Id": "queue", "Arn": arn}])
    lab.job("fine", "print(1)")
    lab.job("broken", "raise ValueError('no tracks')")
    lab.run("fine")
    run = lab.run("broken")
    received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10)["Messages"]
    event = json.loads(received[0]["Body"])
    assert len(received) == 1
    assert (event["source"], event["detail-type"]) == ("aws.glue", "Glue Job State Change")
    assert event["detail"] == {
        "jobName": "broken",
        "severity": "ERROR",
        "state": "FAILED",
        "jobRunId": run["Id"],
        "message": "ValueError: no tracks",
    }


def test_timeout(server: Any, account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In this process, so that a minute can be made short."""
    script = tmp_path / "script.py"
    script.write_text("import os\nprint(os.getpid(), flush=True)\nwhile True: pass")
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(state, "_root", tmp_path / "state")
    monkeypatch.setattr(telemetry, "_endpoint", server.endpoint)
    monkeypatch.setattr(telemetry, "event", lambda *given: told.append(given[4]))
    role = sessions.new(Role(account, "jobs", "/", "AROAJOBS"), glue_drivers.SESSION_NAME)
    monkeypatch.setattr(glue_drivers, "assume", lambda account, arn: role)
    monkeypatch.setattr(glue_drivers, "fetch", lambda role, region, url, folder: script)
    monkeypatch.setattr(glue_drivers, "MINUTE", 0.5)
    from infra.local.glue.backend import BACKENDS

    backend = BACKENDS[account]["us-east-1"]
    command = {"Name": "pythonshell", "ScriptLocation": "s3://b/k.py"}
    delay = {"NotifyDelayAfter": 1}
    backend.create_job("slow", Role="jobs", Command=command, Timeout=2, NotificationProperty=delay)
    run = backend.get_job_run("slow", backend.start_job_run("slow", {}))
    until(lambda: len(told) == 2)
    assert (run.status, run.error) == ("TIMEOUT", "Job run timed out")
    assert 1.0 < run.seconds < 30
    assert told[0] == {  # Glue Job Run Status, once
        "jobName": "slow",
        "severity": "INFO",
        "notificationCondition": {"NotifyDelayAfter": 1.0},
        "state": "RUNNING",
        "jobRunId": run.run_id,
        "message": "Job is in RUNNING state",
        "startedOn": run.started_on.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert (told[1]["severity"], told[1]["state"], told[1]["message"]) == ("WARN", "TIMEOUT", "Job run timed out")


def test_spark_errors_have_a_category_and_their_stack_is_in_the_error_log(lab: Lab) -> None:
    wrong = "import sys\nfrom awsglue.utils import getResolvedOptions\n\ngetResolvedOptions(sys.argv, ['nobody'])"
    lab.job("wrong", wrong, kind="glueetl")
    run = lab.run("wrong")
    assert (run["JobRunState"], run["ErrorMessage"]) == (
        "FAILED",
        "Error Category: INVALID_ARGUMENT_ERROR; Failed Line Number: 4; "
        "GlueArgumentError: the following arguments are required: --nobody",
    )
    logged = "\n".join(lab.printed("wrong", "/aws-glue/jobs/error", run["Id"]))
    assert 'File "wrong.py", line 4, in <module>' in logged
    lab.job("syntax", "def f(:\n  pass", kind="glueetl")
    run = lab.run("syntax")
    assert run["ErrorMessage"] == "Error Category: SYNTAX_ERROR; SyntaxError: invalid syntax (syntax.py, line 1)"
    lab.job(
        "table",
        "spark = __import__('pyspark').sql.SparkSession.builder.getOrCreate()\nspark.sql('SELECT 1 FROM no')",
        kind="glueetl",
    )
    run = lab.run("table")
    start = "Error Category: QUERY_ERROR; Failed Line Number: 2; AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]"
    assert run["ErrorMessage"].startswith(start) and "\n" not in run["ErrorMessage"]


def test_extra_files_and_the_data_catalog(lab: Lab) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tracks/__init__.py", "DATABASE = 'lake'\n")
    lab.s3.put_object(Bucket=lab.bucket, Key="code/tracks.zip", Body=packed.getvalue())
    lab.s3.put_object(Bucket=lab.bucket, Key="raw/a.json", Body=b'{"uuid": "a", "track_id": 7}\n')
    lab.glue.create_database(DatabaseInput={"Name": "lake"})
    storage = {
        "Columns": [{"Name": "uuid", "Type": "string"}, {"Name": "track_id", "Type": "int"}],
        "Location": f"s3://{lab.bucket}/raw/",
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
    }
    table = {"Name": "raw", "StorageDescriptor": storage, "Parameters": {"classification": "json"}}
    lab.glue.create_table(DatabaseName="lake", TableInput=table)
    script = (
        "import tracks\nfrom pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
        "print('track', spark.sql(f'SELECT track_id FROM {tracks.DATABASE}.raw').first().track_id)\n"
    )
    arguments = {"--extra-py-files": f"s3://{lab.bucket}/code/tracks.zip", "--enable-glue-datacatalog": "true"}
    lab.job("sql", script, kind="glueetl", DefaultArguments=arguments)
    run = lab.run("sql")
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert "track 7" in lab.printed("sql", "/aws-glue/jobs/output", run["Id"])


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
    counts, runs = [], []
    for _ in range(2):
        run = lab.run("marked")
        runs.append(run["Id"])
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        counts += [
            line for line in lab.printed("marked", "/aws-glue/jobs/output", run["Id"]) if line.startswith("read")
        ]
    assert counts == ["read 2", "read 0"]
    assert run["MaxCapacity"] == 2 and run["DPUSeconds"] > 0
    assert lab.glue.get_job_bookmark(JobName="marked")["JobBookmarkEntry"]["Version"] == 2
    assert lab.glue.get_job_bookmark(JobName="marked", RunId=runs[0])["JobBookmarkEntry"]["Version"] == 1
    lab.glue.reset_job_bookmark(JobName="marked", RunId=runs[0])
    assert lab.glue.get_job_bookmark(JobName="marked")["JobBookmarkEntry"]["RunId"] == runs[0]
    unknown = {"--job-bookmark-option": "job-bookmark-pause", "--job-bookmark-from": runs[0], "--job-bookmark-to": "jr"}
    assert "has no run jr" in lab.run("marked", Arguments=unknown)["ErrorMessage"]
    lab.glue.reset_job_bookmark(JobName="marked")
    with pytest.raises(ClientError) as reset:
        lab.glue.get_job_bookmark(JobName="marked")
    assert reset.value.response["Error"]["Code"] == "EntityNotFoundException"


def test_killed_python_process_fails_its_run(lab: Lab) -> None:
    lab.job("pid", "import os, time\nprint(os.getpid())\nwhile True: time.sleep(1)")
    run_id = lab.glue.start_job_run(JobName="pid")["JobRunId"]
    os.kill(lab.pid(run_id, "/aws-glue/python-jobs/output"), signal.SIGKILL)
    run = lab.wait("pid", run_id)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The Python process was killed by signal 9 (SIGKILL)"


WAIT_OR_NOT = "import os, sys, time\nprint(os.getpid())\nwhile '--wait' in sys.argv: time.sleep(0.1)"


WHO = """
import os
import boto3
from pyspark.context import SparkContext
from pyspark.sql import SparkSession

spark = SparkContext.getOrCreate()
who = lambda _: boto3.client("sts").get_caller_identity()["Account"]
print(os.getpid())
print(SparkSession(spark).catalog.databaseExists("theirs"))
print(who(0), spark.parallelize([0], 1).map(who).first(), spark.textFile("s3://{bucket}/scripts/who.py").count())
"""


def drivers(server: Any) -> list[psutil.Process]:
    """The server's Spark drivers."""
    found = []
    for child in psutil.Process(server.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since it was listed
            if "infra.engines.spark.driver" in child.cmdline():
                found.append(child)
    return found


def test_processes_end_with_the_server_and_a_spare_driver_is_used_once(own_server: Any, account: str) -> None:
    lab = Lab(lambda service: own_server.client(service, account), account)
    lab.job("spark", WAIT_OR_NOT, kind="glueetl")
    lab.job("shell", WAIT_OR_NOT, ExecutionProperty=TWO_RUNS)
    folders = own_server.home / "tmp" / "glue"

    def wait_for_ever(name: str) -> tuple[str, psutil.Process]:
        run_id = lab.glue.start_job_run(JobName=name, Arguments={"--wait": "yes"})["JobRunId"]
        group = {"spark": "/aws-glue/jobs/output", "shell": "/aws-glue/python-jobs/output"}[name]
        return run_id, psutil.Process(lab.pid(run_id, group))

    def assert_failed_and_gone(run_id: dict[str, str], processes: list[psutil.Process]) -> None:
        until(lambda: not any(process.is_running() for process in processes))
        for name in run_id:
            run = lab.get(name, run_id[name])
            assert run["JobRunState"] == "FAILED"
            assert run["ErrorMessage"] == "The local AWS ended while the job was running; the run's process ended too."
        assert not folders.exists() or list(folders.iterdir()) == []

    # kill -9 during runs
    (spark_run, driver), (shell_run, shell) = wait_for_ever("spark"), wait_for_ever("shell")
    processes = [driver, *driver.children(), shell]
    own_server.kill()
    own_server.restart()
    assert_failed_and_gone({"spark": spark_run, "shell": shell_run}, processes)

    # a spare is there after a run, and the next run gets it
    assert lab.run("spark")["JobRunState"] == "SUCCEEDED"
    spare = until(lambda: drivers(own_server))[0]
    spark_run, driver = wait_for_ever("spark")
    assert driver.pid == spare.pid and drivers(own_server) == [driver]

    # also that of another account, as which it then works: in Python, in Python's workers and in Java
    lab.glue.batch_stop_job_run(JobName="spark", JobRunIds=[spark_run])
    spare = until(lambda: [each for each in drivers(own_server) if each.pid != driver.pid])[0]
    theirs = Lab(lambda service: own_server.client(service, OTHER), OTHER)
    theirs.job("who", WHO.format(bucket=theirs.bucket), kind="glueetl")
    theirs.glue.create_database(DatabaseInput={"Name": "theirs"})
    run = theirs.run("who", Arguments={"--enable-glue-datacatalog": "true"})
    said = " ".join(theirs.printed("who", "/aws-glue/jobs/output", run["Id"])).split()
    assert run["JobRunState"] == "SUCCEEDED" and said == [str(spare.pid), "True", OTHER, OTHER, str(WHO.count("\n"))]

    # kill -9 while a spare waits
    spare = until(lambda: [each for each in drivers(own_server) if each.pid != spare.pid], "the next spare")[0]
    processes = [spare, *until(spare.children)]
    own_server.kill()
    until(lambda: not any(process.is_running() for process in processes))
    own_server.restart()
    assert not folders.exists() or list(folders.iterdir()) == []

    # SIGTERM during runs
    (spark_run, driver), (shell_run, shell) = wait_for_ever("spark"), wait_for_ever("shell")
    processes = [driver, *driver.children(), shell]
    own_server.stop()
    own_server.restart()
    assert_failed_and_gone({"spark": spark_run, "shell": shell_run}, processes)


def test_four_spark_runs_at_once_of_which_one_is_killed(lab: Lab) -> None:
    lab.job("four", WAIT_OR_NOT, kind="glueetl", ExecutionProperty={"MaxConcurrentRuns": 4})
    killed = lab.glue.start_job_run(JobName="four", Arguments={"--wait": "yes"})["JobRunId"]
    others = [lab.glue.start_job_run(JobName="four")["JobRunId"] for _ in range(3)]
    lab.wait("four", killed, ("RUNNING",))
    assert [lab.wait("four", run_id)["JobRunState"] for run_id in others] == ["SUCCEEDED"] * 3
    os.kill(lab.pid(killed, "/aws-glue/jobs/output"), signal.SIGKILL)
    run = lab.wait("four", killed)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == "The Spark driver was killed by signal 9 (SIGKILL)"
