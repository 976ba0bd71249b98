"""Mappings: our products and a counterpart's codes for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from gateway.engine.booking import Entry, fold
from gateway.engine.hotel import Hotel
from gateway.engine.suggesting import Thing, pairs
from gateway.errors import NotFound, Reason
from gateway.flows.desk.configuring import Configured, change_property
from gateway.flows.desk.finding import connection_of, property_of
from gateway.flows.services import Services
from gateway.flows.take_content import PLAN, ROOM
from gateway.model.dates import Instant
from gateway.model.property import Connection, Product, Property
from gateway.store import reading_connections, reading_reservations
from gateway.store.database import Transaction
from gateway.store.tables_connections import TheirCodeRow
from gateway.store.walking import Condition

BOOKED = "booked"
PARKED_MAX = 200
_entry = msgspec.msgpack.Decoder(Entry).decode


class TheirCode(msgspec.Struct, frozen=True):
    """A code of theirs that was met.

    ``kind`` is ``room`` or ``plan``. ``source``: ``content`` (they described it), ``refused`` (they sent rates or
    availability for it) or ``booked`` (a booking is parked for it).
    """

    kind: str
    code: str
    name: str
    source: str
    at_ms: Instant
    mapped: bool


class Mapping(msgspec.Struct, frozen=True):
    """One connection's mapping at configuration ``version``. ``unmapped`` are our products it does not sell."""

    connection: str
    version: int
    products: tuple[Product, ...]
    unmapped: tuple[tuple[str, str], ...]
    their_codes: tuple[TheirCode, ...]


class Suggestion(msgspec.Struct, frozen=True):
    """A pair that may belong together; ``score`` from 0 to 1, ``why`` in a few words."""

    kind: str
    ours: str
    our_name: str
    theirs: str
    their_name: str
    score: float
    why: str


async def read(services: Services, property_id: str, connection: str) -> Mapping:
    """The mapping, and the codes of theirs that were met."""

    async def work(tx: Transaction) -> Mapping:
        _, hotel = await property_of(services, tx, property_id)
        known = connection_of(hotel, connection)
        mapped = {(product.room, product.plan) for product in known.products}
        every = ((room, plan) for room in hotel.rooms for plan in hotel.plans)
        return Mapping(
            connection,
            hotel.version,
            known.products,
            tuple(product for product in every if product not in mapped),
            tuple(await _their_codes(tx, hotel, known)),
        )

    return await services.database.read(work)


async def change(
    services: Services,
    property_id: str,
    connection: str,
    author: str,
    *,
    put: Sequence[Product] = (),
    remove: Sequence[tuple[str, str]] = (),
    expected: int | None = None,
) -> Configured:
    """Map products (in place of what they were mapped to) and unmap others, named by our room and plan.

    What is unmapped is closed there by the next push; bookings that were parked for a code that is mapped now are
    resolved. Raises :class:`gateway.engine.hotel_file.HotelFileError` where codes would become ambiguous.
    """
    scope, hotel = await services.database.read(lambda tx: property_of(services, tx, property_id))
    known = connection_of(hotel, connection)
    lines = {(product.room, product.plan): product for product in known.products}
    for product in remove:
        if lines.pop(product, None) is None:
            raise NotFound(f"{product[0]} {product[1]} is not mapped at {connection}", Reason.PRODUCT)
    lines |= {(product.room, product.plan): product for product in put}
    wanted = _with_products(hotel.property, connection, lines.values())
    return await change_property(services, scope, hotel, wanted, author, expected)


async def suggest(services: Services, property_id: str, connection: str) -> tuple[Suggestion, ...]:
    """Pairs of their unmapped codes with codes of ours, best first, each code at most once."""

    async def work(tx: Transaction) -> tuple[Hotel, Connection, list[TheirCode]]:
        _, hotel = await property_of(services, tx, property_id)
        known = connection_of(hotel, connection)
        return hotel, known, await _their_codes(tx, hotel, known)

    hotel, known, codes = await services.database.read(work)
    ours = {
        ROOM: [Thing(room.code, room.name) for room in hotel.property.room_types],
        PLAN: [Thing(plan.code, plan.name) for plan in hotel.property.rate_plans],
    }
    mapped = {ROOM: {it.room for it in known.products}, PLAN: {it.plan for it in known.products}}
    found = []
    for kind, things in ours.items():
        theirs: dict[str, str] = {}
        for code in codes:
            if code.kind == kind and not code.mapped:
                theirs[code.code] = theirs.get(code.code) or code.name
        free = [thing for thing in things if thing.code not in mapped[kind]]
        for pair in pairs(free, [Thing(code, name) for code, name in sorted(theirs.items())]):
            found.append(Suggestion(kind, *pair.ours, *pair.theirs, pair.score, pair.why))
    return tuple(sorted(found, key=lambda suggestion: -suggestion.score))


async def _their_codes(tx: Transaction, hotel: Hotel, known: Connection) -> list[TheirCode]:
    """Those that were described or refused, and those of parked bookings."""
    mapped = {
        ROOM: {product.their_room for product in known.products},
        PLAN: {product.their_plan for product in known.products},
    }
    rows = await reading_connections.their_codes(tx, hotel.property.id, known.id)
    rows += await _booked(tx, hotel.property.id, known.id)
    return [
        TheirCode(row.kind, row.code, row.name, row.source, row.at_ms, row.code in mapped[row.kind])
        for row in sorted(rows, key=lambda row: (row.kind, row.code, row.source))
    ]


async def _booked(tx: Transaction, scope_id: str, connection: str) -> list[TheirCodeRow]:
    asked = (Condition("parked", ">", 0), Condition("connection", "=", connection))
    found = await reading_reservations.page(tx, reading_reservations.NEW_TROUBLE, scope_id, asked, None, PARKED_MAX)
    codes: dict[tuple[str, str], TheirCodeRow] = {}
    for row in found.rows:
        entries = [_entry(revision.body) for revision in found.revisions[row.reservation_id]]
        folded = fold(entries)
        for room, stay in zip(entries[folded.current - 1].rooms, folded.content.stays, strict=True):
            if not room or entries[folded.current - 1].parked:
                for kind, code in ((ROOM, stay.room), (PLAN, stay.plan)):
                    if code:
                        codes.setdefault(
                            (kind, code), TheirCodeRow(scope_id, connection, BOOKED, kind, code, "", row.at_ms)
                        )
    return list(codes.values())


def _with_products(prop: Property, connection: str, products: Iterable[Product]) -> Property:
    """Lines of codes we do not have stay at the end, for the check to name them."""
    rooms = {room.code: place for place, room in enumerate(prop.room_types)}
    plans = {plan.code: place for place, plan in enumerate(prop.rate_plans)}
    ordered = sorted(products, key=lambda it: (rooms.get(it.room, len(rooms)), plans.get(it.plan, len(plans))))
    return replace(
        prop,
        connections=tuple(
            replace(known, products=tuple(ordered)) if known.id == connection else known for known in prop.connections
        ),
    )
