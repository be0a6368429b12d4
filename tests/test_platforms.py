"""Where the suite can be installed: locks for each platform, and the files of Binder and of development containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

from infra import project

LOCKS = {"workshop": project.ROOT, "flink": project.ROOT / "infra" / "engines" / "flink"}
PURE_SOURCES = {  # sdists that need no compiler
    "apache-flink-libraries", "avro-python3", "crcmod", "dill", "docopt", "hdfs", "pyspark",
}  # fmt: skip
COMPILED = {("flink", "linux-arm64"): {"apache-flink"}}  # said in docs/platforms.md: needs gcc and Python's headers


def _linux(machine: str) -> list[str]:
    return [*(f"manylinux_2_{minor}_{machine}" for minor in range(5, 37)), f"manylinux2014_{machine}"] + [
        f"manylinux{old}_{machine}" for old in ("1", "2010")
    ]


PLATFORMS = {
    "linux-x86_64": ("linux", "x86_64", _linux("x86_64")),
    "linux-arm64": ("linux", "aarch64", _linux("aarch64")),
    "macos-arm64": ("darwin", "arm64", list(mac_platforms((14, 0), "arm64"))),
}


def _uv() -> str:
    return shutil.which("uv") or str(project.ROOT / ".workshop" / "uv" / "bin" / "uv")


def _needed(folder: Path, system: str, machine: str) -> set[str]:
    """The packages that the lock installs there, without those for development."""
    command = [
        _uv(),
        "export",
        "--frozen",
        "--offline",
        "--no-dev",
        "--no-hashes",
        "--no-emit-project",
        "--no-annotate",
    ]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    there = {"sys_platform": system, "platform_machine": machine, "os_name": "posix", "python_version": "3.11"}
    there |= {"platform_system": {"linux": "Linux", "darwin": "Darwin"}[system], "python_full_version": "3.11.9"}
    there |= {"platform_python_implementation": "CPython", "implementation_name": "cpython"}
    names = set()
    for line in told.splitlines():
        if line and not line.startswith(("#", " ", "-")):
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate(there):
                names.add(canonicalize_name(wanted.name))
    return names


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_installs_on(lock: str, platform: str) -> None:
    system, machine, names = PLATFORMS[platform]
    tags: set[Tag] = {*cpython_tags((3, 11), platforms=names), *compatible_tags((3, 11), "cp311", names)}
    needed = _needed(LOCKS[lock], system, machine)
    assert len(needed) > 40
    packages = tomllib.loads((LOCKS[lock] / "uv.lock").read_text())["package"]
    without = set()
    for package in packages:
        wheels = [wheel["url"].rsplit("/", 1)[1] for wheel in package.get("wheels", [])]
        if package["name"] in needed and not any(parse_wheel_filename(wheel)[3] & tags for wheel in wheels):
            without.add(package["name"])
    assert without - PURE_SOURCES == COMPILED.get((lock, platform), set())


def test_binders_start_runs_the_local_aws_and_then_what_it_is_given(tmp_path: Path) -> None:
    environment = os.environ | {
        "WORKSHOP_HOME": str(tmp_path),
        "PATH": f"{project.ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
    }
    try:
        done = subprocess.run(
            [project.ROOT / "start", "workshop", "status"], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "127.0.0.1" in done.stdout
    finally:
        subprocess.run(["workshop", "stop"], env=environment, check=True, capture_output=True)


def test_binders_files_can_be_run() -> None:
    for name in ("postBuild", "start"):
        assert os.access(project.ROOT / name, os.X_OK)


def test_the_development_container_is_set_up_by_the_projects_own_commands() -> None:
    container = json.loads((project.ROOT / ".devcontainer" / "devcontainer.json").read_text())
    target = container["postCreateCommand"].removeprefix("make ")
    done = subprocess.run(["make", "-n", target], cwd=project.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert container["postStartCommand"] == ".venv/bin/workshop start"
