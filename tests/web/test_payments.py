"""Payments over HTTP: the endpoints of the API, and the address gateways call."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.flows.payments.callbacks import BODY_BYTES_MAX
from gateway.model.access import AccessRole
from tests.flows.payments.house import PayHouse, changed
from tests.web.conftest import Site

PAYMENTS = "/v1/properties/h/payments"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def client(psp: PayHouse) -> AsyncIterator[httpx.AsyncClient]:
    web = Site(psp.services)
    yield await web.as_role(AccessRole.FRONT_DESK)
    await web.close()


async def test_a_payment_from_its_beginning_to_its_refund(psp: PayHouse, client: httpx.AsyncClient) -> None:
    body = {"account": "desk", "amount": 10_000, "currency": "EUR", "hold": True, "token": "pm_ok", "reservation": "R1"}
    begun = await client.post(PAYMENTS, json=body, headers={"idempotency-key": "k1"})
    again = await client.post(PAYMENTS, json=body, headers={"idempotency-key": "k1"})
    assert (begun.status_code, again.json()) == (201, begun.json())
    place = begun.headers["location"]
    taken = await client.post(f"{place}/captures", json={"amount": 8_000}, headers={"idempotency-key": "k2"})
    assert (taken.status_code, taken.json()["outcome"]) == (201, "succeeded")
    too_much = await client.post(f"{place}/refunds", json={"amount": 8_001}, headers={"idempotency-key": "k3"})
    assert too_much.status_code == 409
    given = await client.post(f"{place}/refunds", json={}, headers={"idempotency-key": "k4"})
    assert given.status_code == 201
    shown = (await client.get(place)).json()
    assert (shown["captured"], shown["released"], shown["refunded"], shown["status"]) == (
        8_000,
        2_000,
        8_000,
        "refunded",
    )
    listed = (await client.get(PAYMENTS, params={"reservation": "R1"})).json()
    assert [each["id"] for each in listed["items"]] == [shown["id"]]
    assert psp.stripe.moved() == (8_000, 8_000)


async def test_a_callback_is_taken_at_its_address(psp: PayHouse, client: httpx.AsyncClient) -> None:
    await psp.charge("online")
    callback = psp.adyen.signed(changed(psp.adyen.events[0], amount={"currency": "EUR", "value": 1}))
    reply = await client.post("/payments/adyen/online", content=callback.body, headers=callback.headers)
    assert (reply.status_code, reply.content) == (200, b"[accepted]")
    await psp.work()
    (parked,) = (await client.get(f"{PAYMENTS}/parked")).json()["items"]
    seen = {"account": parked["account"], "id": parked["id"]}
    settled = await client.post(f"{PAYMENTS}/parked/settle", json=seen, headers={"idempotency-key": "k1"})
    assert settled.status_code == 200
    assert (await client.get(f"{PAYMENTS}/parked")).json()["items"] == []


async def test_what_is_no_callback_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/payments/stripe/desk")).status_code == 405
    for path in ("/payments/stripe/other", "/payments/nobody/desk", "/payments/stripe", "/payments/stripe/desk/more"):
        reply = await client.post(path, content=b"{}")
        assert (reply.status_code, reply.content) == (404, b""), path
    large = await client.post("/payments/stripe/desk", content=b" " * (BODY_BYTES_MAX + 1))
    assert large.status_code == 413
