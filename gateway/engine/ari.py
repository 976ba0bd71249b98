"""Applying ARI changes to calendar sheets and stock planes.

Rows are laid out so that the blocks of one target lie side by side in day order: a range of days is then one slice of
a flat column, whatever blocks it spans, and 5,000 updates stay far below the cost of reading them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from gateway.engine.calendar import GONE, NO_PRICE, PRODUCT, Array, Key, Sheet
from gateway.engine.mapping import Codes
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import Clearing
from gateway.model.ari import ASPECT_OF, OCCUPANCY_MAX, STAY_MAX, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, BLOCK_DAYS, Day, Weekdays, blocks_of, days_in
from gateway.model.property import Product

RANGE_DAYS_MAX = 1_100
ROOMS_MAX = 30_000
NIGHT_PRICE_MAX = 10**12
_OFFSET_HOURS_MAX = 60_000


def _bounds(highest: int, *fields: Field, lowest: int = 0) -> dict[Field, tuple[int, int, Aspect]]:
    return {field: (lowest, highest, ASPECT_OF[field]) for field in fields}


_BOUNDS = {
    **_bounds(ROOMS_MAX, Field.FIGURE),
    **_bounds(ROOMS_MAX, Field.FIGURE_BY, lowest=-ROOMS_MAX),
    **_bounds(1, Field.CLOSED, Field.CTA, Field.CTD),
    **_bounds(STAY_MAX, Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH),
    **_bounds(2**32 - 1, Field.LOS_CLOSED),
    **_bounds(_OFFSET_HOURS_MAX, Field.MIN_OFFSET_H, Field.MAX_OFFSET_H),
    **_bounds(NIGHT_PRICE_MAX, Field.PRICE),
    **_bounds(NIGHT_PRICE_MAX, Field.EXTRA_ADULT, Field.EXTRA_CHILD, lowest=NO_PRICE),
}

# What a cleared aspect is set to.
_CLEARED = {
    Aspect.LIMIT: (Setting(Field.FIGURE, 0),),
    Aspect.RULES: tuple(Setting(field, 0) for field, aspect in ASPECT_OF.items() if aspect is Aspect.RULES),
    Aspect.PRICES: (
        Setting(Field.PRICE, 0),
        Setting(Field.EXTRA_ADULT, NO_PRICE),
        Setting(Field.EXTRA_CHILD, NO_PRICE),
    ),
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

    def __init__(self, updates: Iterable[AriUpdate], mapping: Codes, currency: str, *, net: bool) -> None:
        self.painted: list[Change] = []
        self.figures: list[Change] = []
        self._currency = currency
        self._net = net
        seen: dict[int, frozenset[Aspect]] = {}
        targets, painted, figures = mapping.targets, self.painted.append, self.figures.append
        update = None
        try:
            for update in updates:
                settings = update.settings
                aspects = seen.get(id(settings))
                if aspects is None:
                    aspects = seen[id(settings)] = _check_settings(settings)
                if not 0 <= update.last - update.first < RANGE_DAYS_MAX:
                    text = f"a range must end on or after its start and span at most {RANGE_DAYS_MAX} days"
                    raise Malformed(text, Reason.DATE_COMBINATION)
                if _PRICES in aspects:
                    self._check_prices(update)
                for room, plan in targets(update.room, update.plan):
                    change = Change(room, plan, update)
                    if _LIMIT in aspects:
                        figures(change)
                    if aspects != _LIMIT_ONLY:
                        painted(change)
        except Refusal as refusal:
            refusal.record = refusal.record or (update.record if update else "") or None
            raise

    def _check_prices(self, update: AriUpdate) -> None:
        if update.currency != self._currency:
            said = update.currency or "no currency"
            raise Unsupported(f"prices here are in {self._currency}, not in {said}", Reason.CURRENCY)
        if update.net != self._net:
            basis = "before" if self._net else "after"
            raise Unsupported(f"prices here are amounts {basis} tax", Reason.BUSINESS_RULE)
        if not update.plan:
            raise Malformed("a price needs a rate plan", Reason.RATE_PLAN)


_COLUMNS = {column.name: column for column in PRODUCT.columns}
# An enum member costs as much to look up on its class as the rest of a check.
_LIMIT, _PRICES, _PRICE = Aspect.LIMIT, Aspect.PRICES, Field.PRICE
_LIMIT_ONLY = frozenset({Aspect.LIMIT})


def _check_settings(settings: tuple[Setting, ...]) -> frozenset[Aspect]:
    """Refuses values the calendar has no place for; says which aspects are set."""
    aspects = set()
    for setting in settings:
        field, value = setting.field, setting.value
        lowest, highest, aspect = _BOUNDS[field]
        if not lowest <= value <= highest:
            raise Malformed(f"{field.value} {value} is not between {lowest} and {highest}", Reason.INVALID_VALUE)
        if not 0 <= setting.guests <= OCCUPANCY_MAX:
            raise Malformed(f"a price for {setting.guests} guests", Reason.OCCUPANCY)
        aspects.add(aspect)
    return frozenset(aspects)


def cleared(
    clears: Iterable[Clearing], products: Iterable[Product], currency: str, *, net: bool, first: Day
) -> list[AriUpdate]:
    """What a complete document takes away, as updates from ``first`` on, in the sender's codes.

    ``products`` are the lines of its mapping whose prices it may set.
    """
    updates: dict[tuple[Aspect, str, str], AriUpdate] = {}
    last = first + RANGE_DAYS_MAX - 1
    lines = list(products)
    for clearing in clears:
        for line in lines:
            if clearing.room not in ("", line.their_room) or clearing.plan not in ("", line.their_plan):
                continue
            if line.their_plan in clearing.keep:
                continue
            plan = "" if clearing.aspect is Aspect.LIMIT else line.their_plan
            updates[clearing.aspect, line.their_room, plan] = AriUpdate(
                line.their_room, plan, first, last, _CLEARED[clearing.aspect], currency=currency, net=net
            )
    return list(updates.values())


def rows_touched(changes: Iterable[Change]) -> list[Key]:
    """The calendar rows ``(room, plan, block)`` the changes write, sorted so that blocks of a target are neighbours."""
    blocks_by_target: dict[tuple[str, str], set[int]] = {}
    for room, plan, update in changes:
        blocks = blocks_by_target.setdefault((room, plan), set())
        first, last = update.first // BLOCK_DAYS, update.last // BLOCK_DAYS
        blocks.add(first)
        if last > first:
            blocks.update(range(first + 1, last + 1))
    return [(*target, block) for target, blocks in sorted(blocks_by_target.items()) for block in sorted(blocks)]


def stock_touched(changes: Iterable[Change]) -> list[Key]:
    """The stock rows ``(room, block)`` whose figures the changes write, sorted likewise."""
    return sorted({(room, block) for room, _, update in changes for block in blocks_of(update.first, update.last)})


def apply(sheet: Sheet, changes: Iterable[Change]) -> Sheet:
    """Paints rules and prices onto ``sheet``, whose keys are :func:`rows_touched`, in document order.

    Returns the sheet as it was; it shares the columns that nobody painted. A price of 0 is no price: nothing is ever
    sold for nothing by mistake.
    """
    before = sheet.twin()
    columns = _Painted(sheet)
    row = sheet.row
    # Updates of one document share their settings, which are made ready once.
    strokes_of: dict[int, list[tuple[Array, int]]] = {}
    for room, plan, update in changes:
        first, last, settings = update.first, update.last, update.settings
        strokes = strokes_of.get(id(settings))
        if strokes is None:
            strokes = strokes_of[id(settings)] = _strokes(columns, update, sheet.guests)
        start = row[room, plan, first // BLOCK_DAYS] * BLOCK_DAYS + first % BLOCK_DAYS
        days: slice | Array
        if update.weekdays == ALL_WEEK:
            days = slice(start, start + last - first + 1)
        else:
            days = start + chosen_days(first, last, update.weekdays)
        for column, value in strokes:
            column[days] = value
    _keep_gone(before, sheet)
    return before


def _keep_gone(before: Sheet, sheet: Sheet) -> None:
    """Remembers which occupancies lost their price. Those that never had one are sold nowhere, so they are no risk."""
    if sheet.columns[_PRICE] is before.columns[_PRICE]:
        return
    priced = sheet.columns[_PRICE] > 0
    gone = ((before.columns[_PRICE] > 0) | (before.columns[GONE] > 0)) & ~priced
    if not np.array_equal(gone, before.columns[GONE]):
        sheet.columns[GONE] = gone.astype(np.uint8)


class _Painted(dict[tuple[str, int], Array]):
    """Flat columns of days by field and guests; prices for 0 guests are those of all occupancies.

    A column is the sheet's own only from its first use on: most documents paint one or two of them.
    """

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self._sheet = sheet

    def __missing__(self, place: tuple[str, int]) -> Array:
        name, guests = place
        column = _COLUMNS[name]
        if not guests:
            values = self._sheet.columns[name] = self._sheet.columns[name].copy()
            self[place] = values.reshape(-1, self._sheet.guests) if column.by_guests else values.reshape(-1)
        else:
            self[place] = self[name, 0][:, guests - 1]
        return self[place]


def _strokes(columns: _Painted, update: AriUpdate, guests_max: int) -> list[tuple[Array, int]]:
    """The column and the value for each setting; a figure in the same update goes to the stock."""
    strokes = []
    for each in update.settings:
        field, guests = each.field, each.guests
        if field is not _PRICE:
            if field in _COLUMNS:
                strokes.append((columns[field, 0], each.value))
        elif guests <= guests_max:
            strokes.append((columns[field, guests], each.value or NO_PRICE))
        else:
            text = f"a price for {guests} guests where at most {guests_max} fit"
            raise Malformed(text, Reason.OCCUPANCY, record=update.record)
    return strokes


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


def counted_again(figures: Iterable[Change]) -> list[Change]:
    """What of a document's figures still takes effect when it comes again: not what is counted relative to figures it
    has not set itself, for that has been counted.
    """
    found: list[Change] = []
    own: set[tuple[str, Day]] = set()
    for change in figures:
        room, plan, update = change
        days = days_in(update.first, update.last, update.weekdays)
        if any(setting.field is Field.FIGURE for setting in update.settings):
            own.update((room, day) for day in days)
            found.append(change)
        else:
            # It counts on from the document's own figure, which is set anew.
            on = [day for day in days if (room, day) in own]
            found += [Change(room, plan, replace(update, first=day, last=day)) for day in on]
    return found


def chosen_days(first: Day, last: Day, weekdays: Weekdays) -> Array:
    """Offsets from ``first`` of the days up to ``last`` that fall on the weekdays."""
    return _week(weekdays, (first - 1) % 7, last - first)


@lru_cache(maxsize=4096)
def _week(weekdays: Weekdays, start: int, span: int) -> Array:
    days = np.arange(span + 1)
    chosen: Array = days[(weekdays >> ((days + start) % 7)) & 1 == 1]
    chosen.flags.writeable = False
    return chosen
