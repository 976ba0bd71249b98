"""Time as something handed in, so that the whole gateway can run in a seeded simulation."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from gateway.model import dates
from gateway.model.dates import Instant

T = TypeVar("T")

# How often the loop goes round before the fake clock takes everybody for asleep. One turn resumes one ``await`` of each
# task that is ready, so this bounds the chain of awaits between two sleeps, not the number of tasks.
SETTLE_TURNS = 64


class Clock(Protocol):
    """What may be asked of time. Instants are milliseconds since 1970 UTC, durations are seconds."""

    def now_ms(self) -> Instant: ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Whether the event was set before the time was up."""


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> Instant:
        return dates.now_ms()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return event.is_set()
        return True


class FakeClock:
    """A clock that stands still until told otherwise. Sleepers wake one by one, by due time, then in order of arrival.

    It knows only sleeps that go through it: a simulation under it must not wait for sockets or threads.
    """

    def __init__(self, now_ms: Instant = 0) -> None:
        self._now_ms = now_ms
        self._sleepers: list[tuple[Instant, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    def now_ms(self) -> Instant:
        return self._now_ms

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waking = asyncio.get_running_loop().create_future()
        # Rounded up, because whoever sleeps until an instant must not find it still ahead on waking.
        due_ms = self._now_ms + math.ceil(round(seconds * 1000, 6))
        heapq.heappush(self._sleepers, (due_ms, next(self._arrivals), waking))
        await waking

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        tasks = [asyncio.create_task(event.wait()), asyncio.create_task(self.sleep(timeout_s))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return event.is_set()

    async def advance(self, seconds: float) -> None:
        """Let that much time pass; on return everybody who was due has run until the next sleep."""
        until_ms = self._now_ms + round(seconds * 1000)
        await _settle()
        while self._next_due_ms() <= until_ms:
            await self._wake_next()
        self._now_ms = until_ms

    async def run(self, journey: Coroutine[Any, Any, T]) -> T:
        """Run it to its end, passing time while everybody sleeps. RuntimeError once nothing is left to wake it."""
        task = asyncio.create_task(journey)
        try:
            await _settle()
            while not task.done():
                if self._next_due_ms() == math.inf:
                    raise RuntimeError("the journey waits, and no sleeper of this clock is left to wake it")
                await self._wake_next()
            return task.result()
        finally:
            task.cancel()

    def _next_due_ms(self) -> float:
        while self._sleepers and self._sleepers[0][2].done():  # its sleeper was cancelled
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else math.inf

    async def _wake_next(self) -> None:
        due_ms, _, waking = heapq.heappop(self._sleepers)
        self._now_ms = due_ms
        waking.set_result(None)
        await _settle()


async def _settle() -> None:
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)
