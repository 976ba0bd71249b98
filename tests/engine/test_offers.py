"""The search against an oracle that knows nothing of it: it looks at one night after the other, in plain words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.asking import Ask, Offer, Offers, Party
from gateway.engine.calendar import PRODUCT, Sheet
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.offers import Shop, is_closed, shop_of
from gateway.engine.promotions import cheapest, possible
from gateway.engine.rates import lineage
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.model.dates import BLOCK_DAYS, parse_day
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    FigureKind,
    LengthRate,
    Property,
    RatePlan,
    Role,
    RoomType,
    Rounding,
)
from gateway.model.selling import ChildRate, Pays, Per, PlanTerms, Policy, Promotion, RoomTerms, Schedule, Selling, Tax

ZONE = "Europe/Madrid"
# A block begins four days after, and summer time in that week.
FIRST = parse_day("2027-03-24")
DAYS = 16
ROOMS = (RoomType("DBL", "DBL", 9), RoomType("FAM", "FAM", 9, adults_max=3))
PLANS = (
    RatePlan("BAR", "BAR", lengths=(LengthRate(3, Adjustment(-500)), LengthRate(3, Adjustment(-1_000), FIRST + 4))),
    RatePlan("NR", "NR", "BAR", Adjustment(-1_000)),
    RatePlan("NRX", "NRX", "NR", Adjustment(amount=-500), (LengthRate(5, Adjustment(amount=-300)),)),
    RatePlan("OWN", "OWN", "NR", Adjustment(step=50, rounding=Rounding.UP), own_rules=True),
    RatePlan("HB", "HB"),
)
LINES = {
    "BAR": ["BAR"],
    "NR": ["NR", "BAR"],
    "NRX": ["NRX", "NR", "BAR"],
    "OWN": ["OWN", "NR", "BAR"],
    "HB": ["HB"],
}
CHECK_IN_H = 14
SELLING = Selling(
    check_in_min=CHECK_IN_H * 60,
    infant_age_max=1,
    child_age_max=11,
    plans=(PlanTerms("HB", codes=("club",)),),
    rooms=(RoomTerms("FAM", 5, 2),),
    children=(ChildRate(2, 0, rooms=("FAM",)), ChildRate(5, 5_000, plans=("BAR", "NR")), ChildRate(9, amount=650)),
)
Target = tuple[str, str]
TARGETS: list[Target] = [("", ""), *((room.code, plan) for room in ROOMS for plan in ("", *LINES))]


@dataclasses.dataclass
class World:
    """Everything by target and day, as a person would note it; what is absent is not restricted."""

    rules: dict[tuple[str, str, int], dict[str, int]]
    prices: dict[tuple[str, str, int], dict[str, int]]
    stock: dict[tuple[str, int], tuple[int, int, int, int]]
    kind: FigureKind
    house: bool
    allotment: Allotment

    @property
    def hotel(self) -> Hotel:
        pms = Connection("pms", "x", "x", Role.PMS, "P", figures=self.kind, house_figures=self.house)
        site = Connection("site", "", "", Role.DIRECT, "", allotment=self.allotment)
        return Hotel(Property("h", "H", "EUR", ZONE, ROOMS, PLANS, (pms, site), selling=SELLING), 1)

    def calendar(self) -> Calendar:
        blocks = range(FIRST // BLOCK_DAYS, (FIRST + DAYS) // BLOCK_DAYS + 1)
        keys = [(*target, block) for target in TARGETS for block in blocks]
        sheet = Sheet(PRODUCT, keys, 3)
        for (room, plan, day), found in (*self.rules.items(), *self.prices.items()):
            row, slot = sheet.row[room, plan, day // BLOCK_DAYS], day % BLOCK_DAYS
            for name, value in found.items():
                if name.startswith("price"):
                    sheet.columns["price"][row, slot, int(name[5:]) - 1] = value
                else:
                    sheet.columns[name][row, slot] = value
        rows = {(room, block): open_stock(None) for room in ("", "DBL", "FAM") for block in blocks}
        for (room, day), counts in self.stock.items():
            for plane, count in zip((FIGURE, SOLD, UNSEEN, HELD), counts, strict=True):
                rows[room, day // BLOCK_DAYS][plane + day % BLOCK_DAYS] = count
        stored = list(zip(keys, sheet.pack(range(len(keys))), strict=True))
        return Calendar(3, stored, [(key, row.tobytes()) for key, row in rows.items()])


RULES = st.fixed_dictionaries(
    {},
    optional={
        "closed": st.just(1),
        "cta": st.just(1),
        "ctd": st.just(1),
        "min_arrival": st.integers(1, 4),
        "min_through": st.integers(1, 4),
        "max_arrival": st.integers(1, 6),
        "max_through": st.integers(1, 6),
        "los_closed": st.integers(1, 63),
        "min_offset_h": st.integers(1, 120),
        "max_offset_h": st.integers(60, 300),
    },
)
PRICES = st.fixed_dictionaries(
    {},
    optional={
        **{f"price{guests}": st.integers(400, 20_000) for guests in (1, 2, 3)},
        "extra_adult": st.integers(0, 3_000),
        "extra_child": st.integers(0, 2_000),
    },
)
COUNTS = st.tuples(st.integers(-1, 5), st.integers(0, 2), st.integers(-2, 1), st.integers(0, 2))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Rules are rare, so that something is left to be offered; most prices and figures are there."""
    random = Random(draw(st.integers(0, 2**32)))
    days = range(FIRST, FIRST + DAYS)
    rules = {}
    for _ in range(draw(st.integers(0, 6))):
        target, found, first = random.choice(TARGETS), draw(RULES), random.choice(days)
        for day in range(first, min(first + random.choice([1, 2, 9]), FIRST + DAYS)):
            rules[(*target, day)] = found
    usual = {f"price{guests}": 9_000 + 1_000 * guests for guests in (1, 2, 3)} | {"extra_child": 700}
    prices = {(room.code, plan, day): usual for room in ROOMS for plan in ("BAR", "HB") for day in days}
    for _ in range(draw(st.integers(0, 5))):
        prices[random.choice(ROOMS).code, random.choice(["BAR", "HB"]), random.choice(days)] = draw(PRICES)
    stock = {(room, day): (4, 0, 0, 0) for room in ("", "DBL", "FAM") for day in days}
    for _ in range(draw(st.integers(0, 6))):
        stock[random.choice(["", "DBL", "FAM"]), random.choice(days)] = draw(COUNTS)
    allotment = draw(st.sampled_from([Allotment(), Allotment(cap=2), Allotment(keep_back=1), Allotment(close_at=2)]))
    return World(rules, prices, stock, draw(st.sampled_from(FigureKind)), draw(st.booleans()), allotment)


