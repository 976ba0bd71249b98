"""Selling directly over a real database: from a quote to what the PMS and the channels are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.engine.asking import Ask, Party
from gateway.engine.sale import Customer, SaleState
from gateway.errors import Malformed, NotFound, Rejected, Stale
from gateway.flows.selling import search, sell
from gateway.flows.selling.bookings import ConfirmSale
from gateway.flows.selling.release import Releaser
from gateway.flows.selling.rows import KEPT_MS
from gateway.flows.selling.search import Line
from gateway.flows.selling.sell import SaleView
from gateway.messages import PushAvailability
from gateway.model.property import Allotment, Connection, Role
from gateway.model.reservation import Guest, RevisionKind
from gateway.model.selling import Guarantee, Per, Policy, Selling, Share, Step, Tax
from gateway.store import selling
from gateway.store.tables import MessageRow, ReservationRow, SaleRow
from tests.flows.house import TODAY, House, channel, hotel, new, pms, stay, update

TERMS = Selling(
    check_in_min=15 * 60,
    quote_s=600,
    hold_s=300,
    policy="FLEX",
    mail_from="desk@hotel.example",
    taxes=(
        Tax("VAT", "VAT", percent_bp=1_000, included=True),
        Tax("CITY", "City tax", amount=150, per=Per.PERSON_NIGHT),
    ),
    policies=(
        Policy(
            "FLEX",
            "Flexible",
            Guarantee.DEPOSIT,
            deposit=Share(nights=1),
            steps=(Step(Share(nights=1), within_h=48), Step(Share(percent_bp=10_000), within_h=24)),
        ),
    ),
)
ADA = Customer(Guest("Lovelace", "Ada", email="ada@example.org"))
ME = "key:site"


def site(name: str = "site", **more: Any) -> Connection:
    return Connection(name, "", "", Role.DIRECT, "", **more)


@pytest.fixture
async def shop(empty_house: House) -> House:
    """One room type with one room on sale, and the hotel's own site."""
    await empty_house.apply(hotel(pms(), channel("ota"), site(), selling=TERMS))
    await empty_house.open_for_sale(figure=1)
    return empty_house


async def quoted(house: House, first: int = 3, last: int = 5, **more: Any) -> str:
    line = Line(more.pop("room", "DBL"), more.pop("plan", "BAR"), more.pop("party", Party(2)), more.pop("units", 1))
    row = await search.quote(house.services, "h", TODAY + first, TODAY + last, [line], ME, **more)
    return row.sale_id


async def held(house: House, *days: int, **more: Any) -> SaleView:
    return await sell.hold(house.services, "h", await quoted(house, *days, **more), ADA, ME)


async def booked(house: House, *days: int, **more: Any) -> SaleView:
    return await sell.confirm(house.services, "h", (await held(house, *days, **more)).sale_id, ME)


async def confirm_paid(house: House, sale_id: str, payment: str) -> SaleView:
    """The step that a payment takes, without one."""
    row = await house.services.database.read(lambda tx: selling.one(tx, "h", sale_id))
    assert row is not None
    number, now_ms = house.services.ids.message(), house.clock.now_ms()
    message = MessageRow("h", number, "site", "in", "confirm", now_ms, "", sale_id, 0, None, b"", b"")
    await house.services.batcher.submit(ConfirmSale(message, sale_id, None, payment))
    return await sell.show(house.services, "h", sale_id)


async def found(house: House, first: int = 3, last: int = 5, **more: Any) -> set[tuple[str, str]]:
    ask = Ask(TODAY + first, TODAY + last, more.pop("party", Party(2)))
    offers = await search.offers(house.services, "h", ask, **more)
    return {(offer.room, offer.plan) for offer in offers.offers}


# --- quote and hold ---------------------------------------------------------------------------------------------------


async def test_a_quote_promises_price_and_terms_and_takes_nothing(shop: House) -> None:
    row = await search.quote(shop.services, "h", TODAY + 3, TODAY + 5, [Line("DBL", "NR", Party(2))], ME)
    seen = await sell.show(shop.services, "h", row.sale_id)
    (offer,) = seen.rooms
    assert offer.nightly == (10_800, 10_800)  # 10 % off 120.00
    assert {charge.code: charge.amount for charge in offer.charges} == {"VAT": 982 * 2, "CITY": 150 * 2 * 2}
    assert (seen.total, seen.due, seen.state) == (21_600 + 600, 10_800, SaleState.QUOTED)
    assert (seen.cancellation_fee, seen.no_show_fee) == (0, 21_600)
    assert await shop.free("DBL", 3) == 1


