"""Lists of reservations, one in full, and those that need somebody."""

from __future__ import annotations

import pytest

from gateway.engine.booking import Status
from gateway.errors import Malformed, NotFound
from gateway.flows.desk import reservations
from gateway.flows.desk.reservations import Filter, Order
from gateway.model.reservation import Content, Guest, Revision, RevisionKind, RoomStay
from tests.flows.house import TODAY, House, cancel, channel, hotel, modify, new, pms, stay


def booking(name: str, surname: str, first: int = 1, *, room: str = "r1", units: int = 1) -> Revision:
    guests = (Guest(surname, "Ana"),)
    content = Content(
        currency="EUR",
        total=12_345,
        stays=(RoomStay(room, "bar", TODAY + first, TODAY + first + 2, units, guests=guests, nightly=(6_000, 6_345)),),
    )
    return Revision(name, RevisionKind.NEW, content, version=1)


async def numbers(house: House, wanted: Filter = reservations.EVERYTHING, **more: object) -> list[str]:
    page = await reservations.find(house.services, "h", wanted, **more)  # type: ignore[arg-type]
    return [each.booking_id for each in page.items]


@pytest.fixture
async def booked(empty_house: House) -> House:
    """Six bookings, a second apart: one cancelled, one parked, one oversold, one of another channel."""
    house = empty_house
    await house.apply(hotel(pms(), channel("ota"), channel("far")))
    await house.open_for_sale(figure=2)
    for place, name in enumerate(["B1", "B2", "B3"]):
        await house.say(booking(name, ["Müller", "Mueller", "Ng"][place], first=3 - place))
        house.clock.pass_s(1)
    await house.say(cancel(booking="B2", version=9))
    house.clock.pass_s(1)
    await house.say(booking("P1", "Park", room="r9"))
    house.clock.pass_s(1)
    await house.say(booking("B4", "Over", units=2), "far")
    return house


async def test_newest_first_and_soonest_first(booked: House) -> None:
    assert await numbers(booked) == ["B4", "P1", "B3", "B2", "B1"]
    soonest = (await reservations.find(booked.services, "h", order=Order.ARRIVAL)).items
    assert [(each.arrival or 0) - TODAY for each in soonest] == [1, 1, 1, 2, 3]


FILTERS: dict[str, tuple[Filter, list[str]]] = {
    "cancelled": (Filter(status=Status.CANCELLED), ["B2"]),
    "connection": (Filter(connection="far"), ["B4"]),
    "arrival": (Filter(arrival_first=TODAY + 2, arrival_last=TODAY + 3), ["B2", "B1"]),
    "surname": (Filter(text="mÜLLER"), ["B1"]),
    "beginning of a surname": (Filter(text="m"), ["B2", "B1"]),
    "beginning of a booking id": (Filter(text="B"), ["B4", "B3", "B2", "B1"]),
    "text and status": (Filter(text="B", status=Status.CANCELLED), ["B2"]),
    "text and arrival": (Filter(text="B", arrival_first=TODAY + 3), ["B1"]),
    "nobody": (Filter(text="zzz"), []),
    "parked": (Filter(parked=True), ["P1"]),
    "parked there": (Filter(parked=True, connection="far"), []),
    "nothing at all": (Filter(connection="none"), []),
    "text and parked": (Filter(text="p", parked=True), ["P1"]),
    "text and oversold": (Filter(text="Park", oversold=True), []),
    "text and connection": (Filter(text="B", connection="far"), ["B4"]),
}


async def test_filters(booked: House) -> None:
    found = {name: await numbers(booked, wanted) for name, (wanted, _) in FILTERS.items()}
    assert found == {name: expected for name, (_, expected) in FILTERS.items()}


async def test_by_the_day_it_was_taken_and_by_our_number(booked: House) -> None:
    page = await reservations.find(booked.services, "h")
    second = page.items[1]
    wanted = Filter(created_first_ms=second.created_ms, created_last_ms=second.created_ms)
    assert await numbers(booked, wanted) == [second.booking_id]
    assert await numbers(booked, Filter(text=second.reservation_id.lower())) == [second.booking_id]


@pytest.mark.parametrize("order", Order)
async def test_pages_show_each_one_once(booked: House, order: Order) -> None:
    for wanted in (Filter(), Filter(text="B"), Filter(connection="ota")):
        seen: list[str] = []
        cursor = ""
        while True:
            page = await reservations.find(booked.services, "h", wanted, order=order, cursor=cursor, limit=2)
            seen += [each.booking_id for each in page.items]
            assert not page.partial
            if not (cursor := page.next):
                break
        assert seen == await numbers(booked, wanted, order=order)


