"""Glue interactive sessions by boto3: states, statements, errors, clocks, several at once, and what is left after a crash."""

import io
import json
import os
import statistics
import time
import urllib.request
import zipfile
from types import SimpleNamespace

import psutil
import pytest
from botocore.exceptions import ClientError

from infra.local.core import state, telemetry
from infra.local.glue import drivers as glue_drivers
from infra.local.glue.sessions import backend as glue_sessions
from infra.local.glue.sessions.running import under_way
from tests.polling import until
from tests.service_roles import service_role

ACCOUNT = "210000000300"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Sessions"
BUCKET = "glue-sessions"
SECONDS = 60


def make_role(server):
    service_role(lambda service: server.client(service, ACCOUNT), "glue", "Sessions")


def create(glue, name, **settings):
    given = {"Id": name, "Role": ROLE, "Command": {"Name": "glueetl", "PythonVersion": "3"}}
    return glue.create_session(**given | settings)["Session"]


def wait_for(ask, done, seconds=SECONDS):
    return until(lambda: (answer,) if done(answer := ask()) else None, seconds=seconds)[0]


def status(glue, name, *wanted):
    return wait_for(lambda: glue.get_session(Id=name)["Session"], lambda session: session["Status"] in wanted)


def start(glue, name, **settings):
    create(glue, name, **settings)
    session = status(glue, name, "READY", "FAILED")
    assert session["Status"] == "READY", session
    return session


def submit(glue, session, code):
    return glue.run_statement(SessionId=session, Code=code)["Id"]


def result(glue, session, number):
    return wait_for(
        lambda: glue.get_statement(SessionId=session, Id=number)["Statement"],
        lambda statement: statement["State"] in ("AVAILABLE", "ERROR", "CANCELLED"),
    )


def run(glue, session, code):
    return result(glue, session, submit(glue, session, code))


def text(glue, session, code):
    output = run(glue, session, code)["Output"]
    assert output["Status"] == "ok", output
    return output["Data"]["TextPlain"]


def code_of(error):
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture(scope="module")
def glue(server):
    make_role(server)
    server.client("s3", ACCOUNT).create_bucket(Bucket=BUCKET)
    return server.client("glue", ACCOUNT)


@pytest.fixture(scope="module")
def main(glue):
    """A session that most tests share."""
    start(
        glue,
        "main",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        IdleTimeout=60,
        GlueVersion="5.1",
        DefaultArguments={"--enable-glue-datacatalog": "true", "--glue_kernel_version": "1.0.9"},
        Tags={"team": "data"},
    )
    yield "main"
    glue.stop_session(Id="main")


# sessions


def test_a_new_session_is_provisioning_and_keeps_what_was_asked(glue, main):
    session = glue.get_session(Id=main)["Session"]
    expected = {"Status": "READY", "Role": ROLE, "WorkerType": "G.1X", "NumberOfWorkers": 2, "MaxCapacity": 2.0}
    expected |= {"IdleTimeout": 60, "GlueVersion": "5.1", "Command": {"Name": "glueetl", "PythonVersion": "3"}}
    assert {name: session[name] for name in expected} == expected
    assert "CompletedOn" not in session


