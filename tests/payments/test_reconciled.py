"""The statements of all five gateways, over sockets: both sides agree, or the money that was missed comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.flows.payments.reconcile import Reconciler
from gateway.store.database import Database
from gateway.store.tables_statements import DifferenceRow, StatementLineRow, StatementRow
from simulators.psp.adyen import Adyen
from tests.payments.five import GATEWAYS, Five, opened

DAY_S = 86_400
ALL = "1 = 1"


@pytest.fixture(params=GATEWAYS)
async def five(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[Five]:
    async with opened(request.param, sqlite) as one:
        yield one


async def days_later(five: Five, worker: Reconciler, days: int = 2) -> None:
    """The nights go by, and their statements are fetched; Adyen settles in batches that it tells of."""
    for _ in range(days):
        if isinstance(five.psp, Adyen) and len(five.psp.movements) > five.psp.reported:
            five.psp.close_batch()
            await five.told()
        five.clock.pass_s(DAY_S)
        await worker.round()
        await worker.errands.idle()


async def test_both_sides_agree_to_the_cent(five: Five) -> None:
    worker = Reconciler(five.services)
    await worker.round()
    payment = await five.bought()
    await five.settle()
    await five.refund(payment, 4_000)
    await five.settle()
    await days_later(five, worker)
    lines = await five.house.rows(StatementLineRow, ALL)
    assert sorted(row.kind for row in lines) == ["captured", "refunded"]
    assert await five.house.rows(DifferenceRow, ALL) == []
    assert {row.state for row in await five.house.rows(StatementRow, ALL)} <= {"done", "wanted", "none"}


async def test_a_payment_no_callback_told_of_comes_in_by_its_statement(five: Five) -> None:
    worker = Reconciler(five.services)
    await worker.round()
    payment = await five.bought()
    assert (await five.position(payment)).captured == 0
    five.courier.faults.withhold = True
    if isinstance(five.psp, Adyen):
        await five.told()
        five.courier.faults.withhold = False
        report = five.psp.close_batch()
        reply = await five.post(five.psp.signed(five.psp.events[-1]))
        assert (reply.status, report in str(five.psp.events[-1])) == (200, True)
        await five.work()
        await worker.round()
        five.clock.pass_s(6)
        await worker.round()
        await worker.errands.idle()
    else:
        await days_later(five, worker)
    assert (await five.position(payment)).captured == 10_000
    assert [(row.verdict, row.state) for row in await five.house.rows(DifferenceRow, ALL)] == [
        ("missing_here", "cleared")
    ]
    assert (await five.outcomes())[0] == ("purchase", "succeeded")
