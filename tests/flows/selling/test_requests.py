"""A plan on request: the rooms are held until the hotel has answered, and nothing is a booking before."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec
import pytest

from gateway.engine.sale import SaleState
from gateway.errors import Rejected
from gateway.flows.selling import letters, sell
from gateway.flows.selling.release import Releaser
from gateway.flows.selling.sell import SaleView
from gateway.model.selling import PlanTerms
from gateway.store.tables import ReservationRow
from tests.flows.house import House, channel, hotel, new, pms, stay, update
from tests.flows.mailbox import Mailbox
from tests.flows.selling.test_sell import ADA, ME, TERMS, held, quoted, site
from tests.flows.selling.test_sell_asked import Both, Desk, agency
from tests.flows.selling.test_sell_letters import postman

ASKING = msgspec.structs.replace(TERMS, plans=(PlanTerms("BAR", on_request=True),), request_s=3_600)


@pytest.fixture
async def shop(empty_house: House) -> House:
    """One room on sale, whose plan the hotel has to accept."""
    await empty_house.apply(hotel(pms(), channel("ota"), site(), selling=ASKING))
    await empty_house.open_for_sale(figure=1)
    return empty_house


async def requested(house: House) -> SaleView:
    return await sell.confirm(house.services, "h", await quoted(house), ME, customer=ADA)


async def test_a_request_holds_its_room_until_it_is_accepted(shop: House) -> None:
    seen = await requested(shop)
    assert (seen.state, seen.rooms[0].on_request) == (SaleState.REQUESTED, True)
    assert seen.expires_ms == shop.clock.now_ms() + 3_600_000
    assert await shop.stock("DBL", 3, 4) == [(1, 0, 0, 1), (1, 0, 0, 1)]
    assert await shop.rows(ReservationRow) == []
    assert [one.sale_id for one in await sell.requests(shop.services, "h")] == [seen.sale_id]
    again = await sell.confirm(shop.services, "h", seen.sale_id, ME)
    assert again.state is SaleState.REQUESTED
    assert (await sell.accept(shop.services, "h", seen.sale_id, "person:ada")).state is SaleState.BOOKED
    assert (await sell.accept(shop.services, "h", seen.sale_id, "person:ada")).state is SaleState.BOOKED
    assert await shop.stock("DBL", 3, 4) == [(1, 1, -1, 0), (1, 1, -1, 0)]
    (row,) = await shop.rows(ReservationRow)
    assert (row.reservation_id, row.oversold) == (seen.sale_id, 0)
    assert await sell.requests(shop.services, "h") == ()
    with pytest.raises(Rejected, match="it is booked, not a request"):
        await sell.decline(shop.services, "h", seen.sale_id, ME)


async def test_one_that_is_declined_gives_its_room_back_for_good(shop: House) -> None:
    seen = await requested(shop)
    for _ in range(2):
        assert (await sell.decline(shop.services, "h", seen.sale_id, "person:ada")).state is SaleState.RELEASED
    assert await shop.free("DBL", 3) == 1
    with pytest.raises(Rejected, match="not a request that waits"):
        await sell.accept(shop.services, "h", seen.sale_id, "person:ada")
    with pytest.raises(Rejected, match="has not accepted"):
        await sell.confirm(shop.services, "h", seen.sale_id, ME)


async def test_what_nobody_answers_is_declined_by_time(shop: House) -> None:
    seen = await requested(shop)
    shop.clock.pass_s(3_600)
    assert await Releaser(shop.services).round() == 1
    assert (await sell.show(shop.services, "h", seen.sale_id)).state is SaleState.RELEASED
    assert await shop.free("DBL", 3) == 1


async def test_a_hold_becomes_a_request_with_the_same_room(shop: House) -> None:
    seen = await held(shop)
    assert (await sell.confirm(shop.services, "h", seen.sale_id, ME)).state is SaleState.REQUESTED
    assert await shop.stock("DBL", 3, 3) == [(1, 0, 0, 1)]
    await shop.ari(update("pDBL", "", 0, 10, figure=2))
    other = await held(shop)
    with pytest.raises(Rejected, match="it is held, not a request"):
        await sell.decline(shop.services, "h", other.sale_id, ME)


async def test_requests_never_oversell(shop: House) -> None:
    quotes = [await quoted(shop) for _ in range(5)]
    answers = await asyncio.gather(
        *(sell.confirm(shop.services, "h", one, ME, customer=ADA) for one in quotes), return_exceptions=True
    )
    assert sum(isinstance(answer, SaleView) for answer in answers) == 1
    assert await shop.stock("DBL", 3, 3) == [(1, 0, 0, 1)]


async def test_who_asked_may_take_it_back(shop: House) -> None:
    seen = await requested(shop)
    assert (await sell.release(shop.services, "h", seen.sale_id, ME)).state is SaleState.RELEASED
    assert await shop.free("DBL", 3) == 1


async def test_accepting_one_whose_room_was_sold_by_a_channel_meanwhile_counts_it(shop: House) -> None:
    """The channel sold the held room: its booking is the one too many, as ever."""
    seen = await requested(shop)
    await shop.say(new(stay(3, 5)))
    await sell.accept(shop.services, "h", seen.sale_id, "person:ada")
    assert {row.booking_id: row.oversold for row in await shop.rows(ReservationRow)}["B1"] == 2


async def test_letters_tell_how_it_goes(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox, post = Mailbox(monkeypatch, letters), postman(shop)
    seen = await requested(shop)
    await post.round()
    await sell.decline(shop.services, "h", seen.sale_id, "person:ada")
    await post.round()
    seen = await requested(shop)
    await post.round()
    await sell.accept(shop.services, "h", seen.sale_id, "person:ada")
    await post.round()
    subjects = [subject for _, subject, _ in mailbox.taken]
    parts = ("Your request", "could not be accepted", "Your request", "Your reservation")
    assert [part in subject for subject, part in zip(subjects, parts, strict=True)] == [True] * 4


async def test_a_booking_is_not_changed_to_what_has_to_be_accepted(shop: House) -> None:
    seen = await sell.confirm(shop.services, "h", await quoted(shop, plan="HB"), ME)
    quote = await quoted(shop, replaces=seen.sale_id)
    with pytest.raises(Rejected, match="requested anew"):
        await sell.modify(shop.services, "h", seen.sale_id, ME, quote_id=quote)


async def test_other_plans_are_booked_at_once(shop: House) -> None:
    seen = await sell.confirm(shop.services, "h", await quoted(shop, plan="HB"), ME)
    assert seen.state is SaleState.BOOKED


async def test_an_agency_is_told_that_it_is_requested_and_later_how_it_stands(empty_house: House) -> None:
    house = empty_house
    house.services = replace(house.services, connectors=Both())
    await house.apply(hotel(pms(), channel("ota"), agency(), selling=ASKING))
    await house.open_for_sale(figure=2)
    desk = Desk(house)
    found = (await desk.search(3, 5, room="double")).all("RoomStays/RoomStay")
    assert sorted(str(stay.get("AvailabilityStatus")) for stay in found) == ["AvailableForSale", "OnRequest"]
    first, second = await desk.book("A1"), await desk.book("A2")
    assert first.tree.get("ResResponseType") == second.tree.get("ResResponseType") == "Requested"
    numbers = [row.sale_id for row in await desk.sales()]
    waiting = {one.sale_id for one in await sell.requests(house.services, "h")}
    assert waiting == set(numbers)
    ours = first.one("HotelReservations/HotelReservation/ResGlobalInfo/HotelReservationIDs/HotelReservationID")
    accepted = ours.get("ResID_Value")
    await sell.accept(house.services, "h", accepted, "person:ada")
    (declined,) = waiting - {accepted}
    await sell.decline(house.services, "h", declined, "person:ada")
    assert (await desk.book("A1")).tree.get("ResResponseType") == "Committed"
    assert (await desk.book("A2")).error == "322"
    assert await house.sold("DBL") == {3: 1, 4: 1}
