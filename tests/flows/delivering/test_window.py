"""Our bookings never make a PMS figure stale, through the flows: taking, delivering and figures that cross them."""

from __future__ import annotations

from gateway.model.property import FigureKind
from tests.flows.house import FIGURE_DELAY_S, House, cancel, channel, hotel, modify, new, pms, rejecting, stay, update

NIGHT = 2


async def figure(house: House, rooms: int) -> None:
    reply = await house.ari(update("pDBL", "", NIGHT, NIGHT, figure=rooms))
    assert reply.status == 200


async def left(house: House) -> int:
    return await house.free("DBL", NIGHT)


async def test_a_figure_from_before_the_booking_that_arrives_after_its_confirmation(house: House) -> None:
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    assert await left(house) == 2
    await house.deliver()
    assert await left(house) == 2
    house.clock.pass_s(1)
    await figure(house, 3)  # computed before the booking was applied
    assert await left(house) == 2
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2)  # certainly computed after
    assert await left(house) == 2


async def test_a_figure_with_the_booking_that_arrives_while_it_is_under_way(house: House) -> None:
    """Nobody knows yet whether the figure contains it: it may be one room too few, never one too many."""
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))

    async def echo(_: str) -> None:
        await figure(house, 2)
        assert await left(house) == 1

    house.wire.meanwhile = echo
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2)
    assert await left(house) == 2


async def test_a_promised_echo_settles_the_doubt_by_time_alone(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(echoes=True), channel("ota")))
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(1)
    await figure(house, 2)  # the echo, but it might be from before
    assert await left(house) == 1
    next_ms = await house.deliver()
    assert next_ms == house.clock.now_ms() + (FIGURE_DELAY_S - 1) * 1_000
    house.changed.clear()
    house.clock.pass_s(FIGURE_DELAY_S)
    await house.deliver()
    assert await left(house) == 2
    assert house.changed == {"h"}
    assert len(house.wire.deliveries()) == 1
    assert await house.deliver() is None


async def test_without_the_promise_the_doubt_stays_until_the_next_figure(house: House) -> None:
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(1)
    await figure(house, 2)
    assert await house.deliver() is None
    house.clock.pass_s(86_400)
    assert await left(house) == 1
    await figure(house, 2)
    assert await left(house) == 2


async def test_growing_while_a_figure_is_under_way(house: House) -> None:
    """One room becomes two; a figure that may contain one, two or none never frees a room that is not there."""
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    await house.say(modify(stay(NIGHT, NIGHT + 1, units=2)))
    assert await left(house) == 1
    await house.deliver()
    for late in (3, 2):
        await figure(house, late)
        assert await left(house) <= 1
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 1)
    assert await left(house) == 1


async def test_a_cancelled_room_comes_back_once(house: House) -> None:
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2)
    await house.say(cancel())
    assert await left(house) == 3
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 3)
    assert await left(house) == 3


async def test_an_allocation_is_not_a_count_of_rooms_left(empty_house: House) -> None:
    """Where the figure is what we were given to sell, our own sales always come off it."""
    house = empty_house
    await house.apply(hotel(pms(figures=FigureKind.ALLOCATION), channel("ota")))
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 3)
    assert await left(house) == 2


async def test_a_refused_booking_still_holds_its_room(house: House) -> None:
    await figure(house, 3)
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    house.wire.answers["pms"] = [rejecting]
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 3)
    assert await left(house) == 2
