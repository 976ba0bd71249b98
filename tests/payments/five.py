"""The gateway and a simulated payment gateway, with HTTP over sockets in both directions between them.

What differs between the five stands in :data:`CASES`; everything else is one set of scenarios.
"""

from __future__ import annotations

import dataclasses
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import httpx
from litestar import Litestar

from gateway.contract import Reply
from gateway.engine.hotel_file import HotelFile
from gateway.engine.ledger import Position
from gateway.engine.payment_file import place_of
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments import operate
from gateway.flows.payments.accounts import site_of
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.payments.work import Payer
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.services import Services
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.payment import OperationKind, StatementLine
from gateway.model.payment_account import PaymentAccount, PaymentKey
from gateway.model.payment_means import Means, ScannedCode, ShownCode, StoredMethod
from gateway.registry import discover
from gateway.store import paying
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentEventRow, PaymentInboxRow, PaymentOperationRow
from gateway.web.inbound.payments import payments_endpoint
from simulators.asgi import Receive, Respond, Scope
from simulators.psp.accounts import Keys, make
from simulators.psp.common import Answer, Body, Callback, NotHere, Psp
from simulators.psp.courier import Courier
from simulators.psp.server import PspApp, sender
from simulators.serving import running
from tests.flows.house import House, hotel

ACCOUNT = "house"
DESK = ScannedCode("281234567890123456", "till-1")


class Case(NamedTuple):
    """How one gateway is used. ``means`` may wait for the guest; ``at_once`` is paid within the call.

    ``is_paid`` finds the event that tells of a payment; ``with_amount`` and ``of_another`` are that event about another
    amount and of another account; ``refused`` is the status of a refusal for want of proof, and of another account.
    """

    currency: str
    means: Means
    at_once: Means
    declined: Means
    is_paid: Callable[[Body], bool]
    with_amount: Callable[[Body], Body]
    of_another: Callable[[Body], Body]
    refused: tuple[int, int]
    forged: tuple[bytes, bytes]  # what a forger changes in the body of the callback


def changed(event: Body, *path: str, value: Any) -> Body:
    copy: Body = json.loads(json.dumps(event))
    target = copy
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return copy


def _stripe_amount(event: Body) -> Body:
    return changed(
        changed(event, "data", "object", "amount", value=90_000), "data", "object", "amount_received", value=90_000
    )


CASES = {
    "stripe": Case(
        *("EUR", StoredMethod("pm_ok"), StoredMethod("pm_ok"), StoredMethod("pm_declined")),
        lambda event: event["type"] == "payment_intent.succeeded",
        _stripe_amount,
        lambda event: changed(event, "account", value="acct_other"),
        (400, 400),
        (b'"amount_received": 10000', b'"amount_received": 90000'),
    ),
    "adyen": Case(
        *("EUR", StoredMethod("ok", "guest-1"), StoredMethod("ok", "guest-1"), StoredMethod("declined", "guest-1")),
        lambda event: event["eventCode"] == "AUTHORISATION",
        lambda event: changed(event, "amount", "value", value=90_000),
        lambda event: changed(event, "merchantAccountCode", value="AnotherHotel"),
        (403, 403),
        (b'"value": 10000', b'"value": 90000'),
    ),
    "alipay": Case(
        *("CNY", ShownCode(), DESK, ScannedCode("289999999999999999", "till-1")),
        lambda event: event["notify_type"] == "trade_status_sync" and "gmt_refund" not in event,
        lambda event: changed(event, "total_amount", value="900.00"),
        lambda event: changed(event, "seller_id", value="2088000000000099"),
        (400, 400),
        (b"total_amount=100.00", b"total_amount=900.00"),
    ),
    "wechatpay": Case(
        *("CNY", ShownCode(), DESK, ScannedCode("139999999999999999", "till-1")),
        lambda event: event["event_type"] == "TRANSACTION.SUCCESS",
        lambda event: changed(event, "content", "amount", "total", value=90_000),
        lambda event: changed(event, "content", "mchid", value="1900000099"),
        (401, 403),
        (b'"ciphertext": "', b'"ciphertext": "A'),
    ),
    "unionpay": Case(
        *("CNY", ShownCode(), DESK, ScannedCode("6299999999999999999", "till-1")),
        lambda event: event["txnType"] == "01",
        lambda event: changed(event, "txnAmt", value="90000"),
        lambda event: changed(event, "merId", value="777290058110099"),
        (400, 400),
        (b"txnAmt=10000", b"txnAmt=90000"),
    ),
}
GATEWAYS = tuple(CASES)


