"""A learner's notebook server asks for a place before it starts a Flink kernel, and gives it back."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jupyterhub") is None, reason="the extra `class` is not installed"
)


@pytest.fixture
def manager(monkeypatch):
    from infra.classroom import kernels

    made = kernels.ClassKernelManager()
    made.asked = []
    made.answer = {"place": 0}
    made.running = {}

    async def start(self, **given):
        if given.get("fails"):
            raise RuntimeError("no Java")
        made.running["k1"] = given["kernel_name"]
        return "k1"

    async def shutdown(self, kernel_id, *given, **named):
        made.running.pop(kernel_id)

    def signed(method, path, told):
        made.asked.append(method)
        return made.answer

    monkeypatch.setattr(kernels.AsyncMappingKernelManager, "start_kernel", start)
    monkeypatch.setattr(kernels.AsyncMappingKernelManager, "shutdown_kernel", shutdown)
    monkeypatch.setattr(
        kernels.ClassKernelManager, "_flink", lambda self: [k for k, n in self.running.items() if n == kernels.NAME]
    )
    monkeypatch.setattr(kernels, "signed", signed)
    return made


def test_other_kernels_start_without_asking(manager):
    assert asyncio.run(manager.start_kernel(kernel_name="analytics-workshop")) == "k1"
    asyncio.run(manager.shutdown_kernel("k1"))
    assert manager.asked == []


def test_a_flink_kernel_takes_a_place_and_gives_it_back(manager):
    asyncio.run(manager.start_kernel(kernel_name="flink-studio"))
    asyncio.run(manager.shutdown_kernel("k1"))
    assert manager.asked == ["POST", "DELETE"]


def test_without_a_place_it_is_said_which_place_in_the_queue_one_has(manager):
    from tornado.web import HTTPError

    manager.answer = {"place": 3}
    with pytest.raises(HTTPError, match="queue place 3"):
        asyncio.run(manager.start_kernel(kernel_name="flink-studio"))
    assert manager.running == {}


def test_one_learner_has_one_flink_kernel(manager):
    from tornado.web import HTTPError

    asyncio.run(manager.start_kernel(kernel_name="flink-studio"))
    with pytest.raises(HTTPError, match="already"):
        asyncio.run(manager.start_kernel(kernel_name="flink-studio"))


def test_a_kernel_that_does_not_start_keeps_no_place(manager):
    with pytest.raises(RuntimeError, match="no Java"):
        asyncio.run(manager.start_kernel(kernel_name="flink-studio", fails=True))
    assert manager.asked == ["POST", "DELETE"]
