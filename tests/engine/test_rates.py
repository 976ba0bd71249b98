"""Derived rates and currencies against exact fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine import rates
from gateway.engine.calendar import NO_PRICE, Array
from gateway.errors import Rejected
from gateway.model.money import MINOR_MAX, digits_of
from gateway.model.property import Adjustment, Connection, Property, RatePlan, Role, RoomType, Rounding

AMOUNTS = st.one_of(st.just(NO_PRICE), st.integers(0, 50_000), st.integers(0, 10**12))
ADJUSTMENTS = st.builds(
    Adjustment,
    percent_bp=st.integers(-12_000, 60_000),
    amount=st.integers(-30_000, 30_000),
    step=st.sampled_from((1, 5, 50, 100, 1_000)),
    rounding=st.sampled_from(Rounding),
)


def _rounded(value: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.NEAREST:
        return math.floor(value + Fraction(1, 2))
    return math.ceil(value) if rounding is Rounding.UP else math.floor(value)


def _adjusted(price: int, by: Adjustment) -> int:
    if price == NO_PRICE or by == Adjustment():
        return price
    exact = price * (1 + Fraction(by.percent_bp, 10_000)) + by.amount
    return max(_rounded(exact / by.step, by.rounding) * by.step, 0)


def _prices(amounts: Sequence[int]) -> Array:
    return np.array(amounts, np.int64)


@settings(max_examples=150, deadline=None)
@given(st.lists(AMOUNTS, max_size=6), ADJUSTMENTS)
def test_adjusting_is_exact(amounts: list[int], by: Adjustment) -> None:
    adjusted = rates.adjust(_prices(amounts), by)
    assert adjusted.dtype == np.int64
    assert adjusted.tolist() == [_adjusted(price, by) for price in amounts]


@pytest.mark.parametrize(
    ("by", "price", "result"),
    [
        (Adjustment(percent_bp=-1_000), 10_005, 9_005),  # 9004.5 goes up
        (Adjustment(percent_bp=-1_000, rounding=Rounding.DOWN), 10_005, 9_004),
        (Adjustment(percent_bp=1, rounding=Rounding.UP), 10_000, 10_001),
        (Adjustment(step=100), 10_050, 10_100),
        (Adjustment(amount=-500, step=1_000, rounding=Rounding.UP), 10_400, 10_000),
        (Adjustment(amount=-500), 300, 0),
        (Adjustment(percent_bp=-10_000), 300, 0),
        (Adjustment(percent_bp=-20_000), 10**12, 0),
        (Adjustment(percent_bp=-2_000_000_049), 10**12, 0),  # would be positive again in 64 bits
        (Adjustment(amount=500), NO_PRICE, NO_PRICE),
        (Adjustment(percent_bp=-1), 0, 0),
    ],
)
def test_adjustments_by_hand(by: Adjustment, price: int, result: int) -> None:
    assert rates.adjust(_prices([price]), by).tolist() == [result]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.just(NO_PRICE), st.integers(0, 10**9)), min_size=1, max_size=5),
    st.integers(1, 500_000_000),
    st.sampled_from(("EUR", "JPY", "KWD")),
    st.sampled_from(("EUR", "JPY", "KWD", "USD")),
)
def test_converting_is_exact(amounts: list[int], rate_ppm: int, ours: str, theirs: str) -> None:
    def exact(price: int) -> int:
        if price == NO_PRICE or ours == theirs:
            return price
        scale = Fraction(10) ** (digits_of(theirs) - digits_of(ours))
        return _rounded(price * Fraction(rate_ppm, 10**6) * scale, Rounding.NEAREST)

    if max(map(exact, amounts)) > MINOR_MAX:
        with pytest.raises(Rejected):
            rates.convert(_prices(amounts), rate_ppm, ours, theirs)
    else:
        assert rates.convert(_prices(amounts), rate_ppm, ours, theirs).tolist() == [exact(each) for each in amounts]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), ADJUSTMENTS)
def test_where_64_bits_are_too_few_the_result_is_the_same(amounts: list[int], by: Adjustment) -> None:
    # One price so high that the whole array is reckoned in Python integers, without being too high itself.
    high = 4 * 10**14
    small = rates.adjust(_prices(amounts), by).tolist()
    try:
        together = rates.adjust(_prices([*amounts, high]), by).tolist()
    except Rejected:
        assert _adjusted(high, by) > MINOR_MAX
        return
    assert together == [*small, _adjusted(high, by)]


@pytest.mark.parametrize(
    "by",
    [Adjustment(percent_bp=900_000_000), Adjustment(step=10**9, amount=2**53), Adjustment(amount=2**60, step=2**40)],
)
def test_a_price_too_large_to_be_exact_is_refused(by: Adjustment) -> None:
    with pytest.raises(Rejected):
        rates.adjust(_prices([NO_PRICE, 2**52 + 1]), by)


def _house(*plans: RatePlan) -> Property:
    return Property("h", "H", "EUR", "UTC", (RoomType("DBL", "Double", 3),), plans)


def test_a_plan_is_derived_step_by_step() -> None:
    house = _house(
        RatePlan("BAR", "Bar"),
        RatePlan("NR", "NR", parent="BAR", adjust=Adjustment(percent_bp=-1_000)),
        RatePlan("GOV", "Gov", parent="NR", adjust=Adjustment(amount=-500)),
    )
    line = rates.lineage(house, "GOV")
    assert [plan.code for plan in line] == ["GOV", "NR", "BAR"]
    assert rates.derived(_prices([10_005, NO_PRICE]), line).tolist() == [9_005 - 500, NO_PRICE]
    # An extra person pays the percentage: the amount is in the price of the room already.
    assert rates.derived(_prices([2_000]), line, extra=True).tolist() == [1_800]


def test_a_circle_of_plans_is_refused() -> None:
    house = _house(RatePlan("A", "A", parent="B"), RatePlan("B", "B", parent="A"))
    with pytest.raises(Rejected):
        rates.lineage(house, "A")


def test_a_channel_gets_its_currency_first_and_then_its_markup() -> None:
    house = _house(RatePlan("BAR", "Bar"))
    markup = Adjustment(percent_bp=1_000, amount=300)
    channel = Connection("c", "x", "x", Role.CHANNEL, "H", currency="JPY", rate_ppm=160_000_000, markup=markup)
    assert rates.for_channel(_prices([10_001]), house, channel).tolist() == [math.floor(16_002 * 1.1 + 300 + 0.5)]
    assert rates.for_channel(_prices([10_001]), house, channel, extra=True).tolist() == [math.floor(16_002 * 1.1 + 0.5)]


@given(st.lists(st.lists(st.sampled_from((NO_PRICE, 0, 70, 90)), min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_missing_price_is_that_of_the_next_higher_occupancy(rows: list[list[int]]) -> None:
    def oracle(row: list[int]) -> list[int]:
        return [next((price for price in row[guests:] if price != NO_PRICE), NO_PRICE) for guests in range(len(row))]

    given_prices = _prices(rows)  # type: ignore[arg-type]
    before = given_prices.copy()
    assert rates.filled_down(given_prices).tolist() == [oracle(row) for row in rows]
    assert (given_prices == before).all()
