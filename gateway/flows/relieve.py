"""Oversold bookings are looked at again whenever rooms may have become free, so that their count stays true."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.nights import Cell, Nights
from gateway.engine.shortage import Oversold, attributed
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import free
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, local_day
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import ReservationRow, StockRow

OVERSOLD = Lookup(ReservationRow, ("scope_id",), "t.oversold > 0")
STOCK = Lookup(StockRow)
_EVERY_ROOM = 1 << 30

_nights = msgspec.msgpack.Decoder(Nights).decode


def relief_needs(state: State, scope_id: str) -> Needs:
    """The bookings that are oversold, and the stock of their nights."""
    yield OVERSOLD, (scope_id,)
    for row in state.find(OVERSOLD, (scope_id,)):
        for run in _nights(row.nights):
            for block in blocks_of(run.arrival, run.departure - 1):
                yield STOCK, (scope_id, run.room, block)


def relieved(
    state: State,
    hotel: Hotel,
    stock: Iterable[StockRow],
    now_ms: Instant,
    changed: ReservationRow | None = None,
) -> list[ReservationRow]:
    """The oversold bookings whose count is another by the new ``stock``, and ``changed`` (which has changed anyway).

    A stay that is over is short of nothing: nobody can be moved any more.
    """
    scope_id = hotel.property.id
    rows: dict[str, ReservationRow] = {row.reservation_id: row for row in state.find(OVERSOLD, (scope_id,))}
    before = {number: row.oversold for number, row in rows.items()}
    if changed is not None:
        before[changed.reservation_id] = -1
        rows[changed.reservation_id] = changed
    today = local_day(now_ms, hotel.property.timezone)
    lasting = [row for row in rows.values() if row.oversold and row.departure > today]
    troubled = (Oversold(row.reservation_id, row.rev, _nights(row.nights)) for row in lasting)
    counted = shortages(state, hotel, stock, troubled)
    return [
        row._replace(oversold=counted.get(number, 0))
        for number, row in rows.items()
        if counted.get(number, 0) != before[number]
    ]


def shortages(state: State, hotel: Hotel, stock: Iterable[StockRow], bookings: Iterable[Oversold]) -> dict[str, int]:
    """How many of their room nights each of the bookings is short of by the new ``stock``."""
    short = attributed(bookings, _Left(state, hotel, stock).missing)
    return {number: sum(cells.values()) for number, cells in short.items()}


class _Left:
    """How many rooms there are too few, by the stock as it will be."""

    def __init__(self, state: State, hotel: Hotel, stock: Iterable[StockRow]) -> None:
        self._state = state
        self._hotel = hotel
        self._written = {row[:3]: row.body for row in stock}

    def missing(self, cell: Cell) -> int:
        room, day = cell
        key = (self._hotel.property.id, room, day // BLOCK_DAYS)
        body = self._written.get(key)
        if body is None:
            stored = self._state.get(StockRow, key)
            body = stored.body if stored else None
        row, slot = open_stock(body), day % BLOCK_DAYS
        counts = (row[FIGURE + slot], row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot])
        if room in self._hotel.links.parts:
            return -self._hotel.links.own(self._hotel.figure_kind, room, counts)
        if row[FIGURE + slot] < 0:
            return _EVERY_ROOM
        return -int(free(self._hotel.figure_kind, *counts, clamped=True))
