"""AWS's own Glue kernel, unmodified, on the local AWS: which cloud, magics, output, speed, and failures that papermill must notice."""

import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time

import boto3
import nbformat
import pytest
from botocore.exceptions import ProfileNotFound
from nbclient import NotebookClient

from infra import profile as profiles
from infra import project, run, server_process
from infra.kernels import glue, install
from tests.polling import until

TRUST = {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}
CHOOSING = (*profiles.OVERRIDES, "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "WORKSHOP_HOME")
PRINT_ENDPOINTS = """
import boto3, os
session = boto3.Session(profile_name=os.environ["glue_profile"])
print([session.client(name, region_name=os.environ["region"]).meta.endpoint_url for name in ("glue", "sts", "iam", "s3")])
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with its local AWS and the sessions' role in it."""
    before = {name: os.environ.pop(name, None) for name in CHOOSING}
    folder = tmp_path_factory.mktemp("glue-kernel")
    os.environ["WORKSHOP_HOME"] = str(folder)
    endpoint = server_process.start(folder).endpoint
    iam = boto3.client(
        "iam",
        endpoint_url=endpoint,
        aws_access_key_id=profiles.ACCOUNT,
        aws_secret_access_key="x",
        region_name="us-east-1",
    )
    iam.create_role(RoleName=glue.ROLE, AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=glue.ROLE, PolicyName="all", PolicyDocument=json.dumps(everything))
    glue.install_glue_kernel()
    yield folder
    server_process.stop(folder)
    os.environ.pop("WORKSHOP_HOME")
    os.environ.update({name: value for name, value in before.items() if value is not None})


@pytest.fixture
def fresh_environment(home, monkeypatch):
    """Changes of the environment end with the test."""
    for name in (*CHOOSING, "AWS_CREDENTIAL_PROFILES_FILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "x")  # so that monkeypatch remembers the name
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORKSHOP_HOME", str(home))
    return monkeypatch


# which cloud


@pytest.mark.parametrize("profile", [None, "", "workshop-local"])
def test_no_profile_or_the_local_one_never_leads_to_real_aws(home, fresh_environment, profile):
    fresh_environment.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    fresh_environment.setenv("AWS_ENDPOINT_URL", "https://glue.us-east-1.amazonaws.com")
    fresh_environment.setenv("glue_profile", "default")
    variables = glue.environment(profile)
    endpoint = server_process.find(home).endpoint
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_ENDPOINTS], env=variables, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == str([endpoint] * 4)
    assert variables["glue_profile"] == "workshop-local"
    assert variables["glue_role_arn"] == "arn:aws:iam::123456789012:role/AnalyticsworkshopGlueISRole"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"} & set(variables)
    assert variables["AWS_CONFIG_FILE"] == str(home / "aws" / "config")


def test_another_profile_is_used_as_it_is(home, fresh_environment, tmp_path):
    config = tmp_path / "config"
    config.write_text(
        "[profile mine]\nregion = eu-west-1\naws_access_key_id = 210000000077\naws_secret_access_key = x\n"
        f"endpoint_url = {server_process.find(home).endpoint}\n"
    )
    fresh_environment.setenv("AWS_CONFIG_FILE", str(config))
    variables = glue.environment("mine")
    assert (variables["glue_profile"], variables["AWS_PROFILE"], variables["region"]) == ("mine", "mine", "eu-west-1")
    assert variables["glue_role_arn"] == "arn:aws:iam::210000000077:role/AnalyticsworkshopGlueISRole"
    assert variables["AWS_CONFIG_FILE"] == str(config)


def test_an_unknown_profile_is_an_error(fresh_environment):
    with pytest.raises(ProfileNotFound, match="nobody"):
        glue.environment("nobody")


def test_an_account_of_a_class_is_kept(fresh_environment):
    fresh_environment.setenv("WORKSHOP_ACCOUNT", "210987654321")
    try:
        assert ":210987654321:" in glue.environment(None)["glue_role_arn"]
    finally:
        fresh_environment.delenv("WORKSHOP_ACCOUNT")
        glue.environment(None)  # writes the usual account back


def test_kernelspec(home):
    spec = json.loads((install.kernelspec_folder("glue_pyspark") / "kernel.json").read_text())
    assert (spec["display_name"], spec["language"]) == ("Glue PySpark", "python")
    assert spec["argv"][:3] == [sys.executable, "-m", "infra.kernels.glue"]


# the kernel at work


class Kernel:
    """Runs cells one after the other; `text` is what they wrote."""

    def __init__(self, client: NotebookClient):
        self.client = client
        self.reply: dict = {}

    def run(self, source: str) -> str:
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        self.outputs = cell.outputs
        return "".join(output.get("text", "") for output in cell.outputs)


@pytest.fixture(scope="module")
def kernel(home):
    client = NotebookClient(nbformat.v4.new_notebook(), kernel_name="glue_pyspark", timeout=60, allow_errors=True)
    with client.setup_kernel(cwd=str(project.NOTEBOOKS)):
        running = Kernel(client)
        running.run(
            "%idle_timeout 60\n%glue_version 5.1\n%worker_type G.1X\n%number_of_workers 2\n%session_id_prefix test"
        )
        yield running


def test_first_cell_starts_a_session(kernel):
    written = kernel.run("x = 20\nx + 1")
    assert "Session ID: test-" in written
    assert "has been created.\n21\n" in written


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('a')\nx", "a\n20\n"),
        ("%%sql\nSELECT 1 AS one", "+---+\n|one|\n+---+\n|  1|\n+---+\n"),
        ("1 / 0", "ZeroDivisionError: division by zero\n"),
        ("import os, boto3\nboto3.client('sts').get_caller_identity()['Account']", "'123456789012'\n"),
        (
            "from infra.teaching.answers import check\ncheck('0.1', 5890)",
            "✔ 0.1 5,890 events: at 100 events a second that is a file a minute.\n",
        ),
    ],
)
def test_output(kernel, code, expected):
    assert kernel.run(code) == expected


