"""What was agreed with a counterpart, beside pushes: guest requests are told in the agreed version too, and what an
answer asks for (a new handshake, all of something once more) is ordered like what people ask for.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import structlog

from gateway.contract import Capabilities, Decoded, Site
from gateway.engine.hotel import Hotel
from gateway.engine.orders import EVERYTHING, Cells, pack
from gateway.flows.desk.ordering import give
from gateway.flows.push_work import Channels, account_of, terms_of
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.messages import Ping
from gateway.model.ari import Aspect
from gateway.model.dates import local_day
from gateway.model.property import Connection
from gateway.store import pushing
from gateway.store.tables_connections import AgreedRow

log = structlog.get_logger(__name__)

WISH_MS = 3_600_000
CELLS_MAX = 1_000
HANDSHAKE = "handshake"


async def site_called(services: Services, hotel: Hotel, connection: Connection, capabilities: Capabilities) -> Site:
    """The connection as its connector sees it when we call, with the agreement of this account if there is one."""
    site = services.site(hotel, connection, outbound=True)
    if not capabilities.negotiates:
        return site
    found = await agreement_of(services, hotel.property.id, connection)
    return msgspec.structs.replace(site, agreed=terms_of(found))


async def agreement_of(services: Services, scope_id: str, connection: Connection) -> AgreedRow | None:
    """The row; none that was made with another account under the same name."""
    agreed = await services.database.read(lambda tx: pushing.agreed(tx, scope_id))
    found = agreed.get(connection.id)
    return found if found is not None and found.account == account_of(connection) else None


# --- what they ask for in an answer -----------------------------------------------------------------------------------


async def heed(services: Services, hotel: Hotel, connection: Connection, decoded: Decoded) -> Decoded:
    """Orders what an answer asks for: a new handshake, or all of some aspects once more. What is left to be followed.

    Each wish is granted once in :data:`WISH_MS` by a process, since a counterpart that says it in every answer would
    be sent everything for ever.
    """
    asked = {aspect.value for aspect in decoded.afresh}
    if isinstance(decoded.next, Ping):
        asked.add(HANDSHAKE)
        decoded = msgspec.structs.replace(decoded, next=None)
    wishes = {wish for wish in asked if _is_granted(services, connection, wish)}
    if wishes and connection in hotel.channels:
        await _grant(services, hotel, connection, wishes)
    return decoded


def _is_granted(services: Services, connection: Connection, wish: str) -> bool:
    key, now_ms = (connection.id, wish), services.clock.now_ms()
    if key in services.wishes and services.wishes[key] + WISH_MS > now_ms:
        log.info("wish_not_granted", connection=connection.id, wish=wish)
        return False
    services.wishes[key] = now_ms
    return True


async def _grant(services: Services, hotel: Hotel, connection: Connection, wishes: Collection[str]) -> None:
    scope_id = hotel.property.id
    found = await agreement_of(services, scope_id, connection)
    if found is not None:
        at_ms = 0 if HANDSHAKE in wishes else found.at_ms
        opened = 0 if Aspect.LIMIT in wishes else found.opened
        await services.batcher.submit(Record([found._replace(at_ms=at_ms, opened=opened)]))
    cells = _cells(services, hotel, connection, found, wishes)
    body = (pack(cells) if len(cells) <= CELLS_MAX else EVERYTHING) if cells else None
    told = ", ".join(sorted(wishes))
    await give(services, scope_id, connection.id, f"connection:{connection.id}", f"it asks for: {told}", body=body)


def _cells(
    services: Services, hotel: Hotel, connection: Connection, found: AgreedRow | None, wishes: Collection[str]
) -> list[Cells]:
    """All days of every target of the aspects asked for."""
    channel = Channels(services.connectors).get(hotel, connection, terms_of(found))
    first = local_day(services.clock.now_ms(), hotel.property.timezone)
    last = first + min(connection.days_ahead, channel.capabilities.days_ahead_max) - 1
    return [
        Cells(aspect, room, plan, first, last)
        for aspect in channel.aspects
        if aspect in wishes
        for room, plan, _ in channel.all_slots(aspect, [0])
    ]
