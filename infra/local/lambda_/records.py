"""What is kept of functions, layers and their versions; code is in files, see code.py."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.core import pace

SETTLE_SECONDS = 0.1  # how long a function is Pending or in update; on AWS some seconds
LATEST = "$LATEST"

Json = dict[str, Any]


def now_text() -> str:
    """Return the time as Lambda writes LastModified: `2026-11-28T18:14:12.081+0000`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Version:
    """One version of a function, $LATEST included: its configuration as AWS answers it, and the digest of its code.

    Parameters
    ----------
    layers: digests of its layers' content, in their order
    settled_at: when the change that is under way is done, in seconds since 1970; None when none is
    """

    configuration: Json
    code: str
    layers: list[str] = field(default_factory=list)
    settled_at: float | None = None

    @property
    def number(self) -> str:
        return self.configuration["Version"]

    def change(self, creating: bool = False) -> None:
        """Begin a change: a new revision, and the state that AWS answers until it is done."""
        configuration = self.configuration
        configuration["RevisionId"] = new_id()
        configuration["LastModified"] = now_text()
        why = {"": "The function is being created.", "Code": "Creating"}
        if creating:
            configuration.update(State="Pending", StateReason=why[""], StateReasonCode=why["Code"])
        else:
            configuration.update(
                LastUpdateStatus="InProgress", LastUpdateStatusReason=why[""], LastUpdateStatusReasonCode=why["Code"]
            )
        self.settled_at = time.time() + max(SETTLE_SECONDS, pace.begin("function pending"))

    def settle(self) -> None:
        """Finish the change under way when its time has come."""
        if self.settled_at is None or time.time() < self.settled_at:
            return
        self.settled_at = None
        configuration = self.configuration
        for name in ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
            configuration.pop(name, None)
        configuration.update(State="Active", LastUpdateStatus="Successful")
        revision = uuid.UUID(configuration["RevisionId"])
        configuration["RevisionId"] = str(uuid.uuid5(revision, "settled"))  # the same after a restart


@dataclass
class Alias:
    """A name for a version, or for two with weights."""

    name: str
    version: str
    description: str
    weights: dict[str, float]
    revision: str = field(default_factory=new_id)


@dataclass
class Function:
    """All versions of a function and what is attached to them; qualifier "" is the function itself.

    Parameters
    ----------
    policies: qualifier → statements
    urls: qualifier → function URL's configuration
    invoke_configs: qualifier → asynchronous invocation's configuration
    """

    name: str
    arn: str
    latest: Version
    versions: dict[str, Version] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    policies: dict[str, list[Json]] = field(default_factory=dict)
    policy_revisions: dict[str, str] = field(default_factory=dict)
    urls: dict[str, Json] = field(default_factory=dict)
    invoke_configs: dict[str, Json] = field(default_factory=dict)
    reserved: int | None = None
    recursion: str = "Terminate"
    tags: dict[str, str] = field(default_factory=dict)
    last_number: int = 0

    def version(self, qualifier: str) -> Version | None:
        """Return the version of a number or `$LATEST`; None when there is none. Aliases are the caller's."""
        return self.latest if qualifier in ("", LATEST) else self.versions.get(qualifier)


@dataclass
class LayerVersion:
    """One version of a layer: its answer, and the digest of its content."""

    answer: Json
    code: str
    statements: list[Json] = field(default_factory=list)
    revision: str = field(default_factory=new_id)


@dataclass
class Layer:
    name: str
    arn: str
    versions: dict[int, LayerVersion] = field(default_factory=dict)
    last_number: int = 0