# --- the oracle -------------------------------------------------------------------------------------------------------


def rule(world: World, room: str, plan: str, day: int, name: str) -> list[int]:
    """The limit at every level that sets one."""
    line = ["OWN"] if plan == "OWN" else LINES[plan]
    levels = [("", ""), (room, ""), *((room, each) for each in line)]
    found = [world.rules.get((*level, day), {}).get(name, 0) for level in levels]
    return [value for value in found if value]


def why_not(world: World, room: str, plan: str, arrival: int, nights: int, now: datetime) -> set[str]:
    """Reasons of the calendar, one night after the other."""
    found = set()
    for night in range(arrival, arrival + nights):
        if rule(world, room, plan, night, "closed"):
            found.add("closed")
        if any(nights < least for least in rule(world, room, plan, night, "min_through")):
            found.add("min_stay")
        if any(nights > most for most in rule(world, room, plan, night, "max_through")):
            found.add("max_stay")
    if rule(world, room, plan, arrival, "cta"):
        found.add("closed_to_arrival")
    if rule(world, room, plan, arrival + nights, "ctd"):
        found.add("closed_to_departure")
    if any(nights < least for least in rule(world, room, plan, arrival, "min_arrival")):
        found.add("min_stay")
    if any(nights > most for most in rule(world, room, plan, arrival, "max_arrival")):
        found.add("max_stay")
    for pattern in rule(world, room, plan, arrival, "los_closed"):
        if f"{pattern:b}"[::-1].ljust(nights, "0")[nights - 1] == "1":
            found.add("length_of_stay")
    comes = datetime.fromordinal(arrival).replace(hour=CHECK_IN_H, tzinfo=ZoneInfo(ZONE))
    notice_h = (comes.astimezone(UTC) - now).total_seconds() / 3_600
    if any(notice_h < least for least in rule(world, room, plan, arrival, "min_offset_h")):
        found.add("too_late")
    if any(notice_h > most for most in rule(world, room, plan, arrival, "max_offset_h")):
        found.add("too_early")
    return found


