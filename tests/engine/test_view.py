"""What a channel should hold, against an oracle that goes night by night through a plain dict."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.calendar import NO_LIMIT, NO_PRICE
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot
from gateway.engine.view import Channel
from gateway.model.ari import Aspect, Field
from gateway.model.dates import BLOCK_DAYS
from gateway.model.property import (
    Adjustment,
    Allotment,
    Connection,
    FigureKind,
    LengthRate,
    Product,
    RatePlan,
    Role,
    RoomType,
    Rounding,
)
from tests.engine.push_house import EVERYTHING, TODAY, Nights, house

ROOMS = (RoomType("DBL", "Double", 3), RoomType("FAM", "Family", 2, adults_max=4))
PLANS = (
    RatePlan("BAR", "Bar"),
    RatePlan("NR", "NR", parent="BAR", adjust=Adjustment(percent_bp=-1_000, rounding=Rounding.DOWN)),
    RatePlan("GOV", "Gov", parent="NR", adjust=Adjustment(amount=-8_000)),
    RatePlan("HB", "Half board", lengths=(LengthRate(2, Adjustment(-5_000)),)),
    RatePlan("OWN", "Own rules", parent="NR", own_rules=True),
)
# Two codes of theirs sell the same doubles, and not every product is sold.
PRODUCTS = (
    Product("DBL", "BAR", "d", "bar"),
    Product("DBL", "GOV", "d", "gov"),
    Product("DBL", "NR", "d2", "nr"),
    Product("FAM", "BAR", "f", "bar"),
    Product("FAM", "HB", "f", "hb"),
    Product("FAM", "OWN", "f", "own"),
)
DAYS = [TODAY, TODAY + 1, TODAY + 40]
LEVELS = [
    (room, plan) for room in ("", "DBL", "FAM") for plan in ("", "BAR", "NR", "GOV", "HB", "OWN") if room or not plan
]
STATUS = (Field.CLOSED, Field.CTA, Field.CTD)
STRICT_HIGH = (Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MIN_OFFSET_H)
STRICT_LOW = (Field.MAX_ARRIVAL, Field.MAX_THROUGH, Field.MAX_OFFSET_H)
RULES = (*STATUS, *STRICT_HIGH, *STRICT_LOW, Field.LOS_CLOSED)


def _calendar(number: int) -> Nights:
    random = Random(number)
    nights = Nights()
    for day in DAYS:
        for room, plan in LEVELS:
            for field in RULES:
                if random.random() < 0.15:
                    nights.values[room, plan, day, field, 0] = random.randint(0, 1 if field in STATUS else 7)
            if plan in ("BAR", "HB"):
                for guests in range(1, 5):
                    if random.random() < 0.6:
                        nights.values[room, plan, day, Field.PRICE, guests] = random.choice((7_001, 9_905, 20_000))
                    elif random.random() < 0.2:
                        nights.gone.add((room, plan, day, guests))
                for field in (Field.EXTRA_ADULT, Field.EXTRA_CHILD):
                    if random.random() < 0.5:
                        nights.values[room, plan, day, field, 0] = random.choice((0, 1_505))
        for room in ("", "DBL", "FAM"):
            if random.random() < 0.8:
                taken = random.randint(0, 2), random.randint(-2, 2), random.randint(0, 2)
                nights.stock[room, day] = (random.randint(-1, 6), *taken)
    return nights


CALENDARS = st.builds(_calendar, st.integers(0, 2**32))


@st.composite
def setups(draw: st.DrawFn) -> tuple[Hotel, Channel]:
    currency, rate_ppm = draw(st.sampled_from((("", 10**6), ("JPY", 163_400_000), ("KWD", 332_100))))
    markup = draw(st.sampled_from((Adjustment(), Adjustment(percent_bp=1_250, step=10), Adjustment(amount=-9_000))))
    allotment = Allotment(draw(st.none() | st.integers(0, 3)), draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    figures = draw(st.sampled_from(FigureKind))
    fields = EVERYTHING - draw(st.sets(st.sampled_from(sorted(EVERYTHING)), max_size=4))
    return house(
        {"products": PRODUCTS, "currency": currency, "rate_ppm": rate_ppm, "markup": markup, "allotment": allotment},
        {
            "fields": fields,
            "guests_max": draw(st.sampled_from((0, 1, 2, 3, 12))),
            "limit_per_product": draw(st.booleans()),
        },
        rooms=ROOMS,
        plans=PLANS,
        pms=Connection("pms", "x", "x", Role.PMS, "P", figures=figures),
    )


# --- the oracle -------------------------------------------------------------------------------------------------------


def _round(value: Fraction, rounding: Rounding) -> int:
    if rounding is Rounding.NEAREST:
        return math.floor(value + Fraction(1, 2))
    return math.ceil(value) if rounding is Rounding.UP else math.floor(value)


def adjusted(price: int, by: Adjustment, extra: bool) -> int:
    if by == Adjustment():
        return price
    exact = price * (1 + Fraction(by.percent_bp, 10_000)) + (0 if extra else by.amount)
    return max(_round(exact / by.step, by.rounding) * by.step, 0)


def line_of(plan: str) -> list[RatePlan]:
    """From the plan with prices of its own down to this one."""
    known = next(each for each in PLANS if each.code == plan)
    return [*(line_of(known.parent) if known.parent else []), known]


def _shown(price: int, product: Product, channel: Channel, extra: bool = False) -> int:
    for plan in line_of(product.plan)[1:]:
        price = adjusted(price, plan.adjust, extra)
    connection = channel.connection
    if connection.currency:
        digits = {"JPY": 0, "KWD": 3}[connection.currency]
        exact = price * Fraction(connection.rate_ppm, 10**6) * Fraction(10) ** (digits - 2)
        price = _round(exact, Rounding.NEAREST)
    return adjusted(price, connection.markup, extra)


def _prices(nights: Nights, product: Product, channel: Channel, day: int) -> list[int]:
    """By occupancy as far as the dialect and the room go, or the one price; empty where there is none at all."""
    base = line_of(product.plan)[0].code
    adults = next(room.adults_max for room in ROOMS if room.code == product.room)
    own: dict[int, int] = {}
    for guests in range(1, adults + 1):
        price = nights.get(product.room, base, day, Field.PRICE, guests)
        shown = _shown(price, product, channel) if price != NO_PRICE else 0
        if shown:
            own[guests] = shown
    told = [guests for guests in range(1, adults + 1) if (product.room, base, day, guests) in nights.gone]
    # Told for itself and those below it, as far as the dialect goes, and now without a price.
    if not own or min(max(told, default=0), channel.capabilities.guests_max or adults) > max(own):
        return []
    if not channel.capabilities.guests_max:
        return [own.get(adults, max(own.values()))]
    filled = [own[min(higher)] if (higher := [g for g in own if g >= n]) else NO_PRICE for n in range(1, adults + 1)]
    width = min(4, channel.capabilities.guests_max)
    return (filled + [NO_PRICE] * 4)[:width]


def _rule(nights: Nights, product: Product, channel: Channel, day: int, field: Field) -> int:
    line = [plan for plan in line_of(product.plan) if product.plan != "OWN" or plan.own_rules]
    levels = [("", ""), (product.room, ""), *((product.room, plan.code) for plan in line)]
    values = [value for level in levels if (value := nights.get(*level, day, field))]
    if field is Field.CLOSED and not _prices(nights, product, channel, day):
        return 1
    if field is Field.LOS_CLOSED:
        return int(np.bitwise_or.reduce(np.array([0, *values])))
    return (min if field in STRICT_LOW else max)(values, default=0)


def _left(nights: Nights, hotel: Hotel, room: str, day: int) -> int | None:
    figure, sold, unseen, held = nights.stock.get((room, day), (-1, 0, 0, 0))
    if figure < 0:
        return None
    if hotel.figure_kind is FigureKind.ALLOCATION:
        return max(figure - sold - held, 0)
    # A figure of 0 may hide an overbooked house: nothing is given back on top of it.
    return max(figure + (unseen if figure or unseen < 0 else 0) - held, 0)


def _limit(nights: Nights, hotel: Hotel, channel: Channel, room: str, day: int) -> int:
    left = _left(nights, hotel, room, day) or 0
    in_house = _left(nights, hotel, "", day)
    if in_house is not None:
        left = min(left, in_house)
    allotment = channel.connection.allotment
    if left <= allotment.close_at:
        return 0
    left = max(left - allotment.keep_back, 0)
    return left if allotment.cap is None else min(left, allotment.cap)


# --- the tests --------------------------------------------------------------------------------------------------------


def _slots(channel: Channel, aspect: Aspect) -> list[Slot]:
    return sorted(channel.all_slots(aspect, {day // BLOCK_DAYS for day in DAYS}))


def _product(slot: Slot) -> Product:
    return next(each for each in PRODUCTS if each.their_room == slot[0] and slot[1] in ("", each.their_plan))


@settings(max_examples=150, deadline=None)
@given(CALENDARS, setups())
def test_the_view_is_what_the_nights_say(nights: Nights, made: tuple[Hotel, Channel]) -> None:
    hotel, channel = made
    calendar = nights.calendar(hotel.guests)
    for aspect in channel.aspects:
        slots = _slots(channel, aspect)
        view = channel.view(aspect, slots, calendar)
        assert view.keys == slots
        for row, slot in enumerate(slots):
            for day in DAYS:
                if day // BLOCK_DAYS == slot[2]:
                    _check(aspect, nights, made, slot, day, {n: v[row, day % 32] for n, v in view.columns.items()})


def _check(
    aspect: Aspect, nights: Nights, made: tuple[Hotel, Channel], slot: Slot, day: int, cell: dict[str, Any]
) -> None:
    hotel, channel = made
    product = _product(slot)
    fields = channel.capabilities.fields
    assert cell.pop("sync") == 0
    if aspect is Aspect.LIMIT:
        assert cell == {"limit": _limit(nights, hotel, channel, product.room, day)}
        assert bool(slot[1]) == channel.capabilities.limit_per_product
    elif aspect is Aspect.RULES:
        for field in RULES:
            assert cell[field] == (_rule(nights, product, channel, day, field) if field in fields else 0), field
    else:
        none = [NO_PRICE] * channel.guests
        prices = _prices(nights, product, channel, day) if Field.PRICE in fields else none
        assert cell[Field.PRICE].tolist() == (prices or none)
        for field in (Field.EXTRA_ADULT, Field.EXTRA_CHILD):
            price = nights.get(product.room, line_of(product.plan)[0].code, day, field)
            known = price != NO_PRICE and field in fields
            assert cell[field] == (_shown(price, product, channel, extra=True) if known else NO_PRICE)


@settings(max_examples=60, deadline=None)
@given(CALENDARS, setups(), st.data())
def test_what_a_change_can_reach_is_found_and_what_the_view_reads_is_named(
    nights: Nights, made: tuple[Hotel, Channel], data: st.DataObject
) -> None:
    hotel, channel = made
    before = nights.calendar(hotel.guests)
    changed = Nights(dict(nights.values), dict(nights.stock), set(nights.gone))
    day = data.draw(st.sampled_from(DAYS))
    room, plan = data.draw(st.sampled_from([("", ""), ("DBL", ""), ("DBL", "BAR"), ("DBL", "NR"), ("FAM", "HB")]))
    field = data.draw(st.sampled_from((Field.PRICE, Field.CLOSED, Field.MAX_THROUGH, Field.FIGURE)))
    if field is Field.FIGURE:
        changed.stock[room, day] = (data.draw(st.sampled_from((0, 9))), 0, 0, 0)
    else:
        changed.values[room, plan, day, field, int(field is Field.PRICE)] = 1
    after = changed.calendar(hotel.guests)
    touched = ([], [(room, day // 32)]) if field is Field.FIGURE else ([(room, plan, day // 32)], [])
    for aspect in channel.aspects:
        slots = _slots(channel, aspect)
        reached = channel.slots_of(aspect, *touched)
        assert reached <= set(slots)
        one, other = channel.view(aspect, slots, before), channel.view(aspect, slots, after)
        assert {slots[row] for row in other.changed_rows(one)} <= reached
        calendar, stock = channel.needs(aspect, slots)
        read = Calendar(
            hotel.guests,
            [row for row in changed.rows(hotel.guests) if row[0] in calendar],
            [row for row in changed.stock_rows() if row[0] in stock],
        )
        assert not len(channel.view(aspect, slots, read).changed_rows(other))


def test_a_change_reaches_whatever_depends_on_it() -> None:
    _, channel = house({"products": PRODUCTS}, rooms=ROOMS, plans=PLANS)
    doubles, everything = (
        {("d", "bar"), ("d", "gov"), ("d2", "nr")},
        {(line.their_room, line.their_plan) for line in PRODUCTS},
    )
    for key, prices, rules in (
        (("DBL", "BAR", 1), doubles, doubles),
        (("DBL", "NR", 1), {("d", "gov"), ("d2", "nr")}, {("d", "gov"), ("d2", "nr")}),
        (("DBL", "", 1), set(), doubles),
        (("", "", 1), set(), everything),
        (("SGL", "BAR", 1), set(), set()),
    ):
        assert {slot[:2] for slot in channel.slots_of(Aspect.PRICES, [key], [])} == prices
        assert {slot[:2] for slot in channel.slots_of(Aspect.RULES, [key], [])} == rules
        assert not channel.slots_of(Aspect.LIMIT, [key], [])
    assert channel.slots_of(Aspect.LIMIT, [], [("DBL", 3)]) == {("d", "", 3), ("d2", "", 3)}
    assert channel.slots_of(Aspect.LIMIT, [], [("", 3)]) == {("d", "", 3), ("d2", "", 3), ("f", "", 3)}
    assert not channel.slots_of(Aspect.RULES, [], [("DBL", 3)])


def test_slots_in_any_order_and_rows_that_are_not_there() -> None:
    hotel, channel = house()
    calendar = Nights().open([TODAY]).calendar(hotel.guests)
    slots = _slots(channel, Aspect.PRICES)[::-1]
    backwards = channel.view(Aspect.PRICES, slots, calendar)
    sorted_view = channel.view(Aspect.PRICES, slots[::-1], calendar)
    assert (backwards.columns["price"] == sorted_view.columns["price"][::-1]).all()
    empty = Calendar(hotel.guests, [], [])
    assert (channel.view(Aspect.LIMIT, _slots(channel, Aspect.LIMIT), empty).columns["limit"] == 0).all()
    assert (channel.view(Aspect.RULES, slots, empty).columns["closed"] == 1).all()
    assert not channel.view(Aspect.RULES, [], empty).keys
    assert calendar.rows([("DBL", "BAR", TODAY // 32), ("NO", "", 0)]).tolist()[1] == len(calendar.sheet.keys) - 1


@pytest.mark.parametrize(
    ("fields", "aspects"),
    [
        (EVERYTHING, tuple(Aspect)),
        ({Field.FIGURE}, (Aspect.LIMIT,)),
        ({Field.CTA, Field.EXTRA_CHILD}, (Aspect.RULES, Aspect.PRICES)),
        (set(), ()),
    ],
)
def test_aspects_are_those_the_dialect_has_words_for(fields: set[Field], aspects: tuple[Aspect, ...]) -> None:
    _, channel = house(None, {"fields": frozenset(fields)})
    assert channel.aspects == aspects


def test_only_mapped_targets_belong_to_the_view() -> None:
    _, channel = house()
    assert channel.holds(Aspect.RULES, ("d", "bar", 1))
    assert not channel.holds(Aspect.RULES, ("d", "", 1))
    assert channel.holds(Aspect.LIMIT, ("d", "", 1))
    assert not channel.holds(Aspect.LIMIT, ("x", "", 1))
    assert Nights().get("DBL", "", TODAY, Field.CTA) == 0
    assert NO_LIMIT == NO_PRICE == -1
