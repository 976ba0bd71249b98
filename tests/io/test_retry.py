from __future__ import annotations

from random import Random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CallFailed, OutcomeUnknown, Rejected, Retryable
from gateway.io.clock import FakeClock
from gateway.io.retry import backoff_s, with_retries


class Calls:
    """Fails as scripted, then answers; notes when it was called."""

    def __init__(self, clock: FakeClock, *failures: Exception) -> None:
        self.clock = clock
        self.failures = list(failures)
        self.at_ms: list[int] = []

    async def __call__(self) -> str:
        self.at_ms.append(self.clock.now_ms())
        if self.failures:
            raise self.failures.pop(0)
        return "done"


async def tried(calls: Calls, attempts: int = 3, first_s: float = 1.0, max_s: float = 60.0) -> str:
    return await calls.clock.run(
        with_retries(calls, attempts=attempts, first_s=first_s, max_s=max_s, clock=calls.clock, random=Random(1))
    )


async def test_what_did_not_happen_is_tried_again_with_pauses() -> None:
    calls = Calls(FakeClock(), Retryable("a"), Retryable("b"))
    assert await tried(calls) == "done"
    first, second, third = calls.at_ms
    assert first == 0 < second <= 1000
    assert second < third <= second + 2000


async def test_the_last_failure_is_raised_as_it_was() -> None:
    last = Retryable("c")
    calls = Calls(FakeClock(), Retryable("a"), Retryable("b"), last)
    with pytest.raises(Retryable) as raised:
        await tried(calls)
    assert raised.value is last
    assert len(calls.at_ms) == 3


@pytest.mark.parametrize("failure", [OutcomeUnknown("?"), Rejected("no"), CallFailed("?"), ValueError("bug")])
async def test_nothing_else_is_ever_repeated(failure: Exception) -> None:
    calls = Calls(FakeClock(), failure)
    with pytest.raises(type(failure)):
        await tried(calls, attempts=5)
    assert len(calls.at_ms) == 1


async def test_their_wish_is_kept_with_the_jitter_on_top() -> None:
    calls = Calls(FakeClock(), Retryable("busy", after_s=30.0))
    await tried(calls)
    assert 30_000 < calls.at_ms[1] <= 31_000


async def test_a_wish_longer_than_we_stand_by_is_left_to_the_caller() -> None:
    calls = Calls(FakeClock(), Retryable("busy", after_s=3600.0))
    with pytest.raises(Retryable) as raised:
        await tried(calls, max_s=60.0)
    assert raised.value.after_s == 3600.0
    assert calls.at_ms == [0]


@given(st.integers(1, 5000), st.floats(0.01, 10), st.floats(10, 86_400), st.integers())
def test_backoff_stays_below_the_doubled_delay_and_the_limit(
    attempt: int, first_s: float, max_s: float, seed: int
) -> None:
    waited_s = backoff_s(attempt, first_s, max_s, Random(seed))
    assert 0 <= waited_s <= max_s
    assert waited_s <= first_s * 2 ** min(attempt - 1, 40) or attempt > 41


def test_backoff_draws_from_the_whole_span() -> None:
    random = Random(3)
    drawn = [backoff_s(4, 1.0, 3600.0, random) for _ in range(2000)]
    assert min(drawn) < 0.1
    assert max(drawn) > 7.9
    assert mean(drawn) == pytest.approx(4.0, abs=0.2)