def derived_price(plan: str, price: int, stay: range, *, extra: bool) -> int:
    """From the plan with prices of its own down, each with what it takes off for the length of the stay."""
    for each in reversed(LINES[plan]):
        if each == "BAR" and len(stay) >= 3:
            price = round_half_up(price * (Fraction(9, 10) if stay[0] >= FIRST + 4 else Fraction(19, 20)))
        elif each == "NR":
            price = round_half_up(price * Fraction(9, 10))
        elif each == "NRX" and not extra:
            price = max(0, price - 500)
            price = max(0, price - 300) if len(stay) >= 5 else price
        elif each == "OWN":
            price = math.ceil(Fraction(price, 50)) * 50
    return price


def round_half_up(price: Fraction) -> int:
    return math.floor(price + Fraction(1, 2))


def child_line(room: str, plan: str, age: int) -> str:
    if age <= 2 and room == "FAM":
        return "free"
    if age <= 5 and plan in ("BAR", "NR"):
        return "half"
    return "fixed" if age <= 9 else "plain"


def price_of(world: World, room: str, plan: str, night: int, stay: range, adults: int, ages: list[int]) -> int | None:
    said = world.prices.get((room, LINES[plan][-1], night), {})
    lines = [child_line(room, plan, age) for age in ages]
    extra = {
        name: derived_price(plan, said[name], stay, extra=True)
        for name in ("extra_adult", "extra_child")
        if name in said
    }
    child = extra.get("extra_child", extra.get("extra_adult"))
    if child is None:
        lines = ["plain" if line == "half" else line for line in lines]
    children = lines.count("plain")
    apart = 650 * lines.count("fixed") + lines.count("half") * round_half_up(Fraction(child or 0, 2))
    places = {"DBL": 2, "FAM": 3}[room]
    known: dict[int, int] = {}
    for guests in range(1, places + 1):
        # A price for more guests holds for fewer, where fewer have none.
        for paid in range(guests, places + 1):
            if f"price{paid}" in said and (price := derived_price(plan, said[f"price{paid}"], stay, extra=False)) > 0:
                known[guests] = price
                break

    def of(people: int) -> int | None:
        fitting = [guests for guests in known if guests <= people]
        if not fitting:
            return None
        more = people - max(fitting)
        if more and "extra_adult" not in said:
            return None
        return known[max(fitting)] + more * extra.get("extra_adult", 0) + apart

    if children and "extra_child" in said:
        adult_price = of(adults)
        return None if adult_price is None else adult_price + children * extra["extra_child"]
    return of(adults + children)


def rooms_left(world: World, room: str, night: int, given_back: dict[tuple[str, int], int]) -> int:
    def of(name: str) -> int | None:
        figure, sold, unseen, held = world.stock[name, night]
        if figure < 0:
            return None
        if world.kind is FigureKind.ALLOCATION:
            return figure - sold - held
        return figure + (unseen if figure or unseen < 0 else 0) - held

    left = (of(room) or 0) + given_back.get((room, night), 0)
    if world.house and (house := of("")) is not None:
        left = min(left, house + sum(units for (_, day), units in given_back.items() if day == night))
    if left <= world.allotment.close_at:
        return 0
    left -= world.allotment.keep_back
    return max(0, left if world.allotment.cap is None else min(left, world.allotment.cap))


