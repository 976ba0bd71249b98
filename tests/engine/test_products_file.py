"""Room types and rate plans of a hotel file: what is made of others, what follows others, what lengths cost."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.engine.hotel_changes import plan, render
from gateway.engine.hotel_file import HotelFileError, read_tables
from gateway.engine.hotel_tables import tables_of
from gateway.model.dates import LAST_DAY, parse_day
from gateway.model.property import Adjustment, LengthRate, Part, Property, RatePlan, RoomType, Rounding
from gateway.model.selling import ChildRate

HEAD = {"id": "h", "name": "H", "currency": "EUR", "timezone": "UTC"}
DOUBLE = {"code": "DBL", "units": 5}
BAR = {"code": "BAR"}


def read(rooms: list[dict[str, Any]], plans: list[dict[str, Any]], **more: Any) -> Property:
    tables = {"property": HEAD, "room_types": rooms, "rate_plans": plans, **more}
    return read_tables(tables, {}).property


def problems(rooms: list[dict[str, Any]], plans: list[dict[str, Any]], **more: Any) -> tuple[str, ...]:
    with pytest.raises(HotelFileError) as caught:
        read(rooms, plans, **more)
    return tuple(caught.value.problems)


def test_what_is_made_of_others_has_as_many_as_they_give_or_fewer() -> None:
    single = {"code": "SGL", "units": 3}
    suite = {"code": "STE", "made_of": {"DBL": 2}}
    family = {"code": "FAM", "made_of": {"DBL": 1, "SGL": 1}, "units": 1}
    rooms = read([suite, DOUBLE, single, family], [BAR]).room_types
    assert rooms[0] == RoomType("STE", "STE", 2, 2, (Part("DBL", 2),))
    assert (rooms[3].units, rooms[3].made_of) == (1, (Part("DBL"), Part("SGL")))


@pytest.mark.parametrize(
    ("room", "problem"),
    [
        ({"made_of": {"DLB": 2}}, 'room_types[1].made_of.DLB: there is no room type "DLB"; did you mean "DBL"?'),
        (
            {"made_of": {"STE": 2}, "units": 1},
            "room_types[1].made_of.STE: must be a room type with rooms of its own, not one that is made of others",
        ),
        ({"made_of": {"DBL": 6}}, "room_types[1].made_of: takes more rooms than there are"),
        (
            {"made_of": {}},
            "room_types[1].made_of: an empty table is not room types with how many, { DBL = 2 }",
        ),
        ({}, "room_types[1].units: is missing"),
    ],
)
def test_a_room_type_that_cannot_be(room: dict[str, Any], problem: str) -> None:
    assert problem in problems([DOUBLE, {"code": "STE", **room}], [BAR])


def test_what_is_made_of_others_is_not_made_of_again() -> None:
    suite = {"code": "STE", "made_of": {"DBL": 2}}
    palace = {"code": "PAL", "made_of": {"STE": 1}, "units": 1}
    expected = "room_types[2].made_of.STE: must be a room type with rooms of its own, not one that is made of others"
    assert problems([DOUBLE, suite, palace], [BAR]) == (expected,)


LENGTHS = [
    {"nights": 7, "percent": "-10", "round_to": "1.00", "rounding": "up"},
    {"nights": 28, "amount": "-12.50", "first": "2031-01-01"},
]


def test_lengths_and_restrictions_of_a_plan() -> None:
    bar, own = read(
        [DOUBLE], [{**BAR, "lengths": LENGTHS}, {"code": "OWN", "derived_from": "BAR", "restrictions": "own"}]
    ).rate_plans
    assert bar.lengths == (
        LengthRate(7, Adjustment(-1_000, 0, 100, Rounding.UP)),
        LengthRate(28, Adjustment(amount=-1_250), parse_day("2031-01-01"), LAST_DAY),
    )
    assert own == RatePlan("OWN", "OWN", "BAR", own_rules=True)


@pytest.mark.parametrize(
    ("rate_plan", "problem"),
    [
        (
            {"lengths": [{"nights": 1, "percent": 1}]},
            "rate_plans[0].lengths[0].nights: 1 is not a number of nights from 2 to 999",
        ),
        ({"lengths": [{"nights": 7}]}, "rate_plans[0].lengths[0]: needs a percent or an amount"),
        ({"lengths": [{"percent": 1}]}, "rate_plans[0].lengths[0].nights: is missing"),
        (
            {"lengths": [{"nights": 7, "percent": 1, "first": "2031-01-02", "last": "2031-01-01"}]},
            "rate_plans[0].lengths[0].last: is before first",
        ),
        (
            {"lengths": [{"nights": 7, "percent": -100}]},
            "rate_plans[0].lengths[0].percent: is not between -100 and 1000",
        ),
        (
            {"restrictions": "own"},
            "rate_plans[0].restrictions: is for derived rate plans; add derived_from, or leave it out",
        ),
    ],
)
def test_a_rate_plan_that_cannot_be(rate_plan: dict[str, Any], problem: str) -> None:
    assert problem in problems([DOUBLE], [{**BAR, **rate_plan}])


CHILDREN = [{"age_max": 5, "percent": "0"}, {"age_max": 11, "amount": "20.00", "rooms": ["DBL"]}]


def test_what_children_pay_by_age() -> None:
    prop = read([DOUBLE], [BAR], selling={"children": CHILDREN})
    assert prop.selling.children == (ChildRate(5, 0), ChildRate(11, None, 2_000, ("DBL",)))
    for line, problem in (
        ({"age_max": 12, "percent": 1}, ".age_max: is not the age of a child: see infant_age_max and child_age_max"),
        ({"age_max": 5}, ": needs a percent or an amount, and not both"),
        ({"age_max": 5, "amount": 1, "rooms": ["X"]}, '.rooms: there is no room type "X"'),
    ):
        found = problems([DOUBLE], [BAR], selling={"children": [line]})
        assert any(each.startswith(f"selling.children[0]{problem}") for each in found), found


def test_what_is_written_is_read_again() -> None:
    suite = {"code": "STE", "made_of": {"DBL": 2}}
    own = {"code": "OWN", "derived_from": "BAR", "restrictions": "own", "lengths": LENGTHS[:1]}
    prop = read([DOUBLE, suite], [{**BAR, "lengths": LENGTHS}, own], selling={"children": CHILDREN})
    assert read_tables(tables_of(prop), {}).property == prop


def test_changes_of_them_are_told() -> None:
    before = read([DOUBLE, {"code": "STE", "units": 2}], [BAR])
    suite = {"code": "STE", "made_of": {"DBL": 2}}
    after = read([DOUBLE, suite], [{**BAR, "lengths": LENGTHS}], selling={"children": CHILDREN})
    assert render(plan(before, after)).splitlines()[:-2] == [
        "  ~ room type STE: made of none → 2 DBL",
        "  ~ rate plan BAR: by length of stay none → 7 nights -10 % rounded up to 1.00, "
        "28 nights from 2031-01-01 0 % -12.50",
        "  + selling children: up to 5 age_max 5, percent 0",
        "  + selling children: up to 11 DBL age_max 11, amount 20.00, rooms [DBL]",
    ]
