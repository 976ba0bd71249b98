"""Holds, captures, releases and refunds against both gateways, with everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from gateway.engine.ledger import Status
from gateway.errors import Rejected
from gateway.flows.payments import operate
from gateway.flows.payments.work import Payer
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.registry import Registry
from gateway.store.tables_paying import PaymentEventRow, PaymentOperationRow
from tests.flows.payments.house import BAD, CARD, Fault, PayHouse, broken, down, failing, lost, unanswered, with_plain

BOTH = pytest.mark.parametrize("account", ["desk", "online"])


@BOTH
async def test_a_hold_is_captured_and_partly_given_back(psp: PayHouse, account: str) -> None:
    held = await psp.charge(account)
    assert held.outcome is OperationOutcome.SUCCEEDED
    await operate.capture(psp.services, "h", held.payment_id, 8_000, "test")
    await psp.tell(account)
    await psp.work()
    await operate.refund(psp.services, "h", held.payment_id, 3_000, "test")
    await psp.tell(account)
    await psp.work()
    position = await psp.position(held)
    assert (position.authorised, position.captured, position.released, position.refunded) == (
        10_000,
        8_000,
        2_000,
        3_000,
    )
    assert position.status is Status.PARTIALLY_REFUNDED
    assert {outcome for _, outcome in await psp.outcomes()} == {"succeeded"}
    assert (psp.stripe if account == "desk" else psp.adyen).moved() == (8_000, 3_000)


@BOTH
async def test_a_hold_is_released(psp: PayHouse, account: str) -> None:
    held = await psp.charge(account)
    await operate.void(psp.services, "h", held.payment_id, "test")
    await psp.tell(account)
    await psp.work()
    assert (await psp.position(held)).status is Status.VOIDED
    assert await psp.outcomes() == [("authorise", "succeeded"), ("void", "succeeded")]


@BOTH
async def test_a_refusal_is_the_end_of_it(psp: PayHouse, account: str) -> None:
    refused = await psp.charge(account, OperationKind.PURCHASE, means=BAD[account])
    assert (refused.outcome, refused.error != "") == (OperationOutcome.FAILED, True)
    await psp.tell(account)
    await psp.work()
    position = await psp.position(refused)
    assert (position.captured, position.status) == (0, Status.FAILED)
    assert (await psp.operations())[0].due_ms is None


@BOTH
@pytest.mark.parametrize("fault", [lost, unanswered, broken, failing])
async def test_an_unknown_outcome_is_asked_about_under_its_key(psp: PayHouse, account: str, fault: Fault) -> None:
    psp.wire.faults = [fault]
    bought = await psp.charge(account, OperationKind.PURCHASE)
    assert bought.outcome is OperationOutcome.UNKNOWN
    await psp.settle(8)
    await psp.tell(account)
    await psp.work()
    assert (await psp.position(bought)).captured == 10_000
    assert (psp.stripe if account == "desk" else psp.adyen).moved() == (10_000, 0)
    keys = {request.headers["idempotency-key"] for request in psp.wire.sent if request.method == "POST"}
    assert keys == {bought.operation_id}


@BOTH
async def test_the_callback_alone_ends_an_unknown_outcome(psp: PayHouse, account: str) -> None:
    psp.wire.faults = [unanswered]
    bought = await psp.charge(account, OperationKind.PURCHASE)
    await psp.tell(account)
    await psp.work()
    assert await psp.outcomes() == [("purchase", "succeeded")]
    assert (await psp.position(bought)).captured == 10_000
    assert len(psp.wire.sent) == 1


@BOTH
async def test_a_process_dies_between_the_row_and_the_call(psp: PayHouse, account: str) -> None:
    async def killed(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    psp.wire.call, call = killed, psp.wire.call  # type: ignore[method-assign, assignment]
    with pytest.raises(asyncio.CancelledError):
        await psp.charge(account, OperationKind.PURCHASE)
    assert await psp.outcomes() == [("purchase", "new")]
    psp.wire.call = call  # type: ignore[method-assign]
    psp.restart()
    await psp.settle(8)
    await psp.tell(account)
    await psp.work()
    assert await psp.outcomes() == [("purchase", "succeeded")]
    assert (psp.stripe if account == "desk" else psp.adyen).moved() == (10_000, 0)


async def test_a_gone_guest_is_not_charged_after_all(psp: PayHouse) -> None:
    """Nothing arrived, nobody looked for an hour: then it is only asked about, and found not to exist."""
    psp.wire.faults = [lost]
    await psp.charge("desk", OperationKind.PURCHASE)
    psp.clock.pass_s(3_600)
    await psp.settle(10)
    assert psp.stripe.moved() == (0, 0)
    assert await psp.outcomes() == [("purchase", "failed")]
    assert [row.error for row in await psp.operations()] == ["not_found"]


async def test_what_never_left_is_over_at_once(psp: PayHouse) -> None:
    psp.wire.faults = [down] * 3
    begun = await psp.charge("desk", OperationKind.PURCHASE)
    assert begun.outcome is OperationOutcome.FAILED
    psp.wire.faults = [lost, down, down, down]
    await psp.charge("desk", OperationKind.PURCHASE)
    await psp.work()
    assert [outcome for _, outcome in await psp.outcomes()] == ["failed", "unknown"]


@BOTH
async def test_nobody_takes_or_gives_back_too_much(psp: PayHouse, account: str) -> None:
    held = await psp.charge(account)
    with pytest.raises(Rejected, match="amount exceeds authorised"):
        await operate.capture(psp.services, "h", held.payment_id, 10_001, "test")
    await operate.capture(psp.services, "h", held.payment_id, 10_000, "test")
    await psp.tell(account)
    await psp.work()
    psp.wire.faults = [lost]
    await operate.refund(psp.services, "h", held.payment_id, 6_000, "one clerk")
    with pytest.raises(Rejected, match="amount exceeds refundable"):
        await operate.refund(psp.services, "h", held.payment_id, 6_000, "another")
    assert len(await psp.operations()) == 3


async def test_two_clerks_at_the_same_time_refund_once(psp: PayHouse) -> None:
    bought = await psp.charge("desk", OperationKind.PURCHASE)
    refunds = [operate.refund(psp.services, "h", bought.payment_id, None, name) for name in ("one", "another")]
    found = await asyncio.gather(*refunds, return_exceptions=True)
    assert sorted(isinstance(each, Rejected) for each in found) == [False, True]
    assert psp.stripe.moved() == (10_000, 10_000)


async def test_a_slow_refund_is_asked_about_until_it_ends(psp: PayHouse) -> None:
    bought = await psp.charge("desk", OperationKind.PURCHASE)
    psp.stripe.slow = True
    given = await operate.refund(psp.services, "h", bought.payment_id, None, "test")
    assert given.outcome is OperationOutcome.PENDING
    assert (await psp.position(bought)).refund_pending == 10_000
    psp.stripe.settle(succeeds=False)
    await psp.settle(3)
    position = await psp.position(bought)
    assert (position.refunded, position.refund_pending, position.refundable) == (0, 0, 10_000)
    assert (await psp.outcomes())[-1] == ("refund", "failed")


async def test_a_card_leaves_no_trace(psp: PayHouse) -> None:
    for account in ("desk", "online"):
        psp.wire.faults = [unanswered]
        await psp.charge(account, means=CARD)
    rows = [*await psp.house.rows(PaymentOperationRow), *await psp.house.rows(PaymentEventRow)]
    assert all(row.command == b"" for row in rows if isinstance(row, PaymentOperationRow))
    assert CARD.number not in repr(rows)


async def test_a_charge_whose_answer_cannot_be_read_is_asked_about(
    psp: PayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = type(psp.services.connectors.outbound("stripe"))
    with monkeypatch.context() as broken:

        def decode(*_: object) -> object:
            raise KeyError("amount")

        broken.setattr(connector, "decode", decode)
        bought = await psp.charge("desk", OperationKind.PURCHASE)
    assert bought.outcome is OperationOutcome.UNKNOWN
    await psp.settle(8)
    assert (await psp.position(bought)).captured == 10_000


async def test_a_gateway_that_is_not_installed_keeps_no_other_from_being_asked(psp: PayHouse) -> None:
    psp.wire.faults = [unanswered, unanswered]
    there, gone = [await psp.charge(account, OperationKind.PURCHASE) for account in ("desk", "online")]
    known = with_plain()
    without = Registry({name: known.get(name) for name in known.names() if name != "adyen"}, {})
    psp.services = dataclasses.replace(psp.services, connectors=without)
    psp.payer = Payer(psp.services)
    await psp.settle(8)
    assert (await psp.position(there)).captured == 10_000
    assert (await psp.position(gone)).captured == 0
    psp.services = dataclasses.replace(psp.services, connectors=known)
    psp.payer = Payer(psp.services)
    await psp.settle(8)
    assert (await psp.position(gone)).captured == 10_000