def oracle(world: World, ask: Ask, now: datetime) -> Iterator[tuple[str, str, set[str], list[int | None], int]]:
    infants = [age for age in ask.party.child_ages if age <= 1]
    children = [age for age in ask.party.child_ages if 1 < age <= 11]
    adults = ask.party.adults + len(ask.party.child_ages) - len(infants) - len(children)
    for room in ("DBL", "FAM"):
        for plan in LINES:
            if plan == "HB" and "CLUB" not in ask.codes:
                continue
            nights = range(ask.arrival, ask.departure)
            found = why_not(world, room, plan, ask.arrival, len(nights), now)
            prices = [price_of(world, room, plan, night, nights, adults, children) for night in nights]
            places = {"DBL": 2, "FAM": 5}[room]
            if adults == 0 or adults + len(children) > places or (room == "FAM" and len(children) > 2):
                found.add("occupancy")
            elif None in prices:
                found.add("no_price")
            left = min(rooms_left(world, room, night, dict(ask.given_back)) for night in nights)
            if left < ask.units:
                found.add("no_rooms")
            yield room, plan, found, prices, left


ASKS = st.builds(
    lambda first, nights, adults, ages, units, codes, back: Ask(
        FIRST + first, FIRST + first + nights, Party(adults, ages), units, codes, given_back=back
    ),
    st.integers(0, 8),
    st.integers(1, 7),
    st.integers(0, 4),
    st.lists(st.sampled_from([0, 1, 2, 3, 5, 6, 11, 12, 17]), max_size=3).map(tuple),
    st.integers(1, 3),
    st.sampled_from([(), ("CLUB",)]),
    st.just({}) | st.just({("DBL", FIRST + 3): 1}),
)


@settings(max_examples=150, deadline=None)
@given(worlds(), ASKS, st.integers(0, 12 * 24 * 60))
def test_the_search_says_what_night_by_night_says(world: World, ask: Ask, minutes: int) -> None:
    now_ms = int(datetime(2027, 3, 14, tzinfo=UTC).timestamp() * 1000) + minutes * 60_000
    found = shop_of(world.hotel, "site").search(world.calendar(), ask, now_ms)
    offers = {(offer.room, offer.plan): offer for offer in found.offers}
    refused = {(each.room, each.plan): {why.value for why in each.why} for each in found.unoffered}
    seen = set()
    for room, plan, reasons, prices, left in oracle(world, ask, datetime.fromtimestamp(now_ms / 1000, UTC)):
        seen.add((room, plan))
        assert refused.get((room, plan), set()) == reasons, (room, plan)
        if not reasons:
            offer = offers[room, plan]
            assert (list(offer.nightly), offer.left) == (prices, left)
            assert offer.total == offer.accommodation == sum(offer.nightly) * ask.units
    assert seen == offers.keys() | refused.keys()


@given(worlds(), st.integers(0, 8), st.integers(1, 7))
def test_whether_it_is_closed_by_now_is_asked_of_the_same_nights(world: World, first: int, nights: int) -> None:
    arrival = FIRST + first
    for room in ("DBL", "FAM"):
        for plan in LINES:
            expected = any(rule(world, room, plan, night, "closed") for night in range(arrival, arrival + nights))
            line = lineage(world.hotel.property, plan)
            assert is_closed(world.calendar(), line, room, arrival, arrival + nights) is expected


@pytest.mark.parametrize(
    ("limit", "early_ms", "why"),
    [
        ("min_offset_h", 0, set()),
        ("min_offset_h", -1, {"too_late"}),
        ("max_offset_h", 0, set()),
        ("max_offset_h", 1, {"too_early"}),
    ],
)
def test_a_booking_window_ends_on_its_hour(limit: str, early_ms: int, why: set[str]) -> None:
    days = range(FIRST, FIRST + DAYS)
    prices = {("DBL", "BAR", day): {"price2": 10_000} for day in days}
    stock = {(room, day): (4, 0, 0, 0) for room in ("DBL", "FAM") for day in days}
    rules = {("DBL", "", FIRST): {limit: 30}}
    world = World(rules, prices, stock, FigureKind.ALLOCATION, False, Allotment())
    shop = shop_of(world.hotel, "site")
    now_ms = shop.arrival_ms(FIRST) - 30 * 3_600_000 - early_ms
    ask = Ask(FIRST, FIRST + 1, Party(2), rooms=frozenset({"DBL"}), plans=frozenset({"BAR"}))
    found = shop.search(world.calendar(), ask, now_ms)
    assert {reason.value for each in found.unoffered for reason in each.why} == why
    assert len(found.offers) == (not why)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("nights", [2, 3, 4])
