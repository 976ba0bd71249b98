"""What the calendar's cells of products, room types and the house say: prices, and rules of their own and in effect.

A large house shows 20,000 cells, which mean a few hundred different things. So a plan is worked out for all room types
at once, and equal cells are read once and share what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gateway.engine.calendar import NO_PRICE, Array
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Target
from gateway.engine.rates import derived, filled_down, lineage, ruling
from gateway.engine.view import RULE_FIELDS, tighten
from gateway.flows.desk.grid import ProductDay, ProductGrid, Rules
from gateway.model.ari import Field
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.model.property import RatePlan, RoomType

_NO_RULES = Rules()
_FLAGS = frozenset({Field.CLOSED, Field.CTA, Field.CTD})
_HOUSE: Target = ("", "")
_Planes = dict[Field, Array]  # each of shape (targets, days)


class _Said(NamedTuple):
    """A product's cell, but for its day."""

    prices: tuple[int | None, ...]
    extra_adult: int | None
    extra_child: int | None
    own: Rules
    effective: Rules


class ProductCells:
    """The calendar of some room types on the days ``first`` to ``last``, both included."""

    def __init__(self, hotel: Hotel, calendar: Calendar, rooms: Sequence[RoomType], first: Day, last: Day) -> None:
        self._hotel = hotel
        self._calendar = calendar
        self._rooms = rooms
        self._days = range(first, last + 1)
        self._blocks = blocks_of(first, last)
        # Most houses use few kinds of rules, and all others can be passed over.
        sheet = calendar.sheet
        self._ruled = [field for field in RULE_FIELDS if field in sheet.filled and sheet.columns[field].any()]
        self._adults = np.array([room.adults_max for room in rooms])
        self._rule_planes: dict[str, _Planes] = {}
        self._rules: dict[tuple[int, ...], Rules] = {}
        self._said: dict[tuple[int, bytes], _Said] = {}

    def rules(self, room: str) -> list[Rules]:
        """Those that are set on the room type itself, or on the house (``""``), for each day."""
        planes = self._planes([(room, "")])
        if not any(values.any() for values in planes.values()):
            return [_NO_RULES] * len(self._days)
        return [self._rule(day) for day in zip(*(values[0].tolist() for values in planes.values()), strict=True)]

    def of(self, plan: RatePlan) -> list[ProductGrid]:
        """The plan on each of the room types, in their order."""
        line = lineage(self._hotel.property, plan.code)
        own = self._of_plan(plan.code)
        effective = self._effective(own, line)
        prices = self._column("price", line)
        too_many = np.arange(prices.shape[2]) >= self._adults[:, None, None]
        prices = filled_down(derived(np.where(too_many, NO_PRICE, prices), line))
        extras = [derived(self._column(name, line), line, extra=True) for name in ("extra_adult", "extra_child")]
        single = np.stack([*extras, *own.values(), *effective.values()], axis=2)
        cells = np.concatenate([prices, single], axis=2, dtype=np.int64)
        return [
            ProductGrid(
                plan.code, plan.name, bool(plan.parent), plan.parent, self._product_days(room, cells[at]), plan.lengths
            )
            for at, room in enumerate(self._rooms)
        ]

    # --- columns ------------------------------------------------------------------------------------------------------

    def _cut(self, column: str, targets: Sequence[Target]) -> Array:
        """Shape (targets, days), prices (targets, days, guests)."""
        rows = self._calendar.find((target, self._blocks) for target in targets)
        values = self._calendar.sheet.columns[column][rows]
        start = self._days[0] - self._blocks[0] * BLOCK_DAYS
        whole = values.reshape(len(targets), len(self._blocks) * BLOCK_DAYS, *values.shape[2:])
        cut: Array = whole[:, start : start + len(self._days)]
        return cut

    def _column(self, column: str, line: tuple[RatePlan, ...]) -> Array:
        """Of the plan that has prices of its own."""
        return self._cut(column, [(room.code, line[-1].code) for room in self._rooms])

    def _planes(self, targets: Sequence[Target]) -> _Planes:
        return {field: self._cut(field, targets) for field in self._ruled}

    def _of_plan(self, plan: str) -> _Planes:
        """The rules of a plan, or with ``""`` of the room types; children ask for their parents' again."""
        if plan not in self._rule_planes:
            self._rule_planes[plan] = self._planes([(room.code, plan) for room in self._rooms])
        return self._rule_planes[plan]

    def _effective(self, own: _Planes, line: tuple[RatePlan, ...]) -> _Planes:
        """Together with those of the house, the room types and the parents."""
        levels = [self._planes([_HOUSE]), self._of_plan(""), *(self._of_plan(each.code) for each in ruling(line)[1:])]
        effective = {field: values.copy() for field, values in own.items()}
        for planes in levels:
            for field, values in planes.items():
                if values.any():
                    tighten(effective[field], values, field)
        return effective

    # --- cells --------------------------------------------------------------------------------------------------------

    def _product_days(self, room: RoomType, cells: Array) -> tuple[ProductDay, ...]:
        """``cells`` has shape (days, values), in the order of :meth:`of`."""
        whole = np.ascontiguousarray(cells)
        names: list[bytes] = whole.view(f"V{whole.itemsize * whole.shape[1]}")[:, 0].tolist()
        days = []
        for at, (day, name) in enumerate(zip(self._days, names, strict=True)):
            known = self._said.get((room.adults_max, name))
            if known is None:
                known = self._said[room.adults_max, name] = self._read(whole[at].tolist(), room.adults_max)
            days.append(ProductDay(day, *known))
        return tuple(days)

    def _read(self, values: list[int], adults: int) -> _Said:
        guests = self._calendar.sheet.guests
        amounts = [value if value > 0 else None for value in values[: guests + 2]]
        rules = values[guests + 2 :]
        own, effective = rules[: len(self._ruled)], rules[len(self._ruled) :]
        return _Said(
            tuple(amounts[:adults]), amounts[guests], amounts[guests + 1], self._rule(own), self._rule(effective)
        )

    def _rule(self, values: Sequence[int]) -> Rules:
        """``values`` of the fields that are used here."""
        name = tuple(values)
        known = self._rules.get(name)
        if known is None:
            said: dict[str, Any] = {
                field.value: bool(value) if field in _FLAGS else value
                for field, value in zip(self._ruled, values, strict=True)
            }
            known = self._rules[name] = Rules(**said)
        return known
