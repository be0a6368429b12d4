"""`workshop class`: enrol, start the local AWS with checked signatures, start the hub, and say where to go."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil

from infra import project, server_process
from infra.server_process import LocalAwsError, Running

LEARNER_BYTES = 450_000_000  # a notebook server and a kernel
DRIVER_BYTES = 1_000_000_000  # a Spark driver
FLINK_BYTES = 800_000_000  # a Flink kernel
DRIVERS_A_CORE = 4  # more would only wait for the processor
IDLE_SECONDS, SERVER_IDLE_SECONDS = 3600, 7200
END_SECONDS = 60
FIRST_UID = 720_000  # of learners, where root leads the class


class Wish(NamedTuple):
    """What whoever leads has typed."""

    names: list[str]
    address: str
    port: int
    spark_sessions: int | None
    new_passwords: list[str] | None
    shard_limits: bool = False


def names(count: int | None, file: Path | None) -> list[str]:
    """Return the names of a class: of a file with one a line, or learner-01 and so on. Raises ValueError."""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")  # editors of Windows begin with a mark
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"The names in {file} cannot be read: {error}") from None
        found = [line.strip() for line in text.splitlines() if line.strip()]
        if not found:
            raise ValueError(f"There is no name in {file}: write one a line.")
        if twice := [name for name, count in Counter(found).items() if count > 1]:
            raise ValueError(f"{', '.join(twice)} stands more than once in {file}: two learners need two names.")
        return found
    return [f"learner-{number:02d}" for number in range(1, (count or 0) + 1)]


def spark_sessions(learners: int, memory: int, cores: int) -> int:
    """Return how many Spark drivers may run at once beside the learners' notebooks, by memory (bytes) and cores."""
    left = (memory - learners * LEARNER_BYTES) // DRIVER_BYTES
    return max(2, min(left, DRIVERS_A_CORE * cores))


