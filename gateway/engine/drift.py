"""What a channel may not hold as it should: its shadow against its view, cell by cell, and why.

Unlike :func:`gateway.engine.plan.difference` nothing is decided here, and cells that are merely waiting are told, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import NO_LIMIT, NO_PRICE, Array, Sheet
from gateway.engine.cells import following, runs
from gateway.engine.orders import Cells
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED, Shadow
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


def compare(channel: Channel, shadow: Shadow, view: Sheet, window: tuple[Day, Day]) -> Found:
    """For one aspect; ``view`` has the keys of ``shadow``. ``ordered`` are the cells a repair would send."""
    sync = shadow.sheet.columns["sync"]
    fields = _fields(channel, shadow.aspect)
    within = inside(view, *window)
    if shadow.aspect is Aspect.PRICES:
        # A missing price cannot be said: the product is closed by its rules.
        within = within & (view.columns["price"] != NO_PRICE).any(axis=2)
    differs = {name: view.columns[name] != shadow.sheet.columns[name] for name in fields}
    apart = np.zeros(sync.shape, bool)
    for cells in differs.values():
        apart |= cells.any(axis=2) if cells.ndim == 3 else cells
    drifted = within & (apart | (sync != CONFIRMED))
    by_why = Counter({why: int(((sync == state) & drifted).sum()) for state, why in _WHY.items()})
    follows = following(view.keys)
    ordered = (
        Cells(shadow.aspect, run.key[0], run.key[1], run.first, run.last) for run in runs(view.keys, follows, drifted)
    )
    drifts = (drift for name in fields for drift in _of_field(shadow, view, name, follows, drifted))
    return Found(int(within.sum()), +by_why, drifts, ordered)


def _fields(channel: Channel, aspect: Aspect) -> tuple[str, ...]:
    if aspect is Aspect.LIMIT:
        return ("limit",)
    return channel.rule_fields if aspect is Aspect.RULES else channel.price_fields


def _of_field(shadow: Shadow, view: Sheet, name: str, follows: Array, drifted: Array) -> Iterator[Drift]:
    wanted, held = view.columns[name], shadow.sheet.columns[name]
    if wanted.ndim == 3:
        for guests in range(wanted.shape[2]):
            one = (wanted[..., guests], held[..., guests])
            yield from _of_column(shadow, view, name, guests + 1, *one, follows, drifted)
    else:
        yield from _of_column(shadow, view, name, 0, wanted, held, follows, drifted)


def _of_column(
    shadow: Shadow, view: Sheet, name: str, guests: int, wanted: Array, held: Array, follows: Array, drifted: Array
) -> Iterator[Drift]:
    """Where nothing was ever said every field is told; elsewhere those that differ, or that may."""
    sync = shadow.sheet.columns["sync"]
    told = drifted & ((wanted != held) | ((sync != CONFIRMED) & (sync != NEVER) & _matters(name, wanted)))
    told |= drifted & (sync == NEVER) & _matters(name, wanted)
    if not told.any():
        return
    for run in runs(view.keys, follows, told, wanted, held, sync):
        state = int(sync[run.row, run.cell])
        # What it refused it does not hold, and what it held before nobody knows any more.
        was = None if state in (NEVER, REFUSED) else _value(name, int(held[run.row, run.cell]))
        now = _value(name, int(wanted[run.row, run.cell]))
        room, plan, _ = run.key
        yield Drift(shadow.aspect, room, plan, run.first, run.last, name, guests, now, was, _WHY[state])


def _matters(name: str, wanted: Array) -> Array:
    """Of rules only those that are in force are worth a line where nothing differs."""
    matters: Array = np.ones(wanted.shape, bool) if name in ("limit", "closed") else wanted > 0
    return matters


def _value(name: str, value: int) -> int | None:
    absent = {"limit": NO_LIMIT, "price": NO_PRICE, "extra_adult": NO_PRICE, "extra_child": NO_PRICE}.get(name)
    return None if value == absent else value
