"""Deliveries that were refused because the receiver had no code for a room are sent once it has one."""

from __future__ import annotations

from gateway.errors import Reason, Unmapped
from gateway.flows.outgoing import outgoing
from gateway.flows.redeliver import Resend
from gateway.flows.services import Services
from gateway.store import delivering
from gateway.store.tables import MessageRow

AT_ONCE = 500
MISSING = Reason.ROOM_TYPE.value


async def resend_mapped(services: Services, scope_id: str, author: str) -> list[str]:
    """Tries every such delivery of the property with the mapping of today; the reservations that are sent again."""
    found = await services.database.read(
        lambda tx: delivering.refused_for(tx, services.hotels, scope_id, MISSING, AT_ONCE)
    )
    sent = []
    for item in found:
        connection = item.hotel.connections.get(item.row.connection)
        if connection is None or not connection.enabled or not _can_be_said(item):
            continue
        message = _message(services, item, author)
        await services.batcher.submit(Resend(scope_id, connection.id, item.row.reservation_id, message))
        sent.append(item.row.reservation_id)
    return sent


def _can_be_said(item: delivering.Due) -> bool:
    try:
        outgoing(item, item.hotel.connections[item.row.connection])
    except Unmapped:
        return False
    return True


def _message(services: Services, item: delivering.Due, author: str) -> MessageRow:
    return MessageRow(
        item.row.scope_id,
        services.ids.message(),
        connection=item.row.connection,
        direction="in",
        kind="mapping",
        at_ms=services.clock.now_ms(),
        outcome="",
        detail="",
        rev=0,
        token=None,
        raw=b"",
        answer=b"",
        author=author,
    )