# Made once: they take longer than everything else.
KEYS = Keys()
TLS = ssl.create_default_context()
CONNECTORS = discover()


class Five:
    """One gateway's account at a hotel, and what happens to it."""

    def __init__(
        self, gateway: str, house: House, services: Services, psp: Psp, courier: Courier, urls: tuple[str, str]
    ) -> None:
        self.gateway, self.case = gateway, CASES[gateway]
        self.house, self.psp, self.courier = house, psp, courier
        self.clock, self.services = house.clock, services
        self.url, self.callback_url = urls
        self.client = httpx.AsyncClient(trust_env=False, verify=TLS)
        self.payer = Payer(self.services)
        self.payments: list[str] = []
        self.table: Body = {}

    async def configure(self, table: Body) -> None:
        """The account as the hotel's file has it, with the addresses of now."""
        await _configure(self.house, table, self.url, self.callback_url)

    # --- what happens -------------------------------------------------------------------------------------------------

    async def charge(
        self, means: Means | None = None, amount: int = 10_000, kind: OperationKind = OperationKind.PURCHASE
    ) -> Operated:
        """What the guest has to do is not done yet."""
        ask = Ask(intent=kind, amount=amount, currency=self.case.currency, means=means or self.case.means)
        operated = await operate.charge(self.services, "h", ACCOUNT, ask, "test")
        self.payments.append(operated.payment_id)
        return operated

    async def bought(self, amount: int = 10_000) -> Operated:
        """A purchase the guest has paid, and nobody has told of yet, its own answer included."""
        self.courier.faults.lose_answers = 0 if isinstance(self.case.means, ShownCode) else 1
        operated = await self.charge(amount=amount)
        if isinstance(self.case.means, ShownCode):
            self.psp.pay(operated.operation_id)
        return operated

    async def guests_pay(self) -> None:
        """Whoever still can."""
        for row in await self.house.rows(PaymentOperationRow):
            with suppress(NotHere):
                self.psp.pay(row.operation_id)

    async def refund(self, payment: Operated, amount: int | None = None) -> Operated:
        return await self.give_back(payment.payment_id, amount)

    async def give_back(self, payment_id: str, amount: int | None) -> Operated:
        return await operate.refund(self.services, "h", payment_id, amount, "test")

    async def told(self) -> int:
        """The callbacks that are due go out; how many were acknowledged."""
        now_s = self.clock.now_ms() / 1000
        done = await self.courier.deliver_due(sender(self.client), now_s)
        await self.work()
        return done

    async def post(self, callback: Callback) -> Answer:
        return await sender(self.client)(self.callback_url, callback)

    async def work(self) -> int | None:
        await self.payer.round()
        await self.payer.errands.idle()
        return await self.services.database.read(lambda tx: paying.next_due_ms(tx, self.clock.now_ms()))

    async def settle(self, rounds: int = 25) -> None:
        """Time goes by, callbacks come, and everything that is asked comes to its end."""
        for _ in range(rounds):
            await self.told()
            next_ms = await self.work()
            waiting = [] if self.courier.faults.withhold else self.courier.outbox.waiting()
            if next_ms is None and not waiting:
                return
            wakes = [next_ms / 1000] if next_ms is not None else []
            wakes += [item.not_before for item in waiting]
            self.clock.pass_s(max(0.0, min(wakes) - self.clock.now_ms() / 1000) + 0.001)

    def paid_event(self) -> Body:
        return [event for event in self.psp.events if self.case.is_paid(event)][-1]

    async def statement(self, report: str = "") -> tuple[StatementLine, ...]:
        """Asked for as reconciliation does: what follows an answer is followed."""
        _, account = await operate.account_of(self.services, "h", ACCOUNT)
        site, connector = site_of(self.services, account, "EUR"), self.services.connectors.outbound(self.gateway)
        now_ms, ids = self.clock.now_ms(), self.services.ids
        day = now_ms // 86_400_000 + 719_163
        step: Any = FetchStatement(id=ids.operation(), at_ms=now_ms, day=day, report=report, nonce=ids.nonce())
        lines: list[StatementLine] = []
        while step is not None:
            request = connector.encode(step, site)
            reply: Reply = await self.services.caller.call(request, timeout_s=10)
            decoded = connector.decode(step, request, reply, site)
            for arrived in decoded.events:
                assert isinstance(arrived.event, StatementReceived)
                lines += arrived.event.lines
            step = decoded.next
        return tuple(lines)

    # --- what is there ------------------------------------------------------------------------------------------------

    async def position(self, payment: Operated | str) -> Position:
        name = payment if isinstance(payment, str) else payment.payment_id
        return (await operate.book_in(self.services, "h", name)).position()

    async def outcomes(self) -> list[tuple[str, str]]:
        return [(row.kind, row.outcome) for row in await self.house.rows(PaymentOperationRow)]

    async def events(self) -> list[PaymentEventRow]:
        return await self.house.rows(PaymentEventRow)

    async def inbox(self) -> list[PaymentInboxRow]:
        return await self.house.rows(PaymentInboxRow, "1 = 1")

    async def ledger_is_the_books(self) -> None:
        """Money in is money out: our sums are those of the gateway's own books, and nothing waits for a person."""
        assert [row.detail for row in await self.inbox() if row.state != "done"] == []
        positions = [await self.position(payment) for payment in self.payments]
        assert [position.alarms for position in positions if position.alarms] == []
        ours = sum(position.captured for position in positions), sum(position.refunded for position in positions)
        assert ours == self.psp.moved()