@pytest.mark.parametrize("limit", ["min_arrival", "min_through", "max_arrival", "max_through", "cta", "ctd", "closed"])
def test_each_limit_ends_exactly_where_it_says(limit: str, nights: int, place: int) -> None:
    """Three nights, said of one night of the stay: what random calendars rarely hit just so."""
    days = range(FIRST, FIRST + DAYS)
    prices = {("DBL", "BAR", day): {"price2": 10_000} for day in days}
    stock = {(room, day): (4, 0, 0, 0) for room in ("DBL", "FAM") for day in days}
    value = 1 if limit in ("cta", "ctd", "closed") else 3
    world = World(
        {("DBL", "", FIRST + place): {limit: value}}, prices, stock, FigureKind.ALLOCATION, False, Allotment()
    )
    ask = Ask(FIRST, FIRST + nights, Party(2), rooms=frozenset({"DBL"}), plans=frozenset({"BAR"}))
    now = datetime(2027, 3, 1, tzinfo=UTC)
    found = shop_of(world.hotel, "site").search(world.calendar(), ask, int(now.timestamp() * 1000))
    told = {reason.value for each in found.unoffered for reason in each.why}
    assert told == why_not(world, "DBL", "BAR", FIRST, nights, now)


def test_a_pms_that_never_says_less_than_nothing_gives_no_room_back() -> None:
    """What a figure of 0 hides may be an overbooked house."""
    days = range(FIRST, FIRST + DAYS)
    stock = {(room, day): (0, 0, 1, 0) for room in ("DBL", "FAM") for day in days}
    world = World({}, {}, stock, FigureKind.ROOMS_LEFT, False, Allotment())
    shop = shop_of(world.hotel, "site")
    assert not shop.left(world.calendar(), ROOMS, FIRST, FIRST + 5).any()


# --- taxes, promotions and terms in an offer --------------------------------------------------------------------------


def offer_of(selling: Selling, ask: Ask, **prices: int) -> Offer:
    """One room type on one plan, three nights from FIRST."""
    prop = Property(
        "h",
        "H",
        "EUR",
        ZONE,
        (RoomType("DBL", "DBL", 9),),
        (RatePlan("BAR", "BAR"),),
        (Connection("site", "", "", Role.DIRECT, ""),),
        selling=selling,
    )
    days = range(FIRST, FIRST + DAYS)
    said: dict[str, int] = prices or {"price1": 9_999, "price2": 11_000}
    world = World(
        {},
        {("DBL", "BAR", day): said for day in days},
        {("DBL", day): (4, 0, 0, 0) for day in days},
        FigureKind.ALLOCATION,
        False,
        Allotment(),
    )
    (offer,) = Shop(Hotel(prop, 1), prop.connections[0]).search(world.calendar(), ask, 0).offers
    return offer


def stay(nights: int, *ages: int, units: int = 1, codes: tuple[str, ...] = ()) -> Ask:
    return Ask(FIRST, FIRST + nights, Party(2 - len(ages), ages), units, codes)


CITY = Tax("CITY", "City tax", amount=150, per=Per.PERSON_NIGHT, age_from=16, nights_max=2)