def test_ids_tags_and_lists(glue, main):
    arn = f"arn:aws:glue:us-east-1:{ACCOUNT}:session/main"
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"team": "data"}
    assert glue.list_sessions(Tags={"team": "data"})["Ids"] == ["main"]
    assert glue.list_sessions(Tags={"team": "other"})["Ids"] == []
    with pytest.raises(ClientError) as error:
        create(glue, "main")
    assert code_of(error) == ("AlreadyExistsException", "Session already exists.")


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"Role": f"arn:aws:iam::{ACCOUNT}:role/Nobody"}, "InvalidInputException", "assume role permissions for Glue"),
        ({"Command": {"Name": "pythonshell"}}, "InvalidInputException", "glueetl or gluestreaming"),
        ({"GlueVersion": "9.9"}, "InvalidInputException", "Glue version 9.9"),
        ({"WorkerType": "G.1X", "NumberOfWorkers": 1}, "InvalidInputException", "at least 2"),
        ({"WorkerType": "G.99X", "NumberOfWorkers": 2}, "ValidationException", "'G.99X' at 'workerType' failed"),
        (
            {"Id": "x" * 256},
            "ValidationException",
            "at 'id' failed to satisfy constraint: Member must have length less",
        ),
        ({"Id": "two\nlines"}, "ValidationException", "Member must satisfy regular expression pattern"),
        ({"Tags": {str(number): "" for number in range(51)}}, "ValidationException", "less than or equal to 50"),
        ({"MaxCapacity": 5.0, "NumberOfWorkers": 2}, "InvalidInputException", "do not set Max Capacity"),
        ({"SessionType": "SPARK_CONNECT"}, "OperationNotSupportedException", "SPARK_CONNECT"),
        ({"Connections": {"Connections": ["vpc"]}}, "OperationNotSupportedException", "VPC"),
        ({"DefaultArguments": {"--additional-python-modules": "nltk"}}, "InvalidInputException", "Python environment"),
        ({"DefaultArguments": {"--datalake-formats": "iceberg"}}, "InvalidInputException", "real AWS profile"),
        ({"DefaultArguments": {"--conf": "park.x=1"}}, "InvalidInputException", "no Spark setting"),
        ({"DefaultArguments": {"--conf": "spark.x='1"}}, "InvalidInputException", "--conf cannot be read"),
    ],
)
def test_refused_with_a_reason(glue, settings, code, words):
    with pytest.raises(ClientError) as error:
        create(glue, "refused", **settings)
    assert code_of(error)[0] == code
    assert words in code_of(error)[1]
    assert "refused" not in glue.list_sessions()["Ids"]
    with pytest.raises(ClientError, match="'1001' at 'maxResults' failed to satisfy constraint"):
        glue.list_sessions(MaxResults=1001)


def test_unknown_sessions_and_statements(glue, main):
    for call, arguments in [
        (glue.get_session, {"Id": "nobody"}),
        (glue.run_statement, {"SessionId": "nobody", "Code": "1"}),
        (glue.stop_session, {"Id": "nobody"}),
        (glue.delete_session, {"Id": "nobody"}),
        (glue.get_statement, {"SessionId": main, "Id": 999}),
        (glue.cancel_statement, {"SessionId": main, "Id": 999}),
    ]:
        with pytest.raises(ClientError) as error:
            call(**arguments)
        assert code_of(error)[0] == "EntityNotFoundException"


# statements


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("1 + 1", "2"),
        ("x = 5", ""),
        ("print('a')\nx * 2", "a\n10"),
        ("import sys\nprint('late', file=sys.stderr)\nx", "5\nlate"),
        ("spark.range(2).show()", "+---+\n| id|\n+---+\n|  0|\n|  1|\n+---+"),
        ("import boto3\nboto3.client('sts').get_caller_identity()['Account']", f"'{ACCOUNT}'"),
        (
            "from infra.teaching.answers import check\ncheck('0.1', 5890)",
            "✔ 0.1 5,890 events: at 100 events a second that is a file a minute.",
        ),
    ],
)
def test_text_is_what_glue_prints(glue, main, code, expected):
    assert text(glue, main, code) == expected


def test_errors_have_name_value_and_traceback(glue, main):
    statement = run(glue, main, "y = 1\ny / 0")
    assert statement["State"] == "AVAILABLE"
    output = statement["Output"]
    assert (output["Status"], output["ErrorName"], output["ErrorValue"]) == (
        "error",
        "ZeroDivisionError",
        "division by zero",
    )
    assert output["Traceback"][0].startswith("Traceback")
    assert "infra" not in "".join(output["Traceback"])
    assert os.getcwd() not in json.dumps(output)


@pytest.mark.parametrize(
    ("code", "name", "value"),
    [
        ("spark.sql('SELECT * FROM lake.missing').show()", "AnalysisException", "[TABLE_OR_VIEW_NOT_FOUND]"),
        (
            "from awsglue.context import GlueContext\n"
            "GlueContext(sc).create_dynamic_frame.from_catalog(database='lake', table_name='missing').count()",
            "EntityNotFoundException",
            "not found",
        ),
        ("spark.read.json('s3://glue-sessions/nothing/').count()", "AnalysisException", "[PATH_NOT_FOUND]"),
    ],
)
def test_a_missing_table_or_path_is_named(glue, main, code, name, value):
    output = run(glue, main, code)["Output"]
    assert (output["Status"], output["ErrorName"]) == ("error", name)
    assert value in output["ErrorValue"]


