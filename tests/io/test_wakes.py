"""Both forms of wake-ups are held to the same promises; what only Redis can do wrong follows below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.io.clock import Clock, SystemClock
from gateway.io.redis_wakes import GROUP, STREAM_PREFIX, RedisWakes, Takeover
from gateway.io.wakes import LocalWakes, Subscription, Wakes
from tests.io.counterpart import closed_port, turns

PATIENCE_S = 20.0
END = "end"


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.redis)])
async def wakes(request: pytest.FixtureRequest) -> AsyncIterator[Wakes]:
    form: Wakes = LocalWakes() if request.param == "local" else RedisWakes(request.getfixturevalue("redis_url"))
    yield form
    await form.close()


async def taken(subscription: Subscription, count: int) -> list[str]:
    async with asyncio.timeout(PATIENCE_S):
        return [await anext(subscription) for _ in range(count)]


async def all_until_end(subscription: Subscription) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        async for scope_id in subscription:
            if scope_id == END:
                break
            found.append(scope_id)
    return found


# --- both forms -------------------------------------------------------------------------------------------------------


async def test_wake_up_reaches_a_waiting_subscriber(wakes: Wakes) -> None:
    subscription = wakes.subscribe("push")
    waiting = asyncio.create_task(taken(subscription, 2))
    await turns()
    await wakes.publish("push", ["a", "b"])
    assert await waiting == ["a", "b"]


async def test_wake_up_waits_for_a_subscriber_who_comes_later(wakes: Wakes) -> None:
    await wakes.publish("push", ["a"])
    assert await taken(wakes.subscribe("push"), 1) == ["a"]


async def test_a_scope_woken_often_before_it_is_handled_is_one_wake_up(wakes: Wakes) -> None:
    for _ in range(100):
        await wakes.publish("push", ["a", "b", "a"])
    await wakes.publish("push", [END])
    assert await all_until_end(wakes.subscribe("push")) == ["a", "b"]


async def test_a_scope_woken_while_it_is_handled_is_handed_out_again(wakes: Wakes) -> None:
    subscription = wakes.subscribe("push")
    await wakes.publish("push", ["a"])
    assert await taken(subscription, 1) == ["a"]
    await wakes.publish("push", ["a"])
    assert await taken(subscription, 1) == ["a"]


async def test_topics_are_apart(wakes: Wakes) -> None:
    await wakes.publish("push", ["a"])
    await wakes.publish("deliver", ["b", END])
    assert await all_until_end(wakes.subscribe("deliver")) == ["b"]
    assert await taken(wakes.subscribe("push"), 1) == ["a"]


async def test_a_wait_that_was_given_up_loses_nothing(wakes: Wakes) -> None:
    subscription = wakes.subscribe("push")
    waiting = asyncio.create_task(taken(subscription, 1))
    await turns()
    await wakes.publish("push", ["a"])  # it comes in the moment of giving up
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await taken(subscription, 1) == ["a"]


async def test_subscribers_share_the_wake_ups(wakes: Wakes) -> None:
    expected = {f"p{number}" for number in range(300)}
    readers = [wakes.subscribe("push") for _ in range(3)]
    found: list[str] = []

    async def read(subscription: Subscription) -> None:
        async for scope_id in subscription:
            found.append(scope_id)
            if len(found) == len(expected):
                complete.set()

    complete = asyncio.Event()
    tasks = [asyncio.create_task(read(subscription)) for subscription in readers]
    await wakes.publish("push", expected)
    async with asyncio.timeout(PATIENCE_S):
        await complete.wait()
    await wakes.close()
    await asyncio.gather(*tasks)
    assert sorted(found) == sorted(expected)


async def test_closing_ends_every_subscription(wakes: Wakes) -> None:
    readers = [asyncio.create_task(all_until_end(wakes.subscribe("push"))) for _ in range(2)]
    await turns()
    await wakes.close()
    assert await asyncio.gather(*readers) == [[], []]


async def test_a_closed_subscription_leaves_its_part_to_the_others(wakes: Wakes) -> None:
    leaving = wakes.subscribe("push")
    await leaving.close()
    await wakes.publish("push", ["a"])
    assert await all_until_end(leaving) == []
    assert await taken(wakes.subscribe("push"), 1) == ["a"]


# --- Redis between processes, and Redis going away --------------------------------------------------------------------


AT_ONCE = Takeover(every_s=0.0, abandoned_after_s=0.0)


class HastyClock(SystemClock):
    """Pauses take no time, so that tests need not wait for them; ``pauses`` counts them."""

    def __init__(self) -> None:
        self.pauses = 0

    async def sleep(self, seconds: float) -> None:
        self.pauses += 1
        await asyncio.sleep(0.001)


@asynccontextmanager
async def processes(
    url: str, count: int = 2, clock: Clock | None = None, takeover: Takeover | None = None
) -> AsyncIterator[list[RedisWakes]]:
    """As many forms as there would be processes."""
    forms = [RedisWakes(url, clock=clock, random=Random(1), takeover=takeover) for _ in range(count)]
    try:
        yield forms
    finally:
        for form in forms:
            await form.close()


async def pending(url: str, topic: str) -> int:
    async with Redis.from_url(url, protocol=2) as redis:
        summary = await redis.xpending(STREAM_PREFIX + topic, GROUP)
        count: int = summary["pending"]
        return count


async def test_wake_up_crosses_processes_and_is_acknowledged_once_handed_out(redis_url: str) -> None:
    async with processes(redis_url) as (one, other):
        await one.publish("push", ["a", "a", "b"])
        subscription = other.subscribe("push")
        assert await taken(subscription, 1) == ["a"]
        await subscription.close()
        assert await pending(redis_url, "push") == 1  # b, which nobody was given


async def test_what_a_dead_process_had_in_hand_is_taken_over(redis_url: str) -> None:
    async with processes(redis_url, takeover=AT_ONCE) as (dead, alive):
        await dead.publish("push", ["a", "b", "c"])
        subscription = dead.subscribe("push")
        assert await taken(subscription, 1) == ["a"]
        await subscription.close()
        assert await taken(alive.subscribe("push"), 2) == ["b", "c"]


async def test_entries_trimmed_from_the_stream_are_passed_over(redis_url: str) -> None:
    async with processes(redis_url, takeover=AT_ONCE) as (dead, alive), Redis.from_url(redis_url, protocol=2) as redis:
        await dead.publish("push", ["a", "b"])
        subscription = dead.subscribe("push")
        assert await taken(subscription, 1) == ["a"]
        await subscription.close()
        await redis.xtrim(STREAM_PREFIX + "push", maxlen=0, approximate=False)
        await alive.publish("push", ["c"])
        assert await taken(alive.subscribe("push"), 1) == ["c"]


async def test_consumers_of_dead_processes_are_removed(redis_url: str) -> None:
    async with processes(redis_url, takeover=AT_ONCE) as (dead, alive), Redis.from_url(redis_url, protocol=2) as redis:
        await dead.publish("push", ["a"])
        gone = dead.subscribe("push")
        assert await taken(gone, 1) == ["a"]
        await gone.close()
        subscription = alive.subscribe("push")
        for number in range(2):  # the first round comes before the dead one has been idle for a while
            await alive.publish("push", [str(number)])
            await taken(subscription, 1)
        await subscription.close()
        names = {consumer["name"] for consumer in await redis.xinfo_consumers(STREAM_PREFIX + "push", GROUP)}
        assert gone._consumer.encode() not in names


async def test_emptied_redis_gets_its_group_back(redis_url: str) -> None:
    async with processes(redis_url, 1, HastyClock()) as (form,), Redis.from_url(redis_url) as redis:
        subscription = form.subscribe("push")
        await form.publish("push", ["a"])
        assert await taken(subscription, 1) == ["a"]
        await redis.flushdb()
        await form.publish("push", ["b"])
        assert await taken(subscription, 1) == ["b"]


async def test_publishing_goes_on_without_redis_and_is_made_up_for(redis_url: str) -> None:
    clock = HastyClock()
    async with Line(redis_url) as line, processes(line.url, 1, clock) as (form,):
        subscription = form.subscribe("push")
        await form.publish("push", ["a"])
        assert await taken(subscription, 1) == ["a"]
        with capture_logs() as logs:
            await line.cut()
            for _ in range(100):
                await form.publish("push", ["b", "c"])
            await until(lambda: clock.pauses > 5)
            await line.restore()
            assert sorted(await taken(subscription, 2)) == ["b", "c"]
        assert {entry["event"] for entry in logs} == {"wakes_not_sent", "wakes_not_read"}


async def test_it_starts_and_stops_where_there_is_no_redis() -> None:
    clock = HastyClock()
    with capture_logs() as logs:
        async with processes(f"redis://127.0.0.1:{closed_port()}/0", 1, clock) as (form,):
            waiting = asyncio.create_task(all_until_end(form.subscribe("push")))
            await form.publish("push", ["a"])
            await until(lambda: clock.pauses > 5)
        assert await waiting == []
    assert {entry["log_level"] for entry in logs} == {"warning"}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0)


class Line:
    """A TCP line to Redis that can be cut and restored."""

    def __init__(self, redis_url: str) -> None:
        self._parts = urlsplit(redis_url)
        self._port = closed_port()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self.url = urlunsplit(self._parts._replace(netloc=f"127.0.0.1:{self._port}"))

    async def __aenter__(self) -> Line:
        await self.restore()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def restore(self) -> None:
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", self._port)

    async def cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for end in self._ends:
            end.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._ends.clear()
        self._tasks.clear()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._join(reader, writer)))

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port or 6379)
        self._ends |= {writer, far_writer}
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
