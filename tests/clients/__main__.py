"""`make clients`: the suites that clients' source distributions on PyPI carry, against this server.

Each client has an environment of its own (build/clients), made by uv. A test that fails must stand in <client>.txt with its reason,
as a line `name of the test: reason`; a line whose test passes is told, so that it goes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import boto3

from infra import project, server_process
from infra.server_process import Running

HERE = Path(__file__).parent
WORK = project.ROOT / "build" / "clients"
PORT = 5555  # s3fs has it in its tests
ACCOUNT = "555555555555"
REGION = "us-east-1"


class Client(NamedTuple):
    """A client whose suite is run: its source distribution, what the suite needs besides, where the tests are."""

    name: str
    version: str
    needs: tuple[str, ...]
    tests: tuple[str, ...]
    ready: Callable[[Running], dict[str, str]] = lambda running: {}

    @property
    def folder(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}"


def _lake(running: Running) -> dict[str, str]:
    """A bucket and the settings that dbt's suite reads."""
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": running.key or "test"}
    boto3.client("s3", endpoint_url=running.endpoint, region_name=REGION, **keys).create_bucket(Bucket="dbt-tests")
    settings = {
        "S3_STAGING_DIR": "s3://dbt-tests/staging/", "S3_TMP_TABLE_DIR": "s3://dbt-tests/tables/", "REGION_NAME": REGION,
        "DATABASE": "awsdatacatalog", "SCHEMA": "dbt_tests", "WORK_GROUP": "primary", "POLL_INTERVAL": "0.1",
    }  # fmt: skip
    return {f"DBT_TEST_ATHENA_{name}": value for name, value in settings.items()}


CLIENTS = {
    "s3fs": Client(
        "s3fs", "2026.9.0", ("pytest", "pytest-asyncio", "pytest-timeout", "requests"), ("s3fs/tests/test_s3fs.py", "s3fs/tests/test_mapping.py")
    ),
    "dbt-athena": Client(
        "dbt-athena", "1.11.1", ("dbt-core<1.12", "pytest", "pytest-timeout", "dbt-tests-adapter", "pyparsing"), (
            "tests/functional/adapter/test_basic_hive.py", "tests/functional/adapter/test_basic_iceberg.py",
            "tests/functional/adapter/test_hive_iceberg.py", "tests/functional/adapter/test_incremental_iceberg.py",
        ), _lake
    ),
}  # fmt: skip


def _uv() -> str:
    own = project.ROOT / ".workshop" / "uv" / "bin" / "uv"
    return str(own) if own.exists() else "uv"


def _source(client: Client) -> Path:
    """The unpacked source distribution of a client, fetched by pip once."""
    place = WORK / client.folder
    if not place.exists():
        pip = [_uv(), "run", "--no-project", "--with", "pip", "python", "-m", "pip", "download", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-binary", client.name, "-d", str(WORK), f"{client.name}=={client.version}"], check=True)  # fmt: skip
        with tarfile.open(WORK / f"{client.folder}.tar.gz") as archive:
            archive.extractall(WORK, filter="data")
    return place


def _environment(client: Client) -> Path:
    place = WORK / f"env-{client.folder}"
    python = place / "bin" / "python"
    if not python.exists():
        subprocess.run([_uv(), "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        wanted = [f"{client.name}=={client.version}", *client.needs]
        subprocess.run([_uv(), "pip", "install", "--quiet", "--python", str(python), *wanted], check=True)
    return python


def known(client: Client) -> dict[str, str]:
    """The tests that may fail, each with its reason."""
    lines = (HERE / f"{client.name}.txt").read_text().splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {name: reason for name, _, reason in pairs}


def failed(report: Path) -> tuple[set[str], set[str]]:
    """The names of the tests of a JUnit report: those that passed, and those that did not."""
    passed: set[str] = set()
    bad: set[str] = set()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        wrong = case.find("failure") is not None or case.find("error") is not None
        if wrong or case.find("skipped") is None:
            (bad if wrong else passed).add(name)
    return passed, bad


def run(client: Client, running: Running) -> bool:
    """Run a client's suite; print what differs from what is known. True where nothing does."""
    source, python = _source(client), _environment(client)
    report = WORK / f"{client.name}.xml"
    report.unlink(missing_ok=True)
    environment = {k: v for k, v in os.environ.items() if not re.match("AWS_|PYTEST_", k)} | {
        "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": running.key or "test", "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": running.endpoint, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(HERE),
        "CLIENTS_ENDPOINT": running.endpoint, "CLIENTS_KEY": running.key,
    } | client.ready(running)  # fmt: skip
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "on_this_server",
        "-o",
        "asyncio_mode=auto",
        "-o",
        "addopts=",
        "--timeout=120",
        f"--junitxml={report}",
    ]
    subprocess.run([*command, "--tb=short", *client.tests], cwd=source, env=environment, check=False)
    passed, bad = failed(report)
    reasons = known(client)
    for name in sorted(bad - set(reasons)):
        print(f"{client.name}: {name} fails, without a reason in tests/clients/{client.name}.txt")
    for name in sorted(passed & set(reasons)):
        print(f"{client.name}: {name} passes; its line in tests/clients/{client.name}.txt can go")
    print(
        f"{client.name} {client.version}: {len(passed)} pass, {len(bad)} fail, {len(bad & set(reasons))} of them with a reason"
    )
    return bool(passed) and bad <= set(reasons)


def main(names: list[str]) -> int:
    """Run the suites named, or all."""
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        running = server_process.start(Path(home), PORT)
        try:
            right = [run(CLIENTS[name], running) for name in names or CLIENTS]
        finally:
            server_process.stop(Path(home))
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
