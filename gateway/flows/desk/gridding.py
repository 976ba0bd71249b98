"""A property's calendar as values a person can read, from packed rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gateway.engine.calendar import Array, Key
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Target
from gateway.engine.rates import lineage
from gateway.engine.stock import NO_FIGURE
from gateway.engine.window import free
from gateway.errors import NotFound, Reason
from gateway.flows.desk.grid import Grid, RoomDay, RoomGrid, Rules
from gateway.flows.desk.product_cells import ProductCells
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.model.property import RatePlan, RoomType


class Gridder:
    """Names the rows it needs, and makes a grid of them; raises NotFound for codes that do not exist."""

    def __init__(
        self, hotel: Hotel, rev: int, first: Day, last: Day, rooms: Sequence[str], plans: Sequence[str]
    ) -> None:
        self._hotel = hotel
        self._rev = rev
        self._first, self._last = first, last
        self._rooms: list[RoomType] = _chosen(hotel.property.room_types, rooms, Reason.ROOM_TYPE)
        self._plans: list[RatePlan] = _chosen(hotel.property.rate_plans, plans, Reason.RATE_PLAN)
        self._calendar = Calendar(hotel.guests, (), ())

    @property
    def cells(self) -> int:
        """How many products and days."""
        return len(self._rooms) * max(len(self._plans), 1) * (self._last - self._first + 1)

    @property
    def blocks(self) -> range:
        """Those of whatever is read."""
        return blocks_of(self._first, self._last)

    def targets(self) -> list[Target]:
        """Rooms and plans whose calendar is read."""
        lines = (lineage(self._hotel.property, plan.code) for plan in self._plans)
        plans = sorted({plan.code for line in lines for plan in line})
        return [("", ""), *((room.code, plan) for room in self._rooms for plan in ("", *plans))]

    def stocked(self) -> list[str]:
        """Rooms whose stock is read."""
        return ["", *self._hotel.links.closed_under(room.code for room in self._rooms)]

    def grid(self, calendar: Iterable[tuple[Key, bytes]], stock: Iterable[tuple[Key, bytes]]) -> Grid:
        """Everything that was asked for."""
        hotel, prop = self._hotel, self._hotel.property
        self._calendar = Calendar(hotel.guests, calendar, stock)
        cells = ProductCells(hotel, self._calendar, self._rooms, self._first, self._last)
        by_plan = [cells.of(plan) for plan in self._plans]
        rooms = (
            RoomGrid(
                room.code,
                room.name,
                room.units,
                room.adults_max,
                self._room_days(room.code, cells.rules(room.code)),
                tuple(products[at] for products in by_plan),
                room.made_of,
            )
            for at, room in enumerate(self._rooms)
        )
        return Grid(
            prop.id,
            prop.currency,
            prop.net,
            self._first,
            self._last,
            self._rev,
            hotel.pms.id if hotel.pms else "",
            hotel.figure_kind,
            self._room_days("", cells.rules("")),
            tuple(rooms),
        )

    def _room_days(self, room: str, rules: list[Rules]) -> tuple[RoomDay, ...]:
        figure, sold, unseen, held = self._stock(room)
        links = self._hotel.links
        left = free(self._hotel.figure_kind, figure, sold, unseen, held, clamped=True)
        if room in links.parts:
            left = self._left_of_linked(room)
        if room:
            whole = self._stock("")
            house = free(self._hotel.figure_kind, *whole, clamped=True) // links.size(room)
            left = np.where(whole[0] != NO_FIGURE, np.minimum(left, house), left)
        numbers = zip(figure.tolist(), sold.tolist(), held.tolist(), unseen.tolist(), left.tolist(), strict=True)
        days = range(self._first, self._last + 1)
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
            for day, (said, taken, kept, hidden, open_), rule in zip(days, numbers, rules, strict=True)
        )

    def _left_of_linked(self, room: str) -> Array:
        rooms = [(read,) for read in self._hotel.links.reads(room)]
        planes = np.array([self._stock(read) for (read,) in rooms])
        left = self._hotel.links.levels_left(self._hotel.figure_kind, rooms, planes)
        self._hotel.links.narrow(rooms, left)
        found: Array = left[0]
        return found

    def _stock(self, room: str) -> Array:
        """Shape (4, days): figure, sold, unseen, held."""
        planes = self._calendar.stock([(room, block) for block in self.blocks])
        start = self._first - self.blocks[0] * BLOCK_DAYS
        days: Array = np.moveaxis(planes, 0, 1).reshape(4, -1)[:, start : start + self._last - self._first + 1]
        return days


def _chosen(known: Sequence[Any], wanted: Sequence[str], reason: Reason) -> list[Any]:
    if not wanted:
        return list(known)
    missing = set(wanted) - {each.code for each in known}
    if missing:
        raise NotFound(f"there is no {reason.value.replace('_', ' ')} {', '.join(map(repr, sorted(missing)))}", reason)
    return [each for each in known if each.code in wanted]
