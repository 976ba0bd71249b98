"""Rooms for a direct sale: looked at, held and given back, always under the property's lock."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

from gateway.engine.hotel import Hotel
from gateway.engine.nights import HOUSE, Cell, Nights, per_night, with_house
from gateway.engine.offers import allotted, is_closed
from gateway.engine.rates import lineage
from gateway.engine.sale import Sale
from gateway.engine.stock import FIGURE, HELD, NO_FIGURE, SOLD, UNSEEN, open_stock
from gateway.engine.view import Calendar
from gateway.engine.window import free
from gateway.errors import Reason, Rejected
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, format_day, local_day
from gateway.model.property import Connection
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import CalendarRow, StockRow

STOCK = Lookup(StockRow)
CALENDAR = Lookup(CalendarRow)


def cells_of(hotel: Hotel, nights: Nights) -> dict[Cell, int]:
    """Units by room and night, with those of the house where it is limited as a whole."""
    return per_night(with_house(nights) if hotel.limits_house else nights)


def stock_needs(hotel: Hotel, scope_id: str, nights: Nights) -> Needs:
    """The stock rows of some nights."""
    for run in nights:
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


def check_free(state: State, hotel: Hotel, source: Connection, scope_id: str, wanted: Mapping[Cell, int]) -> None:
    """Raises Rejected where a night has fewer rooms left for the source than are wanted."""
    for (room, day), units in wanted.items():
        if units <= 0:
            continue
        row, slot = _opened(state, (scope_id, room, day // BLOCK_DAYS)), day % BLOCK_DAYS
        figure = row[FIGURE + slot]
        if room == HOUSE and figure == NO_FIGURE:
            continue
        counts = (figure, row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot])
        left = free(hotel.figure_kind, *counts, clamped=True)
        if (left if room == HOUSE else allotted(left, source.allotment)) < units:
            what = room or "the house"
            raise Rejected(f"{what} is sold out on {format_day(day)}", Reason.NO_AVAILABILITY)


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
    found = next((source for source in hotel.sources if name in ("", source.id)), None)
    if found is None:
        text = f"there is no direct source {name!r}" if name else "direct selling is not set up at this property"
        raise Rejected(text, Reason.BUSINESS_RULE)
    return found
