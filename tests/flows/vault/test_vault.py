"""Cards come with bookings, are kept sealed, sent in full to a PMS that is to have them, shown for a reason, purged."""

from __future__ import annotations

import msgspec
import pytest

from gateway.errors import Malformed, NotFound
from gateway.flows.access.attempts import TooMany
from gateway.flows.vault import purge, show
from gateway.flows.vault.purge import purge_due
from gateway.flows.vault.show import cards_of, show_card
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.store.tables import MessageRow
from tests.flows.house import channel, hotel, pms
from tests.flows.vault.house import AMEX, CVV, MASTERCARD, VISA, CardHouse, booking, opentravel, with_cards

DAY_S = 86_400


async def shown(house: CardHouse, reason: str = "no-show, to be charged", author: str = "person:ada") -> str:
    (card,) = await house.cards()
    card_found = await show_card(house.services, "h", card.reservation_id, card.card_id, author, reason)
    return card_found.number


async def test_the_number_is_kept_sealed_and_nothing_else_of_it(house: CardHouse) -> None:
    await house.book(booking())
    (card,) = await house.cards()
    assert (card.brand, card.first6, card.last4, card.expires, card.starts) == ("VI", "411111", "1111", "0931", "1126")
    assert card.reservation_id == (await house.reservation()).reservation_id
    clear = await house.services.cards.of(card).reveal(place_of(card), kept_in(card))
    assert (clear.number, clear.holder) == (VISA, "ADA OKONKWO")
    dump = repr(await house.ledger()) + repr(await house.rows(MessageRow))
    assert VISA not in dump
    assert CVV not in dump
    assert "ADA OKONKWO" not in repr(card)


@pytest.mark.parametrize("field", ["scope_id", "connection", "channel", "booking_id", "card_id"])
async def test_a_sealed_card_opens_only_where_it_belongs(house: CardHouse, field: str) -> None:
    await house.book(booking())
    (card,) = await house.cards()
    moved = card._replace(**{field: "elsewhere"})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another booking"):
        await house.services.cards.of(moved).reveal(place_of(moved), kept_in(moved))


async def test_without_the_setting_only_the_mask_is_kept(empty_house: CardHouse) -> None:
    await empty_house.apply(hotel(opentravel(pms()), opentravel(channel("ota"))))
    await empty_house.book(booking())
    await empty_house.deliver()
    assert await empty_house.cards() == []
    assert VISA.encode() not in empty_house.out[0]
    assert b"411111XXXXXX1111" in empty_house.out[0]


async def test_the_pms_is_sent_the_number_and_the_archive_the_mask(house: CardHouse) -> None:
    await house.book(booking())
    await house.deliver()
    (sent,) = house.out
    assert VISA.encode() in sent
    assert b"ADA OKONKWO" in sent
    assert CVV.encode() not in sent
    (logged,) = await house.rows(MessageRow, "direction = 'out'")
    assert VISA.encode() not in logged.raw
    assert b"411111XXXXXX1111" in logged.raw
    assert await house.uses() == ["sent"]
    await house.book(booking(status="Cancel", modified="2026-11-21T08:30:00Z"))
    await house.deliver()
    assert VISA.encode() not in house.out[1]
    assert await shown(house) == VISA  # a penalty may have to be charged


async def test_a_pms_without_the_setting_is_sent_the_mask(empty_house: CardHouse) -> None:
    await empty_house.apply(hotel(opentravel(pms()), opentravel(channel("ota", cards=True))))
    await empty_house.book(booking())
    await empty_house.deliver()
    assert len(await empty_house.cards()) == 1
    assert VISA.encode() not in empty_house.out[0]
    assert await empty_house.uses() == []


async def test_a_repetition_brings_no_second_card_and_a_stale_revision_none(house: CardHouse) -> None:
    for _ in range(2):
        await house.book(booking())
    before = await house.cards()
    await house.book(booking(MASTERCARD, modified="2026-11-21T07:30:00Z"))
    assert await house.cards() == before
    assert len(before) == 1


async def test_another_card_replaces_the_first_and_none_leaves_it(house: CardHouse) -> None:
    await house.book(booking())
    await house.book(booking("", status="Modify", modified="2026-11-21T08:10:00Z"))
    assert await shown(house) == VISA
    await house.book(booking(MASTERCARD, status="Modify", modified="2026-11-21T08:20:00Z"))
    assert await purge_due(house.services) == 1
    assert await shown(house) == MASTERCARD


