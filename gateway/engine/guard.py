"""A guard before the world sees it: prices that look like slips, and openings by the hundred, wait for a person.

A price is an outlier if it is more than ``factor`` times the one it replaces, or less than that part of it; there is
nothing to compare a first price with. A closed day that is opened counts once for each product it opens, and if a
message opens more of them than ``reopenings`` none is. A closing, and a price taken away, is never held back.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import msgspec
import numpy as np

from gateway.engine.ari import Change
from gateway.engine.calendar import Array, Sheet
from gateway.engine.cells import sheet_changes
from gateway.engine.hotel import Hotel
from gateway.model.ari import Field
from gateway.model.dates import Day, days_in


class Held(msgspec.Struct, frozen=True, array_like=True):
    """One field of one target of ours on the days ``first`` to ``last``, and what it would have become.

    ``guests`` only for prices, from 1. Prices in minor units.
    """

    room: str
    plan: str
    first: Day
    last: Day
    field: Field
    guests: int
    before: int
    after: int


def hold_back(sheet: Sheet, before: Sheet, hotel: Hotel) -> tuple[Held, ...]:
    """Takes out of ``sheet`` what has to wait, so that it stays as in ``before``; returns what was taken out."""
    price, price_before = sheet.columns["price"], before.columns["price"]
    outliers = _outliers(price_before, price, hotel.property.guard_price_factor)
    opened = _opened(before.columns["closed"], sheet.columns["closed"])
    most = hotel.property.guard_reopenings
    too_many = most and opened.any() and int((opened.sum(axis=1) * _products(sheet, hotel)).sum()) > most
    if not too_many and not outliers.any():
        return ()
    wanted = sheet.copy()
    price[outliers] = price_before[outliers]
    if too_many:
        sheet.columns["closed"][opened] = 1
    return tuple(
        Held(
            each.target[0],
            each.target[1],
            each.first,
            each.last,
            Field(each.field),
            each.guests,
            each.before or 0,
            each.after or 0,
        )
        for each in sheet_changes(sheet, wanted)
    )


def without(held: Iterable[Held], painted: Iterable[Change]) -> tuple[Held, ...]:
    """What still waits once newer values were painted: nobody wants the older ones any more."""
    left: list[Held] = []
    strokes = list(painted)
    for each in held:
        gone = {
            day
            for room, plan, update in strokes
            if (room, plan) == (each.room, each.plan)
            and any(s.field is each.field and s.guests in (0, each.guests) for s in update.settings)
            for day in days_in(max(update.first, each.first), min(update.last, each.last), update.weekdays)
        }
        left += _on([day for day in range(each.first, each.last + 1) if day not in gone], each) if gone else [each]
    return tuple(left)


def product_nights(held: Iterable[Held]) -> int:
    """How many nights of how many targets wait."""
    return len({(each.room, each.plan, day) for each in held for day in range(each.first, each.last + 1)})


def _opened(before: Array, after: Array) -> Array:
    if after is before:
        return np.zeros(after.shape, bool)
    opened: Array = (before == 1) & (after == 0)
    return opened


def _outliers(before: Array, after: Array, factor: int) -> Array:
    if not factor or after is before:
        return np.zeros(after.shape, bool)
    found: Array = (before > 0) & (after > 0) & ((after > before * factor) | (after * factor < before))
    return found


def _products(sheet: Sheet, hotel: Hotel) -> Array:
    """How many products each row of the sheet speaks for."""
    rooms, plans = len(hotel.rooms), len(hotel.plans)
    return np.array([(1 if room else rooms) * (1 if plan else plans) for room, plan, _ in sheet.keys], np.int64)


def _on(days: list[Day], held: Held) -> list[Held]:
    """The same on these days only."""
    found = []
    for _, run in groupby(enumerate(days), key=lambda numbered: numbered[1] - numbered[0]):
        members = [day for _, day in run]
        found.append(msgspec.structs.replace(held, first=members[0], last=members[-1]))
    return found
