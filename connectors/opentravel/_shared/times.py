"""OpenTravel's dateTime and duration spellings, with the deviations that occur (sheet, sections 2 and 3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.errors import Malformed, Reason
from gateway.model.dates import Instant

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?\s*(Z|([+-])(\d\d?)(?::?(\d\d))?)?", re.ASCII
)
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:\d{1,6}S)?)?", re.ASCII)
_NIGHTS = re.compile(r"P(\d{1,4})[ND]", re.ASCII)


@lru_cache(maxsize=4096)
def parse_instant(text: str, zone: str = "UTC") -> Instant:
    """A dateTime in milliseconds; without a zone of its own it is the hotel's time in ``zone`` (an IANA name)."""
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        raise Malformed(f"{text!r} is not a date and time", Reason.INVALID_DATE)
    year, month, day, hour, minute, second, fraction, written, sign, hours, minutes = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            int((fraction or "0")[:3].ljust(3, "0")) * 1000,
            _zone(written, sign, hours, minutes, zone),
        )  # fmt: skip
        since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Malformed(f"{text!r} is not a date and time", Reason.INVALID_DATE) from None
    return since // timedelta(milliseconds=1)


def _zone(written: str | None, sign: str, hours: str, minutes: str | None, zone: str) -> timezone | ZoneInfo:
    if written is None:
        return ZoneInfo(zone)
    if written == "Z":
        return UTC
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)


def format_instant_ms(at_ms: Instant) -> str:
    """``2031-01-05T08:00:00Z``, with milliseconds where there are some: they order revisions of a booking."""
    second, millisecond = divmod(at_ms, 1000)
    return f"{_second(second)}.{millisecond:03}Z" if millisecond else f"{_second(second)}Z"


@lru_cache(maxsize=16)
def _second(since: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=since)).isoformat()[:19]


@lru_cache(maxsize=1024)
def parse_offset_h(text: str) -> int:
    """A booking offset in hours: an ISO duration, or (Google) a bare number of days. A part of an hour counts whole."""
    if text.isascii() and text.isdigit() and len(text) <= 5:
        return int(text) * 24
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise Malformed(f"{text!r} is not a duration", Reason.INVALID_VALUE)
    weeks, days, hours, minutes = (int(part or 0) for part in match.groups())
    return (weeks * 7 + days) * 24 + hours + -(-minutes // 60)


def format_offset(hours: int) -> str:
    """``P2D`` for whole days, else ``PT6H``."""
    days, rest = divmod(hours, 24)
    return f"PT{hours}H" if rest else f"P{days}D"


def parse_nights(text: str) -> int:
    """``P3N`` or ``P3D``."""
    match = _NIGHTS.fullmatch(text)
    if match is None:
        raise Malformed(f"{text!r} is not a number of nights", Reason.INVALID_VALUE)
    return int(match[1])
