"""``[selling]`` of the hotel file: read, told apart, and written out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway
from gateway.engine.hotel_changes import plan
from gateway.engine.hotel_file import HotelFileError, read, read_tables
from gateway.engine.hotel_tables import tables_of
from gateway.engine.selling_shapes import (
    PlanTermsTable,
    PolicyTable,
    PromotionTable,
    RoomTermsTable,
    SellingTable,
    StepTable,
    TaxTable,
)
from gateway.engine.selling_tables import selling_tables
from gateway.model.dates import parse_day
from gateway.model.property import Allotment, Connection, Property, RatePlan, Role, RoomType
from gateway.model.selling import (
    Guarantee,
    Per,
    PlanTerms,
    Policy,
    Promotion,
    RoomTerms,
    Selling,
    Share,
    Step,
    Tax,
)

HOTEL = """
[property]
id = "h"
name = "Hotel"
currency = "EUR"
timezone = "Europe/Madrid"

[[room_types]]
code = "DBL"
units = 3

[[rate_plans]]
code = "BAR"
"""
FULL = """
[[connections]]
id = "site"
role = "direct"
allotment = { keep_back = 1 }

[selling]
check_in = "14:30"
quote_minutes = 20
hold_minutes = 10
infant_age_max = 2
child_age_max = 12
policy = "FLEX"
mail_from = "Hotel <desk@hotel.example>"
taxes = [
    { code = "VAT", percent = "10", included = true },
    { code = "CITY", name = "City tax", amount = "1.50", per = "person_night", age_from = 16, nights_max = 7 },
    { code = "CLEAN", amount = 30, per = "stay", fee = true },
]
policies = [
    { code = "FLEX", guarantee = "card", cancel = [{ within_h = 48, nights = 1 }, { within_h = 6, percent = "100" }] },
    { code = "NR", name = "Non-refundable", guarantee = "prepaid", cancel = [{ percent = "100" }], changeable = false },
    { code = "DEP", guarantee = "deposit", deposit = { percent = "30" }, no_show = { nights = 1, amount = "20.00" } },
]
promotions = [
    { code = "EARLY", percent = "12.5", advance_min_h = 720, first = "2031-05-01", last = "2031-09-30" },
    { code = "CLUB", codes = ["GOLD", "SILVER"], amount = "10.00", rooms = ["DBL"], plans = ["BAR"] },
    { code = "FOUR", free_night = 4, nights_min = 4 },
]
plans = [{ plan = "BAR", policy = "NR", codes = ["STAFF"] }]
rooms = [{ room = "DBL", guests_max = 3, children_max = 1 }]
"""
READ = Selling(
    check_in_min=14 * 60 + 30,
    quote_s=1_200,
    hold_s=600,
    infant_age_max=2,
    child_age_max=12,
    policy="FLEX",
    mail_from="Hotel <desk@hotel.example>",
    taxes=(
        Tax("VAT", "VAT", percent_bp=1_000, included=True),
        Tax("CITY", "City tax", amount=150, per=Per.PERSON_NIGHT, age_from=16, nights_max=7),
        Tax("CLEAN", "CLEAN", amount=3_000, per=Per.STAY, fee=True),
    ),
    policies=(
        Policy("FLEX", "FLEX", Guarantee.CARD, steps=(Step(Share(1), 48), Step(Share(percent_bp=10_000), 6))),
        Policy("NR", "Non-refundable", Guarantee.PREPAID, steps=(Step(Share(percent_bp=10_000)),), changeable=False),
        Policy("DEP", "DEP", Guarantee.DEPOSIT, deposit=Share(percent_bp=3_000), no_show=Share(1, amount=2_000)),
    ),
    promotions=(
        Promotion(
            "EARLY",
            "EARLY",
            percent_bp=1_250,
            advance_min_h=720,
            first=parse_day("2031-05-01"),
            last=parse_day("2031-09-30"),
        ),
        Promotion("CLUB", "CLUB", ("GOLD", "SILVER"), amount=1_000, rooms=("DBL",), plans=("BAR",)),
        Promotion("FOUR", "FOUR", free_night=4, nights_min=4),
    ),
    plans=(PlanTerms("BAR", "NR", ("STAFF",)),),
    rooms=(RoomTerms("DBL", 3, 1),),
)


def selling(text: str) -> Selling:
    return read(HOTEL + text, {}).property.selling


def problems(lines: str) -> list[str]:
    with pytest.raises(HotelFileError) as told:
        read(f"{HOTEL}\n[selling]\n{lines}\n", {})
    return list(told.value.problems)


def test_everything_is_read() -> None:
    prop = read(HOTEL + FULL, {}).property
    assert prop.connections == (Connection("site", "", "", Role.DIRECT, "", allotment=Allotment(keep_back=1)),)
    assert prop.selling == READ


def test_it_is_written_as_it_is_read() -> None:
    prop = read(HOTEL + FULL, {}).property
    again = read_tables(tables_of(prop), {}).property
    assert again == prop
    assert plan(prop, again) == []


def test_a_hotel_that_does_not_sell_writes_nothing() -> None:
    assert selling_tables(selling(""), "EUR") == {}


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('policy = "FLEX"', 'selling.policy: there is no policy "FLEX"'),
        (
            'schedules = [{ code = "F", pays = "virtual-card" }]\n'
            'plans = [{ plan = "BAR", schedule = "F", on_request = true }]',
            "selling.plans[0].on_request: is for plans that are paid at the hotel: nothing is taken before a request is"
            " accepted",
        ),
        ('check_in = "3pm"', 'selling.check_in: "3pm" is not a time of day such as "15:00"'),
        ('mail_from = "desk"', 'selling.mail_from: "desk" is not an e-mail address'),
        ('taxes = [{ code = "T" }]', "selling.taxes[0]: needs a percent or an amount, and not both"),
        ('taxes = [{ code = "T", percent = "-1" }]', "selling.taxes[0].percent: is not between 0 and 1000"),
        (
            'taxes = [{ code = "T", percent = 1, nights_max = 2 }]',
            "selling.taxes[0].nights_max: has no effect on a percentage",
        ),
        (
            'taxes = [{ code = "T", amount = 1, per = "stay", included = true }]',
            'selling.taxes[0].included: takes an amount per = "night"',
        ),
        (
            'taxes = [{ code = "T", amount = 1 }, { code = "T", amount = 2 }]',
            'selling.taxes[1].code: "T" is already selling.taxes[0]',
        ),
        (
            'policies = [{ code = "P", cancel = [{ percent = "101" }] }]',
            "selling.policies[0].cancel[0].percent: is not between 0 and 100",
        ),
        (
            'promotions = [{ code = "P", free_night = 1 }]',
            "selling.promotions[0].free_night: would give every night away; it is 2 or more",
        ),
        (
            'promotions = [{ code = "P", rooms = ["DBLE"] }]',
            'selling.promotions[0].rooms: there is no room type "DBLE"; did you mean "DBL"?',
        ),
        ('plans = [{ plan = "BAR", policy = "X" }]', 'selling.plans[0].policy: there is no policy "X"'),
        ('rooms = [{ room = "X" }]', 'selling.rooms[0].room: there is no room type "X"'),
        ("rooms = [{ guests_max = 2 }]", "selling.rooms[0].room: is missing"),
        ('promotions = [{ code = "P", first = "2031-02-30" }]', None),
    ],
)
def test_what_is_wrong_is_told(lines: str, told: str | None) -> None:
    found = problems(lines)
    assert len(found) == 1
    assert told is None or found[0] == told


def test_included_taxes_need_gross_prices() -> None:
    text = HOTEL.replace('name = "Hotel"', 'name = "Hotel"\nprices = "net"')
    with pytest.raises(HotelFileError, match="cannot be true"):
        read(text + '[selling]\ntaxes = [{ code = "T", percent = 1, included = true }]', {})


def test_a_direct_connection_is_no_account() -> None:
    with pytest.raises(HotelFileError, match="there is no such setting"):
        read(HOTEL + '[[connections]]\nid = "site"\nrole = "direct"\nurl = "https://x.example"\n', {})


# --- and back ---------------------------------------------------------------------------------------------------------

CODE = st.text("ABC", min_size=1, max_size=2)
SHARE = st.builds(Share, st.integers(0, 3), st.integers(0, 10_000), st.integers(0, 9_999))
STEP = st.builds(Step, SHARE, st.none() | st.integers(0, 500))
NAME = st.text("xyz", min_size=1, max_size=3)
POLICY = st.builds(
    Policy, CODE, NAME, st.sampled_from(Guarantee), SHARE, st.lists(STEP, max_size=3).map(tuple), SHARE, st.booleans()
)
PERCENT_TAX = st.builds(Tax, CODE, NAME, percent_bp=st.integers(0, 100_000), included=st.booleans(), fee=st.booleans())
AMOUNT_TAX = st.builds(
    Tax,
    CODE,
    NAME,
    amount=st.integers(1, 10_000),
    per=st.sampled_from(Per),
    fee=st.booleans(),
    age_from=st.integers(0, 20),
    nights_max=st.integers(0, 9),
)
PROMOTION = st.builds(
    Promotion,
    CODE,
    NAME,
    st.lists(NAME, max_size=2).map(tuple),
    st.integers(0, 10_000),
    st.integers(0, 9_999),
    st.sampled_from([0, 2, 5]),
    st.sampled_from([(), ("DBL",)]),
    st.sampled_from([(), ("BAR",)]),
    *[st.integers(0, 20)] * 4,
    first=st.integers(730_000, 740_000),
    last=st.integers(740_001, 750_000),
)


def by_code(strategy: st.SearchStrategy[Any], name: str = "code") -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3, unique_by=lambda each: getattr(each, name)).map(tuple)


SELLING = st.builds(
    Selling,
    check_in_min=st.integers(0, 24 * 60 - 1),
    quote_s=st.integers(1, 90).map(lambda minutes: minutes * 60),
    hold_s=st.integers(1, 90).map(lambda minutes: minutes * 60),
    request_s=st.integers(1, 90).map(lambda minutes: minutes * 60),
    infant_age_max=st.integers(-1, 4),
    child_age_max=st.integers(5, 17),
    mail_from=st.sampled_from(["", "a@b.example"]),
    taxes=by_code(PERCENT_TAX | AMOUNT_TAX),
    policies=by_code(POLICY),
    promotions=by_code(PROMOTION),
    plans=st.sampled_from([(), (PlanTerms("BAR", "", ("X",)),), (PlanTerms("BAR", on_request=True),)]),
    rooms=st.sampled_from([(), (RoomTerms("DBL", 4, None),), (RoomTerms("DBL", None, 0),)]),
)


def house(terms: Selling) -> Property:
    return Property("h", "Hotel", "EUR", "UTC", (RoomType("DBL", "DBL", 3),), (RatePlan("BAR", "BAR"),), selling=terms)


@given(SELLING, SELLING)
def test_any_terms_survive_the_file_and_every_difference_is_a_line(one: Selling, other: Selling) -> None:
    again = read_tables(tables_of(house(one)), {}).property.selling
    assert again == one
    assert (plan(house(one), house(other)) == []) is (one == other)


def test_each_change_is_a_line() -> None:
    lines = [change.line for change in plan(house(Selling()), house(READ))]
    assert "~ property h: selling" not in "\n".join(lines)
    assert "~ selling: check_in none → 14:30" in lines
    assert "+ selling taxes: VAT name VAT, percent 10, included True" in lines


def test_every_setting_is_described() -> None:
    text = (Path(gateway.__file__).parents[1] / "docs" / "selling.md").read_text(encoding="utf-8")
    shapes = (SellingTable, TaxTable, StepTable, PolicyTable, PromotionTable, PlanTermsTable, RoomTermsTable)
    names = {name for shape in shapes for name in shape.__struct_fields__}
    assert not sorted(name for name in names if f"`{name}`" not in text)
