"""Wake-ups between processes, over Redis streams with one consumer group per topic.

Losing Redis loses nothing, since every subscriber also polls the database by its own timer. So no error of Redis gets
out of here: it is logged, and the connection is tried again with growing pauses. Meanwhile wake-ups to be published are
kept, one per scope, and sent once Redis is back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any, Self

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from gateway.io.clock import Clock, SystemClock
from gateway.io.retry import backoff_s
from gateway.io.wakes import Waiting

log = structlog.get_logger(__name__)

STREAM_PREFIX = "gateway:wakes:"
GROUP = "workers"
FIELD = "scope"
STREAM_LENGTH_MAX = 100_000  # ten wake-ups for each of ten thousand properties
READ_COUNT = 128
# A subscriber with this many in hand leaves the rest to the others.
IN_HAND_MAX = 128
BLOCK_MS = 1000
TIMEOUT_S = 5.0  # longer than BLOCK_MS, or every quiet second would look like a lost connection
CONNECT_TIMEOUT_S = 2.0
RETRY_FIRST_S = 0.1
RETRY_MAX_S = 10.0
CANCEL_AGAIN_S = 0.1


@dataclass(frozen=True)
class Takeover:
    """How often a subscriber looks for what others left behind, and after how long something counts as left behind."""

    every_s: float = 30.0
    abandoned_after_s: float = 60.0


class RedisWakes:
    """``url`` as redis-py reads it. It connects by itself and needs Redis neither to start nor to stop."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        takeover: Takeover | None = None,
    ) -> None:
        # RESP2, because newer releases of redis-py default to RESP3 and give streams in another shape there. No retries
        # of its own: they would hold up the caller, and the loops below have theirs.
        self._redis: Redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._patience = _Patience(clock or SystemClock(), random or Random())
        self._takeover = takeover or Takeover()
        self._outbox: dict[tuple[str, str], None] = {}
        self._filled = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._subscriptions: set[RedisSubscription] = set()

    async def publish(self, topic: str, scope_ids: Iterable[str]) -> None:
        """Returns at once; a task sends, so that no commit ever waits for Redis."""
        self._outbox.update(dict.fromkeys((topic, scope_id) for scope_id in scope_ids))
        self._filled.set()
        if self._sender is None:
            self._sender = asyncio.create_task(self._patience.repeat("wakes_not_sent", self._send))

    def subscribe(self, topic: str) -> RedisSubscription:
        subscription = RedisSubscription(
            self._redis, topic, self._patience, self._takeover, closed=self._subscriptions.discard
        )
        self._subscriptions.add(subscription)
        return subscription

    async def close(self) -> None:
        for subscription in tuple(self._subscriptions):
            await subscription.close()
        if self._sender is not None:
            await _cancelled(self._sender)
        await self._patience.once("wakes_not_sent", self._send_outbox)
        await self._redis.aclose()

    async def _send(self) -> None:
        await self._filled.wait()
        self._filled.clear()
        try:
            await self._send_outbox()
        except BaseException:
            self._filled.set()
            raise

    async def _send_outbox(self) -> None:
        # Taken out before sending: a scope published meanwhile is a newer change and has to be sent again.
        batch, self._outbox = self._outbox, {}
        if not batch:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for topic, scope_id in batch:
            pipeline.xadd(STREAM_PREFIX + topic, {FIELD: scope_id}, maxlen=STREAM_LENGTH_MAX, approximate=True)
        try:
            await pipeline.execute()
        except BaseException:
            self._outbox = batch | self._outbox
            raise


