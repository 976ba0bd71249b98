"""A direct sale at each of the five gateways, over HTTP: held, paid by the guest, booked, cancelled, given back."""

from __future__ import annotations

import msgspec
import pytest

from gateway.engine.asking import Party
from gateway.engine.sale import Customer, SaleState
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments import schedule
from gateway.flows.payments.schedule import SaleMoney, Wish
from gateway.flows.selling import search, sell
from gateway.flows.selling.search import Line
from gateway.model.payment import OperationOutcome
from gateway.model.reservation import Guest
from gateway.model.selling import Method, Pays, Policy, Schedule, Selling, Share, Step
from gateway.store.database import Database
from tests.flows.house import TODAY, channel, hotel, pms, sealed, update
from tests.flows.selling.test_sell import site
from tests.payments.five import ACCOUNT, GATEWAYS, Five, opened

ME = "key:site"
TOTAL = 2 * 12_000


async def open_for_sale(five: Five) -> None:
    """One room, sold in the currency of the gateway, to be paid in full; cancelling costs the first night."""
    method = Method.PAGE if five.case.currency == "EUR" else Method.QR
    terms = Selling(
        policy="NR",
        policies=(Policy("NR", "Strict", steps=(Step(Share(nights=1)),)),),
        schedule="NOW",
        mail_from="desk@hotel.example",
        schedules=(Schedule("NOW", Pays.FULL, account=ACCOUNT, method=method),),
    )
    known = await five.services.directory.hotel_of_account(ACCOUNT)
    assert known is not None
    prop = sealed(hotel(pms(), channel("ota"), site(), selling=terms, payments=known.property.payments))
    await apply_hotel(five.house.services, msgspec.structs.replace(prop, currency=five.case.currency), "test")
    for change in (
        update("pDBL", "", 0, 9, figure=1),
        update("pDBL", "BAR", 0, 9, price2=12_000, currency=five.case.currency),
    ):
        reply = await five.house.ari(change)
        assert reply.status == 200, reply.body


async def money(five: Five, sale_id: str) -> SaleMoney:
    return await schedule.money(five.services, "h", sale_id)


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_guest_pays_for_a_room_and_cancels_it(gateway: str, sqlite: Database) -> None:
    async with opened(gateway, sqlite) as five:
        await open_for_sale(five)
        line = Line("DBL", "BAR", Party(2))
        quote = await search.quote(five.services, "h", TODAY + 3, TODAY + 5, [line], ME)
        guest = Customer(Guest("Li", "Lei", language="zh"))
        link = await schedule.pay(five.services, "h", quote.sale_id, Wish(), ME, customer=guest)
        assert (link.outcome, link.state, link.amount) == (OperationOutcome.ACTION_REQUIRED, SaleState.HELD, TOTAL)
        assert link.action is not None
        assert link.action.url or link.action.content
        five.psp.pay(link.operation_id)
        five.courier.faults.copies = 2
        await five.settle()
        assert (await money(five, link.sale_id)).state is SaleState.BOOKED
        assert await five.house.free("DBL", 3) == 0
        await sell.cancel(five.services, "h", link.sale_id, ME)
        await five.settle()
        seen = await money(five, link.sale_id)
        assert (seen.penalty, seen.taken, seen.refunded) == (TOTAL // 2, TOTAL // 2, TOTAL // 2)
        assert five.psp.moved() == (TOTAL, TOTAL // 2)
        assert await five.house.free("DBL", 3) == 1
