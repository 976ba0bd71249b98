"""What a counterpart should hold: our calendar seen through one connection.

A *slot* ``(their room, their plan, block)`` is one shadow row of an aspect. Limits belong to room types (their plan is
empty) unless the dialect keeps them per product; rules and prices belong to products. A product without a price is
closed, and so is one that has lost the price of an occupancy it was sold at. What the dialect cannot express is left at
its default, so it never counts as a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from gateway.contract import Capabilities
from gateway.engine.calendar import (
    GONE,
    NO_PRICE,
    SHADOW_LIMIT,
    SHADOW_PRICES,
    SHADOW_RULES,
    Array,
    Key,
    Layout,
    Sheet,
)
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot, Target
from gateway.engine.rates import derived, filled_down, for_channel, lineage, ruling
from gateway.engine.stock import NO_FIGURE
from gateway.engine.window import free
from gateway.model.ari import ASPECT_OF, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, Day
from gateway.model.property import Adjustment, Connection, FigureKind, RatePlan

LAYOUT_OF: dict[Aspect, Layout] = {
    Aspect.LIMIT: SHADOW_LIMIT,
    Aspect.RULES: SHADOW_RULES,
    Aspect.PRICES: SHADOW_PRICES,
}
RULE_FIELDS = tuple(field for field, aspect in ASPECT_OF.items() if aspect is Aspect.RULES)
PRICE_FIELDS = (Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD)
_STRICTEST_IS_LEAST = frozenset({Field.MAX_ARRIVAL, Field.MAX_THROUGH, Field.MAX_OFFSET_H})
_HOUSE: Target = ("", "")


class _Source(NamedTuple):
    """Where a product of theirs comes from: our room type, and the plan with those it is derived from.

    ``rules`` are those of them whose restrictions hold.
    """

    room: str
    line: tuple[RatePlan, ...]
    rules: tuple[RatePlan, ...]

    @property
    def base(self) -> Target:
        return self.room, self.line[-1].code

    def level(self, depth: int) -> Target | None:
        return (self.room, self.rules[depth].code) if depth < len(self.rules) else None


class Channel:
    """One connection's eye on the calendar, compiled once per configuration."""

    def __init__(self, hotel: Hotel, connection: Connection, capabilities: Capabilities) -> None:
        self.hotel = hotel.property
        self.connection = connection
        self.capabilities = capabilities
        self.guests = min(hotel.guests, capabilities.guests_max) or 1
        self._figures = hotel.figure_kind
        self._links = hotel.links
        self._adults = {room.code: room.adults_max for room in hotel.rooms.values()}
        self._sources = {
            (product.their_room, product.their_plan): _Source(product.room, line, ruling(line))
            for product in (connection.products if connection.enabled else ())
            for line in (lineage(hotel.property, product.plan),)
        }
        self._limit_rooms: dict[Target, str] = {}
        self._by_room: dict[str, list[Target]] = {}
        self._by_base: dict[Target, list[Target]] = {}
        for theirs, source in self._sources.items():
            self._limit_rooms[theirs if capabilities.limit_per_product else (theirs[0], "")] = source.room
            self._by_room.setdefault(source.room, []).append(theirs)
            for plan in source.line:
                self._by_base.setdefault((source.room, plan.code), []).append(theirs)
        self._limits_by_room: dict[str, list[Target]] = {}
        for theirs, room in self._limit_rooms.items():
            for read in self._links.reads(room):
                self._limits_by_room.setdefault(read, []).append(theirs)
        fields = capabilities.fields
        self.rule_fields = tuple(field for field in RULE_FIELDS if field in fields)
        self.price_fields = tuple(field for field in PRICE_FIELDS if field in fields)
        used = {
            Aspect.LIMIT: Field.FIGURE in fields,
            Aspect.RULES: bool(self.rule_fields),
            Aspect.PRICES: bool(self.price_fields),
        }
        self.aspects = tuple(aspect for aspect in used if used[aspect])

    # --- which slots ------------------------------------------------------------------------------------------------

    def slots_of(self, aspect: Aspect, calendar: Iterable[Key], stock: Iterable[Key]) -> set[Slot]:
        """The slots whose view can depend on calendar rows (room, plan, block) and stock rows (room, block)."""
        found: set[Slot] = set()
        if aspect is Aspect.LIMIT:
            for room, block in stock:
                theirs = self._limits_by_room.get(room, ()) if room else self._limit_rooms
                found.update([(code, plan, block) for code, plan in theirs])
            return found
        for room, plan, block in calendar:
            if plan:
                products: Iterable[Target] = self._by_base.get((room, plan), ())
            elif aspect is Aspect.PRICES:
                continue
            else:
                products = self._by_room.get(room, ()) if room else self._sources
            found.update([(code, their_plan, block) for code, their_plan in products])
        return found

    def all_slots(self, aspect: Aspect, blocks: Iterable[int]) -> set[Slot]:
        """Every slot of the aspect in the given blocks."""
        targets = self._limit_rooms if aspect is Aspect.LIMIT else self._sources
        return {(room, plan, block) for block in blocks for room, plan in targets}

    def holds(self, aspect: Aspect, slot: Slot) -> bool:
        """Whether the slot belongs to the view at all; others are closed there and forgotten."""
        return slot[:2] in (self._limit_rooms if aspect is Aspect.LIMIT else self._sources)

    def needs(self, aspect: Aspect, slots: Iterable[Slot]) -> tuple[set[Key], set[Key]]:
        """Calendar rows and stock rows that the view of the slots reads."""
        theirs: dict[Target, set[int]] = {}
        for room, plan, block in slots:
            theirs.setdefault((room, plan), set()).add(block)
        ours: dict[Key, set[int]] = {}
        for target, blocks in theirs.items():
            for read in self._reads(aspect, target):
                ours.setdefault(read, set()).update(blocks)
        keys: set[Key] = {(*read, block) for read, blocks in ours.items() for block in blocks}
        return (set(), keys) if aspect is Aspect.LIMIT else (keys, set())

    def _reads(self, aspect: Aspect, theirs: Target) -> list[Key]:
        """The rows, but for their block: rooms of the stock, or rooms and plans of the calendar."""
        if aspect is Aspect.LIMIT:
            return [*((room,) for room in self._links.reads(self._limit_rooms[theirs])), ("",)]
        source = self._sources[theirs]
        if aspect is Aspect.PRICES:
            return [source.base]
        return [_HOUSE, (source.room, ""), *((source.room, plan.code) for plan in source.line)]

    # --- what they should hold --------------------------------------------------------------------------------------

    def view(self, aspect: Aspect, slots: Sequence[Slot], calendar: Calendar) -> Sheet:
        """The wanted values of the slots, which must all belong to the view. ``sync`` stays at its default."""
        sheet = Sheet(LAYOUT_OF[aspect], slots, self.guests)
        if not slots:
            return sheet
        if aspect is Aspect.LIMIT:
            sheet.columns["limit"][:] = self._limits(slots, calendar)
        elif aspect is Aspect.PRICES:
            self._prices(sheet, calendar)
        else:
            self._rules(sheet, calendar)
        return sheet

    def _limits(self, slots: Sequence[Slot], calendar: Calendar) -> Array:
        rooms = [self._limit_rooms[room, plan] for room, plan, _ in slots]
        keys = list(zip(rooms, (slot[2] for slot in slots), strict=True))
        stock = calendar.stock(("", slot[2]) for slot in slots)
        house = _free(self._figures, stock)
        if self._links:
            left = self._linked(keys, calendar)
            house = house // np.array([self._links.size(room) for room in rooms])[:, None]
        else:
            left = _free(self._figures, calendar.stock(keys))
        left = np.where(stock[:, 0] > NO_FIGURE, np.minimum(left, house), left)
        allotment = self.connection.allotment
        shown = np.where(left <= allotment.close_at, 0, left - allotment.keep_back)
        if allotment.cap is not None:
            shown = np.minimum(shown, allotment.cap)
        return np.maximum(shown, 0)

    def _linked(self, keys: Sequence[tuple[str, int]], calendar: Calendar) -> Array:
        levels = list(dict.fromkeys((read, block) for room, block in keys for read in self._links.reads(room)))
        left = self._links.levels_left(self._figures, levels, calendar.stock(levels))
        self._links.narrow(levels, left)
        place = {level: at for at, level in enumerate(levels)}
        found: Array = np.maximum(left[[place[key] for key in keys]], 0)
        return found

    def _prices(self, sheet: Sheet, calendar: Calendar) -> None:
        runs = self._runs(sheet.keys)
        if Field.PRICE in self.price_fields:
            sheet.columns[Field.PRICE] = self._room_prices(sheet, runs, calendar).copy()
        rows = calendar.find((source.base, blocks) for source, blocks in runs)
        for field in self.price_fields:
            if field is not Field.PRICE and field in calendar.sheet.filled:
                for line, members in _by_adjustments(runs):
                    ours = derived(calendar.sheet.columns[field][rows[members]], line, extra=True)
                    sheet.columns[field][members] = for_channel(ours, self.hotel, self.connection, extra=True)

    def _room_prices(self, sheet: Sheet, runs: list[_Run], calendar: Calendar) -> Array:
        """Shape (slots, 32, guests), not to be written to."""
        return calendar.priced(self, sheet.keys, lambda: self._find_prices(runs, calendar))

    def _find_prices(self, runs: list[_Run], calendar: Calendar) -> Array:
        """What an adjustment brings to zero is no price: nothing is sold for nothing."""
        rows = calendar.find((source.base, blocks) for source, blocks in runs)
        adults = np.repeat([self._adults[source.room] for source, _ in runs], [len(blocks) for _, blocks in runs])
        found = np.full((len(rows), BLOCK_DAYS, self.guests), NO_PRICE, np.int64)
        if Field.PRICE in calendar.sheet.filled:
            for line, members in _by_adjustments(runs):
                prices = calendar.sheet.columns[Field.PRICE][rows[members]]
                prices = for_channel(derived(prices, line), self.hotel, self.connection)
                found[members] = self._per_guests(prices, adults[members])
                if GONE in calendar.sheet.filled:
                    gone = calendar.sheet.columns[GONE][rows[members]] > 0
                    found[members] = np.where(self._lost(prices, gone, adults[members]), NO_PRICE, found[members])
        return found

    def _runs(self, slots: Sequence[Slot]) -> list[_Run]:
        return [
            (self._sources[theirs], [slot[2] for slot in run]) for theirs, run in groupby(slots, key=itemgetter(0, 1))
        ]

    def _per_guests(self, prices: Array, adults: Array) -> Array:
        """For each row the occupancies its room type sells, or the one price of the room at full occupancy."""
        prices = _own(prices, adults)
        if self.capabilities.guests_max:
            return prices[..., : self.guests]
        # The highest price there is stands for the room when the full occupancy has none.
        full = np.take_along_axis(prices, adults[:, None, None] - 1, axis=2)
        highest = reduce(np.maximum, np.moveaxis(prices, 2, 0))
        return np.where(full == NO_PRICE, highest[..., None], full)

    def _lost(self, prices: Array, gone: Array, adults: Array) -> Array:
        """Nights on which the channel may hold the price of an occupancy that has none any more, shape (rows, 32, 1).

        No dialect can be relied upon to delete one price, and a price for the room would be that of fewer guests.
        """
        fits = np.arange(gone.shape[-1]) < adults[:, None, None]
        # Each was told for its own occupancy, and for those below that had none.
        told = np.logical_or.accumulate((gone & fits)[..., ::-1], axis=2)[..., ::-1]
        lost = told & (_own(prices, adults) == NO_PRICE)
        width = self.guests if self.capabilities.guests_max else lost.shape[-1]
        nights: Array = lost[..., :width].any(axis=2, keepdims=True)
        return nights

    def _rules(self, sheet: Sheet, calendar: Calendar) -> None:
        runs = self._runs(sheet.keys)
        levels: list[Sequence[Target | None]] = [[_HOUSE] * len(runs), [(source.room, "") for source, _ in runs]]
        for depth in range(max(len(source.rules) for source, _ in runs)):
            levels.append([source.level(depth) for source, _ in runs])
        fields = [field for field in self.rule_fields if field in calendar.sheet.filled]
        for targets in levels:
            rows = calendar.find((target, blocks) for target, (_, blocks) in zip(targets, runs, strict=True))
            if fields and calendar.exists(rows):
                for field in fields:
                    tighten(sheet.columns[field], calendar.sheet.columns[field][rows], field)
        if Field.CLOSED in self.rule_fields:
            sheet.columns["closed"][self._room_prices(sheet, runs, calendar)[..., 0] == NO_PRICE] = 1


