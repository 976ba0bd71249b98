"""Alipay's certificate mode over HTTP: both ends name their certificates, and only what leads to a root is believed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.flows.payments import operate
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import ShownCode
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentOperationRow
from simulators.psp.accounts import Keys
from simulators.psp.alipay import Alipay
from simulators.psp.alipay_certificates import Certificates
from simulators.psp.common import Body
from tests.payments.five import DESK, KEYS, Five, opened

RENEWED = Keys().gateway


@pytest.fixture
async def five(sqlite: Database) -> AsyncIterator[Five]:
    async with opened("alipay", sqlite, certificates=True) as one:
        yield one


def certificates(five: Five) -> Certificates:
    assert isinstance(five.psp, Alipay)
    assert five.psp.certificates is not None
    return five.psp.certificates


def with_keys(five: Five, *changed: tuple[str, str, str], without: str = "") -> Body:
    """The account with other keys of these uses."""
    uses = {use for use, _, _ in changed} | {without}
    kept = [key for key in five.table["keys"] if key["use"] not in uses]
    return five.table | {"keys": [*kept, *({"use": use, "id": name, "secret": text} for use, name, text in changed)]}


async def last(five: Five) -> PaymentOperationRow:
    row: PaymentOperationRow = (await five.house.rows(PaymentOperationRow))[-1]
    return row


async def test_payments_refunds_and_holds(five: Five) -> None:
    payment = await five.bought()
    await five.settle()
    await five.refund(payment, 4_000)
    await five.settle()
    assert (await five.charge(DESK, 5_000)).outcome is OperationOutcome.SUCCEEDED
    held = await five.charge(ShownCode(), kind=OperationKind.AUTHORISE)
    five.psp.pay(held.operation_id)
    await five.settle()
    await operate.capture(five.services, "h", held.payment_id, 7_000, "test")
    await five.settle()
    assert five.psp.moved() == (22_000, 4_000)
    await five.ledger_is_the_books()


async def test_a_certificate_that_is_not_held_proves_nothing_until_it_is(five: Five) -> None:
    """Alipay renews its certificate: what it says is not believed, and asked about again."""
    known = certificates(five)
    old = known.theirs
    assert isinstance(five.psp, Alipay)
    five.psp.key = RENEWED
    known.renewed(RENEWED)
    payment = await five.charge(DESK)
    assert payment.outcome is OperationOutcome.UNKNOWN
    assert (await last(five)).error == PaymentError.SIGNATURE_INVALID
    five.courier.faults.withhold = True
    await five.configure(with_keys(five, ("theirs", "a1", old), ("theirs", "a2", known.theirs)))
    await five.settle(6)
    assert (await five.position(payment)).captured == 10_000
    five.courier.faults.withhold = False
    await five.settle()
    await five.ledger_is_the_books()


async def test_a_certificate_of_another_house_proves_nothing(five: Five) -> None:
    stranger = Certificates(KEYS.merchant.public_pem, KEYS.gateway)
    await five.configure(with_keys(five, ("theirs", "a1", stranger.theirs)))
    payment = await five.charge(DESK)
    assert payment.outcome is OperationOutcome.UNKNOWN
    reply = await five.post(five.psp.signed(five.paid_event()))
    assert (reply.status, reply.body, await five.inbox()) == (400, b"fail", [])


@pytest.mark.parametrize("without", ["certificate", "root"])
async def test_half_of_it_is_refused_before_or_by_alipay(five: Five, without: str) -> None:
    await five.configure(with_keys(five, without=without))
    payment = await five.charge(DESK)
    assert payment.outcome is not OperationOutcome.SUCCEEDED
    assert five.psp.moved() == (0, 0)
    error = (await last(five)).error_raw
    assert ("root certificates" in error) is (without == "root")
