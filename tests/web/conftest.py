"""The application over the hotel of the flow tests, asked over HTTP without a socket."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.flows.access import rights
from gateway.flows.access.rights import Wanted
from gateway.flows.services import Services
from gateway.model.access import AccessRole, Grant
from gateway.store.database import Database
from gateway.web.app import create_app
from tests.flows.house import House, channel, hotel, pms
from tests.flows.payments.house import PayHouse, pay_house


class Site:
    """The app in this process. ``as_role`` is a client that shows a key of that role at the property ``h``."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.app = create_app(services)
        self._clients: list[httpx.AsyncClient] = []
        self._keys: dict[tuple[AccessRole, str], str] = {}

    async def key(self, role: AccessRole, scope_id: str = "h") -> str:
        if (role, scope_id) not in self._keys:
            wanted = Wanted(name=f"{role.value} at {scope_id}", grants=(Grant(role, scope_id),))
            self._keys[role, scope_id] = (await rights.create_key(self.services, None, wanted)).secret
        return self._keys[role, scope_id]

    async def owner_key(self) -> str:
        return await self.key(AccessRole.OWNER, "*")

    async def as_role(self, role: AccessRole, scope_id: str = "h") -> httpx.AsyncClient:
        return self.client(await self.key(role, scope_id))

    def client(self, key: str = "", address: str = "127.0.0.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app, client=(address, 4711))  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {key}"} if key else {}
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
        self._clients.append(client)
        return client

    async def settle(self) -> None:
        """Once everything the app has begun by the way is written."""
        await self.app.state.identity.idle()

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.settle()


class Web(Site):
    """The app of a hotel without payments."""

    def __init__(self, house: House) -> None:
        super().__init__(house.services)
        self.house = house


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """For modules that look at HTTP alone, where one kind of database will do: they override ``database_url``."""
    path = tmp_path / "gateway.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def psp(database: Database) -> AsyncIterator[PayHouse]:
    """A hotel with its payment accounts, for modules about payments."""
    async with pay_house(database) as house:
        yield house


@pytest.fixture
async def web(database: Database) -> AsyncIterator[Web]:
    """Two properties, ``h`` with its PMS and a channel, and ``other`` with a PMS."""
    house = House(database)
    house.start()
    await house.apply(hotel(pms(), channel("ota")))
    await house.apply(hotel(pms("pms2"), scope_id="other"))
    web = Web(house)
    yield web
    await web.close()
    await house.stop()


@pytest.fixture
async def owner(web: Web) -> httpx.AsyncClient:
    """Somebody who may do everything everywhere."""
    return await web.as_role(AccessRole.OWNER, "*")


def problem(reply: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer that has to be one."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = reply.json()
    assert found["status"] == status
    assert found["title"]
    assert found["type"] == f"/docs/problems#{status}"
    return found
