"""A second Stripe, written by others: localstripe, as a process of its own, with HTTP in both directions.

It knows neither idempotency keys nor disputes, lets refunds exceed what was taken, and its events are of an old
version; what it does know it has to understand as our own simulator does.
"""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import httpx
import msgspec
import pytest
from litestar import Litestar

from gateway.contract import Reply, Request
from gateway.engine.hotel_file import HotelFile
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.payments import operate
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.services import Services
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_account import PaymentAccount, PaymentKey
from gateway.model.payment_means import Card
from gateway.store.database import Database
from gateway.store.tables_paying import PaymentInboxRow
from gateway.web.inbound.payments import payments_endpoint
from simulators.serving import running
from tests.flows.house import House, hotel
from tests.payments.five import CONNECTORS, TLS

pytestmark = pytest.mark.skipif(find_spec("localstripe") is None, reason="localstripe is not installed")

KEY, SECRET = "sk_test_12345", "whsec_local"
GOOD, DECLINED = (Card(number, 12, 2033, "Ada Okonkwo", "737") for number in ("4242424242424242", "4000000000000341"))
# Its own command listens on every address and keeps its state in one file for the whole machine.
PROGRAM = """
import socket
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda store: None
listening = socket.create_server(("127.0.0.1", 0))
port = listening.getsockname()[1]
web.run_app(server.app, sock=listening, access_log=None, print=lambda *_: print(port, flush=True))
"""


# What Stripe takes and localstripe does not know: it would refuse the call.
UNKNOWN = ("reason", "cancellation_reason", "metadata[capture_op_id]")


class _Simpler:
    """Sends what localstripe can read."""

    def __init__(self, caller: HttpCaller) -> None:
        self._caller = caller

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        fields = [(name, value) for name, value in parse_qsl(request.body.decode()) if name not in UNKNOWN]
        body = urlencode(fields).encode()
        return await self._caller.call(msgspec.structs.replace(request, body=body), timeout_s=timeout_s)


class Desk:
    """A hotel whose account is at localstripe."""

    def __init__(self, house: House, services: Services, url: str, callback_url: str) -> None:
        self.house, self.services = house, services
        self.url, self.callback_url = url, callback_url

    async def charge(self, kind: OperationKind, card: Card = GOOD) -> Operated:
        ask = Ask(intent=kind, amount=10_000, currency="EUR", means=card)
        return await operate.charge(self.services, "h", "desk", ask, "test")

    async def sums(self, payment: Operated) -> tuple[int, int, int]:
        position = (await operate.book_in(self.services, "h", payment.payment_id)).position()
        return position.authorised, position.captured, position.refunded


@contextmanager
def started() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "localstripe did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    with started() as url:
        yield url


@pytest.fixture
async def desk(localstripe: str, sqlite: Database) -> AsyncIterator[Desk]:
    house = House(sqlite)
    house.clock.pass_s(time.time() - house.clock.now_ms() / 1000)  # its events are signed with the time of this machine
    caller = HttpCaller(NetworkPolicy(allow_private=("127.0.0.0/8",)), tls=TLS)
    services = dataclasses.replace(house.services, connectors=CONNECTORS, caller=_Simpler(caller))
    house.start()
    account = PaymentAccount("desk", "stripe", "stripe", url=localstripe, keys=(PaymentKey("callback", "s1"),))
    secrets = {("desk", "secret"): KEY, ("desk", "key callback s1"): SECRET}
    planned, _ = await plan_hotel(house.services, HotelFile(hotel(payments=(account,)), {}, payment_secrets=secrets))
    await apply_hotel(house.services, planned, "test")
    app = Litestar([payments_endpoint(services)], openapi_config=None, logging_config=None)
    async with running(app) as ours:
        yield Desk(house, services, localstripe, f"{ours}/payments/stripe/desk")
    await caller.close()
    await house.stop()


async def test_a_card_is_charged_and_the_money_given_back(desk: Desk) -> None:
    payment = await desk.charge(OperationKind.PURCHASE)
    assert payment.outcome is OperationOutcome.SUCCEEDED
    await operate.refund(desk.services, "h", payment.payment_id, 4_000, "test")
    assert await desk.sums(payment) == (10_000, 10_000, 4_000)


async def test_a_hold_is_captured(desk: Desk) -> None:
    payment = await desk.charge(OperationKind.AUTHORISE)
    assert await desk.sums(payment) == (10_000, 0, 0)
    taken = await operate.capture(desk.services, "h", payment.payment_id, None, "test")
    assert taken.outcome is OperationOutcome.SUCCEEDED
    assert await desk.sums(payment) == (10_000, 10_000, 0)


async def test_a_hold_is_released(desk: Desk) -> None:
    payment = await desk.charge(OperationKind.AUTHORISE)
    assert (await operate.void(desk.services, "h", payment.payment_id, "test")).outcome is OperationOutcome.SUCCEEDED
    assert await desk.sums(payment) == (10_000, 0, 0)


async def test_a_declined_card_moves_nothing(desk: Desk) -> None:
    payment = await desk.charge(OperationKind.PURCHASE, DECLINED)
    assert (payment.outcome, payment.error) == (OperationOutcome.FAILED, "declined")
    assert await desk.sums(payment) == (0, 0, 0)


async def test_its_signature_is_accepted_and_its_old_version_left_to_a_person(desk: Desk) -> None:
    async with httpx.AsyncClient(trust_env=False, verify=TLS) as client:
        where = f"{desk.url}/_config/webhooks/{Path(desk.callback_url).name}"
        await client.post(where, json={"url": desk.callback_url, "secret": SECRET})
    await desk.charge(OperationKind.PURCHASE)
    found: list[PaymentInboxRow] = []
    async with asyncio.timeout(20):
        # It tells a second later, also of what the test before this one has done.
        while not any(row.name == "payment_intent.succeeded" for row in found):
            await asyncio.sleep(0.05)
            found = await desk.house.rows(PaymentInboxRow, "1 = 1")
    assert all(row.verified_with == "s1" for row in found)
