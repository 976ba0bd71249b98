"""What can be sold directly: offers for a stay, rooms left by night, and quotes that promise a price for a while."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine.asking import NIGHTS_MAX, Ask, Offer, Offers, Party, Unoffered
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.nights import per_night
from gateway.engine.offers import Shop, shop_of
from gateway.engine.payment_schedule import Due, Priced, dues_of
from gateway.engine.sale import Sale, SaleState
from gateway.errors import Malformed, NotFound, Reason, Rejected
from gateway.flows.desk.finding import property_of
from gateway.flows.record import Record
from gateway.flows.selling.rows import KEPT_MS, open_sale, pack_sale
from gateway.flows.selling.stock import levels_of, source_of
from gateway.flows.services import Services
from gateway.model.dates import BLOCK_DAYS, Day, Instant, blocks_of, local_day
from gateway.store import pushing, selling
from gateway.store.database import Transaction
from gateway.store.tables import SaleRow, Scope

AVAILABILITY_DAYS_MAX = 550
ROOMS_MAX = 20
UNITS_MAX = 50
GUESTS_MAX = 30
AGE_MAX = 120


class Found(msgspec.Struct, frozen=True):
    """Offers, cheapest first, of the stay in ``currency``; ``net`` says that nightly prices are before tax."""

    arrival: Day
    departure: Day
    currency: str
    net: bool
    offers: tuple[Offer, ...]
    unoffered: tuple[Unoffered, ...]


class RoomsLeft(msgspec.Struct, frozen=True):
    """Rooms of one type that can be sold on each night from the first on."""

    room: str
    left: tuple[int, ...]


class Availability(msgspec.Struct, frozen=True):
    """Nights ``first`` to ``last``, both included."""

    first: Day
    last: Day
    rooms: tuple[RoomsLeft, ...]


class Line(msgspec.Struct, frozen=True):
    """What a quote is wanted for: ``units`` rooms of a product, with the same party in each."""

    room: str
    plan: str
    party: Party
    units: int = 1


async def offers(
    services: Services, property_id: str, ask: Ask, *, source: str = "", replaces: str = "", unoffered: bool = False
) -> Found:
    """Everything that may be booked for a stay; with ``unoffered`` also what may not, and why.

    ``replaces`` is a direct reservation whose rooms count as free. Five statements at most.
    """

    async def work(tx: Transaction) -> Found:
        scope, hotel = await property_of(services, tx, property_id)
        shop = shop_of(hotel, source_of(hotel, source).id)
        freed = await _freed(tx, hotel, replaces, ask)
        found = await _search(services, tx, scope, shop, freed, services.clock.now_ms())
        prop = hotel.property
        shown = tuple(found.unoffered) if unoffered else ()
        return Found(ask.arrival, ask.departure, prop.currency, prop.net, tuple(found.offers), shown)

    return await services.database.read(work)


async def availability(
    services: Services, property_id: str, first: Day, last: Day, *, source: str = ""
) -> Availability:
    """Rooms left by room type and night, at most 550 nights. Three statements."""
    if not 0 <= last - first < AVAILABILITY_DAYS_MAX:
        raise Malformed(f"1 to {AVAILABILITY_DAYS_MAX} nights in order", Reason.DATE_COMBINATION)

    async def work(tx: Transaction) -> Availability:
        _, hotel = await property_of(services, tx, property_id)
        shop = shop_of(hotel, source_of(hotel, source).id)
        rows = await pushing.stock_rows(tx, [(property_id, *key) for key in shop.stock_keys(first, last)])
        calendar = Calendar(1, (), [(row[1:3], row.body) for row in rows])
        left = shop.left(calendar, hotel.property.room_types, first, last).tolist()
        rooms = zip(hotel.property.room_types, left, strict=True)
        return Availability(first, last, tuple(RoomsLeft(room.code, tuple(nights)) for room, nights in rooms))

    return await services.database.read(work)


async def quote(
    services: Services,
    property_id: str,
    arrival: Day,
    departure: Day,
    lines: Sequence[Line],
    author: str,
    *,
    codes: tuple[str, ...] = (),
    source: str = "",
    replaces: str = "",
) -> SaleRow:
    """Prices and terms of some rooms, promised until the quote ends; raises Rejected for what is not offered.

    With ``replaces`` it is for changing that direct reservation.
    """
    row = await priced(
        services, property_id, arrival, departure, lines, author, codes=codes, source=source, replaces=replaces
    )
    await services.batcher.submit(Record([row]))
    return row


async def priced(
    services: Services,
    property_id: str,
    arrival: Day,
    departure: Day,
    lines: Sequence[Line],
    author: str,
    *,
    codes: tuple[str, ...] = (),
    source: str = "",
    replaces: str = "",
) -> SaleRow:
    """The row of such a quote, which is not written down yet."""
    if not 1 <= len(lines) <= ROOMS_MAX:
        raise Malformed(f"a quote is for 1 to {ROOMS_MAX} kinds of rooms, not {len(lines)}", Reason.INVALID_VALUE)
    now_ms, number = services.clock.now_ms(), services.ids.reservation()

    async def work(tx: Transaction) -> SaleRow:
        scope, hotel = await property_of(services, tx, property_id)
        shop = shop_of(hotel, source_of(hotel, source).id)
        chosen = []
        for line in lines:
            ask = Ask(arrival, departure, line.party, line.units, codes, frozenset({line.room}), frozenset({line.plan}))
            freed = await _freed(tx, hotel, replaces, ask)
            found = await _search(services, tx, scope, shop, freed, now_ms)
            chosen.append(_the_one(line, found))
        return _quoted(
            shop,
            property_id,
            number,
            Sale(
                tuple(chosen),
                tuple(shop.policy(offer.plan) for offer in chosen),
                hotel.property.currency,
                hotel.property.net,
                replaces=replaces,
                author=author,
                dues=_dues(shop, chosen, arrival, local_day(now_ms, hotel.property.timezone)),
            ),
            now_ms,
        )

    return await services.database.read(work)


def _quoted(shop: Shop, property_id: str, number: str, sale: Sale, now_ms: Instant) -> SaleRow:
    ends_ms = now_ms + shop.selling.quote_s * 1000
    return SaleRow(
        property_id,
        number,
        shop.source.id,
        SaleState.QUOTED.value,
        at_ms=now_ms,
        expires_ms=ends_ms,
        due_ms=ends_ms + KEPT_MS,
        mail_ms=None,
        mail_attempts=0,
        letter="",
        body=pack_sale(sale),
    )


def _dues(shop: Shop, offers: Sequence[Offer], arrival: Day, today: Day) -> tuple[Due, ...]:
    """When the offers are to be paid; those of a plan without a schedule are nobody's business here."""
    lines = [
        (schedule, Priced(offer.nightly, offer.units, offer.total))
        for offer in offers
        if (schedule := shop.schedule(offer.plan)) is not None
    ]
    return dues_of(lines, arrival, today)


