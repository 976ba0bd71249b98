"""What a change would do or did, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.engine.cells import Changed, calendar_changes, stock_changes
from gateway.engine.hotel import Hotel
from gateway.model.dates import Day
from gateway.store.rehearsal import Tried
from gateway.store.tables import CalendarRow, StockRow


class CellChange(msgspec.Struct, frozen=True):
    """One field of one target on the days ``first`` to ``last``, in our codes.

    ``field`` is a :class:`gateway.model.ari.Field`, or ``sold``, ``held``, ``on_its_way``. None is no price and no
    figure. ``guests`` only for prices.
    """

    room: str
    plan: str
    first: Day
    last: Day
    field: str
    guests: int
    before: int | None
    after: int | None


def changes_of(hotel: Hotel, tried: Tried) -> tuple[CellChange, ...]:
    """What a rehearsed job would change in the calendar and the stock."""
    calendar = [(now, was) for now, was in zip(tried.writes, tried.before, strict=True) if type(now) is CalendarRow]
    stock = [(now, was) for now, was in zip(tried.writes, tried.before, strict=True) if type(now) is StockRow]
    found: list[Changed] = []
    if calendar:
        before = [(was[1:4], was.body) for _, was in calendar if isinstance(was, CalendarRow)]
        found += calendar_changes(hotel.guests, before, [(now[1:4], now.body) for now, _ in calendar])
    if stock:
        stocked = [(was[1:3], was.body) for _, was in stock if isinstance(was, StockRow)]
        found += stock_changes(stocked, [(now[1:3], now.body) for now, _ in stock])
    return tuple(_shown(found))


def _shown(found: Iterable[Changed]) -> Iterable[CellChange]:
    for each in found:
        room, plan = each.target if len(each.target) == 2 else (each.target[0], "")
        yield CellChange(room, plan, each.first, each.last, each.field, each.guests, each.before, each.after)