def _own(prices: Array, adults: Array) -> Array:
    """For each row the prices of the occupancies its room type sells."""
    too_many = np.arange(prices.shape[-1]) >= adults[:, None]
    return filled_down(np.where((prices <= 0) | too_many[:, None], NO_PRICE, prices))


_Run = tuple[_Source, list[int]]  # blocks of one target, as they follow each other among the slots


def _by_adjustments(runs: list[_Run]) -> list[tuple[tuple[RatePlan, ...], Array]]:
    """The slots whose prices are derived alike, with one of their lines."""
    alike: dict[tuple[Adjustment, ...], tuple[tuple[RatePlan, ...], list[int]]] = {}
    start = 0
    for source, blocks in runs:
        steps = tuple(plan.adjust for plan in source.line[:-1])
        alike.setdefault(steps, (source.line, []))[1].extend(range(start, start + len(blocks)))
        start += len(blocks)
    return [(line, np.array(members)) for line, members in alike.values()]


def _free(kind: FigureKind, stock: Array) -> Array:
    figure, sold, unseen, held = (stock[:, plane] for plane in range(4))
    left: Array = np.maximum(free(kind, figure, sold, unseen, held, clamped=True), 0)
    return left


def tighten(target: Array, other: Array, field: Field) -> None:
    """Both limits hold, so the stricter one stays; 0 is no limit."""
    if field is Field.LOS_CLOSED:
        target |= other
    elif field in _STRICTEST_IS_LEAST:
        target[:] = np.where(target == 0, other, np.where(other == 0, target, np.minimum(target, other)))
    else:
        np.maximum(target, other, out=target)


def inside(sheet: Sheet, first: Day, last: Day) -> Array:
    """Which days of the sheet's rows lie between two days, both included; shape (rows, 32)."""
    days = np.arange(BLOCK_DAYS)
    start = sheet.blocks[:, None] * BLOCK_DAYS
    within: Array = (days >= first - start) & (days <= last - start)
    return within
