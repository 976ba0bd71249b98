"""The difference between what a counterpart should hold and what it last confirmed, as the fewest date ranges.

Each cell of a shadow row carries a ``sync`` state:

===========  ============================================================================================
NEVER        nothing was ever asserted there
CONFIRMED    the counterpart confirmed the value beside it
DOUBT        asserted, but no answer yet, or none that can be trusted; asserted again once ``hold_ms`` has passed
DIRTY        to be asserted with the next message
REFUSED      the counterpart refused the value beside it; tried again when the value changes or ``hold_ms`` has passed
===========  ============================================================================================

``hold_ms`` belongs to a row: until then an older request for cells of it may still land. So whatever is sent meanwhile
for a cell that is neither NEVER nor CONFIRMED *stays* in doubt even when it is confirmed, and is asserted once more
afterwards. Each of these rules was found necessary by search; the tests in
``tests/engine/test_push_model.py`` drop them one by one and see each omission found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from typing import Final, NamedTuple

import numpy as np

from gateway.engine import ranges
from gateway.engine.calendar import NO_PRICE, Array, Sheet
from gateway.engine.loaded import Slot
from gateway.engine.view import LAYOUT_OF, Channel, inside
from gateway.model.ari import AriUpdate, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, LAST_DAY, Day, Instant

NEVER: Final = 0
CONFIRMED: Final = 1
DOUBT: Final = 2
DIRTY: Final = 3
REFUSED: Final = 4

_STATUS = (Field.CLOSED, Field.CTA, Field.CTD)


class Shadow:
    """Shadow rows of one aspect, with the instant before which each row's doubtful cells are left alone."""

    def __init__(self, aspect: Aspect, sheet: Sheet, hold_ms: Array) -> None:
        self.aspect = aspect
        self.sheet = sheet
        self.hold_ms = hold_ms

    @classmethod
    def load(
        cls, aspect: Aspect, guests: int, slots: Collection[Slot], stored: Sequence[tuple[Slot, bytes, Instant]]
    ) -> Shadow:
        """Rows for ``slots``, which are sorted here so that the blocks of a target are neighbours."""
        sheet = Sheet.load(LAYOUT_OF[aspect], guests, sorted(slots), [(slot, body) for slot, body, _ in stored])
        hold = np.zeros(len(sheet.keys), np.int64)
        for slot, _, hold_ms in stored:
            hold[sheet.row[slot]] = hold_ms
        return cls(aspect, sheet, hold)

    @property
    def sync(self) -> Array:
        """Flat, one state per cell."""
        return self.sheet.columns["sync"].reshape(-1)

    def due_ms(self, row: int) -> Instant | None:
        """When the row needs attention again: 0 for at once, None when everything in it is settled."""
        states = self.sheet.columns["sync"][row].tobytes()
        if DIRTY in states:
            return 0
        return int(self.hold_ms[row]) if DOUBT in states or REFUSED in states else None


class Difference(NamedTuple):
    """Runs of cells to send for one aspect. ``starts`` and ``stops`` are flat cell indexes, stops not included."""

    shadow: Shadow
    view: Sheet
    starts: Array
    stops: Array
    said: ranges.Said
    currency: str  # of the amounts said, and whether they are before tax
    net: bool
    urgent: Array  # runs with cells that close or lower
    lingering: Array  # cells that stay in doubt even when confirmed now
    released: Array  # rows with cells that were due but cannot be asserted any more
    behind: Array | None = None  # cells whose value comes with a later message (:func:`kept_down`)

    @property
    def aspect(self) -> Aspect:
        return self.shadow.aspect

    def updates(self, runs: Array) -> list[AriUpdate]:
        """What to say for some of the runs."""
        keys, updates = self.view.keys, []
        rows, days = np.divmod(self.starts[runs], BLOCK_DAYS)
        lengths = self.stops[runs] - self.starts[runs]
        said = zip(rows.tolist(), days.tolist(), lengths.tolist(), self.said.settings(runs), strict=True)
        for row, day, length, settings in said:
            room, plan, block = keys[row]
            first = block * BLOCK_DAYS + day
            updates.append(
                AriUpdate(room, plan, first, first + length - 1, settings, currency=self.currency, net=self.net)
            )
        return updates

    def cells(self, runs: Array) -> Array:
        """The flat indexes of the cells in some of the runs."""
        starts, lengths = self.starts[runs], self.stops[runs] - self.starts[runs]
        before = np.cumsum(lengths) - lengths
        cells: Array = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
        return cells


