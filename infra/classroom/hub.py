"""What JupyterHub asks: who may enter, and with which folder and variables a learner's notebook server starts."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Dict, Unicode

from infra import profile, project
from infra.classroom import material
from infra.classroom.roster import LEADER, Learner, Roster, may_enter


class ClassAuthenticator(Authenticator):
    """Log-in by the passwords that `workshop class` has handed out."""

    folder = Unicode(config=True, help="the folder of the class")

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        login = data["username"].strip().lower()
        right = await asyncio.to_thread(may_enter, Path(self.folder), login, data["password"])
        return login if right else None


class ClassSpawner(LocalProcessSpawner):
    """A notebook server in the learner's own folder; as a Unix user of its own number, where the class is led by root."""

    plan = Dict(config=True, help="what `workshop class` has decided")

    def _learner(self) -> Learner | None:
        roster = Roster(Path(self.plan["folder"]))
        return next((each for each in roster.learners if each.login == self.user.name), None)

    def _home(self) -> Path:
        return Path(self.plan["folder"]) / "learners" / self.user.name

    def _uid(self) -> int | None:
        learner = self._learner()
        return self.plan["first_uid"] + int(learner.account) if learner and self.plan["first_uid"] else None

    async def start(self) -> Any:
        if self.user.name != LEADER:
            self.notebook_dir = str(self._home() / "work")
            await asyncio.to_thread(material.pull, Path(self.plan["material"]), self._home() / "work", self._uid())
        else:
            self.notebook_dir = str(project.ROOT)
        return await super().start()

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        learner = self._learner()
        home = self._home() if learner else Path(self.plan["home"])
        env |= {
            "USER": self.user.name,
            "HOME": str(home) if learner else os.environ.get("HOME", "/"),
            "SHELL": "/bin/bash",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "WORKSHOP_HOME": str(home),
            "WORKSHOP_CACHE": self.plan["cache"],
        }
        if learner:
            env |= {"WORKSHOP_ACCOUNT": learner.account, **profile.environment(home, None)}
        return env

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        uid, folder = self._uid(), self.notebook_dir

        def prepare() -> None:
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.chdir(folder)

        return prepare

    def move_certs(self, paths: Any) -> Any:
        return paths
