"""Whatever is lost, repeated, late or out of order, and whoever dies in between: in the end both sides hold the same.

The simulators keep their own books, in their own way; the ledger is compared with them once everything has been told.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from gateway.errors import Rejected
from gateway.flows.payments import operate
from gateway.model.payment import OperationKind
from tests.flows.payments.house import BAD, GOOD, Fault, PayHouse
from tests.flows.payments.machine import FAULTS, MoneyMachine, play

ACCOUNTS = ("desk", "online")
AMOUNTS = st.sampled_from([1, 2_500, 5_000, 10_000])
KINDS = st.sampled_from([OperationKind.AUTHORISE, OperationKind.PURCHASE])


class Payments(MoneyMachine):
    """Clerks, guests and gateways, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._payments: list[str] = []
        self.run(self._open())

    async def _open(self) -> None:
        await self.database.open()
        self.house = self.psp = PayHouse(self.database)
        await self.psp.start()

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(account=st.sampled_from(ACCOUNTS), kind=KINDS, faults=FAULTS, good=st.booleans())
    def charge(self, account: str, kind: OperationKind, faults: list[Fault], good: bool) -> None:
        self.psp.wire.faults = faults
        means = GOOD[account] if good else BAD[account]
        self._payments.append(self.run(self.psp.charge(account, kind, means=means)).payment_id)

    @precondition(lambda self: self._payments)
    @rule(data=st.data(), change=st.sampled_from(["capture", "refund", "void"]), amount=AMOUNTS, faults=FAULTS)
    def change(self, data: st.DataObject, change: str, amount: int, faults: list[Fault]) -> None:
        payment = data.draw(st.sampled_from(self._payments))
        self.psp.wire.faults = faults
        try:
            if change == "capture":
                self.run(operate.capture(self.psp.services, "h", payment, amount, "test"))
            elif change == "refund":
                self.run(operate.refund(self.psp.services, "h", payment, amount, "test"))
            else:
                self.run(operate.void(self.psp.services, "h", payment, "test"))
        except Rejected:
            return  # nothing was sent

    @rule(data=st.data(), account=st.sampled_from(ACCOUNTS), times=st.integers(1, 2))
    def tell(self, data: st.DataObject, account: str, times: int) -> None:
        events = (self.psp.stripe if account == "desk" else self.psp.adyen).events
        if events:
            event = data.draw(st.sampled_from(events))
            self.run(self.psp.tell(account, *[event] * times))

    @rule(faults=FAULTS, seconds=st.sampled_from([0, 5, 60, 700]), dies=st.booleans())
    def work(self, faults: list[Fault], seconds: int, dies: bool) -> None:
        if dies:
            self.psp.restart()
        self.psp.wire.faults = faults
        self.psp.clock.pass_s(seconds)
        self.run(self.psp.work())

    # --- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_taken_or_given_back_that_is_not_there(self) -> None:
        for payment in self._payments:
            position = self.run(self.psp.position(payment))
            assert position.captured <= position.authorised
            assert position.refunded + position.refund_pending <= position.captured
            assert position.alarms == ()

    async def ends(self) -> None:
        psp = self.psp
        psp.wire.faults = []
        await psp.settle(25)
        for account, source in (("desk", psp.stripe), ("online", psp.adyen)):
            await psp.tell(account, *reversed(source.events))
        await psp.settle(25)
        assert [row.detail for row in await psp.inbox() if row.state != "done"] == []
        ours = {"desk": [0, 0], "online": [0, 0]}
        for payment in self._payments:
            book = await operate.book_in(psp.services, "h", payment)
            position = book.position()
            ours[book.payment.account][0] += position.captured
            ours[book.payment.account][1] += position.refunded
        assert ours == {"desk": list(psp.stripe.moved()), "online": list(psp.adyen.moved())}


@pytest.mark.slow
def test_any_order_of_events_and_replies_ends_in_the_same_ledger(migrated_sqlite: Path) -> None:
    play(Payments, migrated_sqlite, 12)
