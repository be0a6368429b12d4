"""Empty one account of the local AWS, while the others work: `workshop reset --account 000000000007`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import boto3

from helpers.leftovers import delete_all
from infra import profile, server_process
from infra.server_process import LocalAwsError, Running
from infra.teaching.names import whole_account

ACCOUNT = re.compile(r"\d{12}")


class LocalSession(boto3.Session):
    """Root of an account of the local AWS, by the server's key. Every client is on that server, whatever a configuration says."""

    def __init__(self, running: Running, account: str, region: str = profile.REGION):
        super().__init__(account, running.key or "none", region_name=region)
        self._endpoint = running.endpoint

    def client(self, *given: Any, **named: Any) -> Any:
        return super().client(*given, **named | {"endpoint_url": self._endpoint})


def empty(running: Running, account: str, tell: Callable[[str], None] = print) -> None:
    """Delete everything in an account: first what works, then what is stored, with AWS's own calls; then all that the server has of it.

    Parameters
    ----------
    tell: called with a line for each thing that is deleted

    Raises ValueError for what is no account, LocalAwsError where something that works could not be ended.
    """
    if not ACCOUNT.fullmatch(account):
        raise ValueError(f"'{account}' is no account: write its 12 digits, for example 000000000007.")
    regions = server_process.ask(running, "GET", f"/_workshop/accounts/{account}")["regions"]
    for region in regions or [profile.REGION]:
        with whole_account():
            failed = delete_all(LocalSession(running, account, region), tell)
        for item, reason in failed:
            if item.order < FIRST_AT_REST:
                raise LocalAwsError(f"{item.kind} {item.name} could not be ended: {reason}. Repeat the command.")
    server_process.ask(running, "DELETE", f"/_workshop/accounts/{account}")


FIRST_AT_REST = 45  # of the orders in helpers/leftovers: what has a smaller one works, or makes something work
