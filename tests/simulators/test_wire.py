"""Faults, controls and views over real sockets."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from simulators.build import make_app
from simulators.config import Hotel, OtaConfig
from simulators.serving import bind, running, running_in_thread
from tests.simulators.support import HEADERS, LOGIN, ROOMS, avail, limit

Call = Callable[..., Any]


def config() -> OtaConfig:
    return OtaConfig(Hotel("DEMO01", days_ahead=5000), ROOMS, login=LOGIN)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(make_app(config())))
        yield await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=5, trust_env=False))


async def fault(client: httpx.AsyncClient, **options: Any) -> None:
    (await client.post("/control/faults", json=options)).raise_for_status()


async def tell(client: httpx.AsyncClient, count: int, timeout_s: float = 5) -> httpx.Response:
    body = avail(limit("02-01", "02-01", count))
    return await client.post("/ota", content=body, headers=HEADERS, timeout=timeout_s)


async def stored(client: httpx.AsyncClient) -> int | None:
    limits = (await client.get("/state")).json()["limits"]
    return int(limits["DBL"][0][2]) if limits else None


async def look_until(client: httpx.AsyncClient, count: int) -> None:
    """Return once so many rooms are stored; however slow the machine is, only a wrong figure never comes."""
    async with asyncio.timeout(30):
        while await stored(client) != count:
            await asyncio.sleep(0.01)


async def test_a_message_is_answered_and_stored(client: httpx.AsyncClient) -> None:
    answer = await tell(client, 4)
    assert (answer.status_code, b"Success" in answer.content) == (200, True)
    assert await stored(client) == 4
    assert (await client.post("/ota", content=b"<a/>")).status_code == 401


@pytest.mark.parametrize(
    "options", [{"kind": "reset"}, {"kind": "reset", "when": "before"}, {"kind": "down", "mode": "reset"}]
)
async def test_reset_on_the_wire(client: httpx.AsyncClient, options: dict[str, Any]) -> None:
    await fault(client, **options)
    with pytest.raises(httpx.ReadError):
        await tell(client, 4)
    assert await stored(client) is None
    assert (await tell(client, 5)).status_code == 200


async def test_applied_then_closed(client: httpx.AsyncClient) -> None:
    await fault(client, kind="applied_timeout", hold_s=0.05)
    with pytest.raises(httpx.RemoteProtocolError):
        await tell(client, 4)
    assert await stored(client) == 4


async def test_applied_then_held_until_the_sender_gives_up(client: httpx.AsyncClient) -> None:
    await fault(client, kind="applied_timeout", hold_s=60)
    with pytest.raises(httpx.ReadTimeout):
        await tell(client, 4, timeout_s=0.1)
    assert await stored(client) == 4


async def test_late_lands_after_a_fresher_one(client: httpx.AsyncClient) -> None:
    await fault(client, kind="late", delay_s=1, hold_s=60)
    with pytest.raises(httpx.ReadTimeout):
        await tell(client, 4, timeout_s=0.05)
    await tell(client, 9)
    assert await stored(client) == 9
    await look_until(client, 4)


async def test_reorder_answers_both(client: httpx.AsyncClient) -> None:
    await fault(client, kind="reorder")
    first = asyncio.create_task(tell(client, 4))
    while not (await client.get("/control/faults")).json()["held"]:
        await asyncio.sleep(0.01)
    second = await tell(client, 9)
    assert second.status_code == (await first).status_code == 200
    assert await stored(client) == 4


async def test_slow_delays_the_answer(client: httpx.AsyncClient) -> None:
    await fault(client, kind="slow", delay_s=0.3)
    began = time.monotonic()
    assert (await tell(client, 4)).status_code == 200
    assert time.monotonic() - began >= 0.3


async def test_connections_are_refused_for_a_while(client: httpx.AsyncClient) -> None:
    await tell(client, 4)
    await client.post("/control/refuse_connections", json={"seconds": 1})
    async with asyncio.timeout(30):
        while await is_reached(client):
            await asyncio.sleep(0.01)
        while not await is_reached(client):
            await asyncio.sleep(0.01)
    assert await stored(client) == 4


async def is_reached(client: httpx.AsyncClient) -> bool:
    """False where a new connection is refused; one that was open may be lost on the way there."""
    with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):
        try:
            await client.get("/health")
        except httpx.ConnectError:
            return False
    return True


async def test_control_answers_tell_what_is_wrong(client: httpx.AsyncClient) -> None:
    assert (await client.post("/control/faults", json={"kind": "nonsense"})).status_code == 400
    assert (await client.post("/control/book", content=b"[1]")).status_code == 400
    assert (await client.post("/control/refuse", json={})).status_code == 400
    assert (await client.post("/control/cancel", json={"booking_id": "none"})).status_code == 409
    assert (await client.post("/control/nothing", json={})).status_code == 404
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.get("/sellable", params={"room": "DBL"})).status_code == 400
    stay = {"room": "DBL", "plan": "FLEX", "arrival": "2031-02-01", "departure": "2031-02-02", "guests": "2"}
    assert (await client.get("/sellable", params=stay)).json()["refusals"] == ["limit", "price"]


async def test_answers_do_not_wait_for_delayed_acknowledgements() -> None:
    """With Nagle's algorithm on its side of a connection, each answer would come 40 ms late."""
    accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
    server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), sock=bind("127.0.0.1", 0))
    async with server:
        _, ours = await asyncio.open_connection(*server.sockets[0].getsockname())
        theirs = await accepted.get()
        assert theirs.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for writer in (ours, theirs):
            writer.close()
            await writer.wait_closed()


def test_in_a_thread() -> None:
    with running_in_thread(make_app(config())) as url:
        assert httpx.get(f"{url}/health", trust_env=False).json() == {"ok": True}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", trust_env=False)
