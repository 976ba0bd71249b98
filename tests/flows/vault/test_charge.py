"""Virtual cards: charged from their day on, once; by people where the account is not sent numbers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import NotFound, Rejected
from gateway.flows.payments import operate
from gateway.flows.payments.operate import Operated
from gateway.flows.payments.tie import AUTHOR
from gateway.flows.vault.charge import CardCharge, charge_card
from gateway.flows.vault.charger import charged_at_terminal
from gateway.model.card import CardPlace, ClearCard, KeptCard
from gateway.model.payment import OperationOutcome
from gateway.model.selling import Pays, Schedule
from gateway.store.card_sealing import SealedCards
from gateway.store.database import Database
from gateway.store.tables_cards import CardUseRow
from gateway.store.tables_paying import PaymentInboxRow
from tests.flows.vault.charging import VCC, ChargingHouse
from tests.flows.vault.house import VISA, booking

DECLINED = "4000000000000002"
TOTAL = 20_000  # of the booking
NIGHTS = ("2026-11-27", "2026-11-29")  # the clock begins on the 21st at nine, and schedules say one day before


@pytest.fixture
async def house(database: Database) -> AsyncIterator[ChargingHouse]:
    house = ChargingHouse(database)
    house.start()
    yield house
    await house.stop()


async def standing(house: ChargingHouse) -> list[str]:
    return [card.standing.value for card in await house.open_cards()]


async def charge(house: ChargingHouse, amount: int = TOTAL, account: str = "desk") -> Operated:
    (card,) = await house.cards()
    wanted = CardCharge(account, amount, "EUR")
    return await charge_card(house.services, "h", card.reservation_id, card.card_id, wanted, "person:ada")


async def test_a_virtual_card_is_charged_once_from_its_day_on(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking(nights=NIGHTS))
    await house.look()
    assert (await standing(house), house.charged) == (["waiting"], [])
    await house.look(hours=96)
    assert house.charged == []
    await house.look(hours=24)
    assert await house.taken() == [TOTAL]
    assert f"card[number]={VISA}".encode() in house.charged[0].replace(b"%5B", b"[").replace(b"%5D", b"]")
    assert b"moto" in house.charged[1]
    (operation,) = await house.operations()
    assert (operation.author, operation.command, operation.outcome) == (AUTHOR, b"", "succeeded")
    (line,) = await house.rows(CardUseRow)
    assert (line.what, line.author, line.reason) == ("charged", AUTHOR, "20000 EUR at desk (only card)")
    await house.look(hours=24, rounds=3)
    assert (await house.taken(), await standing(house), await house.told()) == ([TOTAL], [], [])


async def test_cards_are_charged_though_the_clock_was_set_back(house: ChargingHouse) -> None:
    await house.open()
    await house.look(hours=720)
    house.clock.pass_s(-720 * 3_600)
    await house.book(booking(nights=NIGHTS))
    await house.look(hours=120)
    assert await house.taken() == [TOTAL]


async def test_what_is_given_back_is_not_charged_again_and_what_is_added_left_to_people(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking(nights=NIGHTS))
    await house.look(hours=24 * 6)
    (operation,) = await house.operations()
    await operate.refund(house.services, "h", operation.payment_id, None, "person:ada")
    await house.look(rounds=3)
    assert (await house.taken(), await standing(house)) == ([TOTAL], [])
    dearer = booking(nights=NIGHTS, modified="2026-11-21T09:00:00Z").replace(b'"200.00"', b'"230.00"')
    await house.book(dearer)
    await house.look(rounds=3)
    (card,) = await house.open_cards()
    assert (card.amount, card.standing.value, await house.taken()) == (3_000, "terminal", [TOTAL])


async def test_a_card_that_starts_later_is_not_charged_before(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking(nights=NIGHTS).replace(b'EffectiveDate="1126"', b'EffectiveDate="1226"'))
    await house.look(hours=24 * 7)
    assert (await standing(house), house.charged) == (["waiting"], [])
    with pytest.raises(Rejected, match="before it starts"):
        await charge(house)
    assert await house.uses() == []
    await house.look(hours=24 * 3)
    assert await house.taken() == [TOTAL]


async def test_an_answer_that_is_lost_is_asked_about_and_never_charged_again(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking(nights=NIGHTS))
    house.lose = 1
    await house.look(hours=24 * 6)
    (operation,) = await house.operations()
    assert (operation.outcome, operation.command) == ("unknown", b"")  # its number waits nowhere to be sent again
    assert len(house.stripe.intents) == 1
    await house.look(hours=1, rounds=6)
    assert (await house.taken(), len(house.stripe.intents)) == ([TOTAL], 1)


async def test_what_is_refused_goes_to_a_person_once(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking(DECLINED, nights=NIGHTS))
    await house.look(hours=24 * 6)
    await house.look(rounds=4)
    assert [row.outcome for row in await house.operations()] == ["failed"]
    (card,) = await house.open_cards()
    assert (card.standing.value, card.account, card.error) == ("refused", "desk", "insufficient_funds")
    (told,) = await house.told()
    assert card.mask in told
    assert DECLINED not in told
    # The desk tries again by hand, and settles it at the terminal in the end.
    assert (await charge(house)).outcome is OperationOutcome.FAILED
    await charged_at_terminal(house.services, "h", card.reservation_id, card.card_id, "person:ada")
    await house.look()
    assert (await standing(house), await house.uses()) == ([], ["charged", "charged", "terminal"])


@pytest.mark.parametrize(
    ("schedule", "options"),
    [
        (VCC, {"card_numbers": "yes"}),
        (Schedule("VCC", Pays.VIRTUAL_CARD, days=1), {"card_numbers": True}),
    ],
)
async def test_without_the_leave_of_the_account_the_desk_is_told_to_charge_it(
    house: ChargingHouse, schedule: Schedule, options: dict[str, object]
) -> None:
    await house.open(schedule, options)
    await house.book(booking(nights=NIGHTS))
    await house.look()
    assert (await standing(house), await house.told()) == (["waiting"], [])
    await house.look(hours=24 * 6, rounds=2)
    assert (house.charged, await standing(house)) == ([], ["terminal"])
    (told,) = await house.told()
    assert "411111XXXXXX1111 at the terminal" in told
    assert len(await house.rows(PaymentInboxRow, "1 = 1")) == 1
    if options.get("card_numbers") is not True:
        with pytest.raises(Rejected, match="terminal"):
            await charge(house)
        assert house.charged == []


async def test_two_people_at_once_charge_it_once(house: ChargingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked at the card before either has begun."""
    reveal, looked = SealedCards.reveal, asyncio.Barrier(2)

    async def revealed(self: SealedCards, place: CardPlace, kept: KeptCard) -> ClearCard:
        await looked.wait()
        return await reveal(self, place, kept)

    monkeypatch.setattr(SealedCards, "reveal", revealed)
    await house.open()
    await house.book(booking())
    both = await asyncio.gather(charge(house), charge(house), return_exceptions=True)
    assert sorted(type(each).__name__ for each in both) == ["Operated", "Rejected"]
    assert (len(house.stripe.intents), await house.uses()) == (1, ["charged"])


async def test_what_is_not_there_is_not_charged(house: ChargingHouse) -> None:
    await house.open()
    await house.book(booking())
    (card,) = await house.cards()
    wanted = CardCharge("desk", TOTAL, "EUR")
    for reservation, number in ((card.reservation_id, "x"), ("NOBODY", card.card_id)):
        with pytest.raises(NotFound):
            await charge_card(house.services, "h", reservation, number, wanted, "person:ada")
        with pytest.raises(NotFound):
            await charged_at_terminal(house.services, "h", reservation, number, "person:ada")
    with pytest.raises(NotFound):
        await charge(house, account="nowhere")
    await house.book(booking(status="Cancel", modified="2026-11-21T09:00:00Z"))
    await house.look(hours=24 * 6)
    assert (house.charged, await standing(house)) == ([], [])
