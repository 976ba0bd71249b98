"""The calendar over one stay: rules and prices of every chosen product, side by side.

Products are room types × rate plans, the plans of a room together. Each gives one row; days are the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import NO_PRICE, PRODUCT, Array
from gateway.engine.loaded import Calendar, Target
from gateway.engine.rates import filled_down, for_stay, ruling
from gateway.engine.taxes import percent_of
from gateway.engine.view import RULE_FIELDS, tighten
from gateway.model.ari import Field
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.model.property import RatePlan, RoomType
from gateway.model.selling import ChildRate

_DTYPES = {column.name: column.dtype for column in PRODUCT.columns}
_EXTRAS = (Field.EXTRA_ADULT, Field.EXTRA_CHILD)


class Count(NamedTuple):
    """A party as the house counts it: ``ages`` are those of everybody, also of infants; ``child_ages`` of children."""

    adults: int
    children: int
    ages: tuple[int, ...]
    child_ages: tuple[int, ...] = ()


class StayGrid:
    """``lines`` are the chosen plans, each with those it is derived from (:func:`gateway.engine.rates.lineage`)."""

    def __init__(
        self,
        calendar: Calendar,
        rooms: Sequence[RoomType],
        lines: Sequence[tuple[RatePlan, ...]],
        arrival: Day,
        departure: Day,
    ) -> None:
        self._calendar = calendar
        self._rooms = rooms
        self._lines = lines
        self._rules = [ruling(line) for line in lines]
        self._arrival = arrival
        self._blocks = tuple(blocks_of(arrival, departure))
        days = np.arange(arrival, departure + 1)
        self._block_at = days // BLOCK_DAYS - self._blocks[0]
        self._slots = days % BLOCK_DAYS

    def rules(self) -> dict[Field, Array]:
        """What holds by house, room type and plan together; shape (products, nights + 1), the departure date last."""
        calendar, shape = self._calendar, (len(self._rooms) * len(self._lines), len(self._slots))
        rules = {field: np.zeros(shape, _DTYPES[field]) for field in RULE_FIELDS}
        fields = [field for field in RULE_FIELDS if field in calendar.sheet.filled]
        for targets, repeat in self._levels():
            rows = self._rows(targets)
            if fields and calendar.exists(rows):
                for field in fields:
                    found = calendar.sheet.columns[field][rows, self._slots]
                    tighten(rules[field], np.repeat(found, repeat, axis=0) if repeat > 1 else found, field)
        return rules

    def prices(self, count: Count, child_rates: Sequence[ChildRate] = ()) -> Array:
        """A night for the party in one room, shape (products, nights); NO_PRICE where the product has none.

        Adults beyond the highest occupancy with a price pay as extra adults. Children pay the price of an extra child;
        where there is none, they pay as adults. ``child_rates`` are what some of them pay instead.
        """
        calendar, nights = self._calendar, len(self._slots) - 1
        columns, plans = calendar.sheet.columns, len(self._lines)
        bases: list[Target | None] = [(room.code, line[-1].code) for room in self._rooms for line in self._lines]
        rows, slots = self._rows(bases)[:, :nights], self._slots[:nights]
        prices = columns[Field.PRICE][rows, slots]
        known = calendar.sheet.filled
        extras = [
            columns[field][rows, slots] if field in known else np.full(rows.shape, NO_PRICE, np.int64)
            for field in _EXTRAS
        ]
        for place, line in enumerate(self._lines):
            if len(line) > 1 or line[0].lengths:
                prices[place::plans] = for_stay(prices[place::plans], line, self._arrival, nights)
                for field, extra in zip(_EXTRAS, extras, strict=True):
                    if field in known:
                        extra[place::plans] = for_stay(extra[place::plans], line, self._arrival, nights, extra=True)
        adults_max = np.repeat([room.adults_max for room in self._rooms], plans)
        too_many = np.arange(prices.shape[-1]) >= adults_max[:, None, None]
        prices = filled_down(np.where((prices <= 0) | too_many, NO_PRICE, prices))
        if not (child_rates and count.children):
            return _for_party(prices, extras[0], extras[1], count.adults, count.children)
        found = np.empty(prices.shape[:-1], np.int64)
        for paying, members in self._by_child_rates(count, child_rates).items():
            found[members] = _with_children(prices[members], extras[0][members], extras[1][members], count, paying)
        return found

    def _by_child_rates(self, count: Count, rates: Sequence[ChildRate]) -> dict[tuple[ChildRate, ...], list[int]]:
        """The products of which the children pay by the same lines; a child without one is not among them."""
        alike: dict[tuple[ChildRate, ...], list[int]] = {}
        products = ((room.code, line[0].code) for room in self._rooms for line in self._lines)
        for place, (room, plan) in enumerate(products):
            here = [rate for rate in rates if room in (rate.rooms or (room,)) and plan in (rate.plans or (plan,))]
            fitting = (next((rate for rate in here if age <= rate.age_max), None) for age in count.child_ages)
            alike.setdefault(tuple(rate for rate in fitting if rate), []).append(place)
        return alike

    def _levels(self) -> Iterable[tuple[list[Target | None], int]]:
        """Targets from the house down, and how many products each of them stands for."""
        plans = len(self._lines)
        yield [("", "")], 1
        yield [(room.code, "") for room in self._rooms], plans
        for depth in range(max(map(len, self._rules))):
            yield (
                [
                    (room.code, line[depth].code) if depth < len(line) else None
                    for room in self._rooms
                    for line in self._rules
                ],
                1,
            )

    def _rows(self, targets: Sequence[Target | None]) -> Array:
        """Rows of the sheet, shape (targets, days)."""
        found: Array = self._calendar.placed(tuple(targets), self._blocks)[:, self._block_at]
        return found


def _with_children(
    prices: Array, extra_adult: Array, extra_child: Array, count: Count, paying: Sequence[ChildRate]
) -> Array:
    """For some products, the party of which some children pay by ``paying``, a line for each of them."""
    others = count.children - len(paying)
    found = _for_party(prices, extra_adult, extra_child, count.adults, others)
    fixed = sum(rate.amount for rate in paying if rate.percent_bp is None)
    shares = [rate.percent_bp for rate in paying if rate.percent_bp]
    price = np.where(extra_child == NO_PRICE, extra_adult, extra_child)
    added = sum((percent_of(np.maximum(price, 0), share) for share in shares), np.zeros_like(price))
    if shares and (price == NO_PRICE).any():
        # A share of nothing that is known: on such a night they count as any child.
        plain = _for_party(prices, extra_adult, extra_child, count.adults, others + len(shares))
        found = np.where(price == NO_PRICE, plain, found)
    party: Array = np.where(found == NO_PRICE, NO_PRICE, found + added + fixed)
    return party


def _for_party(prices: Array, extra_adult: Array, extra_child: Array, adults: int, children: int) -> Array:
    found = _for_adults(prices, extra_adult, adults)
    if not children:
        return found
    with_children = np.where(found == NO_PRICE, NO_PRICE, found + children * extra_child)
    as_adults = _for_adults(prices, extra_adult, adults + children)
    party: Array = np.where(extra_child == NO_PRICE, as_adults, with_children)
    return party


def _for_adults(prices: Array, extra_adult: Array, adults: int) -> Array:
    found = np.full(prices.shape[:-1], NO_PRICE, np.int64)
    paid_for = np.zeros(prices.shape[:-1], np.int64)
    for place in range(min(adults, prices.shape[-1])):
        known = prices[..., place] != NO_PRICE
        found = np.where(known, prices[..., place], found)
        paid_for = np.where(known, place + 1, paid_for)
    more = adults - paid_for
    if more.any():
        cannot = (found == NO_PRICE) | ((more > 0) & (extra_adult == NO_PRICE))
        found = np.where(cannot, NO_PRICE, found + more * np.maximum(extra_adult, 0))
    return found
