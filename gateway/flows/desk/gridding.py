"""A property's calendar as values a person can read, from packed rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gateway.engine.calendar import Array, Key
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Target
from gateway.engine.rates import derived, filled_down, lineage, ruling
from gateway.engine.stock import NO_FIGURE
from gateway.engine.view import RULE_FIELDS, tighten
from gateway.engine.window import free
from gateway.errors import NotFound, Reason
from gateway.flows.desk.grid import Grid, ProductDay, ProductGrid, RoomDay, RoomGrid, Rules
from gateway.model.ari import Field
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.model.property import RatePlan, RoomType
from gateway.store.tables import CalendarRow, StockRow

_NO_RULES = Rules()
_FLAGS = ("closed", "cta", "ctd")
_PRICES = ("price", "extra_adult", "extra_child")


class Gridder:
    """Names the rows it needs, and makes a grid of them; raises NotFound for codes that do not exist."""

    def __init__(
        self, hotel: Hotel, rev: int, first: Day, last: Day, rooms: Sequence[str], plans: Sequence[str]
    ) -> None:
        self._hotel = hotel
        self._rev = rev
        self._first, self._last = first, last
        self._blocks = list(blocks_of(first, last))
        self._rooms = _chosen(hotel.property.room_types, rooms, Reason.ROOM_TYPE)
        self._plans = _chosen(hotel.property.rate_plans, plans, Reason.RATE_PLAN)
        self._calendar = Calendar(hotel.guests, (), ())
        self._cuts: dict[Target, dict[str, Array]] = {}
        self._restricting: dict[Target, list[tuple[Field, Array]]] = {}
        self._ruled: list[Field] = []

    @property
    def cells(self) -> int:
        """How many products and days."""
        return len(self._rooms) * max(len(self._plans), 1) * (self._last - self._first + 1)

    @cached_property
    def _lines(self) -> dict[str, tuple[RatePlan, ...]]:
        return {plan.code: lineage(self._hotel.property, plan.code) for plan in self._plans}

    def calendar_keys(self) -> Iterable[Key]:
        """Rows of the calendar, without the property."""
        plans = sorted({plan.code for line in self._lines.values() for plan in line})
        targets = [("", ""), *((room.code, plan) for room in self._rooms for plan in ("", *plans))]
        return [(*target, block) for target in targets for block in self._blocks]

    def stock_keys(self) -> Iterable[Key]:
        """Rows of the stock, without the property."""
        rooms = self._hotel.links.closed_under(room.code for room in self._rooms)
        return [(room, block) for room in ("", *rooms) for block in self._blocks]

    def grid(self, calendar: Iterable[CalendarRow], stock: Iterable[StockRow]) -> Grid:
        """Everything that was asked for."""
        hotel = self._hotel
        self._calendar = Calendar(
            hotel.guests, [(row[1:4], row.body) for row in calendar], [(row[1:3], row.body) for row in stock]
        )
        # Most houses use few kinds of rules, and a large one has hundreds of products to look at.
        sheet = self._calendar.sheet
        self._ruled = [field for field in RULE_FIELDS if field in sheet.filled and sheet.columns[field].any()]
        prop = hotel.property
        return Grid(
            prop.id,
            prop.currency,
            prop.net,
            self._first,
            self._last,
            self._rev,
            hotel.pms.id if hotel.pms else "",
            hotel.figure_kind,
            self._room_days(""),
            tuple(self._room(room) for room in self._rooms),
        )

    # --- rooms --------------------------------------------------------------------------------------------------------

    def _room(self, room: RoomType) -> RoomGrid:
        products = tuple(self._product(room, plan) for plan in self._plans)
        days = self._room_days(room.code)
        return RoomGrid(room.code, room.name, room.units, room.adults_max, days, products, room.made_of)

    def _room_days(self, room: str) -> tuple[RoomDay, ...]:
        figure, sold, unseen, held = self._stock(room)
        links = self._hotel.links
        left = free(self._hotel.figure_kind, figure, sold, unseen, held, clamped=True)
        if room in links.parts:
            left = self._left_of_linked(room)
        if room:
            whole = self._stock("")
            house = free(self._hotel.figure_kind, *whole, clamped=True) // links.size(room)
            left = np.where(whole[0] != NO_FIGURE, np.minimum(left, house), left)
        rules = self._rules(self._columns((room, "")))
        numbers = zip(figure.tolist(), sold.tolist(), held.tolist(), unseen.tolist(), left.tolist(), strict=True)
        return tuple(
            RoomDay(
                day,
                None if said == NO_FIGURE else said,
                taken,
                kept,
                -hidden,
                None if said == NO_FIGURE and room not in links.parts else open_,
                rule,
            )
            for day, (said, taken, kept, hidden, open_), rule in zip(self._days(), numbers, rules, strict=True)
        )

    def _left_of_linked(self, room: str) -> Array:
        rooms = [(read,) for read in self._hotel.links.reads(room)]
        planes = np.array([self._stock(read) for (read,) in rooms])
        left = self._hotel.links.levels_left(self._hotel.figure_kind, rooms, planes)
        self._hotel.links.narrow(rooms, left)
        found: Array = left[0]
        return found

    def _stock(self, room: str) -> tuple[Array, Array, Array, Array]:
        planes = self._calendar.stock([(room, block) for block in self._blocks])
        figure, sold, unseen, held = (self._cut(planes[:, plane]) for plane in range(4))
        return figure, sold, unseen, held

    # --- products -----------------------------------------------------------------------------------------------------

    def _product(self, room: RoomType, plan: RatePlan) -> ProductGrid:
        line = self._lines[plan.code]
        own, base = self._columns((room.code, plan.code)), self._columns((room.code, line[-1].code))
        prices = filled_down(derived(base["price"][:, : room.adults_max], line))
        extra_adult = derived(base["extra_adult"], line, extra=True)
        extra_child = derived(base["extra_child"], line, extra=True)
        levels: list[Target] = [("", ""), (room.code, ""), *((room.code, each.code) for each in ruling(line))]
        levels.remove((room.code, plan.code))  # the one to begin with
        stricter = [(field, column) for level in levels for field, column in self._in_force(level)]
        set_here = applying = self._rules(own)
        if stricter:
            effective = {field.value: own[field.value].copy() for field in self._ruled}
            for field, column in stricter:
                tighten(effective[field.value], column, field)
            applying = self._rules(effective)
        days = zip(
            self._days(),
            _amounts(prices),
            _amounts(extra_adult),
            _amounts(extra_child),
            set_here,
            applying,
            strict=True,
        )
        return ProductGrid(
            plan.code,
            plan.name,
            bool(plan.parent),
            plan.parent,
            tuple(
                ProductDay(day, tuple(by_guests), adult, child, its_own, all_of_them)
                for day, by_guests, adult, child, its_own, all_of_them in days
            ),
            plan.lengths,
        )

    # --- columns ------------------------------------------------------------------------------------------------------

    def _days(self) -> range:
        return range(self._first, self._last + 1)

    def _cut(self, values: Array) -> Array:
        """From rows of 32 days to the days that were asked for."""
        start = self._first - self._blocks[0] * BLOCK_DAYS
        flat: Array = values.reshape(-1, *values.shape[2:])[start : start + self._last - self._first + 1]
        return flat

    def _columns(self, target: Target) -> dict[str, Array]:
        """Prices, and the rules that are used. To be read only: parents and rooms are asked for again and again."""
        if target not in self._cuts:
            rows = self._calendar.find([(target, self._blocks)])
            columns = self._calendar.sheet.columns
            self._cuts[target] = {name: self._cut(columns[name][rows]) for name in (*_PRICES, *self._ruled)}
        return self._cuts[target]

    def _in_force(self, target: Target) -> list[tuple[Field, Array]]:
        """The rules of a level that restrict any of the days. A large house asks this hundreds of times."""
        if target not in self._restricting:
            columns = self._columns(target)
            self._restricting[target] = [(field, columns[field]) for field in self._ruled if columns[field].any()]
        return self._restricting[target]

    def _rules(self, columns: dict[str, Array]) -> list[Rules]:
        names = [field.value for field in self._ruled]
        if not any(columns[name].any() for name in names):
            return [_NO_RULES] * len(self._days())
        values = zip(*(columns[name].tolist() for name in names), strict=True)
        return [
            Rules(**{name: bool(value) if name in _FLAGS else value for name, value in zip(names, day, strict=True)})
            for day in values
        ]


def _amounts(prices: Array) -> list[Any]:
    """Lists of integers, with None for no price; nested as the array is."""
    known: Array = prices.astype(object)
    known[prices <= 0] = None
    found: list[Any] = known.tolist()
    return found


def _chosen(known: Sequence[Any], wanted: Sequence[str], reason: Reason) -> list[Any]:
    if not wanted:
        return list(known)
    missing = set(wanted) - {each.code for each in known}
    if missing:
        raise NotFound(f"there is no {reason.value.replace('_', ' ')} {', '.join(map(repr, sorted(missing)))}", reason)
    return [each for each in known if each.code in wanted]
