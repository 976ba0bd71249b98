"""Promotions: which one a guest gets, and what the nights cost with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from gateway.engine.calendar import Array
from gateway.engine.taxes import percent_of
from gateway.model.dates import Day
from gateway.model.selling import Promotion

_WHOLE_BP = 10_000


def possible(
    promotions: Iterable[Promotion], codes: Collection[str], arrival: Day, nights: int, notice_h: float
) -> list[Promotion]:
    """The promotions whose conditions hold for the stay, whatever the room and plan."""
    return [
        each
        for each in promotions
        if (not each.codes or not codes_apart(each.codes, codes))
        and each.first <= arrival <= each.last
        and each.nights_min <= nights <= (each.nights_max or nights)
        and each.advance_min_h <= notice_h <= (each.advance_max_h or notice_h)
    ]


def codes_apart(wanted: Collection[str], said: Collection[str]) -> bool:
    """Whether none of the wanted codes was said; case does not matter, since people type them."""
    return {code.casefold() for code in wanted}.isdisjoint(code.casefold() for code in said)


def cheapest(
    promotions: Sequence[Promotion], products: Sequence[tuple[str, str]], prices: Array
) -> tuple[list[str], Array]:
    """For each product (room, plan) the code of the promotion that makes its nights cheapest ("" for none).

    With it the nights, both of shape (products, nights). Promotions do not add up. What a reduction would bring to
    nothing is not sold by it, free nights apart; of equally cheap ones the first counts.
    """
    nights, sums = prices, prices.sum(axis=1)
    chosen = np.zeros(len(products), np.intp)
    for number, each in enumerate(promotions, 1):
        reduced = _reduced(each, prices)
        summed = reduced.sum(axis=1)
        better = (summed < sums) & (summed > 0)
        if each.rooms or each.plans:
            better &= [room in (each.rooms or (room,)) and plan in (each.plans or (plan,)) for room, plan in products]
        chosen[better] = number
        nights = np.where(better[:, None], reduced, nights)
        sums = np.where(better, summed, sums)
    codes = ["", *(each.code for each in promotions)]
    return [codes[number] for number in chosen.tolist()], nights


def _reduced(promotion: Promotion, prices: Array) -> Array:
    reduced: Array = np.maximum(percent_of(prices, _WHOLE_BP - promotion.percent_bp) - promotion.amount, 0)
    if promotion.free_night:
        reduced[:, promotion.free_night - 1 :: promotion.free_night] = 0
    return reduced
