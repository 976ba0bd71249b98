"""The hotel of the payment tests, with something to sell: a room that has to be paid, in one way or another."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.engine.asking import Party
from gateway.engine.connection_shapes import Side
from gateway.engine.hotel_file import HotelFile
from gateway.engine.sale import Customer, Sale, SaleState
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments import schedule
from gateway.flows.payments.schedule import PayLink, SaleMoney, Wish
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.selling import search, sell
from gateway.flows.selling.letters import letter
from gateway.flows.selling.release import Releaser
from gateway.flows.selling.rows import open_sale
from gateway.flows.selling.search import Line
from gateway.flows.selling.sell import SaleView
from gateway.model.payment import OperationOutcome
from gateway.model.payment_account import PaymentAccount
from gateway.model.reservation import Guest
from gateway.model.selling import Guarantee, Pays, PlanTerms, Policy, Schedule, Selling, Share, Step
from gateway.store.tables import SaleRow
from tests.flows.house import TODAY, channel, hotel, pms, sealed
from tests.flows.payments.house import ACCOUNTS, SECRETS, PayHouse
from tests.flows.selling.test_sell import site

ME = "key:site"
ADA = Customer(Guest("Lovelace", "Ada", email="ada@example.org"))
FIRST, LAST = 20, 22  # two nights of 120.00 for two
TOTAL = 24_000
FULL = Schedule("FULL", Pays.FULL, account="desk")
DEPOSIT = Schedule("DEP", Pays.DEPOSIT, Share(percent_bp=3_000), balance_days=14, account="desk")
GUARANTEE = Schedule("HOLD", Pays.DEPOSIT, Share(nights=1), account="desk", hold=True)
TERMS = Selling(
    quote_s=600,
    hold_s=900,
    policy="FLEX",
    mail_from="desk@hotel.example",
    policies=(
        Policy("FLEX", "Flexible", steps=(Step(Share(nights=1), within_h=48),), no_show=Share(percent_bp=10_000)),
        Policy("NR", "Strict", Guarantee.PREPAID, steps=(Step(Share(nights=1)),)),
    ),
    plans=(PlanTerms("BAR", schedule="FULL"), PlanTerms("HB", "NR", schedule="FULL")),
)


SIDES: dict[Side, str] = {"inbound": "in", "outbound": "out"}
LOGINS = {(name, side): word for name in ("pms", "ota") for side, word in SIDES.items()}


class SellHouse(PayHouse):
    """``scheme`` is the schedule of the plan BAR, ``account`` where it is paid."""

    async def open(
        self,
        scheme: Schedule = FULL,
        *,
        rooms: int = 1,
        card_numbers: bool = False,
        accounts: tuple[PaymentAccount, ...] = (),
        **more: Any,
    ) -> None:
        self.house.start()
        plans = (PlanTerms("BAR", schedule=scheme.code), PlanTerms("HB", "NR", schedule=scheme.code))
        terms = {name: getattr(TERMS, name) for name in TERMS.__struct_fields__}
        selling = Selling(**{**terms, "plans": plans, "schedules": (scheme,), **more})
        desk = msgspec.structs.replace(ACCOUNTS[0], options={"card_numbers": card_numbers})
        prop = hotel(pms(), channel("ota"), site(), selling=selling, payments=(desk, *ACCOUNTS[1:], *accounts))
        file = HotelFile(sealed(prop), LOGINS, payment_secrets=SECRETS)
        planned, _ = await plan_hotel(self.services, file)
        await apply_hotel(self.house.services, planned, "test")
        await self.house.open_for_sale(figure=rooms)

    # --- what the guest and the seller do -----------------------------------------------------------------------------

    async def quoted(self, plan: str = "BAR", **more: Any) -> str:
        line = Line("DBL", plan, Party(2))
        row = await search.quote(self.services, "h", TODAY + FIRST, TODAY + LAST, [line], ME, **more)
        return row.sale_id

    async def held(self, plan: str = "BAR") -> str:
        sale_id = await self.quoted(plan)
        await sell.hold(self.services, "h", sale_id, ADA, ME)
        return sale_id

    async def ask(self, sale_id: str, token: str = "", **more: Any) -> PayLink:
        return await schedule.pay(self.services, "h", sale_id, Wish(token=token, return_url=BACK, **more), ME)

    async def booked(self, plan: str = "BAR", token: str = "pm_ok") -> str:
        """Paid with a stored means, which says so at once."""
        link = await self.ask(await self.held(plan), token)
        assert (link.outcome, link.state) == (OperationOutcome.SUCCEEDED, SaleState.BOOKED)
        return link.sale_id

    async def cancel(self, sale_id: str) -> SaleView:
        return await sell.cancel(self.services, "h", sale_id, ME)

    # --- what goes on by itself ---------------------------------------------------------------------------------------

    async def goes_on(self, hours: float = 0.0, rounds: int = 8) -> None:
        """Time goes by, and what is due is done."""
        self.clock.pass_s(hours * 3_600)
        for _ in range(rounds):
            await Releaser(self.services).round()
            await self.work()

    async def hear(self, account: str = "desk") -> None:
        """Everything the gateway has to tell is told."""
        await self.tell(account)
        await self.work(2)

    # --- what is there ------------------------------------------------------------------------------------------------

    async def row(self, sale_id: str) -> SaleRow:
        (found,) = await self.house.rows(SaleRow, f"sale_id = '{sale_id}'")
        assert isinstance(found, SaleRow)
        return found

    async def state(self, sale_id: str) -> SaleState:
        return SaleState((await self.row(sale_id)).state)

    async def sale(self, sale_id: str) -> Sale:
        return open_sale((await self.row(sale_id)).body)

    async def money(self, sale_id: str) -> SaleMoney:
        return await schedule.money(self.services, "h", sale_id)

    async def written(self, sale_id: str, language: str = "en") -> str:
        """The letter the guest is owed."""
        row = await self.row(sale_id)
        assert row.letter
        found = await self.services.directory.hotel_of("pms")
        assert found is not None
        return "\n".join(letter(found, row, open_sale(row.body), language, paid=await self.money(sale_id)))


BACK = "https://hotel.invalid/back"