class RedisSubscription:
    """One consumer of its topic's group. Made by :meth:`RedisWakes.subscribe`."""

    def __init__(
        self,
        redis: Redis,
        topic: str,
        patience: _Patience,
        takeover: Takeover,
        *,
        closed: Callable[[RedisSubscription], None],
    ) -> None:
        self._redis = redis
        self._stream = STREAM_PREFIX + topic
        self._consumer = secrets.token_hex(8)
        self._patience = patience
        self._takeover = takeover
        self._take_over_at_ms = 0
        self._closed = closed
        self._has_group = False
        self._waiting = Waiting()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._entries: dict[str, list[bytes]] = {}  # scope id → entries that said so, until it is handed out
        self._handed_out: list[bytes] = []
        self._reader = asyncio.create_task(patience.repeat("wakes_not_read", self._read))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        scope_id = await self._waiting.take()
        self._handed_out += self._entries.pop(scope_id, [])
        if len(self._waiting) < IN_HAND_MAX:
            self._has_room.set()
        return scope_id

    async def close(self) -> None:
        """What it still has in hand goes to another subscriber once it counts as abandoned."""
        self._closed(self)
        await _cancelled(self._reader)
        self._waiting.end()
        await self._patience.once("wakes_not_read", self._acknowledge)

    async def _read(self) -> None:
        """One round: acknowledge what was handed out, take over what was abandoned, read what is new."""
        await self._has_room.wait()
        try:
            if not self._has_group:
                await self._create_group()
            await self._acknowledge()
            if self._patience.clock.now_ms() >= self._take_over_at_ms:
                await self._take_over()
                await self._remove_dead_consumers()
            await self._read_new()
        except ResponseError:
            # Most likely the group is gone, because Redis was restarted or emptied.
            self._has_group = False
            raise

    async def _create_group(self) -> None:
        try:
            # From the start of the stream, so that what was published before the first subscriber came is not passed
            # over.
            await self._redis.xgroup_create(self._stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._has_group = True

    async def _acknowledge(self) -> None:
        # Taken out before sending, because more is handed out while it is under way.
        batch, self._handed_out = self._handed_out, []
        if not batch:
            return
        try:
            await self._redis.xack(self._stream, GROUP, *batch)
        except BaseException:
            self._handed_out += batch
            raise

    async def _take_over(self) -> None:
        after_ms = int(self._takeover.abandoned_after_s * 1000)
        answer: Any = await self._redis.xautoclaim(self._stream, GROUP, self._consumer, after_ms, count=READ_COUNT)
        self._take_in(answer[1])
        self._take_over_at_ms = self._patience.clock.now_ms() + int(self._takeover.every_s * 1000)

    async def _remove_dead_consumers(self) -> None:
        for consumer in await self._redis.xinfo_consumers(self._stream, GROUP):
            # Its entries have been taken over by now, and every living one asks again within seconds.
            if consumer["pending"] == 0 and consumer["idle"] > 2000 * self._takeover.abandoned_after_s:
                await self._redis.xgroup_delconsumer(self._stream, GROUP, consumer["name"])

    async def _read_new(self) -> None:
        answer: Any = await self._redis.xreadgroup(
            GROUP, self._consumer, {self._stream: ">"}, count=READ_COUNT, block=BLOCK_MS
        )
        for _, entries in answer:
            self._take_in(entries)

    def _take_in(self, entries: list[tuple[bytes, dict[bytes, bytes] | None]]) -> None:
        for entry_id, fields in entries:
            if not fields:  # abandoned for so long that the stream has been trimmed past it
                self._handed_out.append(entry_id)
                continue
            scope_id = fields[FIELD.encode()].decode()
            self._entries.setdefault(scope_id, []).append(entry_id)
            self._waiting.add(scope_id)
        if len(self._waiting) >= IN_HAND_MAX:
            self._has_room.clear()


class _Patience:
    """Outlives errors of Redis: logs them and, where it repeats, comes back after a growing pause."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self.clock = clock
        self._random = random

    async def repeat(self, event: str, step: Callable[[], Awaitable[Any]]) -> None:
        failures = 0
        while True:
            failures = 0 if await self.once(event, step) else failures + 1
            if failures:
                await self.clock.sleep(backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S, self._random))

    async def once(self, event: str, step: Callable[[], Awaitable[Any]]) -> bool:
        try:
            await step()
        except (RedisError, OSError) as error:
            log.warning(event, error=str(error) or type(error).__name__)
            return False
        return True


async def _cancelled(task: asyncio.Task[None]) -> None:
    # Repeated, because redis-py sends inside ``asyncio.wait_for``, which before Python 3.12 loses a cancellation that
    # comes in the moment it ends (python/cpython#86296).
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)
