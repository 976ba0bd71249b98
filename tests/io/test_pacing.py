from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.io.clock import FakeClock
from gateway.io.pacing import Pace, Paces

MANY = 1_000_000


class Callers:
    """Tasks that take a turn each, on a fake clock; ``started`` has their names and instants in order."""

    def __init__(self, in_flight_max: int = 1, per_minute_max: int = MANY) -> None:
        self.clock = FakeClock()
        self.pace = Pace(in_flight_max=in_flight_max, per_minute_max=per_minute_max, clock=self.clock)
        self.started: list[tuple[str, int]] = []
        self.running = 0
        self.most_running = 0
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def add(self, *names: str, urgent: bool = False, lasts_s: float = 1.0) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._call(name, urgent, lasts_s))
        await self.clock.advance(0)

    async def _call(self, name: str, urgent: bool, lasts_s: float) -> None:
        async with self.pace.turn(urgent=urgent):
            self.started.append((name, self.clock.now_ms()))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            await self.clock.sleep(lasts_s)
            self.running -= 1

    @property
    def names(self) -> str:
        return "".join(name for name, _ in self.started)


@asynccontextmanager
async def calling(in_flight_max: int = 1, per_minute_max: int = MANY) -> AsyncIterator[Callers]:
    callers = Callers(in_flight_max, per_minute_max)
    try:
        yield callers
    finally:
        for task in callers.tasks.values():
            task.cancel()
        await asyncio.gather(*callers.tasks.values(), return_exceptions=True)
        callers.pace.close()


async def test_no_more_are_in_flight_than_allowed_and_all_come_in_order() -> None:
    async with calling(in_flight_max=3) as callers:
        await callers.add(*"abcdefgh")
        assert callers.names == "abc"
        await callers.clock.advance(10)
        assert callers.names == "abcdefgh"
        assert callers.most_running == 3


async def test_urgent_ones_overtake_all_that_wait_and_keep_their_own_order() -> None:
    async with calling() as callers:
        await callers.add(*"abc")
        await callers.add(*"XY", urgent=True)
        await callers.add("d")
        await callers.clock.advance(10)
        assert callers.names == "aXYbcd"
        assert callers.most_running == 1


async def test_urgent_ones_overtake_those_held_back_by_the_rate() -> None:
    async with calling(in_flight_max=5, per_minute_max=1) as callers:
        await callers.add(*"abc")
        await callers.add("X", urgent=True)
        await callers.clock.advance(60)
        assert callers.started == [("a", 0), ("X", 60_000)]


async def test_call_that_fails_gives_its_turn_back() -> None:
    async with calling() as callers:
        with pytest.raises(ZeroDivisionError):
            async with callers.pace.turn():
                raise ZeroDivisionError
        await callers.add("a")
        assert callers.names == "a"


async def test_pause_holds_everybody_back_and_the_longest_one_counts() -> None:
    async with calling(in_flight_max=9) as callers:
        callers.pace.pause_until(30_000)
        await callers.add("a")
        await callers.add("X", urgent=True)
        await callers.clock.advance(10)
        callers.pace.pause_until(40_000)
        callers.pace.pause_until(20_000)
        await callers.clock.advance(100)
        assert callers.started == [("X", 40_000), ("a", 40_000)]


async def test_cancelled_callers_neither_keep_nor_block_a_turn() -> None:
    async with calling() as callers:
        await callers.add(*"abc")
        callers.tasks["b"].cancel()
        await callers.clock.advance(1)
        assert callers.names == "ac"
        callers.tasks["c"].cancel()
        await callers.add("d")
        assert callers.names == "acd"


async def test_turn_that_comes_together_with_the_cancellation_goes_to_the_next() -> None:
    async with calling() as callers:
        await callers.add(*"abc")
        callers.tasks["a"].cancel()
        await asyncio.sleep(0)  # a has left and b was let in, but has not run yet
        callers.tasks["b"].cancel()
        await callers.clock.advance(0)
        assert callers.names == "ac"


async def test_clock_set_back_does_not_stop_the_calls() -> None:
    async with calling(per_minute_max=6) as callers:
        await callers.clock.advance(3600)
        await callers.add("a", lasts_s=0)
        await callers.clock.advance(-3600)
        await callers.add("b", lasts_s=0)
        await callers.clock.advance(60)
        assert callers.names == "ab"


@pytest.mark.parametrize(("in_flight_max", "per_minute_max"), [(0, 1), (1, 0)])
def test_pace_that_lets_nobody_through_is_refused(in_flight_max: int, per_minute_max: int) -> None:
    with pytest.raises(ValueError, match="nobody"):
        Pace(in_flight_max=in_flight_max, per_minute_max=per_minute_max, clock=FakeClock())


@given(st.integers(1, 40), st.lists(st.floats(0, 20), min_size=1, max_size=60))
def test_no_minute_sees_more_than_allowed_and_nobody_waits_for_nothing(limit: int, gaps_s: list[float]) -> None:
    started = asyncio.run(_started(limit, gaps_s))
    assert len(started) == len(gaps_s)
    for first, later in zip(started, started[limit:], strict=False):
        assert later - first >= 60_000
    # A bucket that is refilled at the rate lets everybody through by then.
    assert started[-1] <= sum(gaps_s) * 1000 + 60_000 * (len(gaps_s) / limit + 1) * 1.2 + 1000


async def _started(limit: int, gaps_s: list[float]) -> list[int]:
    async with calling(in_flight_max=100, per_minute_max=limit) as callers:
        for number, gap_s in enumerate(gaps_s):
            await callers.clock.advance(gap_s)
            await callers.add(f"{number},", lasts_s=0)
        while any(not task.done() for task in callers.tasks.values()):
            await callers.clock.advance(60)
        return [at_ms for _, at_ms in callers.started]


async def test_the_whole_allowance_of_a_minute_can_be_used() -> None:
    async with calling(in_flight_max=100, per_minute_max=60) as callers:
        await callers.add(*(f"{number}," for number in range(100)), lasts_s=0)
        assert len(callers.started) == 6  # a tenth at once
        await callers.clock.advance(59.999)
        assert len(callers.started) == 60


async def test_each_connection_has_one_pace_of_its_own() -> None:
    paces = Paces(FakeClock())
    async with paces.of("slow", per_minute_max=MANY, in_flight_max=1).turn():
        behind, beside = (
            asyncio.create_task(took_turn(paces.of(name, per_minute_max=MANY, in_flight_max=1)))
            for name in ("slow", "fast")
        )
        await asyncio.sleep(0)
        assert (behind.done(), beside.done()) == (False, True)
    await behind


async def took_turn(pace: Pace) -> None:
    async with pace.turn():
        pass
