"""Callbacks: taken once, acknowledged in the gateway's own way, refused without a trace of what was in them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.contract import Reply
from gateway.flows.payments import operate
from gateway.flows.payments.callback_jobs import ATTEMPTS_MAX
from gateway.model.payment import OperationKind
from gateway.store.database import Unavailable
from gateway.store.tables_paying import PaymentAccountRow, PaymentEventRow
from simulators.psp.adyen import Adyen
from simulators.psp.common import Callback
from simulators.psp.stripe import Stripe
from tests.flows.payments.house import ADYEN_LOGIN, STRIPE_VERSION, PayHouse, changed, of_kind, unanswered


async def bought(psp: PayHouse, account: str) -> tuple[str, dict[str, Any]]:
    """A purchase nobody has told us of, and the event that says it was paid."""
    psp.wire.faults = [unanswered]
    operated = await psp.charge(account, OperationKind.PURCHASE)
    source = psp.stripe if account == "desk" else psp.adyen
    kind = "payment_intent.succeeded" if account == "desk" else "AUTHORISATION"
    return operated.payment_id, of_kind(source.events, kind)


async def refused(psp: PayHouse, reply: Reply, status: int) -> None:
    """Refused in the gateway's own way: nothing kept but that there was one, and no effect."""
    assert (reply.status, reply.body) == (status, b"")
    assert await psp.inbox() == []
    await psp.work()
    assert await psp.house.rows(PaymentEventRow) == []
    assert sum(row.refused for row in await psp.house.rows(PaymentAccountRow, "1 = 1")) == 1


async def test_each_gateway_gets_its_own_acknowledgement_however_often_it_comes(psp: PayHouse) -> None:
    for account, body in (("desk", b""), ("online", b"[accepted]")):
        payment, event = await bought(psp, account)
        source = psp.stripe if account == "desk" else psp.adyen
        for _ in range(3):
            reply = await psp.post(account, source.signed(event))
            assert (reply.status, reply.body) == (200, body)
            await psp.work()
        assert (await psp.position(payment)).captured == 10_000
    assert [(row.state, row.attempts) for row in await psp.inbox()] == [("done", 0)] * 2