async def test_a_hold_takes_the_room_from_everybody_in_the_same_commit(shop: House) -> None:
    await shop.push()
    assert shop.wire.held["ota", "r1", "", TODAY + 3, "figure"] == 1
    before = (await shop.services.database.read(lambda tx: tx.fetch("SELECT rev FROM scope WHERE scope_id = 'h'")))[0]
    seen = await held(shop)
    after = (await shop.services.database.read(lambda tx: tx.fetch("SELECT rev FROM scope WHERE scope_id = 'h'")))[0]
    assert (seen.state, after[0] - before[0]) == (SaleState.HELD, 1)
    assert await shop.stock("DBL", 3, 5) == [(1, 0, 0, 1), (1, 0, 0, 1), (1, 0, 0, 0)]
    assert await found(shop) == {("FAM", "BAR"), ("FAM", "NR"), ("FAM", "HB")}
    await shop.push()
    assert shop.wire.held["ota", "r1", "", TODAY + 3, "figure"] == 0
    assert isinstance(shop.wire.pushes("ota")[-1], PushAvailability)


async def test_a_held_quote_is_held_once(shop: House) -> None:
    first = await held(shop)
    again = await sell.hold(shop.services, "h", first.sale_id, ADA, ME)
    assert again == first
    assert await shop.stock("DBL", 3, 3) == [(1, 0, 0, 1)]


async def test_the_last_room_is_held_by_one(shop: House) -> None:
    quotes = [await quoted(shop) for _ in range(8)]
    answers = await asyncio.gather(
        *(sell.hold(shop.services, "h", one, ADA, ME) for one in quotes), return_exceptions=True
    )
    assert sum(isinstance(answer, SaleView) for answer in answers) == 1
    assert {str(answer) for answer in answers if isinstance(answer, Rejected)} == {"DBL is sold out on 2026-11-24"}
    assert await shop.stock("DBL", 3, 3) == [(1, 0, 0, 1)]


async def test_a_hold_ends_by_time_and_its_room_is_free_again(shop: House) -> None:
    seen = await held(shop)
    assert await Releaser(shop.services).round() == 0
    shop.clock.pass_s(TERMS.hold_s - 1)
    assert await Releaser(shop.services).round() == 0
    shop.clock.pass_s(1)
    assert await Releaser(shop.services).round() == 1
    assert await Releaser(shop.services).round() == 0
    assert await shop.free("DBL", 3) == 1
    with pytest.raises(Rejected, match="its time is over"):
        await sell.confirm(shop.services, "h", seen.sale_id, ME)
    with pytest.raises(Rejected, match="its time is over"):
        await sell.hold(shop.services, "h", seen.sale_id, ADA, ME)
    shop.clock.pass_s(KEPT_MS / 1000)
    await Releaser(shop.services).round()
    assert await shop.rows(SaleRow) == []


