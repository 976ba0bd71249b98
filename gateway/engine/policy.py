"""What a booking owes by its terms: when it is made, when it is cancelled, and when nobody comes."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.engine.taxes import percent_of
from gateway.model.dates import Instant
from gateway.model.selling import Guarantee, Policy, Share

NO_POLICY = Policy("", "")
_NOTHING = Share()
_HOUR_MS = 3_600_000


def share_of(share: Share, nightly: Sequence[int], units: int) -> int:
    """The share in minor units, of ``units`` rooms at these prices; never more than what they cost."""
    whole = sum(nightly) * units
    nights = sum(nightly[: share.nights]) * units
    return min(whole, nights + percent_of(whole, share.percent_bp) + share.amount * units)


def due_at_booking(policy: Policy, nightly: Sequence[int], units: int, total: int) -> int:
    """What is to be paid at once: everything, where the rate is prepaid."""
    if policy.guarantee is Guarantee.PREPAID:
        return total
    return share_of(policy.deposit, nightly, units) if policy.deposit != _NOTHING else 0


def penalty_of(policy: Policy, now_ms: Instant, arrival_ms: Instant) -> Share:
    """What cancelling costs now: the step with the least time before arrival among those that have begun."""
    left_ms = arrival_ms - now_ms
    begun = [step for step in policy.steps if step.within_h is None or left_ms < step.within_h * _HOUR_MS]
    if not begun:
        return Share()
    return min(begun, key=lambda step: float("inf") if step.within_h is None else step.within_h).penalty


def free_until(policy: Policy, arrival_ms: Instant) -> Instant | None:
    """Until when cancelling costs nothing; None if it never does, and the arrival if it always does."""
    costly = [step for step in policy.steps if step.penalty != Share()]
    if any(step.within_h is None for step in costly):
        return None
    return arrival_ms - max((step.within_h or 0 for step in costly), default=0) * _HOUR_MS
