"""One set of scenarios over all five gateways, with HTTP and signatures in both directions.

Each simulator keeps its own books in its own way; at the end our ledger has to say what they say.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import structlog

from gateway.engine.ledger import Dispute
from gateway.flows.payments import operate
from gateway.flows.payments.operate import Ask
from gateway.model.payment import FactKind, OperationKind, OperationOutcome
from gateway.model.payment_means import HostedPage, InApp
from gateway.store.database import Database, Unavailable
from gateway.store.tables_paying import PaymentAccountRow
from simulators.psp.accounts import make
from simulators.psp.adyen import Adyen
from simulators.psp.common import Callback
from tests.payments.five import ACCOUNT, GATEWAYS, Five, opened

K = FactKind

ACKNOWLEDGED = {
    "stripe": (200, b""),
    "adyen": (200, b"[accepted]"),
    "alipay": (200, b"success"),
    "wechatpay": (204, b""),
    "unionpay": (200, b"ok"),
}


@pytest.fixture(params=GATEWAYS)
async def five(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[Five]:
    async with opened(request.param, sqlite) as one:
        yield one


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_the_same_on_either_database(gateway: str, database: Database) -> None:
    async with opened(gateway, database) as five:
        five.courier.faults.copies = 2
        payment = await five.bought()
        await five.settle()
        await five.refund(payment, 4_000)
        await five.settle()
        assert five.psp.moved() == (10_000, 4_000)
        await five.ledger_is_the_books()


async def test_a_purchase_is_told_however_often_and_counted_once(five: Five) -> None:
    payment = await five.bought()
    reply = await five.post(five.psp.signed(five.paid_event()))
    assert (reply.status, reply.body) == ACKNOWLEDGED[five.gateway]
    five.courier.faults.copies, five.courier.faults.shuffle = 3, True
    assert await five.told() >= 3
    assert (await five.position(payment)).captured == 10_000
    await five.settle()
    assert five.psp.moved() == (10_000, 0)
    await five.ledger_is_the_books()


async def test_a_refund_in_parts(five: Five) -> None:
    payment = await five.bought()
    await five.settle()
    await five.refund(payment, 4_000)
    await five.settle()
    position = await five.position(payment)
    assert (position.refunded, position.refundable) == (4_000, 6_000)
    await five.refund(payment)
    await five.settle()
    assert five.psp.moved() == (10_000, 10_000)
    await five.ledger_is_the_books()
    assert [outcome for _, outcome in await five.outcomes()] == ["succeeded"] * 3


async def test_an_answer_that_is_lost_is_asked_for_and_nothing_is_done_twice(five: Five) -> None:
    five.courier.faults.withhold = True
    five.courier.faults.lose_answers = 1
    payment = await five.charge(five.case.at_once)
    assert payment.outcome is OperationOutcome.UNKNOWN
    await five.settle(8)
    if five.gateway != "adyen":  # which tells by callback alone that a payment was captured
        assert (await five.position(payment)).captured == 10_000
    five.courier.faults.withhold = False
    await five.settle()
    five.courier.faults.lose_answers = 1
    await five.refund(payment, 2_500)
    await five.settle()
    assert five.psp.moved() == (10_000, 2_500)
    await five.ledger_is_the_books()


async def test_a_gateway_that_is_down_does_nothing(five: Five) -> None:
    five.courier.faults.refuse = 1
    payment = await five.charge(five.case.at_once)
    assert payment.outcome is OperationOutcome.UNKNOWN
    await five.settle()
    assert five.psp.moved() in ((0, 0), (10_000, 0))  # once at most: where its key serves as a question, it is paid
    await five.ledger_is_the_books()


async def test_what_is_pending_comes_to_its_end(five: Five) -> None:
    five.psp.slow = True
    payment = await five.charge(five.case.at_once)
    assert payment.outcome is OperationOutcome.PENDING
    await five.settle(2)
    five.psp.settle()
    await five.settle()
    assert (await five.position(payment)).captured == 10_000
    await five.refund(payment, 3_000)
    await five.settle(2)
    assert five.psp.moved() == (10_000, 0)
    five.psp.settle()
    await five.settle()
    assert five.psp.moved() == (10_000, 3_000)
    await five.ledger_is_the_books()


async def test_a_card_that_is_declined_moves_nothing(five: Five) -> None:
    payment = await five.charge(five.case.declined)
    await five.settle()
    assert (await five.outcomes())[0] == ("purchase", "failed")
    assert (await five.position(payment)).captured == 0
    assert five.psp.moved() == (0, 0)


async def test_a_forged_callback_is_refused(five: Five) -> None:
    await five.bought()
    genuine = five.psp.signed(five.paid_event())
    before, after = five.case.forged
    assert genuine.body.count(before) >= 1
    await _refused(five, Callback(genuine.headers, genuine.body.replace(before, after)), five.case.refused[0])


async def test_a_refusal_is_logged_and_counted_without_a_word_of_what_was_sent(five: Five) -> None:
    await five.bought()
    genuine = five.psp.signed(five.paid_event())
    before, after = five.case.forged
    headers = genuine.headers | {"x-note": "4111111111111111 from a stranger"}
    forged = Callback(headers, genuine.body.replace(before, after))
    with structlog.testing.capture_logs() as lines:
        await _refused(five, forged, five.case.refused[0])
    (line,) = [line for line in lines if line["event"] == "callback_refused"]
    assert (line["log_level"], line["gateway"], line["account"]) == ("warning", five.gateway, ACCOUNT)
    said = str(lines)
    proofs = [value for name, value in genuine.headers.items() if "sign" in name or name == "authorization"]
    for secret in (after.decode(), "4111111111111111", "from a stranger", *proofs):
        assert secret not in said
    row = (await five.house.rows(PaymentAccountRow, f"account = '{ACCOUNT}'"))[0]
    assert (row.refused, row.refused_text) == (1, line["reason"])


async def test_a_callback_of_another_account_is_refused(five: Five) -> None:
    await five.bought()
    await _refused(five, five.psp.signed(five.case.of_another(five.paid_event())), five.case.refused[1])


async def test_another_amount_than_was_asked_for_changes_nothing(five: Five) -> None:
    """It is genuine, so it is acknowledged; a person has to look at it."""
    payment = await five.bought()
    reply = await five.post(five.psp.signed(five.case.with_amount(five.paid_event())))
    assert reply.status == ACKNOWLEDGED[five.gateway][0]
    await five.work()
    assert [row.state for row in await five.inbox()] == ["parked"]
    assert (await five.position(payment)).captured == 0


async def test_what_was_not_acknowledged_comes_again(five: Five, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = await five.bought()

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("no")

    with monkeypatch.context() as patched:
        patched.setattr(five.services.batcher, "submit", away)
        assert await five.told() == 0
    assert await five.inbox() == []
    await five.settle()
    assert (await five.position(payment)).captured == 10_000
    await five.ledger_is_the_books()


async def _refused(five: Five, callback: Callback, status: int) -> None:
    """In the gateway's own way: counted, and nothing else is kept."""
    reply = await five.post(callback)
    assert reply.status == status
    assert not five.psp.acknowledged(reply)
    await five.work()
    assert await five.inbox() == []
    assert await five.events() == []
    assert sum(row.refused for row in await five.house.rows(PaymentAccountRow, "1 = 1")) == 1


