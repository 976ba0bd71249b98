"""What follows a charge: another total, the guest's answer, a page opened again; cards kept; orders that are undone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.contract import Reply
from gateway.errors import Malformed, Rejected, Unsupported
from gateway.flows.payments import amend, operate
from gateway.flows.payments.undoing import SILENT_AFTER_MS, UNDO_AFTER_MS
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_means import ClientMethod
from tests.flows.payments.house import Fault, PayHouse, changed, down, lost

REDIRECT = {"resultCode": "RedirectShopper", "pspReference": "PSP1", "action": {"type": "redirect", "url": "https://b"}}
FIELD = ClientMethod({"type": "scheme", "encryptedCardNumber": "x"})


def says(body: dict[str, Any], status: int = 200) -> Fault:
    """The gateway's answer, whatever it was asked."""
    return lambda serve: Reply(status, {"content-type": "application/json"}, json.dumps(body).encode())


async def redirected(psp: PayHouse) -> str:
    """A payment that waits for the guest's bank."""
    psp.wire.faults = [says(REDIRECT)]
    operated = await psp.charge("online", OperationKind.PURCHASE, means=FIELD)
    assert operated.outcome is OperationOutcome.ACTION_REQUIRED
    return operated.payment_id


def authorised(amount: int = 10_000, **more: Any) -> dict[str, Any]:
    money = {"currency": "EUR", "value": amount}
    return {"resultCode": "Authorised", "pspReference": "PSP1", "amount": money, **more}


async def test_a_hold_is_raised_once_the_gateway_says_so(psp: PayHouse) -> None:
    held = await psp.charge("online")
    psp.wire.faults = [says({"status": "received", "pspReference": "ADJ1"}, 201)]
    adjusted = await amend.adjust(psp.services, "h", held.payment_id, 15_000, "test")
    assert adjusted.outcome is OperationOutcome.PENDING
    assert (await psp.position(held)).authorised == 10_000
    psp.adyen._tell_of(
        "AUTHORISATION_ADJUSTMENT",
        "ADJ1",
        next(iter(psp.adyen.payments)),
        adjusted.operation_id,
        {"currency": "EUR", "value": 15_000},
    )
    await psp.tell("online")
    await psp.work()
    assert (await psp.position(held)).authorised == 15_000
    assert await psp.outcomes() == [("authorise", "succeeded"), ("adjust", "succeeded")]
    await operate.capture(psp.services, "h", held.payment_id, 10_000, "test")
    await psp.tell("online")
    await psp.work()
    with pytest.raises(Rejected, match="wrong state"):
        await amend.adjust(psp.services, "h", held.payment_id, 20_000, "test")


async def test_the_guests_answer_ends_the_payment_it_belongs_to(psp: PayHouse) -> None:
    payment = await redirected(psp)
    again = await amend.open_again(psp.services, "h", payment)
    assert again.action is not None
    assert "https://b" in again.action.content
    psp.wire.faults = [down] * 3
    with pytest.raises(Rejected, match="sent again"):
        await amend.proceed(psp.services, "h", payment, {"redirectResult": "r"})
    assert await psp.outcomes() == [("purchase", "action_required")]
    psp.wire.faults = [says(authorised())]
    done = await amend.proceed(psp.services, "h", payment, {"redirectResult": "r"})
    assert done.outcome is OperationOutcome.SUCCEEDED
    assert (await psp.position(payment)).captured == 10_000
    assert json.loads(psp.wire.sent[-1].body)["details"] == {"redirectResult": "r"}
    for step in (amend.open_again(psp.services, "h", payment), amend.proceed(psp.services, "h", payment, {})):
        with pytest.raises(Rejected, match="does not wait"):
            await step


async def test_an_answer_nobody_could_have_typed_is_refused(psp: PayHouse) -> None:
    payment = await redirected(psp)
    for details in ({str(n): "" for n in range(21)}, {"a": "x" * 32_001}):
        with pytest.raises(Malformed):
            await amend.proceed(psp.services, "h", payment, details)


