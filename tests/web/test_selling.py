"""Selling over HTTP: the journey, who may, and a request that is sent again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from gateway.model.access import AccessRole
from gateway.model.selling import PlanTerms
from gateway.store.tables import SaleRow
from tests.flows.house import TODAY, channel, hotel, pms
from tests.flows.selling.test_sell import TERMS, site
from tests.web.conftest import Web, problem

ADA = {"booker": {"surname": "Lovelace", "given": "Ada", "email": "ada@example.org", "language": "en"}}
STAY = {
    "arrival": date.fromordinal(TODAY + 3).isoformat(),
    "departure": date.fromordinal(TODAY + 5).isoformat(),
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def seller(web: Web) -> httpx.AsyncClient:
    await web.house.apply(hotel(pms(), channel("ota"), site(), selling=TERMS))
    await web.house.open_for_sale(figure=1)
    return await web.as_role(AccessRole.SELLER)


async def post(client: httpx.AsyncClient, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    reply = await client.post(f"/v1/properties/h/{path}", json=body, headers=headers)
    assert reply.is_success, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def quoted(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    return await post(client, "quotes", {**STAY, "rooms": [{"room": "DBL", "plan": "BAR"}], **more})


async def test_the_journey(web: Web, seller: httpx.AsyncClient) -> None:
    search: dict[str, Any] = {**STAY, "adults": 2, "child_ages": [4, 9], "rooms": "FAM"}
    offers = (await seller.get("/v1/properties/h/offers", params=search)).json()["offers"]
    assert {(offer["room"], len(offer["nightly"])) for offer in offers} == set()  # no price for a third person
    found = (await seller.get("/v1/properties/h/offers", params=STAY)).json()
    assert (found["currency"], found["offers"][0]["plan"]) == ("EUR", "NR")
    quote = await quoted(seller)
    assert (quote["state"], quote["total"], quote["due"]) == ("quoted", 24_600, 12_000)
    sale = f"sales/{quote['sale_id']}"
    assert (await post(seller, f"{sale}/hold", {"customer": ADA}))["state"] == "held"
    left = await seller.get(
        "/v1/properties/h/availability", params={"first": STAY["arrival"], "last": STAY["departure"]}
    )
    assert {room["room"]: room["left"] for room in left.json()["rooms"]}["DBL"] == [0, 0, 1]
    booked = await post(seller, f"{sale}/confirm", {})
    assert (booked["state"], booked["customer"]["booker"]["surname"]) == ("booked", "Lovelace")
    free_until = date.fromisoformat(booked["free_until_at"][:10])
    assert free_until == date.fromordinal(TODAY + 3) - timedelta(days=2)
    later = {**STAY, "departure": date.fromordinal(TODAY + 6).isoformat()}
    change = await post(
        seller, "quotes", {**later, "rooms": [{"room": "DBL", "plan": "BAR"}], "replaces": quote["sale_id"]}
    )
    assert (await post(seller, f"{sale}/modify", {"quote": change["sale_id"]}))["total"] == 36_900
    assert (await post(seller, f"{sale}/cancel", {"fee_max": 0}))["state"] == "cancelled"
    row = await web.house.reservation()
    assert (row.status, row.revisions, row.connection) == ("cancelled", 3, "site")


async def test_the_same_request_has_one_effect(web: Web, seller: httpx.AsyncClient) -> None:
    key = {"idempotency-key": "k-1"}
    body = {**STAY, "rooms": [{"room": "DBL", "plan": "BAR"}]}
    first = await post(seller, "quotes", body, **key)
    assert await post(seller, "quotes", body, **key) == first
    assert len(await web.house.rows(SaleRow)) == 1


async def test_a_seller_sees_nothing_but_what_is_sold(web: Web, seller: httpx.AsyncClient) -> None:
    problem(await seller.get("/v1/properties/h/reservations"), 403)
    problem(await seller.get("/v1/properties/h/calendar", params={"first": STAY["arrival"]}), 403)
    problem(await (await web.as_role(AccessRole.READ_ONLY)).get("/v1/properties/h/offers", params=STAY), 403)


async def test_a_request_is_answered_by_the_house_and_not_by_its_site(web: Web, seller: httpx.AsyncClient) -> None:
    asking = msgspec.structs.replace(TERMS, plans=(PlanTerms("BAR", on_request=True),))
    await web.house.apply(hotel(pms(), channel("ota"), site(), selling=asking))
    sale = f"sales/{(await quoted(seller))['sale_id']}"
    assert (await post(seller, f"{sale}/confirm", {"customer": ADA}))["state"] == "requested"
    for step in ("accept", "decline"):
        problem(await seller.post(f"/v1/properties/h/{sale}/{step}"), 403)
    problem(await seller.get("/v1/properties/h/requests"), 403)
    desk = await web.as_role(AccessRole.FRONT_DESK)
    (waiting,) = (await desk.get("/v1/properties/h/requests")).json()["items"]
    assert (f"sales/{waiting['sale_id']}", waiting["customer"]["booker"]["surname"]) == (sale, "Lovelace")
    assert (await post(desk, f"{sale}/accept"))["state"] == "booked"
    assert (await desk.get("/v1/properties/h/requests")).json()["items"] == []


async def test_what_cannot_be_is_said(seller: httpx.AsyncClient) -> None:
    one, other = (await quoted(seller))["sale_id"], (await quoted(seller))["sale_id"]
    await post(seller, f"sales/{one}/hold", {})
    refused = await seller.post(f"/v1/properties/h/sales/{other}/hold", json={})
    assert problem(refused, 409)["detail"].startswith("DBL is sold out on")
    problem(await seller.get("/v1/properties/h/sales/NOTHING"), 404)
    problem(await seller.get("/v1/properties/h/offers", params={**STAY, "departure": STAY["arrival"]}), 422)
    problem(await seller.get("/v1/properties/other/offers", params=STAY), 404)
    problem(await seller.post(f"/v1/properties/h/sales/{one}/no-show"), 409)


async def test_why_something_is_not_offered(seller: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {**STAY, "units": 2, "rooms": "DBL", "unoffered": "true"}
    found = (await seller.get("/v1/properties/h/offers", params=asked)).json()
    assert {(each["plan"], tuple(each["why"])) for each in found["unoffered"]} == {
        (plan, ("no_rooms",)) for plan in ("BAR", "NR", "HB")
    }
