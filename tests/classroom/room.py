"""A class as somebody leads it: `workshop class`, with the passwords read from its screen."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from infra.classroom import proxy
from tests.conftest import free_port
from tests.polling import until

NEEDED = [
    pytest.mark.skipif(importlib.util.find_spec("jupyterhub") is None, reason="the extra `class` is not installed"),
]


class Class:
    """A class of these names, on a free port.

    Parameters
    ----------
    folder: an empty folder; its `home` becomes the home of the local AWS and of the class
    names: of the learners
    """

    def __init__(self, folder: Path, *names: str):
        self.home, self.port = folder / "home", free_port()
        try:
            proxy.command(self.home / "class" / "proxy")
        except proxy.NoProxy as error:  # no Node here, or npm has no network: the message says what to do
            pytest.skip(str(error))
        listed = folder / "names.txt"
        listed.write_text("\n".join(names))
        self.screen = folder / "screen.txt"
        command = [sys.executable, "-m", "infra.cli", "class", "--names", str(listed), "--port", str(self.port)]
        with open(self.screen, "wb") as screen:
            self.process = subprocess.Popen(
                command, env={**os.environ, "WORKSHOP_HOME": str(self.home)}, stdout=screen, stderr=screen
            )
        until(self._answers, "the hub", 180)
        found = re.findall(r"^  (.{24}) (\S+) +(\S{4}-\S{4}-\S{4})$", self.screen.read_text(), re.MULTILINE)
        self.passwords = {login: password for _, login, password in found}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.screen.read_text()
        try:
            return bool(urllib.request.urlopen(f"{self.url}/hub/login", timeout=5).status == 200)
        except OSError:
            return False

    def run(self, login: str, code: str) -> str:
        """Run code as a notebook of a learner would, and return what it prints."""
        home = self.home / "class" / "learners" / login
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**variables, "WORKSHOP_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(90) == 0
