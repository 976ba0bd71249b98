"""Whatever is wrong with a request, the answer is a problem document that says where, in the caller's language."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.flows.desk import calendar
from gateway.model.access import AccessRole
from gateway.store.database import Unavailable
from gateway.web.api.endpoints import Nothing
from gateway.web.api.routes import all_endpoints
from tests.web.conftest import Web, problem

CALENDAR = "/v1/properties/h/calendar"
RANGE: dict[str, Any] = {"room": "DBL", "plan": "BAR", "first": "2026-12-01", "last": "2026-12-02"}
JSON = {"content-type": "application/json"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


WRONG_REQUESTS = [
    ("GET", "/v1", 404),
    ("GET", "/v1/nothing", 404),
    ("GET", "/v2/properties", 404),
    ("GET", "/v1/properties/ritz", 404),
    ("GET", "/v1/properties/h%00/calendar?first=2026-12-01", 404),
    ("GET", "/v1/properties/%ff%fe", 404),
    ("DELETE", "/v1/properties", 405),
    ("POST", "/v1/me", 405),
    ("GET", CALENDAR, 400),
    ("GET", f"{CALENDAR}?first=tomorrow", 400),
    ("GET", f"{CALENDAR}?first=2026-02-30", 400),
    ("GET", f"{CALENDAR}?first=1066-10-14", 422),
    ("GET", f"{CALENDAR}?first=2026-12-01&first=2026-12-02", 400),
    ("GET", f"{CALENDAR}?first=2026-12-01&colour=red", 400),
    ("GET", f"{CALENDAR}?first=2026-12-01&rooms=A%00", 422),
    ("GET", f"{CALENDAR}?first=2026-12-05&last=2026-12-01", 422),
    ("GET", f"{CALENDAR}?first=2026-12-01&rooms={'x' * 9000}", 414),
    ("GET", "/v1/properties?limit=0", 400),
    ("GET", "/v1/properties?limit=many", 400),
    ("GET", "/v1/properties?limit=201", 400),
    ("GET", "/v1/properties/h/messages/12x", 422),
    ("GET", "/v1/properties/h/messages/99999999999999999999", 422),
    ("GET", "/v1/properties/h/messages?first=2026-01-01T00:00:00", 400),
    ("GET", "/v1/properties/h/reservations?cursor=nonsense", 422),
    ("GET", "/v1/properties/h/reservations/NOPE", 404),
    ("GET", "/v1/principals/nobody", 404),
]


async def test_a_property_that_is_nowhere_is_said_to_be_nowhere(owner: httpx.AsyncClient) -> None:
    """By each request without a body; others are told first what is wrong with theirs."""
    for endpoint in all_endpoints():
        if "{property}" in endpoint.path and endpoint.body is Nothing:
            path = f"/v1{endpoint.path}".replace("{property}", "nowhere").replace("{", "").replace("}", "")
            reply = await owner.request(
                endpoint.method, path, headers={"idempotency-key": endpoint.name, "if-match": '"1"'}
            )
            assert 400 <= reply.status_code < 500, (endpoint.method, path, reply.text)


async def test_wrong_requests(owner: httpx.AsyncClient) -> None:
    for method, path, status in WRONG_REQUESTS:
        reply = await owner.request(method, path)
        found = problem(reply, status)
        assert found["instance"] == httpx.URL(path).path
        if status == 405:
            assert reply.headers["allow"]


WRONG_BODIES = [
    (b"", 400, "#"),
    (b"{", 400, "#"),
    (b"\xff\xfe", 400, "#"),
    (b"[" * 100_000, 422, "#"),
    (b"[]", 422, "#"),
    (b"null", 422, "#"),
    (b"{}", 422, "#/updates"),
    (b'{"updates": []}', 422, "#/updates"),
    (b'{"updates": [1]}', 422, "#/updates/0"),
    (
        b'{"updates": [{"first": "2026-12-01", "last": "2026-12-01", "set": {"closed": 1}}]}',
        422,
        "#/updates/0/set/closed",
    ),
    (
        b'{"updates": [{"first": "2026-12-01", "last": "2026-12-01", "set": {"figure": "3"}}]}',
        422,
        "#/updates/0/set/figure",
    ),
    (
        b'{"updates": [{"first": "2026-12-01", "last": "2026-12-01", "set": {"figure": -1}}]}',
        422,
        "#/updates/0/set/figure",
    ),
    (b'{"updates": [{"first": "2026-12-01", "last": "2026-12-01", "set": {"colour": 3}}]}', 422, "#/updates/0/set"),
    (b'{"updates": [{"first": "2026-12-01", "last": "2026-12-01", "set": {}}]}', 422, "#/updates/0/set"),
    (b'{"updates": [{"room": "A\\u0000", "first": "2026-12-01", "last": "2026-12-01", "set": {}}]}', 422, "#"),
    (b'{"updates": [{"room": "\\ud800", "first": "2026-12-01", "last": "2026-12-01", "set": {}}]}', 400, "#"),
    (
        b'{"updates": [{"room": "X", "first": "2026-12-01", "last": "2026-12-01", "set": {"closed": true}}]}',
        422,
        None,
    ),
    (
        b'{"updates": [{"room": "DBL", "first": "2026-12-02", "last": "2026-12-01", "set": {"closed": true}}]}',
        422,
        "#/updates/0",
    ),
]


async def test_wrong_bodies(owner: httpx.AsyncClient) -> None:
    for body, status, pointer in WRONG_BODIES:
        found = problem(await owner.patch(CALENDAR, content=body, headers=JSON), status)
        if pointer is not None:
            (fault,) = found["errors"]
            assert fault["pointer"] == pointer, body[:200]


async def test_a_body_that_is_nested_without_end(owner: httpx.AsyncClient) -> None:
    found = problem(await owner.post("/v1/properties", content=b'{"a":' + b"[" * 100_000, headers=JSON), 400)
    assert found["errors"][0]["pointer"] == "#"


async def test_other_formats(owner: httpx.AsyncClient) -> None:
    for content_type in ("", "text/plain", "application/xml", "application/jsonx"):
        reply = await owner.patch(CALENDAR, content=b"{}", headers={"content-type": content_type})
        problem(reply, 415)
        assert reply.headers["accept"] == "application/json"


async def test_too_large(owner: httpx.AsyncClient) -> None:
    problem(await owner.patch(CALENDAR, content=b" " * 1_048_577, headers=JSON), 413)

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 65_536

    problem(await owner.patch(CALENDAR, content=chunks(), headers=JSON), 413)


async def test_in_chinese(owner: httpx.AsyncClient) -> None:
    reply = await owner.get("/v1/properties/ritz?x=1", headers={"accept-language": "zh-CN"})
    assert (problem(reply, 400)["title"], reply.headers["content-language"]) == ("无法读取请求", "zh-Hans")
    reply = await owner.patch(CALENDAR, json={"updates": "x"}, headers={"accept-language": "zh-CN"})
    assert problem(reply, 422)["errors"] == [{"detail": "应为 `array`，而不是 `str`", "pointer": "#/updates"}]


async def test_a_database_that_is_away(owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(calendar, "read", away)
    reply = await owner.get(f"{CALENDAR}?first=2026-12-01")
    problem(reply, 503)
    assert reply.headers["retry-after"] == "5"
    assert "gone" not in reply.text


async def test_a_failure_of_ours_tells_nothing(owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(calendar, "read", broken)
    reply = await owner.get(f"{CALENDAR}?first=2026-12-01")
    assert "detail" not in problem(reply, 500)
    assert "secret" not in reply.text


async def test_what_is_refused_changes_nothing(web: Web, owner: httpx.AsyncClient) -> None:
    before = await web.house.ledger()
    good = RANGE | {"set": {"closed": True}}
    reply = await owner.patch(CALENDAR, json={"updates": [good, good | {"room": "NOPE"}]})
    assert problem(reply, 422)["errors"][0]["pointer"] == "#/updates/1"
    await web.settle()
    after = await web.house.ledger()
    assert {name: rows for name, rows in after.items() if "Principal" not in name} == {
        name: rows for name, rows in before.items() if "Principal" not in name
    }


async def test_prices_take_another_right_than_closing(web: Web) -> None:
    desk = await web.as_role(AccessRole.FRONT_DESK)
    closing = {"updates": [RANGE | {"set": {"closed": True}}]}
    pricing = {"updates": [RANGE | {"set": {"prices": [{"guests": 2, "amount": 9900}]}}]}
    assert (await desk.patch(CALENDAR, json=closing)).json()["outcome"] == "applied"
    problem(await desk.patch(CALENDAR, json=pricing), 403)
    problem(await desk.post(f"{CALENDAR}/preview", json=pricing), 403)
    assert (await (await web.as_role(AccessRole.REVENUE)).patch(CALENDAR, json=pricing)).status_code == 200
