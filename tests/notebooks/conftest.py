"""A lake of their own for the tests of notebooks."""

import os

import pytest

from infra import server_process


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A fresh lake for a file's tests; the local AWS of it is stopped at the end."""
    home = tmp_path_factory.mktemp("lake")
    before = {name: os.environ.pop(name, None) for name in ("WORKSHOP_HOME", "AWS_PROFILE")}
    os.environ["WORKSHOP_HOME"] = str(home)
    yield home
    server_process.stop(home)
    os.environ.pop("WORKSHOP_HOME")
    os.environ.update({name: value for name, value in before.items() if value is not None})
