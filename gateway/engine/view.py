"""What a counterpart should hold: our calendar seen through one connection.

A *slot* ``(their room, their plan, block)`` is one shadow row of an aspect. Limits belong to room types (their plan is
empty) unless the dialect keeps them per product; rules and prices belong to products. A product without a price is
closed. What the dialect cannot express is left at its default, so it never counts as a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gateway.contract import Capabilities
from gateway.engine.calendar import (
    NO_PRICE,
    PRODUCT,
    SHADOW_LIMIT,
    SHADOW_PRICES,
    SHADOW_RULES,
    Array,
    Key,
    Layout,
    Sheet,
)
from gateway.engine.hotel import Hotel
from gateway.engine.rates import derived, filled_down, for_channel, lineage
from gateway.engine.stock import NO_FIGURE, stock_matrix
from gateway.engine.window import free
from gateway.model.ari import ASPECT_OF, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, Day
from gateway.model.property import Connection, FigureKind, Product, RatePlan

Slot = tuple[str, str, int]

LAYOUT_OF: dict[Aspect, Layout] = {
    Aspect.LIMIT: SHADOW_LIMIT,
    Aspect.RULES: SHADOW_RULES,
    Aspect.PRICES: SHADOW_PRICES,
}
RULE_FIELDS = tuple(field for field, aspect in ASPECT_OF.items() if aspect is Aspect.RULES)
_STRICTEST_IS_LEAST = frozenset({Field.MAX_ARRIVAL, Field.MAX_THROUGH, Field.MAX_OFFSET_H})
_NOWHERE: Key = ("", "", -1)


class Calendar:
    """The rows of a property that were loaded, ready to be looked up by key; rows that do not exist hold defaults."""

    def __init__(
        self,
        guests: int,
        calendar: Iterable[tuple[Key, bytes]],
        stock: Iterable[tuple[Key, bytes]],
    ) -> None:
        rows = list(calendar)
        self.sheet = Sheet.load(PRODUCT, guests, [*(key for key, _ in rows), _NOWHERE], rows)
        self._nowhere = self.sheet.row[_NOWHERE]
        stocked = list(stock)
        self._stock_row = {key: row for row, (key, _) in enumerate(stocked)}
        self._stock = stock_matrix([*(body for _, body in stocked), None])

    def rows(self, keys: Iterable[Key]) -> Array:
        """Indexes into the sheet."""
        row, nowhere = self.sheet.row, self._nowhere
        return np.array([row.get(key, nowhere) for key in keys], np.intp)

    def exists(self, rows: Array) -> bool:
        """Whether any of the looked-up rows is really there."""
        return bool((rows != self._nowhere).any())

    def stock(self, keys: Iterable[Key]) -> Array:
        """Shape (keys, 4, 32): figure, sold, unseen, held; see :mod:`gateway.engine.stock`."""
        row, nowhere = self._stock_row, len(self._stock_row)
        found: Array = self._stock[[row.get(key, nowhere) for key in keys]]
        return found


class _Source(NamedTuple):
    product: Product
    line: tuple[RatePlan, ...]


class Channel:
    """One connection's eye on the calendar, compiled once per configuration."""

    def __init__(self, hotel: Hotel, connection: Connection, capabilities: Capabilities) -> None:
        self.hotel = hotel.property
        self.connection = connection
        self.capabilities = capabilities
        self.guests = min(hotel.guests, capabilities.guests_max) or 1
        self._figures = hotel.figure_kind
        self._adults = {room.code: room.adults_max for room in hotel.rooms.values()}
        self._sources = {
            (product.their_room, product.their_plan): _Source(product, lineage(hotel.property, product.plan))
            for product in connection.products
        }
        self._limit_rooms: dict[tuple[str, str], str] = {}
        self._by_room: dict[str, list[tuple[str, str]]] = {}
        self._by_base: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for theirs, source in self._sources.items():
            room = source.product.room
            self._limit_rooms[theirs if capabilities.limit_per_product else (theirs[0], "")] = room
            self._by_room.setdefault(room, []).append(theirs)
            for plan in source.line:
                self._by_base.setdefault((room, plan.code), []).append(theirs)
        self._limits_by_room: dict[str, list[tuple[str, str]]] = {}
        for theirs, room in self._limit_rooms.items():
            self._limits_by_room.setdefault(room, []).append(theirs)
        fields = capabilities.fields
        self.rule_fields = tuple(field for field in RULE_FIELDS if field in fields)
        self.price_fields = tuple(f for f in (Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD) if f in fields)
        self.aspects = tuple(
            aspect
            for aspect, used in (
                (Aspect.LIMIT, Field.FIGURE in fields),
                (Aspect.RULES, bool(self.rule_fields)),
                (Aspect.PRICES, bool(self.price_fields)),
            )
            if used
        )

    # --- which slots ------------------------------------------------------------------------------------------------

    def slots_of(self, aspect: Aspect, calendar: Iterable[Key], stock: Iterable[Key]) -> set[Slot]:
        """The slots whose view can depend on calendar rows (room, plan, block) and stock rows (room, block)."""
        found: set[Slot] = set()
        if aspect is Aspect.LIMIT:
            for room, block in stock:
                theirs = self._limits_by_room.get(room, ()) if room else self._limit_rooms
                found.update((code, plan, block) for code, plan in theirs)
            return found
        for room, plan, block in calendar:
            if plan:
                products: Iterable[tuple[str, str]] = self._by_base.get((room, plan), ())
            elif aspect is Aspect.PRICES:
                continue
            else:
                products = self._by_room.get(room, ()) if room else self._sources
            found.update((code, their_plan, block) for code, their_plan in products)
        return found

    def all_slots(self, aspect: Aspect, blocks: Iterable[int]) -> set[Slot]:
        """Every slot of the aspect in the given blocks."""
        targets = self._limit_rooms if aspect is Aspect.LIMIT else self._sources
        return {(room, plan, block) for block in blocks for room, plan in targets}

    def holds(self, aspect: Aspect, slot: Slot) -> bool:
        """Whether the slot belongs to the view at all; others are closed there and forgotten."""
        targets: object = self._limit_rooms if aspect is Aspect.LIMIT else self._sources
        return (slot[0], slot[1]) in targets  # type: ignore[operator]

    def needs(self, aspect: Aspect, slots: Iterable[Slot]) -> tuple[set[Key], set[Key]]:
        """Calendar rows and stock rows that the view of the slots reads."""
        calendar: set[Key] = set()
        stock: set[Key] = set()
        for their_room, their_plan, block in slots:
            if aspect is Aspect.LIMIT:
                room = self._limit_rooms[their_room, their_plan]
                stock.update(((room, block), ("", block)))
                continue
            source = self._sources[their_room, their_plan]
            room = source.product.room
            calendar.add((room, source.line[-1].code, block))
            if aspect is Aspect.RULES:
                calendar.update((room, plan.code, block) for plan in source.line)
                calendar.update(((room, "", block), ("", "", block)))
        return calendar, stock

    # --- what they should hold --------------------------------------------------------------------------------------

    def view(self, aspect: Aspect, slots: Sequence[Slot], calendar: Calendar) -> Sheet:
        """The wanted values of the slots, which must all belong to the view. ``sync`` stays at its default."""
        sheet = Sheet(LAYOUT_OF[aspect], slots, self.guests)
        if not slots:
            return sheet
        if aspect is Aspect.LIMIT:
            sheet.columns["limit"][:] = self._limits(slots, calendar)
        elif aspect is Aspect.PRICES:
            self._prices(sheet, slots, calendar)
        else:
            self._rules(sheet, slots, calendar)
        return sheet

    def _limits(self, slots: Sequence[Slot], calendar: Calendar) -> Array:
        rooms = [self._limit_rooms[room, plan] for room, plan, _ in slots]
        left = _free(self._figures, calendar.stock(zip(rooms, (slot[2] for slot in slots), strict=True)))
        house = calendar.stock(("", slot[2]) for slot in slots)
        left = np.where(house[:, 0] > NO_FIGURE, np.minimum(left, _free(self._figures, house)), left)
        allotment = self.connection.allotment
        shown = np.where(left <= allotment.close_at, 0, left - allotment.keep_back)
        if allotment.cap is not None:
            shown = np.minimum(shown, allotment.cap)
        return np.maximum(shown, 0)

    def _prices(self, sheet: Sheet, slots: Sequence[Slot], calendar: Calendar) -> None:
        sources = [self._sources[room, plan] for room, plan, _ in slots]
        rows = calendar.rows(
            (source.product.room, source.line[-1].code, slot[2]) for source, slot in zip(sources, slots, strict=True)
        )
        for line, members in _grouped([source.line for source in sources]):
            for column in self.price_fields:
                prices = calendar.sheet.columns[column][rows[members]]
                if column is Field.PRICE:
                    prices = self._per_guests(prices, [sources[member] for member in members])
                sheet.columns[column][members] = for_channel(derived(prices, line), self.hotel, self.connection)

    def _per_guests(self, prices: Array, sources: list[_Source]) -> Array:
        """For each row the occupancies its room type sells, or the one price of the room at full occupancy."""
        prices = filled_down(prices)
        adults = np.array([self._adults[source.product.room] for source in sources])
        if not self.capabilities.guests_max:
            full = np.minimum(adults, prices.shape[-1]) - 1
            whole = np.take_along_axis(prices, full[:, None, None].repeat(BLOCK_DAYS, axis=1), axis=2)
            # The highest price there is stands for the room when the full occupancy has none.
            return np.where(whole == NO_PRICE, prices.max(axis=2, keepdims=True), whole)
        too_many = np.arange(self.guests) >= adults[:, None, None]
        return np.where(too_many, NO_PRICE, prices[..., : self.guests])

    def _rules(self, sheet: Sheet, slots: Sequence[Slot], calendar: Calendar) -> None:
        sources = [self._sources[room, plan] for room, plan, _ in slots]
        rooms = [source.product.room for source in sources]
        blocks = [slot[2] for slot in slots]
        levels = [
            calendar.rows(("", "", block) for block in blocks),
            calendar.rows((room, "", block) for room, block in zip(rooms, blocks, strict=True)),
        ]
        deepest = max(len(source.line) for source in sources)
        for depth in range(deepest):
            levels.append(
                calendar.rows(
                    (source.product.room, source.line[depth].code if depth < len(source.line) else None, block)
                    for source, block in zip(sources, blocks, strict=True)
                )
            )
        present = [rows for rows in levels if calendar.exists(rows)]
        for field in self.rule_fields:
            target = sheet.columns[field]
            for rows in present:
                _tighten(target, calendar.sheet.columns[field][rows], field)
        if Field.CLOSED in self.rule_fields:
            base = calendar.rows(
                (source.product.room, source.line[-1].code, block)
                for source, block in zip(sources, blocks, strict=True)
            )
            unpriced = (calendar.sheet.columns["price"][base] == NO_PRICE).all(axis=2)
            sheet.columns["closed"] |= unpriced.astype(np.uint8)


