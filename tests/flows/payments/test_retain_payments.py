"""What gateways have said is forgotten in its time; what a ledger or a person needs is not."""

from __future__ import annotations

import pytest

from gateway.flows.keeping.retain import Retention
from gateway.flows.payments.reconcile import reconcile_now
from gateway.model.dates import format_day, local_day
from gateway.model.payment import OperationKind
from gateway.settings import Settings
from gateway.store import retaining
from gateway.store.tables_paying import PaymentEventRow
from gateway.store.tables_statements import DifferenceRow, StatementLineRow, StatementRow
from tests.flows.payments.house import PayHouse

EVERYTHING = "1 = 1"
NEVER = {"keep_bodies_days": 0, "keep_messages_days": 0, "keep_journal_days": 0, "keep_codes_days": 0}


async def forget(psp: PayHouse, **days: int) -> None:
    await Retention(psp.services, Settings(**{**NEVER, **days}), pause_s=0).round()  # type: ignore[arg-type]


async def test_bytes_of_callbacks_go_and_a_late_copy_still_does_nothing(psp: PayHouse) -> None:
    payment = await psp.charge("desk", OperationKind.PURCHASE)
    events = list(psp.stripe.events)
    await psp.tell("desk", *events)
    strange = {**events[-1], "id": "evt_strange", "api_version": "1999-01-01"}
    await psp.tell("desk", strange)
    await psp.work()
    moved = await psp.house.rows(PaymentEventRow)
    psp.clock.pass_s(40 * 86_400)
    await forget(psp, keep_bodies_days=60)
    assert all(row.raw for row in await psp.inbox())
    await forget(psp, keep_bodies_days=30)
    kept = {row.state: bool(row.raw or row.body) for row in await psp.inbox()}
    assert kept == {"done": False, "parked": True}  # somebody has still to look at the other
    before = await psp.inbox()
    await psp.tell("desk", *events)
    await psp.work()
    assert await psp.inbox() == before
    assert await psp.house.rows(PaymentEventRow) == moved
    assert (await psp.position(payment)).captured == 10_000


async def test_lines_of_old_statements_go_and_open_differences_stay(
    psp: PayHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "BATCH_ROWS", 2)
    days = []
    for doubled in (False, True):
        for _ in range(3):
            await psp.charge("desk", OperationKind.PURCHASE)
        if doubled:
            psp.stripe.movements.append(psp.stripe.movements[-1])
        days.append(format_day(local_day(psp.clock.now_ms(), "UTC")))
        psp.clock.pass_s(86_400)
        await reconcile_now(psp.services, "h", "desk", days[-1])
    psp.clock.pass_s(58 * 86_400)
    await forget(psp, keep_messages_days=1)  # not before reconciliation has done with them
    assert len(await psp.house.rows(StatementLineRow, EVERYTHING)) == 7
    psp.clock.pass_s(5 * 86_400)
    await forget(psp, keep_messages_days=30)
    assert {row.name for row in await psp.house.rows(StatementLineRow, EVERYTHING)} == {days[1]}
    assert {row.state for row in await psp.house.rows(DifferenceRow, EVERYTHING)} == {"open"}
    statements = {row.name: row.lines for row in await psp.house.rows(StatementRow, EVERYTHING)}
    assert (statements[days[0]], statements[days[1]]) == (3, 4)
    assert len(await psp.house.rows(PaymentEventRow)) == 12  # the ledger stays for good
