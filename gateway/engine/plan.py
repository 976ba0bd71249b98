"""The difference between what a counterpart should hold and what it last confirmed, as the fewest date ranges.

Each cell of a shadow row carries a ``sync`` state:

===========  ============================================================================================
NEVER        nothing was ever asserted there
CONFIRMED    the counterpart confirmed the value beside it
DOUBT        asserted, but no answer yet, or none that can be trusted; asserted again once ``hold_ms`` has passed
DIRTY        to be asserted with the next message
REFUSED      the counterpart refused the value beside it; tried again when the value changes or ``hold_ms`` has passed
===========  ============================================================================================

A cell in doubt whose value has changed is sent at once and *stays* in doubt until ``hold_ms``: the older request may
still land after the newer one. These are the rules that survived the search in DESIGN section 4; the tests in
``tests/engine/test_push_model.py`` drop them one by one and see each omission found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from gateway.engine import ranges
from gateway.engine.calendar import Array, Sheet
from gateway.engine.view import LAYOUT_OF, Channel, Slot, inside
from gateway.model.ari import AriUpdate, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, Day, Instant

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
        cls, aspect: Aspect, guests: int, slots: Sequence[Slot], stored: Sequence[tuple[Slot, bytes, Instant]]
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
        states = self.sheet.columns["sync"][row]
        if (states == DIRTY).any():
            return 0
        if ((states == DOUBT) | (states == REFUSED)).any():
            return int(self.hold_ms[row])
        return None


class Difference(NamedTuple):
    """Runs of cells to send for one aspect. ``starts`` and ``stops`` are flat cell indexes, stops not included."""

    shadow: Shadow
    view: Sheet
    updates: list[AriUpdate]
    starts: Array
    stops: Array
    urgent: Array
    lingering: Array  # cells that stay in doubt even when confirmed now
    was_refused: Array  # runs with cells the counterpart refused before
    released: Array  # rows with cells that were due but cannot be asserted any more

    @property
    def aspect(self) -> Aspect:
        return self.shadow.aspect


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
) -> Difference:
    """What to send so that the counterpart comes to hold ``view`` on the days of ``window`` (both included).

    ``view`` has the keys of ``shadow``. Days after the window that were asserted once are wanted closed. With
    ``leaving`` only cells that were ever asserted matter; ``afresh`` tries again what was refused. Due cells that
    cannot be asserted (past days, prices that are gone) go back to NEVER in ``shadow``, or they would be due for ever.
    """
    fields = _fields(channel, shadow.aspect)
    view = _closed_beyond(shadow, view, window)
    wanted = {name: view.columns[name] for name in fields}
    held = {name: shadow.sheet.columns[name] for name in fields}
    differs = {name: _differs(wanted[name], held[name]) for name in fields}
    sync = shadow.sheet.columns["sync"]
    changed: Array = np.logical_or.reduce(list(differs.values()))
    waiting = (shadow.hold_ms > now_ms)[:, None]
    again = (sync == NEVER) | (sync == DIRTY) | ((sync == DOUBT) & ~waiting) | ((sync == REFUSED) & (afresh | ~waiting))
    sendable = _sendable(shadow, view, window)
    if leaving:
        sendable &= sync != NEVER
    stranded = again & ~sendable & (sync != NEVER)
    eligible = (changed | again) & sendable
    closing = _closing(shadow.aspect, wanted, held, sync) & eligible
    starts, stops = ranges.runs(view.keys, list(wanted.values()), eligible, sendable)
    settings = _settings(channel, shadow, view, differs, eligible, starts, stops)
    found = Difference(
        shadow,
        view,
        updates=_updates(channel, shadow.aspect, view, settings, starts, stops),
        starts=starts,
        stops=stops,
        urgent=ranges.any_between(closing, starts, stops),
        lingering=((sync == DOUBT) & waiting).reshape(-1),
        was_refused=ranges.any_between(sync == REFUSED, starts, stops),
        released=np.flatnonzero(stranded.any(axis=1)),
    )
    sync[stranded] = NEVER
    return found


def _fields(channel: Channel, aspect: Aspect) -> tuple[str, ...]:
    if aspect is Aspect.LIMIT:
        return ("limit",)
    return channel.rule_fields if aspect is Aspect.RULES else channel.price_fields


def _closed_beyond(shadow: Shadow, view: Sheet, window: tuple[Day, Day]) -> Sheet:
    """A shortened horizon leaves days behind that were offered once; they are wanted closed."""
    beyond = ~inside(view.keys, 0, window[1]) & (shadow.sheet.columns["sync"] != NEVER)
    if shadow.aspect is Aspect.PRICES or not beyond.any():
        return view
    closed = left_view(shadow.aspect, view.keys, view.guests)
    merged = view.copy()
    for name, values in merged.columns.items():
        values[beyond] = closed.columns[name][beyond]
    return merged


def _sendable(shadow: Shadow, view: Sheet, window: tuple[Day, Day]) -> Array:
    days = inside(view.keys, *window)
    if shadow.aspect is Aspect.PRICES:
        priced: Array = (view.columns["price"] >= 0).any(axis=2)
        return days & priced
    return days | (inside(view.keys, window[1] + 1, window[1] + 10_000) & (shadow.sheet.columns["sync"] != NEVER))


def _differs(wanted: Array, held: Array) -> Array:
    unequal: Array = wanted != held
    return np.logical_or.reduce(unequal, axis=2) if unequal.ndim == 3 else unequal


def _closing(aspect: Aspect, wanted: dict[str, Array], held: dict[str, Array], sync: Array) -> Array:
    """Cells that close or lower, or might: what is held is only sure where it was confirmed."""
    unsure = sync != CONFIRMED
    closing = np.zeros(sync.shape, bool)
    if aspect is Aspect.LIMIT:
        limit = wanted["limit"]
        closing |= np.where(unsure, (limit == 0) | (sync == DOUBT), limit < held["limit"])
    elif aspect is Aspect.RULES:
        for name in _STATUS:
            if name in wanted:
                closing |= (wanted[name] == 1) & (unsure | (held[name] == 0))
    return closing


def _settings(
    channel: Channel,
    shadow: Shadow,
    view: Sheet,
    differs: dict[str, Array],
    eligible: Array,
    starts: Array,
    stops: Array,
) -> ranges.Settings:
    if shadow.aspect is Aspect.LIMIT:
        return ranges.limit_settings(view, starts)
    if shadow.aspect is Aspect.PRICES:
        per_room = not channel.capabilities.guests_max
        return ranges.price_settings(view, channel.price_fields, starts, per_room=per_room)
    unsure = (shadow.sheet.columns["sync"] != CONFIRMED) & eligible
    said = {field: (differs[field] & eligible) | unsure for field in channel.rule_fields}
    return ranges.rule_settings(view, said, starts, stops)


def _updates(
    channel: Channel, aspect: Aspect, view: Sheet, settings: ranges.Settings, starts: Array, stops: Array
) -> list[AriUpdate]:
    priced = aspect is Aspect.PRICES
    currency = (channel.connection.currency or channel.hotel.currency) if priced else ""
    net = channel.hotel.net and priced
    updates = []
    for start, stop, sets in zip(starts.tolist(), stops.tolist(), settings, strict=True):
        room, plan, block = view.keys[start // BLOCK_DAYS]
        first = block * BLOCK_DAYS + start % BLOCK_DAYS
        updates.append(AriUpdate(room, plan, first, first + stop - start - 1, sets, currency=currency, net=net))
    return updates
