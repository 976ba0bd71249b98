"""The house with cards, and a Stripe that is sent their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.contract import Reply, Request
from gateway.engine.connection_shapes import Side
from gateway.engine.hotel_file import HotelFile
from gateway.errors import OutcomeUnknown
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments.operate import book_in
from gateway.flows.payments.work import Payer
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.vault.charger import CardCharger
from gateway.flows.vault.owed import CardToCharge, cards_to_charge
from gateway.model.selling import Pays, Schedule, Selling
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentInboxRow, PaymentOperationRow, PaymentRow
from simulators.psp.stripe import Stripe
from tests.flows.house import sealed
from tests.flows.payments.house import ACCOUNTS, SECRETS, STRIPE_KEY, STRIPE_SECRET, STRIPE_VERSION
from tests.flows.vault.house import CardHouse, with_cards

SIDES: dict[Side, str] = {"inbound": "in", "outbound": "out"}
LOGINS = {(name, side): word for name in ("pms", "ota") for side, word in SIDES.items()}
VCC = Schedule("VCC", Pays.VIRTUAL_CARD, days=1, account="desk")


class ChargingHouse(CardHouse):
    """``lose`` is how many answers of the gateway are lost after it has done what was asked."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.stripe = Stripe(STRIPE_KEY, STRIPE_SECRET, STRIPE_VERSION, lambda: self.clock.now_ms() // 1000)
        self.charged: list[bytes] = []
        self.lose = 0
        self.echoes = False
        self.charger = CardCharger(self.services)
        self.payer = Payer(self.services)

    async def open(self, schedule: Schedule = VCC, options: Mapping[str, Any] = {"card_numbers": True}) -> None:
        account = msgspec.structs.replace(ACCOUNTS[0], options=dict(options))
        selling = Selling(schedule=schedule.code, schedules=(schedule,))
        prop = msgspec.structs.replace(with_cards(), payments=(account,), selling=selling)
        secrets = {place: clear for place, clear in SECRETS.items() if place[0] == "desk"}
        planned, _ = await plan_hotel(self.services, HotelFile(sealed(prop), LOGINS, payment_secrets=secrets))
        await apply_hotel(self.services, planned, "test")

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        if "stripe" not in request.url:
            return await super().call(request, timeout_s=timeout_s)
        self.charged.append(request.body)
        if self.echoes:
            message = f"your card {request.body.decode()} is not supported"
            return Reply(402, {}, msgspec.json.encode({"error": {"type": "card_error", "message": message}}))
        reply = Reply(*self.stripe.serve(request.method, request.url, dict(request.headers), request.body))
        if self.lose and b"payment_intents" in request.url.encode():
            self.lose -= 1
            raise OutcomeUnknown("no answer")
        return reply

    async def look(self, hours: float = 0.0, rounds: int = 1) -> None:
        """Time goes by, virtual cards are looked at, and what is due of payments is done."""
        for _ in range(rounds):
            self.clock.pass_s(hours * 3_600 + 600)
            await self.charger.round()
            await self.charger.errands.idle()
            await self.payer.round()
            await self.payer.errands.idle()

    async def open_cards(self) -> list[CardToCharge]:
        return list((await cards_to_charge(self.services, "h")).items)

    async def taken(self) -> list[int]:
        """What every payment has brought."""
        books = [await book_in(self.services, "h", row.payment_id) for row in await self.rows(PaymentRow)]
        return [book.position().captured for book in books]

    async def operations(self) -> list[PaymentOperationRow]:
        return await self.rows(PaymentOperationRow)

    async def told(self) -> list[str]:
        """What was brought before a person."""
        return [row.detail for row in await self.rows(PaymentInboxRow, "state = 'parked'")]