def test_statement_times_ids_and_history(glue, main):
    first = run(glue, main, "'first'")
    second = run(glue, main, "'second'")
    assert second["Id"] == first["Id"] + 1
    assert first["StartedOn"] <= first["CompletedOn"] <= second["CompletedOn"]
    assert first["Progress"] == 1.0
    listed = {statement["Id"]: statement for statement in glue.list_statements(SessionId=main)["Statements"]}
    assert listed[first["Id"]]["Code"] == "'first'"


def test_figures_come_as_png(server, glue, main):
    """boto3's model has no MimeType, AWS's kernel's has: so look at the answer itself."""
    number = submit(glue, main, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')")
    result(glue, main, number)
    request = urllib.request.Request(
        server.endpoint,
        json.dumps({"SessionId": main, "Id": number}).encode(),
        {
            "X-Amz-Target": "AWSGlue.GetStatement",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/glue/aws4_request",
        },
    )
    with urllib.request.urlopen(request) as answer:
        data = json.load(answer)["Statement"]["Output"]["Data"]
    assert (data["MimeType"], data["StdOut"], data["TextPlain"]) == ("image/png;base64", "drawn", "drawn")
    assert data["Result"].startswith("iVBOR")


def test_statements_wait_their_turn_and_can_be_cancelled(glue, main):
    loop = submit(glue, main, "while True:\n    pass")
    waiting = submit(glue, main, "'never'")
    after = submit(glue, main, "'after'")
    wait_for(
        lambda: {each["Id"]: each["State"] for each in glue.list_statements(SessionId=main)["Statements"]},
        lambda states: states[loop] == "RUNNING" and states[waiting] == states[after] == "WAITING",
    )
    glue.cancel_statement(SessionId=main, Id=waiting)
    assert glue.get_statement(SessionId=main, Id=waiting)["Statement"]["State"] == "CANCELLED"
    glue.cancel_statement(SessionId=main, Id=loop)
    assert result(glue, main, loop)["State"] == "CANCELLED"
    assert result(glue, main, after)["Output"]["Data"]["TextPlain"] == "'after'"


def test_an_answer_is_held_until_the_statement_is_done(glue, main):
    """One question is enough for a statement of a second."""
    number = submit(glue, main, "import time\ntime.sleep(1)\n'slept'")
    assert glue.get_statement(SessionId=main, Id=number)["Statement"]["State"] == "AVAILABLE"


def test_progress_is_told(glue, main):
    code = "import time\nsc.parallelize(range(8), 8).map(lambda n: time.sleep(0.5)).count()"
    number = submit(glue, main, code)
    seen = set()

    def ask():
        listed = glue.list_statements(SessionId=main)["Statements"][number]
        seen.add(listed["Progress"])
        return listed["State"]

    wait_for(ask, lambda state: state == "AVAILABLE")
    assert any(0 < progress < 1 for progress in seen), seen


def test_a_statement_costs_little_time_and_a_driver_little_memory(glue, main):
    """≤ 60 ms over the code itself; the driver, its JVM and workers ≤ 700 MB."""
    times = []
    for _ in range(15):
        started = time.perf_counter()
        run(glue, main, "1")
        times.append(time.perf_counter() - started)
    assert statistics.quantiles(times, n=4)[0] < 0.06  # a quarter of them: other workers take their share of the cores
    driver = psutil.Process(int(text(glue, main, "import os\nos.getpid()")))
    used = sum(process.memory_info().rss for process in [driver, *driver.children(recursive=True)])
    assert used < 700e6


# what a session is started with, several at once, and ends


def test_conf_extra_files_and_a_killed_driver(server, glue, main):
    s3 = server.client("s3", ACCOUNT)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("packed.py", "value = 'from the zip'")
    s3.put_object(Bucket=BUCKET, Key="code/packed.zip", Body=archive.getvalue())
    s3.put_object(Bucket=BUCKET, Key="code/single.py", Body=b"value = 'from the file'")
    arguments = {
        "--conf": "spark.sql.shuffle.partitions=7 --conf spark.sql.session.timeZone=UTC",
        "--extra-py-files": f"s3://{BUCKET}/code/packed.zip,s3://{BUCKET}/code/single.py",
    }
    start(glue, "second", DefaultArguments=arguments, GlueVersion="4.0")
    code = "import packed, single\npacked.value, single.value, spark.conf.get('spark.sql.shuffle.partitions')"
    assert text(glue, "second", code) == "('from the zip', 'from the file', '7')"
    pid = int(text(glue, "second", "import os\nos.getpid()"))
    assert pid != int(text(glue, main, "import os\nos.getpid()"))
    huge = run(glue, "second", "bytearray(10**15)")  # too large to be made, so nothing is lost
    assert (huge["Output"]["Status"], huge["Output"]["ErrorName"]) == ("error", "MemoryError")

    number = submit(glue, "second", "import time\ntime.sleep(60)")
    os.kill(pid, 9)
    session = status(glue, "second", "FAILED")
    assert session["ErrorMessage"] == "The Spark driver was killed by signal 9 (SIGKILL)."
    statement = result(glue, "second", number)
    assert (statement["State"], statement["Output"]["ErrorValue"]) == ("ERROR", session["ErrorMessage"])
    assert text(glue, main, "'untouched'") == "'untouched'"
    with pytest.raises(ClientError) as error:
        submit(glue, "second", "1")
    assert code_of(error) == ("IllegalSessionStateException", "Session is in FAILED status")
    glue.stop_session(Id="second")  # as AWS's kernel advises
    assert glue.get_session(Id="second")["Session"]["Status"] == "FAILED"
    glue.delete_session(Id="second")
    assert "second" not in glue.list_sessions()["Ids"]


def test_a_missing_extra_file_fails_the_session(glue):
    create(glue, "missing", DefaultArguments={"--extra-py-files": f"s3://{BUCKET}/none.zip"})
    session = status(glue, "missing", "FAILED")
    assert session["ErrorMessage"] == (
        f"LAUNCH ERROR | Error downloading from S3 for bucket: {BUCKET}, key: none.zip. The specified key does not exist."
    )


def test_stop_is_priced_and_final(server, glue):
    start(glue, "stopped", WorkerType="G.2X", NumberOfWorkers=3)
    driver = psutil.Process(int(text(glue, "stopped", "import os\nos.getpid()")))
    times = [process.cpu_times() for process in [driver, *driver.children(recursive=True)]]
    started = run(glue, "stopped", "import subprocess\nsleeping = subprocess.Popen(['sleep', '600'])\nsleeping.pid")
    child = psutil.Process(int(started["Output"]["Data"]["TextPlain"]))
    # ready within 8 s: two cores give no more in that time, and other programs do not change it as they change a clock
    assert sum(each.user + each.system for each in times) < 16
    with pytest.raises(ClientError) as error:
        glue.delete_session(Id="stopped")
    assert code_of(error) == ("IllegalSessionStateException", "Session is in READY status")
    glue.stop_session(Id="stopped")
    session = status(glue, "stopped", "STOPPED", "FAILED")
    assert session["Status"] == "STOPPED"
    until(lambda: not child.is_running())
    assert session["DPUSeconds"] == pytest.approx(session["ExecutionTime"] * 6)
    with pytest.raises(ClientError) as error:
        glue.stop_session(Id="stopped")
    assert code_of(error) == ("IllegalSessionStateException", "Session is in STOPPED status")
    logs = server.client("logs", ACCOUNT)
    lines = wait_for(lambda: _messages(logs, "stopped"), lambda lines: any("DPU-seconds" in line for line in lines))
    assert lines[-1].startswith("Session stopped ended as STOPPED: ")


def test_a_list_that_fills_the_memory_ends_its_own_session_only(glue, main):
    """The next session after "stopped" has the same settings: it gets the spare driver."""
    start(glue, "full")
    number = submit(glue, "full", "full = []\nwhile True: full.append(bytearray(1 << 24))")
    session = status(glue, "full", "FAILED")
    assert session["ErrorMessage"] == "Command Failed due to Out of Memory."
    statement = result(glue, "full", number)
    assert (statement["State"], statement["Output"]["ErrorValue"]) == ("ERROR", session["ErrorMessage"])
    assert text(glue, main, "'untouched'") == "'untouched'"


def _messages(logs, stream):
    try:
        events = logs.get_log_events(logGroupName="/aws-glue/sessions/output", logStreamName=stream)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events]