def left_view(aspect: Aspect, slots: Sequence[Slot], guests: int) -> Sheet:
    """What is wanted of slots that are no longer in the view: closed."""
    sheet = Sheet(LAYOUT_OF[aspect], slots, guests)
    if aspect is Aspect.LIMIT:
        sheet.columns["limit"][:] = 0
    elif aspect is Aspect.RULES:
        sheet.columns["closed"][:] = 1
    return sheet


def difference(
    channel: Channel,
    shadow: Shadow,
    view: Sheet,
    window: tuple[Day, Day],
    now_ms: Instant,
    *,
    leaving: bool = False,
    afresh: bool = False,
    complete: bool = False,
    late_ms: Instant = 0,
) -> Difference:
    """What to send so that the counterpart comes to hold ``view`` on the days of ``window`` (both included).

    ``view`` has the keys of ``shadow``. Days after the window that were asserted once are wanted closed. With
    ``leaving`` only cells that were ever asserted matter; ``afresh`` tries again what was refused. Due cells that
    cannot be asserted (past days, prices that are gone) are let go in ``shadow``, or they would be due for ever.

    With ``complete`` every cell that can be asserted is said. Such a message closes what is not in it, and until
    ``late_ms`` an older one may still land: until then no cell is sure, whatever the shadow says of it, not even one
    that was never asserted.
    """
    late = late_ms > now_ms
    if late:
        np.maximum(shadow.hold_ms, late_ms, out=shadow.hold_ms)
    fields = _fields(channel, shadow.aspect)
    priced = shadow.aspect is Aspect.PRICES
    sync = shadow.sheet.columns["sync"]
    view = _closed_beyond(shadow, view, window)
    differs = {name: _differs(view.columns[name], shadow.sheet.columns[name]) for name in fields}
    waiting = (shadow.hold_ms > now_ms)[:, None]
    refused = sync == REFUSED
    again = (sync == NEVER) | (sync == DIRTY) | (((sync == DOUBT) | refused) & ~waiting)
    if afresh:
        again |= refused
    sendable = _sendable(shadow, view, window)
    if leaving:
        sendable &= sync != NEVER
    eligible = sendable.copy() if complete else reduce(np.logical_or, differs.values(), again) & sendable
    confirmed = sync == CONFIRMED
    unsure = eligible & ~confirmed
    for cells in differs.values():
        cells &= eligible
    # Of the rules only those are told that somebody needs, unless what is left out is lost; prices are told together.
    together = channel.capabilities.rules_together
    told = [name for name in fields if priced or together or complete or unsure.any() or differs[name].any()]
    # What is in doubt or was refused is not said on the way to something else: its own time comes.
    starts, stops = ranges.runs(view, told, eligible, sendable & (eligible | confirmed))
    whole = eligible if together else unsure
    starts, stops, said = _said(channel, shadow.aspect, view, differs, whole, starts, stops)
    stranded = again & ~sendable & (sync != NEVER)
    found = Difference(
        shadow,
        view,
        starts,
        stops,
        said,
        currency=(channel.connection.currency or channel.hotel.currency) if priced else "",
        net=channel.hotel.net and priced,
        urgent=ranges.any_between(_closing(shadow, view, fields) & eligible, starts, stops),
        lingering=(waiting & (((sync != NEVER) & ~confirmed) | late)).reshape(-1),
        released=np.flatnonzero(stranded.any(axis=1)),
    )
    # While an older request may still land they are left in doubt, which lets go of them in its turn.
    sync[stranded] = np.broadcast_to(np.where(waiting, DOUBT, NEVER), sync.shape)[stranded]
    return found