@pytest.mark.parametrize(
    ("tax", "ask", "amount"),
    [
        (Tax("T", "T", percent_bp=1_000, included=True), stay(1), 1_000),
        (Tax("T", "T", percent_bp=1_000), stay(3), 3_300),
        (Tax("T", "T", percent_bp=1_000), stay(3, units=2), 6_600),
        (Tax("T", "T", percent_bp=5, included=False), stay(1), 6),  # 5.5 goes up
        (CITY, stay(1), 300),
        (CITY, stay(5), 600),
        (CITY, stay(3, 15), 300),
        (CITY, stay(3, 16), 600),
        (Tax("T", "T", amount=700, per=Per.STAY, fee=True), stay(3, units=2), 1_400),
        (Tax("T", "T", amount=700, per=Per.PERSON), stay(3), 1_400),
        (Tax("T", "T", amount=700), stay(3), 2_100),
    ],
)
def test_a_tax(tax: Tax, ask: Ask, amount: int) -> None:
    offer = offer_of(Selling(taxes=(tax,)), ask)
    (charge,) = offer.charges
    assert (charge.amount, charge.included, charge.fee) == (amount, tax.included, tax.fee)
    assert offer.total == offer.accommodation + (0 if tax.included else amount)


def test_included_taxes_share_what_is_left_without_any_of_them() -> None:
    taxes = (
        Tax("A", "A", percent_bp=1_000, included=True),
        Tax("B", "B", percent_bp=500, included=True),
        Tax("C", "C", amount=350, included=True),
    )
    charges = {charge.code: charge.amount for charge in offer_of(Selling(taxes=taxes), stay(1), price2=11_850).charges}
    assert charges == {"A": 1_000, "B": 500, "C": 350}


@pytest.mark.parametrize(
    ("promotion", "ask", "nightly"),
    [
        (Promotion("P", "P", percent_bp=1_250), stay(1), (9_625,)),
        (Promotion("P", "P", percent_bp=1, amount=1), stay(1), (10_998,)),
        (Promotion("P", "P", free_night=3), stay(3), (11_000, 11_000, 0)),
        (Promotion("P", "P", free_night=3), stay(2), None),
        (Promotion("P", "P", ("Gold",), percent_bp=5_000), stay(1), None),
        (Promotion("P", "P", ("Gold",), percent_bp=5_000), stay(1, codes=("GOLD",)), (5_500,)),
        (Promotion("P", "P", percent_bp=5_000, nights_min=2), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, nights_max=2), stay(3), None),
        (Promotion("P", "P", percent_bp=5_000, first=FIRST + 1), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, last=FIRST - 1), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, last=FIRST), stay(1), (5_500,)),
        (Promotion("P", "P", percent_bp=5_000, rooms=("FAM",)), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, plans=("HB",)), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, advance_max_h=100), stay(1), None),
        (Promotion("P", "P", percent_bp=5_000, advance_min_h=100), stay(1), (5_500,)),
        (Promotion("P", "P", amount=1_000, free_night=2), stay(3), (10_000, 0, 10_000)),
        (Promotion("P", "P", amount=11_000), stay(1), None),
        (Promotion("P", "P", percent_bp=10_000), stay(1), None),  # nothing is sold for nothing
    ],
)
def test_a_promotion(promotion: Promotion, ask: Ask, nightly: tuple[int, ...] | None) -> None:
    offer = offer_of(Selling(promotions=(promotion,)), ask)
    assert offer.promotion == ("P" if nightly else "")
    assert offer.nightly == (nightly or (11_000,) * ask.nights)
    assert offer.before == ((11_000,) * ask.nights if nightly else ())


@pytest.mark.parametrize(
    ("promotion", "notice_h", "applies"),
    [
        (Promotion("P", "P", percent_bp=5_000, advance_min_h=720), 720, True),  # early bird
        (Promotion("P", "P", percent_bp=5_000, advance_min_h=720), 719, False),
        (Promotion("P", "P", percent_bp=5_000, advance_max_h=48), 48, True),  # last minute
        (Promotion("P", "P", percent_bp=5_000, advance_max_h=48), 49, False),
    ],
)
def test_early_birds_and_last_minutes_end_on_their_hour(promotion: Promotion, notice_h: int, applies: bool) -> None:
    codes, nights = cheapest(
        possible([promotion], (), FIRST, 2, notice_h), [("DBL", "BAR")], np.array([[10_000, 10_000]])
    )
    assert (codes, nights.tolist()) == ((["P"], [[5_000, 5_000]]) if applies else ([""], [[10_000, 10_000]]))


