"""Applying ARI changes to calendar sheets and stock planes.

Rows are laid out so that the blocks of one target lie side by side in day order: a range of days is then one slice of
a flat column, whatever blocks it spans, and 5,000 updates stay far below the cost of reading them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import NO_PRICE, PRODUCT, Array, Key, Sheet
from gateway.engine.mapping import Mapping
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.model.ari import ASPECT_OF, OCCUPANCY_MAX, STAY_MAX, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, BLOCK_DAYS, Day, Weekdays, blocks_of

RANGE_DAYS_MAX = 1_100
ROOMS_MAX = 30_000
NIGHT_PRICE_MAX = 10**12
_OFFSET_HOURS_MAX = 60_000

_HIGHEST: dict[Field, int] = {
    **dict.fromkeys((Field.FIGURE, Field.FIGURE_BY), ROOMS_MAX),
    **dict.fromkeys((Field.CLOSED, Field.CTA, Field.CTD), 1),
    **dict.fromkeys((Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH), STAY_MAX),
    Field.LOS_CLOSED: 2**32 - 1,
    **dict.fromkeys((Field.MIN_OFFSET_H, Field.MAX_OFFSET_H), _OFFSET_HOURS_MAX),
    **dict.fromkeys((Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD), NIGHT_PRICE_MAX),
}


class Change(NamedTuple):
    """An update and the one room type and plan of ours it is for (both may be empty, see :class:`AriUpdate`)."""

    room: str
    plan: str
    update: AriUpdate


class Changes:
    """A document in our codes: what it paints on calendar rows, and what figures it sets.

    It is checked, or it does not come to be. Updates of one document share their settings, so those are looked at once
    per tuple and not once per update.
    """

    def __init__(self, updates: Iterable[AriUpdate], mapping: Mapping, currency: str, *, net: bool) -> None:
        self.painted: list[Change] = []
        self.figures: list[Change] = []
        self._currency = currency
        self._net = net
        seen: dict[int, frozenset[Aspect]] = {}
        for update in updates:
            try:
                aspects = seen.get(id(update.settings))
                if aspects is None:
                    aspects = seen[id(update.settings)] = _check_settings(update.settings)
                self._check(update, aspects)
                for room, plan in mapping.targets(update.room, update.plan):
                    self._add(Change(room, plan, update), aspects)
            except Refusal as refusal:
                refusal.record = refusal.record or update.record or None
                raise

    def _check(self, update: AriUpdate, aspects: frozenset[Aspect]) -> None:
        if not 0 <= update.last - update.first < RANGE_DAYS_MAX:
            raise Malformed(
                f"a range must end on or after its start and span at most {RANGE_DAYS_MAX} days",
                Reason.DATE_COMBINATION,
            )
        if Aspect.PRICES in aspects:
            if update.currency != self._currency:
                said = update.currency or "no currency"
                raise Unsupported(f"prices here are in {self._currency}, not in {said}", Reason.CURRENCY)
            if update.net != self._net:
                basis = "before" if self._net else "after"
                raise Unsupported(f"prices here are amounts {basis} tax", Reason.BUSINESS_RULE)
            if not update.plan:
                raise Malformed("a price needs a rate plan", Reason.RATE_PLAN)

    def _add(self, change: Change, aspects: frozenset[Aspect]) -> None:
        if Aspect.LIMIT in aspects:
            self.figures.append(change)
        if aspects != _LIMIT_ONLY:
            self.painted.append(change)


_LIMIT_ONLY = frozenset({Aspect.LIMIT})


def _check_settings(settings: tuple[Setting, ...]) -> frozenset[Aspect]:
    """Refuses values the calendar has no place for; says which aspects are set."""
    for field, value, guests in ((each.field, each.value, each.guests) for each in settings):
        highest = _HIGHEST[field]
        lowest = -highest if field is Field.FIGURE_BY else 0
        if not lowest <= value <= highest:
            raise Malformed(f"{field.value} {value} is not between {lowest} and {highest}", Reason.INVALID_VALUE)
        if not 0 <= guests <= OCCUPANCY_MAX:
            raise Malformed(f"a price for {guests} guests", Reason.OCCUPANCY)
    return frozenset(ASPECT_OF[setting.field] for setting in settings)


def rows_touched(changes: Iterable[Change]) -> list[Key]:
    """The calendar rows ``(room, plan, block)`` the changes write, sorted so that blocks of a target are neighbours."""
    keys: set[Key] = set()
    for room, plan, update in changes:
        for block in blocks_of(update.first, update.last):
            keys.add((room, plan, block))
    return sorted(keys)


def stock_touched(changes: Iterable[Change]) -> list[Key]:
    """The stock rows ``(room, block)`` whose figures the changes write, sorted likewise."""
    return sorted({(room, block) for room, _, update in changes for block in blocks_of(update.first, update.last)})


def apply(sheet: Sheet, changes: Iterable[Change]) -> None:
    """Paints rules and prices onto ``sheet``, whose keys are :func:`rows_touched`, in document order.

    A price of 0 is no price: nothing is ever sold for nothing by mistake.
    """
    flat = {
        column.name: sheet.columns[column.name].reshape((-1, sheet.guests) if column.by_guests else -1)
        for column in PRODUCT.columns
    }
    row = sheet.row
    for room, plan, update in changes:
        first, last = update.first, update.last
        start = row[room, plan, first // BLOCK_DAYS] * BLOCK_DAYS + first % BLOCK_DAYS
        days: slice | Array
        if update.weekdays == ALL_WEEK:
            days = slice(start, start + last - first + 1)
        else:
            days = start + chosen_days(first, last, update.weekdays)
        for setting in update.settings:
            field, value = setting.field, setting.value
            if field is Field.PRICE:
                value = value or NO_PRICE
                if setting.guests:
                    if setting.guests > sheet.guests:
                        raise Malformed(
                            f"a price for {setting.guests} guests where at most {sheet.guests} fit",
                            Reason.OCCUPANCY,
                            record=update.record,
                        )
                    flat[field][days, setting.guests - 1] = value
                    continue
            if field in flat:  # a figure in the same update goes to the stock
                flat[field][days] = value


def apply_figures(figures: Array, rows: dict[Key, int], changes: Iterable[Change]) -> None:
    """Paints figures onto a flat plane of days, 32 per row of ``rows`` (see :func:`stock_touched`)."""
    for room, _, update in changes:
        start = rows[room, update.first // BLOCK_DAYS] * BLOCK_DAYS + update.first % BLOCK_DAYS
        days = start + chosen_days(update.first, update.last, update.weekdays)
        for setting in update.settings:
            if setting.field is Field.FIGURE:
                figures[days] = setting.value
            elif setting.field is Field.FIGURE_BY:
                known = days[figures[days] >= 0]
                figures[known] = np.clip(figures[known] + setting.value, 0, ROOMS_MAX)


def chosen_days(first: Day, last: Day, weekdays: Weekdays) -> Array:
    """Offsets from ``first`` of the days up to ``last`` that fall on the weekdays."""
    return _week(weekdays, (first - 1) % 7, last - first)


@lru_cache(maxsize=4096)
def _week(weekdays: Weekdays, start: int, span: int) -> Array:
    days = np.arange(span + 1)
    chosen: Array = days[(weekdays >> ((days + start) % 7)) & 1 == 1]
    chosen.flags.writeable = False
    return chosen
