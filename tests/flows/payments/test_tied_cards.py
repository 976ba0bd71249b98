"""What comes due of a direct sale is charged to the card that came with it, where the terms say so; else by link."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import structlog

from gateway.engine.asking import Party
from gateway.engine.hotel_file import HotelFileError
from gateway.errors import Retryable
from gateway.flows.payments.tie import AUTHOR
from gateway.flows.selling import search, sell
from gateway.flows.selling.search import Line
from gateway.flows.vault.take import keep_for_sale
from gateway.model.card import ClearCard
from gateway.model.payment_account import PaymentAccount
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.model.selling import PlanTerms
from gateway.store.card_sealing import SealedCards
from gateway.store.database import Database
from gateway.store.tables_cards import CardRow, CardUseRow
from tests.flows.house import TODAY
from tests.flows.payments.house import down
from tests.flows.payments.shop import ADA, DEPOSIT, FIRST, GUARANTEE, LAST, ME, TOTAL, SellHouse
from tests.flows.vault.house import MASTERCARD, VISA
from tests.flows.vault.scan import dump, numbers_in

DECLINED = "4000000000000002"
FIRST_PART, REST = TOTAL * 30 // 100, TOTAL * 70 // 100
# Nothing is due before four days have gone by, so a seller can book it.
CARD = msgspec.structs.replace(DEPOSIT, days=16, charge_card=True)


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[SellHouse]:
    house = SellHouse(database)
    yield house
    await house.stop()


async def booked(shop: SellHouse, *cards: ClearCard) -> str:
    """As a seller books it, with the cards of its message."""
    sale_id = await shop.held()
    await sell.confirm(shop.services, "h", sale_id, ME, customer=ADA)
    await keep(shop, sale_id, *cards)
    return sale_id


async def keep(shop: SellHouse, sale_id: str, *cards: ClearCard) -> None:
    hotel = await shop.services.directory.hotel_of("pms")
    assert hotel is not None
    revision = Revision("A1", RevisionKind.NEW, Content())
    await keep_for_sale(shop.services, hotel, "site", revision, sale_id, cards)


async def charged(shop: SellHouse) -> list[tuple[str, str]]:
    """What was charged to which card and why."""
    return [(row.mask[-4:], row.reason) for row in await shop.house.rows(CardUseRow)]


async def test_each_part_is_charged_to_the_guests_card_when_it_comes_due(shop: SellHouse) -> None:
    await shop.open(CARD, card_numbers=True)
    sale_id = await booked(shop, ClearCard(VISA, "0931"))
    assert shop.stripe.moved() == (0, 0)
    await shop.goes_on(hours=4 * 24)
    assert shop.stripe.moved() == (FIRST_PART, 0)
    await shop.goes_on(hours=2 * 24)
    assert shop.stripe.moved() == (TOTAL, 0)
    seen = await shop.money(sale_id)
    assert (seen.taken, seen.outstanding) == (TOTAL, 0)
    said = [f"{amount} EUR at desk (only card)" for amount in (FIRST_PART, REST)]
    assert await charged(shop) == [("1111", text) for text in said]
    operations = await shop.operations()
    assert {(row.author, row.command, row.outcome) for row in operations} == {(AUTHOR, b"", "succeeded")}
    assert all(b"moto" in request.body for request in shop.wire.sent if request.url.endswith("/payment_intents"))
    # What was charged to the card is given back to it.
    await shop.cancel(sale_id)
    await shop.goes_on()
    assert shop.stripe.moved() == (TOTAL, TOTAL)


async def test_the_newest_card_of_the_guests_is_charged(shop: SellHouse) -> None:
    await shop.open(CARD, card_numbers=True)
    sale_id = await booked(shop, ClearCard(VISA, "0931"))
    shop.clock.pass_s(60)
    await keep(shop, sale_id, ClearCard(VISA, "0931"), ClearCard(MASTERCARD, "0931"))
    await keep(shop, sale_id, ClearCard("378282246310005", "0931", starts="1126", virtual=True))
    assert len(await shop.house.rows(CardRow)) == 3  # the one that came twice is kept once
    await shop.goes_on(hours=4 * 24)
    assert await charged(shop) == [("4444", f"{FIRST_PART} EUR at desk (newest valid)")]


@pytest.mark.parametrize("number", [DECLINED, ""])
async def test_a_card_that_is_refused_and_no_card_at_all_end_in_a_link(shop: SellHouse, number: str) -> None:
    await shop.open(CARD, card_numbers=True)
    sale_id = await booked(shop, *([ClearCard(number, "0931")] if number else []))
    await shop.goes_on(hours=4 * 24)
    assert (await shop.row(sale_id)).letter == "payment_due"
    link = await shop.ask(sale_id)
    assert link.action is not None
    assert (link.amount, link.outcome.value) == (FIRST_PART, "action_required")
    assert len(await shop.operations()) == (2 if number else 1)
    shop.stripe.pay(link.operation_id)
    await shop.hear()
    assert (await shop.money(sale_id)).taken == FIRST_PART


@pytest.mark.parametrize(
    ("card", "card_numbers"),
    [
        (ClearCard(VISA, "0931"), False),
        (ClearCard(VISA, "1026"), True),
        (ClearCard(VISA, "0931", starts="1126", virtual=True), True),
        (ClearCard(VISA), True),
    ],
)
async def test_a_card_that_may_not_be_charged_is_not(shop: SellHouse, card: ClearCard, card_numbers: bool) -> None:
    await shop.open(CARD, card_numbers=card_numbers)
    sale_id = await booked(shop, card)
    await shop.goes_on(hours=4 * 24)
    assert (await shop.row(sale_id)).letter == "payment_due"
    assert await charged(shop) == []
    assert not any(VISA.encode() in request.body for request in shop.wire.sent)


async def test_terms_that_do_not_say_so_leave_the_card_alone(shop: SellHouse) -> None:
    await shop.open(msgspec.structs.replace(CARD, charge_card=False), card_numbers=True)
    sale_id = await booked(shop, ClearCard(VISA, "0931"))
    await shop.goes_on(hours=4 * 24)
    assert ((await shop.row(sale_id)).letter, await charged(shop)) == ("payment_due", [])


async def test_of_two_plans_only_the_one_whose_terms_say_so_is_charged(shop: SellHouse) -> None:
    plain = msgspec.structs.replace(CARD, code="PLAIN", charge_card=False)
    terms = (PlanTerms("BAR", schedule="DEP"), PlanTerms("HB", "NR", schedule="PLAIN"))
    await shop.open(CARD, card_numbers=True, rooms=2, schedules=(CARD, plain), plans=terms)
    lines = [Line("DBL", plan, Party(2)) for plan in ("BAR", "HB")]
    quote = await search.quote(shop.services, "h", TODAY + FIRST, TODAY + LAST, lines, ME)
    await sell.confirm(shop.services, "h", quote.sale_id, ME, customer=ADA)
    await keep(shop, quote.sale_id, ClearCard(VISA, "0931"))
    await shop.goes_on(hours=4 * 24)
    assert len(await charged(shop)) == 1
    assert sorted(row.outcome for row in await shop.operations()) == ["action_required", "succeeded"]


async def test_a_gateway_that_is_away_is_asked_again_before_the_guest_is(shop: SellHouse) -> None:
    await shop.open(CARD, card_numbers=True)
    sale_id = await booked(shop, ClearCard(VISA, "0931"))
    shop.wire.faults = [down] * 3
    await shop.goes_on(hours=4 * 24, rounds=1)
    assert shop.stripe.moved() == (0, 0)
    await shop.goes_on(hours=0.01)
    assert shop.stripe.moved() == (FIRST_PART, 0)
    assert (await shop.row(sale_id)).letter != "payment_due"


async def test_a_vault_that_is_away_is_asked_again(shop: SellHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.open(CARD, card_numbers=True)
    await booked(shop, ClearCard(VISA, "0931"))

    async def away(*_: object) -> None:
        raise Retryable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(SealedCards, "reveal", away)
        await shop.goes_on(hours=4 * 24, rounds=1)
        outcomes = sorted(row.outcome for row in await shop.operations())
        assert (outcomes, await charged(shop)) == (["failed", "new"], [])
    await shop.goes_on(hours=0.01)
    assert shop.stripe.moved() == (FIRST_PART, 0)


async def test_who_does_not_come_is_charged_what_is_missing(shop: SellHouse) -> None:
    await shop.open(msgspec.structs.replace(CARD, days=0, balance_days=None), card_numbers=True)
    sale_id = await booked(shop, ClearCard(VISA, "0931"))
    shop.clock.pass_s(FIRST * 86_400)
    await sell.no_show(shop.services, "h", sale_id, ME)
    await shop.goes_on()
    assert shop.stripe.moved() == (TOTAL, 0)
    assert (await shop.money(sale_id)).outstanding == 0
    assert [mask for mask, _ in await charged(shop)] == ["1111"]


async def test_what_a_gateway_cannot_do_is_refused_before_anybody_books(shop: SellHouse) -> None:
    hold = msgspec.structs.replace(GUARANTEE, account="wallet")
    card = msgspec.structs.replace(CARD, account="wallet")
    wallet = PaymentAccount("wallet", "wechatpay", "wechatpay", "1900000001")
    for schedule, told in ((hold, "schedules[0].hold: this gateway holds no money"), (card, "charge_card: this gate")):
        with pytest.raises(HotelFileError) as refused:
            await shop.open(schedule, accounts=(wallet,))
        assert told in str(refused.value)
    nobodys = PaymentAccount("wallet", "paypal", "paypal")
    with pytest.raises(HotelFileError, match=r"payments\[2\]: there is no connector 'paypal'"):
        await shop.open(accounts=(nobodys,))


@pytest.mark.parametrize("number", [VISA, DECLINED])
async def test_the_number_is_in_one_request_and_nowhere_else(shop: SellHouse, number: str) -> None:
    await shop.open(CARD, card_numbers=True)
    await booked(shop, ClearCard(number, "0931"))
    with structlog.testing.capture_logs() as lines:
        await shop.goes_on(hours=4 * 24)
    sent = [request for request in shop.wire.sent if number.encode() in request.body]
    assert [request.url.rpartition("/")[2] for request in sent] == ["payment_methods"]
    left = {"log": str(lines).encode(), **await dump(shop.services.database)}
    assert [name for name, content in left.items() if numbers_in(content, frozenset({number}))] == []