@pytest.mark.parametrize("number", ["4111XXXXXXXX1111", "0000000000000000", "4111111111111112", "****", "41111111"])
async def test_what_is_no_number_is_no_card(house: CardHouse, number: str) -> None:
    await house.book(booking(number))
    assert await house.cards() == []


async def test_who_sees_a_number_is_on_record_first(house: CardHouse) -> None:
    await house.book(booking(AMEX))
    number = (await house.reservation()).reservation_id
    found = await cards_of(house.services, "h", number)
    assert [(line.brand, line.last4) for line in found.cards] == [("AX", "0005")]
    assert AMEX not in repr(found)
    assert await shown(house) == AMEX
    (line,) = (await cards_of(house.services, "h", number)).uses
    assert (line.what, line.author, line.reason) == ("shown", "person:ada", "no-show, to be charged")
    shown_card = await show_card(house.services, "h", number, line.card_id, "person:ada", "a second time")
    assert AMEX not in repr(shown_card)


async def test_a_reason_is_needed_and_is_kept_masked(house: CardHouse) -> None:
    await house.book(booking())
    for reason in ("", "  ab  ", "x" * 201):
        with pytest.raises(Malformed):
            await shown(house, reason)
    assert await house.uses() == []
    await shown(house, f"the guest said {VISA}")
    number = (await house.reservation()).reservation_id
    assert VISA not in repr(await cards_of(house.services, "h", number))


async def test_nobody_sees_more_than_so_many_in_an_hour(house: CardHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "SHOWN_PER_HOUR", 2)
    await house.book(booking())
    for _ in range(2):
        await shown(house)
    with pytest.raises(TooMany):
        await shown(house)
    assert await shown(house, author="person:bob") == VISA
    house.clock.pass_s(3_601)
    assert await shown(house) == VISA


async def test_a_card_of_another_property_is_not_there(house: CardHouse) -> None:
    await house.apply(msgspec.structs.replace(with_cards(scope_id="g"), connections=()))
    await house.book(booking())
    (card,) = await house.cards()
    with pytest.raises(NotFound):
        await show_card(house.services, "g", card.reservation_id, card.card_id, "person:ada", "curiosity")
    with pytest.raises(NotFound):
        await cards_of(house.services, "g", card.reservation_id)


async def test_cards_go_some_days_after_the_departure(house: CardHouse) -> None:
    await house.book(booking())
    for _ in range(12):  # to the morning of 2 December, seven days after the departure
        assert await purge_due(house.services) == 0
        house.clock.pass_s(DAY_S)
    assert await purge_due(house.services) == 1
    assert await house.cards() == []
    assert await house.uses() == ["purged"]


async def test_however_many_are_over_all_of_them_go(house: CardHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    for number in range(5):
        await house.book(booking(booking_id=f"B{number}"))
    house.clock.pass_s(20 * DAY_S)
    purger = purge.Purger(house.services)
    assert await purger.round() == 5
    assert await house.cards() == []
    await house.book(booking(booking_id="B9"))
    house.clock.pass_s(59)
    assert await purger.round() == 0  # not more than once a minute
    house.clock.pass_s(1)
    assert await purger.round() == 1


async def test_cards_are_looked_at_again_though_the_clock_was_set_back(house: CardHouse) -> None:
    purger = purge.Purger(house.services)
    house.clock.pass_s(40 * DAY_S)
    assert await purger.round() == 0
    house.clock.pass_s(-20 * DAY_S)
    await house.book(booking())
    house.clock.pass_s(10 * DAY_S)
    assert await purger.round() == 1


async def test_a_longer_stay_keeps_the_card_longer(house: CardHouse) -> None:
    await house.book(booking())
    await house.book(booking("", status="Modify", modified="2026-11-21T08:10:00Z", nights=("2026-11-23", "2026-12-03")))
    house.clock.pass_s(13 * DAY_S)
    assert await purge_due(house.services) == 0
    assert await shown(house) == VISA


async def test_cards_of_a_cancelled_booking_go_earlier(empty_house: CardHouse) -> None:
    house = empty_house
    await house.apply(with_cards(card_days=2))
    await house.book(booking(nights=("2026-12-20", "2026-12-22")))
    await house.book(booking("", status="Cancel", modified="2026-11-21T08:30:00Z", nights=("2026-12-20", "2026-12-22")))
    house.clock.pass_s(DAY_S)
    assert await purge_due(house.services) == 0
    house.clock.pass_s(DAY_S)
    assert await purge_due(house.services) == 1
    assert await house.cards() == []
