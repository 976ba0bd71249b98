"""Sends a simulator's outbox: over HTTP in a running simulator, over any callable in a test."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx

from simulators.desk import Simulator
from simulators.endpoint import Login, Reply
from simulators.outbox import Item

Send = Callable[[bytes], Awaitable[Reply]]
POLL_S = 0.02


class SendFailed(Exception):
    """There was no answer: refused, reset or timed out."""


class HttpSend:
    """Posts bodies to one URL with Basic credentials."""

    def __init__(self, url: str, login: Login, timeout_s: float) -> None:
        self._url = url
        headers = {"authorization": login.header(), "content-type": "application/xml; charset=utf-8"}
        # The environment's proxies are none of a simulator's business: its peers run on this host.
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout_s, trust_env=False)

    async def __call__(self, body: bytes) -> Reply:
        try:
            response = await self._client.post(self._url, content=body)
        except httpx.HTTPError as error:
            raise SendFailed(f"{type(error).__name__}: {error}") from error
        return Reply(response.status_code, dict(response.headers), response.content)

    async def close(self) -> None:
        await self._client.aclose()


async def deliver(simulator: Simulator, item: Item, send: Send) -> None:
    """One attempt at one item, booked with the simulator."""
    simulator.outbox.started(item)
    body = simulator.build(item, simulator.clock())
    reply: Reply | None = None
    why = ""
    try:
        reply = await send(body)
    except SendFailed as error:
        why = str(error)
    simulator.settle(item, reply, why, simulator.clock())
    simulator.changed()


async def deliver_due(simulator: Simulator, send: Send) -> int:
    """Attempt everything due now, one after the other (deterministic); how many attempts that were."""
    due = simulator.outbox.due(simulator.clock())
    for item in due:
        await deliver(simulator, item, send)
    return len(due)


async def deliver_forever(simulator: Simulator, send: Send, in_flight_max: int = 16) -> None:
    """Keep sending what becomes due, several lanes at a time, until cancelled."""
    running: dict[asyncio.Task[None], Item] = {}
    try:
        while True:
            room = in_flight_max - len(running)
            for item in simulator.outbox.due(simulator.clock(), room):
                # Marked here, not in the task, so that the next look does not find it due again.
                simulator.outbox.started(item)
                running[asyncio.create_task(deliver(simulator, item, send))] = item
            if running:
                done, _ = await asyncio.wait(running, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del running[task]
                    task.result()
            else:
                await asyncio.sleep(POLL_S)
    finally:
        for task, item in running.items():
            task.cancel()
            simulator.outbox.interrupted(item)
            with suppress(asyncio.CancelledError):
                await task
