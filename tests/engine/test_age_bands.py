"""Prices of children by age: what the house does not ask for is told, and only that."""

from __future__ import annotations

import pytest

from gateway.engine.age_bands import TOLD_MAX, not_kept
from gateway.messages import AgeBand
from gateway.model.selling import ChildRate, Selling

SMALL = AgeBand("r1", "bar", 0, 5, 1_000, kept=2_500)
LARGE = AgeBand("r1", "bar", 6, 11, 2_500, kept=2_500)


def told(selling: Selling, *bands: AgeBand) -> tuple[str, ...]:
    return not_kept(bands, selling, lambda room, plan: [(room.replace("r1", "DBL"), plan.upper())], "EUR")


def test_what_the_calendar_keeps_is_not_worth_a_word() -> None:
    (warning,) = told(Selling(), SMALL, LARGE)
    assert warning == "bar in r1: 10.00 for children of 0 to 5 years is not kept; they pay 25.00 EUR"


@pytest.mark.parametrize(
    ("rates", "infants", "is_told"),
    [
        ((ChildRate(5, amount=1_000),), -1, False),
        ((ChildRate(5, percent_bp=4_000),), -1, False),
        ((ChildRate(3, amount=1_000),), -1, True),  # and those of four and five years?
        ((ChildRate(2, amount=900), ChildRate(5, amount=1_000)), -1, True),
        ((ChildRate(5, amount=1_000, rooms=("FAM",)),), -1, True),
        ((ChildRate(5, amount=1_000, rooms=("DBL",), plans=("BAR",)),), -1, False),
        ((ChildRate(5, amount=1_000),), 1, True),  # infants pay nothing here
    ],
)
def test_the_houses_own_rates_may_say_it(rates: tuple[ChildRate, ...], infants: int, is_told: bool) -> None:
    assert bool(told(Selling(children=rates, infant_age_max=infants), SMALL)) is is_told


def test_who_is_no_child_here_pays_as_an_adult_anyway() -> None:
    assert told(Selling(child_age_max=11), AgeBand("r1", "bar", 12, 17, 9_900, kept=9_900)) == ()


def test_many_are_summed_up() -> None:
    many = [AgeBand("r1", "bar", 0, age, 100, kept=200) for age in range(11)] * 3
    assert len(told(Selling(), *many)) == TOLD_MAX + 1
    assert told(Selling(), *many)[-1] == "and 13 more"
