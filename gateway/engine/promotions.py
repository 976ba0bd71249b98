"""Promotions: which one a guest gets, and what the nights cost with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

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


def best(promotions: Sequence[Promotion], room: str, plan: str, prices: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """The code of the promotion that makes the nights cheapest ("" for none), and the nights with it.

    Promotions do not add up. What a reduction would bring to nothing is not sold by it, free nights apart.
    """
    code, cheapest = "", tuple(prices)
    for each in promotions:
        if (each.rooms and room not in each.rooms) or (each.plans and plan not in each.plans):
            continue
        reduced = _reduced(each, prices)
        if sum(reduced) < sum(cheapest) and any(reduced):
            code, cheapest = each.code, reduced
    return code, cheapest


def _reduced(promotion: Promotion, prices: Sequence[int]) -> tuple[int, ...]:
    every = promotion.free_night
    return tuple(
        0
        if every and place % every == 0
        else max(0, percent_of(price, _WHOLE_BP - promotion.percent_bp) - promotion.amount)
        for place, price in enumerate(prices, 1)
    )
