"""Taxes and fees of a stay, in whole minor units; halves go up, each tax by itself and each night by itself.

Everything here takes a night's price as an integer or as an array of them, so that a search works out a whole house at
once and a quote is exactly what the search has shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

from gateway.model.selling import ADULT_AGE, Per, Tax

Number = TypeVar("Number", int, NDArray[Any])

_WHOLE_BP = 10_000


def percent_of(amount: Number, percent_bp: int, whole_bp: int = _WHOLE_BP) -> Number:
    """The percentage of an amount that is not negative, to the nearest minor unit."""
    return (2 * amount * percent_bp + whole_bp) // (2 * whole_bp)


def charged(tax: Tax, taxes: Iterable[Tax], prices: Sequence[Number], ages: Sequence[int]) -> Number | int:
    """What one tax comes to for one room: ``prices`` by night, an age for each guest.

    Inside a price, percentages are of what is left of it without any included tax (a night of 110 with 10 % holds 10).
    """
    if tax.percent_bp:
        inside = [each for each in taxes if each.included] if tax.included else []
        whole_bp = _WHOLE_BP + sum(each.percent_bp for each in inside)
        fixed = sum(each.amount for each in inside if each.per is Per.NIGHT)
        total: Number | int = 0
        for price in prices:
            rest = price - fixed
            total = total + percent_of(rest * (rest > 0), tax.percent_bp, whole_bp)
        return total
    return tax.amount * _times(tax, len(prices), ages)


def _times(tax: Tax, nights: int, ages: Sequence[int]) -> int:
    counted = min(nights, tax.nights_max) if tax.nights_max else nights
    people = sum(age >= tax.age_from for age in ages)
    match tax.per:
        case Per.STAY:
            return 1
        case Per.NIGHT:
            return counted
        case Per.PERSON:
            return people
        case Per.PERSON_NIGHT:
            return people * counted


def ages_of(adults: int, child_ages: Sequence[int]) -> tuple[int, ...]:
    """An age for every guest; adults did not say theirs."""
    return (*([ADULT_AGE] * adults), *child_ages)
