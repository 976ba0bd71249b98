"""Holds whose time is over give their rooms back by themselves."""

from __future__ import annotations

from gateway.engine.sale import SaleState
from gateway.flows.payments.tie_asking import OrderDues
from gateway.flows.selling.holds import EndHolds
from gateway.flows.services import Services
from gateway.store import selling
from gateway.store.tables import SaleRow

# For so long a look may take, and the right to look must last.
_LOOK_S = 5.0


async def release_due(services: Services) -> int:
    """Releases what is over, asks for what is due, and forgets what is old; how many holds were released.

    Which process looks after a property goes by its name, so that they don't all do the same. Nothing would be wrong if
    they did: whether a hold is over is decided again under the property's lock.
    """
    now_ms = services.clock.now_ms()
    rows = await services.database.read(lambda tx: selling.due(tx, now_ms))
    by_scope: dict[str, list[SaleRow]] = {}
    for row in rows:
        by_scope.setdefault(row.scope_id, []).append(row)
    released = 0
    for scope_id, sales in by_scope.items():
        if services.leases.owns(f"sales:{scope_id}", _LOOK_S):
            over = [row.sale_id for row in sales if row.state != SaleState.BOOKED]
            released += await services.batcher.submit(EndHolds(scope_id, over)) if over else 0
            for row in sales:
                if row.state == SaleState.BOOKED:
                    await services.batcher.submit(OrderDues(scope_id, row.sale_id))
    return released
