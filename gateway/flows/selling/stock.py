"""Rooms for a direct sale: looked at, held and given back, always under the property's lock."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

from gateway.engine.ari import ROOMS_MAX
from gateway.engine.hotel import Hotel
from gateway.engine.linked import Counts
from gateway.engine.loaded import Calendar
from gateway.engine.nights import HOUSE, Cell, Nights, per_night, subtract, with_house
from gateway.engine.offers import allotted, is_closed
from gateway.engine.rates import lineage
from gateway.engine.sale import Sale
from gateway.engine.stock import FIGURE, HELD, NO_FIGURE, SOLD, UNSEEN, open_stock
from gateway.engine.window import free
from gateway.errors import Reason, Rejected
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, format_day, local_day
from gateway.model.property import Connection, Role
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import CalendarRow, StockRow

STOCK = Lookup(StockRow)
CALENDAR = Lookup(CalendarRow)


def levels_of(hotel: Hotel, nights: Nights) -> Nights:
    """What rooms as they were sold take."""
    return hotel.links.levels(nights) if hotel.links else nights


def cells_of(hotel: Hotel, levels: Nights) -> dict[Cell, int]:
    """Units by room and night, with those of the house where it is limited as a whole."""
    return per_night(with_house(levels, hotel.links.parts) if hotel.limits_house else levels)


def stock_needs(hotel: Hotel, scope_id: str, nights: Nights) -> Needs:
    """The stock rows of some nights."""
    for run in levels_of(hotel, nights):
        for block in blocks_of(run.arrival, run.departure - 1):
            yield STOCK, (scope_id, run.room, block)
            if hotel.limits_house:
                yield STOCK, (scope_id, HOUSE, block)


def calendar_needs(hotel: Hotel, scope_id: str, sale: Sale) -> Needs:
    """The calendar rows that say whether the sale's rooms are closed."""
    for offer in sale.offers:
        line = lineage(hotel.property, offer.plan)
        for block in blocks_of(offer.arrival, offer.departure - 1):
            for target in (("", ""), (offer.room, ""), *((offer.room, plan.code) for plan in line)):
                yield CALENDAR, (scope_id, *target, block)


def check_open(state: State, hotel: Hotel, scope_id: str, sale: Sale, now_ms: Instant) -> None:
    """Raises Rejected for a stay that has begun, a room or plan that is no longer there, and a closed night."""
    if sale.arrival < local_day(now_ms, hotel.property.timezone):
        raise Rejected("the arrival is in the past", Reason.INVALID_DATE)
    for offer in sale.offers:
        if offer.room not in hotel.rooms or offer.plan not in hotel.plans:
            raise Rejected(f"{offer.room} on {offer.plan} is not sold any more", Reason.PRODUCT)
        line = lineage(hotel.property, offer.plan)
        targets = [("", ""), (offer.room, ""), *((offer.room, plan.code) for plan in line)]
        blocks = blocks_of(offer.arrival, offer.departure - 1)
        rows = [state.get(CalendarRow, (scope_id, *target, block)) for target in targets for block in blocks]
        calendar = Calendar(hotel.guests, [(row[1:4], row.body) for row in rows if row is not None], ())
        if is_closed(calendar, line, offer.room, offer.arrival, offer.departure):
            raise Rejected(f"{offer.room} on {offer.plan} has been closed", Reason.NO_AVAILABILITY)


def check_free(
    state: State, hotel: Hotel, source: Connection, scope_id: str, sold: Nights, before: Nights = ()
) -> None:
    """Raises Rejected where a night has fewer rooms left for the source than are to be sold.

    ``before`` is what the sale takes already, at every level.
    """
    wanted, given = cells_of(hotel, levels_of(hotel, sold)), cells_of(hotel, before)
    for cell, units in subtract(wanted, given).items():
        if units > 0 and _left(state, hotel, source, scope_id, cell) < units:
            raise _sold_out(cell)
    if hotel.links:
        _check_linked(state, hotel, source, scope_id, sold, before)


def _left(state: State, hotel: Hotel, source: Connection, scope_id: str, cell: Cell) -> int:
    """What is left at one level. An allotment is of the rooms that are sold, which linked types know better."""
    room, counts = cell[0], _counts(state, scope_id, cell)
    if room == HOUSE and counts[0] == NO_FIGURE:
        return ROOMS_MAX
    if hotel.links and room != HOUSE:
        return hotel.links.own(hotel.figure_kind, room, counts)
    left = free(hotel.figure_kind, *counts, clamped=True)
    return left if room == HOUSE else allotted(left, source.allotment)


def _check_linked(state: State, hotel: Hotel, source: Connection, scope_id: str, sold: Nights, before: Nights) -> None:
    """The allotment of each room type that is sold, looked at as the search does: as if ``before`` were given back."""
    given, sold_before = per_night(before), per_night(hotel.links.sold(before))

    def counts(cell: Cell) -> Counts:
        figure, taken, unseen, held = _counts(state, scope_id, cell)
        return figure, taken, unseen, held - given.get(cell, 0)

    for cell, units in per_night(sold).items():
        if units > sold_before.get(cell, 0):
            left = hotel.links.left(hotel.figure_kind, cell, counts)
            if allotted(left, source.allotment) < units:
                raise _sold_out(cell)


def _sold_out(cell: Cell) -> Rejected:
    return Rejected(f"{cell[0] or 'the house'} is sold out on {format_day(cell[1])}", Reason.NO_AVAILABILITY)


def _counts(state: State, scope_id: str, cell: Cell) -> Counts:
    row, slot = _opened(state, (scope_id, cell[0], cell[1] // BLOCK_DAYS)), cell[1] % BLOCK_DAYS
    return row[FIGURE + slot], row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot]


def held_by(state: State, scope_id: str, changes: Iterable[tuple[Mapping[Cell, int], int]], rev: int) -> list[StockRow]:
    """The stock rows once the cells of each change are held ``times`` as often more."""
    rows: dict[tuple[str, str, int], array[int]] = {}
    for cells, times in changes:
        for (room, day), units in cells.items():
            key = (scope_id, room, day // BLOCK_DAYS)
            if key not in rows:
                rows[key] = _opened(state, key)
            rows[key][HELD + day % BLOCK_DAYS] += units * times
    return [StockRow(*key, rev, row.tobytes()) for key, row in rows.items()]


def _opened(state: State, key: tuple[str, str, int]) -> array[int]:
    stored = state.get(StockRow, key)
    return open_stock(stored.body if stored else None)


def source_of(hotel: Hotel, name: str) -> Connection:
    """The direct source of that id, the first one for ""; raises Rejected where the house does not sell there."""
    named = name or next((source.id for source in hotel.sources if source.role is Role.DIRECT), "")
    found = next((source for source in hotel.sources if source.id == named), None)
    if found is None:
        text = f"there is no direct source {name!r}" if name else "direct selling is not set up at this property"
        raise Rejected(text, Reason.BUSINESS_RULE)
    return found
