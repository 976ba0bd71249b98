"""A hotel with an account at each gateway, over a real database, and gateways that are simulators in memory."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from gateway.contract import Head, Reply, Request
from gateway.engine.hotel_file import HotelFile
from gateway.engine.ledger import Position
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments import operate
from gateway.flows.payments.callbacks import Callbacks
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.payments.work import Payer
from gateway.flows.plan_hotel import plan_hotel
from gateway.model.payment import OperationKind
from gateway.model.payment_account import PaymentAccount, PaymentKey
from gateway.model.payment_means import Card, HostedPage, Means, StoredMethod
from gateway.registry import Registry, discover
from gateway.store import paying
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentEventRow, PaymentInboxRow, PaymentOperationRow
from simulators.psp.adyen import Adyen
from simulators.psp.common import Callback
from simulators.psp.stripe import Stripe
from tests.flows.house import House, hotel
from tests.simulation.plain import PlainConnector

STRIPE_VERSION = "2026-10-28.endive"
STRIPE_KEY, STRIPE_SECRET = "sk_test_desk", "whsec_desk"
ADYEN_KEY, ADYEN_LOGIN = "AQE-desk", ("notify", "as agreed")
ADYEN_HMAC = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
ACCOUNTS = (
    PaymentAccount("desk", "stripe", "stripe", keys=(PaymentKey("callback", "s1"),)),
    PaymentAccount(
        "online",
        "adyen",
        "adyen",
        "HotelEU",
        callback_username=ADYEN_LOGIN[0],
        keys=(PaymentKey("callback", "a1"),),
        options={"return_url": "https://hotel.invalid/back"},
    ),
)
SECRETS = {
    ("desk", "secret"): STRIPE_KEY,
    ("desk", "key callback s1"): STRIPE_SECRET,
    ("online", "secret"): ADYEN_KEY,
    ("online", "callback"): ADYEN_LOGIN[1],
    ("online", "key callback a1"): ADYEN_HMAC,
}
GATEWAY = {"desk": "stripe", "online": "adyen"}
GOOD = {"desk": StoredMethod("pm_ok"), "online": StoredMethod("ok", "guest-1")}
BAD = {"desk": StoredMethod("pm_declined"), "online": StoredMethod("declined", "guest-1")}
CARD = Card("4111111111111111", 12, 2033, "Ada Okonkwo", "737")

Fault = Callable[[Callable[[], Reply]], Reply]


def lost(serve: Callable[[], Reply]) -> Reply:
    """It may have arrived, and did not."""
    raise OutcomeUnknown("no answer")


def unanswered(serve: Callable[[], Reply]) -> Reply:
    """It took effect, and nobody was told."""
    serve()
    raise OutcomeUnknown("no answer")


def broken(serve: Callable[[], Reply]) -> Reply:
    """It took effect, and the answer cannot be read."""
    serve()
    return Reply(200, {}, b"<html>")


def failing(serve: Callable[[], Reply]) -> Reply:
    """A gateway that is out of order before it has done anything."""
    return Reply(503, {}, b"")


def down(serve: Callable[[], Reply]) -> Reply:
    """Nothing has left."""
    raise Retryable("connection refused")


@cache
def with_plain() -> Registry:
    """What is installed, and the connector of the house's own channel and PMS."""
    found = discover()
    return Registry({name: found.get(name) for name in found.names()} | {"plain": PlainConnector()}, {})


class PspWire:
    """Carries requests to the simulators; ``faults`` are used up in order, then everything works."""

    def __init__(self, stripe: Stripe, adyen: Adyen) -> None:
        self.faults: list[Fault] = []
        self.sent: list[Request] = []
        self._stripe, self._adyen = stripe, adyen

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        self.sent.append(request)
        psp = self._stripe if "stripe" in request.url else self._adyen

        def serve() -> Reply:
            return Reply(*psp.serve(request.method, request.url, request.headers, request.body))

        return self.faults.pop(0)(serve) if self.faults else serve()


