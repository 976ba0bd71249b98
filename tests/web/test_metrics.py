"""Figures are for this machine, or for who shows the token."""

from __future__ import annotations

import dataclasses

import httpx

from gateway.web.app import create_app
from tests.web.conftest import Web


async def test_this_machine_may_read_the_figures(web: Web) -> None:
    for address in ("127.0.0.1", "::1"):
        reply = await web.client(address=address).get("/metrics")
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'gateway_connections{state="all"}' in reply.text
        assert reply.text.endswith("\n")


async def test_nobody_else_may(web: Web) -> None:
    assert (await web.client(address="10.1.2.3").get("/metrics")).status_code == 403
    # A proxy on this machine makes everybody look like it.
    for name in ("x-forwarded-for", "forwarded", "via"):
        assert (await web.client().get("/metrics", headers={name: "1.2.3.4"})).status_code == 403


async def test_whoever_shows_the_token_may_read_them_from_anywhere(web: Web) -> None:
    app = create_app(dataclasses.replace(web.house.services, metrics_token="a long token"))
    transport = httpx.ASGITransport(app=app, client=("10.1.2.3", 4711))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for given, status in (("Bearer a long token", 200), ("Bearer a wrong token", 403), ("a long token", 403)):
            assert (await client.get("/metrics", headers={"authorization": given})).status_code == status
        assert (await client.get("/metrics")).status_code == 403