def test_idle_and_total_timeout(server, glue, monkeypatch, tmp_path):
    """In this process, so that a minute can be made short."""
    monkeypatch.setattr(state, "_root", tmp_path / "state")
    monkeypatch.setattr(telemetry, "_endpoint", server.endpoint)
    keys = SimpleNamespace(account=ACCOUNT, access_key=ACCOUNT, secret_key="x", token="")
    monkeypatch.setattr(glue_drivers, "assume", lambda account, arn: keys)  # roles are the other process's
    monkeypatch.setattr(glue_drivers.roles, "is_allowed", lambda *_, **__: True)
    monkeypatch.setattr(glue_drivers, "MINUTE", 0.5)
    monkeypatch.setattr(glue_drivers, "keep_spare", lambda settings: None)
    from infra.local.glue.backend import BACKENDS

    backend = BACKENDS[ACCOUNT]["us-east-1"]
    given = {"Role": ROLE, "Command": {"Name": "glueetl"}}
    with monkeypatch.context() as patch:
        patch.setattr(glue_sessions, "MOST_OF_ONE", 0)
        with pytest.raises(glue_sessions.TooManySessions, match="has 0 sessions already"):
            backend.create_session(Id="third", **given)
    with monkeypatch.context() as patch:
        patch.setattr(glue_drivers.limits, "drivers", 0)  # a machine whose places are all taken
        waiting = backend.create_session(Id="waiting", **given)
        assert waiting.status == "PROVISIONING" and "queue place 1" in waiting.as_dict()["ErrorMessage"]
        backend.stop_session("waiting")
        wait_for(lambda: waiting.status, lambda status: status == "STOPPED")
        assert "ErrorMessage" not in waiting.as_dict()
    idle = backend.create_session(Id="idle", IdleTimeout=1, Timeout=1000, **given)
    busy = backend.create_session(Id="busy", IdleTimeout=1, Timeout=4, **given)
    threads = [live.thread for live in under_way.values()]
    wait_for(lambda: busy.status, lambda status: status == "READY")
    backend.run_statement("busy", "import time\ntime.sleep(60)")
    wait_for(lambda: (idle.status, busy.status), lambda statuses: statuses == ("TIMEOUT", "TIMEOUT"))
    assert idle.error == "The session was idle for 1 minutes."
    assert busy.error == "The session ran longer than its timeout of 4 minutes."
    assert busy.seconds >= 2.0  # a running statement kept it from being idle
    for thread in threads:  # what is patched here must not end before them
        thread.join(SECONDS)
    with pytest.raises(glue_drivers.InvalidInput, match="TIMEOUT"):  # AWS's kernel starts a new session at this
        backend.run_statement("idle", "1")


