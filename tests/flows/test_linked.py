"""Linked room types through the flows: a sale of either side is one of the other in the same transaction."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine.asking import Party
from gateway.engine.sale import Customer
from gateway.errors import Rejected
from gateway.flows.desk import calendar, reservations
from gateway.flows.selling import search, sell
from gateway.flows.selling.search import Line
from gateway.flows.show_calendar import calendar_rows
from gateway.model.property import Allotment, Part, Product, Property, RoomType
from gateway.store.tables import ReservationRow
from tests.flows.house import HORIZON, PRODUCTS, TODAY, House, cancel, channel, hotel, modify, new, pms, stay, update
from tests.flows.selling.test_sell import ME, site

EVERYTHING = Allotment()
STE = RoomType("STE", "Suite", 5, made_of=(Part("DBL", 2),))
THEIRS = (*PRODUCTS, Product("STE", "BAR", "r3", "bar"))


def linked(*, allotment: Allotment = EVERYTHING, room: RoomType = STE) -> Property:
    """Doubles, families, and a suite made of two doubles, which the PMS sells as well."""
    mapped = (*pms().products, Product("STE", "BAR", "pSTE", "BAR"))
    direct = msgspec.structs.replace(site(), allotment=allotment)
    plain = hotel(pms(products=mapped), channel("ota", products=THEIRS), direct)
    return msgspec.structs.replace(plain, room_types=(*plain.room_types, room))


@pytest.fixture
async def suites(empty_house: House) -> House:
    """Three doubles free on every night."""
    await empty_house.apply(linked())
    await opened(empty_house)
    return empty_house


async def opened(house: House) -> None:
    await house.open_for_sale(figure=3)
    reply = await house.ari(update("pSTE", "BAR", 0, HORIZON, price1=30_000, price2=30_000))
    assert reply.status == 200, reply.body


async def sale_of(house: House, *lines: Line, first: int = 3) -> str:
    row = await search.quote(house.services, "h", TODAY + first, TODAY + first + 1, lines, ME)
    return row.sale_id


async def limits(house: House, day: int = 3) -> dict[str, int]:
    """What the channel holds for its rooms."""
    await house.push()
    return {room: house.wire.held["ota", room, "", TODAY + day, "figure"] for room in ("r1", "r3")}


async def left(house: House, day: int = 3) -> dict[str, int]:
    """What the search, the calendar and the terminal show, which must be the same."""
    found = await search.availability(house.services, "h", TODAY + day, TODAY + day)
    searched = {each.room: each.left[0] for each in found.rooms}
    grid = await calendar.read(house.services, "h", TODAY + day, TODAY + day)
    assert {room.room: room.days[0].free for room in grid.rooms} == searched
    alone = await calendar.read(house.services, "h", TODAY + day, TODAY + day, rooms=["STE"])
    assert alone.rooms[0].days[0].free == searched["STE"]
    assert alone.rooms[0].made_of == STE.made_of
    _, rows = await calendar_rows(house.services, "h", TODAY + day, 1)
    assert {row.room: row.cells[0].free for row in rows if not row.plan} == searched
    return {room: searched[room] for room in ("DBL", "STE")}


async def test_a_double_sold_is_a_suite_less(suites: House) -> None:
    assert await left(suites) == {"DBL": 3, "STE": 1}
    assert await limits(suites) == {"r1": 3, "r3": 1}
    await suites.say(new(stay(3, 4)))
    assert await left(suites) == {"DBL": 2, "STE": 1}
    await suites.say(new(stay(3, 4), booking="B2"))
    assert await left(suites) == {"DBL": 1, "STE": 0}
    assert await limits(suites) == {"r1": 1, "r3": 0}


async def test_a_suite_sold_is_two_doubles_less_and_gives_them_back(suites: House) -> None:
    await suites.say(new(stay(3, 4, room="r3")))
    assert await left(suites) == {"DBL": 1, "STE": 0}
    assert await limits(suites) == {"r1": 1, "r3": 0}
    assert await suites.stock("DBL", 3, 3) == [(3, 2, -2, 0)]
    await suites.say(cancel())
    assert await left(suites) == {"DBL": 3, "STE": 1}
    assert await suites.stock("DBL", 3, 3) == [(3, 0, 0, 0)]


async def test_the_pms_counts_the_suite_as_its_doubles(suites: House) -> None:
    """Its figure falls by two once it has the booking, and then nothing is counted twice."""
    await suites.say(new(stay(3, 4, room="r3")))
    await suites.deliver()
    suites.clock.pass_s(60)
    await suites.ari(update("pDBL", "", 3, 3, figure=1))
    assert await suites.stock("DBL", 3, 3) == [(1, 2, 0, 0)]
    assert await left(suites) == {"DBL": 1, "STE": 0}


async def test_a_channel_that_sells_a_suite_nobody_has_is_oversold_by_its_doubles(suites: House) -> None:
    await suites.say(new(stay(3, 4, room="r3")))
    await suites.say(new(stay(3, 4, room="r3"), booking="B2"))
    trouble = await reservations.trouble(suites.services, "h")
    (line,) = trouble.items
    assert (line.reservation.booking_id, line.reservation.oversold) == ("B2", 1)
    assert line.fits == ("FAM",)
    await suites.say(cancel())
    assert not (await reservations.trouble(suites.services, "h")).items


async def test_a_sale_of_several_types_takes_all_of_them_together(suites: House) -> None:
    """Each fits by itself; together they would need four doubles."""
    both = await sale_of(suites, Line("STE", "BAR", Party(2)), Line("DBL", "BAR", Party(2), 2))
    with pytest.raises(Rejected, match="DBL is sold out"):
        await sell.hold(suites.services, "h", both, Customer(), ME)
    fitting = await sale_of(suites, Line("STE", "BAR", Party(2)), Line("DBL", "BAR", Party(2)))
    await sell.hold(suites.services, "h", fitting, Customer(), ME)
    assert await suites.stock("DBL", 3, 3) == [(3, 0, 0, 3)]
    assert await left(suites) == {"DBL": 0, "STE": 0}
    await sell.release(suites.services, "h", fitting, ME)
    assert await suites.stock("DBL", 3, 3) == [(3, 0, 0, 0)]


async def test_an_allotment_is_of_what_is_sold(empty_house: House) -> None:
    """One of each type is kept back: of the one suite nothing is left, whatever doubles there are."""
    await empty_house.apply(linked(allotment=Allotment(keep_back=1)))
    await opened(empty_house)
    found = await search.availability(empty_house.services, "h", TODAY + 3, TODAY + 3)
    assert [(each.room, each.left[0]) for each in found.rooms] == [("DBL", 2), ("FAM", 2), ("STE", 0)]
    await empty_house.ari(update("pDBL", "", 3, 3, figure=4))
    suite = await sale_of(empty_house, Line("STE", "BAR", Party(2)))
    other = await sale_of(empty_house, Line("STE", "BAR", Party(2)))
    await sell.confirm(empty_house.services, "h", suite, ME)
    with pytest.raises(Rejected, match="STE is sold out"):
        await sell.confirm(empty_house.services, "h", other, ME)


async def test_a_suite_becomes_a_double_of_its_own(suites: House) -> None:
    """A change may use the rooms that it gives back."""
    number = await sale_of(suites, Line("STE", "BAR", Party(2)))
    await sell.confirm(suites.services, "h", number, ME)
    await suites.say(new(stay(3, 4)))
    quote = await search.quote(
        suites.services, "h", TODAY + 3, TODAY + 4, [Line("DBL", "BAR", Party(2), 2)], ME, replaces=number
    )
    await sell.modify(suites.services, "h", number, ME, quote_id=quote.sale_id)
    assert await suites.sold("DBL") == {3: 3}
    assert await suites.sold("STE") == {}


async def test_linking_types_takes_what_their_bookings_took(suites: House) -> None:
    """Bookings, holds and what the PMS may have counted follow in the transaction that changes the file."""
    plain = msgspec.structs.replace(STE, made_of=())
    await suites.apply(linked(room=plain))
    await suites.ari(update("pSTE", "", 0, HORIZON, figure=2))
    await suites.say(new(stay(3, 4, room="r3")))
    await suites.deliver()
    suites.clock.pass_s(60)
    await suites.ari(update("pSTE", "", 3, 3, figure=1), update("pDBL", "", 3, 3, figure=1))
    held = await sale_of(suites, Line("STE", "BAR", Party(2)), first=5)
    await sell.hold(suites.services, "h", held, Customer(), ME, hold_s=10_000)
    await suites.say(new(stay(4, 5, room="r3"), booking="B2"))
    assert await suites.stock("DBL", 3, 5) == [(1, 0, 0, 0), (3, 0, 0, 0), (3, 0, 0, 0)]
    await suites.apply(linked())
    # The figures of the first contain it, those of the second do not yet, and the third is held.
    assert await suites.stock("DBL", 3, 5) == [(1, 2, 0, 0), (3, 2, -2, 0), (3, 0, 0, 2)]
    await sell.confirm(suites.services, "h", held, ME)
    await suites.say(cancel(booking="B2"))
    assert await suites.stock("DBL", 4, 5) == [(3, 0, 0, 0), (3, 2, -2, 0)]
    await suites.apply(linked(room=plain))
    assert await suites.stock("DBL", 3, 5) == [(1, 0, 0, 0), (3, 0, 0, 0), (3, 0, 0, 0)]
    assert await suites.stock("STE", 5, 5) == [(2, 1, -1, 0)]


async def test_a_delivery_is_due_although_its_rooms_are_linked_in_the_moment_its_pms_is_called_again(
    suites: House,
) -> None:
    """Both change the same row, and neither takes back what the other says."""
    await suites.apply(_with_pms(linked(), enabled=False))
    await suites.say(new(stay(3, 4, room="r3")))
    assert await suites.deliver() is None
    await suites.apply(_with_pms(linked(room=msgspec.structs.replace(STE, made_of=(Part("FAM", 1),))), enabled=True))
    await suites.deliver()
    (told,) = suites.wire.deliveries()
    assert told.revision.content.stays[0].room == "pSTE"
    assert await suites.stock("FAM", 3, 3) == [(3, 1, -1, 0)]


def _with_pms(prop: Property, *, enabled: bool) -> Property:
    first, *others = prop.connections
    return msgspec.structs.replace(prop, connections=(msgspec.structs.replace(first, enabled=enabled), *others))


async def test_types_are_linked_although_a_booking_has_left_nights_that_figures_still_contain(suites: House) -> None:
    await suites.apply(linked(room=msgspec.structs.replace(STE, made_of=())))
    await suites.say(new(stay(3, 4, room="r3")))
    await suites.deliver()
    suites.clock.pass_s(60)
    await suites.ari(update("pSTE", "", 3, 3, figure=1), update("pDBL", "", 3, 3, figure=1))
    await suites.say(modify(stay(40, 41, room="r3")))
    await suites.apply(linked())
    assert await suites.stock("DBL", 3, 3) == [(1, 0, 2, 0)]
    assert await suites.sold("DBL", 0, 45) == {40: 2}


async def oversold(house: House) -> dict[str, int]:
    return {row.booking_id: row.oversold for row in await house.rows(ReservationRow) if row.oversold}


async def test_linking_types_marks_who_is_short_from_then_on_and_unlinking_relieves_them(suites: House) -> None:
    """Three doubles stand; the suite sold beside them turns out to be two of these. It falls on who came last."""
    plain = linked(room=msgspec.structs.replace(STE, made_of=()))
    await suites.apply(plain)
    await suites.ari(update("pSTE", "", 0, HORIZON, figure=2))
    for name in ("B1", "B2"):
        await suites.say(new(stay(3, 5), booking=name))
    await suites.say(new(stay(3, 4, room="r3"), booking="S"))
    await suites.say(new(stay(8, 9), booking="B3"))
    assert await oversold(suites) == {}
    await suites.apply(linked())
    assert await oversold(suites) == {"S": 1}
    assert (await reservations.trouble(suites.services, "h")).items[0].reservation.booking_id == "S"
    await suites.apply(plain)
    assert await oversold(suites) == {}


async def test_fewer_suites_than_are_sold_are_oversold_at_once(suites: House) -> None:
    await suites.ari(update("pDBL", "", 0, HORIZON, figure=9))
    for name in ("B1", "B2"):
        await suites.say(new(stay(3, 4, room="r3"), booking=name))
    assert await oversold(suites) == {}
    await suites.apply(linked(room=msgspec.structs.replace(STE, units=1)))
    assert await oversold(suites) == {"B2": 1}
    await suites.apply(linked())
    assert await oversold(suites) == {}
