"""Deliveries that were refused because the receiver had no code for a room are sent once it has one."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors import Reason, Unmapped
from gateway.flows.delivering.outgoing import outgoing
from gateway.flows.delivering.redeliver import Resend
from gateway.flows.record import own_message
from gateway.flows.services import Services
from gateway.store import delivering

AT_ONCE = 500
MISSING = Reason.ROOM_TYPE.value


async def resend_mapped(services: Services, scope_id: str, author: str) -> list[str]:
    """Tries every such delivery of the property with the mapping of today; the reservations that are sent again."""
    sent: list[str] = []
    after = ("", "")
    while True:
        position = after
        found = await services.database.read(
            lambda tx: delivering.refused_for(tx, services.hotels, scope_id, MISSING, position, AT_ONCE)  # noqa: B023  awaited here
        )
        sent += await _resent(services, found, author)
        if len(found) < AT_ONCE:
            return sent
        after = (found[-1].row.connection, found[-1].row.reservation_id)


async def _resent(services: Services, found: Sequence[delivering.Due], author: str) -> list[str]:
    sent = []
    for item in found:
        connection = item.hotel.connections.get(item.row.connection)
        if connection is None or not connection.enabled or not _can_be_said(item):
            continue
        message = own_message(services, item.row.scope_id, "mapping", author, item.row.connection)
        await services.batcher.submit(Resend(item.row.scope_id, connection.id, item.row.reservation_id, message))
        sent.append(item.row.reservation_id)
    return sent


def _can_be_said(item: delivering.Due) -> bool:
    try:
        outgoing(item, item.hotel.connections[item.row.connection])
    except Unmapped:
        return False
    return True
