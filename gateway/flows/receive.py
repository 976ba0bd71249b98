"""A counterpart calls us: read, verified, taken, committed, and only then answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b
from time import perf_counter
from typing import ParamSpec, TypeVar

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, reset_contextvars

from gateway.contract import Describes, Document, Head, Reply
from gateway.engine.hotel import Hotel
from gateway.errors import Reason, Refusal, Rejected, Unauthentic, Unmapped, Unsupported
from gateway.flows.delivering.hand_out import hand_out, take_report
from gateway.flows.keep_profile import KeepProfile, profile_for
from gateway.flows.record import Record
from gateway.flows.selling.asked import take_step
from gateway.flows.selling.offers_asked import offers_for
from gateway.flows.services import Services
from gateway.flows.take_ari import TakeAri
from gateway.flows.take_booking import TakeBooking
from gateway.flows.take_content import TakeContent, met
from gateway.flows.take_statistics import TakeStatistics
from gateway.flows.tell_plans import plans_for
from gateway.flows.vault.take import take_with_cards
from gateway.messages import (
    AriReceived,
    ContentReceived,
    DeliveriesReported,
    Event,
    PingReceived,
    PlansAsked,
    Pong,
    ProfileAsked,
    ProfileReceived,
    Query,
    ReservationReceived,
    ReservationsAsked,
    Result,
    StatisticsReceived,
)
from gateway.messages_selling import OffersAsked, SaleAsked
from gateway.model.ari import Field
from gateway.model.dates import Instant
from gateway.model.property import Connection, Role
from gateway.store.batch import Job
from gateway.store.tables import MessageRow
from gateway.wire.redact import redact

log = structlog.get_logger(__name__)
_pack = msgspec.msgpack.Encoder().encode

P = ParamSpec("P")
T = TypeVar("T")

OfHotel = (
    AriReceived
    | ReservationReceived
    | DeliveriesReported
    | ContentReceived
    | StatisticsReceived
    | ProfileReceived
    | ProfileAsked
    | PlansAsked
    | ReservationsAsked
    | OffersAsked
    | SaleAsked
)

# Reading a large document would hold up every other message on the loop, so it happens on a thread.
_SMALL_BYTES = 64 * 1024


async def receive(services: Services, kind: str, connection: str, head: Head, chunks: Sequence[bytes]) -> Reply:
    """The answer to give, in the counterpart's own shape whatever happens.

    ``kind`` is the first part of the path (``opentravel``), whose connector answers when the connection is unknown.
    Whatever is logged on the way, and by the pushes and deliveries that follow from it, names the message's number.
    """
    began, number = perf_counter(), services.ids.message()
    bound = bind_contextvars(correlation=f"{number:x}")
    try:
        reply, outcome = await _answered(services, kind, connection, head, chunks, number)
    finally:
        reset_contextvars(**bound)
    services.metrics.inbound(kind, outcome, perf_counter() - began)
    return reply


async def _answered(
    services: Services, kind: str, connection: str, head: Head, chunks: Sequence[bytes], number: int
) -> tuple[Reply, str]:
    """The reply, and why it is a refusal (``taken`` if it is none)."""
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
        results = await _take_all(services, hotel, configured, document, found, now_ms, number)
        return connector.answer(document, site, results, now_ms), "taken"
    except Refusal as refusal:
        log.info("refused", connection=connection, reason=refusal.reason.value, text=refusal.text)
        if hotel is not None and document is not None and not isinstance(refusal, Unauthentic):
            message = _message(hotel, connection, document, now_ms, number)
            reply = connector.refuse(document, refusal, now_ms)
            message = message._replace(outcome="refused", detail=refusal.text, answer=redact(reply.body))
            codes = met(hotel.property.id, connection, refusal, now_ms)
            await services.batcher.submit(Record([message, *codes]))
            return reply, refusal.reason.value
        return connector.refuse(document, refusal, now_ms), refusal.reason.value
    except Exception:
        # Whatever it is, the sender has to keep the message and come again: nothing was committed, or it says nothing.
        log.exception("not_taken", connection=connection)
        away = Rejected("the gateway is not available now", Reason.UNAVAILABLE)
        return connector.refuse(document, away, now_ms), away.reason.value


def describe(services: Services, kind: str, head: Head, url: str) -> Reply | None:
    """The description of an interface for whoever wants to call it; None where there is none."""
    connector = services.connectors.inbound(kind)
    return connector.describe(head, url) if isinstance(connector, Describes) else None


def refuse_unread(services: Services, kind: str, refusal: Refusal) -> Reply:
    """The answer to a message that was not read to its end."""
    return services.connectors.inbound(kind).refuse(None, refusal, services.clock.now_ms())


def _enabled(hotel: Hotel | None, connection: str) -> Connection | None:
    configured = hotel.connections.get(connection) if hotel else None
    return configured if configured is not None and configured.enabled and configured.connector else None


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
    number: int,
) -> list[Result]:
    for item in found:
        # Checked for all parts first, so that a document is not taken in half.
        if isinstance(item, OfHotel) and item.hotel != connection.hotel:
            raise Unmapped(Reason.HOTEL, item.hotel)
    if len(found) == 1:
        message = _message(hotel, connection.id, document, now_ms, number)
        return [await _take(services, hotel, connection, found[0], message)]
    return await _take_parts(services, hotel, connection, document, found, now_ms, number)


async def _take_parts(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    document: Document,
    found: Sequence[Event | Query],
    now_ms: Instant,
    number: int,
) -> list[Result]:
    """What became of each; raises the first refusal if nothing was taken.

    What could not be tried at all is raised as well: the sender comes again, and what was taken is a repetition then.
    """
    # Its text once, however many parts it has: a page of bookings would be kept as often as it has bookings.
    whole = _message(hotel, connection.id, document, now_ms, number)
    kept = services.batcher.submit(Record([whole._replace(outcome="applied", detail=f"{len(found)} parts")]))
    parts = [whole._replace(message_id=services.ids.message(), cause=number, raw=b"") for _ in found]
    taking = [_take_part(services, hotel, connection, item, part) for item, part in zip(found, parts, strict=True)]
    _, *results = await asyncio.gather(kept, *taking)
    refused = [(part, result) for part, result in zip(parts, results, strict=True) if isinstance(result, Refusal)]
    if refused and len(refused) == len(found):
        raise refused[0][1]
    if refused:
        told = whole._replace(outcome="applied", detail=f"{len(found)} parts, {len(refused)} refused")
        rows = [part._replace(outcome="refused", detail=refusal.text) for part, refusal in refused]
        codes = [code for _, refusal in refused for code in met(hotel.property.id, connection.id, refusal, now_ms)]
        await services.batcher.submit(Record([told, *rows, *codes]))
    return results


async def _take_part(
    services: Services, hotel: Hotel, connection: Connection, item: Event | Query, message: MessageRow
) -> Result:
    """A refusal is a result like any other: the parts beside it may have been taken, and the answer has to say so."""
    try:
        return await _take(services, hotel, connection, item, message)
    except Refusal as refusal:
        log.info("part_refused", connection=connection.id, reason=refusal.reason.value, text=refusal.text)
        if refusal.record is None and isinstance(item, ReservationReceived):
            refusal.record = item.revision.booking_id
        return refusal


async def _take(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    item: Event | Query,
    message: MessageRow,
) -> Result:
    if isinstance(item, PingReceived):
        return Pong(item.echo)
    match item:
        case ReservationReceived():
            return await _take_booking(services, hotel, connection, item, message)
        case AriReceived():
            return await _take_ari(services, hotel, connection, item, message)
        case ReservationsAsked():
            return await hand_out(services, hotel, connection, item, message)
        case DeliveriesReported():
            return await take_report(services, hotel, connection, item, message)
        case ContentReceived():
            return await _submitted(services, TakeContent(hotel.property.id, connection, item, message))
        case StatisticsReceived() | ProfileReceived() | ProfileAsked() | PlansAsked():
            return await _take_of_house(services, hotel, connection, item, message)
        case OffersAsked():
            return await offers_for(services, hotel, connection, item)
        case SaleAsked():
            return await take_step(services, hotel, connection, item, message)
        case _:
            raise Unsupported(f"{type(item).__name__} is not taken at a hotel's connection")


async def _take_of_house(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    item: StatisticsReceived | ProfileReceived | ProfileAsked | PlansAsked,
    message: MessageRow,
) -> Result:
    """What is neither sold nor set: statistics, profiles, and questions about the house."""
    match item:
        case StatisticsReceived():
            return await _submitted(services, TakeStatistics(item, message))
        case ProfileReceived():
            return await _submitted(services, KeepProfile(hotel.property.id, connection.id, item, message))
        case ProfileAsked():
            return await profile_for(services, hotel, connection, item, message)
        case PlansAsked():
            return await plans_for(services, hotel, connection, item, message)


async def _take_booking(
    services: Services, hotel: Hotel, connection: Connection, event: ReservationReceived, message: MessageRow
) -> Result:
    if event.cards:
        taken = await take_with_cards(services, hotel, connection.id, event, message)
        services.metrics.booking(connection.id, event.revision.kind.value)
        return taken
    name = services.ids.reservation()
    job = TakeBooking(hotel.property.id, connection.id, event, message, name)
    result = await _submitted(services, job)
    services.metrics.booking(connection.id, event.revision.kind.value)
    return result


async def _take_ari(
    services: Services, hotel: Hotel, connection: Connection, event: AriReceived, message: MessageRow
) -> Result:
    if connection.role is not Role.PMS:
        raise Unauthentic("this connection may not set rates and availability", Reason.AUTHORIZATION)
    job = TakeAri(hotel.property.id, connection.id, event, message._replace(token=token_of(connection.id, event)))
    return await _submitted(services, job, weight=_weight(event))


async def _submitted(services: Services, job: Job, weight: int = 1) -> Result:
    result: Result = await services.batcher.submit(job, weight=weight)
    return result


def _weight(event: AriReceived) -> int:
    """How many cells a document speaks about; large ones have a lane of their own."""
    return sum(update.last - update.first + 1 for update in event.updates)


def token_of(connection: str, event: AriReceived) -> bytes | None:
    """What a repetition is recognised by; only relative changes are, absolute ones are always applied.

    A sender that counts its ids from the start again has something else to say under an old one, so what is said is
    part of it. It is taken as it was read: another timestamp is no other message.
    """
    if not event.token:
        return None
    # Updates of one document share their settings.
    distinct = {id(update.settings): update.settings for update in event.updates}
    if Field.FIGURE_BY not in {setting.field for settings in distinct.values() for setting in settings}:
        return None
    said = blake2b(_pack((event.updates, event.clears)), digest_size=16).digest()
    return blake2b(f"{connection}\0{event.token}\0".encode() + said, digest_size=16).digest()


def _message(hotel: Hotel, connection: str, document: Document, now_ms: Instant, number: int) -> MessageRow:
    return MessageRow(
        hotel.property.id,
        number,
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
        author=f"connection:{connection}",
    )
