"""The count of what was oversold is true at any time: it falls when rooms become free again, and only then."""

from __future__ import annotations

import pytest

from gateway.flows.desk import reservations
from gateway.model.property import FigureKind, Product
from gateway.store.tables import ReservationRow
from tests.flows.house import PRODUCTS, House, cancel, channel, hotel, modify, new, pms, stay, update


async def counts(house: House) -> dict[str, int]:
    return {row.booking_id: row.oversold for row in await house.rows(ReservationRow) if row.oversold}


async def three_for_one(house: House) -> None:
    """One room on days 2 and 3, and three bookings of it."""
    await house.open_for_sale(figure=1)
    for name in ("B1", "B2", "B3"):
        await house.say(new(stay(2, 4), booking=name))
        house.clock.pass_s(1)
    assert await counts(house) == {"B2": 2, "B3": 2}


async def test_a_cancellation_makes_room_for_those_who_were_there_first(house: House) -> None:
    await three_for_one(house)
    await house.say(cancel(booking="B1"))
    assert await counts(house) == {"B3": 2}
    await house.say(cancel(booking="B2"))
    assert await counts(house) == {}
    assert (await reservations.trouble(house.services, "h")).items == ()


async def test_a_change_makes_room_on_the_nights_it_gives_back(house: House) -> None:
    await three_for_one(house)
    await house.say(modify(stay(3, 5), booking="B1"))
    assert await counts(house) == {"B2": 1, "B3": 2}


async def test_who_moves_away_is_oversold_no_longer(house: House) -> None:
    await three_for_one(house)
    await house.say(modify(stay(8, 10), booking="B3"))
    assert await counts(house) == {"B2": 2}


async def test_figures_make_room(house: House) -> None:
    await three_for_one(house)
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    assert await counts(house) == {"B2": 1, "B3": 2}
    await house.ari(update("pDBL", "", 2, 3, figure=3))
    assert await counts(house) == {}


async def test_an_allocation_that_shrinks_again_counts_again(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(figures=FigureKind.ALLOCATION), channel("ota")))
    await three_for_one(house)
    await house.ari(update("pDBL", "", 2, 3, figure=2))
    assert await counts(house) == {"B3": 2}
    await house.ari(update("pDBL", "", 2, 3, figure=1))
    assert await counts(house) == {"B3": 2}  # who was relieved is not troubled again
    await house.ari(update("pDBL", "", 2, 3, figure=3))
    assert await counts(house) == {}


async def test_mapping_a_parked_booking_elsewhere_makes_room(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", fallback_room="DBL")))
    await house.open_for_sale(figure=1)
    await house.say(new(stay(2, 4, "penthouse"), booking="P"))
    await house.say(new(stay(2, 4), booking="B"))
    assert await counts(house) == {"B": 2}
    penthouse = Product("FAM", "BAR", "penthouse", "bar")
    await house.apply(hotel(pms(), channel("ota", fallback_room="DBL", products=(*PRODUCTS, penthouse))))
    assert await counts(house) == {}


async def test_an_echo_that_settles_makes_room(empty_house: House) -> None:
    """The window was unsure whether the figure has the cancellation in it, and time alone makes it sure."""
    house = empty_house
    await house.apply(hotel(pms(echoes=True), channel("ota")))
    await house.open_for_sale(figure=2)
    await house.say(new(stay(2, 3), booking="B1"))
    await house.deliver()
    # Rooms left by the PMS: it has applied B1 and says so, before anybody can be sure that it has.
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    assert await house.free("DBL", 2) == 0
    await house.say(new(stay(2, 3), booking="B2"))
    assert await counts(house) == {"B2": 1}
    house.clock.pass_s(60)
    await house.deliver()
    assert await house.free("DBL", 2) == 0
    assert await counts(house) == {}


@pytest.mark.parametrize("units", [1, 2])
async def test_what_was_never_oversold_is_not_troubled(house: House, units: int) -> None:
    await house.open_for_sale(figure=2)
    await house.say(new(stay(2, 4, units=units)))
    await house.say(modify(stay(2, 5, units=units)))
    await house.say(cancel())
    assert await counts(house) == {}


async def test_a_stay_that_is_over_is_short_of_nothing(house: House) -> None:
    await three_for_one(house)
    house.clock.pass_s(6 * 86_400)
    await house.ari(update("pDBL", "", 8, 8, figure=0))
    assert await counts(house) == {}


async def test_what_can_be_done_is_said(house: House) -> None:
    await three_for_one(house)
    (_, line) = (await reservations.trouble(house.services, "h")).items
    assert (line.reservation.booking_id, line.reservation.oversold, line.fits) == ("B3", 2, ("FAM",))
    assert line.age_ms >= 1_000
    await house.say(new(stay(3, 4, "r2"), booking="F"))
    assert {line.fits for line in (await reservations.trouble(house.services, "h")).items} == {()}
