"""Stay dates as plain integers, because calendars add, compare and slice them millions of times.

A *day* is the proleptic Gregorian ordinal of :meth:`datetime.date.toordinal`; as a stay date it is the night that
begins on it. Weekdays are a mask of seven bits, bit 0 for Monday. Instants are milliseconds since 1970 UTC.
No time zone enters here: a stay date is the hotel's own, so neither DST nor a server's clock can shift it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.errors import Malformed, Reason

Day = int
Weekdays = int
Instant = int

ALL_WEEK: Weekdays = 0b1111111
BLOCK_DAYS = 32
FIRST_DAY: Day = date(1990, 1, 1).toordinal()
LAST_DAY: Day = date(2199, 12, 31).toordinal()
# date.fromisoformat also reads the other forms of ISO 8601: week dates, and dates without dashes.
_CALENDAR_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=4096)
def parse_day(text: str) -> Day:
    """The day written as ``YYYY-MM-DD``; raises :class:`Malformed` for anything else or an impossible date."""
    try:
        if not _CALENDAR_DATE.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text).toordinal()
    except ValueError:
        raise Malformed(f"{text[:40]!r} is not a date (YYYY-MM-DD)", Reason.INVALID_DATE) from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Malformed(f"{text!r} is outside the years 1990 to 2199", Reason.INVALID_DATE)
    return day


@lru_cache(maxsize=4096)
def format_day(day: Day) -> str:
    """``YYYY-MM-DD``."""
    return date.fromordinal(day).isoformat()


def weekday(day: Day) -> int:
    """0 for Monday to 6 for Sunday."""
    return (day - 1) % 7


def blocks_of(first: Day, last: Day) -> range:
    """The aligned blocks of 32 days touched by the inclusive range."""
    return range(first // BLOCK_DAYS, last // BLOCK_DAYS + 1)


def days_in(first: Day, last: Day, weekdays: Weekdays = ALL_WEEK) -> Iterator[Day]:
    """The days of the inclusive range whose weekday is in the mask."""
    return (day for day in range(first, last + 1) if weekdays >> weekday(day) & 1)


def now_ms() -> Instant:
    """This instant. Only the outer rooms call it; the engine is given its time."""
    return time.time_ns() // 1_000_000


def local_day(at_ms: Instant, zone: str) -> Day:
    """The calendar day it is in ``zone`` (an IANA name) at that instant."""
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).date().toordinal()


def day_start_ms(day: Day, zone: str) -> Instant:
    """The instant at which the calendar day begins in ``zone``."""
    return int(datetime.combine(date.fromordinal(day), datetime.min.time(), ZoneInfo(zone)).timestamp() * 1000)


def format_instant(at_ms: Instant) -> str:
    """ISO 8601 in UTC with seconds, ``2031-01-05T08:00:00Z``."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