async def test_a_sale_nobody_can_read_keeps_no_other_from_being_released(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do as many of them as are looked at together."""
    monkeypatch.setattr(selling, "DUE_MAX", 2)
    await shop.ari(update("pDBL", "", 0, 10, figure=5))
    seen = await held(shop)
    for number in range(3):
        await spoilt(shop, f"SPOILT{number}")
    shop.clock.pass_s(TERMS.hold_s)
    releaser = Releaser(shop.services)
    with capture_logs() as lines:
        assert await releaser.round() == 1
    assert (await sell.show(shop.services, "h", seen.sale_id)).state is SaleState.RELEASED
    told = [line["sale"] for line in lines if line["event"] == "sale_not_looked_after"]
    assert told == ["SPOILT0", "SPOILT1", "SPOILT2"]
    with capture_logs() as lines:  # each is tried again, but not each second
        assert await releaser.round() == 0
    assert lines == []
    shop.clock.pass_s(60)
    with capture_logs() as lines:
        await releaser.round()
    assert len([line for line in lines if line["event"] == "sale_not_looked_after"]) == 3


async def spoilt(house: House, number: str) -> None:
    """A hold whose row nobody can read, due before every other."""
    now_ms = house.clock.now_ms()
    row = SaleRow("h", number, "site", SaleState.HELD.value, now_ms, now_ms, now_ms, None, 0, "", b"\xc1")
    await house.services.database.write(lambda tx: tx.upsert(SaleRow, [row]))


async def test_two_holds_of_one_night_end_together(shop: House) -> None:
    await shop.ari(update("pDBL", "", 0, 10, figure=5))
    for _ in range(3):
        await held(shop)
    assert await shop.stock("DBL", 3, 3) == [(5, 0, 0, 3)]
    shop.clock.pass_s(TERMS.hold_s)
    assert await Releaser(shop.services).round() == 3
    assert await shop.stock("DBL", 3, 3) == [(5, 0, 0, 0)]


async def test_a_hold_can_be_given_back(shop: House) -> None:
    seen = await held(shop)
    assert (await sell.release(shop.services, "h", seen.sale_id, ME)).state is SaleState.RELEASED
    assert (await sell.release(shop.services, "h", seen.sale_id, ME)).state is SaleState.RELEASED
    assert await shop.free("DBL", 3) == 1


async def test_an_old_quote_is_not_held(shop: House) -> None:
    number = await quoted(shop)
    shop.clock.pass_s(TERMS.quote_s)
    with pytest.raises(Rejected, match="its time is over"):
        await sell.hold(shop.services, "h", number, ADA, ME)


async def test_what_was_closed_since_the_quote_is_not_held(shop: House) -> None:
    number = await quoted(shop, plan="NR")
    await shop.ari(update("pDBL", "BAR", 4, 4, closed=1))
    with pytest.raises(Rejected, match="has been closed"):
        await sell.hold(shop.services, "h", number, ADA, ME)


async def test_several_rooms_are_held_together_or_not_at_all(shop: House) -> None:
    lines = [Line("DBL", "BAR", Party(2)), Line("DBL", "NR", Party(1))]
    row = await search.quote(shop.services, "h", TODAY + 3, TODAY + 4, lines, ME)
    with pytest.raises(Rejected, match="sold out"):
        await sell.hold(shop.services, "h", row.sale_id, ADA, ME)
    assert await shop.free("DBL", 3) == 1


async def test_what_the_house_keeps_back_is_not_for_the_site(empty_house: House) -> None:
    source = site(allotment=Allotment(keep_back=1))
    await empty_house.apply(hotel(pms(), site("desk"), source, selling=TERMS))
    await empty_house.open_for_sale(figure=1)
    assert await found(empty_house, source="site") == set()
    number = await quoted(empty_house, source="desk")
    assert (await sell.hold(empty_house.services, "h", number, ADA, ME)).source == "desk"


# --- confirm ----------------------------------------------------------------------------------------------------------


async def test_a_confirmed_hold_is_a_reservation_like_any_other(shop: House) -> None:
    seen = await booked(shop)
    row = await shop.reservation()
    assert (row.reservation_id, row.connection, row.status, row.oversold) == (seen.sale_id, "site", "booked", 0)
    assert await shop.stock("DBL", 3, 4) == [(1, 1, -1, 0)] * 2
    assert await shop.free("DBL", 3) == 0
    await shop.deliver()
    (delivered,) = shop.wire.deliveries()
    assert (delivered.source, delivered.revision.kind) == ("site", RevisionKind.NEW)
    (room,) = delivered.revision.content.stays
    assert (room.room, room.plan, room.nightly) == ("pDBL", "BAR", (12_000, 12_000))
    assert delivered.revision.content.total == 24_000 + 600
    booker = delivered.revision.content.booker
    assert booker is not None
    assert booker.surname == "Lovelace"
    assert any(row.author == ME and row.kind == "confirm" for row in await shop.rows(MessageRow))


async def test_confirming_again_changes_nothing(shop: House) -> None:
    seen = await booked(shop)
    assert await sell.confirm(shop.services, "h", seen.sale_id, ME) == seen
    assert await confirm_paid(shop, seen.sale_id, "P9") == seen
    assert (await shop.reservation()).revisions == 1
    assert await shop.sold("DBL") == {3: 1, 4: 1}


async def test_a_quote_is_confirmed_where_rooms_are_free(shop: House) -> None:
    one, other = await quoted(shop), await quoted(shop)
    assert (await sell.confirm(shop.services, "h", one, ME, customer=ADA)).state is SaleState.BOOKED
    with pytest.raises(Rejected, match="sold out"):
        await sell.confirm(shop.services, "h", other, ME, customer=ADA)
    assert await shop.sold("DBL") == {3: 1, 4: 1}


async def test_a_channel_that_sold_the_held_room_is_oversold_and_the_hold_stands(shop: House) -> None:
    seen = await held(shop)
    await shop.say(new(stay(3, 4)))
    assert (await sell.confirm(shop.services, "h", seen.sale_id, ME)).state is SaleState.BOOKED
    rows = {row.connection: row for row in await shop.rows(ReservationRow)}
    assert (rows["ota"].oversold, await shop.sold("DBL")) == (1, {3: 2, 4: 1})


async def test_who_paid_late_gets_the_room_if_it_is_still_free(shop: House) -> None:
    first, second = await held(shop, 3, 5), await held(shop, 6, 7)
    shop.clock.pass_s(TERMS.hold_s)
    assert await Releaser(shop.services).round() == 2
    paid = await confirm_paid(shop, first.sale_id, "P1")
    assert (paid.state, paid.payment) == (SaleState.BOOKED, "P1")
    await booked(shop, 6, 7)
    with pytest.raises(Rejected, match="sold out"):
        await confirm_paid(shop, second.sale_id, "P2")
    assert await shop.sold("DBL") == {3: 1, 4: 1, 6: 1}


async def test_a_hold_over_time_that_nobody_released_is_still_theirs_who_pay(shop: House) -> None:
    seen = await held(shop)
    shop.clock.pass_s(TERMS.hold_s + 60)
    assert (await confirm_paid(shop, seen.sale_id, "P1")).state is SaleState.BOOKED
    assert await Releaser(shop.services).round() == 0
    assert await shop.stock("DBL", 3, 3) == [(1, 1, -1, 0)]


# --- change, cancel, nobody came --------------------------------------------------------------------------------------


async def test_a_booking_may_be_moved_onto_its_own_nights(shop: House) -> None:
    seen = await booked(shop, 3, 5)
    assert ("DBL", "BAR") not in await found(shop, 4, 7)
    assert ("DBL", "BAR") in await found(shop, 4, 7, replaces=seen.sale_id)
    quote = await quoted(shop, 4, 7, replaces=seen.sale_id)
    changed = await sell.modify(shop.services, "h", seen.sale_id, ME, quote_id=quote)
    assert (changed.arrival, changed.departure, changed.total) == (TODAY + 4, TODAY + 7, 36_000 + 900)
    assert await sell.modify(shop.services, "h", seen.sale_id, ME, quote_id=quote) == changed
    assert await shop.sold("DBL") == {4: 1, 5: 1, 6: 1}
    row = await shop.reservation()
    assert (row.revisions, row.arrival, row.oversold) == (2, TODAY + 4, 0)
    assert (await sell.show(shop.services, "h", quote)).state is SaleState.APPLIED


async def test_a_change_needs_its_new_nights_free(shop: House) -> None:
    seen = await booked(shop, 3, 5)
    quote = await quoted(shop, 4, 6, replaces=seen.sale_id)
    await shop.say(new(stay(5, 6)))
    with pytest.raises(Rejected, match="sold out on 2026-11-26"):
        await sell.modify(shop.services, "h", seen.sale_id, ME, quote_id=quote)
    assert await shop.sold("DBL") == {3: 1, 4: 1, 5: 1}


async def test_a_quote_for_a_change_is_for_nothing_else(shop: House) -> None:
    seen = await booked(shop, 3, 5)
    quote = await quoted(shop, 6, 7, replaces=seen.sale_id)
    with pytest.raises(Rejected, match="for changing"):
        await sell.hold(shop.services, "h", quote, ADA, ME)
    plain = await quoted(shop, 6, 7)
    with pytest.raises(Rejected, match="not made to change"):
        await sell.modify(shop.services, "h", seen.sale_id, ME, quote_id=plain)
    with pytest.raises(NotFound):
        await quoted(shop, 6, 7, replaces=plain)


async def test_a_new_customer_moves_no_night(shop: House) -> None:
    seen = await booked(shop)
    grace = Customer(Guest("Hopper", "Grace"))
    changed = await sell.modify(shop.services, "h", seen.sale_id, ME, customer=grace)
    assert (changed.customer, changed.total) == (grace, seen.total)
    assert (await shop.reservation()).guest == "hopper grace"
    assert await shop.sold("DBL") == {3: 1, 4: 1}
    with pytest.raises(Malformed):
        await sell.modify(shop.services, "h", seen.sale_id, ME)


@pytest.mark.parametrize(("hours", "fee"), [(49, 0), (47, 12_000), (23, 24_000), (-3, 24_000)])
async def test_cancelling_costs_what_the_terms_say(shop: House, hours: int, fee: int) -> None:
    seen = await booked(shop)
    # It is nine; arrivals are at 15:00.
    shop.clock.pass_s((3 * 24 + 6 - hours) * 3_600)
    assert (await sell.show(shop.services, "h", seen.sale_id)).cancellation_fee == fee
    ended = await sell.cancel(shop.services, "h", seen.sale_id, ME, fee_max=fee)
    assert (ended.state, ended.penalty) == (SaleState.CANCELLED, fee)
    assert await sell.cancel(shop.services, "h", seen.sale_id, ME) == ended
    assert await shop.sold("DBL") == {}
    assert ((await shop.reservation()).status, await shop.free("DBL", 3)) == ("cancelled", 1)


async def test_cancelling_never_costs_more_than_was_said(shop: House) -> None:
    seen = await booked(shop)
    shop.clock.pass_s(2 * 24 * 3_600)
    with pytest.raises(Stale):
        await sell.cancel(shop.services, "h", seen.sale_id, ME, fee_max=0)
    assert (await sell.show(shop.services, "h", seen.sale_id)).state is SaleState.BOOKED


async def test_the_terms_are_those_of_the_quote(shop: House) -> None:
    seen = await booked(shop)
    await shop.apply(hotel(pms(), channel("ota"), site()))
    shop.clock.pass_s(3 * 24 * 3_600)
    assert (await sell.cancel(shop.services, "h", seen.sale_id, ME)).penalty == 24_000


async def test_nobody_came(shop: House) -> None:
    seen = await booked(shop)
    with pytest.raises(Rejected, match="day of arrival"):
        await sell.no_show(shop.services, "h", seen.sale_id, ME)
    shop.clock.pass_s(3 * 24 * 3_600)
    ended = await sell.no_show(shop.services, "h", seen.sale_id, ME)
    assert (ended.state, ended.penalty) == (SaleState.NO_SHOW, 24_000)
    await shop.deliver()
    assert await sell.no_show(shop.services, "h", seen.sale_id, ME) == ended
    with pytest.raises(Rejected, match="no-show"):
        await sell.cancel(shop.services, "h", seen.sale_id, ME)


async def test_the_pms_is_told_what_a_cancellation_costs(shop: House) -> None:
    seen = await booked(shop)
    await shop.deliver()
    await sell.cancel(shop.services, "h", seen.sale_id, ME)
    await shop.deliver()
    last = shop.wire.deliveries()[-1].revision
    assert (last.kind, last.content.comments) == (RevisionKind.CANCEL, ("cancelled, fee 0.00 EUR",))


# --- what cannot be ---------------------------------------------------------------------------------------------------


async def test_without_a_direct_source_nothing_is_sold(house: House) -> None:
    with pytest.raises(Rejected, match="not set up"):
        await found(house)


async def test_what_is_not_there(shop: House) -> None:
    with pytest.raises(NotFound):
        await sell.show(shop.services, "h", "NOTHING")
    with pytest.raises(NotFound):
        await quoted(shop, room="TENT")
    await shop.ari(update("pDBL", "BAR", 3, 3, min_arrival=3))
    with pytest.raises(Rejected, match="cannot be booked: min stay"):
        await quoted(shop)
    with pytest.raises(Malformed):
        await quoted(shop, 5, 5)
    with pytest.raises(Malformed):
        await quoted(shop, -1, 2)