@pytest.mark.parametrize("order", Order)
async def test_what_fits_a_text_is_sorted_before_it_is_cut(booked: House, order: Order) -> None:
    """Of many namesakes the first page has the first ones of the list, wherever an index has them."""
    for n, days in enumerate([30, 10, 20, 5]):
        booked.clock.pass_s(1)
        await booked.say(booking(f"N{n}", ["Ngo", "Ngai", "Nguyen", "Ng"][n], first=days))
    page = await reservations.find(booked.services, "h", Filter(text="ng"), order=order, limit=2)
    expected = {Order.CREATED: ["N3", "N2"], Order.ARRIVAL: ["B3", "N3"]}
    assert ([each.booking_id for each in page.items], page.partial) == (expected[order], False)


async def test_a_text_that_fits_too_many_says_so(booked: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.searching.MATCHES_MAX", 3)
    page = await reservations.find(booked.services, "h", Filter(text="B"))
    assert (len(page.items), page.next, page.partial) == (3, "", True)
    assert not (await reservations.find(booked.services, "h", Filter(text="mueller"))).partial


async def test_a_connection_with_more_than_a_few_is_walked(booked: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.searching.FEW", 2)
    for name, expected in (("ota", ["P1", "B3", "B2", "B1"]), ("far", ["B4"]), ("none", [])):
        assert await numbers(booked, Filter(connection=name)) == expected


async def test_an_unknown_connection_is_not_looked_for_in_the_whole_list(
    booked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.walking.COVERED_SCAN_MAX", 2)
    page = await reservations.find(booked.services, "h", Filter(connection="none"))
    assert (page.items, page.next, page.partial) == ((), "", False)


async def test_a_cursor_of_something_else(house: House) -> None:
    for cursor in ("x", "é", "AAAA", "kqFhoWI", "k" * 5000):
        with pytest.raises(Malformed, match="cursor"):
            await reservations.find(house.services, "h", cursor=cursor)


async def test_what_is_shown_of_one(booked: House) -> None:
    (one,) = (await reservations.find(booked.services, "h", Filter(text="B1"))).items
    (room,) = one.rooms
    assert (one.guest, one.total, one.currency, one.revisions) == ("Ana Müller", 12_345, "EUR", 1)
    assert (room.room, room.plan, room.their_room, room.their_plan) == ("DBL", "BAR", "r1", "bar")
    assert (room.arrival, room.departure, room.nightly) == (TODAY + 3, TODAY + 5, (6_000, 6_345))


async def test_one_with_its_revisions_and_deliveries(house: House) -> None:
    await house.open_for_sale()
    number = await house.say(new(stay(1, 2)))
    await house.deliver()
    await house.say(modify(stay(1, 4)))
    shown = await reservations.show(house.services, "h", number)
    assert [(line.seq, line.author, line.rules, line.shown) for line in shown.revisions] == [
        (1, "connection:ota", False, False),
        (2, "connection:ota", True, True),
    ]
    assert shown.revisions[0].message_id != shown.revisions[1].message_id
    (delivery,) = shown.deliveries
    assert (delivery.connection, delivery.state, delivery.seq, delivery.ref) == ("pms", "pending", 2, "P1")
    assert shown.content.stays[0].departure == TODAY + 4
    for missing in ("NOBODY", "", "\0"):
        with pytest.raises((NotFound, Malformed)):
            await reservations.show(house.services, "h", missing)


async def test_those_that_need_somebody_oldest_first(booked: House) -> None:
    page = await reservations.trouble(booked.services, "h")
    assert [(line.reservation.booking_id, line.unmapped) for line in page.items] == [("P1", ("r9",)), ("B4", ())]
    assert [line.reservation.oversold > 0 for line in page.items] == [False, True]
    ages = [line.age_ms for line in page.items]
    assert ages == sorted(ages, reverse=True)


async def test_a_page_costs_the_same_however_many_there_are(booked: House) -> None:
    counter = booked.services.database.counter
    before = counter.statements
    await reservations.find(booked.services, "h")
    few = counter.statements - before
    for n in range(20):
        await booked.say(booking(f"M{n}", "Many"))
    before = counter.statements
    await reservations.find(booked.services, "h")
    assert counter.statements - before == few <= 5
