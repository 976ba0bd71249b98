"""How long the number of a card is kept (PCI DSS 3.2.1: as long as it is needed, and no longer)."""

from __future__ import annotations

from gateway.model.dates import Day, Instant, day_start_ms

DAYS_MAX = 60
DAY_MS = 86_400_000


def ends_ms(departure: Day, cancelled_ms: Instant | None, days: int, zone: str) -> Instant:
    """When a card is to be purged: ``days`` after the departure or the cancellation, whichever is first.

    Days are those of ``zone``, and the last one is whole. So long a hotel may still have to charge extras, a no-show or
    a penalty.
    """
    left = day_start_ms(departure + days + 1, zone)
    return left if cancelled_ms is None else min(left, cancelled_ms + days * DAY_MS)


def look_ms(ends: Instant, now_ms: Instant) -> Instant:
    """When to look again: bookings are changed and cancelled without anybody thinking of their cards."""
    return min(ends, now_ms + DAY_MS)
