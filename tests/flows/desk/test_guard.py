"""What looks like a slip waits, is told, and is let through or thrown away by a person."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from lxml import etree

from gateway.contract import Head
from gateway.errors import NotFound, Stale
from gateway.flows.desk import calendar, history, holding
from gateway.flows.receive import receive
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import format_day
from gateway.store.tables import MessageRow
from gateway.wire.http_auth import compose_basic
from tests.flows.house import TODAY, House, channel, hotel, pms, update
from tests.flows.selling.test_sell_asked import NS, Both

PRICES = f"""<OTA_HotelRateAmountNotifRQ xmlns="{NS}" Version="1.0" EchoToken="e1">
<RateAmountMessages HotelCode="P"><RateAmountMessage LocatorID="1">
<StatusApplicationControl Start="{format_day(TODAY)}" End="{format_day(TODAY)}" InvTypeCode="pDBL" RatePlanCode="BAR"/>
<Rates><Rate><BaseByGuestAmts><BaseByGuestAmt AmountAfterTax="100.00" CurrencyCode="EUR" NumberOfGuests="2"/>
</BaseByGuestAmts></Rate></Rates></RateAmountMessage></RateAmountMessages></OTA_HotelRateAmountNotifRQ>"""


async def price(house: House, day: int, guests: int = 2) -> int:
    found = await house.cell("DBL", "BAR", day, "price")
    assert isinstance(found, list)
    return found[guests - 1]


async def slip(house: House) -> holding.HeldChange:
    """The PMS says 12,000.00 for days 3 to 5, where 120.00 was, and closes day 4."""
    await house.open_for_sale()
    assert (
        await house.ari(update("pDBL", "BAR", 3, 5, price2=1_200_000), update("pDBL", "BAR", 4, 4, closed=1))
    ).status == 200
    (held,) = await holding.find(house.services, "h")
    return held


async def test_the_slip_waits_and_the_closing_does_not(house: House) -> None:
    held = await slip(house)
    assert ([await price(house, day) for day in (3, 5)], await house.cell("DBL", "BAR", 4, "closed")) == (
        [12_000] * 2,
        1,
    )
    (cell,) = held.cells
    assert (cell.room, cell.plan, cell.first - TODAY, cell.last - TODAY, cell.guests) == ("DBL", "BAR", 3, 5, 2)
    assert (cell.before, cell.after, held.nights, held.connection) == (12_000, 1_200_000, 3, "pms")
    (message,) = [row for row in await house.rows(MessageRow) if row.outcome == "parked"]
    assert (message.message_id, message.detail) == (held.message_id, "3 product nights wait for confirmation")


async def test_who_sent_it_is_told_that_it_waits(empty_house: House) -> None:
    """Success alone would say that it is sold."""
    house = empty_house
    house.services = replace(house.services, connectors=Both())
    await house.apply(hotel(msgspec.structs.replace(pms(), connector="opentravel", profile="ota-2015a")))
    head = Head("POST", "/opentravel/pms", {"authorization": compose_basic("them", "in")})
    told = []
    for amount in ("100.00", "10000.00"):
        body = PRICES.replace("100.00", amount).encode()
        answer = etree.fromstring((await receive(house.services, "opentravel", "pms", head, [body])).body)
        assert answer.find(f"{{{NS}}}Success") is not None
        told.append([(one.get("Type"), one.text) for one in answer.iter(f"{{{NS}}}Warning")])
    assert told == [[], [("11", "1 product nights wait for confirmation")]]


async def test_it_is_let_through(house: House) -> None:
    held = await slip(house)
    saved = await holding.confirm(house.services, "h", held.message_id, "person:Ann")
    assert (saved.outcome, [await price(house, day) for day in (3, 4, 5)]) == ("applied", [1_200_000] * 3)
    assert await house.cell("DBL", "BAR", 4, "closed") == 1
    assert await holding.find(house.services, "h") == ()
    (message,) = await house.rows(MessageRow, f"message_id = {saved.message_id}")
    assert (message.author, message.cause) == ("person:Ann", held.message_id)


async def test_it_is_thrown_away(house: House) -> None:
    held = await slip(house)
    await holding.discard(house.services, "h", held.message_id, "person:Ann")
    assert (await price(house, 3), await holding.find(house.services, "h")) == (12_000, ())
    for act in (holding.confirm, holding.discard):
        with pytest.raises(NotFound):
            await act(house.services, "h", held.message_id, "person:Ann")


async def test_a_newer_price_takes_its_place(house: House) -> None:
    await slip(house)
    await house.ari(update("pDBL", "BAR", 3, 4, price2=13_000))
    (held,) = await holding.find(house.services, "h")
    assert [(cell.first - TODAY, cell.last - TODAY) for cell in held.cells] == [(5, 5)]
    assert held.nights == 1
    await house.ari(update("pDBL", "BAR", 5, 5, price2=13_000))
    assert await holding.find(house.services, "h") == ()


async def test_the_same_again_waits_once(house: House) -> None:
    first = await slip(house)
    await house.ari(update("pDBL", "BAR", 3, 5, price2=1_200_000))
    (held,) = await holding.find(house.services, "h")
    assert held.message_id > first.message_id
    assert held.cells == first.cells


async def test_who_confirms_what_has_changed_meanwhile_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    held = await slip(house)
    submit = house.services.batcher.submit

    async def late(job: object, *, weight: int = 1) -> object:
        monkeypatch.undo()
        await house.ari(update("pDBL", "BAR", 3, 3, price2=13_000))
        return await submit(job, weight=weight)  # type: ignore[arg-type]

    monkeypatch.setattr(house.services.batcher, "submit", late)
    with pytest.raises(Stale):
        await holding.confirm(house.services, "h", held.message_id, "x")
    assert await price(house, 3) == 13_000


async def test_people_are_guarded_too_unless_they_insist(house: House) -> None:
    await house.open_for_sale()
    slip = [AriUpdate("DBL", "BAR", TODAY + 3, TODAY + 3, (Setting(Field.PRICE, 120, 2),))]
    saved = await calendar.change(house.services, "h", slip, "person:Ann")
    assert (saved.outcome, await price(house, 3)) == ("parked", 12_000)
    saved = await calendar.change(house.services, "h", slip, "person:Ann", force=True)
    assert (saved.outcome, await price(house, 3)) == ("applied", 120)
    assert await holding.find(house.services, "h") == ()


async def test_a_mass_opening_waits(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota"), guard_reopenings=10))
    await house.open_for_sale()
    await house.ari(update("pDBL", "BAR", 0, 20, closed=1))
    await house.ari(update("pDBL", "BAR", 0, 9, closed=0))
    assert (await house.cell("DBL", "BAR", 9, "closed"), await holding.find(house.services, "h")) == (0, ())
    await house.ari(update("pDBL", "BAR", 10, 20, closed=0, cta=1))
    assert [await house.cell("DBL", "BAR", 12, name) for name in ("closed", "cta")] == [1, 1]
    (held,) = await holding.find(house.services, "h")
    await holding.confirm(house.services, "h", held.message_id, "x")
    assert await house.cell("DBL", "BAR", 12, "closed") == 0


async def test_the_journal_tells_what_was_set_from_what_waits(house: House) -> None:
    """One message sets two prices; the guard lets one of them through."""
    await house.open_for_sale()
    await house.ari(update("pDBL", "BAR", 3, 4, price1=11_000, price2=1_200_000, min_arrival=2, figure=2))
    held = await holding.find(house.services, "h")
    page = await history.changes(house.services, "h", TODAY + 3, room="DBL", plan="BAR")
    newest = [each for each in page.items if each.message_id == held[0].message_id]
    told = {(each.field, each.guests): (each.value, each.held) for each in newest}
    assert told == {
        ("price", 1): (11_000, False),
        ("price", 2): (1_200_000, True),
        ("min_arrival", 0): (2, False),
        ("figure", 0): (2, False),
    }
    assert {(each.first - TODAY, each.last - TODAY) for each in newest} == {(3, 4)}


async def test_a_message_of_which_all_waits_is_in_the_journal_too(house: House) -> None:
    await house.open_for_sale()
    await house.ari(update("pDBL", "BAR", 3, 3, price2=1_200_000))
    (held,) = await holding.find(house.services, "h")
    page = await history.changes(house.services, "h", TODAY + 3)
    assert next((each.message_id, each.value, each.held) for each in page.items) == (held.message_id, 1_200_000, True)
    await holding.confirm(house.services, "h", held.message_id, "person:Ann")
    page = await history.changes(house.services, "h", TODAY + 3)
    assert next((each.author, each.value, each.held) for each in page.items) == ("person:Ann", 1_200_000, False)
