"""Payments tied to sales: paid and confirmed, late, failed, cancelled, not come, and what comes due later."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.engine.asking import Party
from gateway.engine.sale import SaleState
from gateway.errors import Rejected
from gateway.flows.payments import operate
from gateway.flows.selling import letters, search, sell
from gateway.flows.selling.letters import Letters
from gateway.flows.selling.search import Line
from gateway.model.money import format_minor
from gateway.model.payment import OperationOutcome
from gateway.model.selling import Method, Schedule
from gateway.settings import Settings
from gateway.store.database import Database
from tests.flows.house import TODAY
from tests.flows.mailbox import Mailbox
from tests.flows.payments.house import down, lost, of_kind, unanswered
from tests.flows.payments.shop import ADA, DEPOSIT, FIRST, FULL, GUARANTEE, LAST, ME, TOTAL, SellHouse


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[SellHouse]:
    house = SellHouse(database)
    yield house
    await house.stop()


async def test_a_hold_that_is_paid_is_confirmed(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    with pytest.raises(Rejected, match="paid for first"):
        await sell.confirm(shop.services, "h", sale_id, ME)
    link = await shop.ask(sale_id, "pm_ok")
    assert (link.outcome, link.state, link.amount) == (OperationOutcome.SUCCEEDED, SaleState.BOOKED, TOTAL)
    assert await shop.house.stock("DBL", FIRST, FIRST) == [(1, 1, -1, 0)]
    assert (await shop.house.reservation()).status == "booked"
    assert shop.stripe.moved() == (TOTAL, 0)
    written = await shop.written(sale_id)
    assert written.startswith(f"Your reservation {sale_id} at Hotel")
    assert f"Paid: {format_minor(TOTAL, 'EUR')} EUR" in written
    assert "To be paid" not in written
    seen = await shop.money(sale_id)
    assert (seen.taken, seen.outstanding, seen.to_pay) == (TOTAL, 0, 0)


async def test_a_page_is_paid_and_the_callback_confirms(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    link = await shop.ask(sale_id)
    assert link.outcome is OperationOutcome.ACTION_REQUIRED
    assert link.action is not None
    assert link.action.url
    assert (await shop.ask(sale_id)).operation_id == link.operation_id
    shop.stripe.pay(link.operation_id)
    assert await shop.state(sale_id) == SaleState.HELD
    await shop.hear()
    assert await shop.state(sale_id) == SaleState.BOOKED
    assert (await shop.sale(sale_id)).payment == link.payment_id


async def test_callback_and_query_at_once_confirm_once(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    shop.wire.faults = [unanswered]
    link = await shop.ask(sale_id, "pm_ok")
    assert (link.outcome, link.state) == (OperationOutcome.UNKNOWN, SaleState.HELD)
    await shop.tell("desk")
    shop.clock.pass_s(30)
    await shop.goes_on()
    await shop.hear()
    assert await shop.state(sale_id) == SaleState.BOOKED
    assert (await shop.house.reservation()).revisions == 1
    assert shop.stripe.moved() == (TOTAL, 0)


async def test_paid_after_the_hold_has_ended_takes_the_room_again(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    link = await shop.ask(sale_id)
    shop.stripe.pay(link.operation_id)
    await shop.goes_on(hours=1, rounds=1)
    assert await shop.house.stock("DBL", FIRST, FIRST) in ([(1, 0, 0, 0)], [(1, 1, -1, 0)])
    await shop.hear()
    assert await shop.state(sale_id) == SaleState.BOOKED
    assert await shop.house.stock("DBL", FIRST, FIRST) == [(1, 1, -1, 0)]


async def test_paid_when_the_room_has_gone_is_given_back(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    shop.wire.faults = [unanswered]
    await shop.ask(sale_id, "pm_ok")
    await sell.release(shop.services, "h", sale_id, ME)
    other = await shop.booked("BAR")
    await shop.hear()
    await shop.goes_on()
    assert (await shop.state(sale_id), await shop.state(other)) == (SaleState.RELEASED, SaleState.BOOKED)
    assert shop.stripe.moved() == (2 * TOTAL, TOTAL)
    assert (await shop.money(sale_id)).refunded == TOTAL
    text = await shop.written(sale_id)
    assert "no room left" in text
    assert [row.name for row in await shop.inbox() if row.state == "parked"] == ["paid too late"]
    # It stays so, whatever is told again, and though the room comes back.
    await shop.cancel(other)
    await shop.hear()
    assert await shop.state(sale_id) == SaleState.RELEASED


async def test_a_failed_payment_gives_the_room_back_and_tells_the_guest(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    link = await shop.ask(sale_id, "pm_declined")
    assert (link.outcome, link.state) == (OperationOutcome.FAILED, SaleState.RELEASED)
    assert await shop.house.stock("DBL", FIRST, FIRST) == [(1, 0, 0, 0)]
    assert "not been kept" in await shop.written(sale_id)
    assert "未能" in await shop.written(sale_id, "zh")


async def test_who_may_try_again_does(shop: SellHouse) -> None:
    await shop.open(msgspec.structs.replace(FULL, tries=2))
    sale_id = await shop.held()
    assert (await shop.ask(sale_id, "pm_declined")).state is SaleState.HELD
    assert (await shop.ask(sale_id, "pm_ok")).state is SaleState.BOOKED


async def test_what_the_gateway_does_not_offer_costs_the_guest_nothing(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    refused = await shop.ask(sale_id, method=Method.QR)
    assert (refused.outcome, refused.error, refused.state) == (
        OperationOutcome.FAILED,
        "invalid_request",
        SaleState.HELD,
    )
    assert (await shop.ask(sale_id, "pm_ok")).state is SaleState.BOOKED


async def test_that_the_gateway_is_away_is_no_try_of_the_guest(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    shop.wire.faults = [down] * 3
    assert (await shop.ask(sale_id, "pm_ok")).state is SaleState.HELD
    assert (await shop.ask(sale_id, "pm_ok")).state is SaleState.BOOKED


async def test_a_due_is_charged_again_when_the_gateway_was_away(shop: SellHouse) -> None:
    await shop.open(DEPOSIT)
    sale_id = await shop.booked()
    shop.clock.pass_s(6 * 86_400)
    shop.wire.faults = [down] * 6
    await shop.goes_on(rounds=2)
    assert shop.stripe.moved() == (TOTAL * 30 // 100, 0)
    await shop.settle(6)
    assert shop.stripe.moved() == (TOTAL, 0)
    assert (await shop.money(sale_id)).outstanding == 0


async def test_a_late_failure_leaves_the_booking(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.booked()
    paid = of_kind(shop.stripe.events, "payment_intent.succeeded")
    failed = {**paid, "id": "evt_late", "type": "payment_intent.payment_failed"}
    failed["data"] = {"object": {**paid["data"]["object"], "status": "requires_payment_method"}}
    await shop.tell("desk", failed)
    await shop.work(2)
    assert await shop.state(sale_id) == SaleState.BOOKED


async def test_cancelling_keeps_the_penalty_and_gives_the_rest_back(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.booked("HB")
    seen = await shop.cancel(sale_id)
    assert seen.penalty == TOTAL // 2
    assert (await shop.money(sale_id)).taken == TOTAL // 2
    await shop.goes_on()
    assert shop.stripe.moved() == (TOTAL, TOTAL // 2)
    await shop.hear()
    await shop.goes_on(hours=1)
    assert shop.stripe.moved() == (TOTAL, TOTAL // 2)


async def test_given_up_it_stays_so_when_the_refund_fails_and_a_room_comes_back(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    shop.wire.faults = [unanswered]
    await shop.ask(sale_id, "pm_ok")
    await sell.release(shop.services, "h", sale_id, ME)
    other = await shop.booked()
    shop.stripe.slow = True
    await shop.hear()
    await shop.cancel(other)
    shop.stripe.settle(succeeds=False)
    await shop.hear()
    assert (await shop.money(sale_id)).refunded == 0
    assert await shop.state(sale_id) == SaleState.RELEASED


async def test_a_refund_under_way_is_not_asked_for_again(shop: SellHouse) -> None:
    await shop.open(DEPOSIT)
    sale_id = await shop.booked()
    await shop.goes_on(hours=6 * 24)
    await shop.cancel(sale_id)
    shop.wire.faults = [lost]
    await shop.work()
    outcomes = [outcome for kind, outcome in await shop.outcomes() if kind == "refund"]
    assert sorted(outcomes) == ["succeeded", "unknown"]
    await shop.settle(10)
    assert shop.stripe.moved() == (TOTAL, TOTAL)
    assert [kind for kind, _ in await shop.outcomes()].count("refund") == 2


@pytest.mark.parametrize("fault", [lost, unanswered])
async def test_a_refund_nobody_answers_is_asked_about(shop: SellHouse, fault: object) -> None:
    await shop.open()
    sale_id = await shop.booked()
    await shop.cancel(sale_id)
    shop.wire.faults = [fault]  # type: ignore[list-item]
    await shop.work()
    await shop.settle(10)
    assert shop.stripe.moved() == (TOTAL, TOTAL)
    assert (await shop.money(sale_id)).refunded == TOTAL


async def test_a_refund_that_fails_is_tried_again_and_then_left_to_a_person(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.booked()
    shop.stripe.slow = True
    await shop.cancel(sale_id)
    for _ in range(8):
        await shop.work()
        shop.stripe.settle(succeeds=False)
        await shop.settle(4)
    refunds = [row for row in await shop.operations() if row.kind == "refund"]
    assert (len(refunds), {row.outcome for row in refunds}) == (6, {"failed"})
    assert [row.name for row in await shop.inbox() if row.state == "parked"] == ["left to a person"]
    assert (await shop.money(sale_id)).taken == TOTAL


async def test_a_guarantee_is_captured_when_nobody_comes(shop: SellHouse) -> None:
    await shop.open(GUARANTEE)
    sale_id = await shop.booked()
    assert (await shop.money(sale_id)).held == TOTAL // 2
    shop.clock.pass_s(FIRST * 86_400)
    await sell.no_show(shop.services, "h", sale_id, ME)
    await shop.goes_on()
    # What the guarantee does not cover is charged to the means the guest has left.
    assert shop.stripe.moved() == (TOTAL, 0)
    assert (await shop.money(sale_id)).outstanding == 0


async def test_a_guarantee_is_released_when_the_guest_cancels(shop: SellHouse) -> None:
    await shop.open(GUARANTEE)
    sale_id = await shop.booked()
    await shop.cancel(sale_id)
    await shop.goes_on()
    assert shop.stripe.moved() == (0, 0)
    assert (await shop.money(sale_id)).held == 0
    assert ("void", "succeeded") in await shop.outcomes()


async def test_the_balance_is_asked_for_once_when_it_is_due(shop: SellHouse) -> None:
    await shop.open(DEPOSIT)
    sale_id = await shop.booked()
    assert shop.stripe.moved() == (TOTAL * 30 // 100, 0)
    await shop.goes_on(hours=5 * 24)
    assert shop.stripe.moved() == (TOTAL * 30 // 100, 0)
    await shop.goes_on(hours=24)
    await shop.goes_on(hours=24)
    assert shop.stripe.moved() == (TOTAL, 0)
    assert len((await shop.sale(sale_id)).payments) == 2
    await shop.cancel(sale_id)
    await shop.goes_on()
    assert shop.stripe.moved() == (TOTAL, TOTAL)


async def test_the_balance_of_who_left_nothing_is_asked_for_by_letter(
    shop: SellHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Mailbox(monkeypatch, letters)
    await shop.open(DEPOSIT)
    link = await shop.ask(await shop.held())
    shop.stripe.pay(link.operation_id)
    await shop.hear()
    await shop.goes_on(hours=6 * 24)
    assert await Letters(shop.services, Settings(smtp_url="smtp://mail.example")).round() == 1
    ((_, subject, text),) = mailbox.taken
    open_link = await shop.ask(link.sale_id)
    assert open_link.action is not None
    assert subject == f"A payment is due for your reservation {link.sale_id} at Hotel"
    assert open_link.action.url in text
    assert "168.00 EUR are due now" in text
    assert "现有 " in await shop.written(link.sale_id, "zh")
    assert (open_link.amount, open_link.outcome) == (TOTAL * 70 // 100, OperationOutcome.ACTION_REQUIRED)
    shop.stripe.pay(open_link.operation_id)
    await shop.hear()
    assert (await shop.money(link.sale_id)).outstanding == 0


async def test_what_was_asked_for_and_not_paid_is_left_to_the_guest_and_the_house(shop: SellHouse) -> None:
    await shop.open(msgspec.structs.replace(DEPOSIT, days=16))
    sale_id = await shop.held()
    await sell.confirm(shop.services, "h", sale_id, ME, customer=ADA)
    await shop.goes_on(hours=4 * 24)
    (first,) = (await shop.sale(sale_id)).payments
    await operate.close(shop.services, "h", first, "test")
    await shop.settle(3)
    assert (await shop.row(sale_id)).letter == "payment_failed"
    await shop.goes_on(hours=2 * 24)
    _, second = (await shop.sale(sale_id)).payments
    assert (await operate.book_in(shop.services, "h", second)).payment.amount == TOTAL * 70 // 100


async def test_paid_twice_goes_back_once(shop: SellHouse) -> None:
    await shop.open()
    sale_id = await shop.held()
    first, second = await shop.ask(sale_id), await shop.ask(sale_id, anew=True)
    assert first.operation_id != second.operation_id
    shop.stripe.pay(first.operation_id)
    shop.stripe.pay(second.operation_id)
    await shop.hear()
    await shop.goes_on()
    await shop.hear()
    assert await shop.state(sale_id) == SaleState.BOOKED
    assert shop.stripe.moved() == (2 * TOTAL, TOTAL)


async def test_a_cheaper_stay_gives_money_back_and_a_dearer_one_asks_for_more(shop: SellHouse) -> None:
    await shop.open(rooms=2)
    sale_id = await shop.booked()

    async def change(nights: int) -> None:
        last = TODAY + FIRST + nights
        line = Line("DBL", "BAR", Party(2))
        row = await search.quote(shop.services, "h", TODAY + FIRST, last, [line], ME, replaces=sale_id)
        await sell.modify(shop.services, "h", sale_id, ME, quote_id=row.sale_id)
        await shop.goes_on()

    await change(1)
    assert shop.stripe.moved() == (TOTAL, TOTAL // 2)
    await change(3)
    assert shop.stripe.moved() == (2 * TOTAL, TOTAL // 2)
    assert (await shop.money(sale_id)).outstanding == 0


async def test_a_quote_is_held_and_asked_for_in_one(shop: SellHouse) -> None:
    await shop.open()
    link = await shop.ask(await shop.quoted(), "pm_ok")
    assert link.state is SaleState.BOOKED


async def test_nothing_is_asked_for_what_is_paid_at_the_hotel(shop: SellHouse) -> None:
    await shop.open(Schedule("LATER"))
    sale_id = await shop.held()
    with pytest.raises(Rejected, match="nothing is to be paid"):
        await shop.ask(sale_id)
    assert (await sell.confirm(shop.services, "h", sale_id, ME, customer=ADA)).state is SaleState.BOOKED
    assert LAST > FIRST