async def test_a_gateway_with_other_keys_is_a_stranger(five: Five) -> None:
    await five.bought()
    stranger, _ = make(five.gateway, lambda: five.clock.now_ms() // 1000)
    await _refused(five, stranger.signed(five.paid_event()), 401 if five.gateway == "adyen" else five.case.refused[0])


async def test_the_statement_says_what_the_ledger_says(five: Five) -> None:
    payment = await five.bought()
    await five.settle()
    await five.refund(payment, 2_500)
    await five.settle()
    report = five.psp.close_batch() if isinstance(five.psp, Adyen) else ""
    lines = await five.statement(report)
    assert sorted((line.kind, line.amount) for line in lines) == [(K.CAPTURED, 10_000), (K.REFUNDED, 2_500)]
    assert all(line.gross - line.fee == line.net for line in lines)
    assert [line.fee > 0 for line in lines if line.kind is K.CAPTURED] == [True]
    ours = {(row.kind, row.fact_key) for row in await five.events()}
    # An automatic capture at Adyen has a number that nobody was told before: it is found by its payment.
    keys = [(line.payment_psp, line.key) if five.gateway == "adyen" else (line.key,) for line in lines]
    assert all(ours & {(str(line.kind), key) for key in found} for line, found in zip(lines, keys, strict=True))


async def test_a_dispute_is_told_as_the_gateway_tells_it(five: Five) -> None:
    payment = await five.bought()
    await five.settle()
    theirs = five.psp.movements[0].payment
    five.psp.dispute(theirs)
    await five.settle()
    position = await five.position(payment)
    parked = [row.detail for row in await five.inbox() if row.state == "parked"]
    match five.gateway:
        case "stripe" | "adyen":
            assert (position.dispute, position.charged_back, parked) == (Dispute.OPEN, 10_000, [])
            five.psp.end_dispute(theirs, won=True)
            await five.settle()
            position = await five.position(payment)
            assert (position.dispute, position.charged_back) == (Dispute.WON, 0)
        case "alipay" | "wechatpay":  # a complaint: nothing moves, and a person answers
            assert (position.dispute, len(parked)) == (Dispute.NONE, 1)
        case "unionpay":  # nobody is called; it stands in the clearing file
            assert (position.dispute, parked) == (Dispute.NONE, [])
            assert [line.kind for line in await five.statement()] == [K.CAPTURED, K.DISPUTE_OPENED]


@pytest.mark.parametrize("five", ["adyen"], indirect=True)
async def test_a_forged_second_item_refuses_both(five: Five) -> None:
    await five.bought()
    event = five.paid_event()
    both = five.psp.signed(event, {**event, "pspReference": "8000000000000099"})
    await _refused(five, Callback(both.headers, both.body.replace(b"8000000000000099", b"8000000000000098")), 403)


@pytest.mark.parametrize("five", ["stripe", "wechatpay"], indirect=True)
async def test_a_message_that_is_too_old_is_refused(five: Five) -> None:
    await five.bought()
    five.clock.pass_s(-301)
    old = five.psp.signed(five.paid_event())
    five.clock.pass_s(301)
    await _refused(five, old, five.case.refused[0])


@pytest.mark.parametrize("five", ["stripe", "adyen", "alipay", "unionpay"], indirect=True)
async def test_a_deposit_is_captured_in_part_and_the_rest_released(five: Five) -> None:
    held = await five.charge(InApp() if five.gateway == "unionpay" else None, kind=OperationKind.AUTHORISE)
    if held.outcome is OperationOutcome.ACTION_REQUIRED:
        five.psp.pay(held.operation_id)
    await five.settle()
    assert (await five.position(held)).capturable == 10_000
    await operate.capture(five.services, "h", held.payment_id, 7_000, "test")
    await five.settle()
    position = await five.position(held)
    assert (position.captured, position.released, position.capturable) == (7_000, 3_000, 0)
    await five.refund(held, 1_000)
    await five.settle()
    assert five.psp.moved() == (7_000, 1_000)
    await five.ledger_is_the_books()


@pytest.mark.parametrize("five", ["stripe", "adyen", "alipay"], indirect=True)
async def test_a_page_the_guest_pays_on(five: Five) -> None:
    """The guest's browser goes where we send it, is told no at first, pays, and comes back."""
    back = "http://hotel.invalid/back"
    ask = Ask(
        intent=OperationKind.PURCHASE, amount=10_000, currency=five.case.currency, means=HostedPage(), return_url=back
    )
    payment = await operate.charge(five.services, "h", ACCOUNT, ask, "test")
    five.payments.append(payment.payment_id)
    assert payment.action is not None
    opened_page = await five.client.get(payment.action.url, follow_redirects=True)
    assert (opened_page.status_code, "Simulated" in opened_page.text) == (200, True)
    await five.client.post(str(opened_page.url), data={"succeeds": "no"})
    paid = await five.client.post(str(opened_page.url), data={"succeeds": "yes"})
    assert (paid.status_code, paid.headers["location"]) == (303, back)
    assert (await five.client.post(str(opened_page.url), data={"succeeds": "yes"})).status_code == 409
    await five.settle()
    assert (await five.position(payment)).captured == 10_000
    await five.ledger_is_the_books()


async def test_a_form_the_guests_browser_carries_to_unionpay(sqlite: Database) -> None:
    """And one that it carries back, which is signed and is not what we go by."""
    async with opened("unionpay", sqlite, biz_type="000201") as five:
        back = "http://hotel.invalid/back"
        ask = Ask(intent=OperationKind.PURCHASE, amount=10_000, currency="CNY", means=HostedPage(), return_url=back)
        payment = await operate.charge(five.services, "h", ACCOUNT, ask, "test")
        five.payments.append(payment.payment_id)
        assert payment.action is not None
        forged = await five.client.post(payment.action.url, data={**payment.action.fields, "txnAmt": "1"})
        assert forged.status_code == 400
        begun = await five.client.post(payment.action.url, data=dict(payment.action.fields))
        paid = await five.client.post(begun.headers["location"], data={"succeeds": "yes"})
        assert (paid.status_code, f'action="{back}"' in paid.text, "signPubKeyCert" in paid.text) == (200, True, True)
        assert (await five.position(payment)).captured == 0
        await five.settle()
        await five.refund(payment, 2_000)
        await five.settle()
        assert five.psp.moved() == (10_000, 2_000)
        await five.ledger_is_the_books()