def _free(kind: FigureKind, stock: Array) -> Array:
    figure, sold, unseen, held = (stock[:, plane] for plane in range(4))
    left: Array = np.maximum(free(kind, figure, sold, unseen, held), 0)
    return left


def _tighten(target: Array, other: Array, field: Field) -> None:
    """Both limits hold, so the stricter one stays; 0 is no limit."""
    if field is Field.LOS_CLOSED:
        target |= other
    elif field in _STRICTEST_IS_LEAST:
        target[:] = np.where(target == 0, other, np.where(other == 0, target, np.minimum(target, other)))
    else:
        np.maximum(target, other, out=target)


def _grouped(lines: list[tuple[RatePlan, ...]]) -> list[tuple[tuple[RatePlan, ...], Array]]:
    members: dict[tuple[str, ...], list[int]] = {}
    line_of: dict[tuple[str, ...], tuple[RatePlan, ...]] = {}
    for index, line in enumerate(lines):
        name = tuple(plan.code for plan in line)
        members.setdefault(name, []).append(index)
        line_of[name] = line
    return [(line_of[name], np.array(found)) for name, found in members.items()]


def inside(slots: Sequence[Slot], first: Day, last: Day) -> Array:
    """Which days of the slots lie between two days, both included; shape (slots, 32)."""
    days = np.array([slot[2] for slot in slots], np.int64)[:, None] * BLOCK_DAYS + np.arange(BLOCK_DAYS)
    within: Array = (days >= first) & (days <= last)
    return within
