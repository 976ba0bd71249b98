"""Guests, gateways, clocks and clerks in any order: no booking without its money, no money without a booking for long.

The simulated gateway keeps its own books; in the end they hold exactly what bookings and their penalties come to.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from gateway.engine.sale import SaleState
from gateway.errors import Refusal
from gateway.flows.selling import sell
from gateway.flows.selling.release import Releaser
from gateway.model.selling import Schedule
from simulators.psp.common import NotHere
from tests.flows.house import new, stay
from tests.flows.payments.house import Fault
from tests.flows.payments.machine import FAULTS, MoneyMachine, play
from tests.flows.payments.shop import FIRST, FULL, GUARANTEE, ME, SellHouse

TOKENS = st.sampled_from(["", "", "pm_ok", "pm_declined"])
HOLD_S = 1_000  # longer than any hold
PLANS = st.sampled_from(["BAR", "HB"])


class Sales(MoneyMachine):
    """Two rooms, and more guests than that."""

    def __init__(self) -> None:
        super().__init__()
        self._sales: list[str] = []
        self._links: list[str] = []

    @initialize(scheme=st.sampled_from([FULL, GUARANTEE]), rooms=st.integers(1, 2))
    def open(self, scheme: Schedule, rooms: int) -> None:
        self.run(self._open(scheme, rooms))

    async def _open(self, scheme: Schedule, rooms: int) -> None:
        await self.database.open()
        self.house = self.shop = SellHouse(self.database)
        await self.shop.open(scheme, rooms=rooms)

    def _try(self, work: Any) -> Any:
        """What is refused has no effect."""
        try:
            return self.run(work)
        except Refusal:
            return None

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(plan=PLANS)
    def hold(self, plan: str) -> None:
        held = self._try(self.shop.held(plan))
        if held:
            self._sales.append(held)

    @precondition(lambda self: self._sales)
    @rule(data=st.data(), token=TOKENS, anew=st.booleans(), faults=FAULTS)
    def ask(self, data: st.DataObject, token: str, anew: bool, faults: list[Fault]) -> None:
        self.shop.wire.faults = faults
        link = self._try(self.shop.ask(data.draw(st.sampled_from(self._sales)), token, anew=anew))
        if link is not None:
            self._links.append(link.operation_id)

    @precondition(lambda self: self._sales)
    @rule(data=st.data())
    def pay_twice(self, data: st.DataObject) -> None:
        sale_id = data.draw(st.sampled_from(self._sales))
        links = [self._try(self.shop.ask(sale_id, anew=anew)) for anew in (False, True)]
        for link in filter(None, links):
            self._links.append(link.operation_id)
            with suppress(NotHere):
                self.shop.stripe.pay(link.operation_id)

    @precondition(lambda self: self._links)
    @rule(data=st.data(), succeeds=st.booleans())
    def pay(self, data: st.DataObject, succeeds: bool) -> None:
        with suppress(NotHere):
            self.shop.stripe.pay(data.draw(st.sampled_from(self._links)), succeeds)

    @rule(data=st.data(), times=st.integers(1, 2))
    def tell(self, data: st.DataObject, times: int) -> None:
        events = self.shop.stripe.events
        if events:
            self.run(self.shop.tell("desk", *[data.draw(st.sampled_from(events))] * times))

    @rule(faults=FAULTS, seconds=st.sampled_from([0, 5, 60, 700]), dies=st.booleans())
    def work(self, faults: list[Fault], seconds: int, dies: bool) -> None:
        if dies:
            self.shop.restart()
        self.shop.wire.faults = faults
        self.shop.clock.pass_s(seconds)
        self.run(self.shop.work())

    @rule(seconds=st.sampled_from([1, 1_000]))
    def look(self, seconds: int) -> None:
        self.shop.clock.pass_s(seconds)
        self.run(Releaser(self.shop.services).round())

    @precondition(lambda self: self._sales)
    @rule(data=st.data(), ends=st.sampled_from([sell.cancel, sell.release, sell.confirm]))
    def end(self, data: st.DataObject, ends: Any) -> None:
        sale_id = data.draw(st.sampled_from(self._sales))
        self._try(ends(self.shop.services, "h", sale_id, ME))

    @rule(number=st.integers(1, 2))
    def sold_elsewhere(self, number: int) -> None:
        self.run(self.shop.house.say(new(stay(FIRST, FIRST + 1), booking=f"B{number}")))

    # --- what holds ---------------------------------------------------------------------------------------------------

    def _theirs(self, payments: tuple[str, ...]) -> tuple[int, int]:
        """What the gateway has taken and not given back, and what it holds, for some payments of ours."""
        stripe = self.shop.stripe
        intents = [each for each in stripe.intents.values() if each["metadata"].get("payment_id") in payments]
        names = {intent["id"] for intent in intents}
        taken = sum(int(intent["amount_received"]) for intent in intents)
        given = sum(
            int(refund["amount"])
            for refund in stripe.refunds.values()
            if refund["payment_intent"] in names and refund["status"] == "succeeded"
        )
        return taken - given, sum(int(intent["amount_capturable"]) for intent in intents)

    @invariant()
    def no_booking_without_its_money(self) -> None:
        for sale_id in self._sales:
            if self.run(self.shop.state(sale_id)) == SaleState.BOOKED:
                sale = self.run(self.shop.sale(sale_id))
                assert sum(self._theirs(sale.payments)) >= sale.required

    async def ends(self) -> None:
        shop = self.shop
        shop.wire.faults = []
        for _ in range(3):
            await shop.settle(25)
            shop.clock.pass_s(HOLD_S)
            await Releaser(shop.services).round()
            await shop.tell("desk", *reversed(shop.stripe.events))
        await shop.settle(40)
        assert [row for row in await shop.inbox() if row.name == "left to a person"] == []
        for sale_id in self._sales:
            row, sale = await shop.row(sale_id), await shop.sale(sale_id)
            taken, held = self._theirs(sale.payments)
            seen = await shop.money(sale_id)
            assert (seen.taken, seen.held) == (taken, held)
            if row.state == SaleState.BOOKED:
                assert sale.required <= taken + held <= sale.total
            elif row.state == SaleState.CANCELLED:
                assert (taken, held) == (sale.penalty, 0)
            else:
                assert (row.state, taken, held) == (SaleState.RELEASED, 0, 0)


@pytest.mark.slow
def test_money_in_is_money_kept_and_money_given_back(migrated_sqlite: Path) -> None:
    play(Sales, migrated_sqlite, 14)