def kept_down(found: Difference) -> Difference:
    """The limits of a complete set where none is above what is held, as it is told before the prices are.

    Nobody holds anything of a cell that was never asserted. What it keeps back is to be said by a later message.
    """
    wanted, held = found.view.columns["limit"], found.shadow.sheet.columns["limit"]
    view = found.view.copy()
    view.columns["limit"][:] = np.minimum(wanted, np.where(found.shadow.sheet.columns["sync"] == NEVER, 0, held))
    eligible = np.zeros(wanted.shape, bool)
    eligible.reshape(-1)[found.cells(np.arange(len(found.starts)))] = True
    starts, stops = ranges.runs(view, ("limit",), eligible, eligible)
    return found._replace(
        view=view,
        starts=starts,
        stops=stops,
        said=ranges.say_limits(view, starts),
        urgent=np.ones(len(starts), bool),
        behind=(view.columns["limit"] < wanted).reshape(-1),
    )


def _fields(channel: Channel, aspect: Aspect) -> tuple[str, ...]:
    if aspect is Aspect.LIMIT:
        return ("limit",)
    return channel.rule_fields if aspect is Aspect.RULES else channel.price_fields


def _closed_beyond(shadow: Shadow, view: Sheet, window: tuple[Day, Day]) -> Sheet:
    """A shortened horizon leaves days behind that were offered once; they are wanted closed."""
    beyond = ~inside(view, 0, window[1]) & (shadow.sheet.columns["sync"] != NEVER)
    if shadow.aspect is Aspect.PRICES or not beyond.any():
        return view
    closed = left_view(shadow.aspect, view.keys, view.guests)
    merged = view.copy()
    for name, values in merged.columns.items():
        values[beyond] = closed.columns[name][beyond]
    return merged


def _sendable(shadow: Shadow, view: Sheet, window: tuple[Day, Day]) -> Array:
    if shadow.aspect is Aspect.PRICES:
        sendable: Array = inside(view, *window) & _any_guests(view.columns["price"] != NO_PRICE)
    else:
        asserted = shadow.sheet.columns["sync"] != NEVER
        sendable = inside(view, *window) | (inside(view, window[1], LAST_DAY) & asserted)
    return sendable


def _differs(wanted: Array, held: Array) -> Array:
    unequal: Array = wanted != held
    return _any_guests(unequal) if unequal.ndim == 3 else unequal


def _any_guests(cells: Array) -> Array:
    """Shape (rows, 32, guests) to (rows, 32); guests are few, and numpy is slow along a short axis."""
    found: Array = cells[..., 0].copy()
    for guests in range(1, cells.shape[2]):
        found |= cells[..., guests]
    return found


def _closing(shadow: Shadow, view: Sheet, fields: Sequence[str]) -> Array:
    """Cells that close or lower, or might: what is held is only sure where it was confirmed."""
    sync = shadow.sheet.columns["sync"]
    if shadow.aspect is Aspect.LIMIT:
        wanted, held = view.columns["limit"], shadow.sheet.columns["limit"]
        lower = np.where((sync == DIRTY) | (sync == REFUSED), wanted <= held, (wanted < held) | (sync == DOUBT))
        closing: Array = lower | (wanted == 0) & (sync != CONFIRMED)
        return closing
    closing = np.zeros(sync.shape, bool)
    if shadow.aspect is Aspect.RULES:
        for name in _STATUS:
            if name in fields:
                closing |= (view.columns[name] == 1) & ((sync != CONFIRMED) | (shadow.sheet.columns[name] == 0))
    return closing


def _said(
    channel: Channel,
    aspect: Aspect,
    view: Sheet,
    differs: dict[str, Array],
    whole: Array,
    starts: Array,
    stops: Array,
) -> tuple[Array, Array, ranges.Said]:
    if aspect is Aspect.LIMIT:
        return starts, stops, ranges.say_limits(view, starts)
    if aspect is Aspect.PRICES:
        per_room = not channel.capabilities.guests_max
        return starts, stops, ranges.say_prices(view, channel.price_fields, starts, per_room=per_room)
    said = ranges.say_rules(view, {field: differs[field] for field in channel.rule_fields}, whole, starts, stops)
    return ranges.joined(view, starts, stops, said)
