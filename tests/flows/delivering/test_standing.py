"""A PMS that is added later is handed the bookings that stand, and its first figures are read rightly."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from gateway.engine.window import Claim, unseen
from gateway.model.dates import BLOCK_DAYS, local_day
from gateway.model.property import Connection, FigureKind, Part, Property, RoomType, StandingBookings
from gateway.model.reservation import RevisionKind
from gateway.store import watching
from gateway.store.tables import DeliveryRow, MessageRow, StockRow
from tests.flows.house import FIGURE_DELAY_S, House, cancel, channel, hotel, modify, new, pms, stay, update
from tests.flows.test_linked import THEIRS

NIGHT = 2
OTHER = {"hotel": "P2", "url": "second"}


def second(**more: object) -> Connection:
    return msgspec.structs.replace(pms("second"), **{**OTHER, **more})


def off(connection: Connection) -> Connection:
    return msgspec.structs.replace(connection, enabled=False)


async def figure(house: House, rooms: int, connection: str = "pms") -> None:
    hotel = "P" if connection == "pms" else "P2"
    reply = await house.ari(update("pDBL", "", NIGHT, NIGHT, figure=rooms), connection=connection, hotel=hotel)
    assert reply.status == 200, reply.body


async def deliveries(house: House, connection: str) -> dict[str, DeliveryRow]:
    return {row.reservation_id: row for row in await house.rows(DeliveryRow) if row.connection == connection}


async def without_pms(house: House, bookings: int = 2) -> list[str]:
    await house.apply(hotel(channel("ota")))
    return [await house.say(new(stay(NIGHT, NIGHT + 1), booking=f"B{n}")) for n in range(bookings)]


async def test_a_first_pms_is_handed_what_stands_in_the_order_of_arrival(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(channel("ota")))
    late = await house.say(new(stay(9, 10), booking="LATE"))
    soon = await house.say(new(stay(1, 2), booking="SOON"))
    await house.say(new(stay(3, 4), booking="GONE"))
    await house.say(cancel(booking="GONE"))
    house.clock.pass_s(86_400)
    await house.apply(hotel(pms(), channel("ota")))
    await house.deliver()
    house.clock.pass_s(1)
    await house.deliver()
    told = house.wire.deliveries()
    assert [command.reservation_id for command in told] == [soon, late]
    assert {command.revision.kind for command in told} == {RevisionKind.NEW}
    assert {row.state for row in (await deliveries(house, "pms")).values()} == {"confirmed"}
    (cause,) = {row.cause for row in await house.rows(MessageRow) if row.kind == "DeliverReservation"}
    assert next(row.kind for row in await house.rows(MessageRow) if row.message_id == cause) == "hotel file"


async def test_who_has_left_is_of_no_interest(empty_house: House) -> None:
    house = empty_house
    await without_pms(house, 1)
    house.clock.pass_s((NIGHT + 1) * 86_400)
    await house.apply(hotel(pms(), channel("ota")))
    assert len(await deliveries(house, "pms")) == 1  # leaving today
    house.clock.pass_s(86_400)
    await house.apply(hotel(off(pms()), second(), channel("ota")))
    assert await deliveries(house, "second") == {}


async def test_a_figure_from_before_the_confirmation_does_not_count_them(empty_house: House) -> None:
    house = empty_house
    await without_pms(house)
    await house.apply(hotel(pms(), channel("ota")))
    await figure(house, 3)
    assert await house.free("DBL", NIGHT) == 1
    house.clock.pass_s(1)
    await house.deliver()
    await figure(house, 3)  # perhaps from before they were entered
    assert await house.free("DBL", NIGHT) == 1
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 1)
    assert await house.free("DBL", NIGHT) == 1


async def test_what_the_pms_holds_already_is_not_handed_over(empty_house: House) -> None:
    house = empty_house
    await without_pms(house)
    await house.apply(hotel(pms(standing=StandingBookings.SKIP), channel("ota")))
    await house.deliver()
    assert house.wire.deliveries() == []
    await figure(house, 1)
    assert await house.free("DBL", NIGHT) == 1
    await house.say(cancel(booking="B0"))
    assert await house.free("DBL", NIGHT) == 2
    await house.deliver()
    (told,) = house.wire.deliveries()
    assert told.revision.kind is RevisionKind.CANCEL


async def test_a_pms_that_fetches_finds_them(empty_house: House) -> None:
    house = empty_house
    await without_pms(house)
    await house.apply(hotel(pms(url=""), channel("ota")))
    assert {(row.state, row.due_ms) for row in (await deliveries(house, "pms")).values()} == {("pending", None)}


async def test_a_parked_one_waits_as_ever(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(channel("ota")))
    await house.say(new(stay(2, 4, "penthouse")))
    await house.apply(hotel(pms(), channel("ota")))
    assert [row.state for row in (await deliveries(house, "pms")).values()] == ["parked"]
    assert await house.deliver() is None


async def test_the_plan_says_how_many_they_are(empty_house: House) -> None:
    house = empty_house
    await without_pms(house)
    (line,) = (line for line in await house.apply_file(hotel(pms(), channel("ota")), {}) if "stand" in line)
    assert line == "~ connection pms: will be handed 2 bookings that stand"
    replaced = hotel(off(pms()), second(standing=StandingBookings.SKIP), channel("ota"))
    lines = await house.apply_file(replaced, {})
    assert "~ connection second: is taken to hold the 2 bookings that stand" in lines
    assert [line for line in await house.apply_file(replaced, {}) if "stand" in line] == []


async def test_another_pms_goes_on_where_the_one_before_was(house: House) -> None:
    """The figures that are held have the bookings in them until the new one sends its own."""
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(60)
    await figure(house, 2)
    assert await house.free("DBL", NIGHT) == 2
    await house.apply(hotel(off(pms()), second(), channel("ota")))
    assert await house.free("DBL", NIGHT) == 2
    await figure(house, 3, "second")
    assert await house.free("DBL", NIGHT) == 2
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2, "second")
    assert await house.free("DBL", NIGHT) == 2
    assert (await deliveries(house, "second")).keys() == (await deliveries(house, "pms")).keys()


async def test_after_a_time_without_any_nothing_is_known_to_be_in_the_figures(house: House) -> None:
    """They may have been set by hand since: a room too few until the new PMS sends its own, and never one too many."""
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(60)
    await figure(house, 2)
    await house.apply(hotel(off(pms()), channel("ota")))
    await house.apply(hotel(off(pms()), second(), channel("ota")))
    assert await house.free("DBL", NIGHT) == 1
    await check_sums(house)
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2, "second")
    assert await house.free("DBL", NIGHT) == 2


async def test_one_that_comes_back_hears_what_it_has_missed(house: House) -> None:
    kept = await house.say(new(stay(NIGHT, NIGHT + 1), booking="KEPT"))
    gone = await house.say(new(stay(NIGHT, NIGHT + 1), booking="GONE"))
    await house.deliver()
    await house.apply(hotel(channel("ota")))
    await house.say(cancel(booking="GONE"))
    await house.say(new(stay(NIGHT, NIGHT + 1), booking="MISSED"))
    house.wire.sent.clear()
    await house.apply(hotel(pms(), channel("ota")))
    house.clock.pass_s(1)
    await house.deliver()
    told = {command.reservation_id: command.revision.kind for command in house.wire.deliveries()}
    assert kept not in told
    assert told.pop(gone) is RevisionKind.CANCEL
    assert list(told.values()) == [RevisionKind.NEW]


async def test_switching_a_pms_off_and_on_again_changes_nothing(house: House) -> None:
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(60)
    await figure(house, 2)
    before = await house.rows(StockRow), await house.rows(DeliveryRow)
    await house.apply(hotel(off(pms()), channel("ota")))
    await house.apply(hotel(pms(), channel("ota")))
    assert (await house.rows(StockRow), await house.rows(DeliveryRow)) == before


async def test_nobody_is_alarmed_by_their_age(empty_house: House) -> None:
    """They wait since the PMS is there, not since they were booked."""
    house = empty_house
    await without_pms(house)
    house.clock.pass_s(3_600)
    applied_ms = house.clock.now_ms()
    await house.apply(hotel(pms(), channel("ota")))
    (waiting,) = await house.services.database.read(watching.outstanding)
    assert waiting.oldest_ms >= applied_ms


async def test_linking_rooms_in_the_same_file(empty_house: House) -> None:
    """What a booking takes and what its new delivery claims follow together."""
    house = empty_house
    suite = RoomType("STE", "Suite", 2, made_of=(Part("DBL", 2),))

    def with_suite(room: RoomType, *connections: Connection) -> Property:
        plain = hotel(*connections)
        return msgspec.structs.replace(plain, room_types=(*plain.room_types, room))

    await house.apply(with_suite(msgspec.structs.replace(suite, made_of=()), channel("ota", products=THEIRS)))
    await house.say(new(stay(NIGHT, NIGHT + 1, room="r3")))
    await house.apply(with_suite(suite, pms(), channel("ota", products=THEIRS)))
    await figure(house, 3)
    assert await house.free("DBL", NIGHT) == 1
    await check_sums(house)


# --- in any order -----------------------------------------------------------------------------------------------------

SETUPS = {
    "none": (),
    "first": (pms(),),
    "second": (second(),),
    "first, off": (off(pms()), second()),
    "second, off": (pms(), off(second())),
    "first alone, off": (off(pms()),),
    "allocation": (pms(figures=FigureKind.ALLOCATION),),
    "fetches": (pms(url=""),),
    "skips": (second(standing=StandingBookings.SKIP),),
}
STEPS = ("apply", "apply", "book", "book", "move", "cancel", "figure", "figure", "deliver", "deliver", "wait", "wait")


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_the_sums_stay_those_of_the_bookings(empty_house: House, seed: int) -> None:
    """Unseen is what the claims of whoever sets the figures say; and in the end everything is delivered."""
    house, random = empty_house, Random(seed)
    await house.apply(hotel(channel("ota")))
    for version in range(1, 30):
        match random.choice(STEPS):
            case "apply":
                name = random.choice(sorted(SETUPS))
                await house.apply(hotel(*SETUPS[name], channel("ota")))
            case "book" | "move" as step:
                said = modify if step == "move" else new
                first = random.randrange(1, 5)
                await house.say(said(stay(first, first + 2), booking=f"B{random.randrange(4)}", version=version))
            case "cancel":
                await house.say(cancel(booking=f"B{random.randrange(4)}", version=version))
            case "figure":
                for connection, code in (("pms", "P"), ("second", "P2")):  # one of them at most may set it
                    said_by = update("pDBL", "", 1, 6, figure=random.randrange(6))
                    await house.ari(said_by, connection=connection, hotel=code)
            case "deliver":
                await house.deliver()
            case "wait":
                house.clock.pass_s(random.choice([1, FIGURE_DELAY_S]))
        await check_sums(house)
    await house.apply(hotel(off(pms()), second(), channel("ota")))
    house.clock.pass_s(FIGURE_DELAY_S)
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await house.ari(update("pDBL", "", 1, 6, figure=3), connection="second", hotel="P2")
    await check_sums(house)
    assert {night[2] for night in await house.stock("DBL", 1, 6)} == {0}
    waiting = {row.state for row in (await deliveries(house, "second")).values()}
    assert waiting <= {"confirmed"}


async def check_sums(house: House) -> None:
    found = await house.services.directory.hotel_of("ota")
    assert found is not None
    today = local_day(house.clock.now_ms(), "UTC")
    expected: dict[tuple[str, int], int] = {}
    if found.pms is None:
        return
    for row in (await deliveries(house, found.pms.id)).values():
        for cell, units in unseen(msgspec.msgpack.decode(row.claim, type=Claim)).items():
            expected[cell] = expected.get(cell, 0) + units
    for row in await house.rows(StockRow):
        first = row.block * BLOCK_DAYS - today
        nights = await house.stock(row.room, first, first + BLOCK_DAYS - 1)
        for day, night in enumerate(nights, row.block * BLOCK_DAYS):
            if day >= today:
                assert night[2] == expected.get((row.room, day), 0), (row.room, day)
