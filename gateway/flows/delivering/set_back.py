"""Deliveries whose time was written down by a clock that was ahead, and has been put right since.

What was never tried is due at once, so one that is due in the future proves it, also to a process that did not live
through it. Whatever waits for a later try is then tried too: that is early at worst, and has no second effect.
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.flows.delivering.jobs import BringForward
from gateway.flows.rounds import Rounds
from gateway.flows.services import Services
from gateway.store import delivering
from gateway.store.database import Transaction
from gateway.store.tables import DeliveryRow

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
        after_ms = self._services.clock.now_ms() + AHEAD_MS

        async def read(tx: Transaction) -> list[DeliveryRow]:
            return await delivering.waiting_after(tx, after_ms, ROWS_MAX)

        rows = await self._services.database.read(read)
        if not rows or rows[0].attempts:
            return 0
        log.warning("clock_set_back", deliveries=len(rows))
        await asyncio.gather(*(self._services.batcher.submit(BringForward(row)) for row in rows))
        return len(rows)
