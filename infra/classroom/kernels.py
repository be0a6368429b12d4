"""The kernels of a learner's notebook server in a class: a Flink kernel is started when the machine has a place for it."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web

from infra.kernels.flink.install import NAME
from infra.teaching.progress import signed


class ClassKernelManager(AsyncMappingKernelManager):
    """Jupyter's own, which asks the local AWS of the class before it starts a Flink kernel."""

    async def start_kernel(self, **given: Any) -> str:  # type: ignore[override]
        if given.get("kernel_name") != NAME:
            return await super().start_kernel(**given)
        if self._flink():
            raise web.HTTPError(503, "You have a Flink kernel already: shut it down first (menu Kernel).")
        answer = await asyncio.to_thread(signed, "POST", "/_workshop/places", {"pid": os.getpid()})
        if answer["place"]:
            message = f"queue place {answer['place']}: all places for Flink kernels of this machine are taken. Try again in a minute; your place is kept."
            raise web.HTTPError(503, message)
        try:
            return await super().start_kernel(**given)
        except BaseException:
            await self._leave()
            raise

    async def shutdown_kernel(self, kernel_id: str, *given: Any, **named: Any) -> Any:  # type: ignore[override]
        was_flink = kernel_id in self._flink()
        done = await super().shutdown_kernel(kernel_id, *given, **named)
        if was_flink and not named.get("restart"):
            await self._leave()
        return done

    def _flink(self) -> list[str]:
        return [each for each in self.list_kernel_ids() if self.get_kernel(each).kernel_name == NAME]

    async def _leave(self) -> None:
        await asyncio.to_thread(signed, "DELETE", "/_workshop/places", {})