def _the_one(line: Line, found: Offers) -> Offer:
    if found.offers:
        return found.offers[0]
    if not found.unoffered:
        raise NotFound(f"{line.room} on {line.plan} is not sold here", Reason.PRODUCT)
    why = ", ".join(each.value.replace("_", " ") for each in found.unoffered[0].why)
    raise Rejected(f"{line.room} on {line.plan} cannot be booked: {why}", Reason.NO_AVAILABILITY)


async def _search(services: Services, tx: Transaction, scope: Scope, shop: Shop, ask: Ask, now_ms: Instant) -> Offers:
    check_ask(shop.hotel, ask, now_ms)
    blocks = blocks_of(ask.arrival, ask.departure)
    first, last = blocks[0] * BLOCK_DAYS, blocks[-1] * BLOCK_DAYS
    calendar = await services.calendars.read(
        tx, scope, blocks, shop.hotel.guests, lambda: (shop.calendar_keys(first, last), shop.stock_keys(first, last))
    )
    return shop.search(calendar, ask, now_ms)


async def _freed(tx: Transaction, hotel: Hotel, replaces: str, ask: Ask) -> Ask:
    if not replaces:
        return ask
    row = await selling.one(tx, hotel.property.id, replaces)
    if row is None or row.state != SaleState.BOOKED:
        raise NotFound(f"there is no direct reservation {replaces!r}", Reason.BOOKING_REFERENCE)
    return msgspec.structs.replace(ask, given_back=per_night(levels_of(hotel, open_sale(row.body).nights)))


def check_ask(hotel: Hotel, ask: Ask, now_ms: Instant) -> None:
    """Raises Malformed for a stay nobody could want."""
    today = local_day(now_ms, hotel.property.timezone)
    if not 1 <= ask.nights <= NIGHTS_MAX:
        raise Malformed(f"a stay has 1 to {NIGHTS_MAX} nights", Reason.DATE_COMBINATION)
    if ask.arrival < today:
        raise Malformed("the arrival is in the past", Reason.INVALID_DATE)
    people = ask.party.adults + len(ask.party.child_ages)
    if not (ask.party.adults >= 0 and 1 <= people <= GUESTS_MAX and 1 <= ask.units <= UNITS_MAX):
        raise Malformed(f"1 to {GUESTS_MAX} guests in 1 to {UNITS_MAX} rooms", Reason.OCCUPANCY)
    if not all(0 <= age <= AGE_MAX for age in ask.party.child_ages):
        raise Malformed(f"ages are 0 to {AGE_MAX}", Reason.OCCUPANCY)
