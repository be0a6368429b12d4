"""A pytest plugin inside a client's own environment: where its suite starts a double of AWS, the local AWS of this run answers.

Nothing of the workshop is imported here; the environment is the client's, with other versions of everything.
"""

from __future__ import annotations

import contextlib
import os
import sys
import types
import urllib.error
import urllib.request

import pytest

ENDPOINT, KEY = os.environ["CLIENTS_ENDPOINT"], os.environ["CLIENTS_KEY"]
ACCOUNT = os.environ["AWS_ACCESS_KEY_ID"]


class ThreadedMotoServer:
    """What s3fs starts: nothing, for the server runs already."""

    def __init__(self, ip_address: str, port: int):
        assert f"http://{ip_address}:{port}" == ENDPOINT

    def start(self) -> None: ...

    def stop(self) -> None: ...


def _module(name: str, **values: object) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(values)
    sys.modules[name] = module


if "moto" not in sys.modules:
    _module("moto", __version__="5.2.5")
    _module("moto.moto_server")
    _module("moto.moto_server.threaded_moto_server", ThreadedMotoServer=ThreadedMotoServer)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each test of s3fs begins with an empty account, as after the reset of the double that it knows."""
    if "s3fs" in str(item.path):
        with contextlib.suppress(urllib.error.HTTPError):  # an account that has nothing
            page = f"{ENDPOINT}/_workshop/accounts/{ACCOUNT}"
            asked = urllib.request.Request(page, method="DELETE", headers={"x-workshop-key": KEY})
            urllib.request.urlopen(asked, timeout=30).close()