@asynccontextmanager
async def opened(
    gateway: str, database: Database, *, certificates: bool = False, **options: Any
) -> AsyncIterator[Five]:
    """Both ends, until the end of the block; ``options`` are more ones of the account."""
    house = House(database)
    psp, table = make(gateway, lambda: house.clock.now_ms() // 1000, ACCOUNT, KEYS, certificates=certificates)
    table["options"] = table.get("options", {}) | options
    courier = Courier(psp)
    caller = HttpCaller(NetworkPolicy(allow_private=("127.0.0.0/8",)), tls=TLS)
    services = dataclasses.replace(house.services, connectors=CONNECTORS, caller=caller)
    house.start()
    street = _Street(psp, courier, table, services)
    async with running(street) as url:
        psp.home = url
        five = Five(gateway, house, services, psp, courier, (url, f"{url}/payments/{gateway}/{ACCOUNT}"))
        five.table = table
        courier.callback_url = five.callback_url
        await five.configure(table)
        try:
            yield five
        finally:
            await five.payer.errands.idle()
            # Idle connections would hold up the end of the server.
            await five.client.aclose()
            await caller.close()
            await house.stop()


class _Street(PspApp):
    """Both ends at one port, because a server takes long to end: they still only meet over sockets."""

    def __init__(self, psp: Psp, courier: Courier, table: Body, services: Services) -> None:
        super().__init__(psp, courier, table, tells=False)
        self._ours: Any = Litestar([payments_endpoint(services)], openapi_config=None, logging_config=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Respond) -> None:
        ours = scope["type"] == "http" and scope["path"].startswith("/payments/")
        await (self._ours if ours else super().__call__)(scope, receive, send)


async def _configure(house: House, table: Body, url: str, callback_url: str) -> None:
    base = f"{url}/v72" if table["gateway"] == "adyen" else url
    options = {**table.get("options", {}), "notify_url": callback_url, "reports_url": f"{url}/reports/download"}
    account = PaymentAccount(
        table["id"],
        table["gateway"],
        table["profile"],
        table.get("account", ""),
        base,
        callback_username=table.get("callback", {}).get("username", ""),
        keys=tuple(PaymentKey(key["use"], key.get("id", "")) for key in table["keys"]),
        options=options,
    )
    secrets = {(table["id"], place_of(key["use"], key.get("id", ""))): key["secret"] for key in table["keys"]}
    if "secret" in table:
        secrets[table["id"], "secret"] = table["secret"]
    if "callback" in table:
        secrets[table["id"], "callback"] = table["callback"]["secret"]
    file = HotelFile(hotel(payments=(account,)), {}, payment_secrets=secrets)
    planned, _ = await plan_hotel(house.services, file)
    await apply_hotel(house.services, planned, "test")
