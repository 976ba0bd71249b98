"""Whose word about addresses is taken: that of proxies that are named, and nobody else's."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.flows.access.rights import Wanted, create_key
from gateway.model.access import AccessRole, Grant
from gateway.web.proxies import behind
from tests.web.conftest import Web

PROXIES = ("10.1.0.0/16", "::1")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


async def asked(web: Web, socket: str, *, proxies: tuple[str, ...] = PROXIES, **headers: Any) -> int:
    """The status of a request with a key that may only be used from 203.0.113.0/24."""
    grants = (Grant(AccessRole.READ_ONLY),)
    key = await create_key(
        web.house.services, None, Wanted(name=f"k{id(headers)}", grants=grants, allow=("203.0.113.0/24",))
    )
    transport = httpx.ASGITransport(app=behind(web.app, proxies), client=(socket, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        forwarded = [("authorization", f"Bearer {key.secret}")]
        forwarded += [("x-forwarded-for", value) for value in headers.get("forwarded", ())]
        return (await client.get("/v1/me", headers=forwarded)).status_code


@pytest.mark.parametrize(
    ("socket", "forwarded", "status"),
    [
        ("203.0.113.9", [], 200),
        ("10.1.2.3", ["203.0.113.9"], 200),
        ("::1", ["203.0.113.9"], 200),
        ("10.1.2.3", ["203.0.113.9:51000"], 200),
        ("10.1.2.3", ["203.0.113.9, 10.1.9.9"], 200),  # through two proxies
        ("10.1.2.3", ["203.0.113.9", "10.1.9.9"], 200),  # each with a line of its own
        ("10.1.2.3", [], 401),  # the proxy itself
        ("10.1.2.3", ["198.51.100.7"], 401),
        ("10.1.2.3", ["203.0.113.9, 198.51.100.7"], 401),  # the left one was written by the sender
        ("10.1.2.3", ["203.0.113.9", "198.51.100.7"], 401),
        ("10.1.2.3", ["203.0.113.9, unknown"], 401),
        ("10.2.0.1", ["203.0.113.9"], 401),  # no proxy of ours
        ("198.51.100.7", ["203.0.113.9"], 401),
    ],
)
async def test_the_right_most_address_that_is_no_proxy_counts(
    web: Web, socket: str, forwarded: list[str], status: int
) -> None:
    assert await asked(web, socket, forwarded=forwarded) == status


async def test_without_proxies_no_header_is_believed(web: Web) -> None:
    assert behind(web.app, ()) is web.app
    assert await asked(web, "127.0.0.1", proxies=(), forwarded=["203.0.113.9"]) == 401
    assert await asked(web, "203.0.113.9", proxies=(), forwarded=["198.51.100.7"]) == 200


async def test_cookies_are_secure_where_the_proxy_ended_tls(web: Web) -> None:
    transport = httpx.ASGITransport(app=behind(web.app, PROXIES), client=("10.1.2.3", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        page = await client.get("/sign-in", headers={"x-forwarded-proto": "https"})
        assert "Secure" in page.headers["set-cookie"]
        assert "Secure" not in (await client.get("/sign-in")).headers["set-cookie"]


async def test_figures_stay_closed_to_whoever_comes_through_a_proxy(web: Web) -> None:
    transport = httpx.ASGITransport(app=behind(web.app, ("127.0.0.1",)), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/metrics", headers={"x-forwarded-for": "127.0.0.1"})).status_code == 403
        assert (await client.get("/metrics")).status_code == 200
