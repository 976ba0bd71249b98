"""Applying ARI changes to calendar sheets and stock planes.

Rows are laid out so that the blocks of one target lie side by side in day order: a range of days is then one slice of
a flat column, whatever blocks it spans, and 5,000 updates stay far below the cost of reading them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from gateway.engine.calendar import PRODUCT, Array, Key, Sheet
from gateway.engine.mapping import Change
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import ASPECT_OF, OCCUPANCY_MAX, STAY_MAX, Aspect, Field
from gateway.model.dates import ALL_WEEK, BLOCK_DAYS, Day, Weekdays, blocks_of

RANGE_DAYS_MAX = 1_100
ROOMS_MAX = 30_000
NIGHT_PRICE_MAX = 10**12
_OFFSET_HOURS_MAX = 60_000

_HIGHEST: dict[Field, int] = {
    Field.FIGURE: ROOMS_MAX,
    **dict.fromkeys((Field.CLOSED, Field.CTA, Field.CTD), 1),
    **dict.fromkeys((Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH), STAY_MAX),
    Field.LOS_CLOSED: 2**32 - 1,
    **dict.fromkeys((Field.MIN_OFFSET_H, Field.MAX_OFFSET_H), _OFFSET_HOURS_MAX),
    **dict.fromkeys((Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD), NIGHT_PRICE_MAX),
}


def check(change: Change, currency: str, net: bool) -> None:
    """Refuses values the calendar has no place for, before any is applied."""
    update = change.update
    if update.last < update.first or update.last - update.first >= RANGE_DAYS_MAX:
        raise Malformed(
            f"a range must end on or after its start and span at most {RANGE_DAYS_MAX} days",
            Reason.DATE_COMBINATION,
            record=update.record,
        )
    for setting in update.settings:
        field = setting.field
        highest = _HIGHEST.get(field)
        if highest is not None and not 0 <= setting.value <= highest:
            raise Malformed(
                f"{field.value} {setting.value} is not between 0 and {highest}",
                Reason.INVALID_VALUE,
                record=update.record,
            )
        if ASPECT_OF[field] is Aspect.PRICES:
            _check_price(change, setting.guests, currency, net)


def _check_price(change: Change, guests: int, currency: str, net: bool) -> None:
    update = change.update
    if not change.plan:
        raise Malformed("a price needs a rate plan", Reason.RATE_PLAN, record=update.record)
    if update.currency != currency:
        raise Unsupported(
            f"prices here are in {currency}, not in {update.currency or 'no currency'}",
            Reason.CURRENCY,
            record=update.record,
        )
    if update.net != net:
        basis = "before" if net else "after"
        raise Unsupported(f"prices here are amounts {basis} tax", Reason.BUSINESS_RULE, record=update.record)
    if not 0 <= guests <= OCCUPANCY_MAX:
        raise Malformed(f"a price for {guests} guests", Reason.OCCUPANCY, record=update.record)


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
    """Paints rules and prices onto ``sheet``, whose keys are :func:`rows_touched`, in document order."""
    flat = {
        column.name: sheet.columns[column.name].reshape((-1, sheet.guests) if column.by_guests else -1)
        for column in PRODUCT.columns
    }
    row = sheet.row
    for room, plan, update in changes:
        first = update.first
        start = row[room, plan, first // BLOCK_DAYS] * BLOCK_DAYS + first % BLOCK_DAYS
        stop = start + update.last - first + 1
        days: slice | Array = slice(start, stop)
        if update.weekdays != ALL_WEEK:
            days = start + chosen_days(first, update.last, update.weekdays)
        for setting in update.settings:
            if setting.field is Field.PRICE and setting.guests:
                if setting.guests > sheet.guests:
                    raise Malformed(
                        f"a price for {setting.guests} guests where at most {sheet.guests} fit",
                        Reason.OCCUPANCY,
                        record=update.record,
                    )
                flat[setting.field][days, setting.guests - 1] = setting.value
            elif setting.field in flat:  # a figure in the same update goes to the stock
                flat[setting.field][days] = setting.value


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
                figures[known] = np.maximum(figures[known] + setting.value, 0)


def chosen_days(first: Day, last: Day, weekdays: Weekdays) -> Array:
    """Offsets from ``first`` of the days up to ``last`` that fall on the weekdays."""
    offsets = _week(weekdays, (first - 1) % 7)
    chosen: Array = offsets[: int(np.searchsorted(offsets, last - first, side="right"))]
    return chosen


@lru_cache(maxsize=128 * 7)
def _week(weekdays: Weekdays, start: int) -> Array:
    days = np.arange(RANGE_DAYS_MAX + 1)
    chosen: Array = days[(weekdays >> ((days + start) % 7)) & 1 == 1]
    chosen.flags.writeable = False
    return chosen