def test_magics(kernel):
    status = kernel.run("%status")
    for line in ("Status: READY", "GlueVersion: 5.1", "Idle Timeout: 60", "Worker Type: G.1X", "Number of Workers: 2"):
        assert f"{line}\n" in status
    assert "| READY" in kernel.run("%list_sessions")
    assert "Current active Session ID: test-" in kernel.run("%session_id")
    assert kernel.run("!echo here").split() == ["here"]


def test_figures_are_inline(kernel):
    kernel.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nprint('drawn')")
    kinds = [output["output_type"] for output in kernel.outputs]
    assert kinds == ["stream", "display_data"]
    assert kernel.outputs[1]["data"]["image/png"].startswith("iVBOR")  # PNG, once in base64


def test_a_statement_costs_little_time(kernel):
    """≤ 150 ms through the kernel; the kernel itself sleeps a second when an answer is not there at once."""
    times = []
    for _ in range(9):
        started = time.perf_counter()
        kernel.run("1")
        times.append(time.perf_counter() - started)
    assert statistics.quantiles(times, n=4)[0] < 0.15  # a quarter of them: other workers take their share of the cores


def test_an_interrupt_cancels_the_statement_and_the_kernel_goes_on(home, kernel):
    session_id = kernel.run("%session_id").split()[-1]
    api = boto3.client(
        "glue",
        endpoint_url=server_process.find(home).endpoint,
        aws_access_key_id=profiles.ACCOUNT,
        aws_secret_access_key="x",
        region_name="us-east-1",
    )

    def newest():
        return api.list_statements(SessionId=session_id)["Statements"][-1]

    def interrupt():
        until(lambda: (newest()["Code"], newest()["State"]) == ("while True: pass", "RUNNING"))
        os.kill(kernel.client.km.provisioner.pid, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    written = kernel.run("while True: pass")
    interrupter.join()
    assert "Attempting to cancel the statement" in written
    assert kernel.run("x") == "20\n"
    cancelled = [each for each in api.list_statements(SessionId=session_id)["Statements"] if "while" in each["Code"]]
    assert [each["State"] for each in cancelled] == ["CANCELLED"]


INTERRUPTED_BEFORE_THE_ANSWER = """
gateway = get_ipython().kernel.kernel_gateway
submit = gateway.run_statement


def interrupted(session_id, code):
    gateway.run_statement = submit
    submit(session_id, code)
    raise KeyboardInterrupt


gateway.run_statement = interrupted
"""


def test_an_interrupt_while_a_statement_is_submitted_cancels_it(kernel, tmp_path):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_BEFORE_THE_ANSWER)
    kernel.run(f"%run {tmp_path}/interrupted.py")
    assert "Attempting to cancel the statement" in kernel.run("while True: pass")
    assert kernel.run("x") == "20\n"


def test_stop_session_after_its_driver_was_killed(kernel):
    assert "was killed by signal 9" in kernel.run("os.kill(os.getpid(), 9)")
    assert "Stopped session." in kernel.run("%stop_session")
    assert kernel.run("%session_id") == "There is no current session.\n"


# failures that papermill must notice


def execute(tmp_path, *cells):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    book.metadata["kernelspec"] = {"name": "glue_pyspark", "display_name": "Glue PySpark", "language": "python"}
    path = tmp_path / "98_broken.ipynb"
    nbformat.write(book, path)
    return run.execute(path, tmp_path / "executed.ipynb", {}).reason


def test_a_failed_cell_fails_the_run(home, tmp_path):
    reason = execute(tmp_path, "a = 1", "%%sql\nSELECT * FROM nowhere", "b = 2")
    assert reason.startswith("Cell 1: AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `nowhere`")
    cells = nbformat.read(tmp_path / "executed.ipynb", as_version=4).cells
    assert cells[-1].execution_count is None  # nothing ran after it


def test_a_missing_chapter_is_told(home, fresh_environment):
    """What the notebook's `!workshop deploy` line says when chapters 01 and 02 were not run."""
    command = [sys.executable, "-m", "infra.cli", "deploy", "03_transform"]
    told = subprocess.run(command, env=glue.environment(None), capture_output=True, text=True)
    assert told.returncode == 1
    assert "No export named analytics-workshop-01-ingest-BucketName found" in told.stderr
    assert told.stderr.endswith("run the notebooks before this one first.\n")


def test_a_session_that_does_not_start_fails_the_run(home, tmp_path):
    reason = execute(tmp_path, "%additional_python_modules nltk", "a = 1")
    assert reason.startswith("Cell 1: ")
    assert "--additional-python-modules is refused by the local AWS" in reason
