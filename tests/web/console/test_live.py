"""The stream that tells open pages of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import Rejected
from gateway.flows.access.identity import Session
from gateway.flows.desk import pulse
from gateway.web.console import live as module
from gateway.web.console.live import STREAMS_PER_SESSION_MAX, Live
from tests.flows.house import new, stay
from tests.web.conftest import Web
from tests.web.console.conftest import Person, signed_in


class Stream:
    """The events of one open page."""

    def __init__(self, pages: Live, session: Session, seen: str) -> None:
        self._events = pages.stream(session, "h", seen, "127.0.0.1")

    async def next(self) -> bytes:
        return await anext(self._events)

    async def rest(self) -> int:
        """How many more there are until it ends."""
        return len([event async for event in self._events])

    async def close(self) -> None:
        await self._events.aclose()


@pytest.fixture
async def pages(web: Web) -> AsyncIterator[Live]:
    found: Live = web.app.state.pages
    yield found
    found.close()


async def session(web: Web, person: Person) -> Session:
    found: Session = await web.app.state.identity.by_session(person.token, "127.0.0.1")
    return found


async def state(web: Web) -> str:
    return (await pulse.read(web.house.services, ["h"]))["h"]


async def test_a_change_is_told_once(web: Web, ada: Person, pages: Live) -> None:
    seen = await state(web)
    stream = Stream(pages, await session(web, ada), seen)
    assert (await stream.next()).startswith(b"retry:")
    waiting = asyncio.ensure_future(stream.next())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not waiting.done()
    await web.house.say(new(stay(1, 2)))
    event = await waiting
    now = await state(web)
    assert event == f"id: {now}\nevent: changed\ndata: {now}\n\n".encode()
    assert now != seen
    await stream.close()


async def test_whoever_missed_something_is_told_at_once(web: Web, ada: Person, pages: Live) -> None:
    stream = Stream(pages, await session(web, ada), "an older state")
    await stream.next()
    assert b"event: changed" in await stream.next()
    await stream.close()


async def test_a_confirmation_is_news_too(web: Web, ada: Person) -> None:
    before = await state(web)
    await web.house.push()
    assert await state(web) != before


async def test_a_quiet_stream_beats_until_somebody_signs_out(
    web: Web, ada: Person, pages: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.01)
    stream = Stream(pages, await session(web, ada), await state(web))
    await stream.next()
    assert await stream.next() == b": still here\n\n"
    await ada.post("/sign-out")
    assert await stream.rest() <= 1


async def test_streams_are_limited_and_given_back(web: Web, ada: Person, pages: Live) -> None:
    ours = await session(web, ada)
    streams = [Stream(pages, ours, "") for _ in range(STREAMS_PER_SESSION_MAX)]
    for stream in streams:
        await stream.next()
    with pytest.raises(Rejected):
        pages.check(ours)
    assert (await ada.get("/hotels/h/live")).status_code == 409
    pages.check(await session(web, await signed_in(web, name="eve")))
    for stream in streams:
        await stream.close()
    pages.check(ours)


async def test_closing_ends_every_stream(web: Web, ada: Person, pages: Live) -> None:
    stream = Stream(pages, await session(web, ada), await state(web))
    await stream.next()
    waiting = asyncio.ensure_future(stream.next())
    await asyncio.sleep(0)
    pages.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
