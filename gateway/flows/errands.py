"""Calls that go on while their caller has moved on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from gateway.flows.leases import NotOurs

log = structlog.get_logger(__name__)


class Errands:
    """What a worker has begun. A failure nobody waits for is a defect of ours, and logged; its work comes due again.

    So does the work for a connection that another process may call by now, and there.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, name: str, work: Coroutine[Any, Any, None], after: Callable[[], None] = lambda: None) -> None:
        """Goes on by itself; ``after`` is called whatever its end."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            after()
            if task.cancelled():
                return
            if isinstance(task.exception(), NotOurs):
                log.warning("left_to_its_owner", task=name, why=str(task.exception()))
            elif task.exception() is not None:
                log.error("task_failed", task=name, exc_info=task.exception())

        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(ended)

    async def idle(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def cut_off(self) -> None:
        """Ends what is under way without its answer."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
