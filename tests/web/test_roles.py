"""Every role at every endpoint: what may be done is what the one table says, and nothing else."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.model.access import PERMISSIONS, AccessRole, Action
from gateway.web.api.endpoints import Endpoint
from gateway.web.api.routes import all_endpoints
from gateway.web.api.serving import PREFIX
from tests.web.conftest import Web, problem

NAMES = {"property": "h", "connection": "ota", "room": "DBL", "plan": "BAR", "message": "1"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def url(endpoint: Endpoint, **names: str) -> str:
    known = NAMES | names
    return PREFIX + re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "nothing"), endpoint.path)


async def ask(client: httpx.AsyncClient, endpoint: Endpoint, **names: str) -> httpx.Response:
    """A request without its body and parameters, which are only looked at once the caller is allowed to ask."""
    return await client.request(endpoint.method, url(endpoint, **names))


@pytest.mark.parametrize("role", AccessRole)
async def test_each_endpoint_asks_for_its_action(web: Web, role: AccessRole) -> None:
    client = await web.as_role(role)
    wrong = []
    for endpoint in all_endpoints():
        status = (await ask(client, endpoint)).status_code
        is_allowed = endpoint.action is None or endpoint.action in PERMISSIONS[role]
        if (status == 403) is is_allowed or status == 401 or status >= 500:
            wrong.append((endpoint.name, status))
    # Whoever creates a property needs the right at every one.
    expected = [("create_property", 403)] if Action.CONFIGURE in PERMISSIONS[role] else []
    assert [each for each in wrong if each not in expected] == []


async def test_other_properties_do_not_exist(web: Web) -> None:
    client = await web.as_role(AccessRole.OWNER)
    for endpoint in all_endpoints():
        if "{property}" in endpoint.path:
            there = problem(await ask(client, endpoint, property="other"), 404)
            nowhere = problem(await ask(client, endpoint, property="ritz"), 404)
            assert there["detail"].replace("other", "ritz") == nowhere["detail"]
    assert [each["id"] for each in (await client.get("/v1/properties")).json()["items"]] == ["h"]


async def test_nothing_is_told_without_a_key(web: Web) -> None:
    for endpoint in all_endpoints():
        problem(await ask(web.client(), endpoint), 401)


def test_whoever_sets_rates_may_close() -> None:
    """An edit of the calendar asks for the lesser right first."""
    for actions in PERMISSIONS.values():
        assert Action.SET_RATES not in actions or Action.SET_AVAILABILITY in actions


def test_every_action_is_somebodys_and_the_owner_may_do_all() -> None:
    assert PERMISSIONS[AccessRole.OWNER] == set(Action)
    assert {endpoint.action for endpoint in all_endpoints()} - {None} == set(Action)
