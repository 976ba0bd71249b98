"""Adyen's instants: ISO 8601 with an offset, or with a zone in a column of its own."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.model.dates import Instant


def instant_of(text: str, zone: str = "") -> Instant | None:
    """Milliseconds, or None where the text is no instant: nothing is decided by it."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            if not zone:
                return None
            found = found.replace(tzinfo=ZoneInfo(zone))
        return int(found.timestamp() * 1000)
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None
