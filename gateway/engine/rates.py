"""Derived rates, mark-ups and currencies, exactly: whole minor units in, whole minor units out.

Works on numpy arrays of int64. A missing price (:data:`~gateway.engine.calendar.NO_PRICE`) stays missing. An amount
that a reduction would bring below zero becomes zero, which :mod:`gateway.engine.view` then takes for no price.
"""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from gateway.engine.calendar import NO_PRICE, Array
from gateway.errors import Rejected
from gateway.model.dates import Day
from gateway.model.money import MINOR_MAX, digits_of
from gateway.model.property import Adjustment, Connection, LengthRate, Property, RatePlan, Rounding

NO_ADJUSTMENT = Adjustment()
_PLANS_DEEP = 8


def adjust(prices: Array, by: Adjustment) -> Array:
    """``price × (1 + percent) + amount`` to a whole multiple of the step; halves go up."""
    if by == NO_ADJUSTMENT:
        return prices
    factor = 10_000 + by.percent_bp
    return _scaled(prices, factor, by.amount * 10_000, by.step * 10_000, by.rounding, unit=by.step)


def convert(prices: Array, rate_ppm: int, currency: str, into: str) -> Array:
    """Minor units of ``currency`` as minor units of ``into`` at ``rate_ppm`` millionths, to the nearest, halves up."""
    if currency == into:
        return prices
    up = rate_ppm * 10 ** digits_of(into)
    down = 1_000_000 * 10 ** digits_of(currency)
    common = int(np.gcd(up, down))
    return _scaled(prices, up // common, 0, down // common, Rounding.NEAREST)


def _scaled(prices: Array, factor: int, plus: int, divisor: int, rounding: Rounding, unit: int = 1) -> Array:
    """``(price × factor + plus) / divisor`` rounded, times ``unit``; in Python integers where 64 bits may overflow."""
    highest = int(prices.max(initial=0))
    largest = max(highest, 1) * abs(factor) + abs(plus) + divisor
    exact = prices if largest < 2**62 else prices.astype(object)
    top = exact * factor + plus
    if rounding is Rounding.NEAREST:
        top = 2 * top + divisor
        divisor *= 2
    elif rounding is Rounding.UP:
        top = top + divisor - 1
    scaled = np.where(prices == NO_PRICE, NO_PRICE, np.maximum(top // divisor * unit, 0))
    if scaled.max(initial=0) > MINOR_MAX:
        raise Rejected("an adjusted price is too large to be kept exactly")
    return scaled.astype(np.int64, copy=False)


def lineage(hotel: Property, plan: str) -> tuple[RatePlan, ...]:
    """The plan, its parent, its parent's parent …, ending with the plan that has prices of its own."""
    plans = {known.code: known for known in hotel.rate_plans}
    line = [plans[plan]]
    while line[-1].parent:
        line.append(plans[line[-1].parent])
        if len(line) > _PLANS_DEEP:
            raise Rejected(f"rate plan {plan!r} is derived over more than {_PLANS_DEEP} steps")
    return tuple(line)


def ruling(line: tuple[RatePlan, ...]) -> tuple[RatePlan, ...]:
    """The plans whose restrictions hold for ``line[0]``: up to the first that has its own alone."""
    own = next((depth for depth, plan in enumerate(line) if plan.own_rules), len(line))
    return line[: own + 1]


def derived(prices: Array, line: tuple[RatePlan, ...], *, extra: bool = False) -> Array:
    """The prices of ``line[0]`` from those of the plan at the line's end; ``extra`` as in :func:`for_channel`."""
    for plan in reversed(line[:-1]):
        prices = adjust(prices, supplement(plan.adjust) if extra else plan.adjust)
    return prices


def for_stay(prices: Array, line: tuple[RatePlan, ...], arrival: Day, nights: int, *, extra: bool = False) -> Array:
    """As :func:`derived`, for a stay of so many nights: each plan's price by length comes after its derivation."""
    for plan in reversed(line):
        for by in (plan.adjust if plan is not line[-1] else NO_ADJUSTMENT, length_rate(plan, arrival, nights)):
            prices = adjust(prices, supplement(by) if extra else by)
    return prices


def length_rate(plan: RatePlan, arrival: Day, nights: int) -> Adjustment:
    """What a plan's price becomes for the stay."""
    chosen = LengthRate(0)
    for rate in plan.lengths:
        if chosen.nights <= rate.nights <= nights and rate.first <= arrival <= rate.last:
            chosen = rate
    return chosen.adjust


def for_channel(prices: Array, hotel: Property, connection: Connection, *, extra: bool = False) -> Array:
    """Our prices in the channel's currency with its mark-up; ``extra`` for what an extra person pays on top."""
    currency = connection.currency or hotel.currency
    markup = supplement(connection.markup) if extra else connection.markup
    return adjust(convert(prices, connection.rate_ppm, hotel.currency, currency), markup)


def supplement(by: Adjustment) -> Adjustment:
    """What an adjustment means for an extra person: its amount is per room and night, and is in the room's price."""
    return replace(by, amount=0)


def filled_down(prices: Array) -> Array:
    """Along the last axis (guests), a missing price is the next higher occupancy's: a price for two holds for one."""
    filled = prices
    for guests in range(prices.shape[-1] - 2, -1, -1):
        gap = filled[..., guests] == NO_PRICE
        if gap.any():
            if filled is prices:
                filled = prices.copy()
            filled[..., guests][gap] = filled[..., guests + 1][gap]
    return filled
