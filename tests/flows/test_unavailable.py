"""A database that is away: nothing is acknowledged, and the sender is told to come again in its own kind of answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import msgspec

from gateway.messages import ReservationReceived
from gateway.store.database import Database, Transaction, Unavailable
from gateway.web.app import create_app
from tests.flows.house import House, new, stay

T = TypeVar("T")


class Away:
    """Reads still work, as they may on a full disk; ``is_away`` says whether writes do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.read = database.read
        self.is_away = True

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        if self.is_away:
            raise Unavailable("the disk is full")
        return await self._database.write(work)


async def test_the_sender_is_asked_to_come_again(house: House) -> None:
    await house.open_for_sale()
    services = house.services
    away = Away(services.database)
    batcher = type(services.batcher)(away, services.hotels, house.clock, lambda _: None)  # type: ignore[arg-type]
    batcher.start()
    app = create_app(dataclasses.replace(services, batcher=batcher))
    body = msgspec.json.encode([ReservationReceived("OTA", new(stay(2, 3)))])
    before = await house.ledger()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:  # type: ignore[arg-type]
        first = await client.post("/plain/ota", content=body, headers={"password": "in"})
        assert first.status_code == 400  # the plain connector's only status of refusal
        assert first.text.startswith("unavailable")
        assert await house.ledger() == before
        away.is_away = False
        second = await client.post("/plain/ota", content=body, headers={"password": "in"})
        assert second.status_code == 200
    await batcher.stop()
    assert await house.sold("DBL") == {2: 1}
