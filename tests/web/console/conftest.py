"""People who are signed in, without the quarter of a second that checking a password takes."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import httpx
import pytest

from gateway.flows.access.identity import csrf_token, key_digest
from gateway.model.access import AccessRole, Grant, Principal, PrincipalKind
from gateway.store import access as store
from gateway.store.tables_access import SessionRow
from gateway.web.callers import SESSION_COOKIE
from tests.web.conftest import Site, Web

_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """SQLite only: pages know nothing of the database, and the flows below them are tried on both."""
    path = tmp_path / "gateway.sqlite3"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{path}"


class Person:
    """A signed-in browser."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client = client
        self.token = token

    @property
    def csrf(self) -> str:
        return csrf_token(self.token)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, csrf: str | None = None, **form: str | list[str]) -> httpx.Response:
        return await self.client.post(path, data={"csrf": self.csrf if csrf is None else csrf, **form})


async def signed_in(web: Site, role: AccessRole = AccessRole.OWNER, scope_id: str = "h", name: str = "ada") -> Person:
    """Somebody with that role, whose browser speaks English."""
    services = web.services
    token, now_ms = secrets.token_urlsafe(16), services.clock.now_ms()
    principal = Principal(
        f"{services.ids.message():016x}", PrincipalKind.PERSON, name, (Grant(role, scope_id),), created_ms=now_ms
    )
    session = SessionRow(key_digest(token), principal.id, now_ms, now_ms, now_ms + 86_400_000, "")
    await services.database.write(lambda tx: store.add(tx, store.to_row(principal, "scrypt-person:x:x")))
    await services.database.write(lambda tx: store.begin_session(tx, session))
    client = web.client()
    client.cookies.set(SESSION_COOKIE, token)
    return Person(client, token)


@pytest.fixture
async def ada(web: Web) -> Person:
    """The owner of the property ``h``, with rooms for sale."""
    await web.house.open_for_sale()
    return await signed_in(web)


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    return dict(_FIELD.findall(page.text))