async def test_what_cannot_be_committed_is_not_acknowledged(psp: PayHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    _, event = await bought(psp, "online")

    async def away(*_: object, **__: object) -> None:
        raise Unavailable("no")

    with monkeypatch.context() as patched:
        patched.setattr(psp.services.batcher, "submit", away)
        assert (await psp.post("online", psp.adyen.signed(event))).status == 500
    assert (await psp.tell("online", event)).body == b"[accepted]"


async def test_a_changed_byte_is_refused(psp: PayHouse) -> None:
    _, event = await bought(psp, "desk")
    callback = psp.stripe.signed(event)
    body = callback.body.replace(b"10000", b"90000")
    assert body != callback.body
    await refused(psp, await psp.post("desk", Callback(callback.headers, body)), 400)


async def test_an_old_message_is_refused(psp: PayHouse) -> None:
    _, event = await bought(psp, "desk")
    old = psp.stripe.signed(event, at_s=psp.clock.now_ms() // 1000 - 301)
    await refused(psp, await psp.post("desk", old), 400)


async def test_another_accounts_key_is_refused(psp: PayHouse) -> None:
    _, event = await bought(psp, "desk")
    stranger = Stripe("sk_test_desk", "whsec_other", STRIPE_VERSION, lambda: psp.clock.now_ms() // 1000)
    await refused(psp, await psp.post("desk", stranger.signed(event)), 400)


async def test_a_forged_second_item_refuses_both(psp: PayHouse) -> None:
    _, event = await bought(psp, "online")
    forged = changed(event, pspReference="8000000000000099")
    callback = psp.adyen.signed(event, forged)
    body = callback.body.replace(b"8000000000000099", b"8000000000000098")
    await refused(psp, await psp.post("online", Callback(callback.headers, body)), 403)


async def test_another_merchant_account_is_refused(psp: PayHouse) -> None:
    _, event = await bought(psp, "online")
    await refused(psp, await psp.post("online", psp.adyen.signed(changed(event, merchantAccountCode="Other"))), 403)


async def test_a_wrong_login_is_refused(psp: PayHouse) -> None:
    _, event = await bought(psp, "online")
    stranger = Adyen("k", "HotelEU", "00" * 32, (ADYEN_LOGIN[0], "guessed"), lambda: psp.clock.now_ms() // 1000)
    await refused(psp, await psp.post("online", stranger.signed(event)), 401)


async def test_there_is_nothing_at_another_gateways_address(psp: PayHouse) -> None:
    _, event = await bought(psp, "desk")
    callback = psp.stripe.signed(event)
    for account, gateway in (("desk", "adyen"), ("nowhere", "stripe"), ("desk", "nowhere")):
        reply = await psp.post(account, callback, gateway)
        assert (reply.status, reply.body) == (404, b"")
    assert await psp.inbox() == []


@pytest.mark.parametrize(
    ("account", "fields"),
    [
        ("desk", {"amount": 90_000, "amount_received": 90_000}),
        ("desk", {"currency": "usd"}),
        ("online", {"amount": {"currency": "EUR", "value": 90_000}}),
        ("online", {"amount": {"currency": "USD", "value": 10_000}}),
    ],
)
async def test_what_was_not_asked_for_waits_for_a_person(psp: PayHouse, account: str, fields: dict[str, Any]) -> None:
    """It is genuine, so it is acknowledged; it changes nothing."""
    payment, event = await bought(psp, account)
    await psp.tell(account, changed(event, **fields))
    await psp.work()
    (row,) = await psp.inbox()
    assert row.state == "parked"
    assert "asked for" in row.detail or "the payment is in EUR" in row.detail
    assert (await psp.position(payment)).captured == 0


async def test_a_movement_that_changes_its_amount_waits_for_a_person(psp: PayHouse) -> None:
    payment, event = await bought(psp, "desk")
    await psp.tell("desk", event)
    again = {**changed(event, amount_received=9_000), "id": "evt_again"}
    await psp.tell("desk", again)
    await psp.work()
    assert sorted(row.state for row in await psp.inbox()) == ["done", "parked"]
    assert (await psp.position(payment)).captured == 10_000


async def test_a_payment_nobody_knows_is_looked_for_and_then_parked(psp: PayHouse) -> None:
    _, event = await bought(psp, "desk")
    await psp.tell("desk", changed(event, id="pi_other", metadata={}, latest_charge="ch_other"))
    await psp.settle(ATTEMPTS_MAX + 5)
    (row,) = await psp.inbox()
    assert (row.state, row.attempts) == ("parked", ATTEMPTS_MAX - 1)
    assert "belongs to no payment here" in row.detail


async def test_a_refund_made_elsewhere_is_found_by_asking(psp: PayHouse) -> None:
    operated = await psp.charge("desk", OperationKind.PURCHASE)
    await psp.tell("desk")
    await operate.refund(psp.services, "h", operated.payment_id, 1_000, "test")
    (refund,) = psp.stripe.refunds.values()
    psp.stripe.refunds["re_dashboard"] = {**refund, "id": "re_dashboard", "amount": 2_000, "metadata": {}}
    await psp.tell("desk", of_kind(psp.stripe.events, "charge.refunded"))
    await psp.work()
    assert (await psp.position(operated)).refunded == 3_000


async def test_a_late_failure_does_not_undo_a_paid_order(psp: PayHouse) -> None:
    operated = await psp.charge("online", OperationKind.PURCHASE)
    event = of_kind(psp.adyen.events, "AUTHORISATION")
    await psp.tell("online", *psp.adyen.events, changed(event, success="false", reason="Refused"))
    await psp.work()
    assert (await psp.position(operated)).captured == 10_000
    assert await psp.outcomes() == [("purchase", "succeeded")]