def flink_kernels(learners: int, sessions: int, memory: int) -> int:
    """Return how many Flink kernels may run at once in the memory (bytes) that notebooks and Spark sessions leave."""
    return max(2, (memory - learners * LEARNER_BYTES - sessions * DRIVER_BYTES) // FLINK_BYTES)


def need_extra() -> None:
    """Install JupyterHub into the environment when it is not there. Raises LocalAwsError."""
    if importlib.util.find_spec("jupyterhub") and importlib.util.find_spec("nbgitpuller"):
        return
    uv = shutil.which("uv") or str(project.ROOT / ".workshop" / "uv" / "bin" / "uv")
    print("Installing JupyterHub (the extra `class`, by uv.lock)", flush=True)
    command = [uv, "sync", "--frozen", "--quiet", "--inexact", "--extra", "class", "--python", sys.executable]
    try:
        subprocess.run(command, cwd=project.ROOT, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalAwsError(f"JupyterHub could not be installed: {error}") from None


def lead(wish: Wish) -> int:
    """Hold a class until Ctrl-C. Raises LocalAwsError, ValueError, RuntimeError."""
    _try_to_listen(wish.address, wish.port)
    need_extra()
    from infra.classroom import material, proxy
    from infra.classroom.roster import LEADER, Roster
    from infra.engines import jars

    home = project.home()
    if server_process.find(home) is not None:
        raise LocalAwsError("The local AWS is running already, without a class: type `workshop stop` first.")
    roster = Roster(home / "class")
    given = roster.enrol(wish.names)
    if not roster.learners:
        raise ValueError("Nobody is in the class yet: workshop class --learners 30, or --names FILE.")
    if wish.new_passwords is not None:
        given = roster.renew(wish.new_passwords)
    proxy_command = proxy.command(home / "class" / "proxy")
    repository = material.publish(roster.folder)
    sessions = wish.spark_sessions or spark_sessions(
        len(roster.learners), psutil.virtual_memory().total, os.cpu_count() or 1
    )
    kernels = flink_kernels(len(roster.learners), sessions, psutil.virtual_memory().total)
    kernels, applications = max(2, kernels - kernels // 2), max(2, kernels // 2)  # an application takes about as much
    settings = {"members": roster.members, "spark-sessions": sessions, "flink-kernels": kernels}
    settings["flink-applications"] = applications
    (home / "state").mkdir(exist_ok=True)
    (home / "state").chmod(0o700)  # what all accounts have; learners come to it through the local AWS only
    running = server_process.start(home, shard_limits=wish.shard_limits, settings=settings)
    try:
        first_uid = FIRST_UID if _can_separate(repository) else 0
        for learner in roster.learners:
            _own(roster.write_home(learner, running.endpoint), first_uid and first_uid + int(learner.account))
        plan = {
            "folder": str(roster.folder), "home": str(home), "material": str(repository), "leader": LEADER,
            "address": wish.address, "port": wish.port, "proxy": proxy_command, "first_uid": first_uid,
            "hub_port": _free_port(), "proxy_port": _free_port(), "board_port": _free_port(),
            "cache": str(jars.folder().parent), "idle_seconds": IDLE_SECONDS, "server_idle_seconds": SERVER_IDLE_SECONDS,
        }  # fmt: skip
        _tell(wish, running, given, (sessions, kernels, applications), bool(first_uid), len(roster.learners))
        return _hub(roster.folder, plan)
    finally:
        server_process.stop(home)


def _hub(folder: Path, plan: dict[str, object]) -> int:
    config = Path(__file__).with_name("hub_config.py")
    variables = {**os.environ, "WORKSHOP_CLASS_PLAN": json.dumps(plan)}
    database = folder / "hub.sqlite"  # who may enter the folder, as learners may, need not read who has logged in
    database.touch(0o600)
    database.chmod(0o600)
    hub = subprocess.Popen([sys.executable, "-m", "jupyterhub", "-f", str(config)], cwd=folder, env=variables)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the class as Ctrl-C does
    try:
        return hub.wait()
    except KeyboardInterrupt:
        print("\nThe class ends; what was made stays.", flush=True)
        hub.send_signal(signal.SIGTERM)  # the hub ends its proxy, its services and the learners' servers
        hub.wait(END_SECONDS)
        return 0


def _tell(
    wish: Wish,
    running: Running,
    given: list[tuple[str, str, str]],
    places: tuple[int, int, int],
    separate: bool,
    learners: int,
) -> None:
    place = f"http://{socket.gethostname() if wish.address == '0.0.0.0' else wish.address}:{wish.port}"
    if given:
        print("Passwords, shown this once; hand them out:\n")
        print(f"  {'name':<24} {'log-in':<24} password")
        for name, login, password in given:
            print(f"  {name:<24} {login:<24} {password}")
        print()
    print(f"Class of {learners} at {place} · local AWS at {running.endpoint}, signatures are checked")
    print(f"Progress board, for the instructor: {place}/services/board/")
    print(
        f"{places[0]} Spark sessions, {places[1]} Flink kernels and {places[2]} Flink applications run at once; "
        "who comes then gets a place in the queue."
    )
    print(
        "Each learner has a Unix user of its own."
        if separate
        else "All learners are one Unix user, who can read each other's files: a class that trusts each other. "
        "(Started by root, from a folder and with a Python that everybody may read, each gets a user of its own.)"
    )
    print("Ctrl-C ends the class; what was made stays.", flush=True)


def _try_to_listen(address: str, port: int) -> None:
    """Raise ValueError where the hub could not listen: passwords are shown once, so this is found out before."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"Nothing can listen at {address}, port {port}: {reason}. --address takes an address of this machine, --port a free port."
        ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _can_separate(repository: Path) -> bool:
    """Tell whether learners can be Unix users of their own: root leads, and others can read the environment and the project."""
    if os.geteuid() != 0:
        return False
    command = [sys.executable, "-c", "import infra.project, jupyterhub.singleuser; open('README.md').read()"]
    try:
        tried = subprocess.run(
            command, cwd=repository, user=FIRST_UID, group=FIRST_UID, extra_groups=[], capture_output=True
        )
    except OSError:
        return False
    return tried.returncode == 0


def _own(folder: Path, uid: int) -> None:
    """Give a learner's folder to the learner's user."""
    if uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, uid, follow_symlinks=False)
