"""Cards in a vault outside: the same bookings, and nothing of the number here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.errors import Retryable
from gateway.flows import take_booking
from gateway.flows.vault.purge import purge_due
from gateway.flows.vault.show import show_card
from gateway.flows.vault.vaults import CardVaults
from gateway.model.card import CardPlace, ClearCard, KeptCard
from gateway.model.dates import Day, parse_day
from gateway.store.card_sealing import SealedCards
from gateway.store.database import Database
from tests.flows.house import VAULT
from tests.flows.vault.house import MASTERCARD, VISA, CardHouse, booking, with_cards


class Elsewhere:
    """A vault that is a table in memory; ``away`` while nobody reaches it."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.held: dict[bytes, tuple[CardPlace, ClearCard, Day]] = {}
        self.away = False

    async def store(self, place: CardPlace, card: ClearCard, until: Day) -> KeptCard:
        self._reach()
        token = f"tok-{place.card_id}".encode()
        self.held[token] = (place, card, until)
        return KeptCard(token)

    async def reveal(self, place: CardPlace, kept: KeptCard) -> ClearCard:
        self._reach()
        where, card, _ = self.held[kept.sealed]
        assert where == place
        return card

    async def forget(self, places: Sequence[tuple[CardPlace, KeptCard]]) -> None:
        self._reach()
        for _, kept in places:
            self.held.pop(kept.sealed, None)

    def _reach(self) -> None:
        if self.away:
            raise Retryable("the vault does not answer")


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
async def house(database: Database, elsewhere: Elsewhere) -> AsyncIterator[CardHouse]:
    vaults = CardVaults(SealedCards(VAULT), {elsewhere.name: elsewhere}, elsewhere.name)
    house = CardHouse(database, vaults)
    house.start()
    await house.apply(with_cards())
    yield house
    await house.stop()


async def test_the_number_is_there_and_comes_from_there(house: CardHouse, elsewhere: Elsewhere) -> None:
    await house.book(booking())
    (card,) = await house.cards()
    ((place, kept, until),) = elsewhere.held.values()
    assert (card.vault, card.wrapped, card.version) == ("elsewhere", b"", 0)
    assert (place.booking_id, kept.number, until) == ("B1", VISA, parse_day("2026-12-02"))
    await house.deliver()
    assert VISA.encode() in house.out[0]
    shown = await show_card(house.services, "h", card.reservation_id, card.card_id, "person:ada", "no-show")
    assert shown.number == VISA


async def test_what_was_replaced_or_turned_out_to_be_no_news_is_forgotten(
    house: CardHouse, elsewhere: Elsewhere
) -> None:
    for _ in range(2):
        await house.book(booking())
    assert len(elsewhere.held) == 1
    await house.book(booking(MASTERCARD, status="Modify", modified="2026-11-21T08:20:00Z"))
    assert await purge_due(house.services) == 1
    assert [card.number for _, card, _ in elsewhere.held.values()] == [MASTERCARD]


async def test_while_it_is_away_nothing_is_acknowledged_and_nothing_is_lost(
    house: CardHouse, elsewhere: Elsewhere
) -> None:
    elsewhere.away = True
    reply = await house.send(booking())
    assert reply.status == 503
    assert await house.cards() == []
    elsewhere.away = False
    await house.book(booking())
    elsewhere.away = True
    await house.deliver()
    assert house.out == []
    house.clock.pass_s(20 * 86_400)
    assert await purge_due(house.services) == 0
    elsewhere.away = False
    await house.deliver()
    assert VISA.encode() in house.out[0]
    house.clock.pass_s(61)
    assert await purge_due(house.services) == 1
    assert elsewhere.held == {}


async def test_what_a_refused_booking_brought_is_forgotten(
    house: CardHouse, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(take_booking, "REVISIONS_MAX", 0)
        assert b"<Success" not in (await house.send(booking())).body
    assert elsewhere.held == {}


async def test_a_vault_that_does_not_forget_at_once_does_not_undo_the_booking(
    house: CardHouse, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(places: object) -> None:
        raise Retryable("the vault does not answer")

    await house.book(booking())
    monkeypatch.setattr(elsewhere, "forget", away)
    await house.book(booking())
    assert len(elsewhere.held) == 2  # one of them until the day it was told


async def test_a_card_stays_in_the_vault_it_was_put_into(house: CardHouse, elsewhere: Elsewhere) -> None:
    await house.book(booking())
    both = CardVaults(SealedCards(VAULT), {elsewhere.name: elsewhere})
    (card,) = await house.cards()
    assert both.of(card) is elsewhere
    assert both.chosen.name == ""
    with pytest.raises(ValueError, match="no card vault 'nowhere'"):
        CardVaults(SealedCards(VAULT), {}, "nowhere")
