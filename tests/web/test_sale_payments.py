"""Paying for a direct sale over HTTP: the link, what is due, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.model.access import AccessRole
from gateway.store.database import Database
from tests.flows.payments.shop import DEPOSIT, TOTAL, SellHouse
from tests.web.conftest import Site


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[SellHouse]:
    house = SellHouse(database)
    await house.open(DEPOSIT)
    yield house
    await house.stop()


@pytest.fixture
async def client(shop: SellHouse) -> AsyncIterator[httpx.AsyncClient]:
    """A web site's key, which may sell and nothing else."""
    web = Site(shop.services)
    client = await web.as_role(AccessRole.SELLER)
    client.base_url = httpx.URL("http://gateway/v1/properties/h")
    yield client
    await web.close()


async def test_a_site_gets_the_link_and_sees_what_is_due(shop: SellHouse, client: httpx.AsyncClient) -> None:
    sale = f"/sales/{await shop.quoted()}"
    body = {"return_url": "https://hotel.invalid/back", "customer": {"booker": {"surname": "Lovelace"}}}
    first = await client.post(f"{sale}/pay", json=body, headers={"idempotency-key": "k1"})
    again = await client.post(f"{sale}/pay", json=body, headers={"idempotency-key": "k2"})
    assert (first.status_code, again.json()) == (200, first.json())
    link = first.json()
    assert (link["state"], link["outcome"], link["amount"]) == ("held", "action_required", TOTAL * 30 // 100)
    assert link["action"]["kind"] == "redirect"
    assert (await client.get(sale)).json()["required"] == TOTAL * 30 // 100
    assert (await client.post(f"{sale}/confirm", json={})).status_code == 409
    shop.stripe.pay(link["operation_id"])
    await shop.hear()
    money = (await client.get(f"{sale}/money")).json()
    assert (money["state"], money["taken"], money["to_pay"]) == ("booked", TOTAL * 30 // 100, TOTAL * 70 // 100)
    assert [(due["amount"], due["place"], due["day"]) for due in money["dues"]] == [
        (TOTAL * 30 // 100, "gateway", None),
        (TOTAL * 70 // 100, "gateway", "2026-11-27"),
    ]


async def test_a_token_is_charged_without_a_page(shop: SellHouse, client: httpx.AsyncClient) -> None:
    sale = f"/sales/{await shop.held()}"
    paid = (await client.post(f"{sale}/pay", json={"token": "pm_ok"})).json()
    assert (paid["state"], paid["outcome"], paid.get("action")) == ("booked", "succeeded", None)
    dearer = await client.post(f"{sale}/pay", json={"token": "pm_ok"})
    assert dearer.json()["amount"] == TOTAL * 70 // 100
    assert (await client.post(f"{sale}/pay", json={"token": "pm_ok"})).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [({"method": "cheque"}, 422), ({"return_url": "javascript:1"}, 422), ({"client": {"a": 1}}, 422), ({"x": 1}, 422)],
)
async def test_what_cannot_be_is_refused(
    shop: SellHouse, client: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    sale = f"/sales/{await shop.held()}"
    assert (await client.post(f"{sale}/pay", json=body)).status_code == status
    assert (await client.post("/sales/NOBODY/pay", json={})).status_code == 404
    assert shop.stripe.moved() == (0, 0)
