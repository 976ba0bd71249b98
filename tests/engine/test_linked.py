"""Linked room types against a house of real rooms, where every sale puts its guests behind doors nobody shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.hotel import Hotel
from gateway.engine.linked import Links
from gateway.engine.nights import HOUSE, Nights, RoomNights, difference, normalise, per_night, with_house
from gateway.engine.offers import shop_of
from gateway.engine.relinking import Relinking
from gateway.engine.view import Channel
from gateway.engine.window import Claim, acknowledged, figure_arrived, sent, unseen, want
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS
from gateway.model.property import Allotment, Connection, FigureKind, Part, Product, Property, RatePlan, Role, RoomType
from tests.engine.push_house import EVERYTHING, TODAY, house
from tests.engine.push_house import Nights as Calendar

PHYSICAL = (RoomType("DBL", "Double", 5), RoomType("SGL", "Single", 3))
LINKED = (
    RoomType("STE", "Suite", 9, made_of=(Part("DBL", 2),)),
    RoomType("TWN", "Twin", 9, made_of=(Part("DBL"),)),
    RoomType("FAM", "Family", 9, made_of=(Part("DBL"), Part("SGL"))),
)
DAYS = range(TODAY, TODAY + 3)
PLANS = (RatePlan("BAR", "Bar"),)
PMS = Connection("pms", "x", "x", Role.PMS, "P", house_figures=True)


@st.composite
def room_types(draw: st.DrawFn) -> tuple[RoomType, ...]:
    """Doubles and singles, some linked types, each with a number that may be less than its parts would give."""
    chosen = draw(st.lists(st.sampled_from(LINKED), min_size=1, unique=True))
    linked = [RoomType(one.code, one.name, draw(st.integers(0, 4)), made_of=one.made_of) for one in chosen]
    return (*linked, *PHYSICAL) if draw(st.booleans()) else (*PHYSICAL, *linked)


class Doors:
    """A door for every physical room and night; a sale of any type takes whole rooms, or is refused."""

    def __init__(self, rooms: tuple[RoomType, ...]) -> None:
        self._rooms = {room.code: room for room in rooms}
        self.taken: Counter[tuple[str, int]] = Counter()  # physical rooms
        self._sold: Counter[tuple[str, int]] = Counter()  # under the name they were sold by

    def take(self, room: str, day: int, units: int) -> None:
        self._sold[room, day] += units
        for part in self._rooms[room].made_of or (Part(room),):
            self.taken[part.room, day] += units * part.units

    def fits(self, room: str, day: int) -> bool:
        """Whether one more could be sold."""
        kind = self._rooms[room]
        if kind.made_of and self._sold[room, day] >= kind.units:
            return False
        needed = Counter({part.room: part.units for part in kind.made_of or (Part(room),)})
        return all(self.taken[name, day] + units <= self._rooms[name].units for name, units in needed.items())

    def left(self, room: str, day: int) -> int:
        """By selling one after the other for as long as one fits."""
        tried = Doors(tuple(self._rooms.values()))
        tried.taken, tried._sold = self.taken.copy(), self._sold.copy()
        count = 0
        while tried.fits(room, day):
            tried.take(room, day, 1)
            count += 1
        return count

    def rooms_taken(self, day: int) -> int:
        return sum(units for (_, night), units in self.taken.items() if night == day)


@st.composite
def histories(draw: st.DrawFn) -> tuple[tuple[RoomType, ...], Nights, Doors]:
    """What was sold under its own name, never more than there is behind the doors."""
    rooms = draw(room_types())
    doors, sold = Doors(rooms), []
    for _ in range(draw(st.integers(0, 8))):
        room, day = draw(st.sampled_from(rooms)).code, draw(st.sampled_from(DAYS))
        if doors.fits(room, day):
            doors.take(room, day, 1)
            sold.append(RoomNights(room, day, day + 1, 1))
    return rooms, normalise(sold), doors


def calendar_of(rooms: tuple[RoomType, ...], sold: Nights, *, in_house: int | None = None) -> Calendar:
    """The ledger of a house that gave everything to be sold: figures of physical types only, half of it held."""
    taken = per_night(with_house(Links(rooms).levels(sold), Links(rooms).parts))
    found = Calendar()
    for day in DAYS:
        for room in rooms:
            figure = -1 if room.made_of else room.units
            units = taken.get((room.code, day), 0)
            found.stock[room.code, day] = (figure, units // 2, 0, units - units // 2)
        if in_house is not None:
            found.stock[HOUSE, day] = (in_house, taken.get((HOUSE, day), 0), 0, 0)
    return found


def channel_of(rooms: tuple[RoomType, ...], allotment: Allotment) -> Channel:
    products = tuple(Product(room.code, "BAR", room.code.lower(), "bar") for room in rooms)
    pms = Connection("pms", "x", "x", Role.PMS, "P", figures=FigureKind.ALLOCATION, house_figures=True)
    _, channel = house(
        {"products": products, "allotment": allotment}, {"fields": EVERYTHING}, rooms=rooms, plans=PLANS, pms=pms
    )
    return channel


ALLOTMENTS = st.sampled_from([Allotment(), Allotment(cap=1), Allotment(keep_back=1), Allotment(close_at=1)])


def shown(left: int, allotment: Allotment) -> int:
    left = 0 if left <= allotment.close_at else max(0, left - allotment.keep_back)
    return left if allotment.cap is None else min(left, allotment.cap)


@settings(max_examples=120, deadline=None)
@given(histories(), ALLOTMENTS, st.none() | st.integers(0, 8))
def test_what_a_channel_sees_is_what_fits_behind_the_doors(
    history: tuple[tuple[RoomType, ...], Nights, Doors], allotment: Allotment, in_house: int | None
) -> None:
    rooms, sold, doors = history
    channel = channel_of(rooms, allotment)
    slots = sorted(channel.all_slots(Aspect.LIMIT, {day // BLOCK_DAYS for day in DAYS}))
    _, stock = channel.needs(Aspect.LIMIT, slots)
    whole = calendar_of(rooms, sold, in_house=in_house)
    named = [(key, body) for key, body in whole.stock_rows() if key in stock]
    limits = channel.view(Aspect.LIMIT, slots, type(whole.calendar(2))(2, [], named)).columns["limit"]
    for row, (code, _, block) in enumerate(slots):
        room = next(each for each in rooms if each.code == code.upper())
        for day in DAYS:
            if day // BLOCK_DAYS == block:
                left = doors.left(room.code, day)
                if in_house is not None:
                    size = sum(part.units for part in room.made_of) or 1
                    left = min(left, max(0, in_house - doors.rooms_taken(day)) // size)
                assert limits[row, day % BLOCK_DAYS] == shown(left, allotment), (room, day)


@settings(max_examples=120, deadline=None)
@given(histories(), ALLOTMENTS, st.data())
def test_what_can_be_sold_directly_is_what_fits_behind_the_doors(
    history: tuple[tuple[RoomType, ...], Nights, Doors], allotment: Allotment, data: st.DataObject
) -> None:
    """Also for one type alone, and as if one of the sales were given back."""
    rooms, sold, doors = history
    links = Links(rooms)
    site = Connection("site", "", "", Role.DIRECT, "", allotment=allotment)
    hotel = Hotel(Property("h", "H", "EUR", "UTC", rooms, PLANS, (site,)), 1)
    asked = data.draw(st.lists(st.sampled_from(rooms), min_size=1, unique=True))
    given_back = per_night(links.levels(sold[:1]))
    for run in sold[:1]:
        for day in range(run.arrival, run.departure):
            doors.take(run.room, day, -run.units)
    calendar = calendar_of(rooms, sold).calendar(2)
    left = shop_of(hotel, "site").left(calendar, asked, DAYS[0], DAYS[-1], given_back)
    expected = [[shown(doors.left(room.code, day), allotment) for day in DAYS] for room in asked]
    assert left.tolist() == expected


@given(histories())
def test_what_was_sold_and_what_it_takes_tell_each_other(
    history: tuple[tuple[RoomType, ...], Nights, Doors],
) -> None:
    rooms, sold, doors = history
    links = Links(rooms)
    levels = links.levels(sold)
    assert links.sold(levels) == sold
    taken = per_night(levels)
    for room in PHYSICAL:
        for day in DAYS:
            assert taken.get((room.code, day), 0) == doors.taken[room.code, day]
    for day in DAYS:
        assert per_night(with_house(levels, links.parts)).get((HOUSE, day), 0) == doors.rooms_taken(day)


def test_a_figure_for_a_linked_type_can_only_lower_what_is_left() -> None:
    links = Links((*PHYSICAL, RoomType("STE", "Suite", 9, made_of=(Part("DBL", 2),))))

    def left(figure: int, sold: int = 0) -> int:
        counts = {"STE": (figure, sold, 0, 0), "DBL": (5, 2 * sold, 0, 0)}
        return links.left(FigureKind.ALLOCATION, ("STE", TODAY), lambda cell: counts[cell[0]])

    assert [left(figure) for figure in (-1, 0, 1, 2, 9)] == [2, 0, 1, 2, 2]
    assert [left(-1, sold) for sold in (0, 1, 2, 3)] == [2, 1, 0, -1]


def test_a_hotel_without_linked_types_asks_nothing() -> None:
    links = Links(PHYSICAL)
    assert not links
    assert links.levels(nights := (RoomNights("DBL", TODAY, TODAY + 1, 1),)) is nights
    assert links.sold(nights) is nights


def test_the_doubles_of_a_suite_are_a_claim_on_the_pms() -> None:
    links = Links((*PHYSICAL, LINKED[0]))
    suite = links.levels((RoomNights("STE", TODAY, TODAY + 1, 1),))
    claim = want(Claim(), suite)
    assert unseen(claim) == {("STE", TODAY): -1, ("DBL", TODAY): -2}
    claim = figure_arrived(acknowledged(sent(claim, 1, 0), 1, 0), "DBL", DAYS, 60_000, 30)
    assert unseen(claim) == {("STE", TODAY): -1}


# --- linked in another way --------------------------------------------------------------------------------------------


def claims_of(room: str) -> Iterator[tuple[str, Claim]]:
    """A booking the PMS has not heard of, one on its way, one its figures contain, and one in doubt."""
    fresh = want(Claim(), (RoomNights(room, TODAY, TODAY + 2, 1),))
    yield "fresh", fresh
    under_way = sent(fresh, 1, 0)
    yield "in doubt", figure_arrived(under_way, room, DAYS, 1, 30)
    seen = figure_arrived(acknowledged(under_way, 1, 0), room, DAYS, 60_000, 30)
    yield "seen", seen
    yield "cancelled", want(seen, ())


@pytest.mark.parametrize("house_too", [False, True])
def test_a_booking_the_figures_contain_stays_in_them_when_types_are_linked(house_too: bool) -> None:
    """A suite sold before it was known to be two doubles; then the link is taken back."""
    plain, linked = Links(PHYSICAL), Links((*PHYSICAL, LINKED[0]))
    there = Relinking(plain, linked, house=house_too)
    back = Relinking(linked, plain, house=house_too)
    expected = {"fresh": -2, "in doubt": -2, "seen": 0, "cancelled": 2}
    for name, claim in claims_of("STE"):
        value = with_house(claim.want) if house_too else claim.want
        before = lifted(claim, value, house_too)
        after = there.claim(before)
        assert unseen(after).get(("DBL", TODAY), 0) == expected[name], name
        assert unseen(after).get(("STE", TODAY), 0) == unseen(before).get(("STE", TODAY), 0)
        assert unseen(back.claim(after)) == unseen(before), name
    assert there.levels((RoomNights("STE", TODAY, TODAY + 1, 1),)) == linked.levels(
        (RoomNights("STE", TODAY, TODAY + 1, 1),)
    )
    assert not difference(back.levels(linked.levels(nights := (RoomNights("STE", TODAY, TODAY + 1, 2),))), nights)


def lifted(claim: Claim, value: Nights, house_too: bool) -> Claim:
    """The claim with its value lifted to the house, where figures are of the house too."""
    return want(claim, value) if house_too else claim