async def test_a_card_is_kept_without_charging_it(psp: PayHouse) -> None:
    kept = {"additionalData": {"tokenization.storedPaymentMethodId": "TOKEN1"}}
    psp.wire.faults = [says(REDIRECT), says(authorised(0) | kept)]
    begun = await amend.tokenise(psp.services, "h", "online", FIELD, "test", customer="guest-1", reservation="R1")
    assert (begun.outcome, (await amend.tokens(psp.services, "h")).items) == (OperationOutcome.ACTION_REQUIRED, ())
    done = await amend.proceed(psp.services, "h", begun.payment_id, {"redirectResult": "r"})
    assert done.outcome is OperationOutcome.SUCCEEDED
    (token,) = (await amend.tokens(psp.services, "h", "R1")).items
    assert (token.token, token.account, token.reservation) == ("TOKEN1", "online", "R1")
    assert (await amend.tokens(psp.services, "h", "R2")).items == ()
    position = await psp.position(begun.payment_id)
    assert (position.authorised, position.captured, position.alarms) == (0, 0, ())
    assert await psp.inbox() == []


async def test_what_a_gateway_cannot_is_not_begun(psp: PayHouse) -> None:
    held = await psp.charge("desk")
    psp.wire.faults = []
    sent = len(psp.wire.sent)
    with pytest.raises(Unsupported):
        await psp.charge("desk", OperationKind.ADJUST)
    with pytest.raises(Rejected, match="invalid amount"):
        await amend.adjust(psp.services, "h", held.payment_id, 0, "test")
    assert len(psp.wire.sent) == sent


@pytest.mark.parametrize("arrived", [False, True])
async def test_where_nothing_can_be_asked_an_unknown_order_is_undone(psp: PayHouse, arrived: bool) -> None:
    """A technical cancel releases what may exist, and says whether it did."""

    def answered_by_nobody(serve: Any) -> Reply:
        if arrived:
            serve()
        return lost(serve)

    psp.wire.faults = [answered_by_nobody] * 50
    begun = await psp.charge("online")
    psp.clock.pass_s(UNDO_AFTER_MS / 1000)
    psp.wire.faults = []
    await psp.settle(4)
    assert [kind for kind, _ in await psp.outcomes()] == ["authorise", "void"]
    await psp.tell("online", *[event for event in psp.adyen.events if event["eventCode"] == "TECHNICAL_CANCEL"])
    await psp.settle(20)
    assert (await psp.outcomes())[0] == ("authorise", "failed")
    assert (await psp.position(begun)).capturable == 0
    assert len([one for one in psp.wire.sent if one.url.endswith("/cancels")]) == 1
    assert next(row.error for row in await psp.operations()) == ("order_expired" if arrived else "not_found")


async def test_a_page_is_withdrawn_at_its_deadline(psp: PayHouse) -> None:
    page = await psp.page("desk")
    expires_ms = (await psp.operations())[0].expires_ms
    assert expires_ms is not None
    psp.clock.pass_s((expires_ms - psp.clock.now_ms()) / 1000 + 1)
    await psp.settle(6)
    assert await psp.outcomes() == [("authorise", "failed"), ("close", "succeeded")]
    assert [session["status"] for session in psp.stripe.sessions.values()] == ["expired"]
    assert (await psp.position(page)).authorised == 0


async def test_a_guest_who_never_comes_back_from_the_bank_has_not_paid(psp: PayHouse) -> None:
    psp.wire.faults = [says(REDIRECT)]
    expires_ms = psp.clock.now_ms() + 1_800_000
    await psp.charge("online", OperationKind.PURCHASE, means=FIELD, expires_ms=expires_ms)
    psp.clock.pass_s(1_801)
    await psp.work()
    assert (await psp.outcomes())[0] == ("purchase", "action_required")
    psp.clock.pass_s(SILENT_AFTER_MS / 1000)
    await psp.settle(2)
    assert [row.outcome for row in await psp.operations() if row.kind == "purchase"] == ["failed"]


async def test_what_a_guest_paid_with_is_kept_where_a_callback_says_so(psp: PayHouse) -> None:
    """Of a hosted page nothing else tells of the token."""
    paid = await psp.charge("online", OperationKind.PURCHASE)
    account_event = {"additionalData": {"shopperReference": "guest-1"}}
    psp.adyen._tell_of(
        "RECURRING_CONTRACT",
        "TOKEN9",
        next(iter(psp.adyen.payments)),
        paid.operation_id,
        {"currency": "EUR", "value": 0},
    )
    await psp.tell("online", psp.adyen.events[-1] | account_event)
    await psp.tell("online", changed(psp.adyen.events[-1], pspReference="TOKEN8", merchantReference="of another"))
    await psp.work()
    assert [row.state for row in await psp.inbox()] == ["done", "done"]
    kept = {(line.token, line.customer, line.payment) for line in (await amend.tokens(psp.services, "h")).items}
    assert ("TOKEN9", "guest-1", paid.payment_id) in kept
