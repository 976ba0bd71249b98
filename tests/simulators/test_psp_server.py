"""A simulated payment gateway as a server: what it writes down, what it can be told to do, and what it tells."""

from __future__ import annotations

import asyncio
import ssl
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.engine import hotel_file
from simulators.outbox import Retry
from simulators.psp.__main__ import build, read_arguments, settle_at, table_text
from simulators.psp.accounts import GATEWAYS
from simulators.psp.server import PspApp
from simulators.serving import running

TLS = ssl.create_default_context()
ORDER = {"amount": "100", "currency": "eur", "payment_method": "pm_ok"}
HOTEL = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")


@asynccontextmanager
async def served(*arguments: str) -> AsyncIterator[tuple[PspApp, httpx.AsyncClient]]:
    app = build(read_arguments(list(arguments)))
    app.courier.outbox.retry = Retry(first_s=0.01, jitter=0.0)
    async with running(app) as url, httpx.AsyncClient(base_url=url, trust_env=False, verify=TLS) as client:
        settle_at(app, url)
        yield app, client


def login(app: PspApp) -> dict[str, str]:
    return {"authorization": f"Bearer {app.account['secret']}"}


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_what_it_writes_is_an_account_of_a_hotel_file(gateway: str) -> None:
    async with served(gateway, "--account", "house", "--merchant", "http://127.0.0.1:8000") as (app, client):
        text = table_text(app.account)
        file = hotel_file.read(HOTEL + text, {})
        (account,) = [one for one in file.property.payments if one.id == "house"]
        assert account.gateway == gateway
        assert account.url.startswith(str(client.base_url).rstrip("/"))
        assert account.options["notify_url"] == f"http://127.0.0.1:8000/payments/{gateway}/house"
        assert len(file.payment_secrets) >= len(account.keys) > 0
        assert (await client.get("/account")).json() == tomllib.loads(text)["payments"][0]


async def test_it_tells_until_it_is_acknowledged() -> None:
    """The first answer is a failure, the second one is not."""
    told: list[Any] = []
    both = asyncio.Event()

    async def merchant(scope: Any, receive: Any, send: Any) -> None:
        told.append(dict(scope["headers"])[b"stripe-signature"])
        await send({"type": "http.response.start", "status": 500 if len(told) == 1 else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        if len(told) >= 2:
            both.set()

    async with running(merchant) as url, served("stripe", "--merchant", url) as (app, client):
        await client.post("/control/faults", json={"withhold": True})
        paid = await client.post("/v1/payment_intents", data=ORDER, headers=login(app))
        assert paid.json()["status"] == "succeeded"
        waiting = (await client.get("/state")).json()
        assert (waiting["taken"], waiting["given"]) == (100, 0)
        await client.post("/control/faults", json={"withhold": False})
        async with asyncio.timeout(10):
            await both.wait()


async def test_faults_lose_answers_and_refuse_calls() -> None:
    async with served("stripe") as (app, client):
        await client.post("/control/faults", json={"lose_answers": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post("/v1/payment_intents", data=ORDER, headers=login(app))
        assert app.psp.moved() == (100, 0)
        await client.post("/control/faults", json={"refuse": 1})
        assert (await client.post("/v1/payment_intents", data=ORDER, headers=login(app))).status_code == 503
        assert app.psp.moved() == (100, 0)


async def test_controls_say_what_cannot_be_done() -> None:
    async with served("wechatpay") as (_, client):
        answers = [
            await client.post(f"/control/{name}", json=given)
            for name, given in (
                ("nothing", {}),
                ("pay", {"order": "unknown"}),
                ("pay", {}),
                ("faults", {"copies": "many"}),
                ("faults", {"cooies": 2}),
                ("end_dispute", {"payment": "1", "won": True}),
                ("close_batch", {}),
                ("slow", {"slow": True}),
            )
        ]
    assert [answer.status_code for answer in answers] == [404, 409, 400, 400, 400, 409, 409, 200]


async def test_a_page_shows_nothing_but_text() -> None:
    async with served("stripe") as (_, client):
        page = await client.get("/guest/<script>alert(1)</script>")
        assert "<script>alert" not in page.text
        refused = await client.post("/guest/cs_unknown", data={"succeeds": "yes"})
        assert (refused.status_code, "no page is open" in refused.text) == (409, True)


def test_arguments_that_contradict_each_other_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["adyen", "--key", "k", "--webhook-secret", "w"], ["stripe", "--key", "k"], ["paypal"]):
        with pytest.raises(SystemExit):
            read_arguments(arguments)
    assert "belong together" in capsys.readouterr().err
    app = build(read_arguments(["stripe", "--key", "sk", "--webhook-secret", "whsec"]))
    assert app.account["secret"] == "sk"


async def test_a_second_run_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    arguments = ("stripe", "--key", "sk", "--webhook-secret", "whsec", "--state", str(tmp_path / "stripe.json"))
    headers = {"authorization": "Bearer sk", "idempotency-key": "k1"}
    async with served(*arguments) as (_, client):
        paid = (await client.post("/v1/payment_intents", data=ORDER, headers=headers)).json()
    async with served(*arguments) as (app, client):
        again = await client.post("/v1/payment_intents", data=ORDER, headers=headers)
        assert (again.json(), again.headers["idempotent-replayed"]) == (paid, "true")
        refund = {"payment_intent": paid["id"], "amount": "40"}
        await client.post("/v1/refunds", data=refund, headers={**headers, "idempotency-key": "k2"})
        assert (await client.get("/state")).json()["waiting"] == []
        assert app.psp.moved() == (100, 40)