class PayHouse:
    """The flows of payments as one process wires them, without the loops that run by themselves."""

    def __init__(self, database: Database) -> None:
        self.house = House(database)
        self.clock = self.house.clock

        def now_s() -> int:
            return self.clock.now_ms() // 1000

        self.stripe = Stripe(STRIPE_KEY, STRIPE_SECRET, STRIPE_VERSION, now_s)
        self.adyen = Adyen(ADYEN_KEY, "HotelEU", ADYEN_HMAC, ADYEN_LOGIN, now_s)
        self.wire = PspWire(self.stripe, self.adyen)
        self.services = dataclasses.replace(self.house.services, connectors=with_plain(), caller=self.wire)
        self.callbacks = Callbacks(self.services)
        self.payer = Payer(self.services)

    async def start(self) -> None:
        self.house.start()
        file = HotelFile(hotel(payments=ACCOUNTS), {}, payment_secrets=SECRETS)
        planned, _ = await plan_hotel(self.house.services, file)
        await apply_hotel(self.house.services, planned, "test")

    async def stop(self) -> None:
        await self.payer.errands.idle()
        await self.house.stop()

    def restart(self) -> None:
        """The process dies, and another takes over."""
        self.payer = Payer(self.services)
        self.callbacks = Callbacks(self.services)

    # --- what happens -------------------------------------------------------------------------------------------------

    async def charge(
        self, account: str, kind: OperationKind = OperationKind.AUTHORISE, amount: int = 10_000, **more: Any
    ) -> Operated:
        means: Means = more.pop("means", GOOD[account])
        ask = Ask(intent=kind, amount=amount, currency="EUR", means=means, **more)
        return await operate.charge(self.services, "h", account, ask, "test")

    async def page(self, account: str) -> Operated:
        return await self.charge(account, means=HostedPage(), return_url="https://hotel.invalid/back")

    async def post(self, account: str, callback: Callback, gateway: str = "") -> Reply:
        name = gateway or GATEWAY[account]
        head = Head("POST", f"/payments/{name}/{account}", callback.headers)
        return await self.callbacks.receive(name, account, head, [callback.body])

    async def tell(self, account: str, *events: dict[str, Any]) -> Reply:
        """The gateway tells the events (by default everything it has to tell), each in a message of its own."""
        source = self.stripe if account == "desk" else self.adyen
        reply = Reply(0, {}, b"")
        for event in events or tuple(source.events):
            reply = await self.post(account, source.signed(event))
            assert reply.status == 200, reply
        return reply

    async def work(self, rounds: int = 1) -> int | None:
        """One look at what is due, until nothing is under way; when the next will be."""
        next_ms = None
        for _ in range(rounds):
            await self.payer.round()
            await self.payer.errands.idle()
            next_ms = await self.services.database.read(lambda tx: paying.next_due_ms(tx, self.clock.now_ms()))
        return next_ms

    async def settle(self, rounds: int = 40) -> None:
        """Time goes by, and everything that is asked comes to its end."""
        for _ in range(rounds):
            next_ms = await self.work()
            if next_ms is None:
                break
            self.clock.pass_s(max(0.0, (next_ms - self.clock.now_ms()) / 1000))

    # --- what is there ------------------------------------------------------------------------------------------------

    async def position(self, payment: Operated | str) -> Position:
        name = payment if isinstance(payment, str) else payment.payment_id
        return (await operate.book_in(self.services, "h", name)).position()

    async def operations(self) -> list[PaymentOperationRow]:
        return await self.house.rows(PaymentOperationRow)

    async def outcomes(self) -> list[tuple[str, str]]:
        return [(row.kind, row.outcome) for row in await self.operations()]

    async def events(self) -> list[tuple[str, str]]:
        return [(row.kind, row.fact_key) for row in await self.house.rows(PaymentEventRow)]

    async def inbox(self) -> list[PaymentInboxRow]:
        return await self.house.rows(PaymentInboxRow, "1 = 1")


@asynccontextmanager
async def pay_house(database: Database) -> AsyncIterator[PayHouse]:
    """Open until the end of the block."""
    house = PayHouse(database)
    await house.start()
    yield house
    await house.stop()


def of_kind(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The last event of a kind."""
    return [event for event in events if kind in (event.get("type"), event.get("eventCode"))][-1]


def changed(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event that says something else."""
    copy: dict[str, Any] = json.loads(json.dumps(event))
    target = copy["data"]["object"] if "data" in copy else copy
    target.update(fields)
    return copy
