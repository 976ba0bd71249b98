"""A hotel file that changes while bookings, holds and deliveries are under way."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.flows.delivering import remapped
from gateway.flows.selling import sell
from gateway.model.property import Connection, Property
from gateway.model.reservation import Revision
from gateway.store.tables import DeliveryRow
from tests.flows.house import (
    FIGURE_DELAY_S,
    House,
    cancel,
    channel,
    down,
    hotel,
    modify,
    new,
    pms,
    stay,
    update,
)
from tests.flows.selling.test_sell import ME, TERMS, held, site


def _without_doubles(shop: Property) -> Property:
    """The same house, which has no doubles any more."""
    kept = tuple(
        replace(each, products=tuple(line for line in each.products if line.room != "DBL")) for each in shop.connections
    )
    return replace(shop, room_types=shop.room_types[1:], connections=kept)


@pytest.mark.parametrize("limited", [False, True])
async def test_a_hold_of_a_room_type_that_left_gives_back_what_it_held(empty_house: House, *, limited: bool) -> None:
    """What is confirmed of it waits to be resolved; once the type is there again, it takes its nights."""
    shop = hotel(pms(house_figures=limited), channel("ota"), site(), selling=TERMS)
    await empty_house.apply(shop)
    await empty_house.open_for_sale(figure=2)
    number = (await held(empty_house)).sale_id
    await empty_house.apply(_without_doubles(shop))
    await sell.confirm(empty_house.services, "h", number, ME)
    assert (await empty_house.reservation()).parked == 1
    assert await empty_house.stock("DBL", 3, 4) == [(2, 0, 0, 0), (2, 0, 0, 0)]
    assert await empty_house.stock("", 3, 3) == [(-1, 0, 0, 0)]
    await empty_house.apply(shop)
    assert (await empty_house.reservation()).parked == 0
    assert await empty_house.stock("DBL", 3, 4) == [(2, 1, -1, 0), (2, 1, -1, 0)]


def _limited(*, yes: bool, enabled: bool = True) -> Property:
    return hotel(pms(house_figures=yes, enabled=enabled), channel("ota"), site(), selling=TERMS)


async def _told(house: House, revision: Revision, free: int) -> None:
    """The PMS hears of it, and says what it has left of doubles."""
    await house.say(revision)
    await house.deliver()
    house.clock.pass_s(FIGURE_DELAY_S)
    await house.ari(update("pDBL", "", 3, 3, figure=free))


async def test_bookings_from_before_the_house_was_limited_are_in_its_figures(empty_house: House) -> None:
    """What is cancelled of them is not free a second time once the PMS says so."""
    await empty_house.apply(_limited(yes=False))
    await empty_house.open_for_sale(figure=2)
    await _told(empty_house, new(stay(3, 4)), 1)
    await held(empty_house, 3, 4)
    await empty_house.apply(_limited(yes=True))
    assert await empty_house.stock("", 3, 3) == [(-1, 1, -1, 1)]
    await empty_house.ari(update("", "", 3, 3, figure=4))
    assert await empty_house.stock("", 3, 3) == [(4, 1, 0, 1)]
    await empty_house.say(cancel())
    assert await empty_house.stock("", 3, 3) == [(4, 0, 1, 1)]
    await empty_house.deliver()
    empty_house.clock.pass_s(FIGURE_DELAY_S)
    await empty_house.ari(update("", "", 3, 3, figure=5))
    assert await empty_house.stock("", 3, 3) == [(5, 0, 0, 1)]


@pytest.mark.parametrize("pause", [_limited(yes=False), _limited(yes=True, enabled=False)])
async def test_the_house_begins_anew_when_it_is_limited_again(empty_house: House, pause: Property) -> None:
    """What was booked, moved and cancelled while nobody counted the house is neither forgotten nor counted twice."""
    await empty_house.apply(_limited(yes=True))
    await empty_house.open_for_sale(figure=2)
    await empty_house.ari(update("", "", 0, 20, figure=4))
    await _told(empty_house, new(stay(3, 4)), 1)
    await _told(empty_house, new(stay(3, 5), booking="B2"), 0)
    await empty_house.apply(pause)
    await empty_house.say(cancel())
    await empty_house.say(modify(stay(4, 5), booking="B2"))
    await empty_house.say(new(stay(5, 6), booking="B3"))
    await empty_house.apply(_limited(yes=True))
    assert await empty_house.stock("", 3, 5) == [(-1, 0, 0, 0), (-1, 1, -1, 0), (-1, 1, -1, 0)]
    await empty_house.deliver()
    empty_house.clock.pass_s(FIGURE_DELAY_S)
    await empty_house.ari(update("", "", 3, 5, figure=3))
    assert await empty_house.stock("", 3, 5) == [(3, 0, 0, 0), (3, 1, 0, 0), (3, 1, 0, 0)]


def _asks_for_numbers(*, enabled: bool) -> Connection:
    return channel("ota", "asked", pms_number=True, enabled=enabled)


async def test_a_number_owed_to_a_channel_that_is_switched_off_waits_and_is_not_due(empty_house: House) -> None:
    """Or such deliveries, always the oldest, would take the places of those that can be made."""
    await empty_house.apply(hotel(pms(), _asks_for_numbers(enabled=True)))
    await empty_house.say(new(stay(3, 4)))
    empty_house.wire.answers["ota"] = [down] * 3
    await empty_house.deliver()
    await empty_house.deliver()
    await empty_house.apply(hotel(pms(), _asks_for_numbers(enabled=False)))
    empty_house.clock.pass_s(3_600)
    assert await empty_house.deliver() is None
    (row,) = await empty_house.rows(DeliveryRow, "connection = 'ota'")
    assert (row.state, row.due_ms) == ("pending", None)
    await empty_house.apply(hotel(pms(), _asks_for_numbers(enabled=True)))
    await empty_house.deliver()
    (row,) = await empty_house.rows(DeliveryRow, "connection = 'ota'")
    assert row.state == "confirmed"


async def test_more_deliveries_lack_a_code_than_are_looked_at_in_one_go(
    empty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that still cannot be told do not hide the others."""
    monkeypatch.setattr(remapped, "AT_ONCE", 2)
    families = tuple(line for line in pms().products if line.room != "DBL")
    await empty_house.apply(hotel(pms(products=()), channel("ota")))
    for place, room in enumerate(("r1", "r1", "r1", "r2", "r2")):
        await empty_house.say(new(stay(3, 4, room=room), booking=f"B{place}"))
    await empty_house.deliver()
    assert {row.state for row in await empty_house.rows(DeliveryRow)} == {"refused"}
    await empty_house.apply(hotel(pms(products=families), channel("ota")))
    await empty_house.deliver()
    states = sorted(row.state for row in await empty_house.rows(DeliveryRow))
    assert states == ["confirmed", "confirmed", "refused", "refused", "refused"]
