"""Telling open pages that something has changed (server-sent events, HTML Living Standard section 9.2).

An event carries nothing but the news that there is some: the page then asks for its own part again, with its own
rights. The state of a property is read from the database, twice a second while anybody watches, by one task for all
pages of the process. Wake-ups would be quicker by some tenths of a second, but each of them goes to one reader only and
they don't tell of confirmations; a look into the database sees everything, whichever process did it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator

import structlog

from gateway.errors import Rejected, Unauthentic
from gateway.flows.access.identity import Identity, Session
from gateway.flows.desk import pulse
from gateway.flows.services import Services
from gateway.store.database import Unavailable

log = structlog.get_logger(__name__)

LOOK_S = 0.5
HEARTBEAT_S = 15.0
RETRY_MS = 2_000
STREAMS_PER_SESSION_MAX = 4  # a browser opens six connections to a host over HTTP/1.1, and pages need some of them
STREAMS_MAX = 1_000


class _Watch:
    """One open page."""

    def __init__(self, seen: str) -> None:
        self.seen = seen
        self.news = asyncio.Event()
        self.now = seen


class Live:
    """The open pages of one process."""

    def __init__(self, services: Services, identity: Identity) -> None:
        self._services = services
        self._identity = identity
        self._watches: dict[str, set[_Watch]] = {}
        self._streams: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def check(self, session: Session) -> None:
        """Raises :class:`Rejected`; the page then looks from time to time instead."""
        if self._streams[session.csrf] >= STREAMS_PER_SESSION_MAX or self._streams.total() >= STREAMS_MAX:
            raise Rejected("too many pages are open; this one looks for news from time to time")

    async def stream(self, session: Session, property_id: str, seen: str, address: str) -> AsyncGenerator[bytes, None]:
        """The events of one page, until it is closed, its session has ended, or we end."""
        watch = _Watch(seen)
        self._streams[session.csrf] += 1
        self._watches.setdefault(property_id, set()).add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look(), name="live pages")
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(watch.news.wait(), HEARTBEAT_S)
                if self._is_closed:
                    return
                if watch.news.is_set():
                    watch.news.clear()
                    watch.seen = watch.now
                    yield b"id: %s\nevent: changed\ndata: %s\n\n" % (watch.seen.encode(), watch.seen.encode())
                    continue
                if not await self._goes_on(session, address):
                    return
                yield b": still here\n\n"
        finally:
            self._leave(session, property_id, watch)

    def close(self) -> None:
        """Every stream comes to its end, so that the process can."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
        for watches in self._watches.values():
            for watch in watches:
                watch.news.set()

    def _leave(self, session: Session, property_id: str, watch: _Watch) -> None:
        self._streams[session.csrf] -= 1
        if not self._streams[session.csrf]:
            del self._streams[session.csrf]
        self._watches[property_id].discard(watch)
        if not self._watches[property_id]:
            del self._watches[property_id]

    async def _goes_on(self, session: Session, address: str) -> bool:
        """Signed out, run out or without rights any more: the page then finds out when it asks."""
        try:
            await self._identity.by_session(session.token, address)
        except Unauthentic:
            return False
        except Unavailable:
            return True
        return True

    async def _look(self) -> None:
        """Goes on for as long as anybody watches."""
        while self._watches and not self._is_closed:
            try:
                found = await pulse.read(self._services, self._watches.keys())
            except Unavailable as away:
                log.info("pages_not_updated", reason=str(away))
                found = {}
            for property_id, now in found.items():
                for watch in self._watches.get(property_id, ()):
                    if watch.seen != now:
                        watch.now = now
                        watch.news.set()
            await self._services.clock.sleep(LOOK_S)
