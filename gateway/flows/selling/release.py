"""Holds whose time is over give their rooms back by themselves."""

from __future__ import annotations

import asyncio

import structlog

from gateway.engine.sale import SaleState
from gateway.flows.payments.tie_asking import OrderDues
from gateway.flows.selling.holds import EndHolds
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store import selling
from gateway.store.database import Unavailable
from gateway.store.tables import SaleRow

log = structlog.get_logger(__name__)

# For so long a look may take, and the right to look must last.
_LOOK_S = 5.0
# A sale that cannot be looked after is tried again each minute, and does not keep others from being looked after.
_AGAIN_MS = 60_000


class Releaser:
    """Looks after direct sales: releases what is over, asks for what is due, and forgets what is old.

    Which process looks after a property goes by its name, so that they don't all do the same. Nothing would be wrong if
    they did: whether a hold is over is decided again under the property's lock.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._failed: dict[tuple[str, str], Instant] = {}  # sales that could not be looked after, and when they were

    async def round(self) -> int:
        """How many holds were released. Whatever a sale raises is logged, and is that sale's alone.

        Raises :class:`gateway.store.database.Unavailable` where no sale can be looked after.
        """
        now_ms = self._services.clock.now_ms()
        self._failed = {key: at_ms for key, at_ms in self._failed.items() if now_ms - at_ms < _AGAIN_MS}
        released, after = 0, selling.FIRST
        while True:
            rows = await self._services.database.read(lambda tx: selling.due(tx, now_ms, after))  # noqa: B023  awaited here
            released += await self._look_after(rows, now_ms)
            if len(rows) < selling.DUE_MAX:
                return released
            # What cannot be looked after stays in front, however much of it there is.
            after = selling.place_of(rows[-1])

    async def _look_after(self, rows: list[SaleRow], now_ms: Instant) -> int:
        owns = self._services.leases.owns
        mine = [row for row in rows if row[:2] not in self._failed and owns(f"sales:{row.scope_id}", _LOOK_S)]
        # Jobs that wait together share their transactions, and each has an end of its own.
        ends = await asyncio.gather(*map(self._end, mine), return_exceptions=True)
        released = 0
        for row, end in zip(mine, ends, strict=True):
            if isinstance(end, Unavailable):
                raise end
            if isinstance(end, BaseException):
                log.error("sale_not_looked_after", property=row.scope_id, sale=row.sale_id, exc_info=end)
                self._failed[row.scope_id, row.sale_id] = now_ms
            else:
                released += end
        return released

    async def _end(self, row: SaleRow) -> int:
        submit = self._services.batcher.submit
        if row.state == SaleState.BOOKED:
            await submit(OrderDues(row.scope_id, row.sale_id))
            return 0
        return int(await submit(EndHolds(row.scope_id, [row.sale_id])))
