"""Whether a stay may be sold: each rule by example, and all together against a plainer oracle."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.cells import Cell, Cells
from simulators.opentravel.days import midnight
from simulators.opentravel.stays import Stay
from simulators.ota.sellable import nightly_prices, refusals
from tests.simulators.support import day

FIRST = day("02-01")
BOOKED_AT = midnight(FIRST) - 10 * 86_400


def cells_with(changes: dict[int, dict[str, Any]], plan: str = "FLEX", limit: int = 3) -> Cells:
    """Ten open, priced days from FIRST, with `changes` by day number."""
    found = Cells()
    found.limits["DBL"] = {FIRST + number: limit for number in range(10)}
    open_cell: dict[str, Any] = {"base": {2: 10_000}}
    found.products[("DBL", "FLEX")] = {FIRST + number: Cell(**open_cell) for number in range(10)}
    for number, fields in changes.items():
        old = open_cell if plan == "FLEX" else {}
        found.products.setdefault(("DBL", plan), {})[FIRST + number] = Cell(**(old | fields))
    return found


def stay(first: int, last: int, **more: Any) -> Stay:
    return Stay("DBL", "FLEX", FIRST + first, FIRST + last, **more)


@pytest.mark.parametrize(
    ("changes", "first", "last", "expected"),
    [
        ({}, 2, 5, []),
        ({2: {"closed": True}}, 2, 5, ["closed"]),
        ({4: {"closed": True}}, 2, 5, ["closed"]),
        ({5: {"closed": True}}, 2, 5, []),
        ({2: {"cta": True}}, 2, 5, ["cta"]),
        ({3: {"cta": True}}, 2, 5, []),
        ({5: {"ctd": True}}, 2, 5, ["ctd"]),
        ({4: {"ctd": True}}, 2, 5, []),
        ({2: {"min_arrival": 3}}, 2, 5, []),
        ({2: {"min_arrival": 4}}, 2, 5, ["min_arrival"]),
        ({3: {"min_arrival": 4}}, 2, 5, []),
        ({2: {"max_arrival": 2}}, 2, 5, ["max_arrival"]),
        ({3: {"max_arrival": 2}}, 2, 5, []),
        ({4: {"min_through": 4}}, 2, 5, ["min_through"]),
        ({5: {"min_through": 4}}, 2, 5, []),
        ({4: {"max_through": 2}}, 2, 5, ["max_through"]),
        ({5: {"max_through": 2}}, 2, 5, []),
        ({2: {"pattern": "YYN"}}, 2, 5, ["pattern"]),
        ({2: {"pattern": "NNY"}}, 2, 5, []),
        ({2: {"pattern": "NN"}}, 2, 5, []),
        ({2: {"min_offset_s": 12 * 86_400}}, 2, 5, []),
        ({2: {"min_offset_s": 12 * 86_400 + 1}}, 2, 5, ["min_offset"]),
        ({2: {"max_offset_s": 12 * 86_400 - 1}}, 2, 5, ["max_offset"]),
        ({3: {"max_offset_s": 1}}, 2, 5, []),
        ({4: {"base": {}}}, 2, 5, ["price"]),
        ({}, 8, 11, ["limit", "price"]),
    ],
)
def test_each_rule(changes: dict[int, dict[str, Any]], first: int, last: int, expected: list[str]) -> None:
    assert refusals(cells_with(changes), stay(first, last), BOOKED_AT) == expected


def test_limits_count_units_on_every_night() -> None:
    found = cells_with({})
    found.limits["DBL"][FIRST + 4] = 1
    assert refusals(found, stay(2, 5, units=1), BOOKED_AT) == []
    assert refusals(found, stay(2, 5, units=2), BOOKED_AT) == ["limit"]
    assert refusals(found, stay(2, 4, units=2), BOOKED_AT) == []


def test_rules_of_the_room_type_count_too() -> None:
    assert refusals(cells_with({3: {"closed": True}}, plan=""), stay(2, 5), BOOKED_AT) == ["closed"]


@pytest.mark.parametrize(
    ("base", "extra", "adults", "children", "price"),
    [
        ({1: 80, 2: 100}, {}, 2, 0, 100),
        ({1: 80, 2: 100}, {}, 1, 0, 80),
        ({0: 90}, {}, 2, 0, 90),
        ({2: 100}, {}, 3, 0, None),
        ({2: 100}, {"10": 30}, 4, 0, 160),
        ({2: 100}, {"10": 30}, 1, 0, None),
        ({2: 100}, {"8": 15}, 2, 2, 130),
        ({2: 100}, {}, 2, 1, 100),
    ],
)
def test_prices(base: dict[int, int], extra: dict[str, int], adults: int, children: int, price: int | None) -> None:
    found = cells_with({2: {"base": base, "extra": extra}})
    expected = None if price is None else [price]
    assert nightly_prices(found, stay(2, 3, adults=adults, children=children)) == expected


maybe_nights = st.none() | st.integers(1, 4)
one_cell = st.fixed_dictionaries(
    {
        "closed": st.booleans(),
        "cta": st.booleans(),
        "ctd": st.booleans(),
        "min_arrival": maybe_nights,
        "max_arrival": maybe_nights,
        "min_through": maybe_nights,
        "max_through": maybe_nights,
        "pattern": st.none() | st.text("YN", min_size=1, max_size=4),
    }
)


# The rule is what is tested, not the speed of a busy machine.
@settings(deadline=None)
@given(
    changes=st.dictionaries(st.integers(0, 6), one_cell, max_size=4),
    limits=st.lists(st.integers(0, 2), min_size=10, max_size=10),
    first=st.integers(0, 4),
    nights=st.integers(1, 5),
)
def test_against_a_plain_oracle(changes: dict[int, dict[str, Any]], limits: list[int], first: int, nights: int) -> None:
    found = cells_with(changes)
    found.limits["DBL"] = {FIRST + number: count for number, count in enumerate(limits)}
    assert (refusals(found, stay(first, first + nights), BOOKED_AT) == []) is oracle(changes, limits, first, nights)


def oracle(changes: dict[int, dict[str, Any]], limits: list[int], first: int, nights: int) -> bool:
    """Section 3.2 read once more, as one guard after the other."""
    arrival, departure = changes.get(first, {}), changes.get(first + nights, {})
    for night in range(first, first + nights):
        rules = changes.get(night, {})
        if limits[night] < 1 or rules.get("closed"):
            return False
        if rules.get("min_through") and nights < rules["min_through"]:
            return False
        if rules.get("max_through") and nights > rules["max_through"]:
            return False
    if arrival.get("cta") or departure.get("ctd"):
        return False
    lowest, highest = arrival.get("min_arrival") or 1, arrival.get("max_arrival") or 999
    if not lowest <= nights <= highest:
        return False
    pattern = (arrival.get("pattern") or "") + "Y" * 10
    return pattern[nights - 1] == "Y"
