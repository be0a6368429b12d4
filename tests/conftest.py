"""One real server for the whole run, on a free port and a temporary folder; each test has an account of its own."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import psutil
import pytest
from botocore.config import Config

from infra import server_process

REGION = "us-east-1"
_accounts = itertools.count(200000000001)
# Clients of tests read no profile and no file: whatever a test sets in the environment is for what it tests.
_session = boto3.Session(
    botocore_session=botocore.session.Session(
        {"profile": (None, [], None, None), "config_file": (None, [], os.devnull, None)}
    )
)


class _ReadOnce(botocore.loaders.JSONFileLoader):
    """Reads each of botocore's models once a worker; else each session of boto3 reads them anew, 0.1 to 1 s of a test."""

    load_file = staticmethod(functools.cache(botocore.loaders.JSONFileLoader().load_file))


botocore.loaders.Loader.FILE_LOADER_CLASS = _ReadOnce

WORKERS_A_CORE = 3  # most tests wait, for Flink, Spark, notebooks and timers: two workers a core used 56 % of it, and with four Flink came too late
WORKER_BYTES = 3 * 2**29  # a worker with its server and an engine


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """`-n auto` is for all tests, `-n logical` (a worker a core) for units, which never wait."""
    if config.option.numprocesses != "auto":
        return None
    return max(2, min(WORKERS_A_CORE * (os.cpu_count() or 1), psutil.virtual_memory().total // WORKER_BYTES))


UNIT_FOLDERS = ("local", "helpers")
SERVED = {"server", "own_server", "client", "cloud", "lake"}  # fixtures behind which a server stands


LONG_FIRST = (  # one each for the workers; a file of one or two tests brings the next file along to its worker, so quick ones follow
    "notebooks/test_notebooks_solved",
    "notebooks/test_notebooks.py",
    "notebooks/test_rehearsal",
    "notebooks",
    "browser",
    "local/flink",
    "kernels",
    "local/glue",
    "engines",
    "apps",
    "classroom",
    "test_site",
    "test_own_data",
    "test_commands",
    "test_platforms",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that no worker is left alone with one; mark what `make check` runs: tests of pure code."""
    items.sort(key=_turn)
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        slow = SERVED & set(getattr(item, "fixturenames", ())) or _starts_a_server(item.path)
        if folder in UNIT_FOLDERS and not slow:
            item.add_marker(pytest.mark.unit)


@functools.cache
def _starts_a_server(file: Path) -> bool:
    text = file.read_text()
    return "Server(" in text or "server_process." in text


def _turn(item: pytest.Item) -> int:
    place = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((turn for turn, name in enumerate(LONG_FIRST) if place.startswith(name)), len(LONG_FIRST))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The local AWS under test. `kill` is kill -9; `restart` starts it again on the same state and port."""

    def __init__(self, home: Path, shard_limits: bool = False, pace: float = 0.0):
        self.home, self.pace = home, pace
        self.port = free_port()
        self.shard_limits = shard_limits
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        settings = {"pace": self.pace} if self.pace else None
        self.pid = server_process.start(self.home, self.port, self.shard_limits, settings).pid

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def stop(self) -> None:
        server_process.stop(self.home)

    def restart(self) -> None:
        self.start()

    def client(self, service: str, account: str, region: str = REGION, **settings: Any) -> Any:
        return _session.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **settings),
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("workshop"))
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be killed and restarted."""
    running = Server(tmp_path / "workshop")
    yield running
    running.stop()


@pytest.fixture
def account() -> str:
    return str(next(_accounts))


@pytest.fixture
def client(server: Server, account: str) -> Callable[..., Any]:
    return lambda service, **settings: server.client(service, account, **settings)


@pytest.fixture
def cloud(server, account, monkeypatch):
    """The default boto3 session is on the test's server, in the test's account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    boto3.setup_default_session()
    yield lambda service: boto3.client(service)
    boto3.DEFAULT_SESSION = None
