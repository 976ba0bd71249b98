"""How fast one counterpart account is called. Local to the process that owns the connection's sending rights."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.io.clock import Clock
from gateway.model.dates import Instant

MINUTE_MS = 60_000
BURST_PART = 10  # this part of a minute's allowance may go out back to back


class Pace:
    """Turns to call: so many at once, so many a minute, none during a pause.

    An urgent caller goes before every waiting ordinary one, and keeps to the counterpart's limits like everybody else.
    Within a lane it is first come, first served. No span of 60 s ever sees more than ``per_minute_max`` calls begin.
    """

    def __init__(self, *, in_flight_max: int, per_minute_max: int, clock: Clock) -> None:
        if in_flight_max < 1 or per_minute_max < 1:
            raise ValueError("a pace that lets nobody through")
        self._clock = clock
        self._free = in_flight_max
        # The token bucket in its "virtual scheduling" form (GCRA, ITU-T I.371): one instant instead of a count of
        # tokens. A bucket of ``burst``, refilled once in an interval of this length, lets out ``per_minute_max`` in a
        # minute.
        burst = max(1, per_minute_max // BURST_PART)
        self._interval_ms = MINUTE_MS / (per_minute_max - burst + 1)
        self._tolerance_ms = (burst - 1) * self._interval_ms
        self._full_at_ms: float = 0.0
        self._paused_until_ms: Instant = 0
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._ordinary: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncIterator[None]:
        """Waits for a turn and holds it for the length of the block, which is to be one call."""
        await self._enter(self._urgent if urgent else self._ordinary)
        try:
            yield
        finally:
            self._leave()

    def pause_until(self, at_ms: Instant) -> None:
        """Nobody starts before that instant (their Retry-After). Pauses don't shorten one another."""
        self._paused_until_ms = max(self._paused_until_ms, at_ms)

    def close(self) -> None:
        """Stops the timer; whoever still waits has to be cancelled by its owner."""
        if self._timer is not None:
            self._timer.cancel()

    async def _enter(self, lane: deque[asyncio.Future[None]]) -> None:
        waiter = asyncio.get_running_loop().create_future()
        lane.append(waiter)
        self._admit()
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # its turn and its cancellation came together, and the turn must not be lost
                self._leave()
            raise

    def _leave(self) -> None:
        self._free += 1
        self._admit()

    def _admit(self) -> None:
        while self._free and (lane := self._lane()):
            now_ms = self._clock.now_ms()
            if self._due_ms(now_ms) > now_ms:
                self._set_timer()
                return
            self._free -= 1
            self._full_at_ms = max(self._full_at_ms, now_ms) + self._interval_ms
            lane.popleft().set_result(None)

    def _lane(self) -> deque[asyncio.Future[None]] | None:
        for lane in (self._urgent, self._ordinary):
            while lane and lane[0].done():  # cancelled while waiting
                lane.popleft()
            if lane:
                return lane
        return None

    def _due_ms(self, now_ms: Instant) -> int:
        # A wall clock set back must not lengthen the wait: no honest bucket needs longer than this to fill.
        self._full_at_ms = min(self._full_at_ms, now_ms + self._tolerance_ms + self._interval_ms)
        return max(self._paused_until_ms, math.ceil(self._full_at_ms - self._tolerance_ms))

    def _set_timer(self) -> None:
        if self._timer is None:
            self._timer = asyncio.create_task(self._wait_until_due())

    async def _wait_until_due(self) -> None:
        now_ms = self._clock.now_ms()
        await self._clock.sleep((self._due_ms(now_ms) - now_ms) / 1000)
        self._timer = None
        self._admit()


class Paces:
    """The pace of each connection, with the limits that were declared when it was called first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[str, Pace] = {}

    def of(self, connection: str, *, per_minute_max: int, in_flight_max: int) -> Pace:
        pace = self._paces.get(connection)
        if pace is None:
            pace = Pace(in_flight_max=in_flight_max, per_minute_max=per_minute_max, clock=self._clock)
            self._paces[connection] = pace
        return pace
