"""Statements, differences and what follows a charge, over HTTP: shown to the desk, seen to by whoever may."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.flows.access import rights
from gateway.flows.access.rights import Wanted
from gateway.flows.payments.reconcile import Reconciler
from gateway.model.access import AccessRole, Grant
from gateway.model.dates import format_day, local_day
from gateway.model.payment import OperationKind
from tests.flows.payments.house import PayHouse
from tests.flows.payments.test_amend import REDIRECT, authorised, says
from tests.web.conftest import Site

PAYMENTS = "/v1/properties/h/payments"
DAY_S = 86_400


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def client(psp: PayHouse) -> AsyncIterator[httpx.AsyncClient]:
    web = Site(psp.services)
    yield web.client()
    await web.close()


async def key(psp: PayHouse, role: AccessRole) -> dict[str, str]:
    wanted = Wanted(name=role.value, grants=(Grant(role, "h"),))
    return {"authorization": f"Bearer {(await rights.create_key(psp.services, None, wanted)).secret}"}


async def test_a_difference_from_its_statement_to_its_note(psp: PayHouse, client: httpx.AsyncClient) -> None:
    desk, revenue = await key(psp, AccessRole.FRONT_DESK), await key(psp, AccessRole.REVENUE)
    await psp.charge("desk", OperationKind.PURCHASE)
    psp.stripe.movements.append(psp.stripe.movements[0])
    name = format_day(local_day(psp.clock.now_ms(), "UTC"))
    psp.clock.pass_s(DAY_S)
    worker = Reconciler(psp.services)
    body = {"account": "desk", "name": name}
    assert (await client.post(f"{PAYMENTS}/statements", json=body, headers=desk)).status_code == 403
    wanted = await client.post(f"{PAYMENTS}/statements", json=body, headers=revenue | {"idempotency-key": "k1"})
    assert (wanted.status_code, wanted.json()["state"]) == (202, "wanted")
    await worker.round()
    await worker.errands.idle()
    listed = (await client.get(f"{PAYMENTS}/statements", headers=desk)).json()["items"]
    assert {each["name"]: each["state"] for each in listed}[name] == "done"
    query = {"state": "open", "verdict": "duplicated", "first": name, "last": name}
    (found,) = (await client.get(f"{PAYMENTS}/differences", params=query, headers=desk)).json()["items"]
    table = (await client.get(f"{PAYMENTS}/differences/export", params=query, headers=desk)).json()["csv"]
    assert [row["verdict"] for row in csv.DictReader(io.StringIO(table))] == ["duplicated"]
    note = {"account": "desk", "id": found["id"], "note": "asked"}
    assert (await client.post(f"{PAYMENTS}/differences/resolve", json=note, headers=desk)).status_code == 403
    done = await client.post(f"{PAYMENTS}/differences/resolve", json=note, headers=revenue | {"idempotency-key": "k2"})
    assert (done.json()["state"], done.json()["closed_by"]) == ("resolved", "key:revenue")
    assert (await client.get(f"{PAYMENTS}/differences", params=query, headers=desk)).json()["items"] == []
    wrong = await client.get(f"{PAYMENTS}/differences", params={"verdict": "nonsense"}, headers=desk)
    assert wrong.status_code == 400
    assert (await client.get(f"{PAYMENTS}/statements", params={"account": "x"}, headers=desk)).status_code == 404


async def test_a_card_typed_into_the_gateways_field_goes_by_the_bank(psp: PayHouse, client: httpx.AsyncClient) -> None:
    desk = await key(psp, AccessRole.FRONT_DESK)
    psp.wire.faults = [says(REDIRECT), says(authorised())]
    body = {
        "account": "online",
        "amount": 10_000,
        "currency": "EUR",
        "method": {"type": "scheme", "encryptedCardNumber": "x"},
        "browser": {"screenWidth": 800},
        "keep": True,
        "customer": "guest-1",
        "return_url": "https://hotel.invalid/back",
    }
    begun = (await client.post(PAYMENTS, json=body, headers=desk | {"idempotency-key": "k1"})).json()
    assert (begun["outcome"], begun["action"]["kind"]) == ("action_required", "client")
    place = f"{PAYMENTS}/{begun['payment_id']}"
    assert (await client.get(f"{place}/action", headers=desk)).json()["action"] == begun["action"]
    details = {"details": {"redirectResult": "r"}}
    done = await client.post(f"{place}/continue", json=details, headers=desk | {"idempotency-key": "k2"})
    assert (done.status_code, done.json()["outcome"]) == (200, "succeeded")
    assert (await client.get(f"{place}/action", headers=desk)).status_code == 409
    raised = await client.post(f"{place}/adjustments", json={"amount": 1}, headers=desk | {"idempotency-key": "k3"})
    assert raised.status_code == 409  # a purchase has nothing left to hold


async def test_a_kept_card_is_listed(psp: PayHouse, client: httpx.AsyncClient) -> None:
    desk = await key(psp, AccessRole.FRONT_DESK)
    kept = {"additionalData": {"tokenization.storedPaymentMethodId": "TOKEN1"}}
    psp.wire.faults = [says(authorised(0) | kept)]
    body = {"account": "online", "method": {"type": "scheme"}, "customer": "guest-1", "reservation": "R1"}
    begun = await client.post(f"{PAYMENTS}/tokens", json=body, headers=desk | {"idempotency-key": "k1"})
    assert (begun.status_code, begun.json()["outcome"]) == (201, "succeeded")
    (token,) = (await client.get(f"{PAYMENTS}/tokens", params={"reservation": "R1"}, headers=desk)).json()["items"]
    assert (token["token"], token["customer"]) == ("TOKEN1", "guest-1")