@given(
    st.lists(
        st.builds(
            Promotion,
            st.sampled_from("ABC"),
            st.just("N"),
            percent_bp=st.sampled_from([0, 1_000, 3_333, 10_000]),
            amount=st.sampled_from([0, 1, 700]),
            free_night=st.sampled_from([0, 2, 3]),
            rooms=st.sampled_from([(), ("DBL",)]),
            plans=st.sampled_from([(), ("BAR", "NR")]),
        ),
        max_size=4,
    ),
    st.lists(st.lists(st.integers(1, 20_000), min_size=3, max_size=3), min_size=4, max_size=4),
)
def test_of_several_promotions_each_product_gets_its_cheapest(
    promotions: list[Promotion], prices: list[list[int]]
) -> None:
    products = [("DBL", "BAR"), ("DBL", "HB"), ("FAM", "NR"), ("FAM", "HB")]
    codes, nights = cheapest(promotions, products, np.array(prices))
    for (room, plan), before, code, after in zip(products, prices, codes, nights.tolist(), strict=True):
        found = ("", before)
        for each in promotions:
            if (each.rooms and room not in each.rooms) or (each.plans and plan not in each.plans):
                continue
            reduced = []
            for place, price in enumerate(before, 1):
                left = round_half_up(price * (1 - Fraction(each.percent_bp, 10_000))) - each.amount
                reduced.append(0 if each.free_night and place % each.free_night == 0 else max(0, left))
            if any(reduced) and sum(reduced) < sum(found[1]):
                found = (each.code, reduced)
        assert (code, after) == found


def test_the_cheapest_promotion_counts_and_they_do_not_add_up() -> None:
    promotions = (
        Promotion("A", "A", percent_bp=1_000),
        Promotion("B", "B", amount=2_000),
        Promotion("C", "C", amount=1),
    )
    offer = offer_of(Selling(promotions=promotions), stay(2))
    assert (offer.promotion, offer.nightly) == ("B", (9_000, 9_000))


def searched(selling: Selling) -> Offers:
    """One room type on every plan, one night from FIRST."""
    days = range(FIRST, FIRST + DAYS)
    prop = Property(
        "h", "H", "EUR", ZONE, ROOMS[:1], PLANS, (Connection("site", "", "", Role.DIRECT, ""),), selling=selling
    )
    prices = {("DBL", plan, day): {"price2": 10_000} for plan in ("BAR", "HB") for day in days}
    world = World({}, prices, {("DBL", day): (4, 0, 0, 0) for day in days}, FigureKind.ALLOCATION, False, Allotment())
    return Shop(Hotel(prop, 1), prop.connections[0]).search(world.calendar(), stay(1), 0)


def test_cheapest_first_and_terms_by_plan() -> None:
    selling = Selling(policy="FLEX", policies=(Policy("FLEX", "F"), Policy("NR", "N")), plans=(PlanTerms("NR", "NR"),))
    assert [(offer.plan, offer.total, offer.policy) for offer in searched(selling).offers] == [
        ("NRX", 8_500, "FLEX"),
        ("NR", 9_000, "NR"),
        ("OWN", 9_000, "FLEX"),
        ("BAR", 10_000, "FLEX"),
        ("HB", 10_000, "FLEX"),
    ]


def test_what_a_channel_pays_for_is_not_sold_directly() -> None:
    """Nobody would bring the card it is paid by."""
    schedules = (Schedule("VCC", Pays.VIRTUAL_CARD, days=1), Schedule("DESK"))
    own = Selling(schedules=schedules, plans=(PlanTerms("HB", schedule="VCC"), PlanTerms("BAR", schedule="DESK")))
    common = Selling(schedules=schedules, schedule="VCC", plans=(PlanTerms("BAR", schedule="DESK"),))
    for selling, sold in ((own, {"BAR", "NR", "NRX", "OWN"}), (common, {"BAR"})):
        found = searched(selling)
        assert {offer.plan for offer in found.offers} == sold
        assert {each.plan for each in found.unoffered if "virtual_card" in each.why} == set(LINES) - sold
