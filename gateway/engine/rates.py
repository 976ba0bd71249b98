"""Derived rates, mark-ups and currencies, exactly: whole minor units in, whole minor units out.

Works on numpy arrays of int64. A missing price (:data:`~gateway.engine.calendar.NO_PRICE`) stays missing. An amount
that a reduction would bring below zero becomes zero, which the guard then refuses to publish.
"""

from __future__ import annotations

import numpy as np

from gateway.engine.calendar import NO_PRICE, Array
from gateway.errors import Rejected
from gateway.model.money import MINOR_MAX, digits_of
from gateway.model.property import Adjustment, Connection, Property, RatePlan, Rounding

NO_ADJUSTMENT = Adjustment()
_PLANS_DEEP = 8


def adjust(prices: Array, by: Adjustment) -> Array:
    """``price × (1 + percent) + amount`` to a whole multiple of the step; halves go up."""
    if by == NO_ADJUSTMENT:
        return prices
    factor = 10_000 + by.percent_bp
    steps = _scaled(prices, factor, by.amount * 10_000, by.step * 10_000, by.rounding)
    return np.where(steps == NO_PRICE, NO_PRICE, steps * by.step)


def convert(prices: Array, rate_ppm: int, currency: str, into: str) -> Array:
    """Minor units of ``currency`` as minor units of ``into`` at ``rate_ppm`` millionths, to the nearest, halves up."""
    if currency == into:
        return prices
    up = rate_ppm * 10 ** digits_of(into)
    down = 1_000_000 * 10 ** digits_of(currency)
    common = int(np.gcd(up, down))
    return _scaled(prices, up // common, 0, down // common, Rounding.NEAREST)


def _scaled(prices: Array, factor: int, plus: int, divisor: int, rounding: Rounding) -> Array:
    """``(price × factor + plus) / divisor`` rounded; in Python integers where 64 bits could overflow."""
    missing = prices == NO_PRICE
    highest = int(prices.max(initial=0))
    exact = prices if highest * factor + abs(plus) + divisor < 2**62 else prices.astype(object)
    top = exact * factor + plus
    if rounding is Rounding.NEAREST:
        top = 2 * top + divisor
        divisor *= 2
    elif rounding is Rounding.UP:
        top = top + divisor - 1
    scaled = top // divisor
    if highest and int(scaled.max()) > MINOR_MAX:
        raise Rejected("an adjusted price is too large to be kept exactly")
    scaled = np.maximum(scaled, 0).astype(np.int64)
    scaled[missing] = NO_PRICE
    return scaled


def lineage(hotel: Property, plan: str) -> tuple[RatePlan, ...]:
    """The plan, its parent, its parent's parent …, ending with the plan that has prices of its own."""
    plans = {known.code: known for known in hotel.rate_plans}
    line = [plans[plan]]
    while line[-1].parent:
        line.append(plans[line[-1].parent])
        if len(line) > _PLANS_DEEP:
            raise Rejected(f"rate plan {plan!r} is derived over more than {_PLANS_DEEP} steps")
    return tuple(line)


def derived(prices: Array, line: tuple[RatePlan, ...]) -> Array:
    """The prices of ``line[0]`` from those of the plan at the line's end."""
    for plan in reversed(line[:-1]):
        prices = adjust(prices, plan.adjust)
    return prices


def for_channel(prices: Array, hotel: Property, connection: Connection) -> Array:
    """Our prices in the channel's currency with its mark-up."""
    currency = connection.currency or hotel.currency
    return adjust(convert(prices, connection.rate_ppm, hotel.currency, currency), connection.markup)


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
