"""Who is in the class: names, accounts, keys and passwords; and the folder of each learner.

In `.workshop/class`, for its owner only: `members.json` has the keys (a signature can only be checked with the secret itself), `passwords.json` has
scrypt hashes: a password is shown once, when it is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any, NamedTuple

from infra import profile, project

LEADER = "instructor"
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike
COST = {"n": 2**14, "r": 8, "p": 1}  # scrypt: 16 MB and some 50 ms a try
NAME = re.compile(r"[\w .'’-]{1,40}")


class Learner(NamedTuple):
    """A learner: the name that the class chose, the log-in, the account with its key."""

    name: str
    login: str
    account: str
    access_key: str
    secret_key: str


class Roster:
    """The class in a folder; it is read when it is there."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)  # learners pass through to their own folders, and see nothing on the way
        self.learners = [Learner(**each) for each in _read(folder / "learners.json", [])]

    @property
    def members(self) -> Path:
        """The file that the local AWS checks signatures by."""
        return self.folder / "members.json"

    def home(self, learner: Learner) -> Path:
        return self.folder / "learners" / learner.login

    def enrol(self, names: list[str]) -> list[tuple[str, str, str]]:
        """Add who is not in the class yet; return (name, log-in, password) of whoever got a password now. Raises ValueError."""
        passwords = _read(self.folder / "passwords.json", {})
        new = []
        for name in names:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"'{name}' is no name: up to 40 letters, digits, blanks, dots, apostrophes and hyphens."
                )
            login = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"learner-{len(self.learners) + 1}"
            if any(each.name == name for each in self.learners):
                continue
            if login == LEADER or any(each.login == login for each in self.learners):
                raise ValueError(f"Two in the class would log in as '{login}': give one of them another name.")
            self.learners.append(_made(name, login, len(self.learners) + 1))
            new.append((name, login))
        if LEADER not in passwords:
            new.insert(0, (LEADER, LEADER))
        given = [(name, login, _password()) for name, login in new]
        passwords |= {login: hashed(password) for _, login, password in given}
        self._write(passwords)
        return given

    def renew(self, logins: list[str]) -> list[tuple[str, str, str]]:
        """Give new passwords to some, or to all when none is named. Raises ValueError."""
        names = {LEADER: LEADER} | {learner.login: learner.name for learner in self.learners}
        unknown = set(logins) - names.keys()
        if unknown:
            raise ValueError(f"Nobody in the class logs in as {', '.join(sorted(unknown))}.")
        given = [(names[login], login, _password()) for login in logins or names]
        passwords = _read(self.folder / "passwords.json", {})
        self._write(passwords | {login: hashed(password) for _, login, password in given})
        return given

    def _write(self, passwords: dict[str, str]) -> None:
        _store(self.folder / "passwords.json", passwords)
        _store(self.folder / "learners.json", [learner._asdict() for learner in self.learners])
        keys = ("name", "account", "access_key", "secret_key")
        _store(self.members, [{key: getattr(learner, key) for key in keys} for learner in self.learners])

    def write_home(self, learner: Learner, endpoint: str) -> Path:
        """Write the folder that a learner's notebooks take as theirs: where the local AWS is, and the learner's own key."""
        home = self.home(learner)
        for folder in (home, home / "aws"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        (home.parent).chmod(0o711)
        config, credentials = profile.files(home)
        config.write_text(profile.settings(endpoint))
        _private(
            credentials,
            f"[{project.LOCAL_PROFILE}]\naws_access_key_id = {learner.access_key}\n"
            f"aws_secret_access_key = {learner.secret_key}\n",
        )
        _store(home / "class.json", {"endpoint": endpoint, "account": learner.account})
        return home


def _made(name: str, login: str, number: int) -> Learner:
    from moto.iam.utils import generate_access_key_id_from_account_id

    account = f"{number:012d}"
    key = generate_access_key_id_from_account_id(account, prefix="AKIA", total_length=20)
    return Learner(name, login, account, key, secrets.token_urlsafe(30))


def _password() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def hashed(password: str) -> str:
    """Return a salted hash of a password."""
    salt = os.urandom(16)
    made = hashlib.scrypt(password.encode(), salt=salt, **COST)
    return f"{base64.b64encode(salt).decode()}:{base64.b64encode(made).decode()}"


def fits(password: str, kept: str) -> bool:
    """Tell whether a password is the one of a hash."""
    salt, _, made = kept.partition(":")
    tried = hashlib.scrypt(password.encode(), salt=base64.b64decode(salt), **COST)
    return hmac.compare_digest(tried, base64.b64decode(made))


def may_enter(folder: Path, login: str, password: str) -> bool:
    """Tell whether a log-in and its password are right; whoever is not in the class takes as long to refuse."""
    kept = _read(folder / "passwords.json", {})
    nobody = hashed("") if login not in kept else ""
    return fits(password, kept.get(login, nobody)) and login in kept


def _read(file: Path, missing: Any) -> Any:
    return json.loads(file.read_text()) if file.exists() else missing


def _store(file: Path, value: object) -> None:
    _private(file, json.dumps(value, indent=1))


def _private(file: Path, text: str) -> None:
    """Replace a file that only its owner may read."""
    written = file.with_name(f".{file.name}.new")
    written.touch(mode=0o600)
    written.chmod(0o600)
    written.write_text(text)
    os.replace(written, file)
