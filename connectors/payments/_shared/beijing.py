"""Instants as the gateways of mainland China write them: UTC+8 all year, mostly without saying so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from gateway.model.dates import Day, Instant

ZONE = timezone(timedelta(hours=8))
DASHED = "%Y-%m-%d %H:%M:%S"
COMPACT = "%Y%m%d%H%M%S"
_COMPACT_DIGITS = 14
_DAY_MS = 24 * 3600 * 1000


def written(at_ms: Instant, pattern: str) -> str:
    """The instant in UTC+8, without a zone."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZONE).strftime(pattern)


def with_offset(at_ms: Instant) -> str:
    """RFC 3339, ``2031-01-04T16:00:00+08:00``."""
    return datetime.fromtimestamp(at_ms // 1000, ZONE).isoformat()


def instant_of(text: str) -> Instant | None:
    """Milliseconds, or None where the text is no instant: nothing is decided by it.

    Either 14 digits or ISO 8601, with or without an offset and with any number of decimal places.
    """
    if len(text) == _COMPACT_DIGITS and text.isdecimal():
        text = f"{text[:8]}T{text[8:]}"
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=ZONE)
        return int(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def clearing_day(at_ms: Instant, cut_off_hour: int) -> tuple[Day, Instant]:
    """The day whose books an instant belongs to, where days end at ``cut_off_hour``, and how long that day still lasts.

    What comes after the cut-off belongs to the next calendar day.
    """
    shifted = datetime.fromtimestamp(at_ms / 1000, ZONE) + timedelta(hours=24 - cut_off_hour)
    begun_ms = ((shifted.hour * 60 + shifted.minute) * 60 + shifted.second) * 1000
    return shifted.date().toordinal(), _DAY_MS - begun_ms
