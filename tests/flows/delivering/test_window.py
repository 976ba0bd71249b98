"""Our bookings never make a PMS figure stale, through the flows: taking, delivering and figures that cross them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from gateway.model.property import FigureKind
from gateway.store.state import State
from gateway.store.tables import DeliveryRow, Row
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


# --- which claims a figure is compared with ---------------------------------------------------------------------------


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[DeliveryRow]:
    """The deliveries that jobs have read, as they were read."""
    found: list[DeliveryRow] = []
    real = State.loaded

    def watched(self: State, rows: Iterable[Row]) -> None:
        rows = list(rows)
        found.extend(row for row in rows if isinstance(row, DeliveryRow))
        real(self, rows)

    monkeypatch.setattr(State, "loaded", watched)
    return found


async def test_an_allocation_is_compared_with_no_claims(empty_house: House, loaded: list[DeliveryRow]) -> None:
    house = empty_house
    await house.apply(hotel(pms(figures=FigureKind.ALLOCATION), channel("ota")))
    await house.say(new(stay(NIGHT, NIGHT + 1)))
    await house.deliver()
    loaded.clear()
    await figure(house, 3)
    assert loaded == []


async def test_a_stay_that_is_over_is_loaded_by_one_figure_more(house: House, loaded: list[DeliveryRow]) -> None:
    """No figure came for its night since it was confirmed, and none will come."""
    number = await house.say(new(stay(0, 1)))
    lasting = await house.say(new(stay(0, NIGHT + 1), booking="B2"))
    await house.deliver()
    house.clock.pass_s(86_400)  # its guests leave today: the PMS may still speak of the night
    await figure(house, 3)
    assert {row.reservation_id for row in await house.rows(DeliveryRow) if not row.settled} == {number, lasting}
    house.clock.pass_s(86_400)
    await figure(house, 2)
    loaded.clear()
    await figure(house, 3)
    assert [row.reservation_id for row in loaded] == [lasting]
    assert (await house.outcomes())[-2:] == ["applied", "applied"]


async def test_settling_what_is_over_is_no_change_of_the_house(house: House) -> None:
    await house.say(new(stay(0, 1)))
    await house.deliver()
    house.clock.pass_s(86_400)
    await figure(house, 3)
    house.clock.pass_s(86_400)
    await figure(house, 3)
    assert (await house.outcomes())[-1] == "unchanged"
    assert [row.settled for row in await house.rows(DeliveryRow)] == [1]


async def test_a_stay_that_is_over_and_not_confirmed_stays_to_be_seen_to(house: House) -> None:
    house.wire.answers["pms"] = [rejecting]
    await house.say(new(stay(0, 1)))
    await house.deliver()
    house.clock.pass_s(2 * 86_400)
    await figure(house, 3)
    assert [(row.state, row.settled) for row in await house.rows(DeliveryRow)] == [("refused", 0)]


async def test_a_stay_that_was_over_and_is_prolonged_counts_again(house: House) -> None:
    """By a revision that comes late: from then on its claim is like any other."""
    await figure(house, 3)
    await house.say(new(stay(0, 1)))
    await house.deliver()
    house.clock.pass_s(2 * 86_400)
    await figure(house, 3)
    await house.say(modify(stay(0, NIGHT + 1)))
    assert await left(house) == 2
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await figure(house, 2)
    assert await left(house) == 2
