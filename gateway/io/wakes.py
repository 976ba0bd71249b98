"""Wake-ups: "something changed in this scope, look at it". A hint, never the truth.

Every subscriber also looks into the database by its own timer, so a wake-up may be lost, repeated or late without harm:
it only shortens the wait. That is why losing Redis loses nothing, and why publishing never fails.

Subscribers of one topic share the work: each wake-up goes to one of them. A scope that is woken again before it was
handed out is one wake-up; one that is woken while it is being handled is handed out once more, since the change may be
newer than what the handler has read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Protocol, Self


class Subscription(Protocol):
    """Scope ids to look at, one at a time. Waiting for the next may be cancelled (a timeout) at no loss.

    It ends when its :class:`Wakes` is closed. A reader who stops earlier closes it, so that the others get its part.
    """

    def __aiter__(self) -> AsyncIterator[str]: ...

    async def __anext__(self) -> str: ...

    async def close(self) -> None: ...


class Wakes(Protocol):
    """Topics are few and named in code (``push``, ``deliver``); scope ids are the property's or account's."""

    async def publish(self, topic: str, scope_ids: Iterable[str]) -> None:
        """To be called after the commit: a wake-up that overtakes its change would find nothing."""

    def subscribe(self, topic: str) -> Subscription: ...

    async def close(self) -> None: ...


class Waiting:
    """Distinct scope ids in the order of their first wake-up. Bounded by the number of scopes there are."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()

    def __len__(self) -> int:
        return len(self._known)

    def add(self, scope_id: str) -> None:
        if scope_id not in self._known:
            self._known.add(scope_id)
            self._queue.put_nowait(scope_id)

    async def take(self) -> str:
        """Raises StopAsyncIteration once it has ended."""
        scope_id = await self._queue.get()
        if scope_id is None:
            self._queue.put_nowait(None)  # for the next one who waits
            raise StopAsyncIteration
        self._known.discard(scope_id)
        return scope_id

    def end(self) -> None:
        """What was not handed out by now never is."""
        self._known.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class LocalWakes:
    """Within one process, for the embedded form."""

    def __init__(self) -> None:
        self._topics: dict[str, Waiting] = {}

    async def publish(self, topic: str, scope_ids: Iterable[str]) -> None:
        waiting = self._topics.setdefault(topic, Waiting())
        for scope_id in scope_ids:
            waiting.add(scope_id)

    def subscribe(self, topic: str) -> LocalSubscription:
        return LocalSubscription(self._topics.setdefault(topic, Waiting()))

    async def close(self) -> None:
        for waiting in self._topics.values():
            waiting.end()


class LocalSubscription:
    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        if self._closed:
            raise StopAsyncIteration
        return await self._waiting.take()

    async def close(self) -> None:
        self._closed = True