def test_kill_and_restart_leave_nothing_stuck(own_server):
    make_role(own_server)
    glue = own_server.client("glue", ACCOUNT)
    start(glue, "first")
    done = submit(glue, "first", "'done'")
    result(glue, "first", done)
    pid = int(text(glue, "first", "import os\nos.getpid()"))
    java = psutil.Process(pid).children()
    running = submit(glue, "first", "import time\ntime.sleep(600)")
    assert glue.list_statements(SessionId="first")["Statements"][running]["State"] in ("WAITING", "RUNNING")
    own_server.kill()
    wait_for(
        lambda: psutil.pid_exists(pid) or any(process.is_running() for process in java), lambda alive: not alive, 20
    )

    own_server.restart()
    session = glue.get_session(Id="first")["Session"]
    assert session["Status"] == "FAILED"
    assert session["ErrorMessage"] == "The local AWS ended while the session was running; its Spark driver ended too."
    assert glue.get_statement(SessionId="first", Id=done)["Statement"]["Output"]["Data"]["TextPlain"] == "'done'"
    lost = glue.get_statement(SessionId="first", Id=running)["Statement"]
    assert (lost["State"], lost["Output"]["ErrorValue"]) == ("ERROR", session["ErrorMessage"])

    start(glue, "again")
    pid = int(text(glue, "again", "import os\nos.getpid()"))
    assert create(glue, "starting")["Status"] == "PROVISIONING"
    own_server.stop()
    assert not psutil.pid_exists(pid)
    own_server.restart()
    for name in ("again", "starting"):
        session = glue.get_session(Id=name)["Session"]
        assert (session["Status"], session["ErrorMessage"]) == ("STOPPED", "The local AWS was stopped.")
