"""Dates, weekday masks, durations and time stamps.

A day is the proleptic ordinal of `datetime.date` (int), and means the night beginning on that date. Ranges include
both ends (sheet, section 2). Times are epoch seconds (float), UTC.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import msgspec

from simulators.opentravel.xml import Node, attr, flag

WEEKDAYS = ("Mon", "Tue", "Weds", "Thur", "Fri", "Sat", "Sun")
ALL_DAYS = (True,) * 7
SECONDS_PER_DAY = 86_400

T = TypeVar("T")

_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)[DN])?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?\s*(Z|[+-]\d{1,2}(?::?\d\d)?)?")


class Span(msgspec.Struct, frozen=True):
    """First and last day, both included, and the weekdays (Monday first) that count."""

    first: int
    last: int
    weekdays: tuple[bool, ...] = ALL_DAYS

    def days(self) -> Iterator[int]:
        for day in range(self.first, self.last + 1):
            # Ordinal 1 (0001-01-01) was a Monday.
            if self.weekdays[(day - 1) % 7]:
                yield day


def to_day(text: str) -> int:
    """`2031-02-01` as a day number. Raises ValueError."""
    if len(text) != 10:
        raise ValueError(f"{text!r} is not a date")
    return date.fromisoformat(text).toordinal()


def to_text(day: int) -> str:
    return date.fromordinal(day).isoformat()


def day_of(now: float) -> int:
    """The UTC date of an epoch time."""
    return datetime.fromtimestamp(now, UTC).date().toordinal()


def midnight(day: int) -> float:
    """Epoch seconds of 00:00 UTC on a day."""
    start = date.fromordinal(day)
    return datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()


def weekdays_of(node: Node) -> tuple[bool, ...]:
    """The weekday mask of an element.

    None present: all days. Any true: the missing ones are false. Only false ones present: the missing are true.
    """
    given = [flag(attr(node, key)) for key in WEEKDAYS]
    missing = not any(given)
    return tuple(missing if value is None else value for value in given)


def nights_of_duration(text: str) -> int:
    """`P3N` or `P3D` as nights. Raises ValueError."""
    seconds = duration_s(text)
    if seconds % SECONDS_PER_DAY:
        raise ValueError(f"{text!r} is not a number of nights")
    return seconds // SECONDS_PER_DAY


def duration_s(text: str) -> int:
    """An ISO duration, or a bare integer of days, in seconds. Raises ValueError."""
    if text.isdigit():
        return int(text) * SECONDS_PER_DAY
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not a duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds


def duration_text(seconds: int) -> str:
    """Seconds as `P2D` where they are whole days, else as `PT6H30M`."""
    days, rest = divmod(seconds, SECONDS_PER_DAY)
    if rest == 0:
        return f"P{days}D"
    hours, rest = divmod(seconds, 3600)
    return f"PT{hours}H" + (f"{rest // 60}M" if rest else "")


def stamp(now: float) -> str:
    """Epoch seconds as `2031-01-05T08:00:00.250Z`."""
    moment = datetime.fromtimestamp(now, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_stamp(text: str) -> float:
    """A dateTime as epoch seconds; tolerates `±hhmm`, `±h`, no zone (UTC) and any number of fraction digits."""
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time")
    base, fraction, zone = match.groups()
    moment = datetime.fromisoformat(base).replace(tzinfo=UTC) - _zone_offset(zone)
    return moment.timestamp() + (float(f"0.{fraction}") if fraction else 0.0)


def _zone_offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return offset if zone[0] == "+" else -offset


def runs(cells: Iterable[tuple[int, T]]) -> list[tuple[int, int, T]]:
    """(day, value) pairs in day order as (first, last, value), merging neighbouring days of equal value."""
    found: list[tuple[int, int, T]] = []
    for day, value in cells:
        if found and found[-1][1] == day - 1 and found[-1][2] == value:
            found[-1] = (found[-1][0], day, value)
        else:
            found.append((day, day, value))
    return found
