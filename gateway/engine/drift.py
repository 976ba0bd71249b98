"""What a channel may not hold as it should: its shadow against its view, cell by cell, and why.

Unlike :func:`gateway.engine.plan.difference` nothing is decided here, and cells that are merely waiting are told, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import NO_LIMIT, NO_PRICE, Array, Sheet
from gateway.engine.cells import following, runs
from gateway.engine.loaded import Slot
from gateway.engine.orders import Cells
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED
from gateway.engine.view import Channel, inside
from gateway.model.ari import Aspect
from gateway.model.dates import Day


class Why(StrEnum):
    """Why a cell may not be as it should."""

    NEVER_SENT = "never_sent"
    WAITING = "waiting"  # known to need sending
    IN_DOUBT = "in_doubt"  # sent, and no answer that can be trusted
    REFUSED = "refused"
    DIFFERS = "differs"  # confirmed, and not what is wanted: a change on its way, or a mistake of ours


_WHY = {NEVER: Why.NEVER_SENT, CONFIRMED: Why.DIFFERS, DOUBT: Why.IN_DOUBT, DIRTY: Why.WAITING, REFUSED: Why.REFUSED}


class Drift(NamedTuple):
    """One field on a range of days. None is no value."""

    aspect: Aspect
    room: str
    plan: str
    first: Day
    last: Day
    field: str
    guests: int
    wanted: int | None
    held: int | None
    why: Why


class Found(NamedTuple):
    """``cells`` are targets and days; ``by_why`` counts those that drifted.

    They are counted at once, and told as they are asked for: a hotel's year may differ in 100,000 ranges, of which
    somebody looks at the first.
    """

    cells: int
    by_why: Counter[Why]
    drifts: Iterator[Drift]
    ordered: Iterator[Cells]


def compare(
    channel: Channel, aspect: Aspect, view: Sheet, stored: Mapping[Slot, bytes], window: tuple[Day, Day]
) -> Found:
    """For one aspect. ``view`` is what is wanted, its keys sorted; its ``sync`` is overwritten.

    ``stored`` are the rows of the shadow, packed. ``ordered`` are the cells a repair would send.
    """
    within = inside(view, *window)
    if aspect is Aspect.PRICES:
        # A missing price cannot be said: the product is closed by its rules.
        within &= (view.columns["price"] != NO_PRICE).any(axis=2)
    cells = int(within.sum())
    odd = _odd_rows(view, stored)
    view, within = _some(view, odd), within[odd]
    held = [(key, body) for key in view.keys if (body := stored.get(key)) is not None]
    shadow = Sheet.load(view.layout, view.guests, view.keys, held)
    sync = shadow.columns["sync"]
    fields = _fields(channel, aspect)
    drifted = sync != CONFIRMED
    for name in fields:
        apart = view.columns[name] != shadow.columns[name]
        drifted |= apart.any(axis=2) if apart.ndim == 3 else apart
    drifted &= within
    by_why = Counter({why: int(((sync == state) & drifted).sum()) for state, why in _WHY.items()})
    follows = following(view.keys)
    ordered = (Cells(aspect, run.key[0], run.key[1], run.first, run.last) for run in runs(view.keys, follows, drifted))
    both = _Both(aspect, view, shadow, follows, drifted)
    return Found(cells, +by_why, (drift for name in fields for drift in _of_field(both, name)), ordered)


def _odd_rows(view: Sheet, stored: Mapping[Slot, bytes]) -> Array:
    """The rows that are not stored exactly as they are wanted, with every cell confirmed.

    Nearly all of a channel in sync are, and to compare them packed is a fraction of unpacking and looking at each cell.
    """
    view.columns["sync"][:] = CONFIRMED
    packed = view.pack(range(len(view.keys)))
    rows = zip(view.keys, packed, strict=True)
    return np.array([row for row, (key, body) in enumerate(rows) if stored.get(key) != body], np.intp)


def _some(sheet: Sheet, rows: Array) -> Sheet:
    some = Sheet(sheet.layout, [sheet.keys[row] for row in rows], sheet.guests)
    some.columns = {name: values[rows] for name, values in sheet.columns.items()}
    return some


def _fields(channel: Channel, aspect: Aspect) -> tuple[str, ...]:
    if aspect is Aspect.LIMIT:
        return ("limit",)
    return channel.rule_fields if aspect is Aspect.RULES else channel.price_fields


class _Both(NamedTuple):
    """Rows of an aspect as they should be and as they are held. ``drifted`` marks the cells to tell of."""

    aspect: Aspect
    view: Sheet
    shadow: Sheet
    follows: Array
    drifted: Array


def _of_field(both: _Both, name: str) -> Iterator[Drift]:
    wanted, held = both.view.columns[name], both.shadow.columns[name]
    if wanted.ndim == 3:
        for guests in range(wanted.shape[2]):
            yield from _of_column(both, name, guests + 1, wanted[..., guests], held[..., guests])
    else:
        yield from _of_column(both, name, 0, wanted, held)


def _of_column(both: _Both, name: str, guests: int, wanted: Array, held: Array) -> Iterator[Drift]:
    """Where nothing was ever said every field is told; elsewhere those that differ, or that may."""
    sync, drifted, keys = both.shadow.columns["sync"], both.drifted, both.view.keys
    told = drifted & ((wanted != held) | ((sync != CONFIRMED) & (sync != NEVER) & _matters(name, wanted)))
    told |= drifted & (sync == NEVER) & _matters(name, wanted)
    if not told.any():
        return
    for run in runs(keys, both.follows, told, wanted, held, sync):
        state = int(sync[run.row, run.cell])
        # What it refused it does not hold, and what it held before nobody knows any more.
        was = None if state in (NEVER, REFUSED) else _value(name, int(held[run.row, run.cell]))
        now = _value(name, int(wanted[run.row, run.cell]))
        room, plan, _ = run.key
        yield Drift(both.aspect, room, plan, run.first, run.last, name, guests, now, was, _WHY[state])


def _matters(name: str, wanted: Array) -> Array:
    """Of rules only those that are in force are worth a line where nothing differs."""
    matters: Array = np.ones(wanted.shape, bool) if name in ("limit", "closed") else wanted > 0
    return matters


def _value(name: str, value: int) -> int | None:
    absent = {"limit": NO_LIMIT, "price": NO_PRICE, "extra_adult": NO_PRICE, "extra_child": NO_PRICE}.get(name)
    return None if value == absent else value
