"""Reservations: lists, one with its whole history, and those that need somebody."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.engine.booking import Status, fold
from gateway.engine.nights import Nights
from gateway.errors import NotFound, Reason
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of, text_of
from gateway.flows.desk.moving import rooms_that_fit
from gateway.flows.desk.reservation_lines import (
    DeliveryLine,
    ReservationDetail,
    ReservationPage,
    TroubleLine,
    TroublePage,
    _entry,
    _unmapped,
    reservation_line,
    revision_line,
)
from gateway.flows.services import Services
from gateway.model.dates import FIRST_DAY, Day, Instant
from gateway.store import reading_reservations as reading
from gateway.store import searching
from gateway.store.database import Transaction
from gateway.store.searching import Search
from gateway.store.walking import Condition, Walk

_nights = msgspec.msgpack.Decoder(Nights).decode


class Order(StrEnum):
    """How a list is sorted."""

    CREATED = "created"  # newest first
    ARRIVAL = "arrival"  # soonest first


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All conditions must hold. Ranges include both ends.

    ``text`` is our number, the beginning of their booking id, or, in any case, of a guest's surname.
    """

    status: Status | None = None
    connection: str = ""
    arrival_first: Day | None = None
    arrival_last: Day | None = None
    created_first_ms: Instant | None = None
    created_last_ms: Instant | None = None
    text: str = ""
    parked: bool = False
    oversold: bool = False


EVERYTHING = Filter()


async def find(
    services: Services,
    property_id: str,
    wanted: Filter = EVERYTHING,
    *,
    order: Order = Order.CREATED,
    cursor: str = "",
    limit: int = 50,
) -> ReservationPage:
    """A page of at most 200. Seven statements at most, whatever is asked and however many there are."""
    page_size(limit)
    after = position(cursor, int, str)

    async def work(tx: Transaction) -> ReservationPage:
        _, hotel = await property_of(services, tx, property_id)
        search = await _search(tx, property_id, wanted)
        if search is None:
            found = await reading.page(tx, _walk(wanted, order), property_id, _conditions(wanted), after, limit)
        else:
            walk = reading.ARRIVAL if order is Order.ARRIVAL else reading.CREATED
            found = await searching.page(tx, walk, property_id, search, _conditions(wanted), after, limit)
        items = tuple(reservation_line(hotel, row, found.revisions[row.reservation_id]) for row in found.rows)
        return ReservationPage(items, made_cursor(found.next), found.partial)

    return await services.database.read(work)


async def show(services: Services, property_id: str, reservation_id: str) -> ReservationDetail:
    """One by our number."""
    number = text_of(reservation_id)

    async def work(tx: Transaction) -> ReservationDetail:
        _, hotel = await property_of(services, tx, property_id)
        row = (await reading.by_number(tx, property_id, [number])).get(number)
        if row is None:
            raise NotFound(f"there is no reservation {number!r}", Reason.BOOKING_REFERENCE)
        revisions = (await reading.revisions(tx, property_id, [number]))[number]
        deliveries = await reading.deliveries(tx, property_id, hotel.connections, number)
        authors = await reading.authors(tx, property_id, {revision.message_id for revision in revisions})
        folded = fold([_entry(revision.body) for revision in revisions])
        return ReservationDetail(
            reservation_line(hotel, row, revisions),
            folded.content,
            tuple(revision_line(revision, folded, authors) for revision in revisions),
            tuple(
                DeliveryLine(it.connection, it.state, it.wanted_seq, it.attempts, it.due_ms, it.ref, it.error)
                for it in deliveries
            ),
        )

    return await services.database.read(work)


async def trouble(services: Services, property_id: str, *, cursor: str = "", limit: int = 50) -> TroublePage:
    """Booked ones that are parked (something of theirs is unmapped) or oversold."""
    page_size(limit)
    after, now_ms = position(cursor, int, str), services.clock.now_ms()

    async def work(tx: Transaction) -> TroublePage:
        _, hotel = await property_of(services, tx, property_id)
        found = await reading.page(tx, reading.TROUBLE, property_id, (), after, limit)
        oversold = [row for row in found.rows if row.oversold]
        fits = await rooms_that_fit(tx, hotel, {row.reservation_id: _nights(row.nights) for row in oversold})
        lines = []
        for row in found.rows:
            reservation = reservation_line(hotel, row, found.revisions[row.reservation_id])
            unmapped = _unmapped(hotel, row, found.revisions[row.reservation_id]) if row.parked else ()
            age_ms, elsewhere = max(0, now_ms - row.at_ms), fits.get(row.reservation_id, ())
            lines.append(TroubleLine(reservation, age_ms, tuple(dict.fromkeys(unmapped)), elsewhere))
        return TroublePage(tuple(lines), made_cursor(found.next))

    return await services.database.read(work)


# --- what is asked ----------------------------------------------------------------------------------------------------


def _walk(wanted: Filter, order: Order) -> Walk:
    if order is Order.ARRIVAL:
        return reading.ARRIVAL
    return reading.NEW_TROUBLE if wanted.parked or wanted.oversold else reading.CREATED


async def _search(tx: Transaction, scope_id: str, wanted: Filter) -> Search | None:
    """None where a walk through the list finds them."""
    troubled = wanted.parked or wanted.oversold
    if wanted.text:
        return searching.for_text(text_of(wanted.text), troubled=troubled)
    if wanted.connection and not troubled:
        return await searching.for_rare(tx, scope_id, text_of(wanted.connection))
    return None


def _conditions(wanted: Filter) -> list[Condition]:
    first = wanted.arrival_first
    if first is None and wanted.arrival_last is not None:
        first = FIRST_DAY  # what has no dates arrives on no day
    asked = (
        Condition("status", "=", wanted.status.value if wanted.status else None),
        Condition("connection", "=", wanted.connection or None),
        Condition("arrival", ">=", first),
        Condition("arrival", "<=", wanted.arrival_last),
        Condition("at_ms", ">=", wanted.created_first_ms),
        Condition("at_ms", "<=", wanted.created_last_ms),
        Condition("parked", ">", 0 if wanted.parked else None),
        Condition("oversold", ">", 0 if wanted.oversold else None),
    )
    return [condition for condition in asked if condition.value is not None]
