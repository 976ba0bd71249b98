"""Holds whose time is over give their rooms back by themselves."""

from __future__ import annotations

from gateway.flows.sell_jobs import EndHolds
from gateway.flows.services import Services
from gateway.store import selling

# For so long a look may take, and the right to look must last.
_LOOK_S = 5.0


async def release_due(services: Services) -> int:
    """Releases what is over and forgets what is old; how many holds were released.

    Which process looks after a property goes by its name, so that they don't all do the same. Nothing would be wrong if
    they did: whether a hold is over is decided again under the property's lock.
    """
    now_ms = services.clock.now_ms()
    rows = await services.database.read(lambda tx: selling.due(tx, now_ms))
    by_scope: dict[str, list[str]] = {}
    for row in rows:
        by_scope.setdefault(row.scope_id, []).append(row.sale_id)
    released = 0
    for scope_id, sale_ids in by_scope.items():
        if services.leases.owns(f"sales:{scope_id}", _LOOK_S):
            released += await services.batcher.submit(EndHolds(scope_id, sale_ids))
    return released
