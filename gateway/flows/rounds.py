"""Work that a process does again and again by itself."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

import structlog

from gateway.flows.services import Services

log = structlog.get_logger(__name__)


class Rounds(ABC):
    """A loop of one process: a round each ``every_s`` seconds, the first after ``first_s``; ``work`` is its name."""

    def __init__(self, services: Services, work: str, *, every_s: float, first_s: float) -> None:
        self._services = services
        self._work = work
        self._every_s = every_s
        self._first_s = first_s
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def round(self) -> object:
        """Whatever is due now."""

    def start(self) -> None:
        self._task = asyncio.create_task(self._go_on(), name=self._work)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _go_on(self) -> None:
        wait_s = self._first_s
        while True:
            await self._services.clock.sleep(wait_s)
            wait_s = self._every_s
            try:
                await self.round()
            except Exception:
                # The database is away, say. What is due is written down there, so the next round finds it.
                log.exception("round_failed", work=self._work)
