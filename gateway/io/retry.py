"""When to try again: at once for a call in hand, over hours for a delivery.

Only :class:`gateway.errors.Retryable` is ever repeated. After :class:`gateway.errors.OutcomeUnknown` the caller has to
ask or to assert the present state, which no loop can do for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import tenacity

from gateway.errors import Retryable
from gateway.io.clock import Clock

T = TypeVar("T")

# 2 to this power times any first delay is beyond any sensible ``max_s``, and a float still holds it.
DOUBLINGS_MAX = 64


def backoff_s(attempt: int, first_s: float, max_s: float, random: Random) -> float:
    """How long to wait after that failed attempt (counted from 1): anything from 0 to ``first_s`` doubled each time.

    The whole span is drawn from ("full jitter", M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog,
    2015), so callers that failed together do not come back together.
    """
    ceiling_s: float = min(max_s, first_s * 2 ** min(attempt - 1, DOUBLINGS_MAX))
    return random.uniform(0, ceiling_s)


async def with_retries(
    call: Callable[[], Awaitable[T]], *, attempts: int, first_s: float, max_s: float, clock: Clock, random: Random
) -> T:
    """The call's result, or the last attempt's error.

    A counterpart's ``after_s`` is kept to, with the jitter on top. One longer than ``max_s`` is raised at once: that
    wait belongs into a schedule, not into a worker that stands by.
    """

    def may_be_repeated(error: BaseException) -> bool:
        return isinstance(error, Retryable) and (error.after_s or 0.0) <= max_s

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = (error.after_s or 0.0) if isinstance(error, Retryable) else 0.0
        return asked_s + backoff_s(state.attempt_number, first_s, max_s, random)

    retrying = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(attempts),
        retry=tenacity.retry_if_exception(may_be_repeated),
        wait=wait_s,
        sleep=clock.sleep,
        reraise=True,
    )
    return await retrying(call)
