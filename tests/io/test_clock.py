from __future__ import annotations

import asyncio
from random import Random

import pytest

from gateway.io.clock import Clock, FakeClock, SystemClock


async def test_sleepers_wake_in_order_of_time_and_then_of_arrival() -> None:
    clock = FakeClock(1000)
    woken: list[tuple[str, int]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now_ms()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 2.0), ("first", 1.0), ("second", 1.0), ("never", 9.0)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(2.0)
        assert woken == [("first", 2000), ("second", 2000), ("late", 3000)]
        assert clock.now_ms() == 3000
        await clock.advance(7.0)
    assert woken[-1] == ("never", 10_000)


async def test_sleeps_begun_on_waking_count_within_the_same_advance() -> None:
    clock = FakeClock()
    ticks: list[int] = []

    async def ticker() -> None:
        for _ in range(3):
            await clock.sleep(0.5)
            ticks.append(clock.now_ms())

    task = asyncio.create_task(ticker())
    await clock.advance(10.0)
    assert ticks == [500, 1000, 1500]
    await task


async def test_a_sleep_is_never_shorter_than_asked() -> None:
    clock = FakeClock()
    await clock.run(clock.sleep(0.0001))
    assert clock.now_ms() == 1
    await clock.run(clock.sleep(0.1 + 0.2))
    assert clock.now_ms() == 301


async def test_cancelled_sleepers_are_forgotten() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(1.0))
    await clock.advance(0.0)
    task.cancel()
    await clock.advance(2.0)
    assert task.cancelled()
    assert clock.now_ms() == 2000


@pytest.mark.parametrize("clock", [FakeClock(), SystemClock()])
async def test_wait_ends_with_the_event_or_the_time(clock: Clock) -> None:
    event = asyncio.Event()
    waiting = clock.wait(event, 0.01)
    assert not await (clock.run(waiting) if isinstance(clock, FakeClock) else waiting)
    event.set()
    assert await clock.wait(event, 3600.0)


async def test_fake_wait_leaves_no_sleeper_behind() -> None:
    clock = FakeClock()
    event = asyncio.Event()
    event.set()
    assert await clock.run(clock.wait(event, 3600.0))
    assert clock.now_ms() == 0
    await clock.run(clock.sleep(1.0))
    assert clock.now_ms() == 1000


async def test_the_same_seed_gives_the_same_history() -> None:
    async def history(seed: int) -> list[tuple[int, int]]:
        clock, random = FakeClock(), Random(seed)
        seen: list[tuple[int, int]] = []

        async def worker(number: int) -> None:
            for _ in range(5):
                await clock.sleep(random.uniform(0, 10))
                seen.append((number, clock.now_ms()))

        async def all_of_them() -> None:
            await asyncio.gather(*(worker(number) for number in range(4)))

        await clock.run(all_of_them())
        return seen

    assert await history(7) == await history(7) != await history(8)


async def test_a_journey_nobody_can_wake_is_reported_instead_of_hanging() -> None:
    with pytest.raises(RuntimeError, match="no sleeper"):
        await FakeClock().run(_forever())


async def _forever() -> None:
    await asyncio.Event().wait()
