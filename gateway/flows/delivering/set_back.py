"""What a clock that was ahead, and has been put right since, has written down as due: brought forward.

A delivery that was never tried is due at once, so one that is due in the future proves it, also to a process that did
not live through it. Whatever waits for a later try is then tried too: that is early at worst, and has no second effect.
Whoever is asked for reservations, or told what rooms are called, proves it by a wait longer than there is.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.flows import describe, fetch
from gateway.flows.delivering.jobs import BringForward
from gateway.flows.rounds import Rounds
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store import delivering, describing, fetching
from gateway.store.database import Transaction

log = structlog.get_logger(__name__)

EVERY_S = 30.0
# Clocks of several processes may be some seconds apart, and many deliveries that begin together are due one after the
# other, a millisecond apart.
AHEAD_MS = 60_000
ROWS_MAX = 500


class SetBack(Rounds):
    """Looks for them in every process that delivers."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, "clock", every_s=EVERY_S, first_s=1.0)

    async def round(self) -> int:
        """How many were brought forward."""
        now_ms = self._services.clock.now_ms()
        return await self._deliveries(now_ms) + await self._calls(now_ms)

    async def _deliveries(self, now_ms: Instant) -> int:
        after_ms = now_ms + AHEAD_MS
        rows = await self._services.database.read(lambda tx: delivering.waiting_after(tx, after_ms, ROWS_MAX))
        if not rows or rows[0].attempts:
            return 0
        log.warning("clock_set_back", deliveries=len(rows))
        await asyncio.gather(*(self._services.batcher.submit(BringForward(row)) for row in rows))
        return len(rows)

    async def _calls(self, now_ms: Instant) -> int:
        fetched_ms = now_ms + int(fetch.WAIT_MAX_S * 1000) + AHEAD_MS
        told_ms = now_ms + int(describe.RETRY_MAX_S * 1000) + AHEAD_MS

        async def count(tx: Transaction) -> int:
            return await fetching.count_after(tx, fetched_ms) + await describing.count_after(tx, told_ms)

        async def bring_forward(tx: Transaction) -> None:
            await fetching.bring_forward(tx, fetched_ms, now_ms)
            await describing.bring_forward(tx, told_ms, now_ms)

        # Looked at first: there is hardly ever anything to write.
        found = await self._services.database.read(count)
        if found:
            log.warning("clock_set_back", calls=found)
            await self._services.database.write(bring_forward)
        return found
