"""A counterpart calls us: read, verified, taken, committed, and only then answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import ParamSpec, TypeVar

import structlog

from gateway.contract import Document, Head, Reply
from gateway.engine.hotel import Hotel
from gateway.errors import Reason, Refusal, Rejected, Unauthentic, Unmapped, Unsupported
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.flows.take_ari import TakeAri
from gateway.flows.take_booking import TakeBooking
from gateway.messages import AriReceived, Event, PingReceived, Pong, Query, ReservationReceived, Result
from gateway.model.ari import Field
from gateway.model.dates import Instant
from gateway.model.property import Connection, Role
from gateway.store.tables import MessageRow

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# Reading a large document would hold up every other message on the loop, so it happens on a thread.
_SMALL_BYTES = 64 * 1024


async def receive(services: Services, kind: str, connection: str, head: Head, chunks: Sequence[bytes]) -> Reply:
    """The answer to give, in the counterpart's own shape whatever happens.

    ``kind`` is the first part of the path (``opentravel``), whose connector answers when the connection is unknown.
    """
    now_ms = services.clock.now_ms()
    connector = services.connectors.inbound(kind)
    document: Document | None = None
    hotel: Hotel | None = None
    try:
        hotel = await services.directory.hotel_of(connection)
        configured = _enabled(hotel, connection)
        if hotel is None or configured is None:
            raise Unauthentic("there is no such connection", Reason.AUTHORIZATION)
        connector = services.connectors.inbound(configured.connector)
        site = services.site(hotel, configured, outbound=False)
        size = sum(map(len, chunks))
        document = await _off_loop(size, connector.open, head, chunks)
        connector.verify(document, site, now_ms)
        found = await _off_loop(size, connector.parse, document, site)
        results = await _take_all(services, hotel, configured, document, found, now_ms)
        return connector.answer(document, site, results, now_ms)
    except Refusal as refusal:
        log.info("refused", connection=connection, reason=refusal.reason.value, text=refusal.text)
        if hotel is not None and document is not None and not isinstance(refusal, Unauthentic):
            await _keep_refused(services, hotel, connection, document, refusal, now_ms)
        return connector.refuse(document, refusal, now_ms)
    except Exception:
        # Whatever it is, the sender has to keep the message and come again: nothing was committed, or it says nothing.
        log.exception("not_taken", connection=connection)
        return connector.refuse(document, Rejected("the gateway is not available now", Reason.UNAVAILABLE), now_ms)


def refuse_unread(services: Services, kind: str, refusal: Refusal) -> Reply:
    """The answer to a message that was not read to its end."""
    return services.connectors.inbound(kind).refuse(None, refusal, services.clock.now_ms())


def _enabled(hotel: Hotel | None, connection: str) -> Connection | None:
    configured = hotel.connections.get(connection) if hotel else None
    return configured if configured is not None and configured.enabled else None


async def _off_loop(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    if size <= _SMALL_BYTES:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


async def _take_all(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    document: Document,
    found: Sequence[Event | Query],
    now_ms: Instant,
) -> list[Result]:
    for item in found:
        # Checked for all parts first, so that a document is not taken in half.
        if isinstance(item, AriReceived | ReservationReceived) and item.hotel != connection.hotel:
            raise Unmapped(Reason.HOTEL, item.hotel)
    if len(found) == 1:
        return [await _take(services, hotel, connection, document, found[0], now_ms)]
    return list(await asyncio.gather(*(_take(services, hotel, connection, document, item, now_ms) for item in found)))


async def _take(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    document: Document,
    item: Event | Query,
    now_ms: Instant,
) -> Result:
    if isinstance(item, PingReceived):
        return Pong(item.echo)
    if not isinstance(item, AriReceived | ReservationReceived):
        raise Unsupported(f"{type(item).__name__} has no place here yet")
    message = _message(services, hotel, connection.id, document, now_ms)
    if isinstance(item, ReservationReceived):
        number = services.ids.reservation()
        job: TakeBooking | TakeAri = TakeBooking(hotel.property.id, connection.id, item, message, number)
    else:
        if connection.role is not Role.PMS:
            raise Unauthentic("this connection may not set rates and availability", Reason.AUTHORIZATION)
        job = TakeAri(hotel.property.id, connection.id, item, message._replace(token=_token(connection.id, item)))
    result: Result = await services.batcher.submit(job, weight=_weight(item))
    if isinstance(result, Refusal):
        raise result
    return result


def _weight(event: AriReceived | ReservationReceived) -> int:
    """How many cells a document speaks about; large ones have a lane of their own."""
    if isinstance(event, ReservationReceived):
        return 1
    return sum(update.last - update.first + 1 for update in event.updates)


def _token(connection: str, event: AriReceived) -> bytes | None:
    """What a repetition is recognised by; only relative changes are, absolute ones are always applied."""
    relative = any(setting.field is Field.FIGURE_BY for update in event.updates for setting in update.settings)
    if not relative or not event.token:
        return None
    return blake2b(f"{connection}\0{event.token}".encode(), digest_size=16).digest()


def _message(services: Services, hotel: Hotel, connection: str, document: Document, now_ms: Instant) -> MessageRow:
    return MessageRow(
        hotel.property.id,
        services.ids.message(),
        connection=connection,
        direction="in",
        kind=document.root,
        at_ms=now_ms,
        outcome="",
        detail="",
        rev=0,
        token=None,
        raw=document.archive,
        answer=b"",
    )


async def _keep_refused(
    services: Services, hotel: Hotel, connection: str, document: Document, refusal: Refusal, now_ms: Instant
) -> None:
    message = _message(services, hotel, connection, document, now_ms)
    await services.batcher.submit(Record([message._replace(outcome="refused", detail=refusal.text)]))
