"""A small house with one channel, and its calendar as plain numbers by night, for the tests of the pushing engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec.structs import replace

from gateway.contract import Capabilities
from gateway.engine.calendar import GONE, PRODUCT, Key, Sheet
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.plan import Difference
from gateway.engine.stock import NO_FIGURE
from gateway.engine.view import Channel
from gateway.model.ari import AriUpdate, Field
from gateway.model.dates import BLOCK_DAYS, days_in
from gateway.model.property import Connection, Product, Property, RatePlan, Role, RoomType

TODAY = 739_941
EVERYTHING = frozenset(Field) - {Field.FIGURE_BY}
ROOMS = (RoomType("DBL", "Double", 3), RoomType("FAM", "Family", 2, adults_max=3))
PLANS = (RatePlan("BAR", "Bar"), RatePlan("HB", "Half board"))
PRODUCTS = tuple(
    Product(room, plan, their_room, plan.lower())
    for room, their_room in (("DBL", "d"), ("FAM", "f"))
    for plan in ("BAR", "HB")
)


def house(
    connection: dict[str, Any] | None = None,
    capabilities: dict[str, Any] | None = None,
    *,
    rooms: tuple[RoomType, ...] = ROOMS,
    plans: tuple[RatePlan, ...] = PLANS,
    pms: Connection | None = None,
    net: bool = False,
) -> tuple[Hotel, Channel]:
    """The house and its channel; the dictionaries override fields of the connection and of its capabilities."""
    account = Connection("c", "x", "x", Role.CHANNEL, "H", url="u", products=PRODUCTS)
    account = replace(account, **(connection or {}))
    property_ = Property("h", "House", "EUR", "UTC", rooms, plans, (account, *([pms] if pms else [])), net=net)
    hotel = Hotel(property_, 1)
    return hotel, Channel(hotel, account, Capabilities(**{"fields": EVERYTHING, **(capabilities or {})}))


@dataclass
class Nights:
    """What the calendar holds: values by (room, plan, day, field, occupancy), stock by (room, day).

    ``gone`` are occupancies that lost their price, as (room, plan, day, occupancy).
    """

    values: dict[tuple[str, str, int, Field, int], int] = field(default_factory=dict)
    stock: dict[tuple[str, int], tuple[int, int, int, int]] = field(default_factory=dict)
    gone: set[tuple[str, str, int, int]] = field(default_factory=set)

    def get(self, room: str, plan: str, day: int, name: Field, guests: int = 0) -> int:
        missing = -1 if name in (Field.PRICE, Field.EXTRA_ADULT, Field.EXTRA_CHILD) else 0
        return self.values.get((room, plan, day, name, guests), missing)

    def open(self, days: Iterable[int], rooms: int = 3, price: int = 10_000) -> Nights:
        """Every product of the house at one price, with rooms to sell."""
        for day in days:
            for room in ROOMS:
                self.stock[room.code, day] = (rooms, 0, 0, 0)
                for plan in PLANS:
                    for guests in range(1, room.adults_max + 1):
                        self.values[room.code, plan.code, day, Field.PRICE, guests] = price
        return self

    def rows(self, guests: int) -> list[tuple[Key, bytes]]:
        places = {key[:3] for key in self.values} | {key[:3] for key in self.gone}
        keys = sorted({(room, plan, day // BLOCK_DAYS) for room, plan, day in places})
        sheet = Sheet(PRODUCT, keys, guests)
        for (room, plan, day, name, occupancy), value in self.values.items():
            row = sheet.row[room, plan, day // BLOCK_DAYS]
            where = (row, day % BLOCK_DAYS, occupancy - 1) if occupancy else (row, day % BLOCK_DAYS)
            sheet.columns[name][where] = value
        for room, plan, day, occupancy in self.gone:
            sheet.columns[GONE][sheet.row[room, plan, day // BLOCK_DAYS], day % BLOCK_DAYS, occupancy - 1] = 1
        return list(zip(keys, sheet.pack(range(len(keys))), strict=True))

    def stock_rows(self) -> list[tuple[Key, bytes]]:
        planes: dict[Key, Any] = {}
        for (room, day), counts in self.stock.items():
            if (room, day // BLOCK_DAYS) not in planes:
                planes[room, day // BLOCK_DAYS] = np.zeros((4, BLOCK_DAYS), np.int32)
                planes[room, day // BLOCK_DAYS][0] = NO_FIGURE
            planes[room, day // BLOCK_DAYS][:, day % BLOCK_DAYS] = counts
        return [(key, plane.tobytes()) for key, plane in planes.items()]

    def calendar(self, guests: int) -> Calendar:
        return Calendar(guests, self.rows(guests), self.stock_rows())


Cell = tuple[str, str, int, Field, int]  # their room, their plan, day, field, occupancy


def said(updates: Iterable[AriUpdate]) -> dict[Cell, int]:
    """What updates say, cell by cell."""
    return {
        (update.room, update.plan, day, setting.field, setting.guests): setting.value
        for update in updates
        for day in days_in(update.first, update.last, update.weekdays)
        for setting in update.settings
    }


def all_updates(difference: Difference) -> list[AriUpdate]:
    return difference.updates(np.arange(len(difference.starts)))
