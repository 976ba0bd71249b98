"""The guard: what it lets through, what it takes out, and that a closing always passes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine import guard
from gateway.engine.ari import Change
from gateway.engine.calendar import NO_PRICE, PRODUCT, Sheet
from gateway.engine.guard import Held
from gateway.engine.hotel import Hotel
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import BLOCK_DAYS
from tests.flows.house import hotel, pms

KEYS = [("DBL", "BAR", 10), ("DBL", "BAR", 11), ("FAM", "", 10)]
FIRST = 10 * BLOCK_DAYS


def house(**limits: int) -> Hotel:
    return Hotel(msgspec.structs.replace(hotel(pms()), **limits), 1)


def sheets(prices: dict[int, int], closed: dict[int, int] | None = None, *, row: int = 0) -> Sheet:
    """Prices for one guest and closed flags of a row by day."""
    sheet = Sheet(PRODUCT, KEYS, 2)
    for day, price in prices.items():
        sheet.columns["price"][row, day, 0] = price
    for day, flag in (closed or {}).items():
        sheet.columns["closed"][row, day] = flag
    return sheet


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        (100, 1000, False),
        (100, 1001, True),
        (1000, 100, False),
        (1000, 99, True),
        (NO_PRICE, 9, False),
        (100, NO_PRICE, False),
    ],
)
def test_a_price_that_looks_like_a_slip_waits(before: int, after: int, waits: bool) -> None:
    old, new = sheets({3: before, 4: 500}), sheets({3: after, 4: 700})
    held = guard.hold_back(new, old, house())
    assert held == ((Held("DBL", "BAR", FIRST + 3, FIRST + 3, Field.PRICE, 1, before, after),) if waits else ())
    assert new.columns["price"][0, 3:5, 0].tolist() == [before if waits else after, 700]


def test_each_property_has_its_own_thresholds() -> None:
    old = sheets({3: 100})
    assert guard.hold_back(sheets({3: 201}), old, house(guard_price_factor=2))
    assert not guard.hold_back(sheets({3: 200}), old, house(guard_price_factor=2))
    assert not guard.hold_back(sheets({3: 100_000}), old, house(guard_price_factor=0))


@pytest.mark.parametrize(("row", "most", "waits"), [(0, 2, False), (0, 1, True), (2, 6, False), (2, 5, True)])
def test_openings_wait_when_there_are_too_many(row: int, most: int, waits: bool) -> None:
    """A room type without a plan speaks for its three plans."""
    old, new = sheets({}, {1: 1, 2: 1, 5: 0}, row=row), sheets({}, {1: 0, 2: 0, 5: 1}, row=row)
    held = guard.hold_back(new, old, house(guard_reopenings=most))
    assert [(each.first - FIRST, each.last - FIRST, each.before, each.after) for each in held] == (
        [(1, 2, 1, 0)] if waits else []
    )
    assert new.columns["closed"][row, [1, 2, 5]].tolist() == ([1, 1, 1] if waits else [0, 0, 1])


PRICES = st.dictionaries(st.integers(0, 31), st.sampled_from([NO_PRICE, 1, 5, 50, 600, 9_000]), max_size=8)
CLOSED = st.dictionaries(st.integers(0, 31), st.integers(0, 1), max_size=8)


@given(PRICES, CLOSED, PRICES, CLOSED, st.integers(0, 20), st.integers(0, 6))
def test_closings_pass_and_what_waits_is_the_whole_difference(
    prices: dict[int, int],
    closed: dict[int, int],
    new_prices: dict[int, int],
    new_closed: dict[int, int],
    factor: int,
    most: int,
) -> None:
    old, wanted = sheets(prices, closed), sheets(new_prices, new_closed)
    new = wanted.copy()
    held = guard.hold_back(new, old, house(guard_price_factor=factor, guard_reopenings=most))
    assert (new.columns["closed"] >= wanted.columns["closed"]).all()
    gone = wanted.columns["price"] == NO_PRICE
    assert (new.columns["price"][gone] == NO_PRICE).all()
    opened = ((old.columns["closed"] == 1) & (new.columns["closed"] == 0)).sum()
    assert not most or opened <= most
    was, now = old.columns["price"], new.columns["price"]
    both = (was > 0) & (now > 0)
    assert not factor or ((now <= was * factor) & (now * factor >= was))[both].all()
    # Letting it through gives what was wanted, and nothing was touched beside it.
    for each in held:
        days = slice(each.first - FIRST, each.last - FIRST + 1)
        column = new.columns[each.field][0]
        cells = column[days, each.guests - 1] if each.guests else column[days]
        assert (cells == each.before).all()
        cells[:] = each.after
    assert all((new.columns[name] == wanted.columns[name]).all() for name in wanted.columns)


HELD = Held("DBL", "BAR", FIRST, FIRST + 6, Field.PRICE, 2, 100, 9_000)


def painted(first: int, last: int, setting: Setting, weekdays: int = 127, plan: str = "BAR") -> list[Change]:
    return [Change("DBL", plan, AriUpdate("x", "y", FIRST + first, FIRST + last, (setting,), weekdays=weekdays))]


def test_newer_values_take_the_place_of_what_waits() -> None:
    def left(change: list[Change]) -> list[tuple[int, int]]:
        return [(each.first - FIRST, each.last - FIRST) for each in guard.without([HELD], change)]

    price = Setting(Field.PRICE, 120, 2)
    assert left(painted(2, 3, price)) == [(0, 1), (4, 6)]
    assert left(painted(-5, 50, price)) == []
    assert left(painted(0, 6, Setting(Field.PRICE, 120))) == []
    assert left(painted(0, 6, Setting(Field.PRICE, 120, 1))) == [(0, 6)]
    assert left(painted(0, 6, Setting(Field.CLOSED, 1))) == [(0, 6)]
    assert left(painted(0, 6, price, plan="HB")) == [(0, 6)]
    assert len(left(painted(0, 6, price, weekdays=0b0010001))) >= 2
    assert guard.product_nights([HELD, msgspec.structs.replace(HELD, guests=1)]) == 7
