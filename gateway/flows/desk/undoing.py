"""Taking a change of the calendar back: what was before is kept with the change, and set again if nobody has since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from gateway.engine import ari
from gateway.engine.calendar import NO_PRICE, PRODUCT, Sheet
from gateway.engine.cells import Changed, calendar_changes, stock_changes
from gateway.engine.hotel import Hotel
from gateway.engine.mapping import OurCodes
from gateway.engine.stock import stock_matrix
from gateway.errors import NotFound, Rejected, Stale
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import format_day, parse_day
from gateway.store.state import State
from gateway.store.tables import CalendarRow, MessageRow, Row, StockRow

RANGES_MAX = 5_000


class Was(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of a target of ours on the days ``first`` to ``last``; None is no price and no figure."""

    room: str
    plan: str
    first: str
    last: str
    field: Field
    guests: int = 0
    before: int | None = None
    after: int | None = None


_ABSENT = {Field.EXTRA_ADULT: NO_PRICE, Field.EXTRA_CHILD: NO_PRICE}
_decode = msgspec.json.Decoder(tuple[Was, ...]).decode


def what_was(state: State, hotel: Hotel, writes: Iterable[Row]) -> bytes:
    """What the rows that are about to be written change, as it is kept; empty where that is too much to keep."""
    rows = list(writes)
    calendar = [(row[1:4], row.body) for row in rows if isinstance(row, CalendarRow)]
    stock = [(row[1:3], row.body) for row in rows if isinstance(row, StockRow)]
    scope_id = hotel.property.id
    before = [(key, was.body) for key, _ in calendar if (was := state.get(CalendarRow, (scope_id, *key)))]
    stocked = [(key, held.body) for key, _ in stock if (held := state.get(StockRow, (scope_id, *key)))]
    found = [*calendar_changes(hotel.guests, before, calendar)]
    found += (each for each in stock_changes(stocked, stock) if each.field == Field.FIGURE)
    return msgspec.json.encode([_was(each) for each in found]) if len(found) <= RANGES_MAX else b""


def _was(change: Changed) -> Was:
    room, plan = (*change.target, "")[:2]
    days = format_day(change.first), format_day(change.last)
    return Was(room, plan, *days, Field(change.field), change.guests, change.before, change.after)


class Undoing:
    """What a message changed, read back from it."""

    def __init__(self, message: MessageRow | None, message_id: int) -> None:
        if message is None or message.kind != "calendar" or message.connection:
            raise NotFound(f"message {message_id} is not a change of the calendar that was made here")
        try:
            self._changed = _decode(message.answer)
        except msgspec.DecodeError:
            self._changed = ()
        if not self._changed:
            raise Rejected(f"message {message_id} changed nothing, or more than can be taken back")
        if any(each.field is Field.FIGURE and each.before is None for each in self._changed):
            raise Rejected("there was no number of rooms before, and that cannot be set")

    @property
    def updates(self) -> tuple[AriUpdate, ...]:
        """What sets it back."""
        return tuple(self._updates("before"))

    def check(self, state: State, hotel: Hotel) -> None:
        """Raises Stale unless everything is still as the message left it."""
        changes = ari.Changes(self._updates("after"), OurCodes(hotel.rooms, hotel.plans), "", net=False)
        scope_id = hotel.property.id
        keys = ari.rows_touched(changes.painted)
        stored = [(key, row.body) for key in keys if (row := state.get(CalendarRow, (scope_id, *key)))]
        left = Sheet.load(PRODUCT, hotel.guests, keys, stored)
        now = ari.apply(left, changes.painted)
        places = ari.stock_touched(changes.figures)
        rows = [state.get(StockRow, (scope_id, *key)) for key in places]
        figures = stock_matrix([row.body if row else None for row in rows])[:, 0].copy()
        wanted = figures.copy()
        ari.apply_figures(wanted.reshape(-1), {key: n for n, key in enumerate(places)}, changes.figures)
        if len(left.changed_rows(now)) or not np.array_equal(wanted, figures):
            raise Stale("some of it has been changed again since")

    def _updates(self, side: str) -> Iterator[AriUpdate]:
        for each in self._changed:
            value: int | None = getattr(each, side)
            setting = Setting(each.field, _ABSENT.get(each.field, 0) if value is None else value, each.guests)
            yield AriUpdate(each.room, each.plan, parse_day(each.first), parse_day(each.last), (setting,))
