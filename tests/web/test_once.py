"""A request that is sent again has one effect and one answer, also at the same time and after a crash."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.errors import Rejected
from gateway.flows.desk import connections
from gateway.flows.desk.connections import Ordered
from gateway.flows.once import CLAIM_MS, KEPT_MS
from gateway.store.database import Unavailable
from gateway.store.tables_access import IdempotencyRow, PrincipalRow
from tests.web.conftest import Web, problem

BODY = {"name": "tool", "grants": [{"role": "owner", "property": "h"}]}
SYNC = "/v1/properties/h/connections/ota/full-sync"
ONCE = {"idempotency-key": "k-1"}


async def tools(web: Web) -> int:
    return len(await web.house.rows(PrincipalRow, "name = 'tool'"))


async def test_again_gives_the_same_answer(web: Web, owner: httpx.AsyncClient) -> None:
    first = await owner.post("/v1/keys", json=BODY, headers=ONCE)
    again = await owner.post("/v1/keys", json=BODY, headers=ONCE)
    assert (first.status_code, again.status_code, await tools(web)) == (201, 201, 1)
    assert first.content == again.content
    assert {name: first.headers[name] for name in ("etag", "location")} == {
        name: again.headers[name] for name in ("etag", "location")
    }
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")


async def test_the_answer_is_kept_sealed(web: Web, owner: httpx.AsyncClient) -> None:
    secret = (await owner.post("/v1/keys", json=BODY, headers=ONCE)).json()["secret"]
    (row,) = await web.house.rows(IdempotencyRow, "1 = 1")
    assert secret.encode() not in row.answer


async def test_another_request_under_the_key_is_refused(web: Web, owner: httpx.AsyncClient) -> None:
    await owner.post("/v1/keys", json=BODY, headers=ONCE)
    problem(await owner.post("/v1/keys", json=BODY | {"name": "other"}, headers=ONCE), 422)
    problem(await owner.post("/v1/people", json=BODY, headers=ONCE), 422)
    problem(await owner.post(SYNC, headers=ONCE), 422)
    assert await tools(web) == 1


async def test_keys_belong_to_whoever_sends_them(web: Web, owner: httpx.AsyncClient) -> None:
    made = (await owner.post("/v1/keys", json=BODY, headers=ONCE)).json()
    other = web.client(made["secret"])
    assert (await other.post("/v1/keys", json=BODY, headers=ONCE)).json()["secret"] != made["secret"]


async def test_at_the_same_time(web: Web, owner: httpx.AsyncClient) -> None:
    replies = await asyncio.gather(*(owner.post("/v1/keys", json=BODY, headers=ONCE) for _ in range(8)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert await tools(web) == 1


async def test_what_was_refused_may_be_put_right(web: Web, owner: httpx.AsyncClient) -> None:
    wrong = BODY | {"grants": [{"role": "owner", "property": "ritz"}]}
    problem(await owner.post("/v1/keys", json=wrong, headers=ONCE), 422)
    assert (await owner.post("/v1/keys", json=BODY, headers=ONCE)).status_code == 201


async def test_answers_are_forgotten_in_the_end(web: Web, owner: httpx.AsyncClient) -> None:
    await owner.post("/v1/keys", json=BODY, headers=ONCE)
    web.house.clock.pass_s(KEPT_MS / 1000 + 1)
    await owner.post("/v1/keys", json=BODY, headers={"idempotency-key": "k-2"})
    assert [row.key for row in await web.house.rows(IdempotencyRow, "1 = 1")] == ["k-2"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ä"])
async def test_keys_that_are_none(owner: httpx.AsyncClient, key: str) -> None:
    reply = await owner.post("/v1/keys", json=BODY, headers={b"idempotency-key": key.encode("latin-1")})
    assert problem(reply, 400)["errors"][0]["header"] == "Idempotency-Key"


# --- around a flow ----------------------------------------------------------------------------------------------------


class Syncing:
    """Stands for a flow: counts its runs, and does what it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        monkeypatch.setattr(connections, "full_sync", self._run)

    async def _run(self, *_: Any) -> Ordered:
        self.runs += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Ordered("ota", self.runs, 1)


async def test_a_flow_runs_once(web: Web, owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Syncing(monkeypatch)
    replies = [await owner.post(SYNC, headers=ONCE) for _ in range(3)]
    assert ([reply.status_code for reply in replies], flow.runs) == ([202] * 3, 1)
    assert len({reply.content for reply in replies}) == 1


async def test_while_it_runs_the_same_is_refused(
    web: Web, owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Syncing(monkeypatch)
    flow.gate.clear()
    first = asyncio.create_task(owner.post(SYNC, headers=ONCE))
    while not flow.runs:
        await asyncio.sleep(0)
    late = await owner.post(SYNC, headers=ONCE)
    problem(late, 409)
    assert late.headers["retry-after"] == "5"
    flow.gate.set()
    assert ((await first).status_code, (await owner.post(SYNC, headers=ONCE)).status_code, flow.runs) == (202, 202, 1)


async def test_a_refusal_is_not_kept(web: Web, owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Syncing(monkeypatch)
    flow.error = Rejected("not now")
    problem(await owner.post(SYNC, headers=ONCE), 409)
    flow.error = None
    assert ((await owner.post(SYNC, headers=ONCE)).status_code, flow.runs) == (202, 2)


async def test_after_a_crash_it_runs_again(web: Web, owner: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = Syncing(monkeypatch)
    flow.error = Unavailable("away")
    problem(await owner.post(SYNC, headers=ONCE), 503)
    flow.error = None
    problem(await owner.post(SYNC, headers=ONCE), 409)
    web.house.clock.pass_s(CLAIM_MS / 1000)
    assert ((await owner.post(SYNC, headers=ONCE)).status_code, flow.runs) == (202, 2)
    assert ((await owner.post(SYNC, headers=ONCE)).status_code, flow.runs) == (202, 2)
