"""A lake of their own for the tests of notebooks."""

import os

import pytest

from infra import server_process


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A fresh lake for a file's tests; at the end its local AWS is stopped, and the environment, in which connect() names it, is as before."""
    home, before = tmp_path_factory.mktemp("lake"), dict(os.environ)
    os.environ.pop("AWS_PROFILE", None)
    os.environ["WORKSHOP_HOME"] = str(home)
    yield home
    server_process.stop(home)
    os.environ.clear()
    os.environ.update(before)
