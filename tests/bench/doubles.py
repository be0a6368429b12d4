"""The servers that are compared: ours, moto's own, ministack and fakecloud, each in a process of its own; moto and ministack in throw-away environments.

fakecloud is a program in Rust whose build takes an hour (`cargo install --locked fakecloud`): it takes part where it is on the PATH, or where
the variable FAKECLOUD names it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

START_SECONDS = 60
PEERS = {
    "moto": ("moto[server]==5.2.5", ["-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"]),
    "ministack": ("ministack==1.5.33", ["-m", "ministack"]),
}


class Double:
    """One running server under measurement."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], port: int):
        self.name, self.port = name, port
        started = time.perf_counter()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=self.log, stderr=self.log, start_new_session=True
        )
        s3 = self.client("s3")
        while True:
            with contextlib.suppress(Exception):
                s3.list_buckets()
                break
            if self.process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                raise RuntimeError(f"{name} did not start")
            time.sleep(0.01)
        self.start_seconds = time.perf_counter() - started

    def client(self, service: str, account: str = "123456789012") -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key="bench",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=10, read_timeout=300),
        )

    def resident_mb(self) -> float:
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def processor_seconds(self) -> float:
        """Seconds of the processors that the server itself, without its engines, has used."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            user, system = stat.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ours(home: Path) -> Double:
    """Start our server on a fresh home folder."""
    port = free_port()
    return Double(
        "ours", [sys.executable, "-m", "infra.local.server", "--home", str(home), "--port", str(port)], {}, port
    )


@contextlib.contextmanager
def ours_running(home: Path) -> Iterator[Double]:
    """Run our server on a fresh home folder."""
    double = ours(home)
    try:
        yield double
    finally:
        double.stop()


def install_peers(folder: Path) -> None:
    """Install each peer into an environment of its own below `folder`."""
    for name, (requirement, _) in PEERS.items():
        print(f"installing {requirement} …", flush=True)
        venv.create(folder / name, with_pip=True)
        subprocess.run([folder / name / "bin" / "python", "-m", "pip", "install", "-q", requirement], check=True)


def fakecloud() -> str | None:
    """Return the path of fakecloud, None where it is not installed."""
    return os.environ.get("FAKECLOUD") or shutil.which("fakecloud")


def told() -> list[str]:
    """Return the names and versions of the peers that take part."""
    names = [requirement for requirement, _ in PEERS.values()]
    return [*names, os.environ.get("FAKECLOUD_VERSION", "fakecloud")] if fakecloud() else names


def peer(name: str, folder: Path) -> Double:
    """Start a peer that `install_peers` installed."""
    port = free_port()
    command = [str(folder / name / "bin" / "python"), *(part.format(port=port) for part in PEERS[name][1])]
    return Double(name, command, {"GATEWAY_PORT": str(port), "MOTO_ALLOW_NONEXISTENT_REGION": "true"}, port)


@contextlib.contextmanager
def all_running(folder: Path) -> Iterator[list[Double]]:
    """Run ours and the peers side by side."""
    running = [ours(folder / "home")]
    try:
        for name in PEERS:
            running.append(peer(name, folder))
        program = fakecloud()
        if program:
            port = free_port()
            running.append(Double("fakecloud", [program, "--addr", f"127.0.0.1:{port}"], {}, port))
        yield running
    finally:
        for double in running:
            double.stop()


def machine() -> str:
    """Return processor, cores and memory of this machine."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = next(
            (line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "unknown processor"
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"
